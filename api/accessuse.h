/* accessuse - when, for which service and in which region an access key was last used.
 *
 * One cell a key, shared by all versions of the key in all snapshots, written by serving threads when they
 * have verified a signature and read by any thread. It is exact to KW_ACCESS_USE_STEP_MS: a key that signs
 * every request is written once a minute, so that serving threads do not take a cache line from each other.
 * Lock-free (a sequence lock whose writers give up when another one is at it). The keeper writes cells that
 * changed to the keystore now and then.
 */
#ifndef KW_API_ACCESSUSE_H
#define KW_API_ACCESSUSE_H

#include "pool/bytes.h"
#include "pool/limits.h"

#define KW_ACCESS_USE_STEP_MS 60000

struct kw_access_use_entry {
    int64_t at_ms;                  /* 0: never used */
    char service[8];                /* "kms" or "sts"; NUL-terminated */
    char region[KW_REGION_MAX + 1]; /* NUL-terminated */
};

struct kw_access_use;

/* With one reference; never used. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_access_use_new(struct kw_access_use **ret);
struct kw_access_use *kw_access_use_ref(struct kw_access_use *use);
void kw_access_use_unref(struct kw_access_use *use);

/* Any thread. service and region are cut to their fields. Nothing happens within a minute of the last use of
 * the same kind. Returns true if this is the first note since kw_access_use_take_dirty(): the caller may tell
 * the keeper. */
bool kw_access_use_note(
    struct kw_access_use *use, int64_t now_ms, struct kw_bytes service, struct kw_bytes region);
/* Any thread: a whole entry, never half of two. */
void kw_access_use_read(const struct kw_access_use *use, struct kw_access_use_entry *ret);
/* Before what has been noted so far is saved: whether there is something, and it counts as saved. */
bool kw_access_use_take_dirty(struct kw_access_use *use);

#endif
