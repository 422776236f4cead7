#include "api/auditring.h"

#include "api/auditfault.h"
#include "api/auditsegment.h"
#include "api/ring.h"

#include <poll.h>
#include <sys/eventfd.h>

#define ENTRIES  8u
#define PAUSE_NS (1000 * 1000)
/* Pauses before a kernel that has no memory for the entries counts as failed. */
#define PAUSES_MAX 200

/* user_data: what completed; a delay is a fault's */
enum tag { TAG_WAKE = 1, TAG_WRITE, TAG_SYNC, TAG_DELAY };

/* ---- the ring ---- */

static int ring_open(struct kw_auditring *ring)
{
    /* Completions are looked for when the owner enters the kernel anyway: no interrupt for them. They then
     * show without an enter of this ring, too, which give_up() needs. */
    int rc =
        io_uring_queue_init(ENTRIES, &ring->ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN);

    if (rc == -EINVAL) /* a kernel before 6.0 */
        rc = io_uring_queue_init(ENTRIES, &ring->ring, 0);
    ring->open = rc == 0;
    if (ring->open)
        kw_ring_stay_on_cores(&ring->ring);
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
    kw_assert(!kw_auditring_busy(ring));
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

    kw_assert(sqe != NULL); /* at most four are ever in the queue */
    return sqe;
}

static void take_wake(struct kw_auditring *ring, int events)
{
    eventfd_t count;

    ring->wake_armed = false;
    if (events > 0)
        eventfd_read(ring->wake_fd, &count);
}

static void take_one(struct kw_auditring *ring, const struct io_uring_cqe *cqe)
{
    struct kw_auditring_commit *commit = &ring->commit;

    if (cqe->user_data == TAG_WAKE) {
        take_wake(ring, cqe->res);
        return;
    }
    kw_assert(commit->pending > 0); /* a commit leaves none behind */
    if (cqe->user_data == TAG_WRITE)
        commit->write = cqe->res;
    else if (cqe->user_data == TAG_SYNC)
        commit->sync = cqe->res;
    commit->pending--;
}

static void drain(struct kw_auditring *ring)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&ring->ring, &cqe) == 0) {
        take_one(ring, cqe);
        io_uring_cqe_seen(&ring->ring, cqe);
    }
}

/* Gives up a ring that cannot be entered, or that took a part of a commit only: the last entries in the
 * queue, untaken of them, are still there. Whatever the kernel took runs to its end first: its completions
 * show in the queue without an enter, too, and there is always room for them. What it did not take it never
 * will, since it takes entries during an enter only, and this ring is not entered again. So nothing uses the
 * buffer or the descriptor when this returns. A disk that hangs holds this up as it does the ordinary wait;
 * there is no case left that would call for an abort. */
static void give_up(struct kw_auditring *ring, unsigned untaken, int error)
{
    struct kw_auditring_commit *commit = &ring->commit;

    for (;;) {
        drain(ring);
        if (commit->pending <= untaken)
            break;
        pause_briefly();
    }
    ring_close(ring);
    /* If all was taken, or the write failed, the completions say how it went. */
    if (untaken > 0 && commit->write >= 0)
        commit->error = error;
    commit->pending = 0;
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

int kw_auditring_wait(struct kw_auditring *ring, uint64_t timeout_ns, bool wakeable)
{
    struct __kernel_timespec limit = {
        .tv_sec = (long long)(timeout_ns / 1000000000u), .tv_nsec = (long long)(timeout_ns % 1000000000u)};
    struct io_uring_cqe *cqe;
    int rc;

    KW_TRY(ring_ensure(ring));
    if (wakeable)
        arm_wake(ring);
    rc = io_uring_submit_and_wait_timeout(
        &ring->ring, &cqe, 1, timeout_ns == UINT64_MAX ? NULL : &limit, NULL);
    drain(ring);
    if (rc >= 0 || rc == -ETIME)
        return 0;
    if (is_transient(rc)) {
        pause_briefly();
        return 0;
    }
    give_up(ring, 0, rc);
    return rc;
}

/* ---- commits ---- */

/* What faults make of a commit. In production builds all of it folds to "none". */
struct plan {
    bool sync;  /* else the write is left unsynced */
    bool delay; /* the write begins a second late */
    int fails;  /* before anything is written; 0: it does not */
};

static struct plan plan_faults(struct kw_auditring *ring, struct kw_bytes *data, bool direct)
{
    enum kw_fault_kind write = kw_fault(KW_FAULT_AUDIT_WRITE), sync;
    bool writes = write == KW_FAULT_NONE || write == KW_FAULT_DELAY;
    struct plan plan = {.sync = writes};

    if (writes) {
        sync = kw_fault(KW_FAULT_AUDIT_SYNC);
        ring->commit.sync = kw_audit_fault_error(sync);
        plan.sync = ring->commit.sync == 0;
        plan.delay = write == KW_FAULT_DELAY || sync == KW_FAULT_DELAY;
        return plan;
    }
    data->len = write == KW_FAULT_SHORT ? data->len / 2 : 0;
    if (direct)
        data->len -= data->len % KW_AUDIT_BLOCK;
    plan.fails = data->len > 0 ? 0 : kw_audit_fault_error(write);
    return plan;
}

/* What follows on it waits for it, however it ends. */
static void prepare_delay(struct kw_auditring *ring)
{
    static struct __kernel_timespec second = {.tv_sec = 1};
    struct io_uring_sqe *sqe = claim(ring);

    io_uring_prep_timeout(sqe, &second, 0, 0);
    io_uring_sqe_set_data64(sqe, TAG_DELAY);
    sqe->flags |= IOSQE_IO_HARDLINK;
    ring->commit.pending++;
}

static void prepare(
    struct kw_auditring *ring, int fd, struct kw_bytes data, uint64_t offset, bool direct, bool sync)
{
    struct io_uring_sqe *sqe = claim(ring);

    io_uring_prep_write(sqe, fd, data.ptr, (unsigned)data.len, offset);
    io_uring_sqe_set_data64(sqe, TAG_WRITE);
    ring->commit.pending++;
    if (!sync)
        return;
    /* The range that it wrote is all there is to sync: the segment's own metadata does not change. */
    if (direct) {
        sqe->rw_flags = RWF_DSYNC;
        return;
    }
    /* A write that fails or is short breaks the link: the sync is then cancelled. */
    sqe->flags |= IOSQE_IO_LINK;
    sqe = claim(ring);
    io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sqe, TAG_SYNC);
    ring->commit.pending++;
}

/* Submits what is prepared, all of it or nothing that would count. */
static void hand_over(struct kw_auditring *ring)
{
    unsigned num = ring->commit.pending, pauses = 0;

    for (;;) {
        int rc = io_uring_submit(&ring->ring);
        unsigned untaken = KW_MIN(io_uring_sq_ready(&ring->ring), num); /* ours come last */

        if (untaken == 0)
            return;
        if (rc < 0 && !is_transient(rc)) {
            give_up(ring, untaken, rc);
            return;
        }
        /* A sync that is submitted apart from its write may overtake it. */
        if (untaken < num || ++pauses == PAUSES_MAX) {
            give_up(ring, untaken, -EAGAIN);
            return;
        }
        pause_briefly();
    }
}

void kw_auditring_begin(struct kw_auditring *ring, int fd, bool direct, struct kw_bytes data, uint64_t offset)
{
    struct plan plan;
    int rc;

    kw_assert(!kw_auditring_busy(ring));
    ring->commit = (struct kw_auditring_commit){.len = data.len};
    plan = plan_faults(ring, &data, direct);
    rc = plan.fails == 0 ? ring_ensure(ring) : plan.fails;
    if (rc < 0) {
        ring->commit.error = rc;
        return;
    }
    if (plan.delay)
        prepare_delay(ring);
    prepare(ring, fd, data, offset, direct, plan.sync);
    hand_over(ring);
}

int kw_auditring_end(struct kw_auditring *ring)
{
    const struct kw_auditring_commit *commit = &ring->commit;

    /* A wait that fails has given the ring up, and the commit has ended. */
    while (kw_auditring_busy(ring)) {
        if (kw_auditring_wait(ring, UINT64_MAX, false) < 0)
            kw_assert(!kw_auditring_busy(ring));
    }
    KW_REQUIRE(commit->error == 0, commit->error);
    KW_REQUIRE(commit->write >= 0, commit->write);
    KW_REQUIRE((size_t)commit->write == commit->len, -EIO);
    KW_REQUIRE(commit->sync >= 0, commit->sync);
    return 0;
}
