/* enccontext - the canonical encoding of an encryption context.
 *
 * Pairs sorted by the bytes of their keys; the number of pairs, then each string, as a 32-bit big-endian
 * number and the bytes: no two contexts have the same encoding. No pairs: the empty encoding of zero pairs (4
 * bytes).
 */
#ifndef KW_API_ENCCONTEXT_H
#define KW_API_ENCCONTEXT_H

#include "pool/bytes.h"
#include "pool/limits.h"

struct kw_enccontext_pair {
    struct kw_bytes key;
    struct kw_bytes value;
};

enum { KW_ENCCONTEXT_TOO_BIG = 1, KW_ENCCONTEXT_DUPLICATE = 2 };

/* Bytes of the encoding, or SIZE_MAX: more than KW_ENC_CONTEXT_BYTES_MAX. */
size_t kw_enccontext_len(const struct kw_enccontext_pair *pairs, size_t num_pairs);
/* kw_enccontext_encode() - sorts pairs in place and appends the encoding to ret.
 * Returns: 0 | KW_ENCCONTEXT_TOO_BIG (above KW_ENC_CONTEXT_BYTES_MAX or does not fit) |
 * KW_ENCCONTEXT_DUPLICATE */
KW_MUST_CHECK int kw_enccontext_encode(
    struct kw_enccontext_pair *pairs, size_t num_pairs, struct kw_buf *ret);

#endif
