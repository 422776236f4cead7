/* auditring - the little of io_uring that the audit log needs: sleep until woken, and make bytes durable.
 *
 * One owner thread, the one that calls kw_auditring_init(). The fault hooks audit-write and audit-sync act
 * here.
 */
#ifndef KW_API_AUDITRING_H
#define KW_API_AUDITRING_H

#include "pool/bytes.h"

#include <liburing.h>

struct kw_auditring {
    struct io_uring ring;
    bool open;       /* false after it failed, until the next call makes it anew */
    int wake_fd;     /* eventfd that wakes the owner, borrowed; nobody else reads it */
    bool wake_armed; /* a poll of it is under way: it takes nothing from the eventfd and writes to no memory
                        of ours, so one that outlives its ring does no harm */
};

/* kw_auditring_init() - Returns: 0 | negative errno (-EPERM, -ENOSYS: io_uring is denied or not there) */
KW_MUST_CHECK int kw_auditring_init(struct kw_auditring *ring, int wake_fd);
void kw_auditring_done(struct kw_auditring *ring);

/* Sleeps until the eventfd is signalled or timeout_ns passed (UINT64_MAX: no limit); may return early. A ring
 * that failed is made anew by the next call. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_auditring_wait(struct kw_auditring *ring, uint64_t timeout_ns);

/* kw_auditring_commit() - writes data at offset and then fdatasync, linked. Data must stay until this
 * returns; by then the kernel is done with data and fd, whatever the result. Returns: 0 (durable) | negative
 * errno (of the two, whichever failed; a short write is -EIO; or of the ring): what the file holds from
 * offset on is unknown */
KW_MUST_CHECK int kw_auditring_commit(
    struct kw_auditring *ring, int fd, struct kw_bytes data, uint64_t offset);

#endif
