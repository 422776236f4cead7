/* keystore_place - where each sealed value of the keystore belongs.
 *
 * An identity holds every field of a row that says whose the secret is and what it may do. Pure.
 */
#ifndef KW_API_KEYSTORE_PLACE_H
#define KW_API_KEYSTORE_PLACE_H

#include "api/entity.h"
#include "api/keystore_seal.h"

/* A place with room for its identity; not to be copied, since the one points into the other. */
struct kw_place {
    struct kw_seal_place place;
    uint8_t identity[KW_SEAL_IDENTITY_MAX];
};

/* Each returns false if a text is longer than any row of ours can have. */
KW_MUST_CHECK bool kw_place_backing(struct kw_place *ret, const uint8_t key_id[KW_KMS_KEY_ID_LEN],
    struct kw_bytes account, struct kw_bytes region, const uint8_t material_id[KW_MATERIAL_ID_LEN],
    uint32_t ordinal);
/* Binds all fields but the secret. */
KW_MUST_CHECK bool kw_place_principal(struct kw_place *ret, const struct kw_principal_fields *fields);
KW_MUST_CHECK bool kw_place_secret(struct kw_place *ret, struct kw_bytes name);
KW_MUST_CHECK bool kw_place_check(struct kw_place *ret);

#endif
