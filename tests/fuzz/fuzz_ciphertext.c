#include "api/ciphertext_internal.h"
#include "engine/crypto.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 8192 };

static struct kw_wrapper *wrapper;
static const uint8_t key_id[KW_KMS_KEY_ID_LEN] = "0123456789abcde";
static const uint8_t material_id[KW_MATERIAL_ID_LEN] = "0123456789abcdef0123456789abcde";
static const uint8_t backing_key[KW_BACKING_KEY_LEN] = "the backing key of the fuzzer..";
static const uint8_t nonce[KW_BLOB_NONCE_LEN] = "nonce for fuzzer";
static const uint8_t iv[KW_BLOB_IV_LEN] = "iv of fuzzer";

#define PLAINTEXT KW_LIT("attack at dawn")
#define CONTEXT   KW_LIT("\0\0\0\1\0\0\0\1k\0\0\0\1v")

/* The one blob that is genuine. */
static uint8_t genuine_bytes[KW_BLOB_OVERHEAD + 14];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct kw_buf buf = KW_BUF(genuine_bytes, sizeof(genuine_bytes));

    (void)argc;
    (void)argv;
    if (kw_crypto_init() != 0 || kw_wrapper_new(&wrapper) != 0)
        return 1;
    return kw_wrap_with(wrapper, key_id, material_id, backing_key, nonce, iv, CONTEXT, PLAINTEXT, &buf);
}

static int unwrap(struct kw_bytes text, struct kw_bytes context, struct kw_buf *plain)
{
    struct kw_blob blob;

    int r = kw_blob_parse(text, &blob);
    if (r != 0)
        return r;
    kw_assert(blob.header.len + blob.ciphertext.len + KW_BLOB_TAG_LEN == text.len);
    return kw_unwrap(wrapper, &blob, backing_key, context, plain);
}

/* The genuine blob under its context opens; nothing else ever does. */
static void check_open(struct kw_bytes text, struct kw_bytes context)
{
    uint8_t space[TEXT_MAX];
    struct kw_buf plain = KW_BUF(space, sizeof(space));
    bool genuine = kw_bytes_equal(text, KW_BYTES(genuine_bytes, sizeof(genuine_bytes))) &&
                   kw_bytes_equal(context, CONTEXT);

    int r = unwrap(text, context, &plain);
    kw_assert(r == (genuine ? 0 : KW_BLOB_INVALID));
    kw_assert(kw_bytes_equal(kw_buf_bytes(&plain), genuine ? PLAINTEXT : KW_LIT("")));
}

/* The genuine blob, changed at up to len / 2 places: a place and what is added to its bits. */
static void check_changed(struct kw_bytes edits)
{
    uint8_t bytes[sizeof(genuine_bytes)];

    memcpy(bytes, genuine_bytes, sizeof(bytes));
    for (size_t i = 0; i + 1 < edits.len; i += 2)
        bytes[edits.ptr[i] % sizeof(bytes)] ^= edits.ptr[i + 1];
    check_open(KW_BYTES(bytes, sizeof(bytes)), CONTEXT);
}

/* What is wrapped comes back, and not in part either. */
static void check_round_trip(struct kw_bytes text)
{
    uint8_t made[TEXT_MAX], space[TEXT_MAX];
    struct kw_buf buf = KW_BUF(made, sizeof(made)), plain = KW_BUF(space, sizeof(space));

    int r = kw_wrap(wrapper, key_id, material_id, backing_key, CONTEXT, text, &buf);
    kw_assert(r == (text.len > 0 && text.len <= KW_CIPHERTEXT_MAX - KW_BLOB_OVERHEAD ? 0 : 1));
    if (r != 0)
        return;
    r = unwrap(kw_buf_bytes(&buf), CONTEXT, &plain);
    kw_assert(r == 0 && kw_bytes_equal(kw_buf_bytes(&plain), text));
    plain.len = 0;
    r = unwrap(KW_BYTES(made, buf.len - 1), CONTEXT, &plain);
    kw_assert(r == KW_BLOB_INVALID && plain.len == 0);
}

/* The first byte chooses what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    struct kw_bytes rest = KW_BYTES(data + 1, len - 1);
    switch (data[0] % 4) {
    case 0:
        check_open(rest, CONTEXT);
        break;
    case 1:
        check_changed(rest);
        break;
    case 2:
        check_open(KW_BYTES(genuine_bytes, sizeof(genuine_bytes)), rest);
        break;
    default:
        check_round_trip(rest);
        break;
    }
    return 0;
}
