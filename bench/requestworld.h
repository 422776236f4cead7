/* requestworld - a serving thread with everything behind it, without a network: a keystore and an audit log
 * in a folder of their own, pools of real key pairs, requests as boto3 sends them.
 *
 * The thread that calls is the serving thread. Two functions of the connections are taken over by the linker
 * (--wrap): kw_exchange_finish() comes here, and kw_loop_add_mailbox() tells which mailboxes to look at.
 */
#ifndef KW_BENCH_REQUESTWORLD_H
#define KW_BENCH_REQUESTWORLD_H

#include "api/service.h"
#include "pool/spec.h"

/* Requests on their way at once: what one turn of a busy loop handles. */
#define KW_REQUESTWORLD_BATCH 64u

struct kw_requestworld;

/* Makes num pairs of each spec that is true. Aborts on failure. */
struct kw_requestworld *kw_requestworld_new(const bool specs[KW_SPEC_NUM], uint32_t num);
void kw_requestworld_free(struct kw_requestworld *world);

/* Signs the requests of the next batches: for num of them, of one spec. */
void kw_requestworld_sign(struct kw_requestworld *world, enum kw_spec spec);
/* Request i as it is signed now. */
struct kw_bytes kw_requestworld_request(const struct kw_requestworld *world, unsigned i);
/* How long the private keys of the spec are, to a few bytes. */
size_t kw_requestworld_private_len(const struct kw_requestworld *world, enum kw_spec spec);
/* Puts pairs into the pool until it is full: what was taken comes again, which only a benchmark may do. */
void kw_requestworld_refill(struct kw_requestworld *world, enum kw_spec spec);

/* What is timed. From the bytes of request i to its record in the audit log's hands; */
void kw_requestworld_begin(struct kw_requestworld *world, unsigned i);
/* waits until num requests' records have come back (that is not timed), */
void kw_requestworld_wait(struct kw_requestworld *world, unsigned num);
/* and from one of them to its finished answer. */
void kw_requestworld_end(struct kw_requestworld *world);
/* The answer that was finished last was status 200; its bytes. Forgets it. */
size_t kw_requestworld_answer(struct kw_requestworld *world);

#endif
