/* CreateKey, DescribeKey, ListKeys, EnableKey and DisableKey. */
#include "api/entity.h"
#include "api/operations.h"
#include "pool/secmem.h"

#include <stdio.h>

static void write_text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

static void write_metadata(struct kw_json_out *out, const struct kw_kms_key *key)
{
    kw_json_key(out, "KeyMetadata");
    kw_json_begin_object(out);
    write_text(out, "AWSAccountId", key->account);
    write_text(out, "KeyId", key->id_text);
    write_text(out, "Arn", key->arn);
    kw_json_key(out, "CreationDate");
    kw_json_epoch(out, key->created_ms);
    kw_json_key(out, "Enabled");
    kw_json_bool(out, key->state == KW_KEY_ENABLED);
    write_text(out, "Description", key->description);
    write_text(out, "KeyUsage", "ENCRYPT_DECRYPT");
    write_text(out, "KeyState", kw_key_state_name(key->state));
    write_text(out, "Origin", "AWS_KMS");
    write_text(out, "KeyManager", "CUSTOMER");
    write_text(out, "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT");
    write_text(out, "KeySpec", "SYMMETRIC_DEFAULT");
    kw_json_key(out, "EncryptionAlgorithms");
    kw_json_begin_array(out);
    kw_json_cstring(out, "SYMMETRIC_DEFAULT");
    kw_json_end_array(out);
    kw_json_key(out, "MultiRegion");
    kw_json_bool(out, false);
    kw_json_key(out, "CurrentKeyMaterialId");
    kw_json_hex(out, KW_BYTES(kw_kms_key_current(key)->material_id, KW_MATERIAL_ID_LEN));
    kw_json_end_object(out);
}

static int answer_metadata(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    write_metadata(&out, key);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

/* ---- CreateKey ---- */

static int unsupported(struct kw_call *call, const char *what)
{
    return kw_call_refuse(call, KW_ERROR_UNSUPPORTED, "%s not supported by this server.", what);
}

static bool is_text(const struct kw_call *call, const char *name, const char *wanted)
{
    struct kw_bytes value = kw_input_string(call->input, name);

    return value.ptr == NULL || kw_bytes_equal(value, kw_bytes_str(wanted));
}

/* Which usages go with a spec, by the first letters of its name (KMS developer guide, "key spec reference").
 */
static bool usage_fits(struct kw_bytes spec, struct kw_bytes usage)
{
    static const struct {
        const char *prefix;
        const char *usages[3];
    } table[] = {
        {"RSA_", {"SIGN_VERIFY", "ENCRYPT_DECRYPT"}},
        {"ECC_NIST_ED", {"SIGN_VERIFY"}},
        {"ECC_SECG", {"SIGN_VERIFY"}},
        {"ECC_", {"SIGN_VERIFY", "KEY_AGREEMENT"}},
        {"HMAC_", {"GENERATE_VERIFY_MAC"}},
        {"SM2", {"SIGN_VERIFY", "ENCRYPT_DECRYPT", "KEY_AGREEMENT"}},
        {"ML_DSA_", {"SIGN_VERIFY"}},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(table); i++) {
        if (!kw_bytes_starts(spec, kw_bytes_str(table[i].prefix)))
            continue;
        for (size_t u = 0; u < KW_ARRAY_LEN(table[i].usages) && table[i].usages[u] != NULL; u++) {
            if (kw_bytes_equal(usage, kw_bytes_str(table[i].usages[u])))
                return true;
        }
        return false;
    }
    return false;
}

/* What is not stored or enforced yet is refused rather than dropped. */
static int check_spec(struct kw_call *call)
{
    struct kw_bytes usage = kw_input_string(call->input, "KeyUsage"),
                    spec = kw_input_string(call->input, "KeySpec");
    struct kw_bytes old_spec = kw_input_string(call->input, "CustomerMasterKeySpec");
    char text[128];

    if (spec.ptr != NULL && old_spec.ptr != NULL && !kw_bytes_equal(spec, old_spec))
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec "
            "is deprecated.");
    spec = spec.ptr != NULL ? spec : old_spec.ptr != NULL ? old_spec : KW_LIT("SYMMETRIC_DEFAULT");
    if (kw_bytes_equal(spec, KW_LIT("SYMMETRIC_DEFAULT")) && is_text(call, "KeyUsage", "ENCRYPT_DECRYPT"))
        return KW_CALL_DONE;
    if (usage.ptr == NULL)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
    if (usage_fits(spec, usage))
        return unsupported(call, "KMS keys other than SYMMETRIC_DEFAULT are");
    snprintf(text, sizeof(text), "KeyUsage %.*s is not compatible with KeySpec ", (int)usage.len,
        (const char *)usage.ptr);
    return kw_call_refuse_quoting(call, KW_ERROR_VALIDATION, text, spec, "");
}

static bool is_tag(const json_t *tag)
{
    return json_is_string(json_object_get(tag, "TagKey")) && json_is_string(json_object_get(tag, "TagValue"));
}

static int check_tags(struct kw_call *call)
{
    const json_t *tags = json_object_get(call->input, "Tags"), *tag;
    size_t i;

    json_array_foreach(tags, i, tag)
    {
        if (!is_tag(tag))
            return kw_call_refuse(call, KW_ERROR_SERIALIZATION, "Expected structure or null");
    }
    return json_array_size(tags) > 0 ? unsupported(call, "Tags are") : KW_CALL_DONE;
}

static int check_create(struct kw_call *call)
{
    struct kw_bytes description = kw_input_string(call->input, "Description");
    int r = check_spec(call);

    if (r != KW_CALL_DONE)
        return r;
    if (kw_bytes_find(description, 0) >= 0)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "The description must not contain NUL characters.");
    if (!is_text(call, "Origin", "AWS_KMS"))
        return unsupported(call, "Key material of another origin than AWS_KMS is");
    if (kw_input_has(call->input, "CustomKeyStoreId") || kw_input_has(call->input, "XksKeyId"))
        return unsupported(call, "Custom key stores are");
    if (kw_input_true(call->input, "MultiRegion"))
        return unsupported(call, "Multi-Region keys are");
    if (kw_input_has(call->input, "Policy"))
        return unsupported(call, "Key policies are");
    return check_tags(call);
}

static int make_material(struct kw_call *call, uint8_t key_id[KW_KMS_KEY_ID_LEN])
{
    struct kw_wrapper *wrapper = kw_service_thread_wrapper(call->thread);
    struct kw_backing_key *backing = kw_secmem_alloc(sizeof(*backing));

    if (backing == NULL)
        return -ENOMEM;
    call->new_backing = backing;
    backing->created_ms = kw_wall_ms();
    KW_TRY(kw_wrapper_random(wrapper, backing->key, sizeof(backing->key)));
    KW_TRY(kw_wrapper_random(wrapper, backing->material_id, sizeof(backing->material_id)));
    KW_TRY(kw_wrapper_random(wrapper, key_id, KW_KMS_KEY_ID_LEN));
    kw_uuid_make_v4(key_id);
    return 0;
}

static int run_create(struct kw_call *call)
{
    struct kw_change change = {.kind = KW_CHANGE_CREATE_KEY, .state = KW_KEY_ENABLED};
    int r = kw_call_authorize(call, "*");

    if (r == KW_CALL_DONE)
        r = check_create(call);
    if (r != KW_CALL_DONE)
        return r;
    if (make_material(call, change.key_id) < 0)
        return kw_call_internal(call);
    change.backing = call->new_backing;
    change.description = kw_input_string(call->input, "Description");
    return kw_call_prepare_change(call, &change);
}

static int stored_create(struct kw_call *call)
{
    const struct kw_kms_key *key;

    if (call->change.result == KW_STORE_LIMIT)
        return kw_call_refuse(
            call, KW_ERROR_LIMIT_EXCEEDED, "This account has as many KMS keys as it may have.");
    if (call->change.result != 0)
        return kw_call_internal(call);
    key = kw_snapshot_key_by_id(call->snapshot, call->change.change.key_id);
    if (key == NULL)
        return kw_call_internal(call);
    memcpy(call->key_arn, key->arn, sizeof(call->key_arn));
    memcpy(call->key_account, key->account, sizeof(call->key_account));
    return answer_metadata(call, key);
}

/* ---- DescribeKey, EnableKey, DisableKey ---- */

static int run_describe(struct kw_call *call)
{
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), true);

    if (r == KW_CALL_DONE)
        r = kw_call_refuse_extras(call);
    return r == KW_CALL_DONE ? answer_metadata(call, call->key) : r;
}

static int refuse_state(struct kw_call *call)
{
    const char *state = call->key->state == KW_KEY_PENDING_DELETION ? "pending deletion"
                        : call->key->state == KW_KEY_PENDING_IMPORT ? "pending import"
                        : call->key->state == KW_KEY_CREATING       ? "creating"
                                                                    : "updating";

    return kw_call_refuse(call, KW_ERROR_INVALID_STATE, "%s is %s.", call->key->arn, state);
}

static int set_state(struct kw_call *call, enum kw_key_state state)
{
    struct kw_change change = {.kind = KW_CHANGE_SET_KEY_STATE, .state = state};
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), false);

    if (r != KW_CALL_DONE)
        return r;
    if (call->key->state == state)
        return KW_CALL_DONE;
    if (call->key->state != KW_KEY_ENABLED && call->key->state != KW_KEY_DISABLED)
        return refuse_state(call);
    memcpy(change.key_id, call->key->id, sizeof(change.key_id));
    return kw_call_prepare_change(call, &change);
}

static int run_enable(struct kw_call *call)
{
    return set_state(call, KW_KEY_ENABLED);
}

static int run_disable(struct kw_call *call)
{
    return set_state(call, KW_KEY_DISABLED);
}

static int stored_state(struct kw_call *call)
{
    if (call->change.result == KW_STORE_NOT_FOUND)
        return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key '%s' does not exist", call->key_arn);
    return call->change.result == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

/* ---- ListKeys ---- */

static void write_keys(struct kw_call *call, struct kw_json_out *out, size_t from, size_t limit)
{
    const struct kw_snapshot *snapshot = call->snapshot;
    const struct kw_service *service = kw_service_thread_service(call->thread);
    size_t i = from;
    bool more = false;

    kw_json_key(out, "Keys");
    kw_json_begin_array(out);
    for (; i < snapshot->num_keys; i++) {
        const struct kw_kms_key *key = snapshot->keys[i];

        if (strcmp(key->account, call->identity.account) != 0 || strcmp(key->region, service->region) != 0)
            break;
        more = i - from == limit;
        if (more)
            break;
        kw_json_begin_object(out);
        write_text(out, "KeyId", key->id_text);
        write_text(out, "KeyArn", key->arn);
        kw_json_end_object(out);
    }
    kw_json_end_array(out);
    if (more)
        kw_marker_write(out, KW_MARKER_KEYS, KW_BYTES(snapshot->keys[i - 1]->id, KW_KMS_KEY_ID_LEN));
    kw_json_key(out, "Truncated");
    kw_json_bool(out, more);
}

static int run_list(struct kw_call *call)
{
    const struct kw_service *service = kw_service_thread_service(call->thread);
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_bytes marker = kw_input_string(call->input, "Marker");
    uint8_t after[KW_KMS_KEY_ID_LEN];
    size_t from, len = 0;
    int r = kw_call_authorize(call, "*");

    if (r != KW_CALL_DONE)
        return r;
    if (marker.ptr != NULL &&
        (kw_marker_decode(marker, KW_MARKER_KEYS, after, sizeof(after), &len) != 0 || len != sizeof(after)))
        return kw_call_refuse(call, KW_ERROR_INVALID_MARKER, "The marker is not valid.");
    from = kw_snapshot_key_after(call->snapshot, kw_bytes_str(call->identity.account),
        kw_bytes_str(service->region), marker.ptr == NULL ? NULL : after);
    kw_json_begin_object(&out);
    write_keys(call, &out, from, (size_t)kw_input_integer(call->input, "Limit", 100));
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_create_key = {
    .model = &kw_model_create_key,
    .run = run_create,
    .stored = stored_create,
};

const struct kw_operation kw_op_describe_key = {
    .model = &kw_model_describe_key,
    .read_only = true,
    .run = run_describe,
};

const struct kw_operation kw_op_enable_key = {
    .model = &kw_model_enable_key,
    .run = run_enable,
    .stored = stored_state,
};

const struct kw_operation kw_op_disable_key = {
    .model = &kw_model_disable_key,
    .run = run_disable,
    .stored = stored_state,
};

const struct kw_operation kw_op_list_keys = {
    .model = &kw_model_list_keys,
    .read_only = true,
    .run = run_list,
};
