/* related - the keys of a multi-Region key: one of them is the primary, the others are its replicas. All have
 * one id, each lives in a region of its own. Pure.
 */
#ifndef KW_API_RELATED_H
#define KW_API_RELATED_H

#include "api/snapshot.h"

/* A replica's own; false for what is no multi-Region key. */
KW_MUST_CHECK bool kw_related_is_replica(const struct kw_kms_key *key);
/* The primary of a replica, or NULL if the key is none. */
const struct kw_kms_key *kw_related_primary(const struct kw_snapshot *snapshot, const struct kw_kms_key *key);
/* The related key in key->regions[index]; NULL if that is the key itself, or there is none. */
const struct kw_kms_key *kw_related_at(
    const struct kw_snapshot *snapshot, const struct kw_kms_key *key, uint32_t index);

#endif
