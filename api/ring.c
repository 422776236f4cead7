#include "api/ring.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of a submission that makes no progress, before the process gives up. */
#define SUBMIT_TRIES  1000u
#define PROBE_BUFFERS 8u

void kw_ring_stay_on_cores(struct io_uring *uring)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
        (void)io_uring_register_iowq_aff(uring, sizeof(cores), &cores);
}

int kw_ring_open(struct kw_ring *ring, unsigned entries)
{
    static const unsigned flags[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CLAMP,
        IORING_SETUP_CLAMP,
    };
    int r = -ENOSYS;

    for (size_t i = 0; i < KW_ARRAY_LEN(flags); i++) {
        struct io_uring_params params = {.flags = flags[i] | IORING_SETUP_CQSIZE, .cq_entries = entries * 4};

        r = io_uring_queue_init_params(entries, &ring->uring, &params);
        if (r != -EINVAL)
            break;
    }
    KW_TRY(r);
    (void)io_uring_ring_dontfork(&ring->uring);
    (void)io_uring_register_ring_fd(&ring->uring); /* spares the look-up of the descriptor in every turn */
    kw_ring_stay_on_cores(&ring->uring);
    ring->open = true;
    return 0;
}

void kw_ring_close(struct kw_ring *ring)
{
    if (ring->open)
        io_uring_queue_exit(&ring->uring);
    ring->open = false;
}

static int probe_operations(struct io_uring *uring, char *why, size_t why_cap)
{
    static const struct {
        int op;
        const char *name;
    } needed[] = {
        {IORING_OP_ACCEPT, "accept"},
        {IORING_OP_FSYNC, "fsync"},
        {IORING_OP_READ, "read"},
        {IORING_OP_RECV, "recv"},
        {IORING_OP_SENDMSG, "sendmsg"},
        {IORING_OP_WRITE, "write"},
    };
    struct io_uring_probe *probe = io_uring_get_probe_ring(uring);
    const char *missing = probe == NULL ? "probe" : NULL;

    for (size_t i = 0; probe != NULL && i < KW_ARRAY_LEN(needed); i++) {
        if (!io_uring_opcode_supported(probe, needed[i].op))
            missing = needed[i].name;
    }
    io_uring_free_probe(probe);
    if (missing != NULL)
        snprintf(why, why_cap,
            "this kernel's io_uring is too old for keywell: it lacks %s (Linux 6.1 has it)", missing);
    return missing != NULL;
}

/* A receive that stays armed and takes a buffer of a ring for what comes: Linux 6.0. fds: a connected pair.
 */
static int probe_multishot(struct io_uring *uring, const int fds[2])
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    struct __kernel_timespec patience = {.tv_sec = 5};
    struct io_uring_cqe *cqe;
    int r;

    if (write(fds[1], "x", 1) != 1)
        return -errno;
    io_uring_prep_recv_multishot(sqe, fds[0], NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 1;
    r = io_uring_submit_and_wait_timeout(uring, &cqe, 1, &patience, NULL);
    if (r < 0)
        return r;
    r = cqe->res;
    io_uring_cqe_seen(uring, cqe);
    return r < 0 ? r : 0;
}

static int probe_receive(struct io_uring *uring, struct io_uring_buf_ring *buffers)
{
    uint8_t buffer[16];
    int fds[2], r;

    io_uring_buf_ring_init(buffers);
    io_uring_buf_ring_add(buffers, buffer, sizeof(buffer), 0, io_uring_buf_ring_mask(PROBE_BUFFERS), 0);
    io_uring_buf_ring_advance(buffers, 1);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    r = probe_multishot(uring, fds);
    close(fds[1]);
    close(fds[0]);
    return r;
}

/* Provided-buffer rings came with Linux 5.19. */
static int probe_buffer_ring(struct io_uring *uring, char *why, size_t why_cap, void **ret_memory)
{
    struct io_uring_buf_reg reg = {.ring_entries = PROBE_BUFFERS, .bgid = 1};
    void *memory = aligned_alloc(4096, 4096);
    int r;

    if (memory == NULL) {
        snprintf(why, why_cap, "out of memory");
        return 1;
    }
    reg.ring_addr = (uintptr_t)memory;
    r = io_uring_register_buf_ring(uring, &reg, 0);
    if (r == 0) {
        r = probe_receive(uring, memory);
        (void)io_uring_unregister_buf_ring(uring, 1);
    }
    if (r < 0)
        snprintf(why, why_cap,
            "this kernel's io_uring is too old for keywell: no multishot receive with provided buffers (%s); "
            "Linux 6.1 has it",
            strerror(-r));
    /* The ring may still look at it. */
    *ret_memory = memory;
    return r < 0;
}

int kw_ring_probe(char *why, size_t why_cap)
{
    struct kw_ring ring = {.open = false};
    void *memory = NULL;
    int r = kw_ring_open(&ring, 8);

    if (r < 0) {
        snprintf(why, why_cap, "io_uring cannot be used here: %s%s", strerror(-r),
            r == -EPERM ? " (is kernel.io_uring_disabled set, or does a container's seccomp profile deny it?)"
            : r == -ENOSYS ? " (this kernel has none; keywell needs Linux 6.1)"
                           : "");
        return 1;
    }
    r = probe_operations(&ring.uring, why, why_cap);
    if (r == 0)
        r = probe_buffer_ring(&ring.uring, why, why_cap, &memory);
    kw_ring_close(&ring);
    free(memory);
    return r;
}

struct io_uring_sqe *kw_ring_sqe(struct kw_ring *ring, struct kw_completion *completion)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

    /* A submission may fail for want of memory or of room for completions, and go through a moment later. */
    for (unsigned tries = 0; sqe == NULL && tries < SUBMIT_TRIES; tries++) {
        (void)io_uring_submit_and_get_events(&ring->uring);
        sqe = io_uring_get_sqe(&ring->uring);
    }
    kw_assert(sqe != NULL);
    io_uring_sqe_set_data(sqe, completion);
    return sqe;
}

static void run_completions(struct kw_ring *ring)
{
    struct io_uring_cqe *cqe;
    unsigned left = io_uring_cq_ready(&ring->uring);

    /* Only those that had come when the turn began: what they cause waits for the next turn, so that timers
     * are looked at however busy the connections are. One at a time: a completion may submit. */
    for (; left > 0 && io_uring_peek_cqe(&ring->uring, &cqe) == 0; left--) {
        struct kw_completion *completion = io_uring_cqe_get_data(cqe);
        int result = cqe->res;
        uint32_t flags = cqe->flags;

        io_uring_cqe_seen(&ring->uring, cqe);
        if (completion != NULL)
            completion->run(completion, result, flags);
    }
}

int kw_ring_turn(struct kw_ring *ring, uint64_t timeout_ns)
{
    struct __kernel_timespec timeout = {
        .tv_sec = (int64_t)(timeout_ns / 1000000000u),
        .tv_nsec = (long long)(timeout_ns % 1000000000u),
    };
    struct io_uring_cqe *cqe;
    int r = io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1, &timeout, NULL);

    if (r < 0 && r != -ETIME && r != -EINTR && r != -EAGAIN && r != -EBUSY)
        return r;
    run_completions(ring);
    return 0;
}
