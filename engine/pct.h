/* pct - the pairwise consistency test that every pair passes before it enters a pool (FIPS 140-3 IG 10.3.A,
 * FIPS 186-5 section 5.1 and 6.2.1).
 *
 * RSA: a signature made through the CRT components and verified with the public key, and n = pq, ed = 1
 * modulo p-1 and q-1, dP, dQ and qInv checked by arithmetic (a CRT signature does not use d). EC and Ed25519:
 * a signature made and verified, and for EC the public point checked. Fault hook (test builds): KW_FAULT_PCT
 * flips a bit so that a failed test is seen to keep the pair out.
 */
#ifndef KW_ENGINE_PCT_H
#define KW_ENGINE_PCT_H

#include "engine/rng.h"
#include "pool/spec.h"

struct kw_pct; /* prefetched algorithms and scratch for one spec, one owner thread */

enum { KW_PCT_FAILED = 1 };

KW_MUST_CHECK int kw_pct_new(struct kw_pct **ret, enum kw_spec spec, struct kw_rng *rng);
void kw_pct_free(struct kw_pct *pct);
/* kw_pct_run() - Returns: 0 consistent | KW_PCT_FAILED | KW_EOPENSSL */
KW_MUST_CHECK int kw_pct_run(struct kw_pct *pct, EVP_PKEY *pkey);

#endif
