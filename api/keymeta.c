#include "api/keymeta.h"

#include "api/policydoc.h"
#include "api/region.h"
#include "api/related.h"
#include "api/tokenkey.h"

#include <stdio.h>

static void write_bool(struct kw_json_out *out, const char *name, bool value)
{
    kw_json_key(out, name);
    kw_json_bool(out, value);
}

static void write_time(struct kw_json_out *out, const char *name, int64_t ms)
{
    kw_json_key(out, name);
    kw_json_epoch(out, ms);
}

void kw_keymeta_write_algorithms(struct kw_json_out *out, enum kw_key_spec spec, enum kw_key_usage usage)
{
    static const char *const names[KW_USAGE_NUM] = {
        [KW_USAGE_SIGN_VERIFY] = "SigningAlgorithms",
        [KW_USAGE_ENCRYPT_DECRYPT] = "EncryptionAlgorithms",
        [KW_USAGE_GENERATE_VERIFY_MAC] = "MacAlgorithms",
        [KW_USAGE_KEY_AGREEMENT] = "KeyAgreementAlgorithms",
    };
    const struct kw_algorithm_list *list = kw_key_spec_algorithms(spec, usage);

    if (list->num == 0)
        return;
    kw_json_key(out, names[usage]);
    kw_json_begin_array(out);
    for (size_t i = 0; i < list->num; i++)
        kw_json_cstring(out, kw_algorithm_name(list->item[i]));
    kw_json_end_array(out);
}

/* The same key in another region. */
static void write_relative(struct kw_json_out *out, const struct kw_kms_key *key, const char *region)
{
    char arn[KW_ARN_MAX];

    snprintf(arn, sizeof(arn), "arn:%s:kms:%s:%s:key/%s", kw_region_partition(region), region, key->account,
        key->id_text);
    kw_json_begin_object(out);
    kw_call_write_text(out, "Arn", arn);
    kw_call_write_text(out, "Region", region);
    kw_json_end_object(out);
}

static void write_multi_region(struct kw_json_out *out, const struct kw_kms_key *key)
{
    kw_json_key(out, "MultiRegionConfiguration");
    kw_json_begin_object(out);
    kw_call_write_text(out, "MultiRegionKeyType", kw_related_is_replica(key) ? "REPLICA" : "PRIMARY");
    kw_json_key(out, "PrimaryKey");
    write_relative(out, key, key->primary_region);
    kw_json_key(out, "ReplicaKeys");
    kw_json_begin_array(out);
    for (uint32_t i = 0; i < key->num_regions; i++) {
        if (strcmp(key->regions[i], key->primary_region) != 0)
            write_relative(out, key, key->regions[i]);
    }
    kw_json_end_array(out);
    kw_json_end_object(out);
}

/* When the first of the materials that a key needs expires; 0: none of them does. One that only waits for a
 * rotation is not needed. */
static int64_t first_expiry_ms(const struct kw_kms_key *key)
{
    int64_t first_ms = 0;

    for (uint32_t i = 0; i < key->num_generations; i++) {
        const struct kw_generation *generation = &key->generations[i];

        if (generation->pending || generation->material == NULL || generation->valid_to_ms == 0)
            continue;
        first_ms = first_ms == 0 ? generation->valid_to_ms : KW_MIN(first_ms, generation->valid_to_ms);
    }
    return first_ms;
}

/* Of imported material, while it is there. */
static void write_expiration(struct kw_json_out *out, const struct kw_kms_key *key)
{
    const struct kw_generation *current = kw_kms_key_current(key);
    int64_t valid_to_ms = first_expiry_ms(key);

    if (key->origin != KW_ORIGIN_EXTERNAL || current == NULL || current->material == NULL)
        return;
    kw_call_write_text(
        out, "ExpirationModel", valid_to_ms != 0 ? "KEY_MATERIAL_EXPIRES" : "KEY_MATERIAL_DOES_NOT_EXPIRE");
    if (valid_to_ms != 0)
        write_time(out, "ValidTo", valid_to_ms);
}

static void write_material_id(struct kw_json_out *out, const struct kw_kms_key *key)
{
    const struct kw_generation *current = kw_kms_key_current(key);

    if (key->spec != KW_KEY_SYMMETRIC_DEFAULT || current == NULL || current->material == NULL)
        return;
    kw_json_key(out, "CurrentKeyMaterialId");
    kw_json_hex(out, KW_BYTES(current->id, sizeof(current->id)));
}

static void write_custom_store(
    const struct kw_call *call, struct kw_json_out *out, const struct kw_kms_key *key)
{
    const struct kw_custom_store *store = kw_snapshot_store_of(call->snapshot, key);

    if (!kw_tokenkey_is(key))
        return;
    kw_call_write_text(out, "CustomKeyStoreId", key->custom_store);
    if (store != NULL)
        kw_call_write_text(out, "CloudHsmClusterId", store->cluster);
}

void kw_keymeta_write(
    const struct kw_call *call, struct kw_json_out *out, const char *name, const struct kw_kms_key *key)
{
    enum kw_key_state state = kw_tokenkey_state(call, key);

    kw_json_key(out, name);
    kw_json_begin_object(out);
    kw_call_write_text(out, "AWSAccountId", key->account);
    kw_call_write_text(out, "KeyId", key->id_text);
    kw_call_write_text(out, "Arn", key->arn);
    write_time(out, "CreationDate", key->created_ms);
    write_bool(out, "Enabled", state == KW_KEY_ENABLED);
    kw_call_write_text(out, "Description", key->description);
    kw_call_write_text(out, "KeyUsage", kw_key_usage_name(key->usage));
    kw_call_write_text(out, "KeyState", kw_key_state_name(state));
    if (key->state == KW_KEY_PENDING_DELETION)
        write_time(out, "DeletionDate", key->deletion_ms);
    write_expiration(out, key);
    kw_call_write_text(out, "Origin", kw_key_origin_name(key->origin));
    write_custom_store(call, out, key);
    kw_call_write_text(out, "KeyManager", "CUSTOMER");
    kw_call_write_text(out, "CustomerMasterKeySpec", kw_key_spec_name(key->spec));
    kw_call_write_text(out, "KeySpec", kw_key_spec_name(key->spec));
    kw_keymeta_write_algorithms(out, key->spec, key->usage);
    write_bool(out, "MultiRegion", key->multi_region);
    if (key->multi_region)
        write_multi_region(out, key);
    if (key->state == KW_KEY_PENDING_REPLICA_DELETION) {
        kw_json_key(out, "PendingDeletionWindowInDays");
        kw_json_int(out, key->pending_days);
    }
    write_material_id(out, key);
    kw_json_end_object(out);
}

int kw_keymeta_answer(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_keymeta_write(call, &out, "KeyMetadata", key);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

/* ---- members in common ---- */

static bool has_tag(const struct kw_tag *tags, uint32_t num, const char *name)
{
    for (uint32_t i = 0; i < num; i++) {
        if (strcmp(tags[i].key, name) == 0)
            return true;
    }
    return false;
}

static int read_tag(struct kw_call *call, const struct kw_value *tag, struct kw_tag *tags, uint32_t num)
{
    struct kw_bytes name = kw_input_string(tag, "TagKey"), value = kw_input_string(tag, "TagValue");

    if (kw_bytes_find(name, 0) >= 0 || kw_bytes_find(value, 0) >= 0)
        return kw_call_refuse(call, KW_ERROR_TAG, "Tags must not contain NUL characters");
    if (name.len >= 4 && kw_bytes_equal_nocase(KW_BYTES(name.ptr, 4), KW_LIT("aws:")))
        return kw_call_refuse(call, KW_ERROR_TAG, "Tags beginning with aws: are reserved");
    tags[num].key = (const char *)name.ptr;
    tags[num].value = (const char *)value.ptr;
    if (has_tag(tags, num, tags[num].key))
        return kw_call_refuse(call, KW_ERROR_TAG, "Duplicate tag keys");
    return KW_CALL_DONE;
}

int kw_keymeta_read_tags(struct kw_call *call, struct kw_tag tags[KW_TAGS_MAX], uint32_t *ret_num)
{
    const struct kw_value *list = kw_input_array(call->input, "Tags"), *tag;

    *ret_num = 0;
    if (kw_value_num(list) > KW_TAGS_MAX)
        return kw_call_refuse(call, KW_ERROR_TAG, "Too many tags");
    for (KW_VALUE_EACH(list, tag)) {
        int r = read_tag(call, tag, tags, *ret_num);

        if (r != KW_CALL_DONE)
            return r;
        ++*ret_num;
    }
    return KW_CALL_DONE;
}

int kw_keymeta_read_description(struct kw_call *call, struct kw_kms_key *edit)
{
    struct kw_bytes text = kw_input_string(call->input, "Description");

    if (kw_bytes_find(text, 0) >= 0)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "The description must not contain NUL characters.");
    if (text.ptr != NULL)
        edit->description = (const char *)text.ptr; /* value.h: it ends with a NUL */
    return KW_CALL_DONE;
}

static const char *principal_type(const struct kw_caller *caller)
{
    switch (caller->kind) {
    case KW_CALLER_ROOT:
        return "Account";
    case KW_CALLER_USER:
        return "User";
    case KW_CALLER_SESSION:
        break;
    }
    return "AssumedRole";
}

/* Could the caller call PutKeyPolicy under that policy, as it calls now? What the next call has in common
 * with this one is said; other conditions are left open, and so is the name of a key that is not made yet. */
static bool locks_out(struct kw_call *call, const struct kw_kms_key *key, const struct kw_policy *policy)
{
    const struct kw_caller *caller = &call->identity.caller;
    struct kw_policy_request request = {
        .caller = caller,
        .action = KW_LIT("kms:PutKeyPolicy"),
        .resource = key != NULL ? kw_bytes_str(key->arn) : KW_LIT(""),
        .resource_account = caller->account,
    };

    request.value[KW_CK_AWS_PRINCIPAL_ACCOUNT] = caller->account;
    request.value[KW_CK_AWS_PRINCIPAL_ARN] =
        caller->kind == KW_CALLER_SESSION ? caller->role_arn : caller->arn;
    request.value[KW_CK_AWS_PRINCIPAL_IS_SERVICE] = KW_LIT("false");
    request.value[KW_CK_AWS_PRINCIPAL_TYPE] = kw_bytes_str(principal_type(caller));
    request.value[KW_CK_AWS_RESOURCE_ACCOUNT] = caller->account;
    request.value[KW_CK_AWS_USERID] = kw_bytes_str(call->identity.user_id);
    request.value[KW_CK_AWS_VIA_SERVICE] = KW_LIT("false");
    request.value[KW_CK_KMS_BYPASS_LOCKOUT] = KW_LIT("false");
    request.value[KW_CK_KMS_CALLER_ACCOUNT] = caller->account;
    if (key != NULL)
        request.value[KW_CK_AWS_REQUESTED_REGION] = kw_bytes_str(call->region);
    return kw_policy_locks_out(policy, &request);
}

static int refuse_policy(struct kw_call *call, int r, const char *why)
{
    if (r == KW_POLICYDOC_TOO_LONG)
        return kw_call_refuse(
            call, KW_ERROR_LIMIT_EXCEEDED, "A key policy has at most %u bytes.", KW_POLICYDOC_MAX);
    if (r != KW_POLICY_MALFORMED)
        return kw_call_internal(call);
    return why[0] == '\0' ? kw_call_refuse_bare(call, KW_ERROR_MALFORMED_POLICY)
                          : kw_call_refuse(call, KW_ERROR_MALFORMED_POLICY, "%s", why);
}

int kw_keymeta_read_policy(struct kw_call *call, const struct kw_kms_key *key, struct kw_policy **ret)
{
    struct kw_bytes text = kw_input_string(call->input, "Policy");
    const char *partition = kw_region_partition(call->region);
    KW_SBUF struct kw_sbuf printed = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    KW_POLICY struct kw_policy *policy = NULL;
    char why[256] = "";
    int r;

    if (text.ptr == NULL)
        return KW_CALL_DONE;
    r = kw_policydoc_normalise(text, partition, &printed, why, sizeof(why));
    if (r == 0)
        r = kw_policy_new(&policy, KW_POLICY_KEY, kw_sbuf_bytes(&printed), partition, why, sizeof(why));
    if (r != 0)
        return refuse_policy(call, r, why);
    if (!kw_input_true(call->input, "BypassPolicyLockoutSafetyCheck") && locks_out(call, key, policy))
        return kw_call_refuse(call, KW_ERROR_MALFORMED_POLICY,
            "The new key policy will not allow you to update the key policy in the future.");
    *ret = policy;
    policy = NULL;
    return KW_CALL_DONE;
}
