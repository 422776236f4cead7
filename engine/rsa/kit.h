/* kit - what the parts of one RSA generator work with.
 *
 * Belongs to the generator; its parts borrow it. One owner thread.
 */
#ifndef KW_ENGINE_RSA_KIT_H
#define KW_ENGINE_RSA_KIT_H

#include "engine/rng.h"
#include "engine/rsa/generator_rsa.h"
#include "engine/rsa/kernel.h"
#include "engine/rsa/key.h"
#include "engine/rsa/primality.h"

/* How a generator is set up for a path and a spec. */
struct kw_rsa_setup {
    enum kw_cpu_path path;
    enum kw_spec spec;
    uint32_t sieve_bound;
    /* Progressions that get their auxiliary primes in one unit of work: as many as fill batches, and not more
     * than a slice has time for. */
    unsigned draw;
};

struct kw_rsa_kit {
    const struct kw_rsa_setup *setup;
    const struct kw_primality_rounds *rounds; /* FIPS 186-5 Tables A.1 and B.1 for the size */
    unsigned nlen;                            /* bits of n */
    unsigned bits;                            /* of a prime: nlen / 2 */
    size_t num;                               /* words of a prime */
    const struct kw_kernel *kernel;           /* for numbers of that many bits */
    void *scratch;                            /* the kernel's, secret */
    struct kw_rng *rng;                       /* borrowed */
    struct kw_rsa_stats stats;
};

/* One stage after the other: adds the time since *ns to *sum and moves *ns on. */
static inline void kw_rsa_kit_clock(uint64_t *ns, uint64_t *sum)
{
    uint64_t now_ns = kw_now_ns();

    *sum += now_ns - *ns;
    *ns = now_ns;
}

#endif
