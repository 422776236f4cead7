#include "api/entity.h"

#include "api/grantindex.h"
#include "api/keyname.h"
#include "api/region.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[KW_KEY_STATE_NUM] = {
    [KW_KEY_ENABLED] = "Enabled",
    [KW_KEY_DISABLED] = "Disabled",
    [KW_KEY_PENDING_DELETION] = "PendingDeletion",
    [KW_KEY_PENDING_IMPORT] = "PendingImport",
    [KW_KEY_UNAVAILABLE] = "Unavailable",
    [KW_KEY_CREATING] = "Creating",
    [KW_KEY_UPDATING] = "Updating",
    [KW_KEY_PENDING_REPLICA_DELETION] = "PendingReplicaDeletion",
};

const char *const kw_grant_operation_names[KW_GRANT_OPERATIONS_NUM] = {
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
    "Verify",
    "GetPublicKey",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "VerifyMac",
    "DeriveSharedSecret",
};

const char *kw_key_origin_name(enum kw_key_origin origin)
{
    static const char *const names[KW_ORIGIN_NUM] = {
        [KW_ORIGIN_AWS_KMS] = "AWS_KMS",
        [KW_ORIGIN_EXTERNAL] = "EXTERNAL",
        [KW_ORIGIN_CLOUDHSM] = "AWS_CLOUDHSM",
    };

    kw_assert((unsigned)origin < KW_ORIGIN_NUM);
    return names[origin];
}

int kw_key_origin_parse(struct kw_bytes name, enum kw_key_origin *ret)
{
    for (unsigned i = 0; i < KW_ORIGIN_NUM; i++) {
        if (kw_bytes_equal(name, kw_bytes_str(kw_key_origin_name((enum kw_key_origin)i)))) {
            *ret = (enum kw_key_origin)i;
            return 0;
        }
    }
    return KW_ENTITY_INVALID;
}

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

/* ---- references ---- */

/* Drops one reference; true if it was the last. M1 pairs with M2: what any holder did with the entity happens
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

/* Takes one more reference. Relaxed: whoever shares an entity holds one already. */
static void share(_Atomic uint32_t *refs)
{
    uint32_t before = atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
}

/* The count stands before the entity, which is constant for everyone: copies do not read it. What the entity
 * points to lies behind it. */
struct key_box {
    _Atomic uint32_t refs;
    struct kw_kms_key key;
};
struct alias_box {
    _Atomic uint32_t refs;
    struct kw_alias alias;
};
struct grant_box {
    _Atomic uint32_t refs;
    struct kw_grant grant;
};

#define BOX(entity, member, type)                                                                            \
    KW_CONTAINER_OF((struct kw_##type *)(uintptr_t)(entity), struct member##_box, member)

/* ---- packing what an entity points to behind it ---- */

/* Counts bytes first (at is NULL), then copies. Arrays come before texts, so that they are aligned. */
struct pack {
    uint8_t *at;
    size_t size;
    bool bad;
};

static void *pack_array(struct pack *pack, const void *from, size_t num, size_t size)
{
    void *to = pack->at;

    kw_assert(size % 8 == 0);
    pack->size += num * size;
    if (num == 0 || pack->at == NULL)
        return NULL;
    memcpy(pack->at, from, num * size);
    pack->at += num * size;
    return to;
}

/* min_len 1: not empty. NULL stays NULL. */
static const char *pack_text(struct pack *pack, const char *text, size_t min_len, size_t max_len)
{
    size_t len = text == NULL ? 0 : strnlen(text, max_len + 1);
    char *to = (char *)pack->at;

    if (text == NULL) {
        pack->bad |= min_len > 0;
        return NULL;
    }
    pack->bad |= len < min_len || len > max_len;
    pack->size += len + 1;
    if (pack->at == NULL)
        return NULL;
    memcpy(to, text, len);
    to[len] = '\0';
    pack->at += len + 1;
    return to;
}

static const char *pack_optional(struct pack *pack, const char *text, size_t max_len)
{
    return text == NULL ? NULL : pack_text(pack, text, 0, max_len);
}

static const char *pack_account(struct pack *pack, const char *account)
{
    return pack_text(pack, account, KW_ACCOUNT_LEN, KW_ACCOUNT_LEN);
}

/* ---- keys ---- */

#define TAG_KEY_BYTES_MAX   (4u * 128u)
#define TAG_VALUE_BYTES_MAX (4u * 256u)
#define MATERIAL_TEXT_MAX   (4u * 256u)

static void pack_generations(struct pack *pack, struct kw_kms_key *key, const struct kw_kms_key *like)
{
    for (uint32_t i = 0; i < like->num_generations; i++) {
        const char *text = pack_optional(pack, like->generations[i].description, MATERIAL_TEXT_MAX);

        if (key != NULL)
            ((struct kw_generation *)(uintptr_t)key->generations)[i].description = text;
    }
}

static void pack_tags(struct pack *pack, struct kw_kms_key *key, const struct kw_kms_key *like)
{
    for (uint32_t i = 0; i < like->num_tags; i++) {
        const char *name = pack_text(pack, like->tags[i].key, 1, TAG_KEY_BYTES_MAX);
        const char *value = pack_text(pack, like->tags[i].value, 0, TAG_VALUE_BYTES_MAX);

        if (key != NULL)
            ((struct kw_tag *)(uintptr_t)key->tags)[i] = (struct kw_tag){name, value};
    }
}

static void pack_regions(struct pack *pack, struct kw_kms_key *key, const struct kw_kms_key *like)
{
    for (uint32_t i = 0; i < like->num_regions; i++) {
        const char *region = pack_text(pack, like->regions[i], 1, KW_REGION_MAX);

        if (key != NULL)
            ((const char **)(uintptr_t)key->regions)[i] = region;
    }
}

/* key NULL: only counts. */
static void pack_key(struct pack *pack, struct kw_kms_key *key, const struct kw_kms_key *like)
{
    struct kw_kms_key scratch;
    struct kw_kms_key *to = key != NULL ? key : &scratch;

    to->generations =
        pack_array(pack, like->generations, like->num_generations, sizeof(like->generations[0]));
    to->tags = pack_array(pack, like->tags, like->num_tags, sizeof(like->tags[0]));
    to->regions = pack_array(pack, like->regions, like->num_regions, sizeof(like->regions[0]));
    to->account = pack_account(pack, like->account);
    to->region = pack_text(pack, like->region, 1, KW_REGION_MAX);
    to->description =
        pack_text(pack, like->description != NULL ? like->description : "", 0, KW_DESCRIPTION_BYTES_MAX);
    to->custom_store = pack_optional(pack, like->custom_store, KW_CUSTOM_STORE_ID_LEN);
    to->primary_region = pack_optional(pack, like->primary_region, KW_REGION_MAX);
    pack_generations(pack, key, like);
    pack_tags(pack, key, like);
    pack_regions(pack, key, like);
}

static bool key_is_sane(const struct kw_kms_key *key)
{
    return key->num_generations <= KW_GENERATIONS_MAX && key->current <= key->num_generations &&
           key->num_tags <= KW_TAGS_MAX && key->num_regions <= KW_REGIONS_MAX &&
           (key->current == key->num_generations || key->generations != NULL) &&
           key->multi_region == (key->primary_region != NULL) &&
           (key->origin == KW_ORIGIN_CLOUDHSM) == (key->custom_store != NULL) &&
           (unsigned)key->state < KW_KEY_STATE_NUM;
}

static void derive_key(struct kw_kms_key *key)
{
    char hex[33] = {0};

    if (key->multi_region) {
        kw_hex_encode(key->id, sizeof(key->id), hex);
        snprintf(key->id_text, sizeof(key->id_text), "mrk-%s", hex);
    } else {
        kw_uuid_format(key->id, key->id_text);
        key->id_text[36] = '\0';
    }
    snprintf(key->arn, sizeof(key->arn), "arn:%s:kms:%s:%s:key/%s", kw_region_partition(key->region),
        key->region, key->account, key->id_text);
}

static_assert(11 + 5 + KW_REGION_MAX + 1 + KW_ACCOUNT_LEN + 5 + 36 < sizeof(((struct kw_kms_key *)0)->arn),
    "arn:PARTITION:kms:REGION:ACCOUNT:key/ID fits");

static int share_parts(struct kw_kms_key *key, struct kw_lastuse *lastuse)
{
    if (lastuse == NULL)
        KW_TRY(kw_lastuse_new(&key->lastuse, NULL));
    else
        key->lastuse = kw_lastuse_ref(lastuse);
    for (uint32_t i = 0; i < key->num_generations; i++) {
        if (key->generations[i].material != NULL)
            kw_material_ref(key->generations[i].material);
    }
    if (key->policy != NULL)
        (void)kw_policy_ref(key->policy);
    return 0;
}

int kw_kms_key_new(struct kw_kms_key **ret, const struct kw_kms_key *like)
{
    struct pack pack = {0};
    struct key_box *box;

    KW_REQUIRE(key_is_sane(like), KW_ENTITY_INVALID);
    pack_key(&pack, NULL, like);
    KW_REQUIRE(!pack.bad, KW_ENTITY_INVALID);
    box = calloc(1, sizeof(*box) + pack.size);
    KW_REQUIRE(box != NULL, -ENOMEM);

    atomic_init(&box->refs, 1);
    box->key = *like;
    pack.at = (uint8_t *)(box + 1);
    pack_key(&pack, &box->key, like);
    derive_key(&box->key);
    if (share_parts(&box->key, like->lastuse) != 0) {
        free(box);
        return -ENOMEM;
    }
    *ret = &box->key;
    return 0;
}

const struct kw_kms_key *kw_kms_key_ref(const struct kw_kms_key *key)
{
    share(&BOX(key, key, kms_key)->refs);
    return key;
}

void kw_kms_key_unref(const struct kw_kms_key *key)
{
    if (key == NULL || !drop(&BOX(key, key, kms_key)->refs))
        return;
    for (uint32_t i = 0; i < key->num_generations; i++)
        kw_material_unref(key->generations[i].material);
    kw_policy_unref(key->policy);
    kw_lastuse_unref(key->lastuse);
    free(BOX(key, key, kms_key));
}

const struct kw_generation *kw_kms_key_current(const struct kw_kms_key *key)
{
    return key->current < key->num_generations ? &key->generations[key->current] : NULL;
}

const struct kw_generation *kw_kms_key_generation(
    const struct kw_kms_key *key, const uint8_t material_id[KW_MATERIAL_ID_LEN])
{
    /* From the newest, which most blobs name. */
    for (uint32_t i = key->num_generations; i-- > 0;) {
        if (memcmp(key->generations[i].id, material_id, KW_MATERIAL_ID_LEN) == 0)
            return &key->generations[i];
    }
    return NULL;
}

/* Material expires in the states in which it is there; a key that will be deleted anyway keeps its own date.
 */
int64_t kw_kms_key_due_ms(const struct kw_kms_key *key)
{
    int64_t due = INT64_MAX;

    if (key->state == KW_KEY_PENDING_DELETION)
        due = key->deletion_ms;
    /* Related keys rotate together, when it is time for the primary. */
    if (key->state == KW_KEY_ENABLED && key->rotates &&
        (key->primary_region == NULL || strcmp(key->primary_region, key->region) == 0))
        due = KW_MIN(due, key->rotation_next_ms);
    for (uint32_t i = 0; i < key->num_generations; i++) {
        if (key->generations[i].material != NULL && key->generations[i].valid_to_ms != 0)
            due = KW_MIN(due, key->generations[i].valid_to_ms);
    }
    return due;
}

/* ---- aliases ---- */

static void pack_alias(struct pack *pack, struct kw_alias *to, const struct kw_alias *like)
{
    to->account = pack_account(pack, like->account);
    to->region = pack_text(pack, like->region, 1, KW_REGION_MAX);
    to->name = pack_text(pack, like->name, 1, KW_ALIAS_NAME_MAX);
}

int kw_alias_new(struct kw_alias **ret, const struct kw_alias *like)
{
    struct pack pack = {0};
    struct kw_alias scratch;
    struct alias_box *box;

    pack_alias(&pack, &scratch, like);
    KW_REQUIRE(!pack.bad, KW_ENTITY_INVALID);
    box = calloc(1, sizeof(*box) + pack.size);
    KW_REQUIRE(box != NULL, -ENOMEM);
    atomic_init(&box->refs, 1);
    box->alias = *like;
    pack.at = (uint8_t *)(box + 1);
    pack_alias(&pack, &box->alias, like);
    *ret = &box->alias;
    return 0;
}

const struct kw_alias *kw_alias_ref(const struct kw_alias *alias)
{
    share(&BOX(alias, alias, alias)->refs);
    return alias;
}

void kw_alias_unref(const struct kw_alias *alias)
{
    if (alias != NULL && drop(&BOX(alias, alias, alias)->refs))
        free(BOX(alias, alias, alias));
}

/* ---- grants ---- */

#define PRINCIPAL_BYTES_MAX (4u * 256u)
#define PAIR_BYTES_MAX      KW_ENC_CONTEXT_BYTES_MAX
#define PAIRS_MAX           KW_GRANT_PAIRS_MAX

static void pack_pairs(
    struct pack *pack, const struct kw_grant_pair *to, const struct kw_grant_pair *from, uint32_t num)
{
    for (uint32_t i = 0; i < num; i++) {
        const char *name = pack_text(pack, from[i].key, 0, PAIR_BYTES_MAX);
        const char *value = pack_text(pack, from[i].value, 0, PAIR_BYTES_MAX);

        if (to != NULL)
            ((struct kw_grant_pair *)(uintptr_t)to)[i] = (struct kw_grant_pair){name, value};
    }
}

static void pack_grant(struct pack *pack, struct kw_grant *to, const struct kw_grant *like)
{
    to->equals = pack_array(pack, like->equals, like->num_equals, sizeof(like->equals[0]));
    to->subset = pack_array(pack, like->subset, like->num_subset, sizeof(like->subset[0]));
    to->account = pack_account(pack, like->account);
    to->region = pack_text(pack, like->region, 1, KW_REGION_MAX);
    to->grantee = pack_text(pack, like->grantee, 1, PRINCIPAL_BYTES_MAX);
    to->retiring = pack_optional(pack, like->retiring, PRINCIPAL_BYTES_MAX);
    to->name = pack_optional(pack, like->name, PRINCIPAL_BYTES_MAX);
    pack_pairs(pack, to->equals, like->equals, like->num_equals);
    pack_pairs(pack, to->subset, like->subset, like->num_subset);
}

/* Each text with its length before it, so that no two lists of texts are the same bytes. An absent text is
 * not an empty one. */
static bool digest_text(EVP_MD_CTX *ctx, const char *text)
{
    uint64_t len = text == NULL ? UINT64_MAX : strlen(text);

    return EVP_DigestUpdate(ctx, &len, sizeof(len)) == 1 &&
           (text == NULL || EVP_DigestUpdate(ctx, text, len) == 1);
}

static bool digest_pairs(EVP_MD_CTX *ctx, bool has, const struct kw_grant_pair *pairs, uint32_t num)
{
    uint32_t head[2] = {has, num};
    bool ok = EVP_DigestUpdate(ctx, head, sizeof(head)) == 1;

    for (uint32_t i = 0; ok && i < num; i++)
        ok = digest_text(ctx, pairs[i].key) && digest_text(ctx, pairs[i].value);
    return ok;
}

static int derive_digest(struct kw_grant *grant)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
              digest_text(ctx, grant->name) && digest_text(ctx, grant->grantee) &&
              digest_text(ctx, grant->retiring) &&
              EVP_DigestUpdate(ctx, &grant->operations, sizeof(grant->operations)) == 1 &&
              digest_pairs(ctx, grant->has_equals, grant->equals, grant->num_equals) &&
              digest_pairs(ctx, grant->has_subset, grant->subset, grant->num_subset) &&
              EVP_DigestFinal_ex(ctx, grant->digest, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? 0 : -ENOMEM;
}

int kw_grant_new(struct kw_grant **ret, const struct kw_grant *like)
{
    struct pack pack = {0};
    struct kw_grant scratch;
    struct grant_box *box;
    uint8_t slot[KW_GRANT_SLOT_MAX];
    size_t slot_len, slot_room;

    KW_REQUIRE(like->num_equals <= PAIRS_MAX && like->num_subset <= PAIRS_MAX, KW_ENTITY_INVALID);
    KW_REQUIRE(like->operations >> KW_GRANT_OPERATIONS_NUM == 0, KW_ENTITY_INVALID);
    pack_grant(&pack, &scratch, like);
    KW_REQUIRE(!pack.bad, KW_ENTITY_INVALID);
    slot_len = kw_grantindex_slot(like, slot);
    slot_room = (slot_len + 7) / 8 * 8;
    box = calloc(1, sizeof(*box) + slot_room + pack.size);
    KW_REQUIRE(box != NULL, -ENOMEM);
    atomic_init(&box->refs, 1);
    box->grant = *like;
    /* What look-ups compare is close to where it is found. */
    memcpy(box + 1, slot, slot_len);
    box->grant.slot = KW_BYTES(box + 1, slot_len);
    pack.at = (uint8_t *)(box + 1) + slot_room;
    pack_grant(&pack, &box->grant, like);
    kw_hex_encode(box->grant.id, sizeof(box->grant.id), box->grant.id_text);
    box->grant.id_text[64] = '\0';
    if (like->name != NULL && derive_digest(&box->grant) != 0) {
        free(box);
        return -ENOMEM;
    }
    *ret = &box->grant;
    return 0;
}

const struct kw_grant *kw_grant_ref(const struct kw_grant *grant)
{
    share(&BOX(grant, grant, grant)->refs);
    return grant;
}

void kw_grant_unref(const struct kw_grant *grant)
{
    if (grant != NULL && drop(&BOX(grant, grant, grant)->refs))
        free(BOX(grant, grant, grant));
}
