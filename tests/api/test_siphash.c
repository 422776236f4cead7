/* The first, some middle and the last of the 64 published vectors: key 00..0f, texts 00, 00 01, ... */
#include "api/siphash.h"

#include "tests/support/suite.h"

START_TEST(test_vectors)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},
        {1, UINT64_C(0x74f839c593dc67fd)},
        {7, UINT64_C(0xab0200f58b01d137)},
        {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)},
        {63, UINT64_C(0x958a324ceb064572)},
    };
    uint8_t key[KW_SIPHASH_KEY], text[64];

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)i;
    memcpy(key, text, sizeof(key));
    for (size_t i = 0; i < KW_ARRAY_LEN(vectors); i++)
        ck_assert_uint_eq(kw_siphash(key, KW_BYTES(text, vectors[i].len)), vectors[i].hash);
    ck_assert_uint_eq(kw_siphash(key, KW_BYTES(NULL, 0)), vectors[0].hash);
}
END_TEST

/* Each bit of key and text matters. */
START_TEST(test_every_bit_counts)
{
    uint8_t key[KW_SIPHASH_KEY] = {0}, text[19] = {0};
    uint64_t plain = kw_siphash(key, KW_BYTES(text, sizeof(text)));

    for (unsigned bit = 0; bit < 8 * sizeof(key); bit++) {
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne(kw_siphash(key, KW_BYTES(text, sizeof(text))), plain);
        key[bit / 8] = 0;
    }
    for (unsigned bit = 0; bit < 8 * sizeof(text); bit++) {
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne(kw_siphash(key, KW_BYTES(text, sizeof(text))), plain);
        text[bit / 8] = 0;
    }
    ck_assert_uint_ne(kw_siphash(key, KW_BYTES(text, sizeof(text) - 1)), plain);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_vectors);
    tcase_add_test(tests, test_every_bit_counts);
}

int main(void)
{
    return kw_suite_run("siphash", add, 10);
}
