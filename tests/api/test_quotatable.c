#include "api/quotatable.h"

#include "api/operations.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define SECOND UINT64_C(1000000000)

static char why[256];

static unsigned class_of(const char *name)
{
    for (unsigned i = 0; i < kw_quota_num_classes(); i++) {
        if (strcmp(kw_quota_class_name(i), name) == 0)
            return i;
    }
    ck_abort_msg("no class %s", name);
    return 0;
}

static struct kw_quota_rate rate_of(const struct kw_quotatable *table, const char *name)
{
    return table->rate[class_of(name)];
}

/* ---- AWS's rates ---- */

/* As the KMS developer guide has them, in calls for so many seconds. */
static const struct {
    const char *class;
    uint64_t calls, seconds;
} published[] = {
    {"GenerateDataKeyPair.RSA_2048", 1, 1},
    {"GenerateDataKeyPair.RSA_3072", 1, 2},
    {"GenerateDataKeyPair.RSA_4096", 1, 10},
    {"GenerateDataKeyPair.ECC_NIST_P256", 25, 1},
    {"GenerateDataKeyPair.ECC_NIST_P384", 10, 1},
    {"GenerateDataKeyPair.ECC_NIST_P521", 5, 1},
    {"GenerateDataKeyPair.ECC_SECG_P256K1", 25, 1},
    {"CryptographicOperations.Symmetric", 10000, 1},
    {"CreateKey", 5, 1},
    {"EnableKey", 5, 1},
    {"DisableKey", 5, 1},
    {"CreateAlias", 5, 1},
    {"CreateGrant", 50, 1},
    {"DescribeKey", 2000, 1},
};

START_TEST(test_published)
{
    struct kw_quotatable table;

    kw_quotatable_init(&table, true);
    for (size_t i = 0; i < KW_ARRAY_LEN(published); i++) {
        struct kw_quota_rate rate = rate_of(&table, published[i].class);

        ck_assert_uint_eq(rate.interval_ns, published[i].seconds * SECOND / published[i].calls);
        ck_assert_uint_eq(rate.room_ns, published[i].seconds * SECOND);
    }
    kw_quotatable_init(&table, false);
    for (unsigned i = 0; i < KW_QUOTA_CLASSES_MAX; i++)
        ck_assert_uint_eq(table.rate[i].interval_ns, 0);
}
END_TEST

/* Every operation of the model is limited, by itself or with others, and none is here that the model has not.
 */
START_TEST(test_every_operation)
{
    struct kw_quotatable table;
    unsigned class[KW_QUOTA_CLASSES_OF_CALL];

    kw_quotatable_init(&table, true);
    for (size_t i = 0; i < kw_num_operations; i++) {
        const char *name = kw_operations[i]->model->name;
        size_t num = kw_quota_classes(name, KW_LIT("RSA_2048"), class);

        ck_assert_msg(num >= 1, "%s", name);
        ck_assert_str_eq(kw_quota_class_name(class[0]), name);
        ck_assert_msg((table.rate[class[0]].interval_ns > 0) == (num == 1), "%s", name);
        ck_assert_msg(num == 1 || table.rate[class[1]].interval_ns > 0, "%s", name);
    }
    ck_assert_uint_eq(kw_quota_num_classes(), kw_num_operations + 13);
    ck_assert_uint_eq(kw_quota_classes("GetCallerIdentity", KW_LIT(""), class), 0);
    ck_assert_uint_eq(kw_quota_classes("", KW_LIT(""), class), 0);
}
END_TEST

static const struct {
    const char *operation, *spec, *shared;
} sharing[] = {
    {"GenerateDataKeyPair", "RSA_4096", "GenerateDataKeyPair.RSA_4096"},
    {"GenerateDataKeyPairWithoutPlaintext", "RSA_4096", "GenerateDataKeyPair.RSA_4096"},
    {"GenerateDataKeyPair", "ECC_NIST_EDWARDS25519", "GenerateDataKeyPair.ECC_NIST_EDWARDS25519"},
    {"GenerateDataKeyPair", "SM2", "GenerateDataKeyPair.SM2"},
    {"GenerateDataKeyPair", "RSA_1024", NULL},
    {"GenerateDataKeyPair", "", NULL},
    {"GenerateDataKey", "", "CryptographicOperations.Symmetric"},
    {"GenerateRandom", "", "CryptographicOperations.Symmetric"},
    {"VerifyMac", "", "CryptographicOperations.Symmetric"},
    {"Encrypt", "", "CryptographicOperations.Symmetric"},
    {"Decrypt", "SYMMETRIC_DEFAULT", "CryptographicOperations.Symmetric"},
    {"ReEncrypt", "RSAES_OAEP_SHA_256", "CryptographicOperations.RSA"},
    {"Sign", "RSASSA_PKCS1_V1_5_SHA_256", "CryptographicOperations.RSA"},
    {"Sign", "ECDSA_SHA_256", "CryptographicOperations.ECC"},
    {"Verify", "ED25519_SHA_512", "CryptographicOperations.ECC"},
    {"Encrypt", "SM2PKE", "CryptographicOperations.ECC"},
    {"Verify", "ML_DSA_SHAKE_256", "CryptographicOperations.ML_DSA"},
    {"DeriveSharedSecret", "", "CryptographicOperations.ECC"},
    {"CreateKey", "RSA_2048", NULL},
};

START_TEST(test_sharing)
{
    unsigned class[KW_QUOTA_CLASSES_OF_CALL];

    for (size_t i = 0; i < KW_ARRAY_LEN(sharing); i++) {
        size_t num = kw_quota_classes(sharing[i].operation, kw_bytes_str(sharing[i].spec), class);

        ck_assert_str_eq(kw_quota_class_name(class[0]), sharing[i].operation);
        ck_assert_uint_eq(num, sharing[i].shared != NULL ? 2 : 1);
        if (num == 2)
            ck_assert_str_eq(kw_quota_class_name(class[1]), sharing[i].shared);
    }
}
END_TEST

/* ---- texts ---- */

static const struct {
    const char *rate, *burst;
    uint64_t interval_ns, room_ns;
} rates[] = {
    {"1", "", SECOND, SECOND},
    {"0.1", "", 10 * SECOND, 10 * SECOND},
    {"2.5", "", 400000000, SECOND},
    {"10000", "", 100000, SECOND},
    {"1", "5", SECOND, 5 * SECOND},
    {"100", "1", 10000000, 10000000},
    {"3", "", 333333333, 999999999},
    {"0.0001", "", 10000 * SECOND, 10000 * SECOND},
    {"1000000", "1000000", 1000, SECOND},
    {"0.000100", "1000000", 10000 * SECOND, 10000 * SECOND * 1000000},
    {"000000001.5", "2", 666666666, 1333333332},
    {"unlimited", "", 0, 0},
};

static const struct {
    const char *rate, *burst;
} bad_rates[] = {
    {"", ""},
    {"0", ""},
    {"0.00009", ""},
    {"0.0001000", ""},
    {"1000000.000001", ""},
    {"9999999999", ""},
    {"1e3", ""},
    {"-1", ""},
    {"+1", ""},
    {".5", ""},
    {"1.", ""},
    {"1.2.3", ""},
    {"1,5", ""},
    {" 1", ""},
    {"Unlimited", ""},
    {"unlimited", "1"},
    {"1", "0"},
    {"1", "1.5"},
    {"1", "1000001"},
    {"1", "x"},
    {"nan", ""},
    {"inf", ""},
    {"0x10", ""},
};

START_TEST(test_rates)
{
    struct kw_quota_rate rate = {7, 7};

    for (size_t i = 0; i < KW_ARRAY_LEN(rates); i++) {
        ck_assert_int_eq(
            kw_quota_rate_parse(kw_bytes_str(rates[i].rate), kw_bytes_str(rates[i].burst), &rate), 0);
        ck_assert_uint_eq(rate.interval_ns, rates[i].interval_ns);
        ck_assert_uint_eq(rate.room_ns, rates[i].room_ns);
    }
    rate = (struct kw_quota_rate){7, 7};
    for (size_t i = 0; i < KW_ARRAY_LEN(bad_rates); i++) {
        ck_assert_msg(kw_quota_rate_parse(kw_bytes_str(bad_rates[i].rate), kw_bytes_str(bad_rates[i].burst),
                          &rate) == KW_QUOTA_MALFORMED,
            "%s %s", bad_rates[i].rate, bad_rates[i].burst);
        ck_assert(rate.interval_ns == 7 && rate.room_ns == 7);
    }
}
END_TEST

START_TEST(test_change)
{
    struct kw_quotatable table;

    kw_quotatable_init(&table, true);
    ck_assert_int_eq(kw_quotatable_change(&table,
                         KW_LIT("# as published now\r\n"
                                "GenerateDataKeyPair.RSA_2048 20\r\n"
                                "\n"
                                " \tGenerateDataKeyPair.RSA_4096\t\t1 5 # in bursts\n"
                                "Encrypt 3\n"
                                "CreateKey 1\n"
                                "CreateKey unlimited"),
                         why, sizeof(why)),
        0);
    ck_assert_uint_eq(rate_of(&table, "GenerateDataKeyPair.RSA_2048").interval_ns, SECOND / 20);
    ck_assert_uint_eq(rate_of(&table, "GenerateDataKeyPair.RSA_4096").room_ns, 5 * SECOND);
    ck_assert_uint_eq(rate_of(&table, "Encrypt").interval_ns, SECOND / 3);
    ck_assert_uint_eq(rate_of(&table, "CreateKey").interval_ns, 0);
    ck_assert_uint_eq(rate_of(&table, "GenerateDataKeyPair.RSA_3072").interval_ns, 2 * SECOND);
    ck_assert_int_eq(kw_quotatable_change(&table, KW_LIT("* unlimited\nListKeys 2\n"), why, sizeof(why)), 0);
    for (unsigned i = 0; i < kw_quota_num_classes(); i++)
        ck_assert_uint_eq(table.rate[i].interval_ns, i == class_of("ListKeys") ? SECOND / 2 : 0);
    ck_assert_int_eq(kw_quotatable_change(&table, KW_BYTES(NULL, 0), why, sizeof(why)), 0);
}
END_TEST

static const struct {
    const char *text, *why;
} malformed[] = {
    {"CreateKey 1\nMakeKey 1\n", "line 2 names no operation and no class of operations"},
    {"createkey 1", "line 1 names no operation and no class of operations"},
    {"\n\nCreateKey\n", "line 3 must have a rate"},
    {"CreateKey 1 2 3", "line 1 has more than CLASS RATE BURST"},
    {"CreateKey 1 unlimited", "line 1 must have a rate"},
    {"CreateKey=5", "line 1 must have a rate"},
    {"* 0", "line 1 must have a rate"},
};

START_TEST(test_malformed)
{
    static char longest[KW_QUOTATABLE_BYTES_MAX + 1];
    struct kw_quotatable table, before;

    kw_quotatable_init(&table, true);
    before = table;
    for (size_t i = 0; i < KW_ARRAY_LEN(malformed); i++) {
        ck_assert_int_eq(kw_quotatable_change(&table, kw_bytes_str(malformed[i].text), why, sizeof(why)),
            KW_QUOTA_MALFORMED);
        ck_assert_msg(strncmp(why, malformed[i].why, strlen(malformed[i].why)) == 0, "%s", why);
        ck_assert_mem_eq(&table, &before, sizeof(table));
    }
    /* A NUL byte is a byte like others. */
    ck_assert_int_eq(
        kw_quotatable_change(&table, KW_LIT("CreateKey\0 1"), why, sizeof(why)), KW_QUOTA_MALFORMED);
    memset(longest, '\n', sizeof(longest));
    ck_assert_int_eq(
        kw_quotatable_change(&table, KW_BYTES(longest, KW_QUOTATABLE_BYTES_MAX), why, sizeof(why)), 0);
    ck_assert_int_eq(kw_quotatable_change(&table, KW_BYTES(longest, sizeof(longest)), why, sizeof(why)),
        KW_QUOTA_MALFORMED);
    ck_assert_str_eq(why, "it is longer than 65536 bytes");
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_published);
    tcase_add_test(tests, test_every_operation);
    tcase_add_test(tests, test_sharing);
    tcase_add_test(tests, test_rates);
    tcase_add_test(tests, test_change);
    tcase_add_test(tests, test_malformed);
}

int main(void)
{
    return kw_suite_run("quotatable", add, 10);
}
