/* node - everything that a running server is made of, started and stopped in the right order.
 *
 * One owner thread. The process is prepared first (kw_node_prepare_process), once, before any other thread
 * runs.
 */
#ifndef KW_API_NODE_H
#define KW_API_NODE_H

#include "api/address.h"
#include "api/hsm.h"
#include "api/quotatable.h"
#include "api/server.h"
#include "api/tlscontext.h"
#include "engine/topology.h"
#include "pool/onempty.h"

/* So many pairs, or that share of the pool's capacity; both 0: none. */
struct kw_reserve_size {
    uint32_t pairs;
    uint32_t percent;
};

struct kw_node_config {
    const char *data_dir;
    struct kw_address listen; /* without TLS loopback only, unless insecure_plain_http; port 0: a free one */
    struct kw_address admin;  /* loopback only */
    bool has_admin;
    const char *tls_certificate, *tls_key; /* files (tlsserver.h); both or none */
    bool self_signed;                      /* TLS without files */
    bool insecure_plain_http;
    enum kw_tls_version tls_min_version;
    char account[KW_ACCOUNT_LEN + 1];
    const char *regions;            /* served, separated by commas; NULL: all */
    const char *attestation_root;   /* file of roots of attested recipients; NULL: AWS's */
    int64_t clock_offset_ms;        /* see clock.h */
    const char *quotas;             /* "aws", a file, or NULL: none */
    struct kw_quota_rate principal; /* what one principal may call; interval 0: no limit */
    struct kw_cpus cpus;            /* where workers run, one on each, and all other threads: */
    struct kw_cpus serving_cpus;    /* unless there are cores of their own for them; num may be 0 */
    unsigned serving_threads;       /* 0: one a core, at most 4 */
    uint32_t capacity[KW_SPEC_NUM]; /* pairs per pool; 0: this spec is switched off */
    bool save_pools;                /* at a clean stop (warmstart.h) */
    struct kw_reserve_size reserve[KW_SPEC_NUM]; /* to keep for the case of a crash */
    uint32_t pool_wait_ms;
    enum kw_on_empty on_empty[KW_SPEC_NUM];
    unsigned generate_max;    /* pairs made for requests at once; 0: one for every two cores, at least one */
    unsigned cpu_share;       /* percent of each core that refilling may take; 0: all that is left over */
    uint32_t waiters_max;     /* per spec */
    uint32_t connections_max; /* 0: KW_CONNECTIONS_MAX; the same for the time-outs below */
    uint32_t header_timeout_ms;
    uint32_t idle_timeout_ms;
    unsigned num_hsm;
    struct kw_hsm_cluster hsm[KW_HSM_CLUSTERS_MAX]; /* tokens that stand for CloudHSM clusters */
    const char *cpu_mask;                           /* KEYWELL_CPU; NULL: auto */
};

struct kw_node;

/* Fills in every default: every region, account 000000000000, the allowed cores, the pools' capacities.
 * Returns: 0 | negative errno */
KW_MUST_CHECK int kw_node_defaults(struct kw_node_config *ret);

/* Where all threads but the workers are to run. The process goes there before it is prepared
 * (kw_cpus_stay()). */
const struct kw_cpus *kw_node_serving_cpus(const struct kw_node_config *config);

/* kw_node_prepare_process() - no core dumps, not dumpable, memory locking as far as allowed, secret memory
 * and OpenSSL set up, known-answer tests passed. Out on failure: why. Returns: 0 | negative (why says) */
KW_MUST_CHECK int kw_node_prepare_process(char *why, size_t why_cap);

/* kw_node_start() - opens the data folder (making what is missing), and serves when it returns 0. Out on
 * failure: why, a sentence for the operator; everything is stopped again. Returns: 0 | negative */
KW_MUST_CHECK int kw_node_start(
    struct kw_node **ret, const struct kw_node_config *config, char *why, size_t why_cap);
enum { KW_NODE_EXISTS = 1 };
/* kw_node_make_data() - makes what the first start on a data folder makes, and serves nothing: folder, root
 * key, keystore, the administrator and the credentials file, audit log. Of config: data_dir, account,
 * clock_offset_ms. Out unless 0: why. Returns: 0 | KW_NODE_EXISTS (there was one; nothing was touched) |
 * negative */
KW_MUST_CHECK int kw_node_make_data(const struct kw_node_config *config, char *why, size_t why_cap);
/* kw_node_reload() - reads the certificate again; the owner's thread. Says in the log what came of it. */
void kw_node_reload(struct kw_node *node);
/* kw_node_refill() - ends the workers that fill the pools, or starts them again; the owner's thread, as often
 * as it likes. Pools serve what they hold meanwhile; at an empty one requests meet what they always do there,
 * and nobody makes pairs for those that wait. Says in the log what came of it. */
void kw_node_refill(struct kw_node *node, bool on);
/* Answers what is in flight, stops and frees everything. NULL is fine. */
void kw_node_stop(struct kw_node *node);

/* The addresses with the ports that were picked; admin is NULL without an admin listener. */
const struct kw_address *kw_node_address(const struct kw_node *node);
const struct kw_address *kw_node_admin_address(const struct kw_node *node);

#endif
