/* entity - what a snapshot is made of: making, sharing and dropping KMS keys, aliases and principals.
 *
 * An entity is made whole, with one reference, and never changes after; each snapshot that shows it holds a
 * reference. Entities with secrets live in secret memory. Any thread may hold and drop references.
 */
#ifndef KW_API_ENTITY_H
#define KW_API_ENTITY_H

#include "api/snapshot.h"

enum {
    KW_ENTITY_INVALID = 1, /* a text is too long, empty where it may not be, or contains a NUL */
};

/* What a key is made from; borrowed. */
struct kw_kms_key_fields {
    const uint8_t *id; /* KW_KMS_KEY_ID_LEN bytes */
    struct kw_bytes account, region, description;
    enum kw_key_state state;
    int64_t created_ms;
    const struct kw_backing_key *backing; /* oldest first */
    uint32_t num_backing;                 /* at least 1 (asserted) */
};

struct kw_principal_fields {
    struct kw_bytes access_key_id, secret_access_key, account, user_name, principal_id;
    bool administrator, enabled;
};

/* The name that the KMS API gives a state: "Enabled", "PendingDeletion" ... */
const char *kw_key_state_name(enum kw_key_state state);
/* Returns: 0 | KW_ENTITY_INVALID (no such state) */
KW_MUST_CHECK int kw_key_state_parse(struct kw_bytes name, enum kw_key_state *ret);

/* Each returns: 0 | KW_ENTITY_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_kms_key_new(struct kw_kms_key **ret, const struct kw_kms_key_fields *fields);
/* The same key in another state. */
KW_MUST_CHECK int kw_kms_key_with_state(
    struct kw_kms_key **ret, const struct kw_kms_key *key, enum kw_key_state state);
KW_MUST_CHECK int kw_alias_new(struct kw_alias **ret, struct kw_bytes account, struct kw_bytes region,
    struct kw_bytes name, const uint8_t key_id[KW_KMS_KEY_ID_LEN], int64_t created_ms, int64_t updated_ms);
KW_MUST_CHECK int kw_principal_new(struct kw_principal **ret, const struct kw_principal_fields *fields);

/* The fields of a principal that is there already, its secret among them; borrowed. */
struct kw_principal_fields kw_principal_fields_of(const struct kw_principal *principal);
/* Writes arn:aws:iam::ACCOUNT:user/NAME from account and user_name. */
void kw_principal_set_arn(struct kw_principal *principal);

/* ref returns its argument. The last unref wipes and frees; NULL is fine. They take const pointers because
 * the count is not part of what readers see. */
const struct kw_kms_key *kw_kms_key_ref(const struct kw_kms_key *key);
const struct kw_alias *kw_alias_ref(const struct kw_alias *alias);
const struct kw_principal *kw_principal_ref(const struct kw_principal *principal);
void kw_kms_key_unref(const struct kw_kms_key *key);
void kw_alias_unref(const struct kw_alias *alias);
void kw_principal_unref(const struct kw_principal *principal);

static inline void kw_kms_key_unrefp(struct kw_kms_key **key)
{
    kw_kms_key_unref(*key);
}
static inline void kw_alias_unrefp(struct kw_alias **alias)
{
    kw_alias_unref(*alias);
}
static inline void kw_principal_unrefp(struct kw_principal **principal)
{
    kw_principal_unref(*principal);
}
/* Owning locals: KW_KMS_KEY struct kw_kms_key *key = NULL; */
#define KW_KMS_KEY   KW_CLEANUP(kw_kms_key_unrefp)
#define KW_ALIAS     KW_CLEANUP(kw_alias_unrefp)
#define KW_PRINCIPAL KW_CLEANUP(kw_principal_unrefp)

#endif
