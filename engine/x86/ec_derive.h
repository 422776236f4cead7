/* ec_derive - public keys of many secrets, through a comb (ec_comb.h), with one inversion for all of them. */
#include "engine/ec/kernel.h"
#include "engine/ec/scalar.h"
#include "engine/x86/ec_comb.h"
#include "pool/secmem.h"

#include <stdlib.h>

#define VECTORS(num) (((num) + 7) / 8)

/* Who derives, and where. One owner thread. */
struct deriver {
    const struct kw_curve *curve;
    const struct group *group; /* set by the owner */
    struct kw_scalars *scalars;
    unsigned vectors;
    /* secret memory */
    struct point *points;
    struct digits *digits;
    fe *scratch;
    /* public */
    struct xy *xy;
};

/* What is left of the seed that was read last goes too. */
static void deriver_wipe(struct deriver *deriver)
{
    kw_scalars_wipe(deriver->scalars);
    kw_erase(deriver->points, deriver->vectors * sizeof(*deriver->points));
    kw_erase(deriver->digits, deriver->vectors * sizeof(*deriver->digits));
    kw_erase(deriver->scratch, deriver->vectors * sizeof(*deriver->scratch));
}

static void deriver_done(struct deriver *deriver)
{
    kw_scalars_free(deriver->scalars);
    kw_secmem_free(deriver->points);
    kw_secmem_free(deriver->digits);
    kw_secmem_free(deriver->scratch);
    free(deriver->xy);
}

/* Returns: 0 | -ENOMEM | KW_EOPENSSL, and then done frees what there is */
static int deriver_init(
    struct deriver *deriver, const struct kw_curve *curve, unsigned num_max, OSSL_LIB_CTX *libctx)
{
    unsigned num = VECTORS(num_max);

    deriver->curve = curve;
    deriver->vectors = num;
    KW_TRY(kw_scalars_new(&deriver->scalars, curve, libctx));
    KW_REQUIRE((deriver->points = kw_secmem_alloc_aligned(num * sizeof(struct point), 64)) != NULL, -ENOMEM);
    KW_REQUIRE((deriver->digits = kw_secmem_alloc_aligned(num * sizeof(struct digits), 64)) != NULL, -ENOMEM);
    KW_REQUIRE((deriver->scratch = kw_secmem_alloc_aligned(num * sizeof(fe), 64)) != NULL, -ENOMEM);
    KW_REQUIRE((deriver->xy = aligned_alloc(64, num * sizeof(struct xy))) != NULL, -ENOMEM);
    return 0;
}

/* Lanes without a scalar of their own repeat the last. */
static int read_secrets(struct deriver *deriver, unsigned num, const uint8_t *secrets, unsigned w)
{
    const struct kw_curve *curve = deriver->curve;
    uint64_t scalar[KW_CURVE_WORDS_MAX];
    KW_ERASE_GUARD(scalar);

    for (unsigned i = 0; i < 8 * VECTORS(num); i++) {
        if (i < num)
            KW_TRY(kw_scalars_read(deriver->scalars, secrets + (size_t)i * curve->secret_len, scalar));
        set_digits(&deriver->digits[i / 8], i % 8, scalar, curve->n, w);
    }
    return 0;
}

/* points[i] = secrets[i] G through the comb of window w. Returns: 0 | as kw_scalars_read */
KW_V_INLINE int derive_points(struct deriver *deriver, const uint64_t *comb, const unsigned w, unsigned num,
    const uint8_t *secrets, uint8_t *points)
{
    unsigned vectors = VECTORS(num);

    kw_assert(vectors > 0 && vectors <= deriver->vectors);
    KW_TRY(read_secrets(deriver, num, secrets, w));
    comb_multiply(deriver->points, vectors, deriver->digits, comb, w, deriver->group);
    xy_of_points(deriver->xy, deriver->points, vectors, deriver->scratch, deriver->group);
    /* They are the public keys. */
    kw_declassify(deriver->xy, vectors * sizeof(*deriver->xy));
    for (unsigned i = 0; i < num; i += 8)
        write_points(points + (size_t)POINT_LEN * i, KW_MIN(8u, num - i), &deriver->xy[i / 8]);
    return 0;
}
