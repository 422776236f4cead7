/* service - the KMS API behind a server's loops.
 *
 * What crosses threads: key pairs (pools), snapshots and changes of the keystore (store.h), audit records
 * (audit.h), counters (metrics.h). All else belongs to one serving thread.
 */
#ifndef KW_API_SERVICE_H
#define KW_API_SERVICE_H

#include "api/attestation.h"
#include "api/audit.h"
#include "api/clock.h"
#include "api/exchange.h"
#include "api/hsm.h"
#include "api/mac.h"
#include "api/metrics.h"
#include "api/quota.h"
#include "engine/engine.h"

struct kw_service_thread;
struct kw_session_sealer;

struct kw_service {
    struct kw_pool *pools[KW_SPEC_NUM]; /* NULL: this spec is switched off */
    struct kw_engine *engine;           /* borrowed, like all below */
    struct kw_store *store;
    struct kw_audit *audit;
    struct kw_hsm *hsm; /* tokens; NULL: none */
    struct kw_metrics *metrics;
    struct kw_quotas *quotas; /* NULL: none */
    char account[KW_ACCOUNT_LEN + 1];
    const char *regions;                      /* served, separated by commas; NULL: every region */
    const uint8_t *grant_secret;              /* 32 bytes; grant tokens are authenticated under it */
    const uint8_t *import_secret;             /* 32 bytes; import tokens are sealed under it */
    const uint8_t *session_secret;            /* 32 bytes; session tokens are sealed under it */
    const struct kw_attestation_trust *trust; /* of attested recipients */
    const struct kw_cpus *cpus;               /* where threads for chores may run */
    struct kw_clock clock;
    _Atomic bool uses_unsaved; /* keys or access keys were used since the keeper saved what for, and when */
    uint32_t pool_wait_ms;     /* how long a request waits for a pair */
};

/* Its handler; the server's `shared` is a struct kw_service that outlives it. */
extern const struct kw_handler kw_service_handler;

/* Algorithms and contexts of one serving thread. */
struct kw_wrapper *kw_service_thread_wrapper(struct kw_service_thread *thread);
struct kw_mac *kw_service_thread_mac(struct kw_service_thread *thread);
struct kw_session_sealer *kw_service_thread_sealer(struct kw_service_thread *thread);
struct kw_service *kw_service_thread_service(struct kw_service_thread *thread);
/* Do calls of this thread wait for a pair of spec? Then one that comes later goes behind them. */
bool kw_service_thread_has_waiters(const struct kw_service_thread *thread, enum kw_spec spec);

#endif
