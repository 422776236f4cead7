/* auditverify - checks an audit log offline: chain, signatures, continuity of segments.
 *
 * Reads files only; needs no running server and no secret. The parser of lines is pure and fuzzed.
 */
#ifndef KW_API_AUDITVERIFY_H
#define KW_API_AUDITVERIFY_H

#include "api/auditchain.h"

struct kw_audit_verdict {
    uint64_t segments;
    uint64_t quarantined;
    uint64_t records;     /* API records, headers and checkpoints not counted */
    uint64_t checkpoints; /* with a good signature */
    uint64_t last_sequence;
    uint8_t
        last_hash[32]; /* keep last_sequence and last_hash: what was there cannot be cut off unseen later */
    uint64_t last_checkpoint_sequence;
    int64_t last_checkpoint_ms;
    uint64_t torn_bytes; /* after the last good record of the last segment: a write that no one was told of */
    char problem[512];   /* what is wrong and where (file, line), if something is */
};

/* kw_audit_verify() - dir is the audit folder. expect_sequence / expect_hash: a checkpoint that the caller
 * kept; the log must still contain that record with that hash (expect_hash NULL: none kept). Calls
 * each_record (if not NULL) with every API record's line in order. Returns: 0 good | 1 (problem says) |
 * negative errno (cannot read; problem says) */
KW_MUST_CHECK int kw_audit_verify(const char *dir, uint64_t expect_sequence, const uint8_t *expect_hash,
    void (*each_record)(void *arg, struct kw_bytes line), void *arg, struct kw_audit_verdict *ret);

#endif
