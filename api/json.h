/* json - reads the JSON of requests (by jansson, strictly, into secret memory) and writes the JSON of
 * answers.
 *
 * kw_json_init() makes jansson allocate from secret memory and wipe on free, since plaintexts pass through
 * it.
 */
#ifndef KW_API_JSON_H
#define KW_API_JSON_H

#include "pool/bytes.h"
#include "pool/limits.h"
#include "pool/sbuf.h"

#include <jansson.h>

/* Once, at start, before any other use of jansson and after kw_crypto_init() or kw_secmem_init(). */
void kw_json_init(void);

enum { KW_JSON_BAD = 1 };

/* kw_json_parse() - an object and nothing else: UTF-8, no duplicate members, no bytes after it, depth at most
 * KW_JSON_DEPTH_MAX and at most KW_JSON_TOKENS_MAX tokens (checked before jansson sees it), no NUL in a
 * member's name (a string value may hold one, as \u0000), no number that fits neither 64 bits nor a double.
 * An empty body is an empty object. Out: ret_root, owned by the caller (json_decref). Returns: 0 |
 * KW_JSON_BAD | -ENOMEM */
KW_MUST_CHECK int kw_json_parse(struct kw_bytes text, json_t **ret_root);

/* Owning local. */
static inline void kw_json_decrefp(json_t **root)
{
    json_decref(*root);
}
#define KW_JSON KW_CLEANUP(kw_json_decrefp)

/* Length of the well-formed UTF-8 sequence of more than one byte at the start of text (Unicode 15.0, table
 * 3-7), or 0; then *ret_skip is how many bytes one U+FFFD stands for. */
size_t kw_json_utf8(struct kw_bytes text, size_t *ret_skip);

/* Nesting of what is written: a value of a request (KW_JSON_DEPTH_MAX) fits well inside an audit record. */
#define KW_JSON_OUT_DEPTH_MAX 31u
static_assert(
    KW_JSON_OUT_DEPTH_MAX >= KW_JSON_DEPTH_MAX + 8, "a record quotes a whole request some levels down");

/* A writer of JSON text. Values are separated by commas automatically; nesting is the caller's to balance
 * (asserted), at most KW_JSON_OUT_DEPTH_MAX deep. A member of an object is its key followed by one value. */
struct kw_json_out {
    struct kw_sbuf *sbuf; /* borrowed */
    unsigned depth;
    uint32_t has_items; /* bit per depth */
    uint32_t in_object; /* bit per depth */
    bool after_key;
};
#define KW_JSON_OUT(to) ((struct kw_json_out){.sbuf = (to)})

void kw_json_begin_object(struct kw_json_out *out);
void kw_json_end_object(struct kw_json_out *out);
void kw_json_begin_array(struct kw_json_out *out);
void kw_json_end_array(struct kw_json_out *out);
void kw_json_key(struct kw_json_out *out, const char *key);
void kw_json_key_bytes(struct kw_json_out *out, struct kw_bytes key);
/* kw_json_put_text() - text between quotes, escaped as strings are; for those who put the rest together
 * themselves. */
void kw_json_put_text(struct kw_sbuf *sbuf, struct kw_bytes text);
/* Text is escaped as RFC 8259 requires; invalid UTF-8 is replaced by U+FFFD. */
void kw_json_string(struct kw_json_out *out, struct kw_bytes text);
void kw_json_cstring(struct kw_json_out *out, const char *text);
/* Text that needs no escapes, base64 say; not looked at. */
void kw_json_plain(struct kw_json_out *out, struct kw_bytes text);
void kw_json_base64(struct kw_json_out *out, struct kw_bytes data);
void kw_json_hex(struct kw_json_out *out, struct kw_bytes data);
void kw_json_int(struct kw_json_out *out, int64_t value);
/* A finite number, so that it is read back as the same double and not as an integer. */
void kw_json_real(struct kw_json_out *out, double value);
/* Milliseconds since the epoch as seconds with three decimals, the form of AWS timestamps. */
void kw_json_epoch(struct kw_json_out *out, int64_t ms);
void kw_json_bool(struct kw_json_out *out, bool value);
void kw_json_null(struct kw_json_out *out);
/* A jansson value written back compactly (for audit records), its members in the order in which they came; at
 * most KW_JSON_DEPTH_MAX deep, as kw_json_parse() makes it. */
void kw_json_value(struct kw_json_out *out, const json_t *value);

#endif
