/* requestfloors - the least work of each step, done by itself on the same CPU in the same run: a hash of the
 * same bytes, a copy of the same length, one compare-and-swap. */
#ifndef KW_BENCH_REQUESTFLOORS_H
#define KW_BENCH_REQUESTFLOORS_H

#include "bench/requeststeps.h"
#include "pool/bytes.h"

struct kw_requestfloor_sizes {
    struct kw_bytes head, body;
    size_t private_len, answer_len;
};

/* What the floor of a step is, for people; NULL: the step has none here. */
const char *kw_requestfloor_help(enum kw_requeststep step);
/* Nanoseconds of one time, the mean of a batch. Aborts on failure. */
double kw_requestfloor_sample(enum kw_requeststep step, const struct kw_requestfloor_sizes *sizes);

#endif
