#include "tools/settingsfile.h"

#include "tests/support/suite.h"

/* The settings of a text as "name=value@line|...", or "!line clause" at the end. */
static const char *walked(const char *text)
{
    static char out[512];
    struct kw_buf buf = KW_BUF(out, sizeof(out) - 1);
    struct kw_settings_walk walk = {.rest = kw_bytes_str(text)};
    struct kw_setting setting;
    const char *why = NULL;
    int r;

    while ((r = kw_settings_next(&walk, &setting, &why)) == 0) {
        kw_buf_put_bytes(&buf, setting.name);
        kw_buf_put_u8(&buf, '=');
        kw_buf_put_bytes(&buf, setting.value);
        kw_buf_put_u8(&buf, '@');
        kw_buf_put_decimal(&buf, walk.line, 1);
        kw_buf_put_u8(&buf, '|');
    }
    if (r == KW_SETTINGS_MALFORMED) {
        kw_buf_put_u8(&buf, '!');
        kw_buf_put_decimal(&buf, walk.line, 1);
        kw_buf_put_u8(&buf, ' ');
        kw_buf_put_str(&buf, why);
    }
    ck_assert(kw_buf_ok(&buf));
    out[buf.len] = '\0';
    return out;
}

START_TEST(test_lines)
{
    ck_assert_str_eq(walked(""), "");
    ck_assert_str_eq(walked("\n  \n# pool = x\n\t# y"), "");
    ck_assert_str_eq(
        walked("pool = RSA_2048=100\r\n\n pool=RSA_3072=1"), "pool=RSA_2048=100@1|pool=RSA_3072=1@3|");
    ck_assert_str_eq(walked("tls-cert = /a b#c # d\n"), "tls-cert=/a b#c@1|");
}
END_TEST

START_TEST(test_malformed)
{
    ck_assert_str_eq(walked("a = b\npool"), "a=b@1|!2 is not NAME = VALUE");
    ck_assert_str_eq(walked("pool = # none"), "!1 has no value after its =");
    ck_assert_str_eq(walked("--pool = x"), "--pool=x@1|");
    ck_assert_str_eq(
        walked("= x"), "!1 has no name before its =: options without their dashes, such as pool");
    ck_assert_str_eq(
        walked("po ol = x"), "!1 has no name before its =: options without their dashes, such as pool");
    ck_assert_str_eq(walked("pool = a\001"), "!1 has a control character");
}
END_TEST

static const char *replaced(const char *text, const struct kw_setting *settings, size_t num)
{
    static char out[512];
    struct kw_buf buf = KW_BUF(out, sizeof(out) - 1);

    kw_settings_replace(kw_bytes_str(text), settings, num, &buf);
    ck_assert(kw_buf_ok(&buf));
    out[buf.len] = '\0';
    return out;
}

START_TEST(test_replace)
{
    const struct kw_setting settings[] = {
        {KW_LIT("cpus"), KW_LIT("0-1")},
        {KW_LIT("pool"), KW_LIT("RSA_2048=7")},
    };

    ck_assert_str_eq(replaced("", settings, 2), "cpus = 0-1\npool = RSA_2048=7\n");
    /* Of a pool only the spec's lines go; comments and all else stay as they are, to the byte. */
    ck_assert_str_eq(
        replaced(
            "# mine\npool=RSA_2048=1 # old\n  data = x\r\npool = RSA_3072=2\ncpus=0\n# cpus", settings, 2),
        "# mine\n  data = x\r\npool = RSA_3072=2\n# cpus\ncpus = 0-1\npool = RSA_2048=7\n");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_lines);
    tcase_add_test(tcase, test_malformed);
    tcase_add_test(tcase, test_replace);
}

int main(void)
{
    return kw_suite_run("settingsfile", add, 60);
}
