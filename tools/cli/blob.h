/* blob - binary members of a request, from the text or the bytes that a user gives to what is sent.
 *
 * Among the values of a request that is being put together, text is a JSON string and bytes (of a file, of
 * YAML's !!binary) are an object of their own kind; what is sent is base64 in either case. Values are
 * jansson's, in secret memory.
 */
#ifndef KW_TOOLS_CLI_BLOB_H
#define KW_TOOLS_CLI_BLOB_H

#include "api/shape.h"
#include "tools/cli/trouble.h"

enum kw_blob_format {
    KW_BLOB_BASE64,                /* text is base64 (cli_binary_format base64) */
    KW_BLOB_RAW_IN_BASE64_OUT = 1, /* text is what it says */
};

/* A value that stands for these bytes; NULL: no memory. */
json_t *kw_blob_new(struct kw_bytes bytes);
KW_MUST_CHECK bool kw_blob_is(const json_t *value);
/* The base64 text of such a value. */
const char *kw_blob_base64(const json_t *value);

enum { KW_BLOB_BAD = 1 };
/* kw_blob_decode_loosely() - as Python's base64 module does: what is not of the alphabet is passed over, and
 * only the padding must be right. Secret: text and out may be. Returns: 0 | KW_BLOB_BAD | -ENOMEM */
KW_MUST_CHECK int kw_blob_decode_loosely(struct kw_bytes text, struct kw_sbuf *out);

/* kw_blobs_settle() - makes every blob in a value of the shape what is sent. The value has passed
 * kw_validate(). Returns: 0 | 1 (trouble says, without the value) */
KW_MUST_CHECK int kw_blobs_settle(
    const struct kw_shape *shape, json_t *value, enum kw_blob_format format, struct kw_trouble *trouble);

#endif
