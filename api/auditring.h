/* auditring - the little of io_uring that the audit log needs: sleep until woken, and make bytes durable.
 *
 * One owner thread, the one that calls kw_auditring_init(). The fault hooks audit-write and audit-sync act
 * here.
 */
#ifndef KW_API_AUDITRING_H
#define KW_API_AUDITRING_H

#include "pool/bytes.h"

#include <liburing.h>

/* A commit under way, or how it went. */
struct kw_auditring_commit {
    size_t len;       /* of what is to be written */
    int write, sync;  /* their results; a direct write is its own sync */
    unsigned pending; /* completions still owed */
    int error;        /* of the ring, if that kept it from being carried out or told; else 0 */
};

struct kw_auditring {
    struct io_uring ring;
    bool open;       /* false after it failed, until the next call makes it anew */
    int wake_fd;     /* eventfd that wakes the owner, borrowed; nobody else reads it */
    bool wake_armed; /* a poll of it is under way: it takes nothing from the eventfd and writes to no memory
                        of ours, so one that outlives its ring does no harm */
    struct kw_auditring_commit commit;
};

/* kw_auditring_init() - Returns: 0 | negative errno (-EPERM, -ENOSYS: io_uring is denied or not there) */
KW_MUST_CHECK int kw_auditring_init(struct kw_auditring *ring, int wake_fd);
/* No commit is under way (asserted). */
void kw_auditring_done(struct kw_auditring *ring);

/* kw_auditring_wait() - sleeps until the commit under way has ended or timeout_ns passed (UINT64_MAX: no
 * limit), or, if wakeable, the eventfd is signalled; may return early. A ring that failed is made anew by the
 * next call; what it had taken has ended then. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_auditring_wait(struct kw_auditring *ring, uint64_t timeout_ns, bool wakeable);

/* kw_auditring_begin() - begins to write data at offset and make it durable: to a file opened for direct I/O
 * by one write that syncs what it wrote (data, its length and offset in whole blocks), to others by a write
 * and an fdatasync, linked. One commit at a time (asserted). Data and fd must stay until
 * kw_auditring_end(). */
void kw_auditring_begin(
    struct kw_auditring *ring, int fd, bool direct, struct kw_bytes data, uint64_t offset);
/* Is a commit under way that has not ended? */
static inline bool kw_auditring_busy(const struct kw_auditring *ring)
{
    return ring->commit.pending > 0;
}
/* kw_auditring_end() - waits until the commit that was begun has ended; by then the kernel is done with data
 * and fd, whatever the result. Returns: 0 (durable) | negative errno (of write or sync, whichever failed; a
 * short write is -EIO; or of the ring): what the file holds from offset on is unknown */
KW_MUST_CHECK int kw_auditring_end(struct kw_auditring *ring);

#endif
