/* Blobs under keys in tokens: their form, and telling them from those of version 1. */
#include "api/tokenblob.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

static const uint8_t key_id[KW_KMS_KEY_ID_LEN] = {0x12, 0x34, 0xab};
static const uint8_t iv[KW_BLOB_IV_LEN] = {0xb0, 0xb1};

static struct kw_buf write_blob(uint8_t *room, size_t cap, size_t sealed_len)
{
    struct kw_buf buf = KW_BUF(room, cap);
    uint8_t sealed[KW_CIPHERTEXT_MAX];

    memset(sealed, 0xcc, sizeof(sealed));
    kw_tokenblob_write(key_id, iv, KW_BYTES(sealed, sealed_len), &buf);
    return buf;
}

START_TEST(comes_back)
{
    static const size_t lens[] = {17, 100, KW_CIPHERTEXT_MAX - KW_TOKENBLOB_HEADER_LEN};
    uint8_t room[KW_CIPHERTEXT_MAX];
    struct kw_tokenblob blob;

    for (size_t i = 0; i < KW_ARRAY_LEN(lens); i++) {
        struct kw_buf buf = write_blob(room, sizeof(room), lens[i]);
        ck_assert(kw_buf_ok(&buf));
        ck_assert_uint_eq(buf.len, 32 + lens[i]);
        ck_assert_mem_eq(room, "KWB\x02", 4);
        ck_assert_int_eq(kw_tokenblob_parse(kw_buf_bytes(&buf), &blob), 0);
        ck_assert_mem_eq(blob.key_id, key_id, sizeof(key_id));
        ck_assert_mem_eq(blob.iv, iv, sizeof(iv));
        ck_assert_uint_eq(blob.sealed.len, lens[i]);
        ck_assert_ptr_eq(blob.sealed.ptr, room + 32);
        ck_assert_ptr_eq(kw_blob_key_id(kw_buf_bytes(&buf)), room + 4);
    }
}
END_TEST

START_TEST(other_bytes_are_refused)
{
    uint8_t room[KW_CIPHERTEXT_MAX + 1];
    struct kw_buf buf = write_blob(room, sizeof(room), KW_CIPHERTEXT_MAX + 1 - KW_TOKENBLOB_HEADER_LEN);
    struct kw_tokenblob blob;
    struct kw_blob one;

    ck_assert_int_eq(kw_tokenblob_parse(kw_buf_bytes(&buf), &blob), KW_BLOB_INVALID); /* too long */
    for (size_t len = 0; len <= KW_TOKENBLOB_OVERHEAD; len++) {
        ck_assert_int_eq(kw_tokenblob_parse(KW_BYTES(room, len), &blob), KW_BLOB_INVALID);
        ck_assert_ptr_null(kw_blob_key_id(KW_BYTES(room, len)));
    }
    ck_assert_int_eq(kw_tokenblob_parse(KW_BYTES(room, 49), &blob), 0);
    for (size_t i = 0; i < 3; i++) {
        room[i] ^= 1;
        ck_assert_int_eq(kw_tokenblob_parse(KW_BYTES(room, 200), &blob), KW_BLOB_INVALID);
        ck_assert_ptr_null(kw_blob_key_id(KW_BYTES(room, 200)));
        room[i] ^= 1;
    }
    /* One version is never read as the other. */
    ck_assert_int_eq(kw_blob_parse(KW_BYTES(room, 200), &one), KW_BLOB_INVALID);
    room[3] = 1;
    ck_assert_int_eq(kw_tokenblob_parse(KW_BYTES(room, 200), &blob), KW_BLOB_INVALID);
    ck_assert_int_eq(kw_blob_parse(KW_BYTES(room, 200), &one), 0);
    ck_assert_ptr_eq(kw_blob_key_id(KW_BYTES(room, 200)), room + 4);
    room[3] = 3;
    ck_assert_ptr_null(kw_blob_key_id(KW_BYTES(room, 200)));
}
END_TEST

START_TEST(what_is_authenticated)
{
    KW_SBUF struct kw_sbuf aad = KW_SBUF_INIT(1024);
    uint8_t wanted[25] = "KWB\x02";

    memcpy(wanted + 4, key_id, sizeof(key_id));
    memcpy(wanted + 20, "\0\0\0\0x", 5);
    kw_tokenblob_aad(key_id, KW_LIT("\0\0\0\0x"), &aad);
    ck_assert(kw_sbuf_ok(&aad));
    ck_assert_uint_eq(aad.len, sizeof(wanted));
    ck_assert_mem_eq(aad.ptr, wanted, sizeof(wanted));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, comes_back);
    tcase_add_test(tcase, other_bytes_are_refused);
    tcase_add_test(tcase, what_is_authenticated);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("tokenblob", add, 30);
}
