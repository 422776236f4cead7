/* Bodies of the query protocol: what programs send, and what nobody should. */
#include "api/form.h"

#include "tests/support/suite.h"

static struct kw_form form;

static int parse(const char *text)
{
    return kw_form_parse(kw_bytes_str(text), &form);
}

static void assert_value(const char *name, const char *expected)
{
    struct kw_bytes value = kw_form_value(&form, name);

    ck_assert_ptr_nonnull(value.ptr);
    ck_assert_msg(kw_bytes_equal(value, kw_bytes_str(expected)), "%s", name);
}

START_TEST(test_what_clients_send)
{
    ck_assert_int_eq(parse("Action=GetCallerIdentity&Version=2011-06-15"), 0);
    ck_assert_uint_eq(form.num, 2);
    assert_value("Action", "GetCallerIdentity");
    assert_value("Version", "2011-06-15");
    ck_assert_ptr_null(kw_form_value(&form, "action").ptr);
    ck_assert_ptr_null(kw_form_value(&form, "").ptr);
}
END_TEST

START_TEST(test_encoding)
{
    ck_assert_int_eq(parse("a+b=c%2Bd+%26%3D%25&%C3%A9=%e2%82%ac&empty=&bare"), 0);
    ck_assert_uint_eq(form.num, 4);
    assert_value("a b", "c+d &=%");
    assert_value("\xc3\xa9", "\xe2\x82\xac");
    assert_value("empty", "");
    assert_value("bare", "");
    /* Only the first '=' separates. */
    ck_assert_int_eq(parse("a=b=c"), 0);
    assert_value("a", "b=c");
    ck_assert_int_eq(parse(""), 0);
    ck_assert_uint_eq(form.num, 0);
}
END_TEST

START_TEST(test_refused)
{
    static const char *const bad[] = {"%", "a=%", "a=%4", "a=%4&b=1", "a=%4g", "a=%g4", "a=%+1", "a=%00",
        "%00=a", "=", "=a", "&", "a=1&", "&a=1", "a=1&&b=2", "a=1&a=2", "a=1&%61=2", "a&a"};

    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(parse(bad[i]) == KW_FORM_BAD, "%s", bad[i]);
    ck_assert_int_eq(kw_form_parse(KW_LIT("a=\0b"), &form), KW_FORM_BAD);
    /* A percent sign whose digits lie beyond the slice. */
    ck_assert_int_eq(kw_form_parse(KW_BYTES("a=%41", 4), &form), KW_FORM_BAD);
}
END_TEST

START_TEST(test_limits)
{
    char text[KW_FORM_BYTES_MAX + 1];
    size_t len = 0;

    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(kw_form_parse(KW_BYTES(text, KW_FORM_BYTES_MAX), &form), 0);
    ck_assert_uint_eq(form.field[0].name.len, KW_FORM_BYTES_MAX);
    ck_assert_int_eq(kw_form_parse(KW_BYTES(text, KW_FORM_BYTES_MAX + 1), &form), KW_FORM_BAD);
    for (unsigned i = 0; i < KW_FORM_FIELDS_MAX + 1; i++) {
        text[len++] = (char)('a' + i);
        text[len++] = '&';
    }
    ck_assert_int_eq(kw_form_parse(KW_BYTES(text, 2 * KW_FORM_FIELDS_MAX - 1), &form), 0);
    ck_assert_uint_eq(form.num, KW_FORM_FIELDS_MAX);
    ck_assert_int_eq(kw_form_parse(KW_BYTES(text, len - 1), &form), KW_FORM_BAD);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_what_clients_send);
    tcase_add_test(tcase, test_encoding);
    tcase_add_test(tcase, test_refused);
    tcase_add_test(tcase, test_limits);
}

int main(void)
{
    return kw_suite_run("form", add, 10);
}
