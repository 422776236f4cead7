/* Buckets under a clock of the test's own; then under many threads at once. */
#include "api/quota.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define START  (1000 * SECOND)

#define ACCOUNT KW_LIT("000000000000")
#define REGION  KW_LIT("us-east-1")
#define ADMIN   KW_LIT("AIDAAAAAAAAAAAAAAAAAA")

static const struct kw_quota_rate unlimited;
static struct kw_quotas *quotas;
static char why[512];

static struct kw_quota_rate rate_of(const char *rate, const char *burst)
{
    struct kw_quota_rate ret;

    ck_assert_int_eq(kw_quota_rate_parse(kw_bytes_str(rate), kw_bytes_str(burst), &ret), 0);
    return ret;
}

static void begin(const char *changes, struct kw_quota_rate principal)
{
    struct kw_quotatable table;

    kw_quotatable_init(&table, true);
    ck_assert_int_eq(kw_quotatable_change(&table, kw_bytes_str(changes), why, sizeof(why)), 0);
    ck_assert_int_eq(kw_quotas_new(&quotas, &table, principal), 0);
}

static void end(void)
{
    kw_quotas_free(quotas);
    quotas = NULL;
}

static bool take(const char *operation, const char *spec, uint64_t now_ns)
{
    return kw_quota_take(quotas, ACCOUNT, REGION, operation, kw_bytes_str(spec), now_ns);
}

/* How many of num calls at once get through. */
static unsigned take_many(const char *operation, const char *spec, uint64_t now_ns, unsigned num)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < num; i++)
        taken += take(operation, spec, now_ns) ? 1 : 0;
    return taken;
}

START_TEST(test_burst_and_rate)
{
    begin("", unlimited);
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "ECC_NIST_P256", START, 100), 25);
    ck_assert(!take("GenerateDataKeyPair", "ECC_NIST_P256", START + 40 * MS - 1));
    ck_assert(take("GenerateDataKeyPair", "ECC_NIST_P256", START + 40 * MS));
    ck_assert(!take("GenerateDataKeyPair", "ECC_NIST_P256", START + 40 * MS));
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "ECC_NIST_P256", START + 200 * MS, 100), 4);
    /* Not more after a long rest than at first. */
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "ECC_NIST_P256", START + 3600 * SECOND, 100), 25);
    end();
}
END_TEST

START_TEST(test_less_than_one_a_second)
{
    begin("GenerateDataKeyPair.RSA_3072 0.5 2\n", unlimited);
    ck_assert(take("GenerateDataKeyPair", "RSA_4096", START));
    ck_assert(!take("GenerateDataKeyPair", "RSA_4096", START + 10 * SECOND - 1));
    ck_assert(take("GenerateDataKeyPair", "RSA_4096", START + 10 * SECOND));
    ck_assert(!take("GenerateDataKeyPair", "RSA_4096", START + 19 * SECOND));
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "RSA_3072", START, 9), 2);
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "RSA_3072", START + 2 * SECOND, 9), 1);
    end();
}
END_TEST

/* Whatever comes when: never more than the burst and the rate allow, and what is asked for steadily is had.
 */
START_TEST(test_long_run)
{
    uint64_t now = START, state = 1, taken = 0, asked = 0;

    begin("ListKeys 7\n", unlimited);
    for (; now < START + 1000 * SECOND; asked++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        now += state >> 37; /* 0.07 s on average */
        taken += take("ListKeys", "", now) ? 1 : 0;
        ck_assert_uint_le(taken, 7 + 7 * (now - START) / SECOND + 1);
    }
    ck_assert_uint_gt(asked, 10000);
    ck_assert_uint_ge(taken, 6990);
    end();
}
END_TEST

START_TEST(test_what_counts_together)
{
    begin("", unlimited);
    ck_assert(take("GenerateDataKeyPair", "RSA_2048", START));
    ck_assert(!take("GenerateDataKeyPairWithoutPlaintext", "RSA_2048", START));
    ck_assert(take("GenerateDataKeyPairWithoutPlaintext", "RSA_3072", START));
    ck_assert(kw_quota_take(
        quotas, ACCOUNT, KW_LIT("eu-west-1"), "GenerateDataKeyPair", KW_LIT("RSA_2048"), START));
    ck_assert(kw_quota_take(
        quotas, KW_LIT("111122223333"), REGION, "GenerateDataKeyPair", KW_LIT("RSA_2048"), START));
    ck_assert_uint_eq(take_many("Encrypt", "", START, 6000), 6000);
    ck_assert_uint_eq(take_many("Decrypt", "SYMMETRIC_DEFAULT", START, 6000), 4000);
    ck_assert_uint_eq(take_many("Decrypt", "RSAES_OAEP_SHA_256", START, 6000), 1000);
    ck_assert_uint_eq(take_many("CreateKey", "", START, 50), 5);
    ck_assert_uint_eq(take_many("EnableKey", "", START, 50), 5);
    ck_assert_uint_eq(take_many("GetCallerIdentity", "", START, 50), 50);
    end();
}
END_TEST

/* A call that one bucket refuses takes nothing from the other. */
START_TEST(test_all_or_nothing)
{
    begin("Encrypt 5\nCryptographicOperations.Symmetric 8\n", unlimited);
    ck_assert_uint_eq(take_many("Encrypt", "", START, 50), 5);
    ck_assert_uint_eq(take_many("Decrypt", "", START, 50), 3);
    /* All eight are gone; Encrypt's own bucket fills again and stays full while the shared one refuses. */
    ck_assert_uint_eq(take_many("Decrypt", "", START + SECOND, 50), 8);
    ck_assert_uint_eq(take_many("Encrypt", "", START + SECOND, 50), 0);
    ck_assert_uint_eq(take_many("Encrypt", "", START + 2 * SECOND, 50), 5);
    end();
    begin("* unlimited\n", unlimited);
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "RSA_4096", START, 1000), 1000);
    end();
}
END_TEST

START_TEST(test_principals)
{
    unsigned taken = 0, recorded = 0;

    begin("* unlimited\n", rate_of("20", ""));
    for (unsigned i = 0; i < 100; i++) {
        if (kw_quota_take_principal(quotas, ADMIN, START))
            taken++;
        else
            recorded += kw_quota_take_record(quotas, ADMIN, START) ? 1 : 0;
    }
    ck_assert_uint_eq(taken, 20);
    ck_assert_uint_eq(recorded, 20);
    ck_assert(kw_quota_take_principal(quotas, KW_LIT("AROAAAAAAAAAAAAAAAAAA"), START));
    ck_assert(kw_quota_take_principal(quotas, KW_LIT(""), START));
    ck_assert(!kw_quota_take_principal(quotas, ADMIN, START + 49 * MS));
    ck_assert(kw_quota_take_principal(quotas, ADMIN, START + 50 * MS));
    ck_assert_uint_eq(take_many("CreateKey", "", START, 50), 50);
    end();
    begin("", unlimited);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert(
            kw_quota_take_principal(quotas, ADMIN, START) && kw_quota_take_record(quotas, ADMIN, START));
    end();
}
END_TEST

/* Threads read the clock before they come here, so one may bring a time that is over. */
START_TEST(test_clock_goes_back_a_little)
{
    begin("", unlimited);
    ck_assert_uint_eq(take_many("CreateKey", "", START, 50), 5);
    ck_assert_uint_eq(take_many("CreateKey", "", START - 5 * MS, 50), 0);
    ck_assert_uint_eq(take_many("CreateKey", "", START + SECOND, 50), 5);
    ck_assert_uint_eq(take_many("CreateKey", "", START + SECOND - 1, 50), 0);
    end();
}
END_TEST

static unsigned take_in_regions(unsigned from, unsigned to, uint64_t now_ns)
{
    unsigned taken = 0;

    for (unsigned i = from; i < to; i++) {
        char region[32];

        snprintf(region, sizeof(region), "us-east-%u", i);
        taken += kw_quota_take(
                     quotas, ACCOUNT, kw_bytes_str(region), "GenerateDataKeyPair", KW_LIT("RSA_4096"), now_ns)
                     ? 1
                     : 0;
    }
    return taken;
}

/* More than there is room for, as who makes up names of Regions may bring: never more get through than there
 * are buckets, and when those are full again they serve others. */
START_TEST(test_more_than_the_table_holds)
{
    begin("", unlimited);
    ck_assert_uint_eq(take_in_regions(0, 1000, START), 1000);
    ck_assert_uint_eq(take_in_regions(0, 1000, START), 0);
    unsigned taken = take_in_regions(1000, 200000, START);
    ck_assert_uint_le(taken, 65536 - 1000);
    ck_assert_uint_ge(taken, 65536 - 1000 - 100);
    ck_assert_uint_eq(take_in_regions(0, 1000, START + 10 * SECOND - 1), 0);
    taken = take_in_regions(300000, 500000, START + 10 * SECOND);
    ck_assert_uint_ge(taken, 65536 - 100);
    ck_assert_uint_le(taken, 65536);
    end();
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 4000, BURST = 5 };
static _Atomic unsigned passed[ROUNDS];
static _Atomic uint64_t passed_in_all;

static void *take_each_round(void *arg)
{
    (void)arg;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char region[32];

        snprintf(region, sizeof(region), "us-east-%u", round);
        for (unsigned i = 0; i < BURST - 1; i++) {
            if (kw_quota_take(quotas, ACCOUNT, kw_bytes_str(region), "CreateKey", KW_LIT(""), START))
                atomic_fetch_add(&passed[round], 1);
        }
    }
    return NULL;
}

static void run_threads(void *(*function)(void *))
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, function, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* Buckets that come into being while all threads ask for them: exactly the burst gets through. */
START_TEST(test_threads_new_buckets)
{
    begin("", unlimited);
    run_threads(take_each_round);
    for (unsigned round = 0; round < ROUNDS; round++)
        ck_assert_uint_eq(passed[round], BURST);
    end();
}
END_TEST

static void *take_while_time_passes(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t now = START + i * UINT64_C(100000);

        if (kw_quota_take(quotas, ACCOUNT, REGION, "DescribeKey", KW_LIT(""), now))
            atomic_fetch_add(&passed_in_all, 1);
    }
    return NULL;
}

/* One bucket for ten seconds of the test's clock: what the burst and the rate allow, and no less. */
START_TEST(test_threads_one_bucket)
{
    begin("DescribeKey 2000\n", unlimited);
    run_threads(take_while_time_passes);
    ck_assert_uint_le(passed_in_all, 2000 + 2000 * 10);
    ck_assert_uint_ge(passed_in_all, 2000 * 10);
    end();
}
END_TEST

static _Atomic unsigned next_name;

static void *take_under_pressure(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 100000; i++) {
        char region[32];
        unsigned name = atomic_fetch_add(&next_name, 1);

        snprintf(region, sizeof(region), "us-east-%u", name);
        if (kw_quota_take(quotas, ACCOUNT, kw_bytes_str(region), "GenerateDataKeyPair", KW_LIT("RSA_4096"),
                START + name * UINT64_C(100000)))
            atomic_fetch_add(&passed_in_all, 1);
    }
    return NULL;
}

/* 400,000 names in 40 s, of which each keeps a bucket for ten: buckets change hands all the time. */
START_TEST(test_threads_under_pressure)
{
    begin("", unlimited);
    run_threads(take_under_pressure);
    ck_assert_uint_ge(passed_in_all, 200000);
    ck_assert_uint_le(passed_in_all, 5 * 65536);
    end();
}
END_TEST

/* ---- from options ---- */

static char folder[] = "/tmp/kw-test-quota-XXXXXX";
static char path[64];

static const char *write_table(const char *text, size_t len)
{
    FILE *file;

    snprintf(path, sizeof(path), "%s/table", folder);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static int open_quotas(const char *source)
{
    why[0] = '\0';
    return kw_quotas_open(&quotas, source, unlimited, why, sizeof(why));
}

START_TEST(test_open)
{
    static char much[KW_QUOTATABLE_BYTES_MAX + 1];
    struct kw_quotas *const untouched = quotas = (struct kw_quotas *)(void *)why;

    ck_assert_int_eq(open_quotas(NULL), 0);
    ck_assert_ptr_null(quotas);
    ck_assert_int_eq(open_quotas("aws"), 0);
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "RSA_2048", START, 50), 1);
    end();
    ck_assert_int_eq(open_quotas(write_table("GenerateDataKeyPair.RSA_2048 20", 31)), 0);
    ck_assert_uint_eq(take_many("GenerateDataKeyPair", "RSA_2048", START, 50), 20);
    ck_assert_uint_eq(take_many("CreateKey", "", START, 50), 5);
    end();
    /* A limit of principals alone: no quotas. */
    ck_assert_int_eq(kw_quotas_open(&quotas, NULL, rate_of("1", ""), why, sizeof(why)), 0);
    ck_assert_uint_eq(take_many("CreateKey", "", START, 50), 50);
    ck_assert(
        kw_quota_take_principal(quotas, ADMIN, START) && !kw_quota_take_principal(quotas, ADMIN, START));
    end();

    quotas = untouched;
    ck_assert_int_eq(open_quotas(write_table("CreateKey 5\nCreateKeys 5\n", 25)), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "/table cannot be used: line 2 names no operation"));
    memset(much, '\n', sizeof(much));
    ck_assert_int_eq(open_quotas(write_table(much, sizeof(much))), -EFBIG);
    ck_assert_ptr_nonnull(strstr(why, "/table cannot be read: it is too long"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(open_quotas(path), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, "No such file"));
    ck_assert_int_eq(open_quotas(folder), -EISDIR);
    ck_assert_ptr_eq(quotas, untouched);
    kw_quotas_free(NULL);
}
END_TEST

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static void add(TCase *tests)
{
    tcase_add_unchecked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, test_burst_and_rate);
    tcase_add_test(tests, test_less_than_one_a_second);
    tcase_add_test(tests, test_long_run);
    tcase_add_test(tests, test_what_counts_together);
    tcase_add_test(tests, test_all_or_nothing);
    tcase_add_test(tests, test_principals);
    tcase_add_test(tests, test_clock_goes_back_a_little);
    tcase_add_test(tests, test_more_than_the_table_holds);
    tcase_add_test(tests, test_threads_new_buckets);
    tcase_add_test(tests, test_threads_one_bucket);
    tcase_add_test(tests, test_threads_under_pressure);
    tcase_add_test(tests, test_open);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("quota", add, 30);
}
