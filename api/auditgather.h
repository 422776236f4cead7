/* auditgather - how long a batch of audit records waits for more before it is committed.
 *
 * A commit costs the processor as much as two or three requests, however many records it has, and a wait
 * costs time. So one record alone never waits, and many do not; a few do, a little, as long as that brings
 * more: where all who could send a record wait for their answer it does not, and is tried again but rarely.
 * One owner thread; pure but for the state.
 */
#ifndef KW_API_AUDITGATHER_H
#define KW_API_AUDITGATHER_H

#include "pool/base.h"

#define KW_AUDIT_GATHER_NS   (300u * 1000u) /* the longest wait */
#define KW_AUDIT_GATHER_FEW  2u             /* from so many records on a batch may wait ... */
#define KW_AUDIT_GATHER_MANY 32u            /* ... and from so many it does not */
/* After waits that brought nothing, so many batches at most go without one. */
#define KW_AUDIT_GATHER_BACKOFF_MAX 256u

/* All zero: nothing is known yet. */
struct kw_auditgather {
    uint64_t until_ns; /* a batch waits; 0: none does */
    size_t had;        /* records when it began to */
    unsigned skip;     /* batches until one may wait again */
    unsigned backoff;  /* skips behind the next wait in vain are twice that; 0: the last was worth it */
};

/* True while the next batch, of num records so far, is to wait: until gather->until_ns, then ask again.
 * False: commit it. */
bool kw_auditgather_waits(struct kw_auditgather *gather, size_t num, uint64_t now_ns);

#endif
