/* handoff - what slot indices pass through between threads: the pool's list, and what others would take.
 *
 * One of each kind exists at a time; indices 0 to KW_HANDOFF_ITEMS - 1 are in it at first. All functions but
 * open and close may be called by any thread.
 */
#ifndef KW_BENCH_HANDOFF_H
#define KW_BENCH_HANDOFF_H

#include "pool/base.h"

#define KW_HANDOFF_ITEMS 1024u
#define KW_HANDOFF_NONE  UINT32_MAX

struct kw_handoff {
    const char *name;
    void (*open)(void);
    uint32_t (*pop)(void); /* KW_HANDOFF_NONE: it looks empty */
    void (*push)(uint32_t item);
};

extern const struct kw_handoff kw_handoff_idlist;   /* pool/idlist.h */
extern const struct kw_handoff kw_handoff_mutex;    /* a ring behind a mutex */
extern const struct kw_handoff kw_handoff_ck_ring;  /* ck_ring, many producers and consumers */
extern const struct kw_handoff kw_handoff_ck_stack; /* ck_stack, the same */

#endif
