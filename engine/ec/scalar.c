#include "engine/ec/scalar.h"

#include "engine/crypto.h"
#include "pool/secmem.h"

#include <assert.h>
#include <endian.h>

#define PAIRS_MAX   65536u
#define SHA512_LEN  64u
#define ED25519_LEN 32u

/* Sums of that many products of a scalar below 2^(64 num) and a word are below 2^(64 num + 64 + 16). */
#define SUM_WORDS 2u

static_assert(PAIRS_MAX <= 1u << 16, "sums fit");

struct kw_scalars {
    const struct kw_curve *curve;
    EVP_MD *md; /* Ed25519 only */
    EVP_MD_CTX *ctx;
    uint8_t digest[SHA512_LEN];
    uint64_t scalar[KW_CURVE_WORDS_MAX];
    uint64_t plain[KW_CURVE_WORDS_MAX + SUM_WORDS];    /* sum of scalars */
    uint64_t weighted[KW_CURVE_WORDS_MAX + SUM_WORDS]; /* sum of multiples */
    uint64_t rest[KW_CURVE_WORDS_MAX];
};

void kw_scalars_free(struct kw_scalars *scalars)
{
    if (scalars == NULL)
        return;
    EVP_MD_CTX_free(scalars->ctx);
    EVP_MD_free(scalars->md);
    kw_secmem_free(scalars);
}

static void scalars_freep(struct kw_scalars **scalars)
{
    kw_scalars_free(*scalars);
}

int kw_scalars_new(struct kw_scalars **ret, const struct kw_curve *curve, OSSL_LIB_CTX *libctx)
{
    KW_CLEANUP(scalars_freep) struct kw_scalars *scalars = kw_secmem_alloc(sizeof(*scalars));

    if (scalars == NULL)
        return -ENOMEM;
    scalars->curve = curve;
    if (curve->form == KW_CURVE_EDWARDS) {
        kw_assert(curve->secret_len == ED25519_LEN && 8 * curve->num == ED25519_LEN);
        KW_SSL_PTR(scalars->md = EVP_MD_fetch(libctx, "SHA512", NULL));
        KW_SSL_PTR(scalars->ctx = EVP_MD_CTX_new());
    }
    *ret = scalars;
    scalars = NULL;
    return 0;
}

/* What the context has of the last seed it frees, wiped. */
void kw_scalars_wipe(struct kw_scalars *scalars)
{
    if (scalars->ctx != NULL)
        (void)EVP_MD_CTX_reset(scalars->ctx);
    kw_erase(scalars->digest, sizeof(scalars->digest));
    kw_erase(scalars->scalar, sizeof(scalars->scalar));
    kw_erase(scalars->plain, sizeof(scalars->plain));
    kw_erase(scalars->weighted, sizeof(scalars->weighted));
    kw_erase(scalars->rest, sizeof(scalars->rest));
}

/* RFC 8032 section 5.1.5 */
static int read_seed(struct kw_scalars *scalars, const uint8_t *seed, uint64_t *ret)
{
    uint8_t *digest = scalars->digest;

    /* Step 1 */
    KW_SSL(EVP_DigestInit_ex2(scalars->ctx, scalars->md, NULL));
    KW_SSL(EVP_DigestUpdate(scalars->ctx, seed, ED25519_LEN));
    KW_SSL(EVP_DigestFinal_ex(scalars->ctx, digest, NULL));
    /* Step 2 */
    digest[0] &= 0xf8;
    digest[31] &= 0x7f;
    digest[31] |= 0x40;
    for (size_t i = 0; i < ED25519_LEN / 8; i++) {
        uint64_t word;
        memcpy(&word, digest + 8 * i, 8);
        ret[i] = le64toh(word);
    }
    return 0;
}

int kw_scalars_read(struct kw_scalars *scalars, const uint8_t *secret, uint64_t *ret)
{
    const struct kw_curve *curve = scalars->curve;

    if (curve->form == KW_CURVE_EDWARDS)
        return read_seed(scalars, secret, ret);
    kw_words_from_bytes(ret, curve->num, secret, curve->secret_len);
    return 0;
}

static uint64_t multiplier_of(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, 8);
    return le64toh(word);
}

/* weighted = sum of m_i d_i, plain = sum of d_i, as integers. */
static int sum_up(
    struct kw_scalars *scalars, unsigned num_pairs, const uint8_t *secrets, const uint8_t *multipliers)
{
    uint64_t *scalar = scalars->scalar, *plain = scalars->plain, *weighted = scalars->weighted;
    size_t num = scalars->curve->num;

    memset(plain, 0, sizeof(scalars->plain));
    memset(weighted, 0, sizeof(scalars->weighted));
    for (size_t i = 0; i < num_pairs; i++) {
        KW_TRY(kw_scalars_read(scalars, secrets + i * scalars->curve->secret_len, scalar));
        plain[num] += kw_words_add(plain, plain, scalar, num);
        uint64_t above = kw_words_mul_add_word(weighted, scalar, num, multiplier_of(multipliers + 8 * i));
        weighted[num + 1] += kw_words_add_word(weighted + num, weighted + num, 1, above);
    }
    return 0;
}

/* ret = weighted - bias * plain modulo n */
static void combine(struct kw_scalars *scalars, uint64_t bias, uint64_t *ret)
{
    const uint64_t *n = scalars->curve->n;
    size_t num = scalars->curve->num;
    uint64_t *plain = scalars->plain, *rest = scalars->rest;

    plain[num + 1] = kw_words_mul_word(plain, plain, num + 1, bias);
    kw_words_mod(rest, plain, num + SUM_WORDS, n, num);
    kw_words_mod(ret, scalars->weighted, num + SUM_WORDS, n, num);
    uint64_t below = kw_words_sub(ret, ret, rest, num);
    (void)kw_words_add_masked(ret, n, num, kw_mask_bit(below));
}

int kw_scalars_dot(struct kw_scalars *scalars, unsigned num, const uint8_t *secrets,
    const uint8_t *multipliers, uint64_t bias, uint64_t *ret)
{
    kw_assert(num <= PAIRS_MAX);
    int r = sum_up(scalars, num, secrets, multipliers);
    if (r == 0)
        combine(scalars, bias, ret);
    kw_scalars_wipe(scalars);
    return r;
}
