/* Condition keys: found without case, with the name behind those that have one; all others are unknown. */
#include "api/condkey.h"

#include "tests/support/suite.h"

static const struct {
    const char *text;
    int key; /* -1: unknown */
    const char *name;
} cases[] = {
    {"aws:username", KW_CK_AWS_USERNAME, ""},
    {"AWS:UserName", KW_CK_AWS_USERNAME, ""},
    {"aws:SourceIp", KW_CK_AWS_SOURCE_IP, ""},
    {"kms:GrantOperations", KW_CK_KMS_GRANT_OPERATIONS, ""},
    {"kms:EncryptionContextKeys", KW_CK_KMS_ENCRYPTION_CONTEXT_KEYS, ""},
    {"kms:EncryptionContext:App", KW_CK_KMS_ENCRYPTION_CONTEXT, "App"},
    {"KMS:encryptioncontext:App", KW_CK_KMS_ENCRYPTION_CONTEXT, "App"},
    {"kms:EncryptionContext:aws:s3:arn", KW_CK_KMS_ENCRYPTION_CONTEXT, "aws:s3:arn"},
    {"aws:ResourceTag/a/b", KW_CK_AWS_RESOURCE_TAG, "a/b"},
    {"aws:PrincipalTag/x", KW_CK_AWS_PRINCIPAL_TAG, "x"},
    {"aws:RequestTag/x", KW_CK_AWS_REQUEST_TAG, "x"},
    {"sts:ExternalId", KW_CK_STS_EXTERNAL_ID, ""},
    {"kms:RecipientAttestation:ImageSha384", KW_CK_KMS_RECIPIENT_IMAGE, ""},
    {"kms:RecipientAttestation:PCR0", KW_CK_KMS_RECIPIENT_PCR, "0"},
    {"kms:ViaService", KW_CK_ABSENT, ""},
    {"aws:sourcevpce", KW_CK_ABSENT, ""},
    {"aws:PrincipalOrgID", KW_CK_ABSENT, ""},
    {"", -1, NULL},
    {"username", -1, NULL},
    {"aws:username ", -1, NULL},
    {"aws:usernam", -1, NULL},
    {"aws:username/x", -1, NULL},
    {"kms:EncryptionContext", -1, NULL},
    {"kms:EncryptionContext:", -1, NULL},
    {"kms:EncryptionContext/x", -1, NULL},
    {"aws:ResourceTag/", -1, NULL},
    {"aws:ResourceTag", -1, NULL},
    {"s3:prefix", -1, NULL},
};

START_TEST(test_find)
{
    enum kw_condkey key = KW_CK_KMS_VALID_TO;
    struct kw_bytes name = KW_LIT("untouched");
    int r = kw_condkey_find(kw_bytes_str(cases[_i].text), &key, &name);

    ck_assert_msg(r == (cases[_i].key < 0 ? KW_CONDKEY_UNKNOWN : 0), "%s", cases[_i].text);
    ck_assert_int_eq((int)key, r == 0 ? cases[_i].key : (int)KW_CK_KMS_VALID_TO);
    ck_assert(kw_bytes_equal(name, r == 0 ? kw_bytes_str(cases[_i].name) : KW_LIT("untouched")));
}
END_TEST

/* Each is found by the name that it has, and only by that. */
START_TEST(test_all)
{
    for (unsigned i = 0; i < KW_CK_NUM; i++) {
        const char *text = kw_condkey_name((enum kw_condkey)i);
        char full[96] = {0};
        struct kw_bytes name;
        enum kw_condkey key;

        ck_assert_uint_gt(strlen(text), 4);
        memcpy(full, text, strlen(text));
        if (kw_condkey_source((enum kw_condkey)i) == KW_CONDKEY_NAMED)
            full[strlen(text)] = 'x';
        ck_assert_int_eq(kw_condkey_find(kw_bytes_str(full), &key, &name), 0);
        ck_assert_msg(key == (enum kw_condkey)i, "%s", full);
        ck_assert_uint_ne(kw_condkey_source(key), KW_CONDKEY_ABSENT);
    }
    ck_assert_int_eq(kw_condkey_source(KW_CK_ABSENT), KW_CONDKEY_ABSENT);
    ck_assert_int_eq(kw_condkey_type(KW_CK_AWS_SOURCE_IP), KW_CONDKEY_IP);
    ck_assert_int_eq(kw_condkey_type(KW_CK_KMS_VALID_TO), KW_CONDKEY_DATE);
    ck_assert_int_eq(kw_condkey_type(KW_CK_AWS_SECURE_TRANSPORT), KW_CONDKEY_BOOL);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_find, 0, KW_ARRAY_LEN(cases));
    tcase_add_test(tests, test_all);
}

int main(void)
{
    return kw_suite_run("condkey", add, 30);
}
