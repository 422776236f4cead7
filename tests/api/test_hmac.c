#include "api/hmac.h"
#include "engine/crypto.h"
#include "tests/support/vectors.h"

#include <check.h>

enum { TEXT_MAX = 4096 };

static struct kw_hmac hmac;

/* In one piece and in two, cut at every place. */
static void check_vector(struct kw_bytes key, struct kw_bytes text, struct kw_bytes tag, bool valid)
{
    for (size_t cut = 0; cut <= text.len; cut++) {
        const struct kw_bytes parts[] = {KW_BYTES(text.ptr, cut), KW_BYTES(text.ptr + cut, text.len - cut)};
        uint8_t out[KW_HMAC_LEN];

        ck_assert_int_eq(kw_hmac(&hmac, key, parts, 2, out), 0);
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

START_TEST(test_forget)
{
    uint8_t first[KW_HMAC_LEN], second[KW_HMAC_LEN];

    ck_assert_int_eq(kw_hmac(&hmac, KW_LIT("key"), NULL, 0, first), 0);
    ck_assert_int_eq(kw_hmac_forget(&hmac), 0);
    ck_assert_int_eq(kw_hmac(&hmac, KW_LIT("key"), NULL, 0, second), 0);
    ck_assert_mem_eq(first, second, sizeof(first));
}
END_TEST

START_TEST(test_done)
{
    struct kw_hmac other = {0};

    kw_hmac_done(&other);
    ck_assert_int_eq(kw_hmac_init(&other), 0);
    kw_hmac_done(&other);
    ck_assert_ptr_null(other.ctx);
}
END_TEST

int main(void)
{
    bool found = vectors_found("wycheproof/hmac_sha256_test.json");

    if (kw_crypto_init() != 0 || kw_hmac_init(&hmac) != 0)
        return 1;

    Suite *suite = suite_create("hmac");
    TCase *tcase = tcase_create("hmac");
    if (found)
        tcase_add_test(tcase, test_wycheproof);
    tcase_add_test(tcase, test_forget);
    tcase_add_test(tcase, test_done);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_hmac_done(&hmac);
    return failed > 0 ? 1 : found ? 0 : VECTORS_SKIP;
}
