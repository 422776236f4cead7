/* CreateAlias, UpdateAlias, DeleteAlias and ListAliases. */
#include "api/callauthz.h"
#include "api/keyname.h"
#include "api/operations.h"

static struct kw_bytes account_of(const struct kw_call *call)
{
    return kw_bytes_str(call->identity.account);
}

static const struct kw_alias *find_alias(const struct kw_call *call)
{
    return kw_snapshot_alias(call->snapshot, account_of(call), kw_bytes_str(call->region),
        kw_input_string(call->input, "AliasName"));
}

static int refuse_prefix(struct kw_call *call)
{
    if (kw_bytes_starts(kw_input_string(call->input, "AliasName"), KW_LIT("alias/")))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "Alias must start with the prefix \"alias/\". Please see "
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
}

static int refuse_name(struct kw_call *call)
{
    struct kw_bytes name = kw_input_string(call->input, "AliasName");
    int r = refuse_prefix(call);

    if (r != KW_CALL_DONE)
        return r;
    if (kw_bytes_starts(name, KW_LIT("alias/aws/")))
        return kw_call_refuse_bare(call, KW_ERROR_NOT_AUTHORIZED);
    if (!kw_alias_name_valid(name))
        return kw_call_refuse_quoting(
            call, KW_ERROR_VALIDATION, "", name, " contains invalid characters for an alias");
    return KW_CALL_DONE;
}

/* The key that an alias shall name, and whether its state allows that. */
static int find_target(struct kw_call *call)
{
    struct kw_bytes target = kw_input_string(call->input, "TargetKeyId");
    struct kw_keyname name;
    int r;

    if (kw_keyname_parse(target, &name) == 0 &&
        (name.form == KW_KEYNAME_ALIAS || name.form == KW_KEYNAME_ALIAS_ARN))
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "Aliases must refer to keys. Not aliases");
    r = kw_call_find_key(call, target, false);
    return r == KW_CALL_DONE ? kw_call_require_state(call) : r;
}

/* What is done with an alias needs the permission on it as on its keys. */
static int authorize_alias(struct kw_call *call)
{
    char arn[KW_ARN_MAX];

    kw_call_arn(call, kw_input_string(call->input, "AliasName"), arn, sizeof(arn));
    return kw_call_authorize(call, arn);
}

static bool key_is_full(const struct kw_call *call)
{
    struct kw_place place = kw_place_key(call->key);

    return kw_snapshot_count(&call->snapshot->key_aliases, &place) >= KW_ALIASES_PER_KEY_MAX;
}

static int refuse_full(struct kw_call *call)
{
    return kw_call_refuse(
        call, KW_ERROR_LIMIT_EXCEEDED, "A KMS key may have at most %u aliases.", KW_ALIASES_PER_KEY_MAX);
}

/* created_ms 0: now. */
static int put_alias(struct kw_call *call, int64_t created_ms)
{
    struct kw_alias alias = {
        .account = call->identity.account,
        .region = call->region,
        .name = (const char *)kw_input_string(call->input, "AliasName").ptr,
        .created_ms = created_ms != 0 ? created_ms : call->now_ms,
        .updated_ms = call->now_ms,
    };
    int r;

    memcpy(alias.key_id, call->key->id, sizeof(alias.key_id));
    r = kw_tx_put_alias(call->tx, &alias);
    return r > 0 ? kw_call_internal(call) : r;
}

/* ---- CreateAlias ---- */

static int check_create(struct kw_call *call)
{
    char arn[KW_ARN_MAX];
    int r = refuse_name(call);

    if (r == KW_CALL_DONE)
        r = authorize_alias(call);
    if (r == KW_CALL_DONE)
        r = find_target(call);
    if (r != KW_CALL_DONE)
        return r;
    kw_call_arn(call, kw_input_string(call->input, "AliasName"), arn, sizeof(arn));
    if (find_alias(call) != NULL)
        return kw_call_refuse(call, KW_ERROR_ALREADY_EXISTS, "An alias with the name %s already exists", arn);
    return key_is_full(call) ? refuse_full(call) : KW_CALL_DONE;
}

static int run_create(struct kw_call *call)
{
    int r = check_create(call);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_create(struct kw_call *call)
{
    int r = check_create(call);

    return r == KW_CALL_DONE ? put_alias(call, 0) : r;
}

const struct kw_operation kw_op_create_alias = {
    .model = &kw_model_create_alias,
    .states = KW_STATES_NOTE,
    .run = run_create,
    .apply = apply_create,
};

/* ---- UpdateAlias ---- */

static enum kw_key_kind kind_of(const struct kw_kms_key *key)
{
    return kw_key_spec_info(key->spec)->kind;
}

/* Symmetric keys, HMAC keys and pairs are different types; what kind of pair makes no difference. */
static bool same_type(const struct kw_kms_key *a, const struct kw_kms_key *b)
{
    bool a_pair = kind_of(a) != KW_KEY_KIND_SYMMETRIC && kind_of(a) != KW_KEY_KIND_HMAC;
    bool b_pair = kind_of(b) != KW_KEY_KIND_SYMMETRIC && kind_of(b) != KW_KEY_KIND_HMAC;

    return a->usage == b->usage && a_pair == b_pair && (a_pair || kind_of(a) == kind_of(b));
}

static int check_update(struct kw_call *call, const struct kw_alias **ret_alias)
{
    const struct kw_kms_key *before;
    int r = refuse_name(call);

    if (r == KW_CALL_DONE)
        r = authorize_alias(call);
    if (r != KW_CALL_DONE)
        return r;
    *ret_alias = find_alias(call);
    if (*ret_alias == NULL)
        return kw_call_alias_not_found(call, kw_input_string(call->input, "AliasName"));
    before =
        kw_snapshot_key(call->snapshot, account_of(call), kw_bytes_str(call->region), (*ret_alias)->key_id);
    if (before == NULL)
        return kw_call_internal(call);
    r = kw_call_authorize_key(call, before);
    if (r == KW_CALL_DONE)
        r = find_target(call);
    if (r != KW_CALL_DONE)
        return r;
    if (!same_type(before, call->key))
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "The current and the new KMS key of an alias must be of the same type and have the same key "
            "usage.");
    return before != call->key && key_is_full(call) ? refuse_full(call) : KW_CALL_DONE;
}

static int run_update(struct kw_call *call)
{
    const struct kw_alias *alias;
    int r = check_update(call, &alias);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_update(struct kw_call *call)
{
    const struct kw_alias *alias;
    int r = check_update(call, &alias);

    return r == KW_CALL_DONE ? put_alias(call, alias->created_ms) : r;
}

const struct kw_operation kw_op_update_alias = {
    .model = &kw_model_update_alias,
    .states = KW_STATES_NOTE,
    .run = run_update,
    .apply = apply_update,
};

/* ---- DeleteAlias ---- */

/* A name behind the prefix that no alias can have is not found, like any other that none has. */
static int check_delete(struct kw_call *call, const struct kw_alias **ret_alias)
{
    const struct kw_kms_key *key;
    int r = refuse_prefix(call);

    if (r == KW_CALL_DONE)
        r = authorize_alias(call);
    if (r != KW_CALL_DONE)
        return r;
    *ret_alias = find_alias(call);
    if (*ret_alias == NULL)
        return kw_call_alias_not_found(call, kw_input_string(call->input, "AliasName"));
    key = kw_snapshot_key(call->snapshot, account_of(call), kw_bytes_str(call->region), (*ret_alias)->key_id);
    return key != NULL ? kw_call_take_key(call, key) : kw_call_internal(call);
}

static int run_delete(struct kw_call *call)
{
    const struct kw_alias *alias;
    int r = check_delete(call, &alias);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_delete(struct kw_call *call)
{
    const struct kw_alias *alias;
    int r = check_delete(call, &alias);

    return r == KW_CALL_DONE ? kw_tx_remove_alias(call->tx, alias) : r;
}

const struct kw_operation kw_op_delete_alias = {
    .model = &kw_model_delete_alias,
    .run = run_delete,
    .apply = apply_delete,
};

/* ---- ListAliases ---- */

static void write_alias(struct kw_call *call, struct kw_json_out *out, const struct kw_alias *alias)
{
    const struct kw_kms_key *key =
        kw_snapshot_key(call->snapshot, account_of(call), kw_bytes_str(call->region), alias->key_id);
    char arn[KW_ARN_MAX];

    kw_call_arn(call, kw_bytes_str(alias->name), arn, sizeof(arn));
    kw_json_begin_object(out);
    kw_call_write_text(out, "AliasName", alias->name);
    kw_call_write_text(out, "AliasArn", arn);
    if (key != NULL)
        kw_call_write_text(out, "TargetKeyId", key->id_text);
    kw_json_key(out, "CreationDate");
    kw_json_epoch(out, alias->created_ms);
    kw_json_key(out, "LastUpdatedDate");
    kw_json_epoch(out, alias->updated_ms);
    kw_json_end_object(out);
}

static int begin_page(struct kw_call *call, struct kw_page *page)
{
    struct kw_bytes key_id = kw_input_string(call->input, "KeyId");
    struct kw_place place = kw_place_account(account_of(call), kw_bytes_str(call->region));
    int r = kw_call_authorize(call, "*");

    if (r != KW_CALL_DONE)
        return r;
    if (key_id.ptr == NULL)
        return kw_page_begin(call, page, KW_PAGE_ALIASES, 50, 100, &call->snapshot->aliases, &place);
    r = kw_call_find_own_key(call, key_id, false);
    if (r != KW_CALL_DONE)
        return r;
    place = kw_place_key(call->key);
    return kw_page_begin(call, page, KW_PAGE_KEY_ALIASES, 50, 100, &call->snapshot->key_aliases, &place);
}

static int run_list(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    const struct kw_alias *alias;
    struct kw_page page;
    int r = begin_page(call, &page);

    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_json_key(&out, "Aliases");
    kw_json_begin_array(&out);
    while ((alias = kw_page_next(&page)) != NULL) {
        kw_page_show(&page);
        write_alias(call, &out, alias);
    }
    kw_json_end_array(&out);
    kw_page_end(&page, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_list_aliases = {
    .model = &kw_model_list_aliases,
    .read_only = true,
    .run = run_list,
    .note = "There are no AWS managed keys, so none of their aliases (alias/aws/...) is listed.",
};
