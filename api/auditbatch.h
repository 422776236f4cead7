/* auditbatch - lines of the audit log on their way to the disk together, and whose they are.
 *
 * A batch goes on where another one ends, durable or not yet: two of them take turns, one is written while
 * the other is filled. Direct I/O writes whole blocks, so what a batch writes begins with the bytes that its
 * first block has already, and ends with zeros, as the rest of the segment is. One owner thread.
 */
#ifndef KW_API_AUDITBATCH_H
#define KW_API_AUDITBATCH_H

#include "api/auditmark.h"
#include "api/auditqueue.h"
#include "api/auditsegment.h"

struct kw_auditbatch {
    uint8_t *memory;              /* KW_AUDIT_BATCH_MAX bytes and a block, at a block's boundary */
    size_t lead;                  /* bytes at its start that the segment has already */
    uint64_t offset;              /* in the segment, of the first new byte */
    struct kw_buf text;           /* behind the lead */
    struct kw_auditchain chain;   /* with all its lines */
    struct kw_auditqueue entries; /* whose records it has */
    bool marked;                  /* ends in a header or checkpoint */
    bool closing;                 /* with the last line of a clean close */
};

/* Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_auditbatch_init(struct kw_auditbatch *batch);
/* No entry is in it any more. A zeroed one is fine. */
void kw_auditbatch_done(struct kw_auditbatch *batch);

/* Empties it: it will be the first of a segment, and go on with the chain. */
void kw_auditbatch_begin(struct kw_auditbatch *batch, const struct kw_auditchain *chain);
/* Empties it: it will follow the other one, whose text is still there, in the same segment. */
void kw_auditbatch_follow(struct kw_auditbatch *batch, const struct kw_auditbatch *other, bool direct);
/* Where the segment's text ends with it. */
static inline uint64_t kw_auditbatch_end(const struct kw_auditbatch *batch)
{
    return batch->offset + batch->text.len;
}

/* kw_auditbatch_add() - moves entries over from pending, as long as the text with their lines is not longer
 * than room. */
void kw_auditbatch_add(struct kw_auditbatch *batch, struct kw_auditqueue *pending, size_t room);

struct kw_auditwrite {
    struct kw_bytes data;
    uint64_t offset;
};
/* What is to be written, and where; direct: in whole blocks. */
struct kw_auditwrite kw_auditbatch_write(struct kw_auditbatch *batch, bool direct);

#endif
