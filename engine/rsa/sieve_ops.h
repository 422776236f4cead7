/* sieve_ops - what a path gives to the sieve: how its table is made and how it runs. Only for sieve.c and the
 * paths.
 */
#ifndef KW_ENGINE_RSA_SIEVE_OPS_H
#define KW_ENGINE_RSA_SIEVE_OPS_H

#include "engine/rsa/sieve.h"

/* Words of the longest start and step: a candidate of 2048 bits and what may carry out of it. */
#define KW_SIEVE_WORDS_MAX 33u

struct kw_sieve_ops {
    /* Makes the table of the path, which begins with a struct kw_sieve. Returns: 0 | -ENOMEM */
    int (*build)(struct kw_sieve **ret, uint32_t bound);
    size_t scratch_len;
    void (*run)(const struct kw_sieve *sieve, const struct kw_sieve_job *jobs, unsigned num, size_t num_start,
        size_t num_step, void *scratch);
};

struct kw_sieve {
    const struct kw_sieve_ops *ops; /* this and what follows are filled in by kw_sieve_get() */
    uint32_t bound;
    struct kw_sieve *next; /* in the list of all that were made */
};

extern const struct kw_sieve_ops kw_sieve_portable;
/* NULL where it is not built. To be used only if kw_cpu_detect() says so. */
extern const struct kw_sieve_ops *const kw_sieve_avx512ifma;

#endif
