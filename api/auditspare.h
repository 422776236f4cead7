/* auditspare - a helper thread that has the next segment ready before it is needed, so that rotation does not
 * wait for zeros to reach the disk.
 *
 * The audit writer is the one client; every segment comes from here, the first one and those after a failure
 * too.
 */
#ifndef KW_API_AUDITSPARE_H
#define KW_API_AUDITSPARE_H

#include "api/auditsegment.h"

#include <pthread.h>

enum kw_auditspare_state {
    KW_AUDITSPARE_IDLE,
    KW_AUDITSPARE_WANTED,
    KW_AUDITSPARE_READY,
    KW_AUDITSPARE_FAILED
};

struct kw_auditspare {
    pthread_t thread;
    pthread_mutex_t lock; /* held for a few instructions by either side, never across I/O */
    pthread_cond_t changed;
    int dir_fd;  /* borrowed */
    int wake_fd; /* eventfd signalled when a segment is ready or failed, borrowed */
    uint64_t bytes;
    _Atomic bool stopping; /* set under the lock; read without it to end the making early */
    /* under the lock */
    enum kw_auditspare_state state;
    uint64_t number;                /* of the segment wanted or ready */
    struct kw_auditsegment segment; /* when ready */
    int error;                      /* when failed */
};

/* Starts the thread. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_auditspare_start(struct kw_auditspare *spare, int dir_fd, uint64_t bytes, int wake_fd);
/* Stops the thread, breaking off what it is making, and removes a segment that nobody took. */
void kw_auditspare_stop(struct kw_auditspare *spare);

/* Asks for segment number, unless one is wanted or ready or a failure has not been taken yet. */
void kw_auditspare_want(struct kw_auditspare *spare, uint64_t number);
/* kw_auditspare_take() - Returns: 0 (the segment is the caller's) | 1 (not ready; none wanted perhaps) |
 * negative errno (making it failed; want it again) */
KW_MUST_CHECK int kw_auditspare_take(struct kw_auditspare *spare, struct kw_auditsegment *ret);
/* Takes a failure only, and leaves a segment that is ready. Returns: 0 | negative errno */
int kw_auditspare_take_failure(struct kw_auditspare *spare);

#endif
