/* siphash - a short keyed hash: for tables whose entries strangers have a say in. Pure.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (SipHash-2-4).
 */
#ifndef KW_API_SIPHASH_H
#define KW_API_SIPHASH_H

#include "pool/bytes.h"

#define KW_SIPHASH_KEY 16u

/* Who does not know the key cannot find texts that meet. */
uint64_t kw_siphash(const uint8_t key[KW_SIPHASH_KEY], struct kw_bytes text);

#endif
