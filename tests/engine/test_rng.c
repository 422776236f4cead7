#include "engine/crypto.h"
#include "engine/rng.h"
#include "pool/secmem.h"

#include <check.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct kw_rng *rng_new(void)
{
    struct kw_rng *rng = NULL;
    ck_assert_int_eq(kw_rng_new(&rng), 0);
    ck_assert_ptr_nonnull(rng);
    return rng;
}

START_TEST(fills_exactly_what_was_asked)
{
    struct kw_rng *rng = rng_new();

    for (size_t len = 0; len <= 64; len++) {
        uint8_t out[96];
        size_t seen[96] = {0};
        memset(out, 0, sizeof(out));
        for (int round = 0; round < 16; round++) {
            ck_assert_int_eq(kw_rng_bytes(rng, out, len), 0);
            for (size_t i = 0; i < sizeof(out); i++)
                seen[i] += out[i] != 0;
        }
        /* A byte that is random stays zero sixteen times with a probability of 2^-128. */
        for (size_t i = 0; i < sizeof(out); i++)
            ck_assert_int_eq(seen[i] != 0, i < len);
    }
    kw_rng_free(rng);
}
END_TEST

/* More than a generator of SP 800-90A may give in one request (2^19 bits). */
START_TEST(long_requests_are_split)
{
    enum { LEN = 1 << 20 };
    struct kw_rng *rng = rng_new();
    uint8_t *out = calloc(1, LEN);
    uint64_t ones = 0;

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(kw_rng_bytes(rng, out, LEN), 0);
    for (size_t i = 0; i < LEN; i++)
        ones += (uint64_t)__builtin_popcount(out[i]);
    /* Half of 2^23 bits, give or take ten standard deviations of 1448. */
    ck_assert_uint_gt(ones, (1u << 22) - 14480);
    ck_assert_uint_lt(ones, (1u << 22) + 14480);
    ck_assert_int_ne(memcmp(out, out + LEN / 2, LEN / 2), 0);
    free(out);
    kw_rng_free(rng);
}
END_TEST

START_TEST(sources_differ)
{
    struct kw_rng *a = rng_new(), *b = rng_new();
    uint8_t x[32], y[32], z[32];

    ck_assert_int_eq(kw_rng_bytes(a, x, sizeof(x)), 0);
    ck_assert_int_eq(kw_rng_bytes(b, y, sizeof(y)), 0);
    ck_assert_int_eq(kw_rng_bytes(a, z, sizeof(z)), 0);
    ck_assert_int_ne(memcmp(x, y, sizeof(x)), 0);
    ck_assert_int_ne(memcmp(x, z, sizeof(x)), 0);
    ck_assert_int_ne(memcmp(y, z, sizeof(x)), 0);
    kw_rng_free(a);
    kw_rng_free(b);
}
END_TEST

START_TEST(library_context_is_its_own)
{
    struct kw_rng *a = rng_new(), *b = rng_new();

    ck_assert_ptr_nonnull(kw_rng_libctx(a));
    ck_assert_ptr_ne(kw_rng_libctx(a), kw_rng_libctx(b));
    ck_assert_ptr_ne(kw_rng_libctx(a), OSSL_LIB_CTX_get0_global_default());

    EVP_MD *md = EVP_MD_fetch(kw_rng_libctx(a), "SHA256", NULL);
    ck_assert_ptr_nonnull(md);
    EVP_MD_free(md);
    kw_rng_free(a);
    kw_rng_free(b);
}
END_TEST

/* The generator is what the header says, seeded for the full strength. */
START_TEST(generator_is_ctr_drbg_aes_256)
{
    struct kw_rng *rng = rng_new();
    EVP_RAND_CTX *ctx = RAND_get0_private(kw_rng_libctx(rng));
    char cipher[64] = "";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string("cipher", cipher, sizeof(cipher)),
        OSSL_PARAM_construct_end(),
    };

    ck_assert_ptr_nonnull(ctx);
    ck_assert_str_eq(EVP_RAND_get0_name(EVP_RAND_CTX_get0_rand(ctx)), "CTR-DRBG");
    ck_assert_int_eq(EVP_RAND_CTX_get_params(ctx, params), 1);
    ck_assert_str_eq(cipher, "AES-256-CTR");
    ck_assert_uint_eq(EVP_RAND_get_strength(ctx), 256);
    ck_assert_int_eq(EVP_RAND_get_state(ctx), EVP_RAND_STATE_READY);
    kw_rng_free(rng);
}
END_TEST

START_TEST(forked_child_is_refused)
{
    struct kw_rng *rng = rng_new();
    int status = -1;

    pid_t pid = fork();
    if (pid == 0) {
        uint8_t out[16] = {0}, zero[16] = {0};
        int result = kw_rng_bytes(rng, out, sizeof(out));
        _exit(result == -EPERM && memcmp(out, zero, sizeof(out)) == 0 ? 42 : 1);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);

    uint8_t out[16];
    ck_assert_int_eq(kw_rng_bytes(rng, out, sizeof(out)), 0);
    kw_rng_free(rng);
}
END_TEST

static void *live_on_thread(void *arg)
{
    uint8_t *out = arg;
    struct kw_rng *rng = NULL;

    if (kw_secmem_thread_init(1 << 20) != 0 || kw_rng_new(&rng) != 0)
        return NULL;
    for (int i = 0; i < 2000; i++) {
        if (kw_rng_bytes(rng, out, 32) != 0)
            return NULL;
    }
    kw_rng_free(rng);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return out;
}

START_TEST(each_thread_has_its_own)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint8_t out[THREADS][32];

    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, live_on_thread, out[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &result), 0);
        ck_assert_ptr_eq(result, out[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < i; j++)
            ck_assert_int_ne(memcmp(out[i], out[j], 32), 0);
    }
}
END_TEST

START_TEST(free_takes_null)
{
    kw_rng_free(NULL);
}
END_TEST

int main(void)
{
    if (kw_crypto_init() != 0)
        return 1;

    Suite *suite = suite_create("rng");
    TCase *tcase = tcase_create("rng");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, fills_exactly_what_was_asked);
    tcase_add_test(tcase, long_requests_are_split);
    tcase_add_test(tcase, sources_differ);
    tcase_add_test(tcase, library_context_is_its_own);
    tcase_add_test(tcase, generator_is_ctr_drbg_aes_256);
    tcase_add_test(tcase, forked_child_is_refused);
    tcase_add_test(tcase, each_thread_has_its_own);
    tcase_add_test(tcase, free_takes_null);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
