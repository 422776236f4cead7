/* auditwriter - the thread behind the audit log: gathers entries, writes them durably, passes on results, and
 * keeps going when the disk does not.
 *
 * One batch is at the ring while the next is chained. If the first fails, both are taken apart again: what
 * they held is pending as before, and is written into a new segment under numbers of its own.
 *
 * The struct is filled by audit.c before the thread starts. Only what is named as shared is touched by others
 * then.
 */
#ifndef KW_API_AUDITWRITER_H
#define KW_API_AUDITWRITER_H

#include "api/auditbatch.h"
#include "api/auditgather.h"
#include "api/auditring.h"
#include "api/auditspare.h"

#include <pthread.h>

#define KW_AUDIT_RETRY_NS (250ull * 1000 * 1000)
/* A segment holds its header, the longest record and the checkpoints beside them at least. */
#define KW_AUDIT_SEGMENT_MIN (2 * KW_AUDIT_RECORD_MAX)

struct kw_auditwriter {
    /* shared */
    struct kw_inbox inbox;
    int wake_fd;         /* eventfd; the ring reads it */
    _Atomic int trouble; /* 0: healthy; else the negative errno that entries fail with */
    _Atomic bool stopping;
    _Atomic uint64_t refused; /* entries that failed, counted by whoever fails them */
    /* Never taken by kw_audit_submit(); over what follows, down to path_number. */
    KW_CACHE_ALIGN pthread_mutex_t lock;
    pthread_cond_t started_changed;
    int started;                 /* 1: not known yet; 0: the first header is durable; <0: it failed */
    bool no_ring;                /* because the ring could not be set up */
    struct kw_audit_stats stats; /* but for refused */
    uint64_t path_number;        /* of the segment written now */

    /* set before the thread starts */
    int dir_fd;
    uint64_t segment_bytes;
    uint64_t rotate_ns;
    uint64_t checkpoint_ns;
    pthread_t thread;

    /* the writer's */
    struct kw_auditring ring;
    struct kw_auditspare spare;
    struct kw_auditkey key;
    struct kw_auditqueue pending;    /* taken from the inbox, in no batch */
    struct kw_auditqueue durable;    /* not yet given back */
    struct kw_auditbatch batches[2]; /* the next one, and the one at the ring or before that */
    unsigned turn;                   /* which of them is the next one */
    bool begun;                      /* the next one follows its forerunner and may hold text */
    bool committing;                 /* the other one is at the ring */
    struct kw_auditgather gather;
    struct kw_auditchain head; /* the last durable line */
    struct kw_auditsegment segment;
    uint64_t next_number;        /* for the segment after it */
    bool blank;                  /* no batch has its header yet */
    bool fresh;                  /* its header is not durable yet */
    enum kw_audit_reason reason; /* of the next header */
    uint64_t segment_records;    /* durable in it */
    uint64_t began_ns;           /* its header became durable */
    uint64_t unchecked_ns;       /* the first record since the last mark became durable; 0: none since */
    uint64_t retry_ns;           /* no new segment before */
    int create_error;            /* of the last try to make one; 0 after a success */
    unsigned strikes;            /* commits failed in a row */
    uint64_t refused_before;     /* when it became unhealthy */
    bool finished;
};

/* kw_auditwriter_start() - starts the thread and waits until the first header is durable.
 * Returns: 0 | negative errno (the thread has ended) | KW_EOPENSSL */
KW_MUST_CHECK int kw_auditwriter_start(struct kw_auditwriter *writer);
/* Commits what was submitted and a closing checkpoint, ends the thread. */
void kw_auditwriter_stop(struct kw_auditwriter *writer);

#endif
