/* audittail - tells what a torn write leaves at the end of a log from what it does not.
 *
 * The writer has one write under way at a time, of at most KW_AUDIT_BATCH_MAX bytes, into zeros; a crash may
 * keep any of its sectors and lose any other, and no line of it was acknowledged. A line changed later looks
 * different: it is whole, or a signed checkpoint behind it says that it was durable. Pure.
 */
#ifndef KW_API_AUDITTAIL_H
#define KW_API_AUDITTAIL_H

#include "api/auditkey.h"

struct kw_audittail {
    struct kw_bytes text; /* the segment */
    size_t at;            /* where the last good line ends */
    uint64_t sequence;    /* of that line */
    bool quarantined;     /* a short write may end anywhere, not at a sector only */
};

/* Bytes up to and with the last one that is not zero. */
size_t kw_audittail_extent(struct kw_bytes text);
KW_MUST_CHECK bool kw_audittail_is_torn(const struct kw_audittail *tail, struct kw_auditkey *key);

#endif
