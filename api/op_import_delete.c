/* DeleteImportedKeyMaterial. */
#include "api/generations.h"
#include "api/importcall.h"
#include "api/operations.h"
#include "api/related.h"

/* The index of the generation that is meant; num_generations: there is no material at all. */
static int find_deleted(struct kw_call *call, uint32_t *ret)
{
    const struct kw_kms_key *key;
    struct kw_bytes text = kw_input_string(call->input, "KeyMaterialId");
    const struct kw_generation *generation;
    uint8_t id[KW_MATERIAL_ID_LEN];
    int r = kw_importcall_find_key(call);

    if (r != KW_CALL_DONE)
        return r;
    key = call->key;
    if (text.ptr == NULL) {
        *ret = key->current;
        return KW_CALL_DONE;
    }
    if (kw_hex_decode(text, id, sizeof(id)) != 0)
        return kw_call_internal(call);
    generation = kw_kms_key_generation(key, id);
    if (generation == NULL)
        return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key material '%.*s' of key %s does not exist",
            (int)text.len, (const char *)text.ptr, key->arn);
    *ret = (uint32_t)(generation - key->generations);
    return KW_CALL_DONE;
}

static void note_deleted(struct kw_call *call, uint32_t index)
{
    if (index < call->key->num_generations)
        kw_call_note_material(call, &call->key->generations[index]);
}

static int run_delete(struct kw_call *call)
{
    uint32_t index = 0;
    int r = find_deleted(call, &index);

    if (r != KW_CALL_DONE)
        return r;
    note_deleted(call, index);
    if (index < call->key->num_generations &&
        (call->key->generations[index].material != NULL || call->key->generations[index].pending))
        return KW_CALL_WAIT_STORE;
    return kw_importcall_answer(call); /* nothing is there to delete */
}

/* Without the generation that waits; its key goes on as it is. */
static int put_without(
    struct kw_call *call, const struct kw_kms_key *key, const uint8_t id[KW_MATERIAL_ID_LEN])
{
    struct kw_generations left;
    struct kw_kms_key edit = *key;

    if (kw_generations_copy(&left, key, NULL) != 0)
        return kw_call_internal(call);
    kw_generations_drop(&left, kw_generations_find(&left, id));
    kw_generations_put(&left, &edit);
    return kw_call_put_key(call, &edit);
}

/* Material that waits is bound to the key for good only by a rotation: it goes without a trace, and what the
 * replicas have of it goes with the primary's. The key itself last: its list of regions may be gone then. */
static int forget_pending(struct kw_call *call, const uint8_t id[KW_MATERIAL_ID_LEN])
{
    const struct kw_kms_key *key = call->key;
    uint32_t num = kw_related_is_replica(key) ? 0 : key->num_regions;

    for (uint32_t i = 0; i < num; i++) {
        const struct kw_kms_key *other = kw_related_at(call->snapshot, key, i);
        const struct kw_generation *theirs = other != NULL ? kw_kms_key_generation(other, id) : NULL;
        int r = theirs != NULL && theirs->pending ? put_without(call, other, id) : KW_CALL_DONE;

        if (r != KW_CALL_DONE)
            return r;
    }
    return put_without(call, key, id);
}

static int forget_material(struct kw_call *call, uint32_t index)
{
    struct kw_generations left;
    struct kw_kms_key edit = *call->key;

    if (kw_generations_copy(&left, call->key, NULL) != 0)
        return kw_call_internal(call);
    kw_generations_forget(&left, index, &edit);
    return kw_call_put_key(call, &edit);
}

static int apply_delete(struct kw_call *call)
{
    uint32_t index = 0;
    int r = find_deleted(call, &index);

    if (r != KW_CALL_DONE || index >= call->key->num_generations)
        return r;
    note_deleted(call, index);
    if (call->key->generations[index].pending)
        return forget_pending(call, call->key->generations[index].id);
    return call->key->generations[index].material != NULL ? forget_material(call, index) : KW_CALL_DONE;
}

const struct kw_operation kw_op_delete_imported_key_material = {
    .model = &kw_model_delete_imported_key_material,
    .states = KW_STATES_ANY,
    .run = run_delete,
    .apply = apply_delete,
    .stored = kw_importcall_answer,
};
