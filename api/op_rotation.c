/* EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand and ListKeyRotations. */
#include "api/operations.h"
#include "api/related.h"
#include "api/rotation.h"

#define ON_DEMAND_MAX 25u
/* So long before an automatic rotation none is made on demand. */
#define CONFLICT_MS INT64_C(1200000)

/* ---- what they have in common ---- */

static int find_key(struct kw_call *call)
{
    return kw_call_find_key(call, kw_input_string(call->input, "KeyId"), false);
}

static int require_own_material(struct kw_call *call)
{
    return call->key->origin == KW_ORIGIN_AWS_KMS ? KW_CALL_DONE : kw_call_refuse_origin(call);
}

/* AWS says no word of why. */
static int require_symmetric(struct kw_call *call)
{
    return call->key->spec == KW_KEY_SYMMETRIC_DEFAULT ? KW_CALL_DONE
                                                       : kw_call_refuse_bare(call, KW_ERROR_UNSUPPORTED);
}

/* Related keys rotate together, and the primary says when. */
static int require_primary(struct kw_call *call)
{
    if (!kw_related_is_replica(call->key))
        return KW_CALL_DONE;
    return kw_call_refuse(
        call, KW_ERROR_UNSUPPORTED, "%s is not a multi-region primary key.", call->key->arn);
}

/* ---- EnableKeyRotation, DisableKeyRotation ---- */

static void set_rotation(struct kw_kms_key *edit, bool rotates, uint32_t days, int64_t next_ms)
{
    edit->rotates = rotates;
    edit->rotation_days = days;
    edit->rotation_next_ms = next_ms;
}

/* The change for the key and all that are related to it; the key itself last: when it is replaced, its list
 * of regions may be gone. */
static int put_rotation(struct kw_call *call, bool rotates, uint32_t days, int64_t next_ms)
{
    const struct kw_kms_key *key = call->key;
    struct kw_kms_key edit;

    for (uint32_t i = 0; i < key->num_regions; i++) {
        const struct kw_kms_key *other = kw_related_at(call->snapshot, key, i);
        int r;

        if (other == NULL)
            continue;
        edit = *other;
        set_rotation(&edit, rotates, days, next_ms);
        r = kw_call_put_key(call, &edit);
        if (r != KW_CALL_DONE)
            return r;
    }
    edit = *key;
    set_rotation(&edit, rotates, days, next_ms);
    return kw_call_put_key(call, &edit);
}

static int check_enable(struct kw_call *call)
{
    int r = find_key(call);

    if (r == KW_CALL_DONE)
        r = require_own_material(call);
    if (r == KW_CALL_DONE)
        r = kw_call_require_state(call);
    if (r == KW_CALL_DONE)
        r = require_symmetric(call);
    return r == KW_CALL_DONE ? require_primary(call) : r;
}

/* The default is always the same, whatever the period was before. */
static uint32_t wanted_days(const struct kw_call *call)
{
    return (uint32_t)kw_input_integer(call->input, "RotationPeriodInDays", KW_ROTATION_DAYS_DEFAULT);
}

static int run_enable(struct kw_call *call)
{
    int r = check_enable(call);

    if (r != KW_CALL_DONE)
        return r;
    return call->key->rotates && call->key->rotation_days == wanted_days(call) ? KW_CALL_DONE
                                                                               : KW_CALL_WAIT_STORE;
}

/* Who asks for the period that there is already does not put the next rotation off. */
static int apply_enable(struct kw_call *call)
{
    int r = check_enable(call);
    uint32_t days;

    if (r != KW_CALL_DONE)
        return r;
    days = wanted_days(call);
    if (call->key->rotates && call->key->rotation_days == days)
        return KW_CALL_DONE;
    return put_rotation(call, true, days, call->now_ms + days * KW_DAY_MS);
}

const struct kw_operation kw_op_enable_key_rotation = {
    .model = &kw_model_enable_key_rotation,
    .states = KW_STATES_ROTATE,
    .run = run_enable,
    .apply = apply_enable,
};

/* AWS takes it of keys that never rotate, too. */
static int check_disable(struct kw_call *call)
{
    int r = find_key(call);

    if (r == KW_CALL_DONE)
        r = require_own_material(call);
    if (r == KW_CALL_DONE)
        r = kw_call_require_state(call);
    return r == KW_CALL_DONE ? require_primary(call) : r;
}

static int run_disable(struct kw_call *call)
{
    int r = check_disable(call);

    return r == KW_CALL_DONE && call->key->rotates ? KW_CALL_WAIT_STORE : r;
}

static int apply_disable(struct kw_call *call)
{
    int r = check_disable(call);

    return r == KW_CALL_DONE && call->key->rotates ? put_rotation(call, false, call->key->rotation_days, 0)
                                                   : r;
}

const struct kw_operation kw_op_disable_key_rotation = {
    .model = &kw_model_disable_key_rotation,
    .states = KW_STATES_ROTATE,
    .run = run_disable,
    .apply = apply_disable,
};

/* ---- GetKeyRotationStatus ---- */

/* Of a key that will be deleted the answer is "no", until that is cancelled. */
static bool rotates(const struct kw_kms_key *key)
{
    return key->rotates && key->state != KW_KEY_PENDING_DELETION &&
           key->state != KW_KEY_PENDING_REPLICA_DELETION;
}

static int run_status(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r = find_key(call);

    if (r == KW_CALL_DONE)
        r = require_own_material(call);
    if (r == KW_CALL_DONE)
        r = kw_call_require_state(call);
    if (r == KW_CALL_DONE)
        r = require_symmetric(call);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->key->arn);
    kw_json_key(&out, "KeyRotationEnabled");
    kw_json_bool(&out, rotates(call->key));
    if (rotates(call->key)) {
        kw_json_key(&out, "NextRotationDate");
        kw_json_epoch(&out, call->key->rotation_next_ms);
        kw_json_key(&out, "RotationPeriodInDays");
        kw_json_int(&out, call->key->rotation_days);
    }
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_get_key_rotation_status = {
    .model = &kw_model_get_key_rotation_status,
    .states = KW_STATES_ROTATION_STATUS,
    .read_only = true,
    .run = run_status,
    .note = "OnDemandRotationStartDate is never there: a rotation on demand is done when RotateKeyOnDemand "
            "answers.",
};

/* ---- RotateKeyOnDemand ---- */

static int not_pending(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_INVALID_STATE,
        "No available key material pending rotation for the key: %s.", call->key->arn);
}

/* Is the key about to rotate by itself? */
static bool is_imminent(const struct kw_kms_key *key, int64_t now_ms)
{
    return key->rotates && key->rotation_next_ms - now_ms <= CONFLICT_MS;
}

static int check_rotate(struct kw_call *call, int64_t now_ms)
{
    const struct kw_kms_key *key;
    int r = find_key(call);

    if (r == KW_CALL_DONE && call->key->origin == KW_ORIGIN_CLOUDHSM)
        r = kw_call_refuse_origin(call); /* be it available or not */
    if (r == KW_CALL_DONE)
        r = kw_call_require_state(call);
    if (r == KW_CALL_DONE)
        r = require_symmetric(call);
    if (r == KW_CALL_DONE)
        r = require_primary(call);
    if (r != KW_CALL_DONE)
        return r;
    key = call->key;
    if (key->num_on_demand >= ON_DEMAND_MAX)
        return kw_call_refuse(call, KW_ERROR_LIMIT_EXCEEDED,
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations "
            "can be performed for this key: %s",
            key->arn);
    if (is_imminent(key, now_ms))
        return kw_call_refuse(call, KW_ERROR_CONFLICT,
            "An automatic rotation of the key is in progress or scheduled to begin within the next 20 "
            "minutes: %s",
            key->arn);
    if (key->origin == KW_ORIGIN_EXTERNAL && kw_rotation_pending(key) == key->num_generations)
        return not_pending(call);
    return KW_CALL_DONE;
}

static int make_material(struct kw_call *call)
{
    struct kw_wrapper *wrapper = kw_call_wrapper(call);
    struct kw_material *material = NULL;
    uint8_t secret[KW_BACKING_KEY_LEN], id[KW_MATERIAL_ID_LEN];
    KW_ERASE_GUARD(secret);

    if (kw_wrapper_random(wrapper, secret, sizeof(secret)) != 0 ||
        kw_wrapper_random(wrapper, id, sizeof(id)) != 0 ||
        kw_material_new(&material, id, KW_BYTES(secret, sizeof(secret)), KW_BYTES(NULL, 0)) != 0)
        return kw_call_internal(call);
    kw_material_unref(call->new_material);
    call->new_material = material;
    return KW_CALL_DONE;
}

static int run_rotate(struct kw_call *call)
{
    int r = check_rotate(call, kw_call_clock_ms(call));

    if (r == KW_CALL_DONE && call->key->origin == KW_ORIGIN_AWS_KMS)
        r = make_material(call);
    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_rotate(struct kw_call *call)
{
    int r = check_rotate(call, call->now_ms);

    if (r != KW_CALL_DONE)
        return r;
    r = kw_rotate(call->tx, call->key, call->new_material, KW_ROTATION_ON_DEMAND, call->now_ms);
    switch (r) {
    case KW_ROTATION_NOT_READY:
        return not_pending(call);
    case KW_ROTATION_FULL:
        return kw_call_refuse(call, KW_ERROR_LIMIT_EXCEEDED, "The key has as many materials as it may have.");
    default:
        return r;
    }
}

static int stored_rotate(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "KeyId", call->resources[0].arn);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_rotate_key_on_demand = {
    .model = &kw_model_rotate_key_on_demand,
    .states = KW_STATES_ROTATE,
    .run = run_rotate,
    .apply = apply_rotate,
    .stored = stored_rotate,
    .note = "The rotation is done when the answer comes; AWS takes up to a minute for it.",
};

/* ---- ListKeyRotations ---- */

/* Has every related key the material that waits here? */
static bool is_everywhere(
    const struct kw_call *call, const struct kw_kms_key *key, const struct kw_generation *generation)
{
    for (uint32_t i = 0; i < key->num_regions; i++) {
        const struct kw_kms_key *other = kw_related_at(call->snapshot, key, i);
        const struct kw_generation *theirs =
            other != NULL ? kw_kms_key_generation(other, generation->id) : generation;

        if (theirs == NULL || theirs->material == NULL)
            return false;
    }
    return true;
}

static const char *material_state(const struct kw_call *call, const struct kw_generation *generation)
{
    if (generation->pending)
        return is_everywhere(call, call->key, generation) ? "PENDING_ROTATION"
                                                          : "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
    return generation == kw_kms_key_current(call->key) ? "CURRENT" : "NON_CURRENT";
}

static void write_import(struct kw_json_out *out, const struct kw_generation *generation)
{
    kw_call_write_text(out, "ImportState", generation->material != NULL ? "IMPORTED" : "PENDING_IMPORT");
    if (generation->description != NULL)
        kw_call_write_text(out, "KeyMaterialDescription", generation->description);
    if (generation->material == NULL)
        return;
    kw_call_write_text(out, "ExpirationModel",
        generation->valid_to_ms != 0 ? "KEY_MATERIAL_EXPIRES" : "KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (generation->valid_to_ms != 0) {
        kw_json_key(out, "ValidTo");
        kw_json_epoch(out, generation->valid_to_ms);
    }
}

static void write_entry(
    const struct kw_call *call, struct kw_json_out *out, const struct kw_generation *generation)
{
    kw_json_begin_object(out);
    kw_call_write_text(out, "KeyId", call->key->arn);
    kw_json_key(out, "KeyMaterialId");
    kw_json_hex(out, KW_BYTES(generation->id, sizeof(generation->id)));
    kw_call_write_text(out, "KeyMaterialState", material_state(call, generation));
    if (call->key->origin == KW_ORIGIN_EXTERNAL)
        write_import(out, generation);
    if (generation->rotated_ms != 0) {
        kw_json_key(out, "RotationDate");
        kw_json_epoch(out, generation->rotated_ms);
        kw_call_write_text(
            out, "RotationType", generation->rotation == KW_ROTATION_AUTOMATIC ? "AUTOMATIC" : "ON_DEMAND");
    }
    kw_json_end_object(out);
}

/* The first material and one that waits came by no rotation. */
static bool is_listed(const struct kw_generation *generation, bool all)
{
    return all || generation->rotated_ms != 0;
}

static size_t count_listed(const struct kw_kms_key *key, bool all)
{
    size_t num = 0;

    for (uint32_t i = 0; i < key->num_generations; i++)
        num += is_listed(&key->generations[i], all) ? 1 : 0;
    return num;
}

/* Oldest first. What is added between two pages comes at the end. */
static void write_entries(
    const struct kw_call *call, struct kw_json_out *out, bool all, size_t from, size_t to)
{
    size_t position = 0;

    kw_json_key(out, "Rotations");
    kw_json_begin_array(out);
    for (uint32_t i = 0; i < call->key->num_generations && position < to; i++) {
        const struct kw_generation *generation = &call->key->generations[i];

        if (!is_listed(generation, all))
            continue;
        if (position >= from)
            write_entry(call, out, generation);
        position++;
    }
    kw_json_end_array(out);
}

static int run_list(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    bool all = kw_bytes_equal(kw_input_string(call->input, "IncludeKeyMaterial"), KW_LIT("ALL_KEY_MATERIAL"));
    size_t from = 0, to = 0, num = 0;
    int r = kw_call_find_usable_key(call, false);

    if (r == KW_CALL_DONE)
        r = require_symmetric(call);
    if (r == KW_CALL_DONE) {
        num = count_listed(call->key, all);
        r = kw_page_slice(call, KW_PAGE_ROTATIONS, 100, 1000, num, &from, &to);
    }
    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    write_entries(call, &out, all, from, to);
    kw_page_slice_end(&out, KW_PAGE_ROTATIONS, to, num);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_list_key_rotations = {
    .model = &kw_model_list_key_rotations,
    .read_only = true,
    .run = run_list,
};
