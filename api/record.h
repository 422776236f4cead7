/* record - entities as bytes, the form in which the keystore holds them (sealed).
 *
 * A version byte, then fields (api/tlv.h) in the order of their tags; lists repeat their tag, structures
 * nest. What has a name in the KMS API (specs, usages, states ...) is written as that name, so that the order
 * of an enumeration is no part of the form. A field that is unknown, out of place, too long or missing is
 * damage: what is read here has been authenticated, but an old or foreign keywell may have written it. Each
 * entity has one form only. Pure.
 */
#ifndef KW_API_RECORD_H
#define KW_API_RECORD_H

#include "api/customstore.h"
#include "api/entity.h"
#include "api/principal.h"
#include "pool/sbuf.h"

enum kw_record_kind {
    KW_RECORD_KEY = 1,
    KW_RECORD_ALIAS = 2,
    KW_RECORD_GRANT = 3,
    KW_RECORD_CREDENTIALS = 4, /* until schema version 2: keystore_v2.h */
    KW_RECORD_LASTUSE = 5,
    KW_RECORD_CUSTOM_STORE = 6,
    KW_RECORD_PRINCIPAL = 7,
    KW_RECORD_ACCESS_KEY = 8,
    KW_RECORD_ACCESS_USE = 9,
    KW_RECORD_SAVED_POOL = 10, /* savedpool.h; since schema version 4 */
    KW_RECORD_KIND_NUM,
};
enum {
    KW_RECORD_BAD = 1, /* not the form of such an entity, or no such entity can be */
};
/* The longest record: a key with all the generations that it may have takes some 10 MiB. */
#define KW_RECORD_MAX (32u << 20)
/* "key", "alias" ... */
const char *kw_record_kind_name(enum kw_record_kind kind);

/* The name of a record: its fields, each with its length before it (at most KW_SEAL_IDENTITY_MAX bytes).
 * Keys and last uses: account, region, id; aliases: account, region, name; grants: account, region, key id,
 * grant id; principals: account, kind, name; access keys and their last uses: id; key stores: account,
 * region, id. */
void kw_record_key_name(const struct kw_kms_key *key, struct kw_buf *ret);
void kw_record_alias_name(const struct kw_alias *alias, struct kw_buf *ret);
void kw_record_grant_name(const struct kw_grant *grant, struct kw_buf *ret);
void kw_record_principal_name(const struct kw_principal *principal, struct kw_buf *ret);
void kw_record_access_key_name(const struct kw_access_key *key, struct kw_buf *ret);
void kw_record_custom_store_name(const struct kw_custom_store *store, struct kw_buf *ret);

/* Appends; look at kw_sbuf_ok() at the end. Secret: key, access key and key store. Derived fields are left
 * out, as is what a key was last used for, and an access key. */
void kw_record_key_encode(const struct kw_kms_key *key, struct kw_sbuf *out);
void kw_record_alias_encode(const struct kw_alias *alias, struct kw_sbuf *out);
void kw_record_grant_encode(const struct kw_grant *grant, struct kw_sbuf *out);
void kw_record_principal_encode(const struct kw_principal *principal, struct kw_sbuf *out);
void kw_record_custom_store_encode(const struct kw_custom_store *store, struct kw_sbuf *out);
void kw_record_access_key_encode(const struct kw_access_key *key, struct kw_sbuf *out);
void kw_record_access_use_encode(const struct kw_access_use_entry *entry, struct kw_sbuf *out);
void kw_record_lastuse_encode(const struct kw_lastuse_entry *entry, struct kw_sbuf *out);

/* Returns: 0 | KW_RECORD_BAD | -ENOMEM. Out: an entity with one reference. Secret: text of keys,
 * access keys and key stores, of which no copy is left but in the entity. */
KW_MUST_CHECK int kw_record_key_decode(struct kw_bytes text, struct kw_kms_key **ret);
KW_MUST_CHECK int kw_record_alias_decode(struct kw_bytes text, struct kw_alias **ret);
KW_MUST_CHECK int kw_record_grant_decode(struct kw_bytes text, struct kw_grant **ret);
KW_MUST_CHECK int kw_record_principal_decode(struct kw_bytes text, struct kw_principal **ret);
KW_MUST_CHECK int kw_record_custom_store_decode(struct kw_bytes text, struct kw_custom_store **ret);
KW_MUST_CHECK int kw_record_access_key_decode(struct kw_bytes text, struct kw_access_key **ret);
KW_MUST_CHECK int kw_record_access_use_decode(struct kw_bytes text, struct kw_access_use_entry *ret);
KW_MUST_CHECK int kw_record_lastuse_decode(struct kw_bytes text, struct kw_lastuse_entry *ret);

#endif
