/* loop - one serving thread: its io_uring, its listening socket, its connections. Share-nothing: what comes
 * from other threads comes through mailboxes.
 */
#ifndef KW_API_LOOP_H
#define KW_API_LOOP_H

#include "api/exchange.h"
#include "api/ring.h"
#include "api/spares.h"
#include "api/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define KW_RECV_BUFFER    8192u
#define KW_RECV_BUFFERS   128u /* per loop; each is copied out and given back in the turn it was filled */
#define KW_LOOP_MAILBOXES 5u

/* Counted by all loops of a server. */
struct kw_loop_stats {
    _Atomic uint64_t accepted;
    _Atomic uint64_t refused;                 /* too many connections */
    _Atomic uint64_t open;                    /* connections now */
    _Atomic uint64_t requests;                /* complete requests */
    _Atomic uint64_t bad_requests;            /* not HTTP as we take it */
    _Atomic uint64_t turned_ns[KW_LOOPS_MAX]; /* when each loop turned last; 0: it does not run */
    _Atomic uint64_t timeouts;                /* connections closed for being slow or idle */
};

struct kw_loop_config {
    const struct kw_handler *handler;
    void *shared;                                /* handed to handler->start */
    const struct kw_transport_source *transport; /* borrowed; NULL: plain */
    struct kw_loop_stats *stats;                 /* borrowed */
    unsigned index;                              /* among the loops of the server */
    int listen_fd;                               /* owned by the loop from a successful start on */
    int cpu;                                     /* -1: not pinned */
    uint32_t connections_max;                    /* on this loop */
    uint32_t header_timeout_ms;
    uint32_t idle_timeout_ms;
    const char *name; /* of the thread, at most 15 characters */
};

enum kw_timer { KW_TIMER_READ, KW_TIMER_IDLE, KW_TIMER_SEND, KW_TIMER_LINGER, KW_TIMER_NUM };

/* Connections in order of their deadlines: each list has one duration, so adding at the tail keeps the order.
 */
struct kw_conn_list {
    struct kw_conn *first, *last;
};

struct kw_loop_mailbox {
    struct kw_completion completion;
    struct kw_loop *loop;
    struct kw_mailbox *mailbox;
    void (*mail)(void *arg, struct kw_inbox_node *node);
    void *arg;
    uint64_t counter; /* the eventfd is read into this */
    bool armed;
};

struct kw_loop {
    struct kw_loop_config config;
    struct kw_ring ring;
    pthread_t thread;
    void *ctx; /* the handler's */
    struct kw_completion accept_done;
    bool accepting;
    uint64_t accept_after_ns; /* accepting failed: not again before this */
    size_t in_bytes;          /* held by requests that are arriving */
    struct io_uring_buf_ring *buffers;
    uint8_t *buffer_memory; /* secret memory: requests pass through it */
    struct kw_conn_list timers[KW_TIMER_NUM];
    struct kw_spares spares;
    struct kw_conn_list handling; /* connections whose request is with the handler */
    struct kw_conn_list put_off;  /* those whose transport has costly work to do, by put_off_next */
    uint32_t num_conns;
    uint64_t now_ns;        /* of this turn, or of the last receive in it */
    uint64_t date_until_ns; /* date_text is good until then */
    char date_text[32];     /* IMF-fixdate */
    struct kw_loop_mailbox mailboxes[KW_LOOP_MAILBOXES];
    unsigned num_mailboxes;
    struct kw_mailbox control; /* rung to drain */
    _Atomic bool drain_asked;
    bool draining;
    uint64_t drain_deadline_ns;
    int start_result;
    char why[256];
};

/* kw_loop_start() - starts the thread and waits until it serves. Out on failure: why. Returns: 0 | negative
 * errno */
KW_MUST_CHECK int kw_loop_start(
    struct kw_loop **ret, const struct kw_loop_config *config, char *why, size_t why_cap);
/* Any thread: no new connections, idle ones closed, requests in flight answered, within KW_DRAIN_MS. */
void kw_loop_drain(struct kw_loop *loop);
/* After drain: waits for the thread and frees. NULL is fine. */
void kw_loop_join(struct kw_loop *loop);

/* On the loop's thread, from handler->start: runs mail(arg, node) for each object posted to mailbox, in
 * order. */
void kw_loop_add_mailbox(struct kw_loop *loop, struct kw_mailbox *mailbox,
    void (*mail)(void *, struct kw_inbox_node *), void *arg);

/* Bytes of arriving requests that a loop holds at most: nobody has been authenticated before his request is
 * complete. */
#define KW_LOOP_IN_BYTES_MAX (16u * 1024u * 1024u)

/* For conn.c: */
void kw_loop_give_buffer(struct kw_loop *loop, unsigned id, size_t used);
/* The date of now, as HTTP has it. */
struct kw_bytes kw_loop_date(struct kw_loop *loop);

#endif
