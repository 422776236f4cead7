/* auditmark - the signed records of the audit log: the header of a segment and the checkpoint.
 *
 * Both are lines of the chain that end in ,"signature":"<128 hex>"}: Ed25519 over the bytes of the line
 * before that member, thus over sequence, hash of the record before, time and all else that the line says.
 */
#ifndef KW_API_AUDITMARK_H
#define KW_API_AUDITMARK_H

#include "api/auditchain.h"
#include "api/auditkey.h"

/* A header or checkpoint with its newline is shorter than this. */
#define KW_AUDIT_MARK_MAX 640u

/* Why a segment was begun: says how the one before may end. */
enum kw_audit_reason {
    KW_AUDIT_FIRST,      /* of the log */
    KW_AUDIT_START,      /* after a clean close: nothing but zeros follows its last record */
    KW_AUDIT_ROTATION,   /* by size or time: likewise */
    KW_AUDIT_RECOVERY,   /* after a crash: a torn write may follow */
    KW_AUDIT_QUARANTINE, /* after an I/O error: what was not acknowledged may follow */
    KW_AUDIT_REASON_NUM,
};
const char *kw_audit_reason_name(enum kw_audit_reason reason);
/* True if the segment before may hold anything after its last record. */
KW_MUST_CHECK bool kw_audit_reason_is_rough(enum kw_audit_reason reason);

enum kw_audit_mark_kind { KW_AUDIT_HEADER, KW_AUDIT_CHECKPOINT };

struct kw_auditmark {
    enum kw_audit_mark_kind kind;
    int64_t time_ms;
    uint64_t segment;                    /* header: number of the segment, that of its file name */
    enum kw_audit_reason reason;         /* header */
    uint8_t key_id[KW_AUDIT_KEY_ID_LEN]; /* header: whose signatures follow */
    uint64_t durable; /* checkpoint: this sequence was durable before the line was written */
    bool closing;     /* checkpoint: the last line of a clean close */
};

/* kw_auditmark_append() - writes the mark as the chain's next line, signed. Returns: 0 | KW_EOPENSSL (out and
 * chain as before). Asserts that there was room. */
KW_MUST_CHECK int kw_auditmark_append(const struct kw_auditmark *mark, struct kw_auditkey *key,
    struct kw_auditchain *chain, struct kw_buf *out);

/* True if a line's rest begins or ends as that of a header or checkpoint does: no API record may, so that a
 * mark does not become one by a change of its first member. */
KW_MUST_CHECK bool kw_auditmark_is(struct kw_bytes rest);
/* kw_auditmark_parse() - line as a whole without newline, and its rest (kw_audit_line_parse). Strict: a mark
 * has one spelling. Checks the signature, and a header's key id. Returns: 0 | 1 (malformed, or not signed by
 * key) */
KW_MUST_CHECK int kw_auditmark_parse(
    struct kw_bytes line, struct kw_bytes rest, struct kw_auditkey *key, struct kw_auditmark *ret);

/* 2026-01-02T03:04:05.678Z. Parse takes it off the front. Returns: 0 | 1 (no such time) */
#define KW_AUDIT_TIME_LEN 24
void kw_audit_put_time(struct kw_buf *out, int64_t ms);
KW_MUST_CHECK int kw_audit_take_time(struct kw_bytes *text, int64_t *ret_ms);

#endif
