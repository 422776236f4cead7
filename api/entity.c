#include "api/entity.h"

#include "pool/secmem.h"

#include <stdio.h>
#include <stdlib.h>

static_assert(12 + KW_REGION_MAX + 1 + KW_ACCOUNT_LEN + 5 + 36 < sizeof(((struct kw_kms_key *)0)->arn),
    "arn:aws:kms:REGION:ACCOUNT:key/ID fits");

static const char *const state_names[] = {
    [KW_KEY_ENABLED] = "Enabled",
    [KW_KEY_DISABLED] = "Disabled",
    [KW_KEY_PENDING_DELETION] = "PendingDeletion",
    [KW_KEY_PENDING_IMPORT] = "PendingImport",
    [KW_KEY_UNAVAILABLE] = "Unavailable",
    [KW_KEY_CREATING] = "Creating",
    [KW_KEY_UPDATING] = "Updating",
};

const char *kw_key_state_name(enum kw_key_state state)
{
    kw_assert((size_t)state < KW_ARRAY_LEN(state_names));
    return state_names[state];
}

int kw_key_state_parse(struct kw_bytes name, enum kw_key_state *ret)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(state_names); i++) {
        if (kw_bytes_equal(name, kw_bytes_str(state_names[i]))) {
            *ret = (enum kw_key_state)i;
            return 0;
        }
    }
    return KW_ENTITY_INVALID;
}

/* Copies text into a field of cap bytes. Returns false if it is empty, does not fit with its NUL or contains
 * one. */
static bool put_text(char *out, size_t cap, struct kw_bytes text)
{
    KW_REQUIRE(text.len > 0 && text.len < cap && kw_bytes_find(text, 0) < 0, false);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

static bool put_account(char out[KW_ACCOUNT_LEN + 1], struct kw_bytes account)
{
    return account.len == KW_ACCOUNT_LEN && put_text(out, KW_ACCOUNT_LEN + 1, account);
}

/* Drops one reference; true if it was the last. M1 pairs with M2: what any holder did with the member happens
 * before it is freed. */
static bool drop(_Atomic uint32_t *refs)
{
    uint32_t before = atomic_fetch_sub_explicit(refs, 1, memory_order_release); /* M1 */

    kw_assert(before > 0);
    if (before > 1)
        return false;
    (void)atomic_load_explicit(refs, memory_order_acquire); /* M2 */
    return true;
}

/* Takes one more reference. Relaxed: whoever shares a member holds one already. */
static void share(_Atomic uint32_t *refs)
{
    uint32_t before = atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
}

/* The count is the one part of a member that changes: the way past the const that everyone else sees. */
#define REFS(member) ((_Atomic uint32_t *)(uintptr_t) & (member)->refs)

static void key_free(struct kw_kms_key *key)
{
    if (key != NULL)
        free(key->description);
    kw_secmem_free(key);
}

static bool key_fill(struct kw_kms_key *key, const struct kw_kms_key_fields *fields)
{
    KW_REQUIRE(put_account(key->account, fields->account), false);
    KW_REQUIRE(put_text(key->region, sizeof(key->region), fields->region), false);

    memcpy(key->id, fields->id, sizeof(key->id));
    kw_uuid_format(key->id, key->id_text);
    snprintf(key->arn, sizeof(key->arn), "arn:aws:kms:%s:%s:key/%s", key->region, key->account, key->id_text);
    key->state = fields->state;
    key->created_ms = fields->created_ms;
    key->num_backing = fields->num_backing;
    memcpy(key->backing, fields->backing, fields->num_backing * sizeof(key->backing[0]));
    return true;
}

int kw_kms_key_new(struct kw_kms_key **ret, const struct kw_kms_key_fields *fields)
{
    struct kw_kms_key *key;
    struct kw_bytes description = fields->description;

    kw_assert(fields->num_backing > 0);
    KW_REQUIRE(
        description.len <= KW_DESCRIPTION_BYTES_MAX && kw_bytes_find(description, 0) < 0, KW_ENTITY_INVALID);

    key = kw_secmem_alloc(sizeof(*key) + fields->num_backing * sizeof(key->backing[0]));
    KW_REQUIRE(key != NULL, -ENOMEM);
    atomic_init(&key->refs, 1);
    key->description = strndup(description.len > 0 ? (const char *)description.ptr : "", description.len);
    if (key->description == NULL || !key_fill(key, fields)) {
        int r = key->description == NULL ? -ENOMEM : KW_ENTITY_INVALID;
        key_free(key);
        return r;
    }
    *ret = key;
    return 0;
}

int kw_kms_key_with_state(struct kw_kms_key **ret, const struct kw_kms_key *key, enum kw_key_state state)
{
    struct kw_kms_key_fields fields = {
        .id = key->id,
        .account = kw_bytes_str(key->account),
        .region = kw_bytes_str(key->region),
        .description = kw_bytes_str(key->description),
        .state = state,
        .created_ms = key->created_ms,
        .backing = key->backing,
        .num_backing = key->num_backing,
    };
    return kw_kms_key_new(ret, &fields);
}

int kw_alias_new(struct kw_alias **ret, struct kw_bytes account, struct kw_bytes region, struct kw_bytes name,
    const uint8_t key_id[KW_KMS_KEY_ID_LEN], int64_t created_ms, int64_t updated_ms)
{
    struct kw_alias *alias = calloc(1, sizeof(*alias));

    KW_REQUIRE(alias != NULL, -ENOMEM);
    if (!put_account(alias->account, account) || !put_text(alias->region, sizeof(alias->region), region) ||
        !put_text(alias->name, sizeof(alias->name), name)) {
        free(alias);
        return KW_ENTITY_INVALID;
    }
    atomic_init(&alias->refs, 1);
    memcpy(alias->key_id, key_id, sizeof(alias->key_id));
    alias->created_ms = created_ms;
    alias->updated_ms = updated_ms;
    *ret = alias;
    return 0;
}

void kw_principal_set_arn(struct kw_principal *principal)
{
    snprintf(principal->arn, sizeof(principal->arn), "arn:aws:iam::%s:user/%s", principal->account,
        principal->user_name);
}

/* Texts end at their field's end at the latest: a caller's principal is not trusted to hold a NUL. */
#define FIELD(text) KW_BYTES(text, strnlen(text, sizeof(text)))

struct kw_principal_fields kw_principal_fields_of(const struct kw_principal *principal)
{
    return (struct kw_principal_fields){
        .access_key_id = FIELD(principal->access_key_id),
        .secret_access_key = FIELD(principal->secret_access_key),
        .account = FIELD(principal->account),
        .user_name = FIELD(principal->user_name),
        .principal_id = FIELD(principal->principal_id),
        .administrator = principal->administrator,
        .enabled = principal->enabled,
    };
}

static bool principal_fill(struct kw_principal *principal, const struct kw_principal_fields *fields)
{
    KW_REQUIRE(
        put_text(principal->access_key_id, sizeof(principal->access_key_id), fields->access_key_id), false);
    KW_REQUIRE(put_text(principal->secret_access_key, sizeof(principal->secret_access_key),
                   fields->secret_access_key),
        false);
    KW_REQUIRE(put_account(principal->account, fields->account), false);
    KW_REQUIRE(put_text(principal->user_name, sizeof(principal->user_name), fields->user_name), false);
    KW_REQUIRE(
        put_text(principal->principal_id, sizeof(principal->principal_id), fields->principal_id), false);

    kw_principal_set_arn(principal);
    principal->administrator = fields->administrator;
    principal->enabled = fields->enabled;
    return true;
}

int kw_principal_new(struct kw_principal **ret, const struct kw_principal_fields *fields)
{
    struct kw_principal *principal = kw_secmem_alloc(sizeof(*principal));

    KW_REQUIRE(principal != NULL, -ENOMEM);
    if (!principal_fill(principal, fields)) {
        kw_secmem_free(principal);
        return KW_ENTITY_INVALID;
    }
    atomic_init(&principal->refs, 1);
    *ret = principal;
    return 0;
}

const struct kw_kms_key *kw_kms_key_ref(const struct kw_kms_key *key)
{
    share(REFS(key));
    return key;
}

const struct kw_alias *kw_alias_ref(const struct kw_alias *alias)
{
    share(REFS(alias));
    return alias;
}

const struct kw_principal *kw_principal_ref(const struct kw_principal *principal)
{
    share(REFS(principal));
    return principal;
}

void kw_kms_key_unref(const struct kw_kms_key *key)
{
    if (key != NULL && drop(REFS(key)))
        key_free((struct kw_kms_key *)(uintptr_t)key);
}

void kw_alias_unref(const struct kw_alias *alias)
{
    if (alias != NULL && drop(REFS(alias)))
        free((struct kw_alias *)(uintptr_t)alias);
}

void kw_principal_unref(const struct kw_principal *principal)
{
    if (principal != NULL && drop(REFS(principal)))
        kw_secmem_free((struct kw_principal *)(uintptr_t)principal);
}
