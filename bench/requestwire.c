#include "bench/requestwire.h"

#include "api/server.h"
#include "bench/requeststeps.h"

#include <liburing.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH KW_REQUESTWIRE_BATCH

static struct wire {
    struct kw_bytes request;
    uint8_t *answer; /* as long as the body */
    size_t answer_len, wire_len;
    struct kw_requestwire_sample *samples;
    unsigned num;
    int fds[BATCH];
    struct kw_exchange *exchange[BATCH];
    unsigned arrived;
    _Atomic bool wanted;
    sem_t done;
} wire;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "request: %s\n", what);
    abort();
}

/* ---- the clients ---- */

static void ask_all(const int fds[BATCH])
{
    for (unsigned i = 0; i < BATCH; i++)
        must(send(fds[i], wire.request.ptr, wire.request.len, MSG_NOSIGNAL) == (ssize_t)wire.request.len,
            "a request cannot be sent");
}

static void hear_all(const int fds[BATCH], size_t len)
{
    static uint8_t bytes[64 * 1024];

    must(len <= sizeof(bytes), "an answer is too long");
    for (unsigned i = 0; i < BATCH; i++)
        must(recv(fds[i], bytes, len, MSG_WAITALL) == (ssize_t)len, "an answer does not come");
}

static int dial(const struct kw_address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    must(fd >= 0 && connect(fd, &address->any, address->len) == 0 &&
             setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0,
        "no connection");
    return fd;
}

/* ---- the real layer: on the loop's thread ---- */

int __real_kw_ring_turn(struct kw_ring *ring, uint64_t timeout_ns);
int __wrap_kw_ring_turn(struct kw_ring *ring, uint64_t timeout_ns);
void __real_kw_exchange_finish(struct kw_exchange *exchange);

/* The step's own time since the last call. */
static double step_ns(enum kw_requeststep step)
{
    struct kw_requeststep_time own[KW_STEP_NUM];

    kw_requeststeps_take(own);
    return (own[step].ticks - own[step].looks * kw_requeststeps_look_ticks()) * kw_requeststeps_tick_ns() /
           BATCH;
}

static void one_batch(struct kw_ring *ring, struct kw_requestwire_sample *sample)
{
    wire.arrived = 0;
    ask_all(wire.fds);
    kw_requeststeps_on(true);
    kw_requeststep_enter(KW_STEP_RECEIVE);
    while (wire.arrived < BATCH)
        must(__real_kw_ring_turn(ring, 1000000000u) == 0, "the ring fails");
    kw_requeststep_leave();
    kw_requeststeps_on(false);
    sample->receive_ns = step_ns(KW_STEP_RECEIVE);
    for (unsigned i = 0; i < BATCH; i++)
        kw_sbuf_put_bytes(&wire.exchange[i]->answer, KW_BYTES(wire.answer, wire.answer_len));
    kw_requeststep_enter(KW_STEP_SEND);
    for (unsigned i = 0; i < BATCH; i++)
        __real_kw_exchange_finish(wire.exchange[i]);
    must(__real_kw_ring_turn(ring, 1000000000u) == 0, "the ring fails");
    kw_requeststep_leave();
    sample->send_ns = step_ns(KW_STEP_SEND);
    hear_all(wire.fds, wire.wire_len);
}

/* How long an answer is with its head, from the first. */
static void find_wire_len(struct kw_ring *ring)
{
    char bytes[2048];
    ssize_t len = 0;
    const char *end;

    wire.arrived = 0;
    must(send(wire.fds[0], wire.request.ptr, wire.request.len, MSG_NOSIGNAL) > 0, "no request is sent");
    while (wire.arrived < 1)
        must(__real_kw_ring_turn(ring, 1000000000u) == 0, "the ring fails");
    kw_sbuf_put_bytes(&wire.exchange[0]->answer, KW_BYTES(wire.answer, wire.answer_len));
    __real_kw_exchange_finish(wire.exchange[0]);
    must(__real_kw_ring_turn(ring, 1000000000u) == 0, "the ring fails");
    len = recv(wire.fds[0], bytes, sizeof(bytes), MSG_PEEK);
    end = len > 0 ? memmem(bytes, (size_t)len, "\r\n\r\n", 4) : NULL;
    must(end != NULL, "no head");
    wire.wire_len = (size_t)(end - bytes) + 4 + wire.answer_len;
    must(wire.wire_len <= 64u * 1024u, "an answer is too long");
    for (size_t left = wire.wire_len; left > 0; left -= (size_t)len) {
        len = recv(wire.fds[0], bytes, KW_MIN(left, sizeof(bytes)), 0);
        must(len > 0, "an answer does not come");
    }
}

/* Everything happens inside one turn of the loop. */
int __wrap_kw_ring_turn(struct kw_ring *ring, uint64_t timeout_ns)
{
    if (atomic_exchange(&wire.wanted, false)) {
        find_wire_len(ring);
        for (unsigned i = 0; i < wire.num; i++)
            one_batch(ring, &wire.samples[i]);
        must(sem_post(&wire.done) == 0, "no semaphore");
    }
    return __real_kw_ring_turn(ring, timeout_ns);
}

static int start(void *shared, struct kw_loop *loop, void **ret_ctx, char *why, size_t why_cap)
{
    (void)shared;
    (void)why;
    (void)why_cap;
    *ret_ctx = loop;
    return 0;
}

static void stop(void *ctx)
{
    (void)ctx;
}

static void request(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    must(wire.arrived < BATCH, "too many requests");
    exchange->content_type = "application/x-amz-json-1.1";
    wire.exchange[wire.arrived++] = exchange;
}

static void bad_request(void *ctx, struct kw_exchange *exchange)
{
    (void)ctx;
    (void)exchange;
    must(false, "a request is malformed");
}

static void measure_real(void)
{
    static const struct kw_handler handler = {
        .start = start, .stop = stop, .request = request, .bad_request = bad_request};
    static struct kw_loop_stats stats;
    struct kw_server_config config = {
        .handler = &handler, .stats = &stats, .num_loops = 1, .name = "wire", .idle_timeout_ms = 600000};
    struct kw_server *server = NULL;
    char why[256] = "";

    must(kw_address_parse("127.0.0.1:0", &config.address) == 0, "no address");
    must(kw_server_start(&server, &config, why, sizeof(why)) == 0, why);
    for (unsigned i = 0; i < BATCH; i++)
        wire.fds[i] = dial(kw_server_address(server));
    while (atomic_load(&stats.open) < BATCH)
        usleep(1000);
    must(sem_init(&wire.done, 0, 0) == 0, "no semaphore");
    atomic_store(&wire.wanted, true);
    must(sem_wait(&wire.done) == 0, "no semaphore");
    for (unsigned i = 0; i < BATCH; i++)
        close(wire.fds[i]);
    kw_server_stop(server);
}

/* ---- the floor ---- */

struct bare {
    struct kw_ring ring;
    struct io_uring_buf_ring *buffers;
    uint8_t *memory;
    int ours[BATCH], theirs[BATCH];
};

static void give(struct bare *bare, unsigned id)
{
    io_uring_buf_ring_add(bare->buffers, bare->memory + (size_t)id * KW_RECV_BUFFER, KW_RECV_BUFFER,
        (unsigned short)id, io_uring_buf_ring_mask(KW_RECV_BUFFERS), 0);
    io_uring_buf_ring_advance(bare->buffers, 1);
}

static void open_bare(struct bare *bare)
{
    struct io_uring_buf_reg reg = {.ring_entries = KW_RECV_BUFFERS, .bgid = 0};
    struct kw_address address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    bare->buffers = aligned_alloc(4096, 4096);
    bare->memory = calloc(KW_RECV_BUFFERS, KW_RECV_BUFFER);
    must(bare->buffers != NULL && bare->memory != NULL && kw_ring_open(&bare->ring, 1024) == 0, "no ring");
    memset(bare->buffers, 0, 4096);
    reg.ring_addr = (uintptr_t)bare->buffers;
    must(io_uring_register_buf_ring(&bare->ring.uring, &reg, 0) == 0, "no ring of buffers");
    io_uring_buf_ring_init(bare->buffers);
    for (unsigned i = 0; i < KW_RECV_BUFFERS; i++)
        give(bare, i);
    must(kw_address_parse("127.0.0.1:0", &address) == 0 && bind(listener, &address.any, address.len) == 0 &&
             listen(listener, BATCH) == 0 && getsockname(listener, &address.any, &address.len) == 0,
        "no listener");
    for (unsigned i = 0; i < BATCH; i++) {
        struct io_uring_sqe *sqe;

        bare->theirs[i] = dial(&address);
        bare->ours[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        must(bare->ours[i] >= 0, "no connection");
        must(setsockopt(bare->ours[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "no connection");
        sqe = io_uring_get_sqe(&bare->ring.uring);
        io_uring_prep_recv_multishot(sqe, bare->ours[i], NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = 0;
    }
    close(listener);
    must(io_uring_submit(&bare->ring.uring) == (int)BATCH, "no receive");
}

static void close_bare(struct bare *bare)
{
    kw_ring_close(&bare->ring);
    for (unsigned i = 0; i < BATCH; i++) {
        close(bare->ours[i]);
        close(bare->theirs[i]);
    }
    free(bare->buffers);
    free(bare->memory);
}

static void take_events(struct bare *bare)
{
    struct io_uring_cqe *cqe;

    for (unsigned num = 0; num < BATCH; num++) {
        must(io_uring_wait_cqe(&bare->ring.uring, &cqe) == 0 && cqe->res > 0, "a transfer fails");
        if (cqe->flags & IORING_CQE_F_BUFFER)
            give(bare, cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        io_uring_cqe_seen(&bare->ring.uring, cqe);
    }
}

static void bare_batch(struct bare *bare, const uint8_t *answer, struct kw_requestwire_sample *sample)
{
    uint64_t begin_ns;

    ask_all(bare->theirs);
    begin_ns = kw_now_ns();
    take_events(bare);
    sample->receive_floor_ns = (double)(kw_now_ns() - begin_ns) / BATCH;
    begin_ns = kw_now_ns();
    for (unsigned i = 0; i < BATCH; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&bare->ring.uring);

        io_uring_prep_send(sqe, bare->ours[i], answer, wire.wire_len, MSG_NOSIGNAL | MSG_WAITALL);
    }
    must(io_uring_submit(&bare->ring.uring) == (int)BATCH, "no send");
    take_events(bare);
    sample->send_floor_ns = (double)(kw_now_ns() - begin_ns) / BATCH;
    hear_all(bare->theirs, wire.wire_len);
}

static void measure_bare(void)
{
    struct bare bare = {.memory = NULL};
    uint8_t *answer = calloc(1, wire.wire_len);

    must(answer != NULL, "out of memory");
    open_bare(&bare);
    for (unsigned i = 0; i < wire.num; i++)
        bare_batch(&bare, answer, &wire.samples[i]);
    close_bare(&bare);
    free(answer);
}

void kw_requestwire_measure(
    struct kw_bytes text, size_t answer_len, struct kw_requestwire_sample *samples, unsigned num)
{
    wire.request = text;
    wire.answer_len = answer_len;
    wire.answer = calloc(1, answer_len);
    wire.samples = samples;
    wire.num = num;
    must(wire.answer != NULL, "out of memory");
    memset(wire.answer, 'x', answer_len);
    measure_real();
    measure_bare();
    free(wire.answer);
}
