#include "api/auditkey.h"
#include "engine/crypto.h"
#include "tests/support/auditdir.h"

#include <openssl/pem.h>

/* RFC 8032 section 7.1, test 2. */
static const char rfc_seed[] = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
static const char rfc_signature[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static struct kw_auditkey make_key(void)
{
    struct kw_auditkey key;
    uint8_t seed[32];

    ck_assert_int_eq(kw_hex_decode(KW_BYTES(rfc_seed, 64), seed, 32), 0);
    ck_assert_int_eq(kw_auditkey_from_seed(&key, seed), 0);
    return key;
}

START_TEST(signs_as_the_standard_says)
{
    struct kw_auditkey key = make_key();
    uint8_t got[KW_AUDIT_SIGNATURE_LEN], want[KW_AUDIT_SIGNATURE_LEN];
    uint8_t message = 0x72;

    ck_assert_int_eq(kw_hex_decode(KW_BYTES(rfc_signature, 128), want, sizeof(want)), 0);
    for (int i = 0; i < 2; i++) { /* the context is used again */
        ck_assert_int_eq(kw_auditkey_sign(&key, KW_BYTES(&message, 1), got), 0);
        ck_assert_mem_eq(got, want, sizeof(want));
        ck_assert(kw_auditkey_verify(&key, KW_BYTES(&message, 1), want));
    }
    want[63] ^= 0x20;
    ck_assert(!kw_auditkey_verify(&key, KW_BYTES(&message, 1), want));
    message = 0x73;
    ck_assert(!kw_auditkey_verify(&key, KW_BYTES(&message, 1), got));
    kw_auditkey_done(&key);
}
END_TEST

START_TEST(pem_has_one_spelling)
{
    struct kw_auditkey key = make_key(), public;
    char text[KW_AUDIT_PEM_MAX + 8];
    size_t len = strlen(key.pem);
    BIO *bio = BIO_new(BIO_s_mem());

    /* What OpenSSL itself writes. */
    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key.pkey), 1);
    ck_assert_int_eq(BIO_read(bio, text, sizeof(text)), (int)len);
    ck_assert_mem_eq(text, key.pem, len);
    BIO_free(bio);
    ck_assert_int_eq(kw_auditkey_from_pem(&public, kw_bytes_str(key.pem)), 0);
    ck_assert_mem_eq(public.id, key.id, sizeof(key.id));
    kw_auditkey_done(&public);
    for (size_t i = 0; i < len; i++) {
        memcpy(text, key.pem, len);
        text[i] ^= 0x01;
        if (kw_auditkey_from_pem(&public, KW_BYTES(text, len)) == 0) {
            /* The key itself changed and is still a point's encoding: another key. */
            ck_assert_mem_ne(public.id, key.id, sizeof(key.id));
            kw_auditkey_done(&public);
        }
    }
    snprintf(text, sizeof(text), "%s\n", key.pem);
    ck_assert_int_eq(kw_auditkey_from_pem(&public, kw_bytes_str(text)), 1);
    ck_assert_int_eq(kw_auditkey_from_pem(&public, KW_LIT("")), 1);
    kw_auditkey_done(&key);
}
END_TEST

START_TEST(publish_writes_once_and_checks_later)
{
    static const uint8_t other_seed[32] = {1};
    struct kw_auditkey key = make_key(), other, loaded;
    struct auditdir dir;
    int fd;

    auditdir_init(&dir);
    fd = open(dir.path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(kw_auditkey_load(&loaded, fd), -ENOENT);
    ck_assert_int_eq(kw_auditkey_publish(&key, fd), 0);
    ck_assert_int_eq(kw_auditkey_publish(&key, fd), 0);
    ck_assert(!auditdir_has(&dir, "audit.pub.tmp"));
    ck_assert_int_eq(kw_auditkey_load(&loaded, fd), 0);
    ck_assert_mem_eq(loaded.id, key.id, sizeof(key.id));
    kw_auditkey_done(&loaded);

    ck_assert_int_eq(kw_auditkey_from_seed(&other, other_seed), 0);
    ck_assert_int_eq(kw_auditkey_publish(&other, fd), 1);
    kw_auditkey_done(&other);
    ck_assert_int_eq(unlinkat(fd, "audit.pub", 0), 0);
    ck_assert_int_eq(symlinkat("/dev/null", fd, "audit.pub"), 0);
    ck_assert_int_lt(kw_auditkey_publish(&key, fd), 0);
    kw_auditkey_done(&key);
    close(fd);
    auditdir_done(&dir);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auditkey");
    TCase *tcase = tcase_create("auditkey");
    SRunner *runner = srunner_create(suite);
    int failed;

    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, signs_as_the_standard_says);
    tcase_add_test(tcase, pem_has_one_spelling);
    tcase_add_test(tcase, publish_writes_once_and_checks_later);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
