/* ring - a thread's io_uring, and completions that their callers own.
 *
 * Every operation names a kw_completion; its function runs on the ring's thread when the operation has ended.
 * The completion (and the buffers of the operation) must live until then.
 */
#ifndef KW_API_RING_H
#define KW_API_RING_H

#include "pool/base.h"

#include <liburing.h>

struct kw_completion {
    /* result: as the system call would return it, or -errno; flags: IORING_CQE_F_*. */
    void (*run)(struct kw_completion *completion, int result, uint32_t flags);
};

struct kw_ring {
    struct io_uring uring;
    bool open;
};

/* kw_ring_open() - on the thread that will use it: single issuer with deferred task work where the kernel has
 * it (6.1), plain otherwise. Returns: 0 | negative errno (-EPERM, -ENOSYS: io_uring is denied or missing) */
KW_MUST_CHECK int kw_ring_open(struct kw_ring *ring, unsigned entries);
void kw_ring_close(struct kw_ring *ring);

/* kw_ring_stay_on_cores() - the kernel's workers of this ring, which do what would block, run where the
 * calling thread may run: by themselves they would take any core, those included that the operator did not
 * give. */
void kw_ring_stay_on_cores(struct io_uring *uring);

/* kw_ring_probe() - can this system run the server? Tries to open a ring and asks for the operations and the
 * provided-buffer rings that keywell uses. Out: why, a sentence. Returns: 0 | 1 (no: why says) */
KW_MUST_CHECK int kw_ring_probe(char *why, size_t why_cap);

/* kw_ring_sqe() - the next submission entry, tied to completion; submits what has gathered if the queue is
 * full. Never NULL. */
struct io_uring_sqe *kw_ring_sqe(struct kw_ring *ring, struct kw_completion *completion);

/* kw_ring_turn() - submits, waits for at least one completion or timeout_ns, runs all that have come.
 * Returns: 0 | negative errno (fatal) */
KW_MUST_CHECK int kw_ring_turn(struct kw_ring *ring, uint64_t timeout_ns);

#endif
