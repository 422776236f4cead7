#include "api/hmac.h"
#include "engine/crypto.h"
#include "tests/support/vectors.h"

#include <check.h>
#include <openssl/hmac.h>

enum { TEXT_MAX = 4096 };

/* In one piece and in two, cut at every place. */
static void check_vector(struct kw_bytes key, struct kw_bytes text, struct kw_bytes tag, bool valid)
{
    for (size_t cut = 0; cut <= text.len; cut++) {
        const struct kw_bytes parts[] = {KW_BYTES(text.ptr, cut), KW_BYTES(text.ptr + cut, text.len - cut)};
        uint8_t out[KW_HMAC_LEN];

        kw_hmac(key, parts, 2, out);
        ck_assert((memcmp(out, tag.ptr, tag.len) == 0) == valid);
    }
}

START_TEST(test_wycheproof)
{
    uint8_t key[TEXT_MAX], text[TEXT_MAX], tag[KW_HMAC_LEN];
    json_t *root = vectors_json("wycheproof/hmac_sha256_test.json"), *group, *test;
    size_t i, k, num = 0;

    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            check_vector(vectors_hex(test, "key", key, TEXT_MAX), vectors_hex(test, "msg", text, TEXT_MAX),
                vectors_hex(test, "tag", tag, sizeof(tag)),
                strcmp(vectors_text(test, "result"), "valid") == 0);
            num++;
        }
    }
    ck_assert_uint_eq(num, (size_t)json_integer_value(json_object_get(root, "numberOfTests")));
    json_decref(root);
}
END_TEST

/* Every length of key around a block, against OpenSSL's own HMAC; a key made ready serves again and again. */
START_TEST(test_key_lengths)
{
    uint8_t bytes[200], ours[KW_HMAC_LEN], again[KW_HMAC_LEN], theirs[KW_HMAC_LEN];
    const struct kw_bytes parts[] = {KW_LIT("what is "), KW_BYTES(NULL, 0), KW_LIT("signed")};
    struct kw_hmac_key key;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 11 + 3);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        ck_assert_ptr_nonnull(
            HMAC(EVP_sha256(), bytes, (int)len, (const uint8_t *)"what is signed", 14, theirs, NULL));
        kw_hmac(KW_BYTES(bytes, len), parts, 3, ours);
        ck_assert_mem_eq(ours, theirs, sizeof(ours));
        kw_hmac_key_init(&key, KW_BYTES(bytes, len));
        for (unsigned i = 0; i < 2; i++) {
            kw_hmac_with(&key, parts, 3, again);
            ck_assert_mem_eq(again, theirs, sizeof(again));
        }
    }
}
END_TEST

/* Signing keys are made in place, each step's result the next one's key. */
START_TEST(test_in_place)
{
    const struct kw_bytes part = KW_LIT("20261123");
    uint8_t key[KW_HMAC_LEN] = {7}, apart[KW_HMAC_LEN];
    struct kw_bytes text = KW_BYTES(key, sizeof(key));

    kw_hmac(text, &part, 1, apart);
    kw_hmac(text, &part, 1, key);
    ck_assert_mem_eq(key, apart, sizeof(key));
    kw_hmac(part, &text, 1, apart);
    kw_hmac(part, &text, 1, key);
    ck_assert_mem_eq(key, apart, sizeof(key));
}
END_TEST

int main(void)
{
    bool found = vectors_found("wycheproof/hmac_sha256_test.json");

    if (kw_crypto_init() != 0)
        return 1;

    Suite *suite = suite_create("hmac");
    TCase *tcase = tcase_create("hmac");
    if (found)
        tcase_add_test(tcase, test_wycheproof);
    tcase_add_test(tcase, test_key_lengths);
    tcase_add_test(tcase, test_in_place);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? 1 : found ? 0 : VECTORS_SKIP;
}
