/* hsm - the CloudHSM clusters of this server: PKCS#11 tokens that stand for them, by cluster id.
 *
 * A cluster belongs to at most one custom key store. Made at start and constant after; any thread may look.
 */
#ifndef KW_API_HSM_H
#define KW_API_HSM_H

#include "api/snapshot.h"
#include "api/token.h"

#define KW_HSM_CLUSTERS_MAX KW_CUSTOM_STORES_MAX

struct kw_hsm_cluster {
    char id[KW_CLUSTER_ID_MAX + 1];
    char module[512];
    char label[KW_TOKEN_LABEL_MAX + 1];
};

/* kw_hsm_parse() - CLUSTER-ID=MODULE:TOKEN-LABEL. Pure. Returns: 0 | 1 (not of that form) */
KW_MUST_CHECK int kw_hsm_parse(const char *text, struct kw_hsm_cluster *ret);

struct kw_hsm;

/* kw_hsm_new() - loads the modules and starts a thread for each token. Out on failure: why. Returns: 0 | <0
 */
KW_MUST_CHECK int kw_hsm_new(
    struct kw_hsm **ret, const struct kw_hsm_cluster *clusters, unsigned num, char *why, size_t why_cap);
void kw_hsm_free(struct kw_hsm *hsm);

/* The token that stands for a cluster, or NULL; hsm may be NULL. */
struct kw_token *kw_hsm_token(const struct kw_hsm *hsm, const char *cluster);
/* The state of a key store's connection. store NULL: it is disconnected. */
struct kw_token_status kw_hsm_status(const struct kw_hsm *hsm, const struct kw_custom_store *store);
/* Begins to connect or to disconnect, as the store wants it. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_hsm_settle(struct kw_hsm *hsm, const struct kw_custom_store *store);
/* The same for all stores of a picture, at start. */
void kw_hsm_settle_all(struct kw_hsm *hsm, const struct kw_snapshot *snapshot);

#endif
