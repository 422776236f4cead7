/* hmac - HMAC-SHA256 (FIPS 198-1), with nothing allocated and nothing kept.
 *
 * Pure functions on the caller's memory; they cannot fail.
 */
#ifndef KW_API_HMAC_H
#define KW_API_HMAC_H

#include "api/sha256.h"

#define KW_HMAC_LEN KW_SHA256_LEN

/* A key made ready: both hashes with their block of key material behind them. Whoever has it can make MACs,
 * so it is as secret as the key: secret memory, or wiped. */
struct kw_hmac_key {
    struct kw_sha256 inner, outer;
};
void kw_hmac_key_init(struct kw_hmac_key *key, struct kw_bytes bytes);
/* Of the parts in a row. */
void kw_hmac_with(
    const struct kw_hmac_key *key, const struct kw_bytes *parts, size_t num_parts, uint8_t out[KW_HMAC_LEN]);

/* kw_hmac() - the same for a key that is used once. out may be the key, or one of the parts. */
void kw_hmac(struct kw_bytes key, const struct kw_bytes *parts, size_t num_parts, uint8_t out[KW_HMAC_LEN]);

#endif
