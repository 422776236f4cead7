#include "api/hmac.h"

#define BLOCK 64u

/* FIPS 198-1, steps 1 to 3: "If the length of K = B: set K0 = K. If the length of K > B: hash K to obtain an
 * L byte string, then append (B-L) zeros ... If the length of K < B: append zeros to the end of K". */
static void block_of(struct kw_bytes bytes, uint8_t block[BLOCK])
{
    memset(block, 0, BLOCK);
    if (bytes.len > BLOCK)
        kw_sha256(bytes, block);
    else if (bytes.len > 0)
        memcpy(block, bytes.ptr, bytes.len);
}

static void begin(struct kw_sha256 *sha, const uint8_t block[BLOCK], uint8_t pad)
{
    uint8_t padded[BLOCK];

    for (size_t i = 0; i < BLOCK; i++)
        padded[i] = block[i] ^ pad;
    kw_sha256_init(sha);
    kw_sha256_put(sha, KW_BYTES(padded, BLOCK));
    kw_erase(padded, sizeof(padded));
}

void kw_hmac_key_init(struct kw_hmac_key *key, struct kw_bytes bytes)
{
    uint8_t block[BLOCK];
    KW_ERASE_GUARD(block);

    block_of(bytes, block);
    begin(&key->inner, block, 0x36);
    begin(&key->outer, block, 0x5c);
}

void kw_hmac_with(
    const struct kw_hmac_key *key, const struct kw_bytes *parts, size_t num_parts, uint8_t out[KW_HMAC_LEN])
{
    struct kw_sha256 sha = key->inner;
    uint8_t inner[KW_SHA256_LEN];

    for (size_t i = 0; i < num_parts; i++)
        kw_sha256_put(&sha, parts[i]);
    kw_sha256_end(&sha, inner);
    sha = key->outer;
    kw_sha256_put(&sha, KW_BYTES(inner, sizeof(inner)));
    kw_sha256_end(&sha, out);
    kw_erase(inner, sizeof(inner));
}

void kw_hmac(struct kw_bytes key, const struct kw_bytes *parts, size_t num_parts, uint8_t out[KW_HMAC_LEN])
{
    struct kw_hmac_key ready;

    kw_hmac_key_init(&ready, key);
    kw_hmac_with(&ready, parts, num_parts, out);
    kw_erase(&ready, sizeof(ready));
}
