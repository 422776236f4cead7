/* sha256 - SHA-256 (FIPS 180-4) with its state in the caller's memory.
 *
 * OpenSSL's EVP functions allocate a state behind the caller's back and look up the algorithm behind locks;
 * for the short texts of a request (requests to sign, records, keys to derive) that is most of the time. This
 * is OpenSSL's code as well (it uses the CPU's SHA instructions), called underneath. Cannot fail. One owner;
 * pure functions otherwise.
 */
#ifndef KW_API_SHA256_H
#define KW_API_SHA256_H

#include "pool/bytes.h"

#include <openssl/sha.h>

#define KW_SHA256_LEN 32

struct kw_sha256 {
    SHA256_CTX ctx;
};

void kw_sha256_init(struct kw_sha256 *sha);
void kw_sha256_put(struct kw_sha256 *sha, struct kw_bytes data);
/* Wipes the state. */
void kw_sha256_end(struct kw_sha256 *sha, uint8_t out[KW_SHA256_LEN]);

/* All at once. out may be part of data. */
void kw_sha256(struct kw_bytes data, uint8_t out[KW_SHA256_LEN]);

#endif
