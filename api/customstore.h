/* customstore - custom key stores: a name for a token (a CloudHSM cluster of the KMS API) in which KMS keys
 * have their material.
 *
 * An entity (entity.h): copied whole into one allocation, here of secret memory, and constant after. Any
 * thread may hold and drop references. Whether it is connected right now is not here, but with its token
 * (hsm.h); `connect` says whether it ought to be.
 */
#ifndef KW_API_CUSTOMSTORE_H
#define KW_API_CUSTOMSTORE_H

#include "api/entity.h"

#define KW_CLUSTER_ID_MAX        24u
#define KW_CUSTOM_STORE_NAME_MAX 256u  /* characters */
#define KW_TRUST_ANCHOR_MAX      5000u /* characters, which are ASCII */
#define KW_STORE_PASSWORD_MAX    32u   /* characters */
#define KW_STORE_PASSWORD_BYTES  (4u * KW_STORE_PASSWORD_MAX)
#define KW_CUSTOM_STORES_MAX     64u /* in the whole server: each has a cluster of its own */

struct kw_custom_store {
    char id[KW_CUSTOM_STORE_ID_LEN + 1]; /* cks-... */
    const char *account, *region;
    const char *name;
    char cluster[KW_CLUSTER_ID_MAX + 1];
    const char *trust_anchor; /* PEM, as it was given */
    const char *password;     /* secret: the PIN of the token's user */
    bool connect;             /* somebody wants it connected; a server that starts connects it */
    int64_t created_ms;
};

/* Returns: 0 | KW_ENTITY_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_custom_store_new(struct kw_custom_store **ret, const struct kw_custom_store *like);
const struct kw_custom_store *kw_custom_store_ref(const struct kw_custom_store *store);
void kw_custom_store_unref(const struct kw_custom_store *store);

/* cluster- and 11 to 16 letters and digits, as the service model has it. */
KW_MUST_CHECK bool kw_cluster_id_valid(struct kw_bytes text);
/* One certificate in PEM, or more, and nothing that is no certificate. */
KW_MUST_CHECK bool kw_trust_anchor_valid(struct kw_bytes text);

static inline void kw_custom_store_unrefp(struct kw_custom_store **store)
{
    kw_custom_store_unref(*store);
}
/* Owning local: KW_CUSTOM_STORE struct kw_custom_store *store = NULL; */
#define KW_CUSTOM_STORE KW_CLEANUP(kw_custom_store_unrefp)

#endif
