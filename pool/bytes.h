/* bytes - one slice type to read with, one cursor type to write with, and the text encodings of bytes.
 *
 * Nothing here allocates or owns memory. Thread-safety: pure functions on caller's memory.
 */
#ifndef KW_POOL_BYTES_H
#define KW_POOL_BYTES_H

#include "pool/base.h"

#include <stdarg.h>
#include <sys/types.h>

/* A view of len bytes that someone else owns. ptr may be NULL only if len is 0. Not NUL-terminated. */
struct kw_bytes {
    const uint8_t *ptr;
    size_t len;
};
#define KW_BYTES(p, n)  ((struct kw_bytes){(const uint8_t *)(p), (n)})
#define KW_LIT(literal) ((struct kw_bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})

struct kw_bytes kw_bytes_str(const char *text);
/* Equality of content; not constant time. Inline, since mostly the lengths tell. */
static inline KW_MUST_CHECK bool kw_bytes_equal(struct kw_bytes a, struct kw_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/* Equality of len bytes with ASCII letters compared without case. */
KW_MUST_CHECK bool kw_bytes_alike(const uint8_t *a, const uint8_t *b, size_t len);
/* The same of slices. Inline, since mostly the lengths tell: headers are looked up by it. */
static inline KW_MUST_CHECK bool kw_bytes_equal_nocase(struct kw_bytes a, struct kw_bytes b)
{
    return a.len == b.len && kw_bytes_alike(a.ptr, b.ptr, a.len);
}
/* <0, 0, >0 by bytes, a proper prefix sorting first. */
int kw_bytes_compare(struct kw_bytes a, struct kw_bytes b);
KW_MUST_CHECK bool kw_bytes_starts(struct kw_bytes text, struct kw_bytes prefix);
/* The longest prefix of at most max bytes that does not end inside a UTF-8 character. */
struct kw_bytes kw_bytes_cut(struct kw_bytes text, size_t max);
/* Index of byte c in text, or -1. */
ssize_t kw_bytes_find(struct kw_bytes text, uint8_t c);

/* A writer into cap bytes at ptr that the caller owns. A write that does not fit writes nothing, sets failed,
 * and all later writes do nothing: check once at the end with kw_buf_ok(). */
struct kw_buf {
    uint8_t *ptr;
    size_t cap;
    size_t len;
    bool failed;
};
#define KW_BUF(p, n) ((struct kw_buf){(uint8_t *)(p), (n), 0, false})

void kw_buf_put(struct kw_buf *buf, const void *data, size_t len);
void kw_buf_put_bytes(struct kw_buf *buf, struct kw_bytes bytes);
void kw_buf_put_u8(struct kw_buf *buf, uint8_t value);
void kw_buf_put_be32(struct kw_buf *buf, uint32_t value);
void kw_buf_put_str(struct kw_buf *buf, const char *text);
/* In decimal, with zeros before it up to so many digits (at most 20). */
void kw_buf_put_decimal(struct kw_buf *buf, uint64_t value, unsigned digits_min);
/* Claims len bytes to be written by the caller; NULL (and failed) if they do not fit. */
uint8_t *kw_buf_claim(struct kw_buf *buf, size_t len);
static inline bool kw_buf_ok(const struct kw_buf *buf)
{
    return !buf->failed;
}
static inline struct kw_bytes kw_buf_bytes(const struct kw_buf *buf)
{
    return (struct kw_bytes){buf->ptr, buf->len};
}

/* kw_hex_encode() - writes 2*len lower-case digits to out, no NUL. */
void kw_hex_encode(const uint8_t *data, size_t len, char *out);
/* kw_hex_decode() - text must be exactly 2*len digits of either case. Returns 0 or 1 (malformed). */
KW_MUST_CHECK int kw_hex_decode(struct kw_bytes text, uint8_t *out, size_t len);

/* Base64 with padding (RFC 4648 section 4). Both directions run without table look-ups or branches on the
 * data's values, since data keys pass through them; time depends on lengths and on whether the text is well
 * formed. */
#define KW_BASE64_LEN(n) (((n) + 2) / 3 * 4)
/* Writes KW_BASE64_LEN(data.len) characters to out, no NUL. */
void kw_base64_encode(struct kw_bytes data, char *out);
/* kw_base64_decode() - strict: length a multiple of 4, padding only at the end, unused bits zero, no white
 * space. Out: ret_len, bytes written to out (cap at least text.len / 4 * 3). Returns 0 or 1 (malformed or too
 * long). */
KW_MUST_CHECK int kw_base64_decode(struct kw_bytes text, uint8_t *out, size_t cap, size_t *ret_len);

#endif
