/* fault - hooks that make things fail on purpose, in test builds only (meson option `faults`).
 *
 * The environment variable KEYWELL_FAULTS holds a comma-separated list of POINT:KIND@FIRST[+COUNT]: the
 * FIRST-th use of the point (from 1) and COUNT-1 after it (default 1; `+*` for all later ones) fail as KIND
 * says: eio, enospc, short (half of the bytes), fail, delay (the operation completes a second late), or kill
 * (the process ends there and then, as by kill -9; the point's caller never sees it).
 * Example: KEYWELL_FAULTS=audit-write:eio@5+3,pct:fail@2 Production builds link fault_off.c, in which no hook
 * can fire. Thread-safe.
 */
#ifndef KW_POOL_FAULT_H
#define KW_POOL_FAULT_H

#include "pool/base.h"

enum kw_fault_point {
    KW_FAULT_PCT,          /* "pct": a pairwise consistency test */
    KW_FAULT_AUDIT_WRITE,  /* "audit-write" */
    KW_FAULT_AUDIT_SYNC,   /* "audit-sync" */
    KW_FAULT_AUDIT_CREATE, /* "audit-create": making a new segment */
    KW_FAULT_STORE_COMMIT, /* "store-commit": a keystore transaction */
    KW_FAULT_ALLOC,        /* "alloc": an allocation by a request, or of a node of a map */
    /* Saved pools (api/poolfile.h), in the order of their steps. */
    KW_FAULT_POOL_CREATE, /* "pool-create": making the file and its room */
    KW_FAULT_POOL_TAKE,   /* "pool-take": a pair was taken out of service */
    KW_FAULT_POOL_WRITE,  /* "pool-write" */
    KW_FAULT_POOL_SYNC,   /* "pool-sync" */
    KW_FAULT_POOL_RENAME, /* "pool-rename" */
    KW_FAULT_POOL_FOLDER, /* "pool-folder": the sync of the folder, after a rename or a removal */
    KW_FAULT_POOL_NUMBER, /* "pool-number": a one-time number is about to be recorded or used up */
    KW_FAULT_POOL_READ,   /* "pool-read" */
    KW_FAULT_POOL_REMOVE, /* "pool-remove": a file whose number is used up is about to be removed */
    KW_FAULT_POOL_SERVE,  /* "pool-serve": a pair from a file is about to be served */
    KW_FAULT_NUM,
};

enum kw_fault_kind {
    KW_FAULT_NONE,
    KW_FAULT_EIO,
    KW_FAULT_ENOSPC,
    KW_FAULT_SHORT,
    KW_FAULT_FAIL,
    KW_FAULT_DELAY,
    KW_FAULT_KILL,
};

/* Counts one use of the point and says how it is to fail. Always KW_FAULT_NONE in production builds. */
enum kw_fault_kind kw_fault(enum kw_fault_point point);
/* True in test builds; programs print it at start so that nobody runs one unawares. */
bool kw_fault_compiled_in(void);
/* kw_fault_set() - replaces the plan (tests in one process). Returns: 0 | 1 (malformed) | -ENOSYS (not
 * compiled in) */
int kw_fault_set(const char *plan);

#endif
