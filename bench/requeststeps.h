/* requeststeps - what each step of a request costs, where it runs: the linker (--wrap) sends calls between
 * files past a clock.
 *
 * Steps nest; a step's time is its own, without that of the steps in it. One thread.
 */
#ifndef KW_BENCH_REQUESTSTEPS_H
#define KW_BENCH_REQUESTSTEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kw_requeststep {
    KW_STEP_RECEIVE, /* this and SEND: the connection's and the kernel's (requestwire.h) */
    KW_STEP_PARSE,
    KW_STEP_IDS,
    KW_STEP_CLAIM,
    KW_STEP_SIGNATURE,
    KW_STEP_AUTHENTICATE,
    KW_STEP_JSON,
    KW_STEP_SHAPE,
    KW_STEP_FIND_KEY,
    KW_STEP_AUTHORISE,
    KW_STEP_CONTEXT,
    KW_STEP_POP,
    KW_STEP_RELEASE,
    KW_STEP_WRAP,
    KW_STEP_ENCODE,
    KW_STEP_RECORD,
    KW_STEP_SUBMIT,
    KW_STEP_ANSWER,
    KW_STEP_SEND,
    KW_STEP_REST, /* of the service: what is between the steps */
    KW_STEP_NUM,
};

const char *kw_requeststep_name(enum kw_requeststep step);
/* What is in it, for people. */
const char *kw_requeststep_help(enum kw_requeststep step);

/* Off, the wrapped functions are only called. */
void kw_requeststeps_on(bool on);
struct kw_requeststep_time {
    uint32_t ticks; /* of the clock */
    uint32_t looks; /* at the clock, whose cost is in the ticks */
};
/* The time since the last call to this, by step. */
void kw_requeststeps_take(struct kw_requeststep_time ret[KW_STEP_NUM]);
/* What one look costs. */
double kw_requeststeps_look_ticks(void);
void kw_requeststep_enter(enum kw_requeststep step);
void kw_requeststep_leave(void);
/* Nanoseconds of a tick. */
double kw_requeststeps_tick_ns(void);

#endif
