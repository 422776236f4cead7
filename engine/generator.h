/* generator - the interface behind which key pairs are made, one kind of generator per file.
 *
 * A generator belongs to one worker and makes pairs of one spec. It is resumable: run() works until a pair is
 * finished or the deadline passes, keeps a half-done search in secret memory, and goes on with it at the next
 * run(). Every finished pair has passed its pairwise consistency test (rsa/consistency.h, ec/batch.h, pct.h)
 * before run() returns 0.
 */
#ifndef KW_ENGINE_GENERATOR_H
#define KW_ENGINE_GENERATOR_H

#include "engine/cpu.h"
#include "pool/pool.h"

struct kw_rng;

enum {
    KW_GENERATOR_AGAIN = 1,  /* the deadline passed; nothing is lost */
    KW_GENERATOR_FAILED = 2, /* this pair failed (its consistency test, or OpenSSL); it is wiped; run again */
};

struct kw_generator; /* each implementation's own has it as its first member */

struct kw_generator_ops {
    const char *name; /* "openssl" */
    /* Can it make this spec on this path? */
    bool (*supports)(enum kw_spec spec, enum kw_cpu_path path);
    /* new: 0 | -ENOMEM | KW_EOPENSSL. rng is borrowed and belongs to the same worker. All that run() needs is
     * allocated and fetched here. */
    int (*new)(struct kw_generator **ret, enum kw_spec spec, struct kw_rng *rng);
    /* run: makes one pair into slot (whose buffers have the spec's room) and sets its lengths.
     * Returns: 0 | KW_GENERATOR_AGAIN (slot untouched) | KW_GENERATOR_FAILED (slot wiped) | <0 fatal */
    int (*run)(struct kw_generator *generator, uint64_t deadline_ns, struct kw_slot *slot);
    /* Abandons a half-done search, wipes and frees. NULL is fine. */
    void (*free)(struct kw_generator *generator);
};

/* kw_generator_choose() - the best generator for a spec on a path; never NULL. */
const struct kw_generator_ops *kw_generator_choose(enum kw_spec spec, enum kw_cpu_path path);

struct kw_generator {
    const struct kw_generator_ops *ops;
    unsigned together; /* pairs that are made at once, of which the first takes all the time: what a pair
                        * costs is a mean over several times as many; 0: 1 */
};

/* kw_generator_wipe_slot() - what is left of a pair that failed: zeros in the whole room of the spec, and no
 * lengths. */
void kw_generator_wipe_slot(enum kw_spec spec, struct kw_slot *slot);

/* Ours over OpenSSL alone: every spec, every CPU. The last resort: the others have every spec. */
extern const struct kw_generator_ops kw_generator_openssl;

#endif
