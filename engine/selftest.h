/* selftest - known-answer tests at start, of every algorithm that the engine relies on: DRBG, RSA and ECDSA
 * signatures, point multiplication on each curve, Ed25519, and the DER writer. selftest_vectors.c says where
 * each answer is from.
 */
#ifndef KW_ENGINE_SELFTEST_H
#define KW_ENGINE_SELFTEST_H

#include "pool/base.h"

enum { KW_SELFTEST_FAILED = 1 };

/* kw_engine_selftest() - Out: ret_what names the failed test (static text) on any failure, NULL on success.
 * Takes some milliseconds. Returns: 0 | KW_SELFTEST_FAILED | <0 */
KW_MUST_CHECK int kw_engine_selftest(const char **ret_what);

#endif
