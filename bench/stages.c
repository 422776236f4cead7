#include "bench/stages.h"

#include <math.h>

static const char *const names[KW_STAGE_NUM] = {
    [KW_STAGE_AUXILIARY] = "auxiliary",
    [KW_STAGE_SIEVE] = "sieve",
    [KW_STAGE_FILTER] = "filter",
    [KW_STAGE_ROUNDS] = "miller_rabin",
    [KW_STAGE_CRT] = "crt",
    [KW_STAGE_CONSISTENCY] = "pairwise_test",
    [KW_STAGE_ENCODING] = "encoding",
    [KW_STAGE_OTHER] = "other",
};

const char *kw_stage_name(enum kw_stage stage)
{
    kw_assert((unsigned)stage < KW_STAGE_NUM);
    return names[stage];
}

static bool tells(const struct kw_generator *generator)
{
    return generator->ops == &kw_generator_rsa_avx512ifma || generator->ops == &kw_generator_rsa_portable;
}

bool kw_stages_mark(const struct kw_generator *generator, struct kw_rsa_stats *ret)
{
    *ret = (struct kw_rsa_stats){.pairs = 0};
    if (!tells(generator))
        return false;
    kw_generator_rsa_stats(generator, ret);
    return true;
}

static double quotient(uint64_t a, uint64_t b)
{
    return b > 0 ? (double)a / (double)b : NAN;
}

/* The stages' own clocks and ours may differ by a hair: nothing is below 0. */
static void share_out(const struct kw_rsa_stats *now, const struct kw_rsa_stats *mark, double wall_s,
    double share[KW_STAGE_NUM])
{
    const uint64_t spent_ns[KW_STAGE_OTHER] = {
        [KW_STAGE_AUXILIARY] = now->auxiliary_ns - mark->auxiliary_ns,
        [KW_STAGE_SIEVE] = now->sieve_ns - mark->sieve_ns,
        [KW_STAGE_FILTER] = now->filter_ns - mark->filter_ns,
        [KW_STAGE_ROUNDS] = now->rounds_ns - mark->rounds_ns,
        [KW_STAGE_CRT] = now->derive_ns - mark->derive_ns,
        [KW_STAGE_CONSISTENCY] = now->consistency_ns - mark->consistency_ns,
        [KW_STAGE_ENCODING] = now->encode_ns - mark->encode_ns,
    };
    double sum = 0;

    for (size_t i = 0; i < KW_STAGE_OTHER; i++) {
        share[i] = (double)spent_ns[i] / 1e9 / wall_s;
        sum += share[i];
    }
    share[KW_STAGE_OTHER] = fmax(1 - sum, 0);
}

void kw_stages_since(const struct kw_generator *generator, const struct kw_rsa_stats *mark,
    const struct kw_turn *turns, struct kw_stages *ret)
{
    struct kw_rsa_stats now;
    uint64_t candidates;

    *ret = (struct kw_stages){.known = kw_stages_mark(generator, &now) && turns->wall_s > 0};
    if (!ret->known)
        return;
    kw_generator_rsa_plan(generator, &ret->plan);
    candidates = now.candidates - mark->candidates;
    ret->tests_per_prime = quotient(candidates, now.primes - mark->primes);
    ret->rounds_per_prime = quotient(now.rounds - mark->rounds, now.primes - mark->primes);
    ret->test_ns = quotient(now.filter_ns - mark->filter_ns, candidates) * turns->cpu_s / turns->wall_s;
    ret->lane_use = quotient(candidates, (now.filter_batches - mark->filter_batches) * ret->plan.lanes);
    share_out(&now, mark, turns->wall_s, ret->share);
}
