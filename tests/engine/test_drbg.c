#include "engine/crypto.h"
#include "engine/drbg.h"
#include "pool/secmem.h"
#include "tests/support/suite.h"

#include <openssl/provider.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static struct kw_drbg *drbg_new(void)
{
    struct kw_drbg *drbg = NULL;

    ck_assert_int_eq(kw_drbg_new(&drbg, NULL), 0);
    ck_assert_ptr_nonnull(drbg);
    return drbg;
}

START_TEST(fills_exactly_what_was_asked)
{
    KW_DRBG struct kw_drbg *drbg = drbg_new();

    for (size_t len = 0; len <= 64; len++) {
        uint8_t out[96] = {0};
        size_t seen[96] = {0};

        for (int round = 0; round < 16; round++) {
            ck_assert_int_eq(kw_drbg_bytes(drbg, out, len), 0);
            for (size_t i = 0; i < sizeof(out); i++)
                seen[i] += out[i] != 0;
        }
        /* A byte that is random stays zero sixteen times with a probability of 2^-128. */
        for (size_t i = 0; i < sizeof(out); i++)
            ck_assert_int_eq(seen[i] != 0, i < len);
    }
}
END_TEST

/* More than a generator of SP 800-90A may give in one request (2^19 bits), to an odd length. No 16 bytes come
 * twice. */
START_TEST(long_requests_are_split)
{
    enum { LEN = (1 << 18) + 12345 };
    KW_DRBG struct kw_drbg *drbg = drbg_new();
    uint8_t *out = calloc(1, LEN + 1);
    uint64_t ones = 0;

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(kw_drbg_bytes(drbg, out, LEN), 0);
    for (size_t i = 0; i < LEN; i++)
        ones += (uint64_t)__builtin_popcount(out[i]);
    /* Half of the bits, give or take ten standard deviations. */
    ck_assert_uint_gt(ones, 4 * LEN - 7430);
    ck_assert_uint_lt(ones, 4 * LEN + 7430);
    for (size_t i = 1 << 16; i + 16 <= LEN; i += 1 << 16)
        ck_assert_ptr_null(memmem(out, i, out + i, 16));
    ck_assert_int_eq(out[LEN], 0);
    free(out);
}
END_TEST

START_TEST(generators_differ)
{
    KW_DRBG struct kw_drbg *a = drbg_new();
    KW_DRBG struct kw_drbg *b = drbg_new();
    uint8_t x[32], y[32], z[32];

    ck_assert_int_eq(kw_drbg_bytes(a, x, sizeof(x)), 0);
    ck_assert_int_eq(kw_drbg_bytes(b, y, sizeof(y)), 0);
    ck_assert_int_eq(kw_drbg_bytes(a, z, sizeof(z)), 0);
    ck_assert_mem_ne(x, y, sizeof(x));
    ck_assert_mem_ne(x, z, sizeof(x));
    ck_assert_mem_ne(y, z, sizeof(x));
}
END_TEST

static int compare(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

/* Past the number of requests after which it reseeds (256), many times over. */
START_TEST(goes_on_over_reseeds)
{
    enum { NUM = 3000 };
    KW_DRBG struct kw_drbg *drbg = drbg_new();
    static uint64_t out[NUM];

    for (size_t i = 0; i < NUM; i++)
        ck_assert_int_eq(kw_drbg_bytes(drbg, &out[i], sizeof(out[i])), 0);
    qsort(out, NUM, sizeof(out[0]), compare);
    for (size_t i = 1; i < NUM; i++)
        ck_assert_uint_ne(out[i - 1], out[i]);
}
END_TEST

static void *draw(void *arg)
{
    struct kw_drbg **drbg = arg;
    static uint8_t out[32];
    int r = *drbg == NULL ? kw_drbg_new(drbg, NULL) : 0;

    return r == 0 && kw_drbg_bytes(*drbg, out, sizeof(out)) == 0 ? out : NULL;
}

/* Made by one thread that has ended, used by others, freed by a third. */
START_TEST(changes_its_owner)
{
    KW_DRBG struct kw_drbg *drbg = NULL;

    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *result = NULL;

        ck_assert_int_eq(pthread_create(&thread, NULL, draw, &drbg), 0);
        ck_assert_int_eq(pthread_join(thread, &result), 0);
        ck_assert_ptr_nonnull(result);
    }
    ck_assert_ptr_nonnull(draw(&drbg));
}
END_TEST

/* A library context without the algorithms: nothing is made, nothing is touched. */
START_TEST(no_algorithms)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(libctx, "null");
    struct kw_drbg *drbg = (void *)&libctx;

    ck_assert_ptr_nonnull(provider);
    ck_assert_int_eq(kw_drbg_new(&drbg, libctx), KW_EOPENSSL);
    ck_assert_ptr_eq(drbg, (void *)&libctx);
    OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(libctx);
}
END_TEST

START_TEST(forked_child_is_refused)
{
    KW_DRBG struct kw_drbg *drbg = drbg_new();
    uint8_t out[16] = {0};
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        uint8_t zero[16] = {0};
        struct kw_drbg *another = NULL;
        bool refused = kw_drbg_bytes(drbg, out, sizeof(out)) == -EPERM &&
                       memcmp(out, zero, sizeof(out)) == 0 && kw_drbg_bytes(drbg, out, 0) == -EPERM &&
                       kw_drbg_new(&another, NULL) == -ENOMEM;

        kw_drbg_free(drbg); /* does nothing */
        _exit(refused ? 42 : 1);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    ck_assert_int_eq(kw_drbg_bytes(drbg, out, sizeof(out)), 0);
}
END_TEST

START_TEST(free_takes_null)
{
    kw_drbg_free(NULL);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, fills_exactly_what_was_asked);
    tcase_add_test(tcase, long_requests_are_split);
    tcase_add_test(tcase, generators_differ);
    tcase_add_test(tcase, goes_on_over_reseeds);
    tcase_add_test(tcase, changes_its_owner);
    tcase_add_test(tcase, no_algorithms);
    tcase_add_test(tcase, forked_child_is_refused);
    tcase_add_test(tcase, free_takes_null);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("drbg", add, 60);
}
