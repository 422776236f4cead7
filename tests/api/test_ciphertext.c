#include "api/ciphertext_internal.h"
#include "engine/crypto.h"
#include "tests/support/vectors.h"

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <sys/wait.h>

enum { TEXT_MAX = 8192 };

static struct kw_wrapper *wrapper;
static const uint8_t key_id[KW_KMS_KEY_ID_LEN] = "key id 16 bytes";
static const uint8_t material_id[KW_MATERIAL_ID_LEN] = "material id of thirty-two bytes";
static const uint8_t backing_key[KW_BACKING_KEY_LEN] = "backing key of thirty-two bytes";

static int wrap(struct kw_bytes context, struct kw_bytes plain, struct kw_buf *ret)
{
    return kw_wrap(wrapper, key_id, material_id, backing_key, context, plain, ret);
}

/* Opens blob's bytes; KW_BLOB_INVALID also if they are no blob. Fails if anything is left of a failed
 * attempt. */
static int unwrap(struct kw_bytes text, struct kw_bytes context, struct kw_bytes *ret_plain)
{
    static const uint8_t zeros[TEXT_MAX];
    static uint8_t space[TEXT_MAX];
    struct kw_buf plain = KW_BUF(space, sizeof(space));
    struct kw_blob blob;

    memset(space, 0, sizeof(space));
    int r = kw_blob_parse(text, &blob);
    if (r == 0)
        r = kw_unwrap(wrapper, &blob, backing_key, context, &plain);
    *ret_plain = kw_buf_bytes(&plain);
    if (r != 0) {
        ck_assert_uint_eq(plain.len, 0);
        ck_assert_mem_eq(space, zeros, sizeof(space));
    }
    return r;
}

START_TEST(test_selftest)
{
    ck_assert_int_eq(kw_ciphertext_selftest(NULL), 0);
}
END_TEST

START_TEST(test_round_trip)
{
    static const size_t lens[] = {
        1, 15, 16, 17, 138, 1218, 2375, KW_PLAINTEXT_MAX, KW_CIPHERTEXT_MAX - KW_BLOB_OVERHEAD};
    static uint8_t text[TEXT_MAX], space[TEXT_MAX], big_context[KW_ENC_CONTEXT_BYTES_MAX];
    const struct kw_bytes contexts[] = {KW_LIT("\0\0\0\0"), KW_BYTES(big_context, sizeof(big_context))};

    for (size_t i = 0; i < KW_ARRAY_LEN(lens); i++) {
        for (size_t k = 0; k < KW_ARRAY_LEN(contexts); k++) {
            struct kw_bytes plain = KW_BYTES(text, lens[i]), back;
            struct kw_buf buf = KW_BUF(space, KW_BLOB_OVERHEAD + lens[i]);

            memset(text, (int)i + 1, lens[i]);
            ck_assert_int_eq(wrap(contexts[k], plain, &buf), 0);
            ck_assert_uint_eq(buf.len, KW_BLOB_OVERHEAD + lens[i]);
            ck_assert_int_eq(unwrap(kw_buf_bytes(&buf), contexts[k], &back), 0);
            ck_assert(kw_bytes_equal(plain, back));
            ck_assert_int_eq(unwrap(kw_buf_bytes(&buf), contexts[1 - k], &back), KW_BLOB_INVALID);
        }
    }
}
END_TEST

START_TEST(test_parse)
{
    uint8_t space[256];
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    struct kw_blob blob;

    ck_assert_int_eq(wrap(KW_LIT(""), KW_LIT("x"), &buf), 0);
    ck_assert_int_eq(kw_blob_parse(kw_buf_bytes(&buf), &blob), 0);
    ck_assert(kw_bytes_equal(blob.header, KW_BYTES(space, KW_BLOB_HEADER_LEN)));
    ck_assert_mem_eq(blob.key_id, key_id, sizeof(key_id));
    ck_assert_mem_eq(blob.material_id, material_id, sizeof(material_id));
    ck_assert_ptr_eq(blob.nonce, space + 52);
    ck_assert_ptr_eq(blob.iv, space + 68);
    ck_assert_ptr_eq(blob.ciphertext.ptr, space + 80);
    ck_assert_uint_eq(blob.ciphertext.len, 1);
    ck_assert_ptr_eq(blob.tag, space + 81);

    ck_assert_int_eq(kw_blob_parse(KW_BYTES(NULL, 0), &blob), KW_BLOB_INVALID);
    static uint8_t big[KW_CIPHERTEXT_MAX + 1] = KW_BLOB_MAGIC;
    ck_assert_int_eq(kw_blob_parse(KW_BYTES(big, KW_CIPHERTEXT_MAX), &blob), 0);
    ck_assert_int_eq(kw_blob_parse(KW_BYTES(big, KW_CIPHERTEXT_MAX + 1), &blob), KW_BLOB_INVALID);
}
END_TEST

/* No change of a blob goes unseen: each bit of each byte, each length shorter, a byte more. */
START_TEST(test_changed)
{
    static uint8_t text[1218], space[TEXT_MAX];
    size_t len = _i == 0 ? 14 : sizeof(text);
    struct kw_buf buf = KW_BUF(space, sizeof(space));
    struct kw_bytes back;

    ck_assert_int_eq(wrap(KW_LIT("ctx"), KW_BYTES(text, len), &buf), 0);
    for (size_t at = 0; at < buf.len; at++) {
        for (unsigned bit = 0; bit < (_i == 0 ? 8 : 1); bit++) {
            uint8_t mask = (uint8_t)(_i == 0 ? 1u << bit : 1u + at % 255);

            space[at] ^= mask;
            ck_assert_msg(
                unwrap(kw_buf_bytes(&buf), KW_LIT("ctx"), &back) == KW_BLOB_INVALID, "byte %zu", at);
            space[at] ^= mask;
        }
        ck_assert_int_eq(unwrap(KW_BYTES(space, at), KW_LIT("ctx"), &back), KW_BLOB_INVALID);
    }
    space[buf.len] = 0;
    ck_assert_int_eq(unwrap(KW_BYTES(space, buf.len + 1), KW_LIT("ctx"), &back), KW_BLOB_INVALID);
    ck_assert_int_eq(unwrap(kw_buf_bytes(&buf), KW_LIT("ctx"), &back), 0);
    ck_assert_uint_eq(back.len, len);
}
END_TEST

START_TEST(test_wrong_key)
{
    uint8_t space[256], back[64], other[KW_BACKING_KEY_LEN];
    struct kw_buf buf = KW_BUF(space, sizeof(space)), plain = KW_BUF(back, sizeof(back));
    struct kw_blob blob;

    ck_assert_int_eq(wrap(KW_LIT(""), KW_LIT("secret"), &buf), 0);
    ck_assert_int_eq(kw_blob_parse(kw_buf_bytes(&buf), &blob), 0);
    for (size_t i = 0; i < sizeof(other); i++) {
        memcpy(other, backing_key, sizeof(other));
        other[i] ^= 1;
        ck_assert_int_eq(kw_unwrap(wrapper, &blob, other, KW_LIT(""), &plain), KW_BLOB_INVALID);
    }
    ck_assert_int_eq(kw_unwrap(wrapper, &blob, backing_key, KW_LIT(""), &plain), 0);
}
END_TEST

START_TEST(test_does_not_fit)
{
    static uint8_t text[KW_CIPHERTEXT_MAX], space[TEXT_MAX];
    struct kw_buf buf = KW_BUF(space, KW_BLOB_OVERHEAD + 9);
    struct kw_blob blob;

    ck_assert_int_eq(wrap(KW_LIT(""), KW_BYTES(text, 10), &buf), 1);
    ck_assert_uint_eq(buf.len, 0);
    buf = KW_BUF(space, sizeof(space));
    ck_assert_int_eq(wrap(KW_LIT(""), KW_BYTES(text, 0), &buf), 1);
    ck_assert_int_eq(wrap(KW_LIT(""), KW_BYTES(text, KW_CIPHERTEXT_MAX - KW_BLOB_OVERHEAD + 1), &buf), 1);
    ck_assert_uint_eq(buf.len, 0);

    /* After what the buffer holds already, which stays. */
    kw_buf_put_str(&buf, "before");
    ck_assert_int_eq(wrap(KW_LIT(""), KW_BYTES(text, 10), &buf), 0);
    ck_assert_uint_eq(buf.len, 6 + KW_BLOB_OVERHEAD + 10);
    ck_assert_mem_eq(space, "before", 6);
    ck_assert_int_eq(kw_blob_parse(KW_BYTES(space + 6, buf.len - 6), &blob), 0);

    uint8_t back[16];
    struct kw_buf plain = KW_BUF(back, 9);
    ck_assert_int_eq(kw_unwrap(wrapper, &blob, backing_key, KW_LIT(""), &plain), -ENOBUFS);
    ck_assert_uint_eq(plain.len, 0);
}
END_TEST

/* Another implementation of the same section of the standard. */
START_TEST(test_derive)
{
    for (unsigned n = 0; n < 50; n++) {
        uint8_t key[32], nonce[16], id[16], context[32], ours[32], theirs[32];
        char mac[] = "HMAC", digest[] = "SHA256", mode[] = "counter", label[] = KW_BLOB_LABEL;

        ck_assert_int_eq(RAND_bytes(key, 32) & RAND_bytes(nonce, 16) & RAND_bytes(id, 16), 1);
        memcpy(context, nonce, 16);
        memcpy(context + 16, id, 16);
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key)),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, label, strlen(label)),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context, sizeof(context)),
            OSSL_PARAM_construct_end(),
        };
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
        EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

        ck_assert_int_eq(EVP_KDF_derive(ctx, theirs, sizeof(theirs), params), 1);
        kw_blob_derive(key, nonce, id, ours);
        ck_assert_mem_eq(ours, theirs, 32);
        EVP_KDF_CTX_free(ctx);
        EVP_KDF_free(kdf);
    }
}
END_TEST

static void check_gcm(const json_t *test)
{
    uint8_t key[32], iv[12], tag[16], made_tag[16], aad[TEXT_MAX], text[TEXT_MAX], sealed[TEXT_MAX],
        out[TEXT_MAX];
    struct kw_bytes aad_bytes = vectors_hex(test, "aad", aad, sizeof(aad));
    struct kw_bytes plain = vectors_hex(test, "msg", text, sizeof(text));
    struct kw_bytes cipher = vectors_hex(test, "ct", sealed, sizeof(sealed));
    bool valid = strcmp(vectors_text(test, "result"), "valid") == 0;
    size_t half = aad_bytes.len / 2;
    struct kw_bytes first = KW_BYTES(aad, half), second = KW_BYTES(aad + half, aad_bytes.len - half);

    vectors_hex(test, "key", key, sizeof(key));
    vectors_hex(test, "iv", iv, sizeof(iv));
    vectors_hex(test, "tag", tag, sizeof(tag));
    ck_assert_int_eq(kw_wrapper_seal(wrapper, key, iv, first, second, plain, out, made_tag), 0);
    ck_assert((memcmp(out, sealed, cipher.len) == 0 && memcmp(made_tag, tag, sizeof(tag)) == 0) == valid);

    memset(out, 0xee, sizeof(out));
    int r = kw_wrapper_open(wrapper, key, iv, first, second, cipher, tag, out);
    ck_assert_int_eq(r, valid ? 0 : KW_BLOB_INVALID);
    for (size_t i = 0; i < cipher.len; i++)
        ck_assert_uint_eq(out[i], valid ? text[i] : 0);
}

static bool is_ours(const json_t *group)
{
    return json_integer_value(json_object_get(group, "keySize")) == 256 &&
           json_integer_value(json_object_get(group, "ivSize")) == 96 &&
           json_integer_value(json_object_get(group, "tagSize")) == 128;
}

START_TEST(test_wycheproof)
{
    json_t *root = vectors_json("wycheproof/aes_gcm_test.json"), *group, *test;
    size_t i, k, num = 0;

    json_array_foreach(json_object_get(root, "testGroups"), i, group)
    {
        if (!is_ours(group))
            continue;
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            check_gcm(test);
            num++;
        }
    }
    ck_assert_uint_gt(num, 50);
    json_decref(root);
}
END_TEST

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, KW_BLOB_NONCE_LEN + KW_BLOB_IV_LEN);
}

START_TEST(test_nonces_differ)
{
    enum { NUM = 20000, LEN = KW_BLOB_NONCE_LEN + KW_BLOB_IV_LEN };
    static uint8_t nonces[NUM][LEN];

    for (size_t i = 0; i < NUM; i++) {
        uint8_t space[128];
        struct kw_buf buf = KW_BUF(space, sizeof(space));

        ck_assert_int_eq(wrap(KW_LIT(""), KW_LIT("x"), &buf), 0);
        memcpy(nonces[i], space + 52, LEN);
    }
    qsort(nonces, NUM, LEN, compare_nonces);
    for (size_t i = 1; i < NUM; i++)
        ck_assert_mem_ne(nonces[i - 1], nonces[i], KW_BLOB_NONCE_LEN);
}
END_TEST

START_TEST(test_random)
{
    static uint8_t out[20000];
    size_t seen[256] = {0};

    ck_assert_int_eq(kw_wrapper_random(wrapper, out, 0), 0);
    for (size_t i = 0, len = 1; i + len <= sizeof(out); i += len, len = len * 3 % 5003)
        ck_assert_int_eq(kw_wrapper_random(wrapper, out + i, len), 0);
    ck_assert_int_eq(kw_wrapper_random(wrapper, out, sizeof(out)), 0);
    /* 78 of each value are expected, with a standard deviation of 9: that any is out of 1..200 is as good as
     * impossible, unless a stretch was not filled or was given out again. */
    for (size_t i = 0; i < sizeof(out); i++)
        seen[out[i]]++;
    for (size_t i = 0; i < 256; i++)
        ck_assert(seen[i] > 0 && seen[i] < 200);
}
END_TEST

/* In a forked child secret memory reads as zeros: it must refuse, not wrap under a nonce of zeros. */
START_TEST(test_forked_child)
{
    uint8_t space[256], other[256];
    struct kw_buf buf = KW_BUF(space, sizeof(space)), plain = KW_BUF(other, sizeof(other));
    struct kw_blob blob;
    int status;

    ck_assert_int_eq(wrap(KW_LIT(""), KW_LIT("x"), &buf), 0);
    ck_assert_int_eq(kw_blob_parse(kw_buf_bytes(&buf), &blob), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        /* Not even the wrapper's own fields can be relied upon, so nothing of it may be followed. */
        size_t before = buf.len;
        bool refused = wrap(KW_LIT(""), KW_LIT("x"), &buf) == -EPERM && buf.len == before;

        refused = refused && kw_wrapper_random(wrapper, space, 16) == -EPERM;
        refused = refused && kw_unwrap(wrapper, &blob, backing_key, KW_LIT(""), &plain) == -EPERM;
        _exit(refused ? 42 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}
END_TEST

static char *read_docs(void)
{
    char path[PATH_MAX];
    static char text[1 << 16];

    snprintf(path, sizeof(path), "%s/ciphertext.md", getenv("KEYWELL_DOCS"));
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    ck_assert_uint_lt(len, sizeof(text) - 1);
    fclose(file);
    text[len] = '\0';
    return text;
}

/* The value in the row of the documentation's example that begins with "| name |". */
static struct kw_bytes docs_value(const char *docs, const char *name, uint8_t *out, size_t cap)
{
    char start[64];

    snprintf(start, sizeof(start), "\n| %s | `", name);
    const char *row = strstr(docs, start);
    ck_assert_msg(row != NULL, "no row '%s'", name);
    row += strlen(start);
    size_t len = strcspn(row, "`");
    ck_assert_uint_le(len / 2, cap);
    ck_assert_int_eq(kw_hex_decode(KW_BYTES(row, len), out, len / 2), 0);
    return KW_BYTES(out, len / 2);
}

START_TEST(test_docs)
{
    static const char *const names[] = {
        "magic and version", "KMS key id", "key material id", "KDF nonce", "IV", "ciphertext", "tag"};
    uint8_t parts[16][64], expected[256], made[256], message_key[32];
    struct kw_buf blob = KW_BUF(expected, sizeof(expected)), ours = KW_BUF(made, sizeof(made));
    const char *docs = read_docs();

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++)
        kw_buf_put_bytes(&blob, docs_value(docs, names[i], parts[i], sizeof(parts[i])));
    docs_value(docs, "backing key", parts[8], sizeof(parts[8]));
    docs_value(docs, "message key", parts[9], sizeof(parts[9]));
    struct kw_bytes context = docs_value(docs, "canonical context", parts[10], sizeof(parts[10]));
    struct kw_bytes plain = docs_value(docs, "plaintext", parts[11], sizeof(parts[11]));

    kw_blob_derive(parts[8], parts[3], parts[1], message_key);
    ck_assert_mem_eq(message_key, parts[9], 32);
    ck_assert_int_eq(
        kw_wrap_with(wrapper, parts[1], parts[2], parts[8], parts[3], parts[4], context, plain, &ours), 0);
    ck_assert(kw_bytes_equal(kw_buf_bytes(&ours), kw_buf_bytes(&blob)));
}
END_TEST

int main(void)
{
    bool found = vectors_found("wycheproof/aes_gcm_test.json");

    if (kw_crypto_init() != 0 || kw_wrapper_new(&wrapper) != 0)
        return 1;

    Suite *suite = suite_create("ciphertext");
    TCase *tcase = tcase_create("ciphertext");
    tcase_add_test(tcase, test_selftest);
    tcase_add_test(tcase, test_round_trip);
    tcase_add_test(tcase, test_parse);
    tcase_add_loop_test(tcase, test_changed, 0, 2);
    tcase_add_test(tcase, test_wrong_key);
    tcase_add_test(tcase, test_does_not_fit);
    tcase_add_test(tcase, test_derive);
    if (found)
        tcase_add_test(tcase, test_wycheproof);
    tcase_add_test(tcase, test_nonces_differ);
    tcase_add_test(tcase, test_random);
    tcase_add_test(tcase, test_forked_child);
    tcase_add_test(tcase, test_docs);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    kw_wrapper_free(wrapper);
    kw_wrapper_free(NULL);
    return failed > 0 ? 1 : found ? 0 : VECTORS_SKIP;
}
