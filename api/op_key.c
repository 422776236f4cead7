/* CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey and UpdateKeyDescription. */
#include "api/callauthz.h"
#include "api/callpair.h"
#include "api/keymeta.h"
#include "api/keyname.h"
#include "api/operations.h"
#include "api/region.h"
#include "api/tokenkey.h"
#include "pool/fault.h"
#include "pool/secmem.h"

/* ---- CreateKey ---- */

static const char not_compatible[] = "KeyUsage %s is not compatible with KeySpec %s";

static int read_spec(struct kw_call *call, struct kw_kms_key *edit)
{
    struct kw_bytes spec = kw_input_string(call->input, "KeySpec");
    struct kw_bytes old_spec = kw_input_string(call->input, "CustomerMasterKeySpec");

    if (spec.ptr != NULL && old_spec.ptr != NULL)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec "
            "is deprecated.");
    spec = spec.ptr != NULL ? spec : old_spec;
    edit->spec = KW_KEY_SYMMETRIC_DEFAULT;
    return spec.ptr == NULL || kw_key_spec_parse(spec, &edit->spec) == 0 ? KW_CALL_DONE
                                                                         : kw_call_internal(call);
}

static int read_usage(struct kw_call *call, struct kw_kms_key *edit)
{
    struct kw_bytes usage = kw_input_string(call->input, "KeyUsage");

    edit->usage = KW_USAGE_ENCRYPT_DECRYPT;
    if (usage.ptr == NULL && edit->spec != KW_KEY_SYMMETRIC_DEFAULT)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.");
    if (usage.ptr != NULL && kw_key_usage_parse(usage, &edit->usage) != 0)
        return kw_call_internal(call);
    if (!kw_key_spec_allows(edit->spec, edit->usage))
        return kw_call_refuse(call, KW_ERROR_VALIDATION, not_compatible, kw_key_usage_name(edit->usage),
            kw_key_spec_name(edit->spec));
    return KW_CALL_DONE;
}

static int check_in_token(
    struct kw_call *call, const struct kw_kms_key *edit, const struct kw_custom_store *store)
{
    if (edit->origin != KW_ORIGIN_CLOUDHSM)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "Origin must be AWS_CLOUDHSM for a KMS key in the custom key store %s.", store->id);
    if (edit->spec != KW_KEY_SYMMETRIC_DEFAULT)
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
            "KeySpec %s is not supported for KMS keys in custom key stores.", kw_key_spec_name(edit->spec));
    if (kw_input_true(call->input, "MultiRegion"))
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "Multi-Region keys are not supported in custom key stores.");
    return kw_tokenkey_require_connected(call, store);
}

static int read_origin(struct kw_call *call, struct kw_kms_key *edit)
{
    struct kw_bytes origin = kw_input_string(call->input, "Origin");
    const struct kw_custom_store *store = NULL;
    int r;

    edit->origin = KW_ORIGIN_AWS_KMS;
    if (kw_bytes_equal(origin, KW_LIT("EXTERNAL_KEY_STORE")) || kw_input_has(call->input, "XksKeyId"))
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "External key stores are not supported by this server.");
    if (origin.ptr != NULL && kw_key_origin_parse(origin, &edit->origin) != 0)
        return kw_call_internal(call);
    if (!kw_input_has(call->input, "CustomKeyStoreId")) {
        if (edit->origin != KW_ORIGIN_CLOUDHSM)
            return KW_CALL_DONE;
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You must specify a CustomKeyStoreId for KMS keys with the Origin AWS_CLOUDHSM.");
    }
    r = kw_tokenkey_find_store(call, &store);
    if (r != KW_CALL_DONE)
        return r;
    edit->custom_store = store->id;
    return check_in_token(call, edit, store);
}

/* What nothing here can make. */
static int check_makeable(struct kw_call *call, const struct kw_kms_key *edit)
{
    enum kw_key_kind kind = kw_key_spec_info(edit->spec)->kind;

    if (kind == KW_KEY_KIND_ML_DSA)
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED, "KeySpec %s is not supported by this server.",
            kw_key_spec_name(edit->spec));
    if (kind == KW_KEY_KIND_SM2 && !kw_region_is_chinese(call->region))
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED, "KeySpec SM2 is not supported in this Region");
    return KW_CALL_DONE;
}

/* All that the request says of the key; `tags` and `ret_policy` are what edit points to. */
static int read_create(struct kw_call *call, struct kw_kms_key *edit, struct kw_tag tags[KW_TAGS_MAX],
    struct kw_policy **ret_policy)
{
    int r = read_spec(call, edit);

    if (r == KW_CALL_DONE)
        r = read_usage(call, edit);
    if (r == KW_CALL_DONE)
        r = read_origin(call, edit);
    if (r == KW_CALL_DONE)
        r = check_makeable(call, edit);
    if (r == KW_CALL_DONE)
        r = kw_keymeta_read_description(call, edit);
    if (r == KW_CALL_DONE)
        r = kw_keymeta_read_tags(call, tags, &edit->num_tags);
    if (r == KW_CALL_DONE)
        r = kw_keymeta_read_policy(call, NULL, ret_policy);
    edit->tags = tags;
    edit->policy = *ret_policy;
    return r;
}

static int keep_material(struct kw_call *call, struct kw_bytes secret, struct kw_bytes public_der)
{
    struct kw_material *material = NULL;
    uint8_t id[KW_MATERIAL_ID_LEN];

    if (kw_wrapper_random(kw_call_wrapper(call), id, sizeof(id)) != 0 ||
        kw_material_new(&material, id, secret, public_der) != 0)
        return kw_call_internal(call);
    kw_material_unref(call->new_material);
    call->new_material = material;
    return KW_CALL_DONE;
}

static int take_pair(struct kw_call *call, enum kw_key_spec spec)
{
    KW_PAIR struct kw_pair pair = {.pool = NULL};
    uint8_t der[KW_SPEC_PUBLIC_MAX];
    int r = kw_callpair_choose(call, (enum kw_spec)kw_key_spec_info(spec)->pool_spec);

    if (r == KW_CALL_DONE)
        r = kw_callpair_pop(call, &pair);
    return r == KW_CALL_DONE ? keep_material(call, pair.private_der, kw_pair_public_der(&pair, der)) : r;
}

static int make_sm2(struct kw_call *call)
{
    uint8_t secret[KW_PRIVATE_KEY_MAX], public[KW_PUBLIC_KEY_MAX];
    KW_ERASE_GUARD(secret);
    struct kw_buf secret_buf = KW_BUF(secret, sizeof(secret)), public_buf = KW_BUF(public, sizeof(public));

    if (kw_asym_generate_sm2(&public_buf, &secret_buf) != 0)
        return kw_call_internal(call);
    return keep_material(call, kw_buf_bytes(&secret_buf), kw_buf_bytes(&public_buf));
}

static int make_secret(struct kw_call *call, size_t len)
{
    uint8_t secret[64];
    KW_ERASE_GUARD(secret);

    kw_assert(len <= sizeof(secret));
    if (kw_wrapper_random(kw_call_wrapper(call), secret, len) != 0)
        return kw_call_internal(call);
    return keep_material(call, KW_BYTES(secret, len), KW_BYTES(NULL, 0));
}

static int make_material(struct kw_call *call, const struct kw_kms_key *edit)
{
    const struct kw_key_spec_info *info = kw_key_spec_info(edit->spec);

    if (edit->origin != KW_ORIGIN_AWS_KMS)
        return KW_CALL_DONE;
    if (info->pool_spec >= 0)
        return take_pair(call, edit->spec);
    return info->kind == KW_KEY_KIND_SM2 ? make_sm2(call) : make_secret(call, info->key_len);
}

static int draw_id(struct kw_call *call)
{
    if (kw_wrapper_random(kw_call_wrapper(call), call->new_id, sizeof(call->new_id)) != 0)
        return kw_call_internal(call);
    /* Of a multi-Region key all 16 bytes are the id; else it is a UUID. */
    if (!kw_input_true(call->input, "MultiRegion"))
        kw_uuid_make_v4(call->new_id);
    return KW_CALL_DONE;
}

/* The material of a key in a token is made before the key is stored, under the key's id; should the key not
 * be stored, it is destroyed again. The id is that of the first run. */
static int make_in_token(struct kw_call *call, const struct kw_kms_key *edit)
{
    static const uint8_t none[KW_KMS_KEY_ID_LEN];
    const struct kw_custom_store *store = kw_snapshot_custom_store(call->snapshot,
        kw_bytes_str(call->identity.account), kw_bytes_str(call->region), kw_bytes_str(edit->custom_store));
    char label[KW_KEY_LABEL_MAX + 1] = {0};
    int r = memcmp(call->new_id, none, sizeof(none)) == 0 ? draw_id(call) : KW_CALL_DONE;

    if (r != KW_CALL_DONE)
        return r;
    kw_uuid_format(call->new_id, label);
    r = kw_tokenkey_make(call, store, label);
    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static bool account_is_full(const struct kw_call *call)
{
    struct kw_place place =
        kw_place_account(kw_bytes_str(call->identity.account), kw_bytes_str(call->region));

    return kw_snapshot_count(&call->snapshot->keys, &place) >= KW_KEYS_MAX;
}

static int refuse_full(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_LIMIT_EXCEEDED, "This account has as many KMS keys as it may have.");
}

static int authorize_create(struct kw_call *call)
{
    int r = kw_call_authorize(call, "*");

    if (r == KW_CALL_DONE && kw_value_num(kw_input_array(call->input, "Tags")) > 0)
        r = kw_call_authorize_as(call, "TagResource", "*");
    return r;
}

static int run_create(struct kw_call *call)
{
    KW_POLICY struct kw_policy *policy = NULL;
    struct kw_kms_key edit = {0};
    struct kw_tag tags[KW_TAGS_MAX];
    int r = authorize_create(call);

    if (r == KW_CALL_DONE)
        r = read_create(call, &edit, tags, &policy);
    if (r == KW_CALL_DONE && account_is_full(call))
        r = refuse_full(call);
    if (r == KW_CALL_DONE && edit.origin == KW_ORIGIN_CLOUDHSM)
        return make_in_token(call, &edit);
    if (r == KW_CALL_DONE)
        r = make_material(call, &edit);
    if (r == KW_CALL_DONE)
        r = draw_id(call);
    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_create(struct kw_call *call)
{
    KW_POLICY struct kw_policy *policy = NULL;
    const char *region = call->region;
    struct kw_generation generation = {.created_ms = call->now_ms, .material = call->new_material};
    struct kw_kms_key edit = {
        .account = call->identity.account,
        .region = call->region,
        .created_ms = call->now_ms,
        .multi_region = kw_input_true(call->input, "MultiRegion"),
    };
    struct kw_tag tags[KW_TAGS_MAX];
    int r = authorize_create(call);

    if (r == KW_CALL_DONE)
        r = read_create(call, &edit, tags, &policy);
    if (r != KW_CALL_DONE)
        return r;
    if (account_is_full(call))
        return refuse_full(call);
    memcpy(edit.id, call->new_id, sizeof(edit.id));
    if (call->new_material != NULL) {
        memcpy(generation.id, call->new_material->id, sizeof(generation.id));
        edit.generations = &generation;
        edit.num_generations = 1;
    }
    edit.state = edit.origin == KW_ORIGIN_EXTERNAL ? KW_KEY_PENDING_IMPORT : KW_KEY_ENABLED;
    if (edit.multi_region) {
        edit.primary_region = call->region;
        edit.regions = &region;
        edit.num_regions = 1;
    }
    return kw_call_put_key(call, &edit);
}

static int stored_create(struct kw_call *call)
{
    const struct kw_kms_key *key = kw_snapshot_key(
        call->snapshot, kw_bytes_str(call->identity.account), kw_bytes_str(call->region), call->new_id);

    kw_tokenkey_keep(call);
    if (key == NULL)
        return kw_call_internal(call);
    kw_call_show_key(call, key);
    return kw_keymeta_answer(call, key);
}

const struct kw_operation kw_op_create_key = {
    .model = &kw_model_create_key,
    .run = run_create,
    .apply = apply_create,
    .stored = stored_create,
    .note =
        "ML-DSA keys and keys in external key stores are refused (UnsupportedOperationException): OpenSSL "
        "3.0 has no ML-DSA, and there are no external key stores. SM2 is for China Regions, as in AWS. "
        "Origin AWS_CLOUDHSM makes the key in the PKCS#11 token that stands for the cluster.",
};

/* ---- DescribeKey ---- */

static int run_describe(struct kw_call *call)
{
    int r = kw_call_find_usable_key(call, true);

    if (r == KW_CALL_DONE)
        r = kw_call_check_grant_tokens(call);
    return r == KW_CALL_DONE ? kw_keymeta_answer(call, call->key) : r;
}

const struct kw_operation kw_op_describe_key = {
    .model = &kw_model_describe_key,
    .read_only = true,
    .run = run_describe,
};

/* ---- EnableKey, DisableKey ---- */

static int run_switch(struct kw_call *call, enum kw_key_state state)
{
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE)
        return r;
    return call->key->state == state ? KW_CALL_DONE : KW_CALL_WAIT_STORE;
}

static int apply_switch(struct kw_call *call, enum kw_key_state state)
{
    struct kw_kms_key edit;
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE || call->key->state == state)
        return r;
    edit = *call->key;
    edit.state = state;
    return kw_call_put_key(call, &edit);
}

static int run_enable(struct kw_call *call)
{
    return run_switch(call, KW_KEY_ENABLED);
}

static int apply_enable(struct kw_call *call)
{
    return apply_switch(call, KW_KEY_ENABLED);
}

static int run_disable(struct kw_call *call)
{
    return run_switch(call, KW_KEY_DISABLED);
}

static int apply_disable(struct kw_call *call)
{
    return apply_switch(call, KW_KEY_DISABLED);
}

const struct kw_operation kw_op_enable_key = {
    .model = &kw_model_enable_key,
    .states = KW_STATES_SWITCH,
    .run = run_enable,
    .apply = apply_enable,
};

const struct kw_operation kw_op_disable_key = {
    .model = &kw_model_disable_key,
    .states = KW_STATES_SWITCH,
    .run = run_disable,
    .apply = apply_disable,
};

/* ---- UpdateKeyDescription ---- */

static int check_description(struct kw_call *call, struct kw_kms_key *edit)
{
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE)
        return r;
    *edit = *call->key;
    return kw_keymeta_read_description(call, edit);
}

static int run_description(struct kw_call *call)
{
    struct kw_kms_key edit;
    int r = check_description(call, &edit);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_description(struct kw_call *call)
{
    struct kw_kms_key edit;
    int r = check_description(call, &edit);

    return r == KW_CALL_DONE ? kw_call_put_key(call, &edit) : r;
}

const struct kw_operation kw_op_update_key_description = {
    .model = &kw_model_update_key_description,
    .states = KW_STATES_NOTE,
    .run = run_description,
    .apply = apply_description,
};

/* ---- ListKeys ---- */

static int run_list(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_place place =
        kw_place_account(kw_bytes_str(call->identity.account), kw_bytes_str(call->region));
    const struct kw_kms_key *key;
    struct kw_page page;
    int r = kw_call_authorize(call, "*");

    if (r == KW_CALL_DONE)
        r = kw_page_begin(call, &page, KW_PAGE_KEYS, 100, 1000, &call->snapshot->keys, &place);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_json_key(&out, "Keys");
    kw_json_begin_array(&out);
    while ((key = kw_page_next(&page)) != NULL) {
        kw_page_show(&page);
        kw_json_begin_object(&out);
        kw_call_write_text(&out, "KeyId", key->id_text);
        kw_call_write_text(&out, "KeyArn", key->arn);
        kw_json_end_object(&out);
    }
    kw_json_end_array(&out);
    kw_page_end(&page, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_list_keys = {
    .model = &kw_model_list_keys,
    .read_only = true,
    .run = run_list,
};
