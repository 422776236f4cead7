#include "engine/crypto.h"
#include "engine/selftest_checks.h"
#include "pool/fault.h"
#include "tests/support/sanitized.h"

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

/* ---- kernels ---- */

START_TEST(paths_pass_quickly)
{
    enum kw_cpu_path path = (enum kw_cpu_path)_i;
    uint64_t best_ns = UINT64_MAX;

    if (path > kw_cpu_detect())
        return;
    for (int i = 0; i < 3; i++) {
        const char *what = "something";
        uint64_t begun_ns = kw_now_ns();
        ck_assert_int_eq(kw_engine_selftest_path(path, &what), 0);
        best_ns = KW_MIN(best_ns, kw_now_ns() - begun_ns);
        ck_assert_ptr_null(what);
        ck_assert_uint_eq(ERR_peek_error(), 0);
    }
    /* 50 ms and some for busy machines. */
    ck_assert_uint_lt(best_ns, KW_SANITIZED ? 10000000000u : 1000000000u);
}
END_TEST

START_TEST(changed_prime_fails)
{
    for (int path = KW_CPU_PORTABLE; path <= (int)kw_cpu_detect(); path++) {
        for (size_t i = 0; i < KW_SELFTEST_PRIME_NUM; i++) {
            struct kw_selftest_prime vector = kw_selftest_prime_vectors[i];
            const struct kw_kernel *kernel = kw_kernel_choose((enum kw_cpu_path)path, vector.bits);

            ck_assert_int_eq(kw_selftest_check_prime(rng, kernel, vector.bits, &vector), 0);
            vector.prime = change(vector.prime, 1, true);
            ck_assert_int_eq(kw_selftest_check_prime(rng, kernel, vector.bits, &vector), KW_SELFTEST_FAILED);
        }
    }
}
END_TEST

/* Of each kernel on each curve: a vector with another scalar, or another point, does not hold. */
START_TEST(changed_point_fails)
{
    for (int path = KW_CPU_PORTABLE; path <= (int)kw_cpu_detect(); path++) {
        for (size_t i = 0; i < KW_SELFTEST_EC_NUM; i++) {
            struct kw_selftest_ec vector = kw_selftest_ec_vectors[i];
            const struct kw_ec_kernel *kernel = kw_ec_kernel_choose((enum kw_cpu_path)path, vector.spec);
            const char **members[] = {&vector.scalar, &vector.x, &vector.y};

            ck_assert_int_eq(kw_selftest_check_curve(rng, kernel, &vector), 0);
            for (size_t j = 0; j < KW_ARRAY_LEN(members); j++) {
                vector = kw_selftest_ec_vectors[i];
                *members[j] = change(*members[j], 1, true);
                ck_assert_int_eq(kw_selftest_check_curve(rng, kernel, &vector), KW_SELFTEST_FAILED);
            }
        }
    }
}
END_TEST

START_TEST(changed_edwards_point_fails)
{
    for (int path = KW_CPU_PORTABLE; path <= (int)kw_cpu_detect(); path++) {
        const struct kw_ec_kernel *kernel =
            kw_ec_kernel_choose((enum kw_cpu_path)path, KW_SPEC_ECC_NIST_EDWARDS25519);
        struct kw_selftest_ed25519 vector = kw_selftest_ed25519_vector;

        ck_assert_int_eq(kw_selftest_check_edwards(rng, kernel, &vector), 0);
        vector.seed = change(vector.seed, 1, true);
        ck_assert_int_eq(kw_selftest_check_edwards(rng, kernel, &vector), KW_SELFTEST_FAILED);
        vector = kw_selftest_ed25519_vector;
        vector.public_key = change(vector.public_key, 1, true);
        ck_assert_int_eq(kw_selftest_check_edwards(rng, kernel, &vector), KW_SELFTEST_FAILED);
    }
}
END_TEST

static const unsigned prime_bits[] = {1024, 1536, 2048};

START_TEST(changed_key_fails_kernels)
{
    static const size_t members[] = {
        offsetof(struct kw_selftest_rsa, p),
        offsetof(struct kw_selftest_rsa, q),
        offsetof(struct kw_selftest_rsa, dp),
        offsetof(struct kw_selftest_rsa, dq),
        offsetof(struct kw_selftest_rsa, signature),
        offsetof(struct kw_selftest_rsa, message),
    };
    unsigned bits = prime_bits[_i];

    for (int path = KW_CPU_PORTABLE; path <= (int)kw_cpu_detect(); path++) {
        const struct kw_kernel *kernel = kw_kernel_choose((enum kw_cpu_path)path, bits);

        ck_assert_int_eq(kw_selftest_check_primes(rng, kernel, bits, &kw_selftest_rsa_vector), 0);
        ck_assert_int_eq(kw_selftest_check_power(rng, kernel, bits, &kw_selftest_rsa_vector), 0);
        for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
            struct kw_selftest_rsa vector = kw_selftest_rsa_vector;
            const char **member = (const char **)(void *)((char *)&vector + members[i]);
            *member = change(*member, 1, members[i] != offsetof(struct kw_selftest_rsa, message));
            ck_assert_int_eq(kw_selftest_check_power(rng, kernel, bits, &vector), KW_SELFTEST_FAILED);
            if (i < 2) /* p, q */
                ck_assert_int_eq(kw_selftest_check_primes(rng, kernel, bits, &vector), KW_SELFTEST_FAILED);
        }
    }
}
END_TEST

START_TEST(changed_modulus_fails_the_longest_kernel)
{
    static const size_t members[] = {
        offsetof(struct kw_selftest_rsa, n),
        offsetof(struct kw_selftest_rsa, d),
    };

    for (int path = KW_CPU_PORTABLE; path <= (int)kw_cpu_detect(); path++) {
        const struct kw_kernel *kernel = kw_kernel_choose((enum kw_cpu_path)path, 2048);

        for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
            struct kw_selftest_rsa vector = kw_selftest_rsa_vector;
            const char **member = (const char **)(void *)((char *)&vector + members[i]);
            *member = change(*member, 1, true);
            ck_assert_int_eq(kw_selftest_check_power(rng, kernel, 2048, &vector), KW_SELFTEST_FAILED);
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
    tcase_add_loop_test(tcase, paths_pass_quickly, KW_CPU_PORTABLE, KW_CPU_AVX512IFMA + 1);
    tcase_add_test(tcase, changed_prime_fails);
    tcase_add_test(tcase, changed_point_fails);
    tcase_add_test(tcase, changed_edwards_point_fails);
    tcase_add_loop_test(tcase, changed_key_fails_kernels, 0, KW_ARRAY_LEN(prime_bits));
    tcase_add_test(tcase, changed_modulus_fails_the_longest_kernel);
    tcase_add_test(tcase, failed_test_is_named);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_rng_free(rng);
    return failed == 0 ? 0 : 1;
}
