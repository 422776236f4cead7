/* spares - what the requests of a serving thread are held in, kept from one to the next.
 *
 * A connection borrows an exchange and blocks for its buffers while a request is on its way, and holds
 * neither while it idles. What is given back is wiped before it is kept. The number kept is bounded; beyond
 * it memory is allocated and freed as if there were no spares. One thread.
 */
#ifndef KW_API_SPARES_H
#define KW_API_SPARES_H

#include "api/exchange.h"

/* A request, or an answer with a pair of any spec, the plain private key included. */
#define KW_SPARE_BLOCK 8192u
/* So many requests at once are served without an allocation. */
#define KW_SPARES_KEPT 128u

struct kw_spares {
    unsigned num_exchanges, num_blocks;
    struct kw_exchange *exchanges[KW_SPARES_KEPT];
    uint8_t *blocks[2 * KW_SPARES_KEPT]; /* secret memory */
};

/* An exchange with nothing in it but room for its answer; NULL if out of memory. */
struct kw_exchange *kw_spares_exchange(struct kw_spares *spares);
/* NULL is fine. */
void kw_spares_give_exchange(struct kw_spares *spares, struct kw_exchange *exchange);
/* Gives an empty buffer a block; it stays empty if memory is out. Beyond the block it grows by itself. */
void kw_spares_fit(struct kw_spares *spares, struct kw_sbuf *sbuf);
/* Wipes the buffer and takes its block; it is empty afterwards. */
void kw_spares_give(struct kw_spares *spares, struct kw_sbuf *sbuf);
/* Frees what is kept. */
void kw_spares_done(struct kw_spares *spares);

#endif
