#include "engine/crypto.h"
#include "pool/secmem.h"

#include <check.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a child that used OpenSSL before kw_crypto_init(); made in main, before our own. */
static int late_status;

enum { LATE_REFUSED = 42 };

static void run_late_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        void *ptr = OPENSSL_malloc(1);
        _exit(ptr != NULL && kw_crypto_init() == KW_EOPENSSL ? LATE_REFUSED : 1);
    }
    if (pid < 0 || waitpid(pid, &late_status, 0) != pid)
        late_status = -1;
}

START_TEST(init_again_does_nothing)
{
    ck_assert_int_eq(kw_crypto_init(), 0);
    ck_assert_int_eq(kw_crypto_init(), 0);
}
END_TEST

START_TEST(init_after_use_of_openssl_is_refused)
{
    ck_assert(WIFEXITED(late_status));
    ck_assert_int_eq(WEXITSTATUS(late_status), LATE_REFUSED);
}
END_TEST

/* A large allocation of OpenSSL shows in the count of secret memory. */
START_TEST(allocations_are_secret_memory)
{
    struct kw_secmem_stats before, after;
    size_t len = (size_t)8 << 20;

    kw_secmem_stats(&before);
    void *ptr = OPENSSL_malloc(len);
    kw_secmem_stats(&after);
    ck_assert_ptr_nonnull(ptr);
    ck_assert_uint_ge(kw_secmem_size(ptr), len);
    ck_assert_uint_ge(after.mapped_bytes, before.mapped_bytes + len);
    OPENSSL_free(ptr);
}
END_TEST

static size_t count_byte(const volatile uint8_t *ptr, size_t len, uint8_t byte)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ptr[i] == byte;
    return count;
}

/* Secret memory is never unmapped, so that one may look at what was freed. The pointer is kept as a number:
 * the compiler must not know that it is stale. */
START_TEST(free_and_realloc_wipe)
{
    enum { LEN = 200 };
    uint8_t *ptr = OPENSSL_malloc(LEN);
    ck_assert_ptr_nonnull(ptr);
    memset(ptr, 0xa5, LEN);
    uintptr_t first = (uintptr_t)ptr;

    ptr = OPENSSL_realloc(ptr, 100 * LEN);
    ck_assert_ptr_nonnull(ptr);
    ck_assert_uint_ne((uintptr_t)ptr, first);
    ck_assert_uint_eq(count_byte(ptr, LEN, 0xa5), LEN);
    ck_assert_uint_eq(count_byte((const volatile uint8_t *)first, LEN, 0xa5), 0);

    uintptr_t second = (uintptr_t)ptr;
    OPENSSL_free(ptr);
    ck_assert_uint_eq(count_byte((const volatile uint8_t *)second, LEN, 0xa5), 0);
}
END_TEST

START_TEST(corner_cases_of_the_c_library)
{
    ck_assert_ptr_null(OPENSSL_malloc(0));
    ck_assert_ptr_null(OPENSSL_malloc(SIZE_MAX));
    OPENSSL_free(NULL);

    void *ptr = OPENSSL_realloc(NULL, 10);
    ck_assert_ptr_nonnull(ptr);
    ck_assert_ptr_null(OPENSSL_realloc(ptr, SIZE_MAX));
    ck_assert_ptr_null(OPENSSL_realloc(ptr, 0));
}
END_TEST

static void *allocate_on_thread(void *arg)
{
    (void)arg;
    if (kw_secmem_thread_init(1 << 20) != 0)
        return NULL;
    BIGNUM *number = BN_new();
    if (number == NULL || BN_set_word(number, 42) != 1)
        return NULL;
    kw_secmem_thread_done();
    return number;
}

/* What a worker's arena gave out, another thread may free. */
START_TEST(blocks_cross_threads)
{
    pthread_t thread;
    void *number = NULL;

    ck_assert_int_eq(pthread_create(&thread, NULL, allocate_on_thread, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, &number), 0);
    ck_assert_ptr_nonnull(number);
    ck_assert(BN_is_word(number, 42));
    BN_clear_free(number);
}
END_TEST

int main(void)
{
    run_late_child();
    if (kw_crypto_init() != 0)
        return 1;

    Suite *suite = suite_create("crypto");
    TCase *tcase = tcase_create("crypto");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, init_again_does_nothing);
    tcase_add_test(tcase, init_after_use_of_openssl_is_refused);
    tcase_add_test(tcase, allocations_are_secret_memory);
    tcase_add_test(tcase, free_and_realloc_wipe);
    tcase_add_test(tcase, corner_cases_of_the_c_library);
    tcase_add_test(tcase, blocks_cross_threads);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
