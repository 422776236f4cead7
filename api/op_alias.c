/* CreateAlias, DeleteAlias and ListAliases. */
#include "api/operations.h"

static int refuse_name(struct kw_call *call, struct kw_bytes name)
{
    if (!kw_bytes_starts(name, KW_LIT("alias/")))
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "Alias must start with the prefix \"alias/\". Please see "
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
    if (kw_bytes_starts(name, KW_LIT("alias/aws/")))
        return kw_call_refuse(
            call, KW_ERROR_INVALID_ALIAS_NAME, "Alias names that begin with alias/aws/ are reserved by AWS.");
    if (!kw_alias_name_valid(name))
        return kw_call_refuse(call, KW_ERROR_INVALID_ALIAS_NAME,
            "%.*s contains invalid characters for an alias", (int)name.len, (const char *)name.ptr);
    return KW_CALL_DONE;
}

static int run_create(struct kw_call *call)
{
    struct kw_change change = {
        .kind = KW_CHANGE_CREATE_ALIAS, .alias = kw_input_string(call->input, "AliasName")};
    struct kw_bytes target = kw_input_string(call->input, "TargetKeyId");
    struct kw_keyname name;
    int r = refuse_name(call, change.alias);

    if (r != KW_CALL_DONE)
        return r;
    if (kw_keyname_parse(target, &name) == 0 &&
        (name.form == KW_KEYNAME_ALIAS || name.form == KW_KEYNAME_ALIAS_ARN))
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "Aliases must refer to keys. Not aliases");
    r = kw_call_find_key(call, target, false);
    if (r != KW_CALL_DONE)
        return r;
    if (call->key->state == KW_KEY_PENDING_DELETION)
        return kw_call_refuse(call, KW_ERROR_INVALID_STATE, "%s is pending deletion.", call->key->arn);
    memcpy(change.key_id, call->key->id, sizeof(change.key_id));
    return kw_call_prepare_change(call, &change);
}

static int stored_create(struct kw_call *call)
{
    char arn[512];

    kw_call_arn(call, kw_input_string(call->input, "AliasName"), arn, sizeof(arn));
    switch (call->change.result) {
    case 0:
        return KW_CALL_DONE;
    case KW_STORE_EXISTS:
        return kw_call_refuse(call, KW_ERROR_ALREADY_EXISTS, "An alias with the name %s already exists", arn);
    case KW_STORE_NOT_FOUND:
        return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key '%s' does not exist", call->key_arn);
    case KW_STORE_LIMIT:
        return kw_call_refuse(
            call, KW_ERROR_LIMIT_EXCEEDED, "A KMS key may have at most %u aliases.", KW_ALIASES_PER_KEY_MAX);
    default:
        return kw_call_internal(call);
    }
}

static int alias_not_found(struct kw_call *call, struct kw_bytes name)
{
    char arn[512];

    kw_call_arn(call, name, arn, sizeof(arn));
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Alias %s is not found.", arn);
}

static int run_delete(struct kw_call *call)
{
    struct kw_change change = {
        .kind = KW_CHANGE_DELETE_ALIAS, .alias = kw_input_string(call->input, "AliasName")};
    const struct kw_service *service = kw_service_thread_service(call->thread);
    const struct kw_alias *alias;
    int r;

    /* A name that no alias can have is not found, like any other that none has. */
    alias = kw_snapshot_alias(
        call->snapshot, kw_bytes_str(call->identity.account), kw_bytes_str(service->region), change.alias);
    if (alias == NULL)
        return alias_not_found(call, change.alias);
    call->key = kw_snapshot_key_by_id(call->snapshot, alias->key_id);
    if (call->key == NULL)
        return kw_call_internal(call);
    memcpy(call->key_arn, call->key->arn, sizeof(call->key_arn));
    memcpy(call->key_account, call->key->account, sizeof(call->key_account));
    r = kw_call_authorize_key(call, call->key);
    return r == KW_CALL_DONE ? kw_call_prepare_change(call, &change) : r;
}

static int stored_delete(struct kw_call *call)
{
    if (call->change.result == KW_STORE_NOT_FOUND)
        return alias_not_found(call, kw_input_string(call->input, "AliasName"));
    return call->change.result == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

/* ---- ListAliases ---- */

static void write_alias(const struct kw_call *call, struct kw_json_out *out, const struct kw_alias *alias)
{
    char arn[512], id[37] = {0};

    kw_call_arn(call, kw_bytes_str(alias->name), arn, sizeof(arn));
    kw_uuid_format(alias->key_id, id);
    kw_json_begin_object(out);
    kw_json_key(out, "AliasName");
    kw_json_cstring(out, alias->name);
    kw_json_key(out, "AliasArn");
    kw_json_cstring(out, arn);
    kw_json_key(out, "TargetKeyId");
    kw_json_cstring(out, id);
    kw_json_key(out, "CreationDate");
    kw_json_epoch(out, alias->created_ms);
    kw_json_key(out, "LastUpdatedDate");
    kw_json_epoch(out, alias->updated_ms);
    kw_json_end_object(out);
}

static void write_aliases(
    struct kw_call *call, struct kw_json_out *out, size_t from, size_t limit, const uint8_t *of_key)
{
    const struct kw_service *service = kw_service_thread_service(call->thread);
    const struct kw_snapshot *snapshot = call->snapshot;
    const struct kw_alias *last = NULL;
    size_t count = 0;
    bool more = false;

    kw_json_key(out, "Aliases");
    kw_json_begin_array(out);
    for (size_t i = from; i < snapshot->num_aliases && !more; i++) {
        const struct kw_alias *alias = snapshot->aliases[i];

        if (strcmp(alias->account, call->identity.account) != 0 ||
            strcmp(alias->region, service->region) != 0)
            break;
        if (of_key != NULL && memcmp(alias->key_id, of_key, KW_KMS_KEY_ID_LEN) != 0)
            continue;
        more = count == limit;
        if (!more) {
            write_alias(call, out, alias);
            last = alias;
            count++;
        }
    }
    kw_json_end_array(out);
    if (more)
        kw_marker_write(out, KW_MARKER_ALIASES, kw_bytes_str(last->name));
    kw_json_key(out, "Truncated");
    kw_json_bool(out, more);
}

static int run_list(struct kw_call *call)
{
    const struct kw_service *service = kw_service_thread_service(call->thread);
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_bytes marker = kw_input_string(call->input, "Marker"),
                    key_id = kw_input_string(call->input, "KeyId");
    uint8_t after[KW_ALIAS_NAME_MAX];
    size_t from, len = 0;
    int r = key_id.ptr == NULL ? kw_call_authorize(call, "*") : kw_call_find_key(call, key_id, false);

    if (r != KW_CALL_DONE)
        return r;
    if (marker.ptr != NULL && (kw_marker_decode(marker, KW_MARKER_ALIASES, after, sizeof(after), &len) != 0 ||
                                  !kw_alias_name_valid(KW_BYTES(after, len))))
        return kw_call_refuse(call, KW_ERROR_INVALID_MARKER, "The marker is not valid.");
    from = kw_snapshot_alias_after(call->snapshot, kw_bytes_str(call->identity.account),
        kw_bytes_str(service->region), KW_BYTES(after, len));
    kw_json_begin_object(&out);
    write_aliases(call, &out, from, (size_t)kw_input_integer(call->input, "Limit", 50),
        call->key == NULL ? NULL : call->key->id);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_create_alias = {
    .model = &kw_model_create_alias,
    .run = run_create,
    .stored = stored_create,
};

const struct kw_operation kw_op_delete_alias = {
    .model = &kw_model_delete_alias,
    .run = run_delete,
    .stored = stored_delete,
};

const struct kw_operation kw_op_list_aliases = {
    .model = &kw_model_list_aliases,
    .read_only = true,
    .run = run_list,
};
