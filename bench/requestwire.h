/* requestwire - receive and send: what a request costs before it is parsed and after it is answered, in the
 * kernel and in the layer of connections, through a real loop (api/loop.h) and TCP on loopback.
 *
 * The clients live on the loop's own thread, in the gaps between its turns: a batch of requests lies in the
 * sockets before the turn that receives it, and answers are read when the turn that sent them is over. So a
 * turn has work of one kind, and each can be timed by itself; system calls and the kernel's work are in it
 * (loopback delivers a segment on the sender's time), the clients' are not.
 *
 * Beside it the floor: the same batch through a bare io_uring with the same features and nothing done with
 * the bytes.
 */
#ifndef KW_BENCH_REQUESTWIRE_H
#define KW_BENCH_REQUESTWIRE_H

#include "pool/bytes.h"

/* Connections, each with one request on its way. */
#define KW_REQUESTWIRE_BATCH 64u

struct kw_requestwire_sample {
    double receive_ns, send_ns;             /* of a request, less the parser's time */
    double receive_floor_ns, send_floor_ns; /* the bare ring's */
};

/* Aborts on failure. samples: num of them, each the mean of one batch. answer_len: of the body. */
void kw_requestwire_measure(
    struct kw_bytes request, size_t answer_len, struct kw_requestwire_sample *samples, unsigned num);

#endif
