/* policyworld - a picture of a keystore made of files, in which `keywell policy explain` asks without a
 * server: one principal with its policies, one KMS key with its policy, its grants.
 */
#ifndef KW_TOOLS_POLICYWORLD_H
#define KW_TOOLS_POLICYWORLD_H

#include "api/snapshot.h"

#include <jansson.h>

struct kw_policyworld {
    const char *principal;  /* ARN of a user, a role, a session of a role, or a root */
    const char *key;        /* id or ARN of the KMS key; NULL: one of the principal's account */
    const char *region;     /* where a key is that has no ARN */
    const char *key_policy; /* text; NULL: the default policy */
    const json_t *identity; /* array of texts */
    const json_t *grants;   /* array of objects as ListGrants shows them */
};

#define KW_POLICYWORLD_KEY "00000000-0000-4000-8000-000000000000"

/* Out: ret, to be freed with kw_snapshot_free(); ret_key, the key's ARN; why, a sentence. Returns: 0 | 1 */
KW_MUST_CHECK int kw_policyworld_make(const struct kw_policyworld *world, struct kw_snapshot **ret,
    char ret_key[128], char *why, size_t why_cap);

#endif
