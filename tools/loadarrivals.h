/* loadarrivals - when requests are due, fixed by rate, kind and seed before the first is sent.
 *
 * With bursts, time counts only while one lasts: the clock of the gaps stands still between bursts, so the
 * mean over whole periods stays the rate. One owner thread each.
 */
#ifndef KW_TOOLS_LOADARRIVALS_H
#define KW_TOOLS_LOADARRIVALS_H

#include "pool/base.h"

struct kw_load_arrivals {
    bool poisson;             /* gaps are exponential instead of equal */
    uint64_t on_ns, quiet_ns; /* a burst, from the start on, and the quiet after it; on_ns 0: no bursts */
    double gap_ns;            /* the mean, in a burst */
    uint64_t num;             /* gaps so far */
    uint64_t clock_ns;        /* time in bursts until the last one ended */
    uint64_t random;          /* state, never 0 */
};

/* kw_load_random() - xorshift64* (Vigna 2016): the next number of a state that is not 0. */
uint64_t kw_load_random(uint64_t *state);

/* kw_load_arrivals_init() - In: gap_ns, the mean gap over all time, of this thread's requests, > 0; on_ns,
 * quiet_ns of bursts, on_ns 0 for none; seed: the same one gives the same moments. */
void kw_load_arrivals_init(struct kw_load_arrivals *arrivals, bool poisson, double gap_ns, uint64_t on_ns,
    uint64_t quiet_ns, uint64_t seed);

/* kw_load_arrivals_next() - Returns: when the next request is due, in ns since the start, not before the one
 * that was returned last. The request at 0 is not among them. */
uint64_t kw_load_arrivals_next(struct kw_load_arrivals *arrivals);

#endif
