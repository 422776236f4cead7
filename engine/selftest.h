/* selftest - known-answer tests at start, of every algorithm that the engine relies on: DRBG, RSA and ECDSA
 * signatures, point multiplication on each curve, Ed25519, and the DER writer. selftest_vectors.c says where
 * each answer is from.
 */
#ifndef KW_ENGINE_SELFTEST_H
#define KW_ENGINE_SELFTEST_H

#include "engine/cpu.h"

enum { KW_SELFTEST_FAILED = 1 };

/* kw_engine_selftest() - Out: ret_what names the failed test (static text) on any failure, NULL on success.
 * Takes some milliseconds. Returns: 0 | KW_SELFTEST_FAILED | <0 */
KW_MUST_CHECK int kw_engine_selftest(const char **ret_what);

/* kw_engine_selftest_path() - the arithmetic by which pairs are made on a path, which this machine must have:
 * every kernel that the generators of RSA and of curves use there, on every lane. Less than 100 ms. Out and
 * returns: as above
 */
KW_MUST_CHECK int kw_engine_selftest_path(enum kw_cpu_path path, const char **ret_what);

#endif
