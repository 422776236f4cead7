#include "engine/rsa/search.h"

/* The first bits of the square root of 2: floor(sqrt(2) 2^(k-1)) is the number that its first k bits make,
 * for every k. From the most significant word on. */
static const uint64_t sqrt2[KW_RSA_PRIME_MAX] = {
    0xb504f333f9de6484,
    0x597d89b3754abe9f,
    0x1d6f60ba893ba84c,
    0xed17ac8583339915,
    0x4afc83043ab8a2c3,
    0xa8b1fe6fdc83db39,
    0x0f74a85e439c7b4a,
    0x780487363dfa2768,
    0xd2202e8742af1f4e,
    0x53059c6011bc337b,
    0xcab1bc911688458a,
    0x460abc722f7c4e33,
    0xc6d5a8a38bb7e9dc,
    0xcb2a634331f3c84d,
    0xf52f120f836e582e,
    0xeaa4a0899040ca4a,
    0x81394ab6d8fd0efd,
    0xf4d3a02cebc93e0c,
    0x4264dabcd528b651,
    0xb8cf341b6f8236c7,
    0x0104dc01fe32352f,
    0x332a5e9f7bda1ebf,
    0xf6a1be3fca221307,
    0xdea06241f7aa81c2,
    0xc1fcbddea2f7dc33,
    0x18838a2eaff5f3b2,
    0xd24f4a763facb882,
    0xfdfe170fd3b1f780,
    0xf9acce41797f2805,
    0xc246785e92957023,
    0x5fcf8f7bca3ea33b,
    0x4d7c60a5e633e3e1,
};

/* X is in the range unless X <= floor(sqrt(2) 2^(bits-1)), which is below the bound, since the root is no
 * whole number. */
uint64_t kw_search_in_range(const uint64_t *x, unsigned bits)
{
    uint64_t below[KW_RSA_PRIME_MAX];
    size_t num = bits / 64;

    kw_assert(bits % 64 == 0 && num > 0 && num <= KW_RSA_PRIME_MAX);
    for (size_t i = 0; i < num; i++)
        below[i] = sqrt2[num - 1 - i];
    return kw_words_less(below, x, num);
}

/* All numbers of that length are equally likely, those out of range are thrown away: of 17 draws ten stay.
 * What the number of draws tells is nothing about the one that stays. */
int kw_search_start(uint64_t *ret, unsigned bits, struct kw_rng *rng)
{
    size_t num = bits / 64;
    uint64_t fits;

    do {
        KW_TRY(kw_rng_bytes(rng, ret, num * sizeof(*ret)));
        ret[num - 1] |= (uint64_t)1 << 63;
        fits = kw_search_in_range(ret, bits);
        kw_declassify(&fits, sizeof(fits));
    } while (fits == 0);
    return 0;
}

int kw_search_begin(struct kw_search *search, const struct kw_rsa_kit *kit)
{
    uint64_t x[KW_RSA_PRIME_MAX];
    KW_ERASE_GUARD(x);
    unsigned auxiliary_bits = kit->rounds->auxiliary_bits;

    KW_TRY(kw_search_start(x, kit->bits, kit->rng));
    /* A start of b bits may lead to a prime of b + 1. */
    return kw_progression_begin(&search->progression, kit->bits, x, search->r1, search->r2,
        KW_WORDS_OF_BITS(auxiliary_bits) + 1, 2 * (auxiliary_bits + 1));
}
