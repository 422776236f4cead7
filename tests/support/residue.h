/* residue - looks in memory for what is left of the private numbers of a pair: for any eight bytes of them as
 * a DER file has them, for their words of 64 bits, and for their limbs of 52 bits. Eight bytes do not come up
 * by chance.
 *
 * What is looked for is kept masked, so that a search of the whole process does not find the searcher.
 */
#ifndef KW_TESTS_SUPPORT_RESIDUE_H
#define KW_TESTS_SUPPORT_RESIDUE_H

#include "tests/support/pairs.h"

enum { RESIDUE_WORDS_MAX = 1024, RESIDUE_FILTER = 1 << 16 };

#define RESIDUE_MASK 0x5c3a96f00f69a3c5u

struct residue {
    uint64_t word[RESIDUE_WORDS_MAX]; /* masked */
    unsigned num;
    uint8_t filter[RESIDUE_FILTER]; /* by hash: may be one of them */
};

static inline uint64_t residue_hash(uint64_t masked)
{
    return (masked * 0x9e3779b97f4a7c15u) >> 48;
}

/* The topmost words and limbs may be short, and short numbers come up by chance. */
static inline void residue_add_word(struct residue *residue, uint64_t word)
{
    if (word >> 40 == 0)
        return;
    ck_assert_uint_lt(residue->num, RESIDUE_WORDS_MAX);
    residue->word[residue->num++] = word ^ RESIDUE_MASK;
    residue->filter[residue_hash(word ^ RESIDUE_MASK)] = 1;
}

/* secret: big-endian, at most 512 bytes. */
static inline void residue_add(struct residue *residue, struct kw_bytes secret)
{
    uint8_t bytes[512 + 8] = {0}; /* little-endian */
    KW_ERASE_GUARD(bytes);

    ck_assert_uint_le(secret.len, sizeof(bytes) - 8);
    for (size_t i = 0; i < secret.len; i++)
        bytes[i] = secret.ptr[secret.len - 1 - i];
    for (size_t i = 0; i + 8 <= secret.len; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        residue_add_word(residue, word);
        residue_add_word(residue, __builtin_bswap64(word));
    }
    for (size_t bit = 0; bit + 52 <= 8 * secret.len; bit += 52) {
        uint64_t word;
        memcpy(&word, bytes + bit / 8, 8);
        residue_add_word(residue, (word >> bit % 8) & (((uint64_t)1 << 52) - 1));
    }
}

static inline void residue_add_number(struct residue *residue, const EVP_PKEY *pkey, const char *name)
{
    uint8_t bytes[512];
    KW_ERASE_GUARD(bytes);
    BIGNUM *secret = number(pkey, name);
    int len = BN_bn2bin(secret, bytes);

    residue_add(residue, KW_BYTES(bytes, (size_t)len));
    BN_clear_free(secret);
}

/* The private numbers of the pair in the slot. */
static inline void residue_of(struct residue *residue, const struct place *place)
{
    static const char *const rsa[] = {
        OSSL_PKEY_PARAM_RSA_D,
        OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,
        OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2,
        OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };
    EVP_PKEY *pkey = load_private(place);

    memset(residue, 0, sizeof(*residue));
    if (EVP_PKEY_is_a(pkey, "ED25519")) {
        uint8_t bytes[32];
        KW_ERASE_GUARD(bytes);
        size_t len = sizeof(bytes);
        ck_assert_int_eq(EVP_PKEY_get_raw_private_key(pkey, bytes, &len), 1);
        residue_add(residue, KW_BYTES(bytes, len));
    } else if (EVP_PKEY_is_a(pkey, "RSA")) {
        for (size_t i = 0; i < KW_ARRAY_LEN(rsa); i++)
            residue_add_number(residue, pkey, rsa[i]);
    } else {
        residue_add_number(residue, pkey, OSSL_PKEY_PARAM_PRIV_KEY);
    }
    EVP_PKEY_free(pkey);
}

/* Where in memory the first bit of it is; NULL if none is. */
__attribute__((no_sanitize("address", "thread", "undefined"), noinline)) static const uint8_t *residue_find(
    const struct residue *residue, const void *memory, size_t len)
{
    const volatile uint8_t *bytes = memory;
    uint64_t word = 0;

    for (size_t i = 0; i < len; i++) {
        word = word >> 8 | (uint64_t)bytes[i] << 56;
        if (i < 7 || word >> 40 == 0 || !residue->filter[residue_hash(word ^ RESIDUE_MASK)])
            continue;
        for (unsigned j = 0; j < residue->num; j++)
            if (residue->word[j] == (word ^ RESIDUE_MASK))
                return (const uint8_t *)memory + i - 7;
    }
    return NULL;
}

#endif
