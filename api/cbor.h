/* cbor - a strict reader of CBOR (RFC 8949), of what attestation documents are made of.
 *
 * Integers up to 2^63 - 1 either side of zero, byte and text strings, arrays, maps, tags, null, false and
 * true; definite lengths only, heads in any width (a writer may choose, and Nitro's does not always choose
 * the shortest one for strings). Everything else is malformed. A text must be UTF-8 without controls. No
 * allocation; pure; time is linear in the input.
 */
#ifndef KW_API_CBOR_H
#define KW_API_CBOR_H

#include "pool/bytes.h"

/* How deep arrays, maps and tags may nest in what is skipped. */
#define KW_CBOR_DEPTH_MAX 16u

enum kw_cbor_type {
    KW_CBOR_UINT,
    KW_CBOR_NEGATIVE,
    KW_CBOR_BYTES,
    KW_CBOR_TEXT,
    KW_CBOR_ARRAY,
    KW_CBOR_MAP,
    KW_CBOR_TAG,
    KW_CBOR_NULL,
    KW_CBOR_BOOL,
};

/* One head, with the content of a string; items of an array, pairs of a map and what a tag stands before
 * follow in the reader. */
struct kw_cbor_item {
    enum kw_cbor_type type;
    int64_t number;         /* UINT, NEGATIVE, BOOL; the number of a tag */
    size_t num;             /* items of an ARRAY, pairs of a MAP, if it is not open */
    bool is_open;           /* an ARRAY or MAP that goes on to its end mark */
    struct kw_bytes string; /* BYTES and TEXT; a slice of the input */
};

enum {
    KW_CBOR_MALFORMED = 1,
};

/* What is left of the input. */
struct kw_cbor {
    struct kw_bytes rest;
};

/* kw_cbor_next() - reads one head. An array or a map cannot claim more items than there are bytes left.
 * Returns: 0 | KW_CBOR_MALFORMED (the reader stays where it was) */
KW_MUST_CHECK int kw_cbor_next(struct kw_cbor *cbor, struct kw_cbor_item *ret);
/* One head, which must be of that type. Returns: as kw_cbor_next() */
KW_MUST_CHECK int kw_cbor_expect(struct kw_cbor *cbor, enum kw_cbor_type type, struct kw_cbor_item *ret);
/* kw_cbor_more() - whether the array or map has another item or pair, which is then the next one to read;
 * counts down container->num, or takes the end mark of an open one. At the end of the input an open one has
 * more, which then fails to be read. */
KW_MUST_CHECK bool kw_cbor_more(struct kw_cbor *cbor, struct kw_cbor_item *container);
/* One item with everything in it. Returns: 0 | KW_CBOR_MALFORMED (also: too deep) */
KW_MUST_CHECK int kw_cbor_skip(struct kw_cbor *cbor);
static inline bool kw_cbor_at_end(const struct kw_cbor *cbor)
{
    return cbor->rest.len == 0;
}

#endif
