#include "engine/crypto.h"
#include "engine/selftest_checks.h"
#include "pool/fault.h"

#include <check.h>
#include <openssl/err.h>

static struct kw_rng *rng;

START_TEST(all_pass)
{
    for (int i = 0; i < 3; i++) {
        const char *what = "something";
        ck_assert_int_eq(kw_engine_selftest(&what), 0);
        ck_assert_ptr_null(what);
        ck_assert_uint_eq(ERR_peek_error(), 0);
    }
}
END_TEST

/* The first, the middle or the last digit of a number changed; text loses its first letter. */
static const char *change(const char *text, int way, bool number)
{
    static char changed[2048];
    size_t len = strlen(text), at = way == 0 ? 0 : way == 1 ? len / 2 : len - 1;

    ck_assert_uint_lt(len, sizeof(changed));
    if (!number)
        return text + 1;
    strcpy(changed, text);
    changed[at] = changed[at] == '0' ? '1' : '0';
    return changed;
}

/* Every answer, and every number it is for, matters: with any of them changed the test fails. */
START_TEST(changed_drbg_vector_fails)
{
    static const size_t members[] = {
        offsetof(struct kw_selftest_drbg, entropy),
        offsetof(struct kw_selftest_drbg, nonce),
        offsetof(struct kw_selftest_drbg, output),
    };

    ck_assert_int_eq(kw_selftest_check_drbg(rng, &kw_selftest_drbg_vector), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        for (int way = 0; way < 3; way++) {
            struct kw_selftest_drbg vector = kw_selftest_drbg_vector;
            const char **member = (const char **)(void *)((char *)&vector + members[i]);
            *member = change(*member, way, true);
            ck_assert_int_eq(kw_selftest_check_drbg(rng, &vector), KW_SELFTEST_FAILED);
        }
    }
}
END_TEST

START_TEST(changed_rsa_vector_fails)
{
    static const size_t members[] = {
        offsetof(struct kw_selftest_rsa, n),
        offsetof(struct kw_selftest_rsa, e),
        offsetof(struct kw_selftest_rsa, d),
        offsetof(struct kw_selftest_rsa, p),
        offsetof(struct kw_selftest_rsa, q),
        offsetof(struct kw_selftest_rsa, dp),
        offsetof(struct kw_selftest_rsa, dq),
        offsetof(struct kw_selftest_rsa, qinv),
        offsetof(struct kw_selftest_rsa, signature),
        offsetof(struct kw_selftest_rsa, der.public_sha256),
        offsetof(struct kw_selftest_rsa, der.private_sha256),
        offsetof(struct kw_selftest_rsa, message),
    };

    ck_assert_int_eq(kw_selftest_check_rsa(rng, &kw_selftest_rsa_vector), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        for (int way = 0; way < 3; way++) {
            struct kw_selftest_rsa vector = kw_selftest_rsa_vector;
            const char **member = (const char **)(void *)((char *)&vector + members[i]);
            *member = change(*member, way, members[i] != offsetof(struct kw_selftest_rsa, message));
            ck_assert_int_eq(kw_selftest_check_rsa(rng, &vector), KW_SELFTEST_FAILED);
        }
    }
}
END_TEST

START_TEST(changed_ec_vectors_fail)
{
    static const size_t members[] = {
        offsetof(struct kw_selftest_ec, scalar),
        offsetof(struct kw_selftest_ec, x),
        offsetof(struct kw_selftest_ec, y),
        offsetof(struct kw_selftest_ec, r),
        offsetof(struct kw_selftest_ec, s),
        offsetof(struct kw_selftest_ec, der.public_sha256),
        offsetof(struct kw_selftest_ec, der.private_sha256),
        offsetof(struct kw_selftest_ec, message),
    };

    ck_assert_int_eq(kw_selftest_check_ec(rng, &kw_selftest_ec_vectors[_i]), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        for (int way = 0; way < 3; way++) {
            struct kw_selftest_ec vector = kw_selftest_ec_vectors[_i];
            const char **member = (const char **)(void *)((char *)&vector + members[i]);
            *member = change(*member, way, members[i] != offsetof(struct kw_selftest_ec, message));
            ck_assert_int_eq(kw_selftest_check_ec(rng, &vector), KW_SELFTEST_FAILED);
        }
    }
    struct kw_selftest_ec vector = kw_selftest_ec_vectors[_i];
    vector.digest = "SHA224";
    ck_assert_int_eq(kw_selftest_check_ec(rng, &vector), KW_SELFTEST_FAILED);
}
END_TEST

START_TEST(changed_ed25519_vector_fails)
{
    static const size_t members[] = {
        offsetof(struct kw_selftest_ed25519, seed),
        offsetof(struct kw_selftest_ed25519, public_key),
        offsetof(struct kw_selftest_ed25519, message),
        offsetof(struct kw_selftest_ed25519, signature),
        offsetof(struct kw_selftest_ed25519, der.public_sha256),
        offsetof(struct kw_selftest_ed25519, der.private_sha256),
    };

    ck_assert_int_eq(kw_selftest_check_ed25519(rng, &kw_selftest_ed25519_vector), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        for (int way = 0; way < 3; way++) {
            struct kw_selftest_ed25519 vector = kw_selftest_ed25519_vector;
            const char **member = (const char **)(void *)((char *)&vector + members[i]);
            *member = change(*member, way, true);
            ck_assert_int_eq(kw_selftest_check_ed25519(rng, &vector), KW_SELFTEST_FAILED);
        }
    }
}
END_TEST

/* The pairwise test is part of it, and the name of what failed comes back. */
START_TEST(failed_test_is_named)
{
    const char *what = NULL;

    if (!kw_fault_compiled_in())
        return;
    ck_assert_int_eq(kw_fault_set("pct:fail@2"), 0);
    ck_assert_int_eq(kw_engine_selftest(&what), KW_SELFTEST_FAILED);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_ptr_nonnull(what);
    ck_assert_ptr_nonnull(strstr(what, "P-256"));
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0)
        return 1;

    Suite *suite = suite_create("selftest");
    TCase *tcase = tcase_create("selftest");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, all_pass);
    tcase_add_test(tcase, changed_drbg_vector_fails);
    tcase_add_test(tcase, changed_rsa_vector_fails);
    tcase_add_loop_test(tcase, changed_ec_vectors_fail, 0, KW_SELFTEST_EC_NUM);
    tcase_add_test(tcase, changed_ed25519_vector_fails);
    tcase_add_test(tcase, failed_test_is_named);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_rng_free(rng);
    return failed == 0 ? 0 : 1;
}
