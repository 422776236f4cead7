/* service_internal - a serving thread and a call's way through it, for the files of the service.
 *
 * service.c makes calls of requests, service_run.c runs them and carries changes to the keystore,
 * service_line.c keeps those that wait for pairs, service_wait.c those that wait for tokens and the time,
 * service_answer.c records and answers. All on the serving thread, but for what service_run.c says.
 */
#ifndef KW_API_SERVICE_INTERNAL_H
#define KW_API_SERVICE_INTERNAL_H

#include "api/call.h"
#include "api/log.h"
#include "api/service.h"
#include "api/session.h"
#include "api/waitlist.h"

struct kw_service_thread {
    struct kw_service *service;
    struct kw_wrapper *wrapper;
    struct kw_mac mac;
    struct kw_sigv4_engine *sigv4;
    struct kw_session_sealer *sealer;
    struct kw_session_cache *sessions;
    uint32_t reader; /* of the snapshot cell */
    struct kw_mailbox store_mail, audit_mail, chore_mail, token_mail;
    struct kw_chores *chores;
    uint32_t num_chores; /* on their way */
    uint32_t num_long;   /* of those, the ones that hold up others */
    struct kw_waitlist waiting;
    struct kw_waithead *head;                       /* what the other threads see of it */
    struct kw_forge_order *orders[KW_ONDEMAND_MAX]; /* pairs that are being made for those who wait */
    unsigned num_orders;
    unsigned turn;                        /* counts ticks: which spec is looked at first */
    uint64_t yielding_ns[KW_SPEC_NUM];    /* since when others have been let go first; 0: they are not */
    struct kw_call *asking, **asking_end; /* calls that wait for tokens, in the order of their deadlines */
    struct kw_log_limit stranger_log;     /* for what cannot be authenticated */
    struct kw_log_limit internal_log;     /* for calls that failed here */
    struct kw_log_limit throttle_log;     /* for calls that came too often to be recorded */
    struct kw_call *kept;                 /* calls that are over, for the next requests */
    unsigned num_kept;
    struct kw_inbox_node *records, **records_end; /* of this turn, for the log */
};

/* Returns: 0 | <0 */
KW_MUST_CHECK int kw_service_uuid(struct kw_service_thread *thread, char ret[37]);

/* ---- answering (service_answer.c) ---- */

/* The call of a request: one that was kept, or a new one. NULL: out of memory. */
struct kw_call *kw_service_call_new(struct kw_service_thread *thread, struct kw_exchange *exchange);
/* At the end of the thread: those that were kept. */
void kw_service_calls_free(struct kw_service_thread *thread);
/* Sends the answer or the error, and ends the call. */
void kw_service_answer(struct kw_call *call);
/* Ends it with an error, since nothing can be recorded. */
void kw_service_refuse_unaudited(struct kw_call *call);
/* Sends the record of an intent, or of how the call went, to the log when the turn ends;
 * kw_service_on_audited() goes on. */
void kw_service_record(struct kw_call *call);
/* Hands the turn's records over: one wake-up of the log's thread for all of them. */
void kw_service_end_turn(void *ctx);
/* All that the operation had to do is done or refused: on record, and then answered. */
void kw_service_finish(struct kw_call *call);

/* ---- running (service_run.c) ---- */

/* Calls function with the newest picture in call->snapshot. */
int kw_service_with_snapshot(struct kw_call *call, int (*function)(struct kw_call *));
void kw_service_run(struct kw_call *call);
/* What follows from a result of an operation's function. */
void kw_service_go_on(struct kw_call *call, int result);
/* What comes back through the mailboxes. */
void kw_service_on_audited(void *arg, struct kw_inbox_node *node);
void kw_service_on_chore(void *arg, struct kw_inbox_node *node);
void kw_service_on_stored(void *arg, struct kw_inbox_node *node);

/* ---- waiting for pairs (service_line.c) ---- */

/* Returns: 0 | <0 */
KW_MUST_CHECK int kw_service_line_init(struct kw_service_thread *thread);
/* Nobody is in line any more. All zero is fine. */
void kw_service_line_done(struct kw_service_thread *thread);
/* Its operation found no pair: what the policy of the spec says. */
void kw_service_wait_for_pool(struct kw_call *call);
/* Its operation has ended, with or without a pair: out of the line, and counted. */
void kw_service_leave_pool(struct kw_call *call);
/* Serves those whose turn it is; returns true if somebody waits still. */
bool kw_service_line_tick(struct kw_service_thread *thread, uint64_t now_ns);
void kw_service_line_give_up(struct kw_service_thread *thread);

/* ---- waiting for tokens, and time (service_wait.c) ---- */

void kw_service_wait_for_token(struct kw_call *call);
void kw_service_on_token(void *arg, struct kw_inbox_node *node);
bool kw_service_tick(void *ctx, uint64_t now_ns);
void kw_service_give_up(void *ctx);

#endif
