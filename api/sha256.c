/* The functions used here are called deprecated since OpenSSL 3.0, in favour of ones that cost a multiple of
 * the hash itself for short texts. This is the one file to change when they go. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "api/sha256.h"

/* They return 1, whatever they are given. */
void kw_sha256_init(struct kw_sha256 *sha)
{
    (void)SHA256_Init(&sha->ctx);
}

void kw_sha256_put(struct kw_sha256 *sha, struct kw_bytes data)
{
    if (data.len > 0)
        (void)SHA256_Update(&sha->ctx, data.ptr, data.len);
}

void kw_sha256_end(struct kw_sha256 *sha, uint8_t out[KW_SHA256_LEN])
{
    (void)SHA256_Final(out, &sha->ctx);
    kw_erase(sha, sizeof(*sha));
}

void kw_sha256(struct kw_bytes data, uint8_t out[KW_SHA256_LEN])
{
    struct kw_sha256 sha;

    kw_sha256_init(&sha);
    kw_sha256_put(&sha, data);
    kw_sha256_end(&sha, out);
}
