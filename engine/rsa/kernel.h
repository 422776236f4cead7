/* kernel - arithmetic modulo several secret odd numbers at once, one number per lane.
 *
 * A kernel does three things with a batch: the base-2 test that filters candidates, a Miller-Rabin round, and
 * a power. All lanes of a batch go in step; the time depends on the kernel and on bits only, never on a
 * number. Numbers are little-endian arrays of 64-bit words (words.h), KW_WORDS_OF_BITS(bits) of them each. A
 * lane whose modulus is NULL is idle. A scratch has one owner thread and holds what was computed until its
 * owner wipes it.
 */
#ifndef KW_ENGINE_RSA_KERNEL_H
#define KW_ENGINE_RSA_KERNEL_H

#include "engine/cpu.h"
#include "engine/words.h"

#include <openssl/types.h>

#define KW_LANES_MAX 32u

/* One lane of a batch; what an operation does not name it does not touch. */
struct kw_lane {
    const uint64_t *modulus;  /* odd, > 3, at most `bits` bits; NULL: the lane is idle */
    const uint64_t *base;     /* round: 1 < base < modulus - 1; power: any below 2^bits */
    const uint64_t *exponent; /* power: any below 2^bits */
    uint64_t *result;         /* power: base^exponent modulo modulus, reduced */
};

struct kw_kernel {
    const char *name; /* "avx512ifma-20" */
    enum kw_cpu_path path;
    unsigned lanes;    /* of a batch */
    unsigned bits_max; /* of a modulus */
    /* new: scratch, with what has to be allocated or fetched. libctx is borrowed. Returns: 0 | -ENOMEM |
     * KW_EOPENSSL */
    int (*scratch_new)(void **ret, const struct kw_kernel *kernel, OSSL_LIB_CTX *libctx);
    void (*scratch_wipe)(void *scratch);
    /* Wipes and frees; NULL is fine. */
    void (*scratch_free)(void *scratch);
    /* filter: is 2^((m-1)/2) = +1 or -1 modulo m? True for every prime m, for few composites (Fermat's
     * theorem). Out: ret_pass, bit i for lane i; idle lanes 0. Returns (each of the three): 0 | KW_EOPENSSL |
     * -ENOMEM */
    int (*filter)(const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lanes,
        uint32_t *ret_pass);
    /* round: one iteration of FIPS 186-5 B.3.1 steps 4.3 to 4.5 with the lane's base. Lanes in ret_unsure are
     * neither passed nor failed: what is decided for them is up to the caller. Their modulus is 1 modulo
     * 2^(KW_ROUND_TWOS + 1); a kernel may be unsure one power of two earlier. */
    int (*round)(const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lanes,
        uint32_t *ret_pass, uint32_t *ret_unsure);
    int (*power)(const struct kw_kernel *kernel, void *scratch, unsigned bits, const struct kw_lane *lanes);
};

/* A round follows the last 16 squarings of a modulus one by one, so that how many of them are the test's own,
 * which tells a bit or two of the modulus, stays inside. A random odd number needs more with probability
 * 2^-16. */
#define KW_ROUND_TWOS 16u

/* The longest modulus that there is a kernel for. */
#define KW_KERNEL_BITS_MAX (64 * KW_WORDS_MAX)

/* kw_kernel_choose() - the fastest kernel of a path for moduli of at most bits bits; NULL if bits is above
 * KW_KERNEL_BITS_MAX. For numbers up to 256 bits it may have more lanes; above 2048 it is the portable one.
 */
const struct kw_kernel *kw_kernel_choose(enum kw_cpu_path path, unsigned bits);
/* kw_kernel_at() - all kernels there are, whatever this machine can run, the fastest for a size first; NULL
 * after the last. For tests and benchmarks. */
const struct kw_kernel *kw_kernel_at(size_t index);

#endif
