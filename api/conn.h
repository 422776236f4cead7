/* conn - one client connection on a loop: reads requests, hands each to the handler, sends answers in order.
 *
 * One request at a time: bytes of pipelined requests wait in the buffer (and in the socket) until the answer
 * before them has been sent, so a client cannot make the server hold more than one answer. All functions run
 * on the loop's thread.
 */
#ifndef KW_API_CONN_H
#define KW_API_CONN_H

#include "api/loop.h"

/* Takes the accepted socket over and starts reading. */
void kw_conn_open(struct kw_loop *loop, int fd);
/* A deadline of the list that the connection is on has passed. */
void kw_conn_timeout(struct kw_conn *conn);
/* The loop drains: an idle connection closes at once, any other after its answer. */
void kw_conn_drain(struct kw_conn *conn);
/* Gives up: closes as soon as no operation of the connection is left on the ring. */
void kw_conn_abort(struct kw_conn *conn);
/* Lets the transport of one connection, the first that was put off, do its costly work. */
void kw_conn_run_put_off(struct kw_loop *loop);
/* The next connection of the list, and the deadline of this one. */
struct kw_conn *kw_conn_next(const struct kw_conn *conn);
uint64_t kw_conn_deadline(const struct kw_conn *conn);

#endif
