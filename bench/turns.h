/* turns - what somebody who makes key pairs did in turns on a core, and the rate that follows.
 *
 * Rates come from the CPU time of the thread that works: on a machine that is shared, wall time also counts
 * what others do. Nothing here keeps state between calls but the sums that the caller owns. Thread-safe.
 */
#ifndef KW_BENCH_TURNS_H
#define KW_BENCH_TURNS_H

#include "pool/base.h"

/* One turn. */
struct kw_turn {
    uint64_t pairs;    /* finished in it */
    uint64_t failures; /* kept out by their consistency test */
    double cpu_s;      /* CPU time of the thread */
    double wall_s;
};

/* The sum of several turns, with what the standard error needs. All zero: no turn yet. */
struct kw_turns {
    struct kw_turn sum;
    uint64_t num;
    double pairs_squared; /* sum of pairs^2 */
    double pairs_by_cpu;  /* sum of pairs * cpu_s */
    double cpu_squared;   /* sum of cpu_s^2 */
};

/* A figure with its standard error. Both are NAN where there is none. */
struct kw_figure {
    double value;
    double error;
};

void kw_turns_add(struct kw_turns *turns, const struct kw_turn *turn);
/* kw_turns_rate() - pairs per second of CPU time. The standard error is that of a ratio of two sums over the
 * turns, so it needs nothing about how the times of pairs are distributed, nor that searches in several lanes
 * are independent within a turn. Of fewer than eight turns it is at least what it would be if pairs came by
 * chance at a constant rate. */
struct kw_figure kw_turns_rate(const struct kw_turns *turns);
/* a / b, their errors taken as independent; NAN if either is missing or b is 0. */
struct kw_figure kw_figure_ratio(struct kw_figure a, struct kw_figure b);

/* CPU time of the calling thread, in seconds. */
double kw_cpu_seconds(void);
/* CLOCK_MONOTONIC, in seconds. */
double kw_wall_seconds(void);

/* kw_pin() - keeps the calling thread, and what it starts, on one core. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_pin(unsigned cpu);

#endif
