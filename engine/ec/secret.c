#include "engine/ec/secret.h"

/* The bytes of a secret have up to 7 bits more than n. */
static void cut(const struct kw_curve *curve, uint8_t *secret)
{
    secret[0] &= (uint8_t)(0xff >> (8 * curve->secret_len - curve->order_bits));
}

uint64_t kw_secret_accept(const struct kw_curve *curve, uint8_t *secret)
{
    uint64_t c[KW_CURVE_WORDS_MAX];
    KW_ERASE_GUARD(c);
    uint64_t limit[KW_CURVE_WORDS_MAX];

    kw_assert(curve->form != KW_CURVE_EDWARDS);
    cut(curve, secret);
    kw_words_from_bytes(c, curve->num, secret, curve->secret_len);
    /* Step 5: c > n - 2 */
    (void)kw_words_sub_word(limit, curve->n, curve->num, 2);
    uint64_t rejected = kw_words_less(limit, c, curve->num);
    /* Step 6: d = c + 1 */
    (void)kw_words_add_word(c, c, curve->num, 1);
    kw_words_to_bytes(secret, curve->secret_len, c, curve->num);
    return ~rejected;
}

/* Until a number is taken, others are drawn in its place. */
static int settle(struct kw_rng *rng, const struct kw_curve *curve, uint8_t *secret)
{
    for (;;) {
        uint64_t accepted = kw_secret_accept(curve, secret);
        /* A number that is rejected is no key, and it is independent of those that are not. */
        kw_declassify(&accepted, sizeof(accepted));
        if (accepted != 0)
            return 0;
        KW_TRY(kw_rng_bytes(rng, secret, curve->secret_len));
    }
}

static int draw(struct kw_rng *rng, const struct kw_curve *curve, unsigned num, uint8_t *secrets)
{
    size_t len = curve->secret_len;

    KW_TRY(kw_rng_bytes(rng, secrets, num * len));
    if (curve->form == KW_CURVE_EDWARDS)
        return 0;
    for (size_t i = 0; i < num; i++)
        KW_TRY(settle(rng, curve, secrets + i * len));
    return 0;
}

int kw_secret_draw(struct kw_rng *rng, const struct kw_curve *curve, unsigned num, uint8_t *secrets)
{
    int r = draw(rng, curve, num, secrets);

    if (r < 0)
        kw_erase(secrets, num * (size_t)curve->secret_len);
    return r;
}
