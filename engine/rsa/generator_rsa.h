/* generator_rsa - RSA key pairs by FIPS 186-5 A.1.6, many searches in step (docs/rsa-key-generation.md).
 *
 * One generator has a search in each lane of its kernel and more in store. When a search ends, its lane takes
 * the next prepared progression; primes that passed the filter wait until their Miller-Rabin rounds fill a
 * batch, and so do the CRT halves of the consistency tests. All of it is secret memory, kept between runs.
 */
#ifndef KW_ENGINE_RSA_GENERATOR_RSA_H
#define KW_ENGINE_RSA_GENERATOR_RSA_H

#include "engine/generator.h"

/* "rsa-avx512ifma": RSA specs, where the path is KW_CPU_AVX512IFMA. */
extern const struct kw_generator_ops kw_generator_rsa_avx512ifma;
/* "rsa-portable": RSA specs on every path. */
extern const struct kw_generator_ops kw_generator_rsa_portable;

/* What a generator has done so far; times are of the calling thread (CLOCK_MONOTONIC between begin and end of
 * each stage). */
struct kw_rsa_stats {
    uint64_t pairs;      /* finished */
    uint64_t failures;   /* kept out by the consistency test */
    uint64_t primes;     /* that passed all their rounds */
    uint64_t candidates; /* filter tests, one per lane in use */
    uint64_t rounds;     /* Miller-Rabin rounds, one per lane in use */
    uint64_t filter_batches;
    uint64_t power_batches; /* rounds and CRT halves */
    uint64_t auxiliary_ns;  /* auxiliary primes */
    uint64_t sieve_ns;      /* progressions begun and sieved */
    uint64_t filter_ns;
    uint64_t rounds_ns;      /* Miller-Rabin */
    uint64_t derive_ns;      /* d, dP, dQ, qInv */
    uint64_t consistency_ns; /* signature, verification, check of the numbers */
    uint64_t encode_ns;
};
/* generator: of one of the two above. Same thread as run. */
void kw_generator_rsa_stats(const struct kw_generator *generator, struct kw_rsa_stats *ret);
/* The bound of the sieve in use and the kernel's name and number of lanes, for benchmarks. */
struct kw_rsa_plan {
    const char *kernel;
    unsigned lanes;
    uint32_t sieve_bound;
};
void kw_generator_rsa_plan(const struct kw_generator *generator, struct kw_rsa_plan *ret);

#endif
