/* kernel - the arithmetic on one curve that makes public keys and tests pairs, many at a time.
 *
 * A kernel is opened for a curve: its own, or another one over the same field and of the same form, with
 * other b, n and G (of odd order n, above 128 where derive is used, on a curve without points of order two),
 * which the exhaustive tests on small groups use. Secrets and points are bytes as in curve.h. What is opened
 * has one owner thread; what can be shared, it shares. It holds what was computed last until its owner wipes
 * it.
 */
#ifndef KW_ENGINE_EC_KERNEL_H
#define KW_ENGINE_EC_KERNEL_H

#include "engine/cpu.h"
#include "engine/ec/curve.h"

#include <openssl/types.h>

enum kw_ec_formula {
    KW_EC_ADD,    /* a + b, both in projective coordinates with a Z that is not 1 */
    KW_EC_MIXED,  /* a + b, b affine: not the neutral element */
    KW_EC_DOUBLE, /* 2 a */
};

enum {
    KW_EC_KERNEL_OTHER_CURVE = 1, /* open: this kernel knows the curve of its spec only */
};

/* The most lanes that a kernel has. */
#define KW_EC_LANES_MAX 8u
/* Bytes of a multiplier. */
#define KW_EC_MULTIPLIER 8u
/* The most pairs that an operation takes at once. */
#define KW_EC_BATCH_MAX 1024u

struct kw_ec_kernel {
    const char *name; /* "avx512ifma-p256" */
    enum kw_cpu_path path;
    enum kw_spec spec;
    unsigned lanes; /* at once; 1: one after the other */
    unsigned batch; /* pairs at a time that suit it: many enough to share what can be shared, and less than a
                     * few milliseconds' work */
    /* open: with all that is allocated or fetched. In: curve outlives it; libctx is borrowed, NULL for the
     * default one; num_max, the most pairs that an operation is given. Returns: 0 | KW_EC_KERNEL_OTHER_CURVE
     * (those over libraries; not for kw_curve_of() its spec) | -ENOMEM | KW_EOPENSSL */
    int (*open)(void **ret, const struct kw_ec_kernel *kernel, const struct kw_curve *curve, unsigned num_max,
        OSSL_LIB_CTX *libctx);
    void (*wipe)(void *state);
    /* Wipes and frees; NULL is fine. */
    void (*close)(void *state);
    /* derive: points[i] = secret[i] G, num of them; scalars below the order of the spec's own curve (whatever
     * curve it is opened for) that are not 0 modulo n.
     * Secret: secrets; time and addresses depend on num only. Returns: 0 | KW_EOPENSSL | -ENOMEM |
     * -EINVAL (a kernel may see that a scalar is 0) */
    int (*derive)(void *state, unsigned num, const uint8_t *secrets, uint8_t *points);
    /* check: are all points on the curve, encoded as they must be, and is sum m_i Q_i = (sum m_i d_i) G, for
     * the points Q_i and the scalars d_i of the secrets? The multipliers, KW_EC_MULTIPLIER random bytes each,
     * say what m_i is, in a way of the kernel's own that gives each of the 2^64 strings another number. A
     * kernel may test each pair by itself instead and not look at them. True for pairs that belong together;
     * false, but for a chance of 2^-64, if one does not (docs/ec-key-generation.md). It takes another way to
     * the points than derive does. Secret: secrets. Time may depend on the points and the multipliers. */
    int (*check)(void *state, unsigned num, const uint8_t *secrets, const uint8_t *points,
        const uint8_t *multipliers, bool *ret_pass);
    /* add: ret[i] = a[i] + b[i] by that formula, for tests: the one that derive and check use. Points of the
     * curve, here as X || Y for every form, each big-endian in as many bytes as p has; the neutral element of
     * a Weierstrass curve is zeros. b is not looked at for KW_EC_DOUBLE. NULL: the kernel has no formulas of
     * its own. */
    int (*add)(void *state, enum kw_ec_formula formula, unsigned num, const uint8_t *a, const uint8_t *b,
        uint8_t *ret);
};

/* kw_ec_kernel_choose() - the fastest kernel of a path for a curve's spec; never NULL. */
const struct kw_ec_kernel *kw_ec_kernel_choose(enum kw_cpu_path path, enum kw_spec spec);
/* kw_ec_kernel_at() - all kernels there are, whatever this machine can run, the fastest for a spec first;
 * NULL after the last. For tests and benchmarks. */
const struct kw_ec_kernel *kw_ec_kernel_at(size_t index);

#endif
