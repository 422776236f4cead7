/* siphash - a keyed hash of 128 bits for tables whose entries come from outside: who does not know the key
 * cannot make entries collide. No allocation, no failure. Not for secrets: a hash that others see needs HMAC.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (SipHash-2-4), with the 128-bit output of
 * its reference implementation.
 */
#ifndef KW_API_SIPHASH_H
#define KW_API_SIPHASH_H

#include "pool/bytes.h"

#define KW_SIPHASH_LEN 16u

/* May be copied, to go on from one beginning in several ways. */
struct kw_siphash {
    uint64_t v[4];
    uint64_t tail; /* the last len % 8 bytes, the first of them lowest */
    uint64_t len;
};

void kw_siphash_init(struct kw_siphash *hash, const uint8_t key[16]);
void kw_siphash_add(struct kw_siphash *hash, struct kw_bytes bytes);
/* As if each ASCII letter were a small one. */
void kw_siphash_add_nocase(struct kw_siphash *hash, struct kw_bytes bytes);
void kw_siphash_done(struct kw_siphash *hash, uint8_t ret[KW_SIPHASH_LEN]);

#endif
