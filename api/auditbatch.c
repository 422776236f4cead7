#include "api/auditbatch.h"

#include <stdlib.h>

int kw_auditbatch_init(struct kw_auditbatch *batch)
{
    *batch =
        (struct kw_auditbatch){.memory = aligned_alloc(KW_AUDIT_BLOCK, KW_AUDIT_BATCH_MAX + KW_AUDIT_BLOCK)};
    return batch->memory != NULL ? 0 : -ENOMEM;
}

void kw_auditbatch_done(struct kw_auditbatch *batch)
{
    kw_assert(batch->entries.first == NULL);
    free(batch->memory);
    batch->memory = NULL;
}

static void empty(struct kw_auditbatch *batch, const struct kw_auditchain *chain, size_t lead)
{
    kw_assert(batch->entries.first == NULL && lead < KW_AUDIT_BLOCK);
    batch->lead = lead;
    batch->text = KW_BUF(batch->memory + lead, KW_AUDIT_BATCH_MAX);
    batch->chain = *chain;
    batch->marked = false;
    batch->closing = false;
}

void kw_auditbatch_begin(struct kw_auditbatch *batch, const struct kw_auditchain *chain)
{
    empty(batch, chain, 0);
    batch->offset = 0;
}

void kw_auditbatch_follow(struct kw_auditbatch *batch, const struct kw_auditbatch *other, bool direct)
{
    uint64_t end = kw_auditbatch_end(other);
    size_t lead = direct ? end % KW_AUDIT_BLOCK : 0;

    empty(batch, &other->chain, lead);
    batch->offset = end;
    /* Back from the other's last byte there are as many: its memory begins where a block does. */
    memcpy(batch->memory, other->text.ptr + other->text.len - lead, lead);
}

void kw_auditbatch_add(struct kw_auditbatch *batch, struct kw_auditqueue *pending, size_t room)
{
    struct kw_audit_entry *entry;

    while ((entry = kw_auditqueue_first(pending)) != NULL) {
        if (batch->text.len + KW_AUDIT_HEAD_MAX + entry->body.len > room)
            break;
        kw_auditchain_append(&batch->chain, &batch->text, entry->body);
        entry->sequence = batch->chain.sequence;
        kw_auditqueue_move_first(pending, &batch->entries);
        batch->marked = false;
    }
    kw_assert(kw_buf_ok(&batch->text));
}

struct kw_auditwrite kw_auditbatch_write(struct kw_auditbatch *batch, bool direct)
{
    size_t len = batch->lead + batch->text.len;
    size_t rest = direct && len % KW_AUDIT_BLOCK > 0 ? KW_AUDIT_BLOCK - len % KW_AUDIT_BLOCK : 0;

    memset(batch->memory + len, 0, rest);
    return (struct kw_auditwrite){
        .data = KW_BYTES(batch->memory, len + rest), .offset = batch->offset - batch->lead};
}
