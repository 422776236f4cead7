/* poolview - the pools of a server as lines of text: bars, levels, rates between two looks. Pure. */
#ifndef KW_TOOLS_POOLVIEW_H
#define KW_TOOLS_POOLVIEW_H

#include "pool/base.h"

#include <jansson.h>

/* One pool at one look, as the admin listener tells it; counters since the server's start. */
struct kw_pool_look {
    const char *spec;
    double level, capacity;
    double pops, pushes;              /* pairs handed out, and made */
    double misses, timeouts, rejects; /* requests that met an empty pool, and those that went without */
    double waiters;                   /* requests in line now */
    double demand;                    /* requests a second as the scheduler sees it */
    double make_us;                   /* a worker's time for a pair; 0: none was made */
};

/* A member that is not there is 0. Borrows the text of spec. */
struct kw_pool_look kw_pool_look(const json_t *pool);

#define KW_POOLVIEW_LINE_MAX 320u

/* kw_poolview_head() - the headings. kw_poolview_line() - one pool. In: columns of the terminal, by which the
 * bar is wide or left out and what does not fit is cut off; colours, the bar's by how full it is; seconds
 * between the looks, above 0. Out: ret, without a newline. */
void kw_poolview_head(unsigned columns, char ret[KW_POOLVIEW_LINE_MAX]);
void kw_poolview_line(const struct kw_pool_look *now, const struct kw_pool_look *before, double seconds,
    unsigned columns, bool colours, char ret[KW_POOLVIEW_LINE_MAX]);

/* kw_pool_hits() - of the requests between the looks the share that met a pair at once, 0 to 1; below 0:
 * there were none. */
KW_MUST_CHECK double kw_pool_hits(const struct kw_pool_look *now, const struct kw_pool_look *before);

#endif
