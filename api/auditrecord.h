/* auditrecord - writes what a call was into an audit record, in CloudTrail's shape. Never writes a secret: of
 * the input, only the members that the operation's shape marks as audited. */
#ifndef KW_API_AUDITRECORD_H
#define KW_API_AUDITRECORD_H

#include "api/call.h"

/* Appends one line without its newline, at most KW_AUDIT_RECORD_MAX bytes (request parameters that would not
 * fit are left out, and said so). event_id: a fresh UUID. Returns 0 | -ENOMEM */
KW_MUST_CHECK int kw_audit_record_write(const struct kw_call *call, const char *region,
    const uint8_t event_id[16], int64_t now_ms, struct kw_sbuf *out);

#endif
