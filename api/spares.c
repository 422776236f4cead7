#include "api/spares.h"

#include "pool/secmem.h"

#include <stdlib.h>

void kw_spares_fit(struct kw_spares *spares, struct kw_sbuf *sbuf)
{
    if (sbuf->ptr != NULL)
        return;
    if (spares->num_blocks > 0)
        sbuf->ptr = spares->blocks[--spares->num_blocks];
    else
        sbuf->ptr = kw_secmem_alloc(KW_SPARE_BLOCK);
    sbuf->cap = sbuf->ptr == NULL ? 0 : KW_SPARE_BLOCK;
}

void kw_spares_give(struct kw_spares *spares, struct kw_sbuf *sbuf)
{
    if (sbuf->cap != KW_SPARE_BLOCK || spares->num_blocks == KW_ARRAY_LEN(spares->blocks)) {
        kw_sbuf_done(sbuf);
    } else {
        kw_erase(sbuf->ptr, sbuf->len);
        spares->blocks[spares->num_blocks++] = sbuf->ptr;
        sbuf->ptr = NULL;
        sbuf->len = sbuf->cap = 0;
    }
    sbuf->failed = false;
}

struct kw_exchange *kw_spares_exchange(struct kw_spares *spares)
{
    struct kw_exchange *exchange =
        spares->num_exchanges > 0 ? spares->exchanges[--spares->num_exchanges] : calloc(1, sizeof(*exchange));

    if (exchange == NULL)
        return NULL;
    exchange->answer = KW_SBUF_INIT(KW_ANSWER_MAX);
    kw_spares_fit(spares, &exchange->answer);
    return exchange;
}

/* The table of headers is left as it is: it points to bytes that are gone, and only so much of it counts as
 * the next request fills. */
static void clear(struct kw_exchange *exchange)
{
    kw_erase(exchange->headers, exchange->headers_len);
    kw_erase(exchange->head, exchange->head_len);
    memset(&exchange->request, 0, offsetof(struct kw_http_request, headers));
    exchange->body = KW_BYTES(NULL, 0);
    exchange->conn = NULL;
    exchange->transport = NULL;
    exchange->gone = false;
    exchange->close = false;
    exchange->headers_len = 0;
    exchange->head_len = 0;
}

void kw_spares_give_exchange(struct kw_spares *spares, struct kw_exchange *exchange)
{
    if (exchange == NULL)
        return;
    kw_spares_give(spares, &exchange->answer);
    if (spares->num_exchanges == KW_ARRAY_LEN(spares->exchanges)) {
        free(exchange);
        return;
    }
    clear(exchange);
    spares->exchanges[spares->num_exchanges++] = exchange;
}

void kw_spares_done(struct kw_spares *spares)
{
    while (spares->num_exchanges > 0)
        free(spares->exchanges[--spares->num_exchanges]);
    while (spares->num_blocks > 0)
        kw_secmem_free(spares->blocks[--spares->num_blocks]);
}
