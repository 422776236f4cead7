/* sieve - which members of arithmetic progressions have a small prime factor.
 *
 * A progression start, start + step, start + 2 step, ... is secret. A sieve marks the members of its window
 * that some odd prime below the bound divides. It is a filter: a composite may stay (on rare overflow of a
 * buffer of fixed size), a prime above the bound is never marked. Time and addresses depend on the shape
 * only: each prime that meets the window several times sets its bits by shifts in registers, hits of the
 * larger ones gather in a register and are set in blocks. The tables of primes are public, made once for the
 * process and never freed.
 */
#ifndef KW_ENGINE_RSA_SIEVE_H
#define KW_ENGINE_RSA_SIEVE_H

#include "engine/cpu.h"
#include "engine/words.h"

/* Members in a window. */
#define KW_SIEVE_WINDOW       2048u
#define KW_SIEVE_WINDOW_WORDS (KW_SIEVE_WINDOW / 64)
/* Progressions sieved together: they share one inversion per modulus. */
#define KW_SIEVE_GROUP 8u
/* Bounds are powers of two from and to: */
#define KW_SIEVE_BOUND_MIN (1u << 8)
#define KW_SIEVE_BOUND_MAX (1u << 23)

struct kw_sieve_job {
    /* Odd; num_start words. */
    const uint64_t *start;
    /* num_step words: a multiple of 2 and of no other prime below the bound, else what the whole group gets
     * may be wrong. NULL: 2. */
    const uint64_t *step;
    /* KW_SIEVE_WINDOW_WORDS; bit i set: start + i step has no prime factor below the bound. */
    uint64_t *ret_map;
};

struct kw_sieve; /* for one path and one bound, shared by all threads after it is made */

/* kw_sieve_get() - the sieve of a path with all odd primes below bound, made at the first call (some
 * milliseconds per million); the same pointer later. path: one that kw_cpu_detect() allows. Thread-safe, and
 * takes a lock: call at start. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_sieve_get(const struct kw_sieve **ret, enum kw_cpu_path path, uint32_t bound);
/* Bytes of scratch that a run needs: secret memory, aligned to 64; the caller wipes it. */
size_t kw_sieve_scratch_len(const struct kw_sieve *sieve);
/* kw_sieve_run() - sieves num (1 to KW_SIEVE_GROUP) progressions of one shape. Numbers that small primes
 * equal are marked too: a start must be above the bound. Shape: num_start, num_step <= 33; all jobs have a
 * step or none has, and then num_step does not count. */
void kw_sieve_run(const struct kw_sieve *sieve, const struct kw_sieve_job *jobs, unsigned num,
    size_t num_start, size_t num_step, void *scratch);

#endif
