#include "api/attestation.h"
#include "api/cbor.h"
#include "engine/crypto.h"
#include "tests/support/asym_rig.h"
#include "tests/support/suite.h"

#include <dirent.h>
#include <openssl/pem.h>

enum { TEXT_MAX = 32 * 1024 };

static char folder[] = "/tmp/kw-test-attestation-XXXXXX";
static struct kw_attestation_trust *trust;

static struct kw_bytes file_bytes(const char *name, uint8_t space[TEXT_MAX])
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    kw_assert(file != NULL);
    size_t len = fread(space, 1, TEXT_MAX, file);
    fclose(file);
    return KW_BYTES(space, len);
}

static int parse_and_verify(struct kw_bytes text, int64_t now_ms)
{
    struct kw_attestation doc;

    int r = kw_attestation_parse(text, &doc);
    if (r == 0)
        r = kw_attestation_verify(&doc, trust, now_ms);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return r;
}

/* What a document's name says that must become of it. */
static int expected(const char *name)
{
    return strncmp(name, "good_", 5) == 0     ? 0
           : strncmp(name, "bad_", 4) == 0    ? KW_ATTESTATION_MALFORMED
           : strncmp(name, "forged_", 7) == 0 ? KW_ATTESTATION_UNTRUSTED
                                              : -1;
}

START_TEST(test_kinds)
{
    static uint8_t space[TEXT_MAX];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t num[3] = {0};

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        int wanted = expected(entry->d_name);
        if (wanted < 0)
            continue;
        int r = parse_and_verify(file_bytes(entry->d_name, space), kw_wall_ms());
        ck_assert_msg(r == wanted, "%s: %d", entry->d_name, r);
        num[wanted]++;
    }
    closedir(dir);
    ck_assert_uint_eq(num[0], 8);
    ck_assert_uint_eq(num[KW_ATTESTATION_MALFORMED], 20);
    ck_assert_uint_eq(num[KW_ATTESTATION_UNTRUSTED], 9);
}
END_TEST

START_TEST(test_content)
{
    static uint8_t space[TEXT_MAX], key_space[TEXT_MAX];
    struct kw_attestation doc;
    uint8_t pcr[48];

    ck_assert_int_eq(kw_attestation_parse(file_bytes("good_plain", space), &doc), 0);
    ck_assert(kw_bytes_equal(doc.module_id, KW_LIT("i-0123456789abcdef0-enc0123456789abcde")));
    ck_assert_int_lt(kw_wall_ms() - doc.timestamp_ms, KW_ATTESTATION_AGE_MS);
    ck_assert(!doc.is_tpm);
    for (unsigned i = 0; i < KW_ATTESTATION_PCRS; i++) {
        memset(pcr, (int)i, sizeof(pcr));
        ck_assert(i < 16 ? kw_bytes_equal(doc.pcr[i], KW_BYTES(pcr, sizeof(pcr))) : doc.pcr[i].ptr == NULL);
    }
    struct kw_bytes pkcs8 = file_bytes("recipient.der", key_space);
    KW_ASYM struct kw_asym *key = rig_load(KW_KEY_RSA_2048, pkcs8);
    ck_assert(kw_bytes_equal(doc.public_key, kw_asym_public(key)));
    ck_assert_ptr_null(doc.user_data.ptr);
    ck_assert_ptr_null(doc.nonce.ptr);
    ck_assert_uint_eq(doc.num_cabundle, 3);

    ck_assert_int_eq(kw_attestation_parse(file_bytes("good_no_key", space), &doc), 0);
    ck_assert_ptr_null(doc.public_key.ptr);
    ck_assert(kw_bytes_equal(doc.user_data, KW_LIT("data")) && kw_bytes_equal(doc.nonce, KW_LIT("nonce")));
    ck_assert_int_eq(kw_attestation_parse(file_bytes("good_tpm", space), &doc), 0);
    ck_assert(doc.is_tpm && doc.pcr[0].ptr == NULL && doc.pcr[4].len == 48);
}
END_TEST

START_TEST(test_time)
{
    static uint8_t space[TEXT_MAX];
    struct kw_bytes text = file_bytes("good_plain", space);
    const int64_t now = kw_wall_ms(), minute = 60000;

    ck_assert_int_eq(parse_and_verify(text, now + 179 * minute), 0);
    ck_assert_int_eq(parse_and_verify(text, now + 181 * minute), KW_ATTESTATION_UNTRUSTED);
    ck_assert_int_eq(parse_and_verify(text, now - 4 * minute), 0);
    ck_assert_int_eq(parse_and_verify(text, now - 6 * minute), KW_ATTESTATION_UNTRUSTED);
    ck_assert_int_eq(parse_and_verify(text, 0), KW_ATTESTATION_UNTRUSTED);
}
END_TEST

START_TEST(test_truncated)
{
    static uint8_t space[TEXT_MAX];
    struct kw_bytes text = file_bytes("good_plain", space);
    struct kw_attestation doc;

    for (size_t len = 0; len <= text.len + 1; len++)
        ck_assert_int_eq(
            kw_attestation_parse(KW_BYTES(space, len), &doc), len == text.len ? 0 : KW_ATTESTATION_MALFORMED);
    ck_assert_int_eq(
        kw_attestation_parse(KW_BYTES(space, KW_ATTESTATION_MAX + 1), &doc), KW_ATTESTATION_MALFORMED);
}
END_TEST

/* No byte of a document can change: all of them are signed, or are the signature, or the shape of both. */
START_TEST(test_changed)
{
    static uint8_t space[TEXT_MAX];
    struct kw_bytes text = file_bytes("good_plain", space);

    for (size_t i = 0; i < text.len; i += i < 16 || i + 100 > text.len ? 9 : 61) {
        space[i] ^= 1;
        ck_assert_int_ne(parse_and_verify(text, kw_wall_ms()), 0);
        space[i] ^= 1;
    }
    memset(space + text.len - 96, 0, 96); /* r = s = 0 */
    ck_assert_int_eq(parse_and_verify(text, kw_wall_ms()), KW_ATTESTATION_UNTRUSTED);
    memset(space + text.len - 96, 0xff, 96);
    ck_assert_int_eq(parse_and_verify(text, kw_wall_ms()), KW_ATTESTATION_UNTRUSTED);
}
END_TEST

static int new_trust(struct kw_bytes pem)
{
    struct kw_attestation_trust *made = NULL;

    int r = kw_attestation_trust_new(&made, pem);
    ck_assert_int_eq(made != NULL, r == 0);
    kw_attestation_trust_free(made);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return r;
}

START_TEST(test_trust)
{
    static uint8_t space[TEXT_MAX];
    struct kw_bytes pem = file_bytes("root.pem", space);

    ck_assert_int_eq(new_trust(pem), 0);
    ck_assert_int_eq(new_trust(KW_LIT("")), 0);
    ck_assert_int_eq(new_trust(KW_LIT("no certificate")), KW_ATTESTATION_NO_ROOT);
    ck_assert_int_eq(new_trust(KW_BYTES(pem.ptr, pem.len - 40)), KW_ATTESTATION_NO_ROOT);
    space[100] ^= 1;
    ck_assert_int_eq(new_trust(pem), KW_ATTESTATION_NO_ROOT);
    space[100] ^= 1;
    /* A good one and a torn one. */
    memcpy(space + pem.len, space, pem.len);
    ck_assert_int_eq(new_trust(KW_BYTES(space, 2 * pem.len)), 0);
    space[pem.len + 100] ^= 1;
    ck_assert_int_eq(new_trust(KW_BYTES(space, 2 * pem.len)), KW_ATTESTATION_NO_ROOT);
}
END_TEST

/* The default root is the one of AWS, by its published fingerprint, and not that of the tests. */
START_TEST(test_default_root)
{
    static const char published[] = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
    static uint8_t space[TEXT_MAX];
    uint8_t digest[32], wanted[32];
    BIO *bio = BIO_new_mem_buf(kw_attestation_nitro_root, -1);
    X509 *root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    struct kw_attestation_trust *aws = NULL;
    struct kw_attestation doc;

    ck_assert(kw_hex_decode(kw_bytes_str(published), wanted, sizeof(wanted)) == 0);
    ck_assert_int_eq(X509_digest(root, EVP_sha256(), digest, NULL), 1);
    ck_assert_mem_eq(digest, wanted, sizeof(digest));
    ck_assert_int_eq(kw_attestation_trust_new(&aws, KW_LIT("")), 0);
    ck_assert_int_eq(kw_attestation_parse(file_bytes("good_plain", space), &doc), 0);
    ck_assert_int_eq(kw_attestation_verify(&doc, aws, kw_wall_ms()), KW_ATTESTATION_UNTRUSTED);
    kw_attestation_trust_free(aws);
    X509_free(root);
    BIO_free(bio);
}
END_TEST

/* A trusted signer on another curve. */
START_TEST(test_other_curve)
{
    static uint8_t space[TEXT_MAX], pem_space[TEXT_MAX];
    struct kw_attestation_trust *small = NULL;
    struct kw_attestation doc;

    ck_assert_int_eq(kw_attestation_trust_new(&small, file_bytes("small.pem", pem_space)), 0);
    ck_assert_int_eq(kw_attestation_parse(file_bytes("small", space), &doc), 0);
    ck_assert_int_eq(kw_attestation_verify(&doc, small, kw_wall_ms()), KW_ATTESTATION_UNTRUSTED);
    kw_attestation_trust_free(small);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_kinds);
    tcase_add_test(tcase, test_content);
    tcase_add_test(tcase, test_time);
    tcase_add_test(tcase, test_truncated);
    tcase_add_test(tcase, test_changed);
    tcase_add_test(tcase, test_trust);
    tcase_add_test(tcase, test_default_root);
    tcase_add_test(tcase, test_other_curve);
}

/* A program with the folder as its last argument. */
static int run(const char *program, const char *argument)
{
    char command[1024];

    snprintf(command, sizeof(command), "%s '%s' '%s'", program, argument, folder);
    return system(command);
}

int main(void)
{
    static uint8_t space[TEXT_MAX];
    const char *nitro = getenv("KEYWELL_NITRO");

    if (nitro == NULL || kw_crypto_init() != 0 || mkdtemp(folder) == NULL) {
        printf("KEYWELL_NITRO must say where tests/support/nitro.py is\n");
        return EXIT_FAILURE;
    }
    if (run("/usr/bin/python3", nitro) != 0)
        return EXIT_FAILURE;
    if (kw_attestation_trust_new(&trust, file_bytes("root.pem", space)) != 0)
        return EXIT_FAILURE;
    int status = kw_suite_run("attestation", add, 60);
    kw_attestation_trust_free(trust);
    return run("rm", "-r") == 0 ? status : EXIT_FAILURE;
}
