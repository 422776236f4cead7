/* base64 - the paths by which kw_base64_encode() (bytes.h) works, for itself, tests and benchmarks.
 *
 * A vector path does the whole groups of three bytes that it can do at once; the portable one does the rest.
 * No path looks anything up in memory by the data's values. Thread-safety: pure functions.
 */
#ifndef KW_POOL_BASE64_H
#define KW_POOL_BASE64_H

#include "pool/bytes.h"

enum kw_base64_path {
    KW_BASE64_PORTABLE,
    KW_BASE64_AVX2,
    KW_BASE64_AVX512VBMI,
    KW_BASE64_PATHS,
};

/* Whether this machine, CPU and system, has the instructions; the portable path always. */
KW_MUST_CHECK bool kw_base64_supports(enum kw_base64_path path);
/* kw_base64_encode() by a path that is supported. */
void kw_base64_encode_by(enum kw_base64_path path, struct kw_bytes data, char *out);

/* kw_base64_encode_bulk() - writes the digits of the first bytes of data; reads and writes nothing beyond
 * what they take. Returns how many bytes, a multiple of 3; always 0 on the portable path. */
KW_MUST_CHECK size_t kw_base64_encode_bulk(
    enum kw_base64_path path, const uint8_t *data, size_t len, char *out);

#endif
