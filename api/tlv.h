/* tlv - fields of a record as bytes: a tag (1 byte), a length (4 bytes, big-endian), that many bytes.
 *
 * Every value has one form only, so that what is read and written again is the same bytes: numbers that are 0
 * and flags that are not set are left out, numbers have four or eight bytes (big-endian), flags none, texts
 * end with a NUL and have no other (they are used where they lie). Pure.
 */
#ifndef KW_API_TLV_H
#define KW_API_TLV_H

#include "pool/sbuf.h"

/* ---- writing: appends; look at kw_sbuf_ok() at the end ---- */

void kw_tlv_put(struct kw_sbuf *out, uint8_t tag, struct kw_bytes value);
/* NULL: left out. */
void kw_tlv_put_text(struct kw_sbuf *out, uint8_t tag, const char *text);
void kw_tlv_put_u32(struct kw_sbuf *out, uint8_t tag, uint32_t value);
void kw_tlv_put_i64(struct kw_sbuf *out, uint8_t tag, int64_t value);
void kw_tlv_put_flag(struct kw_sbuf *out, uint8_t tag, bool set);
/* A field of fields: those between open and close, which takes what open returned. They nest. */
KW_MUST_CHECK size_t kw_tlv_open(struct kw_sbuf *out, uint8_t tag);
void kw_tlv_close(struct kw_sbuf *out, size_t opened);

/* ---- reading ---- */

/* Takes fields from the front, in the order in which they must come. What is not well formed sets bad, and
 * every later call gives nothing: look at kw_tlv_done() at the end. */
struct kw_tlv {
    struct kw_bytes rest;
    bool bad;
};
#define KW_TLV(bytes) ((struct kw_tlv){.rest = (bytes)})

/* Whether the next field has that tag; then its value, and it is behind us. */
bool kw_tlv_take(struct kw_tlv *in, uint8_t tag, struct kw_bytes *ret);
/* The same of a field that must be there; empty if it is not (bad). */
struct kw_bytes kw_tlv_need(struct kw_tlv *in, uint8_t tag);
/* A field of exactly len bytes, copied to out. */
void kw_tlv_need_fixed(struct kw_tlv *in, uint8_t tag, void *out, size_t len);
/* NULL if it is not there (bad, or left out). */
const char *kw_tlv_need_text(struct kw_tlv *in, uint8_t tag);
const char *kw_tlv_take_text(struct kw_tlv *in, uint8_t tag);
uint32_t kw_tlv_take_u32(struct kw_tlv *in, uint8_t tag);
int64_t kw_tlv_take_i64(struct kw_tlv *in, uint8_t tag);
bool kw_tlv_take_flag(struct kw_tlv *in, uint8_t tag);
/* How many fields with that tag come next in a row; what follows may be anything. */
KW_MUST_CHECK uint32_t kw_tlv_count(const struct kw_tlv *in, uint8_t tag);
/* All was well formed, and nothing is left. */
static inline bool kw_tlv_done(const struct kw_tlv *in)
{
    return !in->bad && in->rest.len == 0;
}

#endif
