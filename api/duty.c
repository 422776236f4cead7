#include "api/duty.h"

#include "api/auditrecord.h"
#include "api/generations.h"
#include "api/keyname.h"
#include "api/related.h"
#include "api/rotation.h"

#include <stdio.h>

/* ---- which key ---- */

void kw_duty_key_set(struct kw_duty_key *name, const struct kw_kms_key *key)
{
    snprintf(name->account, sizeof(name->account), "%s", key->account);
    snprintf(name->region, sizeof(name->region), "%s", key->region);
    memcpy(name->id, key->id, sizeof(name->id));
}

const struct kw_kms_key *kw_duty_key_find(const struct kw_duty_key *name, const struct kw_snapshot *snapshot)
{
    return kw_snapshot_key(snapshot, kw_bytes_str(name->account), kw_bytes_str(name->region), name->id);
}

/* ---- what is due ---- */

static bool deletion_is_due(const struct kw_kms_key *key, int64_t now_ms)
{
    return key->state == KW_KEY_PENDING_DELETION && key->deletion_ms <= now_ms;
}

/* The first generation whose material has expired, or NULL. */
static const struct kw_generation *expired(const struct kw_kms_key *key, int64_t now_ms)
{
    for (uint32_t i = 0; i < key->num_generations; i++) {
        const struct kw_generation *generation = &key->generations[i];

        if (generation->material != NULL && generation->valid_to_ms != 0 && generation->valid_to_ms <= now_ms)
            return generation;
    }
    return NULL;
}

/* Related keys rotate with the primary. */
static bool rotation_is_due(const struct kw_kms_key *key, int64_t now_ms)
{
    return key->state == KW_KEY_ENABLED && key->rotates && !kw_related_is_replica(key) &&
           key->origin == KW_ORIGIN_AWS_KMS && key->rotation_next_ms <= now_ms &&
           kw_kms_key_current(key) != NULL;
}

static int draw_material(struct kw_duty *duty, struct kw_drbg *drbg)
{
    struct kw_material *material = NULL;
    uint8_t secret[KW_BACKING_KEY_LEN], id[KW_MATERIAL_ID_LEN];
    KW_ERASE_GUARD(secret);
    int r = kw_drbg_bytes(drbg, secret, sizeof(secret));

    if (r == 0)
        r = kw_drbg_bytes(drbg, id, sizeof(id));
    if (r == 0)
        r = kw_material_new(&material, id, KW_BYTES(secret, sizeof(secret)), KW_BYTES(NULL, 0));
    duty->material = material;
    return r;
}

int kw_duty_begin(struct kw_duty *duty, const struct kw_kms_key *key, int64_t now_ms, struct kw_drbg *drbg)
{
    const struct kw_generation *generation = expired(key, now_ms);
    struct kw_duty made = {.now_ms = now_ms, .text = KW_SBUF_INIT(KW_AUDIT_RECORD_MAX)};

    if (deletion_is_due(key, now_ms)) {
        made.kind = KW_DUTY_DELETE;
    } else if (generation != NULL) {
        made.kind = KW_DUTY_EXPIRE;
        memcpy(made.material_id, generation->id, sizeof(made.material_id));
    } else if (rotation_is_due(key, now_ms)) {
        made.kind = KW_DUTY_ROTATE;
        memcpy(made.material_id, kw_kms_key_current(key)->id, sizeof(made.material_id));
        KW_TRY(draw_material(&made, drbg));
    } else {
        return KW_DUTY_NONE;
    }
    kw_duty_key_set(&made.key, key);
    memcpy(made.arn, key->arn, sizeof(made.arn));
    memcpy(made.id_text, key->id_text, sizeof(made.id_text));
    *duty = made;
    return 0;
}

void kw_duty_end(struct kw_duty *duty)
{
    kw_material_unref(duty->material);
    duty->material = NULL;
    kw_sbuf_done(&duty->text);
}

/* ---- its record ---- */

const char *kw_duty_name(const struct kw_duty *duty)
{
    static const char *const names[] = {
        [KW_DUTY_DELETE] = "DeleteKey",
        [KW_DUTY_ROTATE] = "RotateKey",
        [KW_DUTY_EXPIRE] = "DeleteExpiredKeyMaterial",
    };

    return names[duty->kind];
}

int kw_duty_record(struct kw_duty *duty, const char *error, struct kw_drbg *drbg)
{
    struct kw_service_event event = {
        .name = kw_duty_name(duty),
        .account = duty->key.account,
        .region = duty->key.region,
        .arn = duty->arn,
        .key_id = duty->id_text,
        .error = error,
    };
    char event_id[37];
    uint8_t id[16];

    KW_TRY(kw_drbg_bytes(drbg, id, sizeof(id)));
    kw_uuid_make_v4(id);
    kw_uuid_format(id, event_id);
    event_id[36] = '\0';
    if (duty->kind == KW_DUTY_EXPIRE)
        event.material_id = duty->material_id;
    if (duty->kind == KW_DUTY_ROTATE) {
        event.previous_material = duty->material_id;
        event.next_material = duty->material->id;
    }
    return kw_audit_event_write(&event, event_id, kw_wall_ms(), &duty->text);
}

/* ---- doing it ---- */

/* One of the related keys learns that a region has the key no more. A primary that waited for the last of its
 * replicas to go now waits its own time. */
static int forget_region(struct kw_tx *tx, const struct kw_kms_key *other, const char *region, int64_t now_ms)
{
    struct kw_kms_key edit = *other;
    const char *regions[KW_REGIONS_MAX];
    int r;

    kw_assert(other->num_regions <= KW_REGIONS_MAX);
    edit.num_regions = 0;
    for (uint32_t i = 0; i < other->num_regions; i++) {
        if (strcmp(other->regions[i], region) != 0)
            regions[edit.num_regions++] = other->regions[i];
    }
    edit.regions = regions;
    if (edit.state == KW_KEY_PENDING_REPLICA_DELETION && edit.num_regions == 1) {
        edit.state = KW_KEY_PENDING_DELETION;
        edit.deletion_ms = now_ms + (int64_t)edit.pending_days * KW_DAY_MS;
    }
    r = kw_tx_put_key(tx, &edit);
    kw_assert(r <= 0); /* an entity's own texts are fine */
    return r;
}

static int delete_key(struct kw_tx *tx, const struct kw_kms_key *key, int64_t now_ms)
{
    for (uint32_t i = 0; i < key->num_regions; i++) {
        const struct kw_kms_key *other = kw_related_at(tx->snapshot, key, i);

        if (other != NULL)
            KW_TRY(forget_region(tx, other, key->region, now_ms));
    }
    return kw_tx_remove_key(tx, key);
}

/* Of a key with imported material: one generation's is gone. The key can be used again when the same has been
 * imported again; material that only waits for a rotation is not missed. */
static int expire(struct kw_tx *tx, const struct kw_kms_key *key, uint32_t index)
{
    struct kw_kms_key edit = *key;
    struct kw_generations left;
    int r = kw_generations_copy(&left, key, NULL);

    KW_REQUIRE(r == 0, -EINVAL); /* only imported material expires, and of that a key has a bounded number */
    kw_generations_forget(&left, index, &edit);
    r = kw_tx_put_key(tx, &edit);
    kw_assert(r <= 0);
    return r;
}

static int apply_expiry(struct kw_tx *tx, const struct kw_duty *duty, const struct kw_kms_key *key)
{
    const struct kw_generation *generation = kw_kms_key_generation(key, duty->material_id);

    if (generation == NULL || generation->material == NULL || generation->valid_to_ms == 0 ||
        generation->valid_to_ms > duty->now_ms)
        return KW_DUTY_VOID;
    return expire(tx, key, (uint32_t)(generation - key->generations));
}

static int apply_rotation(struct kw_tx *tx, const struct kw_duty *duty, const struct kw_kms_key *key)
{
    int r;

    if (!rotation_is_due(key, duty->now_ms) ||
        memcmp(kw_kms_key_current(key)->id, duty->material_id, KW_MATERIAL_ID_LEN) != 0)
        return KW_DUTY_VOID;
    r = kw_rotate(tx, key, duty->material, KW_ROTATION_AUTOMATIC, duty->now_ms);
    return r > 0 ? KW_DUTY_VOID : r;
}

int kw_duty_apply(struct kw_tx *tx, void *arg)
{
    const struct kw_duty *duty = arg;
    const struct kw_kms_key *key = kw_duty_key_find(&duty->key, tx->snapshot);

    if (key == NULL)
        return KW_DUTY_VOID;
    switch (duty->kind) {
    case KW_DUTY_DELETE:
        return deletion_is_due(key, duty->now_ms) ? delete_key(tx, key, duty->now_ms) : KW_DUTY_VOID;
    case KW_DUTY_ROTATE:
        return apply_rotation(tx, duty, key);
    case KW_DUTY_EXPIRE:
        return apply_expiry(tx, duty, key);
    }
    kw_assert(false);
    return -EINVAL;
}
