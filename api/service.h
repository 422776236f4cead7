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
#include "api/forge.h"
#include "api/hsm.h"
#include "api/mac.h"
#include "api/metrics.h"
#include "api/quota.h"
#include "api/waitlist.h"
#include "engine/engine.h"
#include "pool/onempty.h"

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
    uint32_t pool_wait_ms;     /* a request that waits for a pair is answered before */
    enum kw_on_empty on_empty[KW_SPEC_NUM];
    struct kw_forge *forge;                 /* borrowed; NULL: no spec has the policy GENERATE */
    struct kw_waithead heads[KW_LOOPS_MAX]; /* one a serving thread */
    _Atomic uint64_t heads_taken;           /* a bit for each that a thread has */
};

/* Its handler; the server's `shared` is a struct kw_service that outlives it. */
extern const struct kw_handler kw_service_handler;

/* Algorithms and contexts of one serving thread. */
struct kw_wrapper *kw_service_thread_wrapper(struct kw_service_thread *thread);
struct kw_mac *kw_service_thread_mac(struct kw_service_thread *thread);
struct kw_session_sealer *kw_service_thread_sealer(struct kw_service_thread *thread);
struct kw_service *kw_service_thread_service(struct kw_service_thread *thread);
/* Do calls wait for a pair of spec, of this thread or, as far as it sees, more of all threads than there are
 * pairs? Then one that comes later goes behind them. */
bool kw_service_thread_has_waiters(const struct kw_service_thread *thread, enum kw_spec spec);
/* kw_service_thread_take_made() - a pair that was made for those of this thread that wait for spec, to be
 * released; the first of them is to have it. Returns: 0 | KW_POOL_EMPTY */
KW_MUST_CHECK int kw_service_thread_take_made(
    struct kw_service_thread *thread, enum kw_spec spec, struct kw_pair *ret);

#endif
