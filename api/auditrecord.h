/* auditrecord - writes what a call was into an audit record, in CloudTrail's shape. Never writes a secret: of
 * the input, only the members that the operation's shape marks as audited. */
#ifndef KW_API_AUDITRECORD_H
#define KW_API_AUDITRECORD_H

#include "api/call.h"

/* Appends one line without its newline, at most KW_AUDIT_RECORD_MAX bytes (request parameters that would not
 * fit are left out, and said so). event_id: a UUID that no other
 * record has. Returns 0 | -ENOMEM */
KW_MUST_CHECK int kw_audit_record_write(
    const struct kw_call *call, const char event_id[37], int64_t now_ms, struct kw_sbuf *out);

/* Something that keywell does to a key by itself, when it falls due. */
struct kw_service_event {
    const char *name; /* DeleteKey, RotateKey, DeleteExpiredKeyMaterial */
    const char *account, *region, *arn, *key_id;
    const uint8_t *material_id;                       /* that goes; NULL: none */
    const uint8_t *previous_material, *next_material; /* of a rotation; NULL: none */
    const char *error; /* why what was on record before was not done after all; NULL: no error */
};

/* The same for such an event, in the shape of an AwsServiceEvent. Returns 0 | -ENOMEM */
KW_MUST_CHECK int kw_audit_event_write(
    const struct kw_service_event *event, const char event_id[37], int64_t now_ms, struct kw_sbuf *out);

#endif
