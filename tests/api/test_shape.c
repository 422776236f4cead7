#include "api/shape.h"

#include "engine/crypto.h"
#include "tests/support/document.h"
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
static const struct kw_shape text = {.name = "Text", .kind = KW_KIND_STRING};
static const struct kw_shape key_id = {
    .name = "KeyId", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 8};
static const struct kw_shape colour = {.name = "Colour", .kind = KW_KIND_ENUM, .values = colours};
static const char *const hues[] = {"CYAN", NULL};
static const struct kw_shape hue = {.name = "Hue", .kind = KW_KIND_ENUM, .values = colours, .listed = hues};
static const struct kw_shape plaintext = {
    .name = "Plaintext", .kind = KW_KIND_BLOB, .has_min = true, .min = 1, .has_max = true, .max = 4};
static const struct kw_shape number = {
    .name = "Number", .kind = KW_KIND_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 1024};
static const struct kw_shape boolean = {.name = "Boolean", .kind = KW_KIND_BOOLEAN};
static const struct kw_shape date = {.name = "Date", .kind = KW_KIND_TIMESTAMP};
static const struct kw_shape context = {
    .name = "Context", .kind = KW_KIND_MAP, .key = &text, .element = &text};
static const struct kw_shape token = {
    .name = "Token", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 3};
static const struct kw_shape tokens = {
    .name = "Tokens", .kind = KW_KIND_LIST, .has_min = true, .has_max = true, .max = 2, .element = &token};
static const struct kw_shape lower = {.name = "Lower",
    .kind = KW_KIND_STRING,
    .pattern = "^[a-z]+$",
    .matches = lower_only,
    .has_min = true,
    .min = 1};
static const struct kw_shape password = {
    .name = "Password", .kind = KW_KIND_STRING, .sensitive = true, .has_min = true, .min = 7};
static const struct kw_shape passwords = {
    .name = "Passwords", .kind = KW_KIND_LIST, .element = &password, .has_max = true, .max = 1};
static const struct kw_shape labels = {
    .name = "Labels", .kind = KW_KIND_MAP, .key = &lower, .element = &token};
static const struct kw_member tag_members[] = {
    {"TagKey", &key_id, KW_MEMBER_REQUIRED},
    {"TagValue", &lower, KW_MEMBER_REQUIRED},
};
static const struct kw_shape tag = KW_SHAPE_STRUCTURE("Tag", tag_members);
static const struct kw_shape tags = {.name = "Tags", .kind = KW_KIND_LIST, .element = &tag};
static const struct kw_member members[] = {
    {"KeyId", &key_id, KW_MEMBER_REQUIRED},
    {"Colour", &colour, 0},
    {"Plaintext", &plaintext, 0},
    {"NumberOfBytes", &number, 0},
    {"DryRun", &boolean, 0},
    {"EncryptionContext", &context, 0},
    {"GrantTokens", &tokens, 0},
    {"AliasName", &lower, 0},
    {"Tags", &tags, 0},
    {"Recipient", &tag, 0},
    {"ValidTo", &date, 0},
    {"Password", &password, 0},
    {"Passwords", &passwords, 0},
    {"Labels", &labels, 0},
    {"Hue", &hue, 0},
};
static const struct kw_shape shape = KW_SHAPE_STRUCTURE("Request", members);

static void expect(const char *json, int wanted, const char *message)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(8192);
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *input = NULL;

    ck_assert_int_eq(kw_document_parse(&document, kw_bytes_str(json), &input), 0);
    ck_assert_msg(kw_shape_check(&shape, input, &got) == wanted, "%s: not %d", json, wanted);
    ck_assert_msg(kw_bytes_equal(kw_sbuf_bytes(&got), kw_bytes_str(message)), "%s:\n got  %.*s\n want %s",
        json, (int)got.len, (const char *)got.ptr, message);
}

#define ONE "1 validation error detected: "

START_TEST(test_good)
{
    expect("{\"KeyId\":\"k\"}", 0, "");
    expect("{\"KeyId\":\"12345678\",\"Colour\":\"BLUE\",\"Plaintext\":\"AAAAAA==\",\"NumberOfBytes\":1024,"
           "\"DryRun\":true,"
           "\"EncryptionContext\":{\"a\":\"b\",\"\":\"\"},\"GrantTokens\":[\"abc\",\"d\"],\"AliasName\":"
           "\"x\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"}],"
           "\"Recipient\":{\"TagKey\":\"a\",\"TagValue\":\"b\"},\"ValidTo\":1.5}",
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
        ONE "Value '[a, b, c]' at 'grantTokens' failed to satisfy constraint: Member must have length less "
            "than or equal "
            "to 2");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[\"a\",\"bcde\"]}", KW_SHAPE_INVALID,
        ONE
        "Value '[a, bcde]' at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: "
        "[Member must have length less than or equal to 3, Member must have length greater than or equal "
        "to 1]");
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
        "NUMBER_VALUE can not be converted to an Integer");
    expect("{\"KeyId\":\"k\",\"DryRun\":\"true\"}", KW_SHAPE_WRONG_TYPE,
        "STRING_VALUE can not be converted to a Boolean");
    expect("{\"KeyId\":\"k\",\"EncryptionContext\":[]}", KW_SHAPE_WRONG_TYPE,
        "Start of list found where not expected");
    expect("{\"KeyId\":\"k\",\"EncryptionContext\":{\"a\":1}}", KW_SHAPE_WRONG_TYPE,
        "NUMBER_VALUE can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":\"a\"}", KW_SHAPE_WRONG_TYPE, "Expected list or null");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[false]}", KW_SHAPE_WRONG_TYPE,
        "FALSE_VALUE can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"Recipient\":1}", KW_SHAPE_WRONG_TYPE, "Expected null");
    expect("{\"KeyId\":[]}", KW_SHAPE_WRONG_TYPE, "Start of list found where not expected");
    expect("{\"KeyId\":\"k\",\"Plaintext\":1}", KW_SHAPE_WRONG_TYPE,
        "NUMBER_VALUE can not be converted to a ByteBuffer");
    expect("{\"KeyId\":\"k\",\"EncryptionContext\":\"a\"}", KW_SHAPE_WRONG_TYPE, "Expected map or null");
    expect("{\"KeyId\":\"k\",\"EncryptionContext\":{\"a\":null}}", KW_SHAPE_WRONG_TYPE,
        "null can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":{}}", KW_SHAPE_WRONG_TYPE,
        "Start of structure or map found where not expected.");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[null]}", KW_SHAPE_WRONG_TYPE,
        "null can not be converted to a String");
    expect(
        "{\"KeyId\":\"k\",\"Recipient\":[]}", KW_SHAPE_WRONG_TYPE, "Start of list found where not expected");
    expect("{\"KeyId\":\"k\",\"Recipient\":{\"TagKey\":1}}", KW_SHAPE_WRONG_TYPE,
        "NUMBER_VALUE can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":true}]}", KW_SHAPE_WRONG_TYPE,
        "TRUE_VALUE can not be converted to a String");
    expect("{\"KeyId\":\"k\",\"Tags\":[1]}", KW_SHAPE_WRONG_TYPE, "Expected null");
    expect("{\"KeyId\":\"k\",\"ValidTo\":\"2030-01-01T00:00:00Z\"}", KW_SHAPE_WRONG_TYPE,
        "STRING_VALUE can not be converted to milliseconds since epoch");
    /* A wrong type comes before any constraint. */
    expect(
        "{\"NumberOfBytes\":\"\"}", KW_SHAPE_WRONG_TYPE, "STRING_VALUE can not be converted to an Integer");
}
END_TEST

START_TEST(test_long_values_are_cut)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(8192);
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_object();
    char long_text[9001];

    memset(long_text, 'x', 9000);
    long_text[9000] = '\0';
    json_object_set_new(input, "KeyId", json_string(long_text));
    ck_assert_int_eq(kw_shape_check(&shape, document_of(&document, input), &got), KW_SHAPE_INVALID);
    ck_assert_uint_lt(got.len, 4096 + 256);
}
END_TEST

START_TEST(test_readers)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *input = NULL;

    ck_assert_int_eq(
        kw_document_parse(&document, KW_LIT("{\"S\":\"t\",\"N\":7,\"B\":true,\"Z\":null}"), &input), 0);
    ck_assert(kw_bytes_equal(kw_input_string(input, "S"), KW_LIT("t")));
    ck_assert_ptr_null(kw_input_string(input, "Z").ptr);
    ck_assert_int_eq(kw_input_integer(input, "N", 1), 7);
    ck_assert_int_eq(kw_input_integer(input, "M", 1), 1);
    ck_assert(kw_input_true(input, "B") && !kw_input_true(input, "S") && !kw_input_true(input, "Z"));
    ck_assert(kw_input_has(input, "S") && !kw_input_has(input, "Z"));
}
END_TEST

/* Echoed in lists as Java prints them; of structures in lists each has a path of its own. */
START_TEST(test_nested)
{
    expect("{\"KeyId\":\"k\",\"Tags\":[{\"TagKey\":\"a\",\"TagValue\":\"b\"},{\"TagKey\":\"\"}]}",
        KW_SHAPE_INVALID,
        "2 validation errors detected: Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: "
        "Member "
        "must have length greater than or equal to 1; Value null at 'tags.2.member.tagValue' failed to "
        "satisfy "
        "constraint: Member must not be null");
    expect("{\"KeyId\":\"k\",\"Tags\":[null]}", KW_SHAPE_INVALID,
        ONE "Value null at 'tags.1.member' failed to satisfy constraint: Member must not be null");
    expect("{\"KeyId\":\"k\",\"Recipient\":{\"TagKey\":\"123456789\",\"TagValue\":\"a\"}}", KW_SHAPE_INVALID,
        ONE
        "Value '123456789' at 'recipient.tagKey' failed to satisfy constraint: Member must have length less "
        "than or equal to 8");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[\"a\",\"\",\"abcd\"]}", KW_SHAPE_INVALID,
        "2 validation errors detected: Value '[a, , abcd]' at 'grantTokens' failed to satisfy constraint: "
        "Member "
        "must have length less than or equal to 2; Value '[a, , abcd]' at 'grantTokens' failed to satisfy "
        "constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, "
        "Member "
        "must have length greater than or equal to 1]");
    expect("{\"KeyId\":\"k\",\"GrantTokens\":[]}", 0, "");
}
END_TEST

START_TEST(test_maps)
{
    expect("{\"KeyId\":\"k\",\"Labels\":{\"a\":\"b\",\"B\":\"bcde\"}}", KW_SHAPE_INVALID,
        "2 validation errors detected: Value '{a=b, B=bcde}' at 'labels' failed to satisfy constraint: Map "
        "keys "
        "must satisfy constraint: [Member must have length greater than or equal to 1, Member must satisfy "
        "regular expression pattern: ^[a-z]+$]; Value '{a=b, B=bcde}' at 'labels' failed to satisfy "
        "constraint: "
        "Map value must satisfy constraint: [Member must have length less than or equal to 3, Member must "
        "have "
        "length greater than or equal to 1]");
    expect("{\"KeyId\":\"k\",\"Labels\":{\"a\":\"b\"}}", 0, "");
    expect("{\"KeyId\":\"k\",\"Labels\":{}}", 0, "");
}
END_TEST

START_TEST(test_several_of_one_value)
{
    expect("{\"KeyId\":\"k\",\"AliasName\":\"\"}", KW_SHAPE_INVALID,
        "2 validation errors detected: Value '' at 'aliasName' failed to satisfy constraint: Member must "
        "have "
        "length greater than or equal to 1; Value '' at 'aliasName' failed to satisfy constraint: Member "
        "must "
        "satisfy regular expression pattern: ^[a-z]+$");
}
END_TEST

START_TEST(test_other_values_are_listed)
{
    expect("{\"KeyId\":\"k\",\"Hue\":\"green\"}", KW_SHAPE_INVALID,
        ONE
        "Value 'green' at 'hue' failed to satisfy constraint: Member must satisfy enum value set: [CYAN]");
    expect("{\"KeyId\":\"k\",\"Hue\":\"CYAN\"}", KW_SHAPE_INVALID,
        ONE "Value 'CYAN' at 'hue' failed to satisfy constraint: Member must satisfy enum value set: [CYAN]");
    expect("{\"KeyId\":\"k\",\"Hue\":\"RED\"}", 0, "");
}
END_TEST

START_TEST(test_sensitive_values_that_are_missing)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(8192);
    static const struct kw_member secrets[] = {{"Password", &password, KW_MEMBER_REQUIRED}};
    static const struct kw_shape login = KW_SHAPE_STRUCTURE("Login", secrets);
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_object();

    ck_assert_int_eq(kw_shape_check(&login, document_of(&document, input), &got), KW_SHAPE_INVALID);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&got),
        KW_LIT(ONE "Value null at 'password' failed to satisfy constraint: Member must not be null")));
}
END_TEST

START_TEST(test_sensitive_values_are_never_echoed)
{
    expect("{\"KeyId\":\"k\",\"Password\":\"hidden\"}", KW_SHAPE_INVALID,
        ONE
        "Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to "
        "7");
    expect("{\"KeyId\":\"k\",\"Passwords\":[\"hidden\",\"secret\"]}", KW_SHAPE_INVALID,
        "2 validation errors detected: Value at 'passwords' failed to satisfy constraint: Member must have "
        "length "
        "less than or equal to 1; Value at 'passwords' failed to satisfy constraint: Member must satisfy "
        "constraint: [Member must have length greater than or equal to 7]");
    expect("{\"KeyId\":\"k\",\"Password\":{\"a\":\"hidden\"}}", KW_SHAPE_WRONG_TYPE,
        "Start of structure or map found where not expected.");
}
END_TEST

/* As many failures as one likes: ten are told. */
START_TEST(test_failures_are_bounded)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(KW_SHAPE_MESSAGE_MAX);
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_object();
    json_t *list = json_array();
    struct kw_bytes end =
        KW_LIT("Value null at 'tags.5.member.tagValue' failed to satisfy constraint: Member must "
               "not be null");

    json_object_set_new(input, "KeyId", json_string("k"));
    json_object_set_new(input, "Tags", list);
    for (unsigned i = 0; i < 2000; i++)
        json_array_append_new(list, json_object());
    ck_assert_int_eq(kw_shape_check(&shape, document_of(&document, input), &got), KW_SHAPE_INVALID);
    ck_assert(kw_bytes_starts(kw_sbuf_bytes(&got), KW_LIT("10 validation errors detected: Value null at ")));
    ck_assert_uint_gt(got.len, end.len);
    ck_assert(kw_bytes_equal(KW_BYTES(got.ptr + got.len - end.len, end.len), end));
}
END_TEST

/* Ten long values are more than a refusal holds: all are counted, and what is told ends between two. */
START_TEST(test_text_is_bounded)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(KW_SHAPE_MESSAGE_MAX);
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_object();
    json_t *list = json_array();
    struct kw_bytes end = KW_LIT("Member must have length less than or equal to 8");
    char *long_text = malloc(9001);

    memset(long_text, 'x', 9000);
    long_text[9000] = '\0';
    json_object_set_new(input, "KeyId", json_string("k"));
    json_object_set_new(input, "Tags", list);
    for (unsigned i = 0; i < 12; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "TagKey", long_text, "TagValue", "a"));
    free(long_text);
    ck_assert_int_eq(kw_shape_check(&shape, document_of(&document, input), &got), KW_SHAPE_INVALID);
    ck_assert(kw_bytes_starts(kw_sbuf_bytes(&got), KW_LIT("10 validation errors detected: Value 'xxx")));
    ck_assert_uint_gt(got.len, 16 * 1024);
    ck_assert_uint_le(got.len, KW_SHAPE_MESSAGE_MAX);
    ck_assert(kw_bytes_equal(KW_BYTES(got.ptr + got.len - end.len, end.len), end));
}
END_TEST

/* Cut between characters; a list that is cut still ends. */
START_TEST(test_echo_is_cut_between_characters)
{
    KW_SBUF struct kw_sbuf got = KW_SBUF_INIT(KW_SHAPE_MESSAGE_MAX);
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_object();
    struct kw_bytes start = KW_LIT("1 validation error detected: Value '[");
    struct kw_bytes end =
        KW_LIT("\xe2\x82\xac, ...]' at 'grantTokens' failed to satisfy constraint: Member must have "
               "length less than or equal to 2");
    json_t *list = json_array();

    json_object_set_new(input, "KeyId", json_string("k"));
    json_object_set_new(input, "GrantTokens", list);
    for (unsigned i = 0; i < 2000; i++)
        json_array_append_new(list, json_string("\xe2\x82\xac"));
    ck_assert_int_eq(kw_shape_check(&shape, document_of(&document, input), &got), KW_SHAPE_INVALID);
    ck_assert(kw_bytes_starts(kw_sbuf_bytes(&got), start));
    ck_assert(kw_bytes_equal(KW_BYTES(got.ptr + got.len - end.len, end.len), end));
    ck_assert_uint_le(got.len, start.len + 4096 + end.len);
    ck_assert_uint_ge(got.len, start.len + 4090 + end.len - 3);
}
END_TEST

START_TEST(test_no_memory)
{
    KW_SBUF struct kw_sbuf small = KW_SBUF_INIT(16);
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_object();

    ck_assert_int_eq(kw_shape_check(&shape, document_of(&document, input), &small), -ENOMEM);
}
END_TEST

START_TEST(test_member)
{
    ck_assert_ptr_eq(kw_shape_member(&shape, "Tags"), &members[8]);
    ck_assert_ptr_null(kw_shape_member(&shape, "tags"));
    ck_assert_ptr_null(kw_shape_member(&shape, ""));
    ck_assert_ptr_null(kw_shape_member(&text, "Tags"));
}
END_TEST

START_TEST(test_readers_of_parts)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    const struct kw_value *input = NULL;
    uint8_t bytes[4] = {0};

    ck_assert_int_eq(
        kw_document_parse(&document,
            KW_LIT("{\"O\":{\"a\":\"b\"},\"A\":[\"c\",null],\"B\":\"c2VjcmU=\",\"E\":\"\",\"Z\":null,"
                   "\"T\":1.5,\"I\":-7,\"H\":1e300,\"L\":-1e300}"),
            &input),
        0);
    ck_assert(kw_bytes_equal(kw_input_string(kw_input_object(input, "O"), "a"), KW_LIT("b")));
    ck_assert_ptr_null(kw_input_object(input, "A"));
    ck_assert_ptr_null(kw_input_object(input, "Z"));
    ck_assert_uint_eq(kw_value_num(kw_input_array(input, "A")), 2);
    ck_assert_ptr_null(kw_input_array(input, "O"));
    ck_assert(kw_bytes_equal(kw_input_text(kw_value_at(kw_input_array(input, "A"), 0)), KW_LIT("c")));
    ck_assert_ptr_null(kw_input_text(kw_value_at(kw_input_array(input, "A"), 1)).ptr);
    ck_assert_ptr_null(kw_input_text(NULL).ptr);
    /* Of a structure that is not there nothing is there. */
    ck_assert_ptr_null(kw_input_string(NULL, "a").ptr);
    ck_assert_uint_eq(kw_input_blob(input, "E", bytes, sizeof(bytes)), 0);
    ck_assert_uint_eq(kw_input_blob(input, "Z", bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(kw_input_time_ms(input, "T", 3), 1500);
    ck_assert_int_eq(kw_input_time_ms(input, "I", 3), -7000);
    ck_assert_int_eq(kw_input_time_ms(input, "Z", 3), 3);
    ck_assert_int_eq(kw_input_time_ms(input, "H", 3), 253402300799000);
    ck_assert_int_eq(kw_input_time_ms(input, "L", 3), -62135596800000);
}
END_TEST

START_TEST(test_reader_of_blobs)
{
    DOCUMENT struct kw_document document = {.block = NULL};
    KW_JSON json_t *input = json_pack("{s:s}", "B", "c2VjcmV0");
    uint8_t bytes[6];

    ck_assert_uint_eq(kw_input_blob(document_of(&document, input), "B", bytes, sizeof(bytes)), 6);
    ck_assert(kw_bytes_equal(KW_BYTES(bytes, 6), KW_LIT("secret")));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_good);
    tcase_add_test(tcase, test_constraints);
    tcase_add_test(tcase, test_blobs_are_never_echoed);
    tcase_add_test(tcase, test_types);
    tcase_add_test(tcase, test_long_values_are_cut);
    tcase_add_test(tcase, test_nested);
    tcase_add_test(tcase, test_maps);
    tcase_add_test(tcase, test_several_of_one_value);
    tcase_add_test(tcase, test_other_values_are_listed);
    tcase_add_test(tcase, test_sensitive_values_that_are_missing);
    tcase_add_test(tcase, test_sensitive_values_are_never_echoed);
    tcase_add_test(tcase, test_failures_are_bounded);
    tcase_add_test(tcase, test_text_is_bounded);
    tcase_add_test(tcase, test_echo_is_cut_between_characters);
    tcase_add_test(tcase, test_no_memory);
    tcase_add_test(tcase, test_member);
    tcase_add_test(tcase, test_readers);
    tcase_add_test(tcase, test_readers_of_parts);
    tcase_add_test(tcase, test_reader_of_blobs);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    kw_json_init();
    return kw_suite_run("shape", add, 30);
}
