#include "api/auditring.h"

#include "api/auditfault.h"

#include <poll.h>
#include <sys/eventfd.h>

#define ENTRIES  8u
#define PAUSE_NS (1000 * 1000)
/* Pauses before a kernel that has no memory for the entries counts as failed. */
#define PAUSES_MAX 200

enum tag { TAG_WAKE = 1, TAG_WRITE = 2, TAG_SYNC = 3 }; /* user_data: what completed */

struct outcome {
    int write;
    int sync;
    unsigned pending; /* completions still owed */
};

/* ---- the ring ---- */

static int ring_open(struct kw_auditring *ring)
{
    int rc = io_uring_queue_init(ENTRIES, &ring->ring, IORING_SETUP_SINGLE_ISSUER);

    if (rc == -EINVAL) /* a kernel before 6.0 */
        rc = io_uring_queue_init(ENTRIES, &ring->ring, 0);
    ring->open = rc == 0;
    ring->wake_armed = false;
    return rc;
}

static int ring_ensure(struct kw_auditring *ring)
{
    return ring->open ? 0 : ring_open(ring);
}

static void ring_close(struct kw_auditring *ring)
{
    if (ring->open)
        io_uring_queue_exit(&ring->ring);
    ring->open = false;
}

int kw_auditring_init(struct kw_auditring *ring, int wake_fd)
{
    *ring = (struct kw_auditring){.wake_fd = wake_fd};
    return ring_open(ring);
}

void kw_auditring_done(struct kw_auditring *ring)
{
    ring_close(ring);
}

static bool is_transient(int rc)
{
    return rc == -EINTR || rc == -EAGAIN || rc == -EBUSY;
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static struct io_uring_sqe *claim(struct kw_auditring *ring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);

    kw_assert(sqe != NULL); /* at most three are ever in the queue */
    return sqe;
}

static void take_wake(struct kw_auditring *ring, int events)
{
    eventfd_t count;

    ring->wake_armed = false;
    if (events > 0)
        eventfd_read(ring->wake_fd, &count);
}

static void take_one(struct kw_auditring *ring, const struct io_uring_cqe *cqe, struct outcome *out)
{
    if (cqe->user_data == TAG_WAKE) {
        take_wake(ring, cqe->res);
        return;
    }
    kw_assert(out != NULL && out->pending > 0); /* a commit leaves none behind */
    *(cqe->user_data == TAG_WRITE ? &out->write : &out->sync) = cqe->res;
    out->pending--;
}

static void drain(struct kw_auditring *ring, struct outcome *out)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&ring->ring, &cqe) == 0) {
        take_one(ring, cqe, out);
        io_uring_cqe_seen(&ring->ring, cqe);
    }
}

/* ---- sleeping ---- */

static void arm_wake(struct kw_auditring *ring)
{
    struct io_uring_sqe *sqe;

    if (ring->wake_armed)
        return;
    sqe = claim(ring);
    io_uring_prep_poll_add(sqe, ring->wake_fd, POLLIN);
    io_uring_sqe_set_data64(sqe, TAG_WAKE);
    ring->wake_armed = true;
}

int kw_auditring_wait(struct kw_auditring *ring, uint64_t timeout_ns)
{
    struct __kernel_timespec limit = {
        .tv_sec = (long long)(timeout_ns / 1000000000u), .tv_nsec = (long long)(timeout_ns % 1000000000u)};
    struct io_uring_cqe *cqe;
    int rc;

    KW_TRY(ring_ensure(ring));
    arm_wake(ring);
    rc = io_uring_submit_and_wait_timeout(
        &ring->ring, &cqe, 1, timeout_ns == UINT64_MAX ? NULL : &limit, NULL);
    drain(ring, NULL);
    if (rc >= 0 || rc == -ETIME)
        return 0;
    if (is_transient(rc)) {
        pause_briefly();
        return 0;
    }
    ring_close(ring);
    return rc;
}

/* ---- commits ---- */

static void prepare(struct kw_auditring *ring, int fd, struct kw_bytes data, uint64_t offset, bool sync)
{
    struct io_uring_sqe *sqe = claim(ring);

    io_uring_prep_write(sqe, fd, data.ptr, (unsigned)data.len, offset);
    io_uring_sqe_set_data64(sqe, TAG_WRITE);
    if (!sync)
        return;
    /* A write that fails or is short breaks the link: the sync is then cancelled. */
    sqe->flags |= IOSQE_IO_LINK;
    sqe = claim(ring);
    io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sqe, TAG_SYNC);
}

/* Gives up a ring that cannot be entered, or that took a part of the batch only. Whatever the kernel took
 * runs to its end first: its completions show in the queue without an enter, too, and there is always room
 * for them. What it did not take it never will, since it takes entries during an enter only, and this ring is
 * not entered again. So nothing uses the buffer or the descriptor when this returns. A disk that hangs holds
 * this up as it does the ordinary wait; there is no case left that would call for an abort. */
static int give_up(struct kw_auditring *ring, struct outcome *out, unsigned untaken, int error)
{
    for (;;) {
        drain(ring, out);
        if (out->pending <= untaken)
            break;
        pause_briefly();
    }
    ring_close(ring);
    /* If all was taken, or the write failed, the completions say how it went. */
    return untaken == 0 || out->write < 0 ? 0 : error;
}

/* Submits what is prepared and waits for all of it. */
static int settle(struct kw_auditring *ring, struct outcome *out)
{
    unsigned num = out->pending, pauses = 0;

    while (out->pending > 0) {
        int rc = io_uring_submit_and_wait(&ring->ring, 1);
        unsigned untaken = KW_MIN(io_uring_sq_ready(&ring->ring), num); /* ours come last */

        if (rc < 0 && !is_transient(rc))
            return give_up(ring, out, untaken, rc);
        /* A sync that is submitted apart from its write may overtake it. */
        if (untaken > 0 && (untaken < num || ++pauses == PAUSES_MAX))
            return give_up(ring, out, untaken, -EAGAIN);
        drain(ring, out);
        if (untaken > 0)
            pause_briefly();
    }
    return 0;
}

int kw_auditring_commit(struct kw_auditring *ring, int fd, struct kw_bytes data, uint64_t offset)
{
    enum kw_fault_kind write_fault, sync_fault = KW_FAULT_NONE;
    int write_rc = kw_audit_fault(KW_FAULT_AUDIT_WRITE, &write_fault);
    int sync_rc = write_rc == 0 ? kw_audit_fault(KW_FAULT_AUDIT_SYNC, &sync_fault) : 0;
    size_t len = write_fault == KW_FAULT_SHORT ? data.len / 2 : data.len;
    bool sync = write_rc == 0 && sync_rc == 0;
    struct outcome out = {.pending = sync ? 2 : 1};

    if (write_rc != 0 && write_fault != KW_FAULT_SHORT)
        return write_rc;
    KW_TRY(ring_ensure(ring));
    prepare(ring, fd, KW_BYTES(data.ptr, len), offset, sync);
    KW_TRY(settle(ring, &out));
    KW_REQUIRE(out.write >= 0, out.write);
    KW_REQUIRE((size_t)out.write == data.len, -EIO);
    KW_REQUIRE(out.sync >= 0, out.sync);
    return sync_rc;
}
