/* generator_ec - makes key pairs on elliptic curves, a batch at a time: rejection sampling or seeds
 * (secret.h), public keys by a fixed-base comb or by a library (kernel.h), the pairwise consistency test of a
 * whole batch (batch.h). docs/ec-key-generation.md has the method.
 *
 * What is left of a batch stays in secret memory until the pool has room again.
 */
#ifndef KW_ENGINE_EC_GENERATOR_EC_H
#define KW_ENGINE_EC_GENERATOR_EC_H

#include "engine/ec/batch.h"
#include "engine/generator.h"

/* Every curve, on AVX-512 IFMA. */
extern const struct kw_generator_ops kw_generator_ec_avx512ifma;
/* Every curve, on every CPU, over OpenSSL or libsecp256k1. */
extern const struct kw_generator_ops kw_generator_ec_portable;

/* ---- for benchmarks and tests ---- */
struct kw_ec_plan {
    const char *kernel; /* its name */
    unsigned lanes;
    unsigned batch;
};
/* kw_generator_ec_new() - of one of the two above, with a kernel and a size of the batch of the caller's:
 * with the same size and the same random bytes, every kernel of a curve makes the same pairs. Returns: as new
 */
KW_MUST_CHECK int kw_generator_ec_new(struct kw_generator **ret, const struct kw_generator_ops *ops,
    const struct kw_ec_kernel *kernel, unsigned batch, struct kw_rng *rng);
/* Both take a generator of one of the two above only. */
void kw_generator_ec_plan(const struct kw_generator *generator, struct kw_ec_plan *ret);
struct kw_ec_batch *kw_generator_ec_batch(struct kw_generator *generator);

#endif
