/* admin - the operator's listener: GET /livez, /readyz, /metrics and /pools. No secret passes through it;
 * loopback only.
 *
 * /livez    200 while every serving thread has turned its loop in the last ten seconds; else 503. JSON.
 * /readyz   200 once every pool has held a pair and while the audit log can be written and workers live; else
 * 503. JSON. /metrics  Prometheus text format. /pools    levels, watermarks, counters and rates of the pools;
 * JSON, for `keywell pool`.
 */
#ifndef KW_API_ADMIN_H
#define KW_API_ADMIN_H

#include "api/exchange.h"
#include "api/metrics.h"

struct kw_admin {
    struct kw_metrics_sources sources;
    _Atomic bool filled[KW_SPEC_NUM]; /* this pool has held a pair since start */
};

/* Its handler; the server's `shared` is a struct kw_admin that outlives it. */
extern const struct kw_handler kw_admin_handler;

/* kw_admin_ready() - is the server ready? Out: why not, a sentence (or empty). */
KW_MUST_CHECK bool kw_admin_ready(struct kw_admin *admin, char *why, size_t why_cap);

#endif
