/* loadslo - objectives, such as "p99<1ms" or "errors<0.1%", and whether results meet them. */
#ifndef KW_TOOLS_LOADSLO_H
#define KW_TOOLS_LOADSLO_H

#include "pool/base.h"

#define KW_LOAD_SLO_MAX 16u

enum kw_load_slo_kind {
    KW_LOAD_SLO_PERCENTILE, /* of latency; a request that failed took for ever */
    KW_LOAD_SLO_MAXIMUM,
    KW_LOAD_SLO_MEAN,
    KW_LOAD_SLO_ERRORS, /* share of all requests */
    KW_LOAD_SLO_MISSES, /* share of the good answers that waited for a pair */
    KW_LOAD_SLO_RATE,   /* good answers a second by requests due a second */
};

struct kw_load_slo {
    char text[48]; /* as given */
    enum kw_load_slo_kind kind;
    double percent; /* which percentile */
    bool at_least;  /* ">" or ">=" */
    bool inclusive;
    double bound; /* nanoseconds, or a share of 1 */
};

struct kw_load_tally;

/* kw_load_slo_parse() - NAME, one of < <= > >=, and a value with its unit: pN, max and mean take ns, us, ms
 * and s; errors, misses and rate take %. Returns: 0 | 1 (malformed) */
KW_MUST_CHECK int kw_load_slo_parse(const char *text, struct kw_load_slo *ret);

/* kw_load_slo_value() - what was measured, in the unit of the bound; INFINITY: beyond what was measured. */
double kw_load_slo_value(const struct kw_load_slo *slo, const struct kw_load_tally *tally);
bool kw_load_slo_met(const struct kw_load_slo *slo, const struct kw_load_tally *tally);

#endif
