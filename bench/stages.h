/* stages - what our RSA generator spent its time on, between two moments. */
#ifndef KW_BENCH_STAGES_H
#define KW_BENCH_STAGES_H

#include "bench/turns.h"
#include "engine/rsa/generator_rsa.h"

enum kw_stage {
    KW_STAGE_AUXILIARY, /* auxiliary primes */
    KW_STAGE_SIEVE,
    KW_STAGE_FILTER, /* base-2 tests */
    KW_STAGE_ROUNDS, /* Miller-Rabin */
    KW_STAGE_CRT,    /* d, dP, dQ, qInv */
    KW_STAGE_CONSISTENCY,
    KW_STAGE_ENCODING,
    KW_STAGE_OTHER,
    KW_STAGE_NUM,
};

/* Of no meaning unless known; figures that need a prime or a test and have none are NAN. */
struct kw_stages {
    bool known; /* the generator is one that tells */
    struct kw_rsa_plan plan;
    double tests_per_prime;  /* candidates tested for each prime */
    double rounds_per_prime; /* rounds, those of composites that passed the filter included */
    double test_ns;          /* CPU time of the filter per candidate */
    double lane_use;         /* lanes that worked in the filter, of all */
    double share[KW_STAGE_NUM];
};

/* "filter", as in the JSON. */
const char *kw_stage_name(enum kw_stage stage);

/* kw_stages_mark() - reads the counters; false, and all zero, if the generator has none. */
bool kw_stages_mark(const struct kw_generator *generator, struct kw_rsa_stats *ret);
/* kw_stages_since() - what happened since mark, in the generator's turns. It measures its stages by wall
 * time; what others took of the core falls on all stages alike, so shares are of wall time and times are
 * brought down to CPU time. */
void kw_stages_since(const struct kw_generator *generator, const struct kw_rsa_stats *mark,
    const struct kw_turn *turns, struct kw_stages *ret);

#endif
