/* loadworker - a thread that sends requests when they are due and measures how long the answers take.
 *
 * Open loop: the moments at which requests are due are fixed beforehand and do not wait for answers. A
 * request that finds every connection busy waits, and its latency counts from when it was due. A connection
 * carries one request at a time. Whoever runs the workers owns struct kw_load_shared; a worker's own state is
 * touched by its thread only.
 */
#ifndef KW_TOOLS_LOADWORKER_H
#define KW_TOOLS_LOADWORKER_H

#include "tools/loadanswer.h"
#include "tools/loadarrivals.h"
#include "tools/loadplan.h"
#include "tools/loadtally.h"
#include "tools/loadtls.h"

#include <pthread.h>
#include <stdatomic.h>

enum kw_load_state {
    KW_LOAD_CLOSED, /* until retry_ns */
    KW_LOAD_CONNECTING,
    KW_LOAD_SHAKING, /* hands, of TLS */
    KW_LOAD_IDLE,
    KW_LOAD_BUSY,
};

struct kw_load_conn {
    struct kw_load_worker *worker;
    int fd;
    enum kw_load_state state;
    uint8_t op;
    bool measured;       /* the request was due in the window */
    bool sending;        /* the wire has not taken all of out */
    bool in_ring;        /* of idle connections, perhaps since before it was closed */
    uint32_t generation; /* what the wire reports of earlier connections in this place is ignored */
    uint64_t due_ns;
    uint64_t free_ns; /* since when it is idle */
    uint64_t retry_ns;
    uint8_t *out; /* what is being sent: [out_done, out_len) */
    size_t out_len, out_done, out_cap;
    struct kw_load_tls *tls; /* NULL: plain */
    struct kw_answer answer;
};

/* How bytes get from and to the network; one of two. A wire belongs to a worker. */
struct kw_load_wire {
    const char *name;
    /* Returns: 0 | negative errno (this system does not have it) */
    int (*open)(struct kw_load_worker *worker);
    void (*close)(struct kw_load_worker *worker);
    /* A non-blocking socket waits in conn->fd; kw_load_connected() follows. Returns: 0 | negative errno */
    int (*connect)(struct kw_load_conn *conn);
    /* Sends what is in conn->out. May call kw_load_ended() at once. */
    void (*send)(struct kw_load_conn *conn);
    /* Forgets the connection before its socket is closed. */
    void (*drop)(struct kw_load_conn *conn);
    /* Waits for at most so long, then reports what has happened. Returns: 0 | negative errno */
    int (*turn)(struct kw_load_worker *worker, uint64_t timeout_ns);
};
extern const struct kw_load_wire kw_load_wire_epoll, kw_load_wire_uring;

/* What a wire reports. None of them is called within connect() or turn()'s waiting. */
void kw_load_connected(struct kw_load_conn *conn, int result);
void kw_load_received(struct kw_load_conn *conn, struct kw_bytes bytes);
/* The connection is gone: 0 or a negative errno. */
void kw_load_ended(struct kw_load_conn *conn, int result);

/* ---- connections, for the worker's own use ---- */

/* Begins to connect. */
void kw_load_conn_open(struct kw_load_conn *conn);
/* Counts what it carries as failed, closes; again at once if it had worked, else a little later. */
void kw_load_conn_fail(struct kw_load_conn *conn, const char *error);
/* Closes without another word. */
void kw_load_conn_close(struct kw_load_conn *conn);
/* One that is free, or NULL. */
struct kw_load_conn *kw_load_conn_take(struct kw_load_worker *worker);
/* Sends the request that was due then on a connection that was taken. */
void kw_load_conn_start(struct kw_load_conn *conn, unsigned op, uint64_t due_ns, bool measured);

/* How many requests are due, and when they are measured. */
struct kw_load_schedule {
    double rate;           /* of all threads, a second */
    uint64_t warm_up_ns;   /* not measured */
    uint64_t duration_ns;  /* measured */
    uint64_t requests_max; /* of all threads, warm-up included; 0: no limit */
};

/* Between the workers and who runs them, under the lock. */
struct kw_load_shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned num_ready, num_done; /* workers that are connected; that have ended */
    bool go;
    uint64_t start_ns;
    int failed; /* 0, or why the first worker that could not start could not */
    char why[256];
    unsigned flush_wanted; /* counts up */
    unsigned num_flushed;
    struct kw_load_tally *interval; /* one an operation, since the last flush */
    struct kw_hdr lateness;         /* how late requests were sent for the generator's own sake */
    uint64_t reconnects;
    double span; /* of the worker whose last answer came last */
    _Atomic bool stop;
    _Atomic unsigned flush_seen; /* a copy of flush_wanted that workers look at without the lock */
};

struct kw_load_worker {
    const struct kw_load_plan *plan;
    const struct kw_load_schedule *schedule;
    struct kw_load_shared *shared;
    unsigned index;
    const struct kw_load_wire *wire;
    void *wire_state;
    pthread_t thread;
    struct kw_load_signer signer;
    struct kw_load_arrivals arrivals;
    uint64_t random; /* for the mix */

    struct kw_load_conn *conns;
    unsigned num_conns;
    unsigned *idle; /* ring of num_conns places, first come, first served */
    unsigned idle_first, num_idle;
    unsigned num_busy, num_up;
    char down[KW_LOAD_ERROR_LEN]; /* why there is no connection at all */

    uint64_t start_ns, measure_ns, end_ns; /* first due, first and last measured */
    uint64_t num_sent, num_max;
    uint64_t next_ns; /* the next one is due */
    uint64_t housekeeping_ns;
    uint64_t last_ns; /* the last measured answer */
    unsigned flushed;
    bool worked; /* something was sent or came in this turn */

    struct kw_load_tally *live; /* one an operation */
    struct kw_hdr *lateness;
    uint64_t reconnects;

    bool window_open;
    uint64_t window_cpu_ns, window_wall_ns; /* when it opened; then how much was used in it */
    uint64_t busy_ns;                       /* with spin: turns in which something was done */
    double use;                             /* of its core in the window */
};

/* kw_load_worker_new() - Out: ret. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_load_worker_new(struct kw_load_worker **ret, const struct kw_load_plan *plan,
    const struct kw_load_schedule *schedule, struct kw_load_shared *shared, unsigned index);
void kw_load_worker_free(struct kw_load_worker *worker);
/* The thread: connects, waits for shared->go, sends until the schedule ends, drains. */
void *kw_load_worker_run(void *worker);

#endif
