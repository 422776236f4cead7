/* lastuse - when and by what a KMS key was last used (GetKeyLastUsage).
 *
 * One cell a key, shared by all versions of the key in all snapshots, written by serving threads after each
 * use and read by any thread; small, lock-free (a sequence lock whose writers give up when another one is at
 * it: of two uses at the same time either is the last). The keeper writes cells that changed to the keystore
 * now and then.
 */
#ifndef KW_API_LASTUSE_H
#define KW_API_LASTUSE_H

#include "pool/inbox.h"

struct kw_lastuse_entry {
    int64_t at_ms;       /* 0: never used */
    uint32_t operation;  /* index in kw_lastuse_operations */
    char request_id[37]; /* NUL-terminated */
    char event_id[37];   /* of the audit record; NUL-terminated */
};

/* KeyLastUsageTrackingOperation of the service model. */
#define KW_LASTUSE_OPERATIONS_NUM 12u
extern const char *const kw_lastuse_operations[KW_LASTUSE_OPERATIONS_NUM];
/* Index of an operation's name, or KW_LASTUSE_OPERATIONS_NUM: it is not tracked. */
uint32_t kw_lastuse_operation(const char *name);

struct kw_lastuse;

/* With one reference; entry NULL: never used. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_lastuse_new(struct kw_lastuse **ret, const struct kw_lastuse_entry *entry);
struct kw_lastuse *kw_lastuse_ref(struct kw_lastuse *lastuse);
void kw_lastuse_unref(struct kw_lastuse *lastuse);

/* Any thread. Returns true if this is the first note since kw_lastuse_take_dirty(): the caller may tell the
 * keeper. */
bool kw_lastuse_note(struct kw_lastuse *lastuse, const struct kw_lastuse_entry *entry);
/* Any thread: a whole entry, never half of two. */
void kw_lastuse_read(const struct kw_lastuse *lastuse, struct kw_lastuse_entry *ret);
/* Before what has been noted so far is saved: whether there is something, and it counts as saved. */
bool kw_lastuse_take_dirty(struct kw_lastuse *lastuse);

#endif
