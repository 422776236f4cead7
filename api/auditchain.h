/* auditchain - the text that makes lines of the audit log a chain: their heads and their hashes.
 *
 * A line is {"sequence":N,"previousHash":"<64 hex>",... and the hash of a line is the SHA-256 of its bytes
 * without the newline. There is one spelling only: digits without leading zeros, lower-case hex, no bytes
 * below 0x20. Pure functions on caller's memory.
 */
#ifndef KW_API_AUDITCHAIN_H
#define KW_API_AUDITCHAIN_H

#include "pool/bytes.h"
#include "pool/limits.h"

#define KW_AUDIT_HASH_LEN 32
/* {"sequence":<20 digits>,"previousHash":"<64 digits>", */
#define KW_AUDIT_HEAD_MAX 115u
/* A body loses its brace and gains a newline. */
#define KW_AUDIT_LINE_MAX (KW_AUDIT_HEAD_MAX + KW_AUDIT_RECORD_MAX)

/* Where a chain stands: its last line. All zero before the first one, whose sequence is 1. */
struct kw_auditchain {
    uint64_t sequence;
    uint8_t hash[KW_AUDIT_HASH_LEN];
};

/* True if body can be a record's: "{"member... }" on one line, of a length the log takes. */
KW_MUST_CHECK bool kw_auditchain_fits(struct kw_bytes body);

/* kw_auditchain_head() - writes the head of the line that comes next. */
void kw_auditchain_head(const struct kw_auditchain *chain, struct kw_buf *out);
/* kw_auditchain_seal() - out holds, from offset at on, a whole line but its newline: hashes it, writes the
 * newline and moves the chain on. */
void kw_auditchain_seal(struct kw_auditchain *chain, struct kw_buf *out, size_t at);
/* kw_auditchain_append() - writes the next line from a body that fits. Does nothing but set out->failed if
 * there is no room. */
void kw_auditchain_append(struct kw_auditchain *chain, struct kw_buf *out, struct kw_bytes body);

/* What the head of one line says. */
struct kw_audit_line {
    uint64_t sequence;
    uint8_t previous_hash[KW_AUDIT_HASH_LEN];
    struct kw_bytes rest; /* the line after those two members: "member...} */
};
/* kw_audit_line_parse() - pure; line without its newline. Returns: 0 | 1 (not a line of the log) */
KW_MUST_CHECK int kw_audit_line_parse(struct kw_bytes line, struct kw_audit_line *ret);

/* ---- strict readers for text of one spelling; each takes its text off the front of *text and returns 0, or
 * 1 and leaves all as it was ---- */
KW_MUST_CHECK int kw_audit_take(struct kw_bytes *text, const char *literal);
KW_MUST_CHECK int kw_audit_take_u64(struct kw_bytes *text, uint64_t *ret);
KW_MUST_CHECK int kw_audit_take_hex(struct kw_bytes *text, uint8_t *ret, size_t len);
void kw_audit_put_u64(struct kw_buf *out, uint64_t value);
void kw_audit_put_hex(struct kw_buf *out, const uint8_t *data, size_t len);

#endif
