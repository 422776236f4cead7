#include "tools/loadworker.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define HOUSEKEEPING_NS UINT64_C(10000000)
#define CONNECT_NS      UINT64_C(10000000000) /* for all connections, before the first request */
#define STOP_NS         UINT64_C(1000000000)  /* for answers, after an interruption */
/* Between two looks at what has come: more would let answers wait. */
#define SENDS_A_TURN 16u

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- life ---- */

static int allocate(struct kw_load_worker *worker, unsigned num_conns)
{
    const struct kw_load_plan *plan = worker->plan;
    size_t out_cap = plan->request_len_max + KW_LOAD_TLS_ROOM;

    worker->conns = calloc(num_conns, sizeof(*worker->conns));
    worker->idle = calloc(num_conns, sizeof(*worker->idle));
    worker->live = calloc(plan->num_ops, sizeof(*worker->live));
    worker->lateness = calloc(1, sizeof(*worker->lateness));
    if (worker->conns == NULL || worker->idle == NULL || worker->live == NULL || worker->lateness == NULL)
        return -ENOMEM;
    kw_hdr_init(worker->lateness);
    for (unsigned i = 0; i < plan->num_ops; i++)
        kw_load_tally_init(&worker->live[i]);
    for (unsigned i = 0; i < num_conns; i++) {
        struct kw_load_conn *conn = &worker->conns[i];

        *conn = (struct kw_load_conn){.worker = worker, .fd = -1, .out_cap = out_cap, .out = malloc(out_cap)};
        worker->num_conns++;
        if (conn->out == NULL)
            return -ENOMEM;
    }
    return 0;
}

int kw_load_worker_new(struct kw_load_worker **ret, const struct kw_load_plan *plan,
    const struct kw_load_schedule *schedule, struct kw_load_shared *shared, unsigned index)
{
    struct kw_load_worker *worker = calloc(1, sizeof(*worker));
    unsigned threads = plan->num_threads;
    int r;

    KW_REQUIRE(worker != NULL, -ENOMEM);
    worker->plan = plan;
    worker->schedule = schedule;
    worker->shared = shared;
    worker->index = index;
    worker->random = UINT64_C(0xd1342543de82ef95) * (index + 1);
    kw_load_arrivals_init(&worker->arrivals, plan->poisson, 1e9 / schedule->rate * threads, plan->burst_on_ns,
        plan->burst_quiet_ns, plan->seed * 65537 + index);
    worker->num_max = UINT64_MAX;
    if (schedule->requests_max > 0)
        worker->num_max = schedule->requests_max / threads + (index < schedule->requests_max % threads);
    kw_load_signer_init(&worker->signer, &plan->identity, (uint64_t)kw_wall_ms() * 64 + index);
    r = allocate(worker, plan->num_connections / threads + (index < plan->num_connections % threads));
    if (r < 0) {
        kw_load_worker_free(worker);
        return r;
    }
    *ret = worker;
    return 0;
}

void kw_load_worker_free(struct kw_load_worker *worker)
{
    if (worker == NULL)
        return;
    for (unsigned i = 0; i < worker->num_conns; i++)
        free(worker->conns[i].out);
    kw_load_signer_done(&worker->signer);
    free(worker->conns);
    free(worker->idle);
    free(worker->live);
    free(worker->lateness);
    free(worker);
}

/* ---- the schedule ---- */

static void finish_sending(struct kw_load_worker *worker)
{
    worker->next_ns = UINT64_MAX;
}

static void advance(struct kw_load_worker *worker)
{
    worker->next_ns = worker->start_ns + kw_load_arrivals_next(&worker->arrivals);
    if (++worker->num_sent >= worker->num_max || worker->next_ns >= worker->end_ns)
        finish_sending(worker);
}

static unsigned choose(struct kw_load_worker *worker)
{
    const struct kw_load_plan *plan = worker->plan;
    uint64_t point;

    if (plan->num_ops == 1)
        return 0;
    point = (kw_load_random(&worker->random) >> 11) % plan->ops[plan->num_ops - 1].threshold;
    for (unsigned i = 0;; i++) {
        if (point < plan->ops[i].threshold)
            return i;
    }
}

static bool is_measured(const struct kw_load_worker *worker)
{
    return worker->next_ns >= worker->measure_ns;
}

/* The next request is lost before it could be sent. */
static void lose(struct kw_load_worker *worker, const char *error)
{
    struct kw_load_tally *tally = &worker->live[choose(worker)];

    if (is_measured(worker)) {
        tally->due++;
        kw_load_tally_error(tally, error, 1);
    }
    advance(worker);
}

static void start(struct kw_load_worker *worker, struct kw_load_conn *conn, uint64_t now)
{
    /* If all connections were busy, the server is to blame until one was free. */
    uint64_t could = KW_MAX(worker->next_ns, conn->free_ns);

    if (is_measured(worker))
        kw_hdr_record(worker->lateness, now > could ? now - could : 0);
    kw_load_conn_start(conn, choose(worker), worker->next_ns, is_measured(worker));
    advance(worker);
}

/* Returns true if more is due than one turn takes. */
static bool send_due(struct kw_load_worker *worker)
{
    uint64_t now = kw_now_ns();
    struct kw_load_conn *conn;

    for (unsigned sent = 0; worker->next_ns <= now; sent++) {
        if (sent == SENDS_A_TURN)
            return true;
        worker->worked = true;
        if (now - worker->next_ns > worker->plan->timeout_ns) {
            lose(worker, "timeout");
            continue;
        }
        conn = kw_load_conn_take(worker);
        if (conn != NULL)
            start(worker, conn, sent == 0 ? now : kw_now_ns());
        else if (worker->num_up == 0 && worker->down[0] != '\0')
            lose(worker, worker->down);
        else
            return false;
    }
    return false;
}

/* ---- what is done now and then ---- */

static void flush(struct kw_load_worker *worker, unsigned wanted)
{
    struct kw_load_shared *shared = worker->shared;

    pthread_mutex_lock(&shared->lock);
    for (unsigned i = 0; i < worker->plan->num_ops; i++) {
        kw_load_tally_add(&shared->interval[i], &worker->live[i]);
        kw_load_tally_reset(&worker->live[i]);
    }
    kw_hdr_add(&shared->lateness, worker->lateness);
    kw_hdr_reset(worker->lateness);
    shared->reconnects += worker->reconnects;
    worker->reconnects = 0;
    worker->flushed = wanted;
    shared->num_flushed++;
    pthread_cond_broadcast(&shared->changed);
    pthread_mutex_unlock(&shared->lock);
}

static void look_after(struct kw_load_worker *worker, uint64_t now)
{
    for (unsigned i = 0; i < worker->num_conns; i++) {
        struct kw_load_conn *conn = &worker->conns[i];
        bool waits = conn->state != KW_LOAD_CLOSED && conn->state != KW_LOAD_IDLE;

        if (waits && now > conn->due_ns && now - conn->due_ns > worker->plan->timeout_ns)
            kw_load_conn_fail(conn, "timeout");
        if (conn->state == KW_LOAD_CLOSED && now >= conn->retry_ns) {
            worker->reconnects += conn->generation > 0;
            kw_load_conn_open(conn);
        }
    }
}

static void housekeeping(struct kw_load_worker *worker)
{
    uint64_t now = kw_now_ns();
    unsigned wanted;

    if (now < worker->housekeeping_ns)
        return;
    worker->housekeeping_ns = now + HOUSEKEEPING_NS;
    kw_load_signer_set_time(&worker->signer, kw_wall_ms());
    look_after(worker, now);
    wanted = atomic_load_explicit(&worker->shared->flush_seen, memory_order_relaxed);
    if (wanted != worker->flushed)
        flush(worker, wanted);
}

/* How much of its core the thread uses while requests are measured. */
static void account(struct kw_load_worker *worker, uint64_t turn_began)
{
    uint64_t now = kw_now_ns();

    if (!worker->window_open && worker->use == 0 && now >= worker->measure_ns) {
        worker->window_open = true;
        worker->window_cpu_ns = cpu_ns();
        worker->window_wall_ns = now;
        worker->busy_ns = 0;
    } else if (worker->window_open && worker->worked) {
        worker->busy_ns += now - turn_began;
    }
    if (worker->window_open && worker->next_ns == UINT64_MAX) {
        uint64_t used = worker->plan->spin ? worker->busy_ns : cpu_ns() - worker->window_cpu_ns;

        worker->use = (double)used / (double)KW_MAX(now - worker->window_wall_ns, UINT64_C(1));
        worker->window_open = false;
    }
}

/* ---- the thread ---- */

static int turn(struct kw_load_worker *worker, bool more)
{
    uint64_t now = kw_now_ns(), until = worker->housekeeping_ns;

    if (worker->num_idle > 0)
        until = KW_MIN(until, worker->next_ns);
    if (more || worker->plan->spin || until <= now)
        return worker->wire->turn(worker, 0);
    return worker->wire->turn(worker, until - now);
}

static void pin(const struct kw_load_worker *worker)
{
    cpu_set_t set;

    /* Timers go off when they are due, and not up to 50 us later. */
    (void)prctl(PR_SET_TIMERSLACK, 1);
    if (worker->plan->num_cpus == 0)
        return;
    CPU_ZERO(&set);
    CPU_SET(worker->plan->cpus[worker->index % worker->plan->num_cpus], &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static int open_wire(struct kw_load_worker *worker)
{
    worker->wire = worker->plan->epoll ? &kw_load_wire_epoll : &kw_load_wire_uring;
    if (worker->wire->open(worker) == 0)
        return 0;
    /* Containers are often denied io_uring. */
    worker->wire = &kw_load_wire_epoll;
    return worker->wire->open(worker);
}

/* All connections, before the first request. Returns 0, or 1 with the reason in worker->down. */
static int connect_all(struct kw_load_worker *worker)
{
    uint64_t deadline = kw_now_ns() + KW_MIN(CONNECT_NS, worker->plan->timeout_ns);

    while (worker->num_up < worker->num_conns) {
        if (kw_now_ns() > deadline || atomic_load(&worker->shared->stop)) {
            if (worker->down[0] == '\0')
                snprintf(worker->down, sizeof(worker->down), "not connected in time");
            return 1;
        }
        housekeeping(worker);
        if (worker->wire->turn(worker, HOUSEKEEPING_NS) < 0)
            return 1;
    }
    worker->reconnects = 0;
    return 0;
}

/* Tells whether it could start, and waits until all may. Returns whether this one may. */
static bool wait_for_go(struct kw_load_worker *worker, int r)
{
    struct kw_load_shared *shared = worker->shared;

    pthread_mutex_lock(&shared->lock);
    shared->num_ready++;
    if (r != 0 && shared->failed == 0) {
        shared->failed = r;
        snprintf(shared->why, sizeof(shared->why), "%s", worker->down);
    }
    pthread_cond_broadcast(&shared->changed);
    while (!shared->go)
        pthread_cond_wait(&shared->changed, &shared->lock);
    worker->start_ns = shared->start_ns;
    pthread_mutex_unlock(&shared->lock);
    return shared->failed == 0;
}

static void drive(struct kw_load_worker *worker)
{
    const struct kw_load_schedule *schedule = worker->schedule;
    uint64_t stop_ns = UINT64_MAX;
    int r = 0;

    worker->start_ns += (uint64_t)(1e9 / schedule->rate * worker->index);
    worker->measure_ns = worker->start_ns + schedule->warm_up_ns;
    worker->end_ns = worker->measure_ns + schedule->duration_ns;
    worker->next_ns = worker->start_ns;
    if (worker->num_max == 0)
        finish_sending(worker);
    while (r == 0 && (worker->next_ns != UINT64_MAX || worker->num_busy > 0) && kw_now_ns() < stop_ns) {
        uint64_t began = kw_now_ns();

        worker->worked = false;
        housekeeping(worker);
        r = turn(worker, send_due(worker));
        account(worker, began);
        if (stop_ns == UINT64_MAX && atomic_load_explicit(&worker->shared->stop, memory_order_relaxed)) {
            finish_sending(worker);
            stop_ns = kw_now_ns() + STOP_NS;
        }
    }
}

static void end(struct kw_load_worker *worker)
{
    struct kw_load_shared *shared = worker->shared;
    double span =
        worker->last_ns > worker->measure_ns ? (double)(worker->last_ns - worker->measure_ns) / 1e9 : 0;

    for (unsigned i = 0; i < worker->num_conns && worker->wire != NULL; i++)
        kw_load_conn_fail(&worker->conns[i], "not answered");
    if (worker->wire != NULL)
        worker->wire->close(worker);
    flush(worker, worker->flushed);
    pthread_mutex_lock(&shared->lock);
    shared->num_done++;
    shared->span = KW_MAX(shared->span, span);
    pthread_cond_broadcast(&shared->changed);
    pthread_mutex_unlock(&shared->lock);
}

void *kw_load_worker_run(void *argument)
{
    struct kw_load_worker *worker = argument;
    int r;

    pin(worker);
    r = open_wire(worker);
    if (r < 0) {
        snprintf(worker->down, sizeof(worker->down), "epoll: %s", strerror(-r));
        worker->wire = NULL;
    } else {
        r = connect_all(worker);
    }
    if (wait_for_go(worker, r))
        drive(worker);
    end(worker);
    return NULL;
}
