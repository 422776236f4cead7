/* A real token (softhsm2): keys that stay in it, and everything that it refuses. */
#include "api/pkcs11.h"

#include "engine/crypto.h"
#include "tests/support/softtoken.h"

static struct kw_pkcs11 *token;
static struct softtoken soft;

#define BUFFER KW_SBUF_INIT(16384)

static const struct kw_bytes aad = {(const uint8_t *)"header", 6};

static void open_token(void)
{
    ck_assert_int_eq(kw_pkcs11_open(token, KW_LIT(SOFT_PIN)), 0);
}

START_TEST(seals_and_opens)
{
    static const size_t lens[] = {1, 16, 4096};
    uint8_t text[4096], iv[KW_PKCS11_IV_LEN] = {1, 2, 3};

    memset(text, 0x5a, sizeof(text));
    open_token();
    ck_assert_int_eq(kw_pkcs11_make_key(token, "one"), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(lens); i++) {
        KW_SBUF struct kw_sbuf sealed = BUFFER, plain = BUFFER;
        iv[0]++;
        ck_assert_int_eq(kw_pkcs11_seal(token, "one", iv, aad, KW_BYTES(text, lens[i]), &sealed), 0);
        ck_assert_uint_eq(sealed.len, lens[i] + KW_PKCS11_TAG_LEN);
        kw_sbuf_put_str(&plain, "before");
        ck_assert_int_eq(kw_pkcs11_unseal(token, "one", iv, aad, kw_sbuf_bytes(&sealed), &plain), 0);
        ck_assert_uint_eq(plain.len, 6 + lens[i]);
        ck_assert_mem_eq(plain.ptr, "before", 6);
        ck_assert_mem_eq(plain.ptr + 6, text, lens[i]);
    }
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "one"), 0);
}
END_TEST

START_TEST(what_was_changed_does_not_open)
{
    KW_SBUF struct kw_sbuf sealed = BUFFER, plain = BUFFER;
    uint8_t iv[KW_PKCS11_IV_LEN] = {7};

    open_token();
    ck_assert_int_eq(kw_pkcs11_make_key(token, "two"), 0);
    ck_assert_int_eq(kw_pkcs11_make_key(token, "three"), 0);
    ck_assert_int_eq(kw_pkcs11_seal(token, "two", iv, aad, KW_LIT("attack at dawn"), &sealed), 0);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.ptr[i] ^= 1;
        ck_assert_int_eq(
            kw_pkcs11_unseal(token, "two", iv, aad, kw_sbuf_bytes(&sealed), &plain), KW_PKCS11_INVALID);
        sealed.ptr[i] ^= 1;
    }
    for (size_t len = 0; len < sealed.len; len++)
        ck_assert_int_eq(
            kw_pkcs11_unseal(token, "two", iv, aad, KW_BYTES(sealed.ptr, len), &plain), KW_PKCS11_INVALID);
    ck_assert_int_eq(kw_pkcs11_unseal(token, "two", iv, KW_LIT("headex"), kw_sbuf_bytes(&sealed), &plain),
        KW_PKCS11_INVALID);
    ck_assert_int_eq(
        kw_pkcs11_unseal(token, "three", iv, aad, kw_sbuf_bytes(&sealed), &plain), KW_PKCS11_INVALID);
    iv[11] ^= 1;
    ck_assert_int_eq(
        kw_pkcs11_unseal(token, "two", iv, aad, kw_sbuf_bytes(&sealed), &plain), KW_PKCS11_INVALID);
    iv[11] ^= 1;
    ck_assert_uint_eq(plain.len, 0);
    /* After all that the session is as good as before. */
    ck_assert_int_eq(kw_pkcs11_unseal(token, "two", iv, aad, kw_sbuf_bytes(&sealed), &plain), 0);
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "two"), 0);
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "three"), 0);
    ck_assert_int_eq(
        kw_pkcs11_unseal(token, "two", iv, aad, kw_sbuf_bytes(&sealed), &plain), KW_PKCS11_NO_KEY);
}
END_TEST

START_TEST(keys_have_one_label_each)
{
    KW_SBUF struct kw_sbuf out = BUFFER;
    uint8_t iv[KW_PKCS11_IV_LEN] = {0};

    open_token();
    ck_assert_int_eq(kw_pkcs11_seal(token, "none", iv, aad, KW_LIT("x"), &out), KW_PKCS11_NO_KEY);
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "none"), KW_PKCS11_NO_KEY);
    ck_assert_int_eq(kw_pkcs11_make_key(token, "four"), 0);
    ck_assert_int_eq(kw_pkcs11_make_key(token, "four"), KW_PKCS11_FAILED);
    /* It outlives the session. */
    ck_assert_int_eq(kw_pkcs11_seal(token, "four", iv, aad, KW_LIT("x"), &out), 0);
    open_token();
    kw_sbuf_reset(&out, 0);
    ck_assert_int_eq(kw_pkcs11_seal(token, "four", iv, aad, KW_LIT("x"), &out), 0);
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "four"), 0);
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "four"), KW_PKCS11_NO_KEY);
}
END_TEST

START_TEST(without_a_login_nothing)
{
    KW_SBUF struct kw_sbuf out = BUFFER;
    uint8_t iv[KW_PKCS11_IV_LEN] = {0};

    kw_pkcs11_close(token);
    kw_pkcs11_close(token);
    ck_assert_int_eq(kw_pkcs11_make_key(token, "five"), KW_PKCS11_GONE);
    ck_assert_int_eq(kw_pkcs11_destroy_key(token, "five"), KW_PKCS11_GONE);
    ck_assert_int_eq(kw_pkcs11_seal(token, "five", iv, aad, KW_LIT("x"), &out), KW_PKCS11_GONE);
    ck_assert_int_eq(kw_pkcs11_random(token, 8, &out), KW_PKCS11_GONE);
    ck_assert_int_eq(kw_pkcs11_open(token, KW_LIT("wrong-pin-1")), KW_PKCS11_WRONG_PIN);
    ck_assert_int_eq(kw_pkcs11_open(token, KW_LIT("")), KW_PKCS11_WRONG_PIN);
    ck_assert_int_eq(kw_pkcs11_random(token, 8, &out), KW_PKCS11_GONE);
    open_token();
    ck_assert_int_eq(kw_pkcs11_random(token, 8, &out), 0);
    ck_assert_uint_eq(out.len, 8);
    ck_assert_int_eq(kw_pkcs11_random(token, 1024, &out), 0);
    ck_assert_uint_eq(out.len, 1032);
    ck_assert_int_ne(memcmp(out.ptr, out.ptr + 8, 8), 0);
}
END_TEST

START_TEST(modules_and_tokens_that_are_not_there)
{
    struct kw_pkcs11 *other = NULL;
    char why[256] = "";

    ck_assert_int_eq(kw_pkcs11_new(&other, "/nonexistent/m.so", "t", why, sizeof(why)), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "cannot be loaded"));
    ck_assert_int_eq(kw_pkcs11_new(&other, "libm.so.6", "t", why, sizeof(why)), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "is no PKCS#11 module"));
    ck_assert_ptr_null(other);
    /* A second one of a module that is set up already; a label of which this one's is the beginning. */
    ck_assert_int_eq(kw_pkcs11_new(&other, soft_module(), "test", why, sizeof(why)), 0);
    ck_assert_int_eq(kw_pkcs11_open(other, KW_LIT(SOFT_PIN)), KW_PKCS11_NO_TOKEN);
    kw_pkcs11_free(other);
    kw_pkcs11_free(NULL);
}
END_TEST

START_TEST(conditions_have_texts)
{
    for (int i = 0; i <= KW_PKCS11_FAILED; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(kw_pkcs11_condition(i), kw_pkcs11_condition(j));
    ck_assert_str_eq(kw_pkcs11_condition(-ENOMEM), "out of memory");
    ck_assert_ptr_nonnull(kw_pkcs11_condition(1000));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, seals_and_opens);
    tcase_add_test(tcase, what_was_changed_does_not_open);
    tcase_add_test(tcase, keys_have_one_label_each);
    tcase_add_test(tcase, without_a_login_nothing);
    tcase_add_test(tcase, modules_and_tokens_that_are_not_there);
    tcase_add_test(tcase, conditions_have_texts);
}

int main(void)
{
    char why[256] = "";

    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    if (soft_module() == NULL) {
        printf("skipped: softhsm2 is not installed\n");
        return 77;
    }
    softtoken_init(&soft);
    if (kw_pkcs11_new(&token, soft_module(), SOFT_LABEL, why, sizeof(why)) != 0) {
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
    }
    int r = kw_suite_run("pkcs11", add, 30);
    kw_pkcs11_free(token);
    softtoken_done(&soft);
    return r;
}
