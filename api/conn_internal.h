/* conn_internal - what the files of a connection share: conn.c (life), conn_read.c, conn_send.c.
 *
 * A connection is freed when it is CLOSING and nobody holds it any more. An operation on the ring holds it
 * until its completion has run to its end, and so does the handler: so no function called from there needs to
 * fear that the connection is gone when a call returns.
 */
#ifndef KW_API_CONN_INTERNAL_H
#define KW_API_CONN_INTERNAL_H

#include "api/conn.h"

#include <sys/socket.h>

enum kw_conn_state {
    KW_CONN_READING,   /* waiting for a request, or for the rest of one */
    KW_CONN_HANDLING,  /* the request is with the handler */
    KW_CONN_SENDING,   /* the answer is on its way */
    KW_CONN_ENDING,    /* the last bytes are on their way */
    KW_CONN_LINGERING, /* they have left; dropping what still comes */
    KW_CONN_CLOSING,   /* waiting for the ring to give back its operations */
};

struct kw_conn {
    struct kw_loop *loop;
    struct kw_conn *next, *prev; /* on the list */
    struct kw_conn_list *list;   /* NULL: on none */
    uint64_t deadline_ns;
    int fd;
    enum kw_conn_state state;
    unsigned holds; /* operations on the ring, the handler, whoever is at work on it */
    bool draining;
    bool continued;    /* 100 Continue was sent for this request */
    bool watching;     /* for the client's reset; stays armed from one request to the next */
    bool ended;        /* the client sends no more */
    bool lingers;      /* after ENDING */
    bool said_goodbye; /* the transport's end() was called */
    bool receiving;    /* a receive is on the ring; it stays there from one request to the next */
    bool cancelling;   /* it was asked to end */
    bool sending;      /* a send is on the ring */
    bool answer_waits; /* head and body go with the next send, as they are */
    bool put_off;      /* on the loop's list of those whose transport has costly work to do */
    struct kw_conn *put_off_next;
    struct kw_completion recv_done, send_done, watch_done;
    struct kw_transport *transport; /* NULL: none, or no byte has come yet */
    struct kw_sbuf in;
    struct kw_sbuf ahead;         /* wire bytes that came while nobody could take them */
    size_t ahead_taken;           /* bytes of it that are in `in` by now */
    size_t in_counted;            /* bytes of both, in loop->in_bytes */
    size_t scanned;               /* by the parser, of the head that is arriving */
    size_t need;                  /* bytes of the request whose head is complete; 0: not yet */
    size_t dropped;               /* while lingering */
    struct kw_exchange *exchange; /* while handling and sending */
    struct kw_sbuf out;           /* wire bytes that wait for the send that is on the ring */
    struct kw_sbuf flying;        /* wire bytes on the ring */
    struct msghdr msg;
    struct iovec iov[3];
    char peer[KW_ADDRESS_TEXT_MAX];
    int64_t uid; /* of a local peer; else -1 */
};

/* ---- conn.c ---- */
void kw_conn_hold(struct kw_conn *conn);
void kw_conn_release(struct kw_conn *conn);
void kw_conn_set_timer(struct kw_conn *conn, enum kw_timer timer);
void kw_conn_list_append(struct kw_conn *conn, struct kw_conn_list *list);
/* Closes as soon as nobody holds the connection. */
void kw_conn_close(struct kw_conn *conn);
/* Ends the connection in good order: what waits is sent, and the transport's good-bye; then, if it lingers,
 * what the client still sends is read and dropped for a while: closing with unread bytes would reset the
 * connection and could destroy the answer on its way. */
void kw_conn_leave(struct kw_conn *conn, bool lingers);
/* After each change of the input buffers' size. */
void kw_conn_count_bytes(struct kw_conn *conn);

/* ---- conn_read.c ---- */
void kw_conn_read_init(struct kw_conn *conn);
/* Nothing more can be done with what has come: reads on, or leaves if nothing more will come. */
void kw_conn_receive(struct kw_conn *conn);
/* The answer has been sent: on to the next request. */
void kw_conn_next_request(struct kw_conn *conn);

/* ---- conn_send.c ---- */
void kw_conn_send_init(struct kw_conn *conn);
/* Sends what waits, if no send is on the ring; then that one goes on with it. */
void kw_conn_flush(struct kw_conn *conn);
/* Plain bytes that are no answer. */
void kw_conn_say(struct kw_conn *conn, struct kw_bytes plain);

#endif
