#include "api/hsm.h"

#include "api/log.h"

#include <stdio.h>
#include <stdlib.h>

struct kw_hsm {
    unsigned num;
    struct {
        char id[KW_CLUSTER_ID_MAX + 1];
        struct kw_token *token;
    } cluster[KW_HSM_CLUSTERS_MAX];
};

/* The first '=' and the last ':': a path may have both. */
int kw_hsm_parse(const char *text, struct kw_hsm_cluster *ret)
{
    const char *equals = strchr(text, '='), *colon = strrchr(text, ':');
    size_t module_len, label_len;

    KW_REQUIRE(equals != NULL && colon != NULL && colon > equals, 1);
    module_len = (size_t)(colon - equals) - 1;
    label_len = strlen(colon + 1);
    KW_REQUIRE(kw_cluster_id_valid(KW_BYTES(text, (size_t)(equals - text))), 1);
    KW_REQUIRE(module_len > 0 && module_len < sizeof(ret->module), 1);
    KW_REQUIRE(label_len > 0 && label_len <= KW_TOKEN_LABEL_MAX, 1);
    memset(ret, 0, sizeof(*ret));
    memcpy(ret->id, text, (size_t)(equals - text));
    memcpy(ret->module, equals + 1, module_len);
    memcpy(ret->label, colon + 1, label_len);
    return 0;
}

int kw_hsm_new(
    struct kw_hsm **ret, const struct kw_hsm_cluster *clusters, unsigned num, char *why, size_t why_cap)
{
    struct kw_hsm *hsm = calloc(1, sizeof(*hsm));

    snprintf(why, why_cap, "out of memory");
    KW_REQUIRE(hsm != NULL, -ENOMEM);
    kw_assert(num <= KW_HSM_CLUSTERS_MAX);
    for (unsigned i = 0; i < num; i++) {
        int r = kw_token_new(&hsm->cluster[i].token, clusters[i].module, clusters[i].label, why, why_cap);

        if (r != 0) {
            kw_hsm_free(hsm);
            return r;
        }
        memcpy(hsm->cluster[i].id, clusters[i].id, sizeof(hsm->cluster[i].id));
        hsm->num = i + 1;
    }
    *ret = hsm;
    return 0;
}

void kw_hsm_free(struct kw_hsm *hsm)
{
    if (hsm == NULL)
        return;
    for (unsigned i = 0; i < hsm->num; i++)
        kw_token_free(hsm->cluster[i].token);
    free(hsm);
}

struct kw_token *kw_hsm_token(const struct kw_hsm *hsm, const char *cluster)
{
    for (unsigned i = 0; hsm != NULL && i < hsm->num; i++) {
        if (strcmp(hsm->cluster[i].id, cluster) == 0)
            return hsm->cluster[i].token;
    }
    return NULL;
}

/* Between the change of a store and the word to its token the two differ: it is on its way then. */
struct kw_token_status kw_hsm_status(const struct kw_hsm *hsm, const struct kw_custom_store *store)
{
    struct kw_token *token = store == NULL ? NULL : kw_hsm_token(hsm, store->cluster);
    struct kw_token_status status = {.state = KW_TOKEN_DISCONNECTED};

    if (token == NULL) {
        if (store != NULL && store->connect)
            status = (struct kw_token_status){.state = KW_TOKEN_FAILED, .condition = KW_PKCS11_NO_TOKEN};
        return status;
    }
    status = kw_token_status(token);
    if (store->connect && status.state == KW_TOKEN_DISCONNECTED)
        status.state = KW_TOKEN_CONNECTING;
    if (!store->connect && status.state != KW_TOKEN_DISCONNECTED)
        status.state = KW_TOKEN_DISCONNECTING;
    return status;
}

int kw_hsm_settle(struct kw_hsm *hsm, const struct kw_custom_store *store)
{
    struct kw_token *token = kw_hsm_token(hsm, store->cluster);

    if (token == NULL)
        return 0;
    return store->connect ? kw_token_connect(token, kw_bytes_str(store->password))
                          : kw_token_disconnect(token);
}

void kw_hsm_settle_all(struct kw_hsm *hsm, const struct kw_snapshot *snapshot)
{
    const struct kw_custom_store *store;
    struct kw_map_walk walk;

    kw_map_walk_init(&walk, &snapshot->custom_stores, 0);
    while ((store = kw_map_walk_next(&walk)) != NULL) {
        if (kw_hsm_settle(hsm, store) != 0)
            kw_log(KW_LOG_ERROR, "key-store-not-connected", "store=%s why=\"out of memory\"", store->id);
    }
}
