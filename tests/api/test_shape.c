#include "api/shape.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

static bool lower_only(struct kw_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 'a' || text.ptr[i] > 'z')
            return false;
    }
    return text.len > 0;
}

static const char *const colours[] = {"RED", "BLUE", NULL};
static const struct kw_member members[] = {
    {.name = "KeyId", .kind = KW_MEMBER_STRING, .flags = KW_MEMBER_REQUIRED, .min = 1, .max = 8},
    {.name = "Colour", .kind = KW_MEMBER_ENUM, .values = colours},
    {.name = "Plaintext", .kind = KW_MEMBER_BLOB, .min = 1, .max = 4},
    {.name = "NumberOfBytes", .kind = KW_MEMBER_INTEGER, .min = 1, .max = 1024},
    {.name = "DryRun", .kind = KW_MEMBER_BOOLEAN},
    {.name = "EncryptionContext", .kind = KW_MEMBER_STRING_MAP},
    {.name = "GrantTokens", .kind = KW_MEMBER_STRING_LIST, .min = 1, .max = 3, .num_max = 2},
    {.name = "AliasName", .kind = KW_MEMBER_STRING, .pattern = "^[a-z]+$", .matches = lower_only},
    {.name = "Tags", .kind = KW_MEMBER_LIST},
    {.name = "Recipient", .kind = KW_MEMBER_STRUCTURE},
};
static const struct kw_shape shape = KW_SHAPE(members);

static void expect(const char *text, int wanted, const char *message)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(8192);
    KW_JSON json_t *input = NULL;

    ck_assert_int_eq(kw_json_parse(kw_bytes_str(text), &input), 0);
    ck_assert_msg(kw_shape_check(&shape, input, &got) == wanted, "%s: not %d", text, wanted);
    ck_assert_msg(kw_bytes_equal(kw_sbuf_bytes(&got), kw_bytes_str(message)), "%s:\n got  %.*s\n want %s",
        text, (int)got.len, (const char *)got.ptr, message);
}

#define ONE "1 validation error detected: "

START_TEST(test_good)
{
    expect("{\"KeyId\":\"k\"}", 0, "");
    expect("{\"KeyId\":\"12345678\",\"Colour\":\"BLUE\",\"Plaintext\":\"AAAAAA==\",\"NumberOfBytes\":1024,"
           "\"DryRun\":true,"
           "\"EncryptionContext\":{\"a\":\"b\",\"\":\"\"},\"GrantTokens\":[\"abc\",\"d\"],\"AliasName\":"
           "\"x\",\"Tags\":[1],"
           "\"Recipient\":{}}",
        0, "");
    /* Not in the shape: ignored. null: absent. Eight characters in sixteen bytes. */
    expect("{\"KeyId\":\"k\",\"Nobody\":[{}],\"Colour\":null}", 0, "");
    expect("{\"KeyId\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}", 0, "");
}
END_TEST

START_TEST(test_constraints)
{
    expect("{}", KW_SHAPE_INVALID,
        ONE "Value null at 'keyId' failed to satisfy constraint: Member must not be null");
    expect("{\"KeyId\":null}", KW_SHAPE_INVALID,
        ONE "Value null at 'keyId' failed to satisfy constraint: Member must not be null");
    expect("{\"KeyId\":\"\"}", KW_SHAPE_INVALID,
        ONE "Value '' at 'keyId' failed to satisfy constraint: Member must have length greater than or equal "
            "to 1");
    expect("{\"KeyId\":\"123456789\"}", KW_SHAPE_INVALID,
        ONE "Value '123456789' at 'keyId' failed to satisfy constraint: Member must have length less than or "
            "equal to 8");
    expect("{\"KeyId\":\"k\",\"Colour\":\"red\"}", KW_SHAPE_INVALID,
        ONE "Value 'red' at 'colour' failed to satisfy constraint: Member must satisfy enum value set: [RED, "
            "BLUE]");
    expect("{\"KeyId\":\"k\",\"NumberOfBytes\":0}", KW_SHAPE_INVALID,
        ONE "Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than "
            "or equal to 1");
    expect("{\"KeyId\":\"k\",\"NumberOfBytes\":1025}", KW_SHAPE_INVALID,
        ONE "Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than "
            "or equal to 1024");
    expect("{\"KeyId\":\"k\",\"AliasName\":\"A\"}", KW_SHAPE_INVALID,
        ONE "Value 'A' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: ^[a-z]+$");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[\"a\",\"b\",\"c\"]}", KW_SHAPE_INVALID,
        ONE "Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal "
            "to 2");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[\"a\",\"bcde\"]}", KW_SHAPE_INVALID,
        ONE "Value 'bcde' at 'grantTokens.2.member' failed to satisfy constraint: Member must have length "
            "less than or equal to 3");
    expect("{\"NumberOfBytes\":0}", KW_SHAPE_INVALID,
        "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not "
        "be null; "
        "Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or "
        "equal to 1");
}
END_TEST

START_TEST(test_blobs_are_never_echoed)
{
    expect("{\"KeyId\":\"k\",\"Plaintext\":\"\"}", KW_SHAPE_INVALID,
        ONE "Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or "
            "equal to 1");
    expect("{\"KeyId\":\"k\",\"Plaintext\":\"c2VjcmV0\"}", KW_SHAPE_INVALID,
        ONE
        "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4");
    expect("{\"KeyId\":\"k\",\"Plaintext\":\"c2V!\"}", KW_SHAPE_WRONG_TYPE, "The blob is not valid base64");
    expect("{\"KeyId\":\"k\",\"Plaintext\":\"c2Vjc\"}", KW_SHAPE_WRONG_TYPE, "The blob is not valid base64");
}
END_TEST

START_TEST(test_types)
{
    expect("{\"KeyId\":1}", KW_SHAPE_WRONG_TYPE, "NUMBER_VALUE can not be converted to a String");
    expect("{\"KeyId\":true}", KW_SHAPE_WRONG_TYPE, "TRUE_VALUE can not be converted to a String");
    expect("{\"KeyId\":{}}", KW_SHAPE_WRONG_TYPE, "Start of structure or map found where not expected.");
    expect("{\"KeyId\":\"k\",\"NumberOfBytes\":\"32\"}", KW_SHAPE_WRONG_TYPE,
        "STRING_VALUE can not be converted to an Integer");
    expect("{\"KeyId\":\"k\",\"NumberOfBytes\":1.5}", KW_SHAPE_WRONG_TYPE,
        "DECIMAL_VALUE can not be converted to an Integer");
    expect("{\"KeyId\":\"k\",\"DryRun\":\"true\"}", KW_SHAPE_WRONG_TYPE,
        "STRING_VALUE can not be converted to a Boolean");
    expect("{\"KeyId\":\"k\",\"EncryptionContext\":[]}", KW_SHAPE_WRONG_TYPE, "Unrecognized collection type");
    expect("{\"KeyId\":\"k\",\"EncryptionContext\":{\"a\":1}}", KW_SHAPE_WRONG_TYPE,
        "NUMBER_VALUE can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":\"a\"}", KW_SHAPE_WRONG_TYPE, "Expected list or null");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[false]}", KW_SHAPE_WRONG_TYPE,
        "FALSE_VALUE can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"Recipient\":1}", KW_SHAPE_WRONG_TYPE, "Expected structure or null");
    /* A wrong type comes before any constraint. */
    expect(
        "{\"NumberOfBytes\":\"\"}", KW_SHAPE_WRONG_TYPE, "STRING_VALUE can not be converted to an Integer");
}
END_TEST

START_TEST(test_long_values_are_cut)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(8192);
    KW_JSON json_t *input = json_object();
    char text[4001];

    memset(text, 'x', 4000);
    text[4000] = '\0';
    json_object_set_new(input, "KeyId", json_string(text));
    ck_assert_int_eq(kw_shape_check(&shape, input, &got), KW_SHAPE_INVALID);
    ck_assert_uint_lt(got.len, 512);
}
END_TEST

START_TEST(test_readers)
{
    KW_JSON json_t *input = NULL;

    ck_assert_int_eq(kw_json_parse(KW_LIT("{\"S\":\"t\",\"N\":7,\"B\":true,\"Z\":null}"), &input), 0);
    ck_assert(kw_bytes_equal(kw_input_string(input, "S"), KW_LIT("t")));
    ck_assert_ptr_null(kw_input_string(input, "Z").ptr);
    ck_assert_int_eq(kw_input_integer(input, "N", 1), 7);
    ck_assert_int_eq(kw_input_integer(input, "M", 1), 1);
    ck_assert(kw_input_true(input, "B") && !kw_input_true(input, "S") && !kw_input_true(input, "Z"));
    ck_assert(kw_input_has(input, "S") && !kw_input_has(input, "Z"));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_good);
    tcase_add_test(tcase, test_constraints);
    tcase_add_test(tcase, test_blobs_are_never_echoed);
    tcase_add_test(tcase, test_types);
    tcase_add_test(tcase, test_long_values_are_cut);
    tcase_add_test(tcase, test_readers);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("shape", add, 30);
}
