/* Grant tokens: each names its grant, and nothing else is one. */
#include "api/granttoken.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdio.h>

static const uint8_t secret[32] = "a secret of one keystore's own..";
static const uint8_t other_secret[32] = "a secret of another keystore....";
static uint8_t grant[KW_GRANT_ID_LEN], nonce[KW_GRANTTOKEN_NONCE];

static void setup(void)
{
    memset(grant, 0xab, sizeof(grant));
    memset(nonce, 0xff, sizeof(nonce)); /* so that '/' and '+' would come */
}

static struct kw_bytes make(char text[KW_GRANTTOKEN_TEXT_MAX])
{
    ck_assert_int_eq(kw_granttoken_make(secret, grant, nonce, text), 0);
    return kw_bytes_str(text);
}

START_TEST(test_names_its_grant)
{
    char text[KW_GRANTTOKEN_TEXT_MAX], more[KW_GRANTTOKEN_TEXT_MAX];
    uint8_t found[KW_GRANT_ID_LEN];
    struct kw_bytes token = make(text);

    ck_assert_uint_eq(token.len, 108);
    ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 108);
    ck_assert_int_eq(kw_granttoken_parse(secret, token, found), 0);
    ck_assert_mem_eq(found, grant, sizeof(grant));

    /* Another token of the same grant is as good. */
    nonce[0] = 1;
    make(more);
    ck_assert_str_ne(text, more);
    ck_assert_int_eq(kw_granttoken_parse(secret, kw_bytes_str(more), found), 0);
    ck_assert_mem_eq(found, grant, sizeof(grant));
}
END_TEST

START_TEST(test_of_another_keystore)
{
    char text[KW_GRANTTOKEN_TEXT_MAX];
    uint8_t found[KW_GRANT_ID_LEN] = {7};

    ck_assert_int_eq(kw_granttoken_parse(other_secret, make(text), found), KW_GRANTTOKEN_INVALID);
    ck_assert_int_eq(found[0], 7);
}
END_TEST

/* Any one character changed, at any place, to any other of the alphabet. */
START_TEST(test_changed)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char text[KW_GRANTTOKEN_TEXT_MAX], changed[KW_GRANTTOKEN_TEXT_MAX];
    uint8_t found[KW_GRANT_ID_LEN];
    struct kw_bytes token = make(text);

    for (size_t i = 0; i < token.len; i++) {
        for (const char *c = alphabet; *c != '\0'; c++) {
            memcpy(changed, text, sizeof(text));
            changed[i] = *c;
            if (*c != text[i])
                ck_assert_int_eq(
                    kw_granttoken_parse(secret, kw_bytes_str(changed), found), KW_GRANTTOKEN_INVALID);
        }
    }
}
END_TEST

START_TEST(test_cut_and_foreign)
{
    char text[2 * KW_GRANTTOKEN_TEXT_MAX];
    char plain[KW_GRANTTOKEN_TEXT_MAX];
    uint8_t found[KW_GRANT_ID_LEN];
    struct kw_bytes token = make(text);

    for (size_t len = 0; len < token.len; len++)
        ck_assert_int_eq(kw_granttoken_parse(secret, KW_BYTES(text, len), found), KW_GRANTTOKEN_INVALID);
    text[token.len] = 'A';
    ck_assert_int_eq(
        kw_granttoken_parse(secret, KW_BYTES(text, token.len + 1), found), KW_GRANTTOKEN_INVALID);
    /* The same bytes in the other alphabet: a token has one form. */
    memcpy(plain, text, token.len + 1);
    plain[token.len] = '\0';
    ck_assert(strpbrk(plain, "-_") != NULL);
    for (char *c = plain; *c != '\0'; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    ck_assert_int_eq(kw_granttoken_parse(secret, kw_bytes_str(plain), found), KW_GRANTTOKEN_INVALID);
    memset(text, 0, 108);
    ck_assert_int_eq(kw_granttoken_parse(secret, KW_BYTES(text, 108), found), KW_GRANTTOKEN_INVALID);
    memset(text, 0xff, 108);
    ck_assert_int_eq(kw_granttoken_parse(secret, KW_BYTES(text, 108), found), KW_GRANTTOKEN_INVALID);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, test_names_its_grant);
    tcase_add_test(tests, test_of_another_keystore);
    tcase_add_test(tests, test_changed);
    tcase_add_test(tests, test_cut_and_foreign);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("granttoken", add, 30);
}
