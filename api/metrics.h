/* metrics - counters of the service, and the page that shows them with those of pools, engine and audit log.
 *
 * Relaxed atomics; any thread. The page is Prometheus text format 0.0.4.
 */
#ifndef KW_API_METRICS_H
#define KW_API_METRICS_H

#include "api/audit.h"
#include "api/call.h"
#include "api/error.h"
#include "api/forge.h"
#include "api/loop.h"
#include "api/tlsserver.h"
#include "api/warmstart.h"
#include "engine/engine.h"
#include "pool/histogram.h"
#include "pool/onempty.h"

#define KW_METRICS_OPERATIONS_MAX 64u
/* The row of what is asked of STS. */
#define KW_METRICS_STS (kw_num_operations + 1)

struct kw_metrics {
    /* By index in kw_operations; kw_num_operations: calls whose operation is not known; KW_METRICS_STS. */
    _Atomic uint64_t requests[KW_METRICS_OPERATIONS_MAX][KW_ERROR_NUM];
    _Atomic uint64_t unauthenticated[KW_ERROR_NUM]; /* refused before anyone was identified; not audited */
    _Atomic uint64_t audit_refusals;                /* refused because no record could be written */
    /* Calls that came too often (callquota.h), and those of them that are on no record. */
    _Atomic uint64_t throttled_by_quota, throttled_by_principal, throttled_unrecorded;
    struct kw_histogram request_time; /* authenticated calls, request complete to answer released */
    _Atomic uint64_t pool_use[KW_SPEC_NUM][KW_POOL_USES]; /* requests for pairs, by how they fared */
    struct kw_histogram pool_wait[KW_SPEC_NUM]; /* of those that had to wait; the page counts hits as 0 */
};

/* What the page is made from; all borrowed. */
struct kw_metrics_sources {
    struct kw_metrics *metrics;
    struct kw_pool *const *pools; /* KW_SPEC_NUM */
    struct kw_engine *engine;
    struct kw_forge *forge;           /* NULL: none */
    const enum kw_on_empty *on_empty; /* KW_SPEC_NUM */
    struct kw_audit *audit;
    const struct kw_warmstart *warmstart;
    const struct kw_loop_stats *loops; /* of the API's server */
    const struct kw_tls_stats *tls;    /* NULL: there is no TLS */
    uint64_t started_ns;
};

/* Appends the page. */
void kw_metrics_write(const struct kw_metrics_sources *sources, struct kw_sbuf *out);

#endif
