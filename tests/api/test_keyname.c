#include "api/keyname.h"

#include <check.h>

#define ID  "1234abcd-12ab-34cd-56ef-1234567890ab"
#define ARN "arn:aws:kms:us-east-1:111122223333:"

static const uint8_t id_bytes[16] = {
    0x12, 0x34, 0xab, 0xcd, 0x12, 0xab, 0x34, 0xcd, 0x56, 0xef, 0x12, 0x34, 0x56, 0x78, 0x90, 0xab};

static int parse(const char *text, struct kw_keyname *ret)
{
    return kw_keyname_parse(kw_bytes_str(text), ret);
}

static void assert_text(struct kw_bytes text, const char *expected)
{
    ck_assert(kw_bytes_equal(text, kw_bytes_str(expected)));
}

START_TEST(test_id)
{
    struct kw_keyname name;

    ck_assert_int_eq(parse(ID, &name), 0);
    ck_assert_int_eq(name.form, KW_KEYNAME_ID);
    ck_assert(!name.multi_region);
    ck_assert_mem_eq(name.id, id_bytes, 16);

    ck_assert_int_eq(parse("mrk-1234abcd12ab34cd56ef1234567890ab", &name), 0);
    ck_assert_int_eq(name.form, KW_KEYNAME_ID);
    ck_assert(name.multi_region);
    ck_assert_mem_eq(name.id, id_bytes, 16);
}
END_TEST

START_TEST(test_arn)
{
    struct kw_keyname name;

    ck_assert_int_eq(parse(ARN "key/" ID, &name), 0);
    ck_assert_int_eq(name.form, KW_KEYNAME_ARN);
    assert_text(name.partition, "aws");
    assert_text(name.region, "us-east-1");
    assert_text(name.account, "111122223333");
    ck_assert_mem_eq(name.id, id_bytes, 16);

    ck_assert_int_eq(
        parse(
            "arn:aws-us-gov:kms:us-gov-west-1:000000000000:key/mrk-1234abcd12ab34cd56ef1234567890ab", &name),
        0);
    ck_assert_int_eq(name.form, KW_KEYNAME_ARN);
    ck_assert(name.multi_region);
    assert_text(name.partition, "aws-us-gov");
}
END_TEST

START_TEST(test_alias)
{
    struct kw_keyname name;

    ck_assert_int_eq(parse("alias/demo", &name), 0);
    ck_assert_int_eq(name.form, KW_KEYNAME_ALIAS);
    assert_text(name.alias, "alias/demo");
    ck_assert_int_eq(parse("alias/aws/ebs", &name), 0);

    ck_assert_int_eq(parse(ARN "alias/a-B_9/x", &name), 0);
    ck_assert_int_eq(name.form, KW_KEYNAME_ALIAS_ARN);
    assert_text(name.alias, "alias/a-B_9/x");
    assert_text(name.region, "us-east-1");
}
END_TEST

static const char *const bad_names[] = {
    "",
    "fake-key-id",
    "1234abcd12ab34cd56ef1234567890ab",     /* undashed */
    "1234ABCD-12ab-34cd-56ef-1234567890ab", /* the same key must not have two names */
    "1234abcd-12ab-34cd-56ef-1234567890a",
    "1234abcd-12ab-34cd-56ef-1234567890abc",
    "1234abcd-12ab-34cd-56ef1-234567890ab",
    "1234abcd_12ab_34cd_56ef_1234567890ab",
    "1234abcg-12ab-34cd-56ef-1234567890ab",
    " " ID,
    ID "\n",
    "mrk-",
    "mrk-1234abcd-12ab-34cd-56ef-1234567890ab",
    "mrk-1234abcd12ab34cd56ef1234567890a",
    "MRK-1234abcd12ab34cd56ef1234567890ab",
    "alias/",
    "alias",
    "Alias/demo",
    "alias/de mo",
    "alias/d:emo",
    "alias/dem\xc3\xb6",
    "arn:",
    "arn:aws:kms",
    "arn:aws:kms:us-east-1:111122223333:",
    ARN ID,
    ARN "key/",
    ARN "key/" ID "/",
    ARN "key/alias/demo",
    ARN "alias/",
    ARN "grant/" ID,
    "arn:aws:s3:us-east-1:111122223333:key/" ID,
    "arn:aws:kmss:us-east-1:111122223333:key/" ID,
    "arn::kms:us-east-1:111122223333:key/" ID,
    "arn:gcp:kms:us-east-1:111122223333:key/" ID,
    "arn:aws:kms::111122223333:key/" ID,
    "arn:aws:kms:US-EAST-1:111122223333:key/" ID,
    "arn:aws:kms:us-east-1-with-a-name-that-is-too-long:111122223333:key/" ID,
    "arn:aws:kms:us-east-1:11112222333:key/" ID,
    "arn:aws:kms:us-east-1:1111222233334:key/" ID,
    "arn:aws:kms:us-east-1:11112222333x:key/" ID,
    "ARN:aws:kms:us-east-1:111122223333:key/" ID,
};

START_TEST(test_bad)
{
    struct kw_keyname name = {.form = KW_KEYNAME_ALIAS_ARN, .region = KW_LIT("untouched")};

    ck_assert_msg(parse(bad_names[_i], &name) == KW_KEYNAME_INVALID, "%s", bad_names[_i]);
    ck_assert_int_eq(name.form, KW_KEYNAME_ALIAS_ARN);
    assert_text(name.region, "untouched");
}
END_TEST

START_TEST(test_nul_and_length)
{
    char text[KW_KEY_ID_MAX + 2];
    struct kw_keyname name;

    memcpy(text, ID, sizeof(ID));
    ck_assert_int_eq(kw_keyname_parse(KW_BYTES(text, sizeof(ID) - 1), &name), 0);
    ck_assert_int_eq(kw_keyname_parse(KW_BYTES(text, sizeof(ID)), &name), KW_KEYNAME_INVALID);
    ck_assert_int_eq(kw_keyname_parse(KW_BYTES(NULL, 0), &name), KW_KEYNAME_INVALID);
    memset(text, 'a', sizeof(text));
    memcpy(text, "alias/", 6);
    ck_assert_int_eq(kw_keyname_parse(KW_BYTES(text, sizeof(text)), &name), KW_KEYNAME_INVALID);
}
END_TEST

START_TEST(test_alias_name)
{
    char text[KW_ALIAS_NAME_MAX + 1];

    memset(text, 'a', sizeof(text));
    memcpy(text, "alias/", 6);
    ck_assert(kw_alias_name_valid(KW_BYTES(text, 7)));
    ck_assert(kw_alias_name_valid(KW_BYTES(text, KW_ALIAS_NAME_MAX)));
    ck_assert(!kw_alias_name_valid(KW_BYTES(text, KW_ALIAS_NAME_MAX + 1)));
    ck_assert(!kw_alias_name_valid(KW_BYTES(text, 6)));
    ck_assert(!kw_alias_name_valid(KW_BYTES(NULL, 0)));
    /* Exactly the letters, digits, '/', '_' and '-' of all bytes. */
    size_t valid = 0;
    for (unsigned c = 0; c < 256; c++) {
        text[6] = (char)c;
        valid += kw_alias_name_valid(KW_BYTES(text, 8));
    }
    ck_assert_uint_eq(valid, 26 + 26 + 10 + 3);
}
END_TEST

START_TEST(test_uuid)
{
    char text[36];
    uint8_t back[16] = {0};

    kw_uuid_format(id_bytes, text);
    ck_assert_mem_eq(text, ID, 36);
    ck_assert_int_eq(kw_uuid_parse(KW_BYTES(text, 36), back), 0);
    ck_assert_mem_eq(back, id_bytes, 16);

    /* No byte may be anything else than it is, and a failure leaves the output alone. */
    for (size_t i = 0; i < 36; i++) {
        char wrong[36];

        memcpy(wrong, text, 36);
        wrong[i] = wrong[i] == '-' ? '0' : '-';
        memset(back, 7, sizeof(back));
        ck_assert_int_ne(kw_uuid_parse(KW_BYTES(wrong, 36), back), 0);
        ck_assert_uint_eq(back[0], 7);
    }
    ck_assert_int_ne(kw_uuid_parse(KW_BYTES(text, 35), back), 0);
}
END_TEST

START_TEST(test_uuid_v4)
{
    for (unsigned fill = 0; fill < 256; fill += 15) {
        uint8_t id[16];
        char text[36];

        memset(id, (int)fill, sizeof(id));
        kw_uuid_make_v4(id);
        kw_uuid_format(id, text);
        ck_assert_int_eq(text[14], '4');
        ck_assert_ptr_nonnull(strchr("89ab", text[19]));
        ck_assert_uint_eq(id[0], fill);
        ck_assert_uint_eq(id[6] & 0x0f, fill & 0x0f);
        ck_assert_uint_eq(id[8] & 0x3f, fill & 0x3f);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keyname");
    TCase *tcase = tcase_create("keyname");

    tcase_add_test(tcase, test_id);
    tcase_add_test(tcase, test_arn);
    tcase_add_test(tcase, test_alias);
    tcase_add_loop_test(tcase, test_bad, 0, (int)KW_ARRAY_LEN(bad_names));
    tcase_add_test(tcase, test_nul_and_length);
    tcase_add_test(tcase, test_alias_name);
    tcase_add_test(tcase, test_uuid);
    tcase_add_test(tcase, test_uuid_v4);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
