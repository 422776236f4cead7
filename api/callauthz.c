#include "api/callauthz.h"

#include "api/callvalues.h"
#include "api/grantindex.h"
#include "api/operations.h"
#include "api/permission.h"
#include "api/related.h"

#include <stdio.h>

/* All that one decision is made of. Texts are the call's, the snapshot's or tables'. */
struct decision {
    struct kw_call *call;
    const struct kw_permission *permission; /* NULL: of an action that no operation asks for */
    const struct kw_kms_key *key;           /* NULL: none */
    const struct kw_value *context;         /* the encryption context; NULL: none */
    struct kw_policy_request request;
    struct kw_authz_question question;
    const struct kw_policy *identity[KW_PRINCIPAL_POLICIES_MAX];
    char number[24];    /* a member that is one */
    const json_t *said; /* of a question: values of condition keys instead of the call's; NULL: none */
    /* Where a list was left: policies ask for one value after the other */
    const struct kw_value *list, *item;
    size_t index;
};

static bool has(const struct decision *decision, unsigned flag)
{
    return decision->permission != NULL && (decision->permission->flags & flag) != 0;
}

/* ---- values that are one ---- */

static void put(struct decision *decision, enum kw_condkey key, struct kw_bytes value)
{
    decision->request.value[key] = value;
}

static void put_str(struct decision *decision, enum kw_condkey key, const char *value)
{
    put(decision, key, kw_bytes_str(value));
}

static void put_bool(struct decision *decision, enum kw_condkey key, bool value)
{
    put(decision, key, value ? KW_LIT("true") : KW_LIT("false"));
}

static void put_kind(struct decision *decision, struct kw_bytes spec, struct kw_bytes usage,
    struct kw_bytes origin, bool multi_region)
{
    put(decision, KW_CK_KMS_KEY_SPEC, spec);
    put(decision, KW_CK_KMS_MASTER_KEY_SPEC, spec);
    put(decision, KW_CK_KMS_KEY_USAGE, usage);
    put(decision, KW_CK_KMS_MASTER_KEY_USAGE, usage);
    put(decision, KW_CK_KMS_KEY_ORIGIN, origin);
    put_bool(decision, KW_CK_KMS_MULTI_REGION, multi_region);
}

static void put_key(struct decision *decision, const struct kw_kms_key *key)
{
    put_kind(decision, kw_bytes_str(kw_key_spec_name(key->spec)), kw_bytes_str(kw_key_usage_name(key->usage)),
        kw_bytes_str(kw_key_origin_name(key->origin)), key->multi_region);
    if (key->multi_region)
        put(decision, KW_CK_KMS_MULTI_REGION_KEY_TYPE,
            kw_related_is_replica(key) ? KW_LIT("REPLICA") : KW_LIT("PRIMARY"));
}

static struct kw_bytes member_or(const struct kw_value *input, const char *name, struct kw_bytes absent)
{
    struct kw_bytes text = kw_input_string(input, name);

    return text.ptr != NULL ? text : absent;
}

/* What CreateKey asks for, with its defaults. */
static void put_new_key(struct decision *decision)
{
    const struct kw_value *input = decision->call->input;
    bool multi_region = kw_input_true(input, "MultiRegion");
    struct kw_bytes old_spec = member_or(input, "CustomerMasterKeySpec", KW_LIT("SYMMETRIC_DEFAULT"));

    put_kind(decision, member_or(input, "KeySpec", old_spec),
        member_or(input, "KeyUsage", KW_LIT("ENCRYPT_DECRYPT")),
        member_or(input, "Origin", KW_LIT("AWS_KMS")), multi_region);
    if (multi_region)
        put(decision, KW_CK_KMS_MULTI_REGION_KEY_TYPE, KW_LIT("PRIMARY"));
}

/* A replica is what its primary is, and is made in the other Region. */
static void put_replica(struct decision *decision)
{
    if (decision->call->key != NULL)
        put_key(decision, decision->call->key);
    put(decision, KW_CK_KMS_MULTI_REGION_KEY_TYPE, KW_LIT("REPLICA"));
    put(decision, KW_CK_AWS_REQUESTED_REGION, kw_input_string(decision->call->input, "ReplicaRegion"));
}

static struct kw_bytes read_value(struct decision *decision, const struct kw_permission_value *value)
{
    const struct kw_value *member =
        value->member != NULL ? kw_value_get(decision->call->input, value->member) : NULL;

    if (kw_value_is(member, KW_VALUE_STRING))
        return kw_input_text(member);
    if (kw_value_is_boolean(member))
        return kw_value_is(member, KW_VALUE_TRUE) ? KW_LIT("true") : KW_LIT("false");
    if (kw_value_is(member, KW_VALUE_INTEGER)) {
        int len =
            snprintf(decision->number, sizeof(decision->number), "%lld", (long long)kw_value_integer(member));

        return KW_BYTES(decision->number, (size_t)len);
    }
    return value->absent != NULL ? kw_bytes_str(value->absent) : KW_BYTES(NULL, 0);
}

/* Of a grant that is to be made, its constraint stands for the encryption context. A subset of no pairs is in
 * every context: that is no constraint. */
static void put_grant(struct decision *decision)
{
    const struct kw_value *constraints = kw_input_object(decision->call->input, "Constraints");
    const char *type = NULL;

    if (constraints != NULL && kw_input_has(constraints, "EncryptionContextEquals"))
        type = "EncryptionContextEquals";
    else if (kw_value_num(kw_input_object(constraints, "EncryptionContextSubset")) > 0)
        type = "EncryptionContextSubset";
    if (type == NULL)
        return;
    put_str(decision, KW_CK_KMS_GRANT_CONSTRAINT_TYPE, type);
    decision->context = kw_input_object(constraints, type);
}

/* What the table says of the permission. */
static void put_permission(struct decision *decision)
{
    const struct kw_permission *permission = decision->permission;
    const struct kw_call *call = decision->call;

    for (size_t i = 0; i < permission->num_values; i++)
        put(decision, permission->values[i].key, read_value(decision, &permission->values[i]));
    if (permission->context != NULL)
        decision->context = kw_input_object(call->input, permission->context);
    if (has(decision, KW_PERMISSION_NEW_KEY))
        put_new_key(decision);
    if (has(decision, KW_PERMISSION_REPLICA))
        put_replica(decision);
    if (has(decision, KW_PERMISSION_GRANT))
        put_grant(decision);
    if (has(decision, KW_PERMISSION_NAMED))
        put(decision, KW_CK_KMS_REQUEST_ALIAS, call->alias);
    if (has(decision, KW_PERMISSION_BOTH))
        put_bool(decision, KW_CK_KMS_REENCRYPT_ON_SAME_KEY, decision->key == call->other_key);
}

/* ---- values that are asked for ---- */

static bool give_valid_to(struct decision *decision, size_t index, struct kw_bytes *ret)
{
    const struct kw_value *input = decision->call->input;

    if (!has(decision, KW_PERMISSION_VALID_TO) || !kw_input_has(input, "ValidTo"))
        return false;
    return kw_callvalues_date(&decision->request, index, kw_input_time_ms(input, "ValidTo", 0), ret);
}

/* The item or member of that index, or NULL; goes on where it was left. */
static const struct kw_value *item_at(struct decision *decision, const struct kw_value *list, size_t index)
{
    if (decision->list != list || index == 0 || decision->index + 1 != index) {
        decision->list = list;
        decision->item = kw_value_first(list);
        decision->request.looked += index;
        for (size_t i = 0; i < index && decision->item != NULL; i++)
            decision->item = kw_value_next(list, decision->item);
    } else if (decision->item != NULL) {
        decision->item = kw_value_next(list, decision->item);
    }
    decision->index = index;
    return decision->item;
}

static bool give_name(
    struct decision *decision, const struct kw_value *map, size_t index, struct kw_bytes *ret)
{
    const struct kw_value *pair = item_at(decision, map, index);

    *ret = pair != NULL ? kw_value_key(pair) : *ret;
    return pair != NULL;
}

/* Of pairs whose names differ in case only, each has a value. */
static bool give_value(struct decision *decision, const struct kw_value *map, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    const struct kw_value *value;

    for (KW_VALUE_EACH(map, value)) {
        decision->request.looked++;
        if (!kw_bytes_equal_nocase(kw_value_key(value), name) || index-- > 0)
            continue;
        *ret = kw_input_text(value);
        return true;
    }
    return false;
}

static bool give_request_tag(
    struct decision *decision, struct kw_bytes name, size_t index, struct kw_bytes *ret)
{
    const struct kw_value *tags =
        has(decision, KW_PERMISSION_TAGS) ? kw_input_array(decision->call->input, "Tags") : NULL;
    const struct kw_value *tag;

    for (KW_VALUE_EACH(tags, tag)) {
        if (!kw_bytes_equal_nocase(kw_input_string(tag, "TagKey"), name) || index-- > 0)
            continue;
        *ret = kw_input_string(tag, "TagValue");
        return true;
    }
    return false;
}

static bool give_tag_key(struct decision *decision, size_t index, struct kw_bytes *ret)
{
    const struct kw_value *input = decision->call->input, *item;

    if (has(decision, KW_PERMISSION_TAGS)) {
        item = item_at(decision, kw_input_array(input, "Tags"), index);
        *ret = item != NULL ? kw_input_string(item, "TagKey") : *ret;
        return item != NULL;
    }
    item = has(decision, KW_PERMISSION_TAG_KEYS) ? item_at(decision, kw_input_array(input, "TagKeys"), index)
                                                 : NULL;
    *ret = item != NULL ? kw_input_text(item) : *ret;
    return item != NULL;
}

static bool give_operation(struct decision *decision, size_t index, struct kw_bytes *ret)
{
    const struct kw_value *item = NULL;

    if (has(decision, KW_PERMISSION_GRANT))
        item = item_at(decision, kw_input_array(decision->call->input, "Operations"), index);
    *ret = item != NULL ? kw_input_text(item) : *ret;
    return item != NULL;
}

static bool give_alias(struct decision *decision, size_t index, struct kw_bytes *ret)
{
    const struct kw_map *aliases = &decision->call->snapshot->key_aliases;
    struct kw_place place;

    if (decision->key == NULL)
        return false;
    place = kw_place_key(decision->key);
    if (index >= kw_snapshot_count(aliases, &place))
        return false;
    *ret = kw_bytes_str(
        ((const struct kw_alias *)kw_map_at(aliases, kw_map_rank(aliases, &place) + index))->name);
    return true;
}

static bool give_resource_tag(
    struct decision *decision, struct kw_bytes name, size_t index, struct kw_bytes *ret)
{
    const struct kw_kms_key *key = decision->key;

    /* A key that is made has the tags that it is made with. */
    if (has(decision, KW_PERMISSION_NEW_KEY | KW_PERMISSION_REPLICA))
        return give_request_tag(decision, name, index, ret);
    return key != NULL && kw_callvalues_tag(key->tags, key->num_tags, name, index, ret);
}

static bool value_at(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    struct decision *decision = request->arg;

    switch (key) {
    case KW_CK_AWS_REQUEST_TAG:
        return give_request_tag(decision, name, index, ret);
    case KW_CK_AWS_RESOURCE_TAG:
        return give_resource_tag(decision, name, index, ret);
    case KW_CK_AWS_TAG_KEYS:
        return give_tag_key(decision, index, ret);
    case KW_CK_KMS_ENCRYPTION_CONTEXT:
        return give_value(decision, decision->context, name, index, ret);
    case KW_CK_KMS_ENCRYPTION_CONTEXT_KEYS:
        return give_name(decision, decision->context, index, ret);
    case KW_CK_KMS_GRANT_OPERATIONS:
        return give_operation(decision, index, ret);
    case KW_CK_KMS_RESOURCE_ALIASES:
        return give_alias(decision, index, ret);
    case KW_CK_KMS_VALID_TO:
        return give_valid_to(decision, index, ret);
    default:
        return kw_callvalues_at(request, decision->call, key, name, index, ret);
    }
}

/* ---- grants ---- */

static const struct kw_grant *find_grant(void *arg, bool *ret_to_role)
{
    struct decision *decision = arg;
    struct kw_grant_pair_bytes pairs[KW_ENC_CONTEXT_PAIRS_MAX];
    struct kw_grant_context context = {.pairs = pairs};
    uint32_t operation = kw_permission_grant(decision->permission);
    const struct kw_snapshot *snapshot = decision->call->snapshot;
    const struct kw_caller *caller = decision->request.caller;
    const struct kw_value *value;

    /* A context of more pairs is refused for its size, whoever sends it. */
    if (operation == 0 || kw_value_num(decision->context) > KW_ENC_CONTEXT_PAIRS_MAX)
        return NULL;
    if (operation == KW_GRANT_CREATE_GRANT)
        return decision->call->child != NULL
                   ? kw_grantindex_find_parent(snapshot, decision->key, caller, decision->call->child)
                   : NULL;
    if (decision->permission->context == NULL)
        return kw_grantindex_find(snapshot, decision->key, caller, operation, NULL, ret_to_role);
    for (KW_VALUE_EACH(decision->context, value))
        pairs[context.num++] = (struct kw_grant_pair_bytes){kw_value_key(value), kw_value_text(value)};
    return kw_grantindex_find(
        decision->call->snapshot, decision->key, decision->request.caller, operation, &context, ret_to_role);
}

/* ---- the question ---- */

/* The caller in this picture, if it is still the one who signed. */
static bool know_principal(struct kw_call *call)
{
    if (call->principal == NULL)
        call->principal = kw_identity_principal(&call->identity, call->snapshot);
    return call->principal != NULL;
}

static int refuse_gone(struct kw_call *call)
{
    (void)kw_call_refuse(
        call, KW_ERROR_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
    return KW_CALL_REFUSED;
}

static void ask_about(struct decision *decision, struct kw_bytes resource, struct kw_bytes account)
{
    struct kw_call *call = decision->call;
    const struct kw_principal *principal = call->principal;

    decision->request.caller = &call->identity.caller;
    decision->request.action = kw_bytes_str(decision->permission->action);
    decision->request.resource = resource;
    decision->request.resource_account = account;
    decision->request.value_at = value_at;
    decision->request.arg = decision;
    kw_callvalues_put(&decision->request, call);
    put(decision, KW_CK_KMS_CALLER_ACCOUNT, call->identity.caller.account);
    put_permission(decision);
    decision->question.request = &decision->request;
    decision->question.session = call->identity.session_policy;
    kw_assert(principal->num_policies <= KW_PRINCIPAL_POLICIES_MAX);
    for (uint32_t i = 0; i < principal->num_policies; i++)
        decision->identity[i] = principal->policies[i].policy;
    decision->question.num_identity = principal->num_policies;
    decision->question.identity = decision->identity;
}

static void ask_about_key(struct decision *decision, const struct kw_kms_key *key)
{
    decision->key = key;
    put_key(decision, key);
    ask_about(decision, kw_bytes_str(key->arn), kw_bytes_str(key->account));
    decision->question.key_policy = key->policy != NULL ? key->policy : kw_policy_default();
    decision->question.across = has(decision, KW_PERMISSION_ACROSS);
    decision->question.find_grant = find_grant;
    decision->question.find_grant_arg = decision;
}

static void begin(struct decision *decision, struct kw_call *call, const char *action)
{
    *decision = (struct decision){.call = call};
    decision->permission = kw_permission_find(call->operation_index, action);
    kw_assert(decision->permission != NULL);
}

/* ---- the answer ---- */

const char *kw_call_action(const struct kw_call *call)
{
    return call->action != NULL ? call->action : call->operation->model->name;
}

static int refuse(struct decision *decision, const struct kw_authz_verdict *verdict)
{
    struct kw_call *call = decision->call;

    call->error = KW_ERROR_ACCESS_DENIED;
    kw_sbuf_reset(&call->message, 0);
    kw_authz_refusal(&decision->question, verdict, &call->message);
    return KW_CALL_REFUSED;
}

static int decide_key(struct kw_call *call, const char *action, const struct kw_kms_key *key,
    struct decision *decision, struct kw_authz_verdict *ret)
{
    if (!know_principal(call))
        return refuse_gone(call);
    begin(decision, call, action);
    ask_about_key(decision, key);
    kw_authz_decide(&decision->question, ret);
    return KW_CALL_DONE;
}

int kw_call_authorize_key_as(struct kw_call *call, const char *action, const struct kw_kms_key *key)
{
    struct kw_authz_verdict verdict;
    struct decision decision;
    int r = decide_key(call, action, key, &decision, &verdict);

    if (r != KW_CALL_DONE || verdict.allowed)
        return r;
    return refuse(&decision, &verdict);
}

int kw_call_authorize_key(struct kw_call *call, const struct kw_kms_key *key)
{
    return kw_call_authorize_key_as(call, kw_call_action(call), key);
}

int kw_call_authorize_blob_key(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_authz_verdict verdict;
    struct decision decision;
    int r = decide_key(call, kw_call_action(call), key, &decision, &verdict);

    if (r != KW_CALL_DONE || verdict.allowed)
        return r;
    if (strcmp(key->account, call->identity.account) != 0 &&
        (verdict.reason == KW_AUTHZ_OTHER_ACCOUNT || verdict.reason == KW_AUTHZ_EXPLICIT_DENY))
        return kw_call_refuse_inaccessible(call);
    return refuse(&decision, &verdict);
}

int kw_call_refuse_inaccessible(struct kw_call *call)
{
    return kw_call_refuse(call, KW_ERROR_ACCESS_DENIED,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
        "or you are not allowed to access.");
}

int kw_call_authorize_as(struct kw_call *call, const char *action, const char *resource)
{
    struct kw_authz_verdict verdict;
    struct decision decision;

    if (!know_principal(call))
        return refuse_gone(call);
    begin(&decision, call, action);
    ask_about(&decision, kw_bytes_str(resource), call->identity.caller.account);
    kw_authz_decide(&decision.question, &verdict);
    if (verdict.allowed)
        return KW_CALL_DONE;
    /* As recorded from AWS: of tags that come with a new key it names no resource. */
    if (strcmp(decision.permission->action, "kms:TagResource") == 0)
        decision.request.resource = KW_BYTES(NULL, 0);
    return refuse(&decision, &verdict);
}

int kw_call_authorize(struct kw_call *call, const char *resource)
{
    return kw_call_authorize_as(call, kw_call_action(call), resource);
}

int kw_call_refuse_denied(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_authz_verdict verdict;
    struct decision decision;
    int r = decide_key(call, kw_call_action(call), key, &decision, &verdict);

    if (r != KW_CALL_DONE || verdict.reason != KW_AUTHZ_EXPLICIT_DENY)
        return r;
    return refuse(&decision, &verdict);
}

bool kw_call_session_allows(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_policy_outcome outcome;
    struct decision decision;

    if (call->identity.session_policy == NULL)
        return true;
    kw_assert(call->principal != NULL);
    begin(&decision, call, kw_call_action(call));
    ask_about_key(&decision, key);
    kw_policy_evaluate(call->identity.session_policy, &decision.request, &outcome);
    return outcome.denies == KW_POLICY_NO_STATEMENT &&
           outcome.allows[KW_MATCH_SELF] != KW_POLICY_NO_STATEMENT;
}

bool kw_call_identity_allows(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_authz_verdict verdict;
    struct decision decision;

    kw_assert(call->principal != NULL);
    begin(&decision, call, kw_call_action(call));
    ask_about_key(&decision, key);
    decision.question.key_policy = NULL;
    decision.question.find_grant = NULL;
    kw_authz_decide(&decision.question, &verdict);
    return verdict.allowed;
}

int kw_call_refuse_foreign(struct kw_call *call)
{
    static const struct kw_authz_verdict verdict = {.reason = KW_AUTHZ_OTHER_ACCOUNT};
    struct decision decision;

    if (!know_principal(call))
        return refuse_gone(call);
    begin(&decision, call, kw_call_action(call));
    ask_about(&decision, KW_LIT(""), KW_LIT(""));
    return refuse(&decision, &verdict);
}

/* ---- a question ---- */

static bool give_said(const json_t *said, size_t index, struct kw_bytes *ret)
{
    const json_t *item = json_is_array(said) ? json_array_get(said, index) : index == 0 ? said : NULL;

    if (!json_is_string(item))
        return false;
    *ret = KW_BYTES(json_string_value(item), json_string_length(item));
    return true;
}

/* What is said about a condition key; NULL: nothing. */
static const json_t *find_said(const json_t *all, enum kw_condkey wanted, struct kw_bytes wanted_name)
{
    const char *text;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)all, text, value)
    {
        struct kw_bytes name;
        enum kw_condkey key;

        if (kw_condkey_find(kw_bytes_str(text), &key, &name) == 0 && key == wanted &&
            kw_bytes_equal_nocase(name, wanted_name))
            return value;
    }
    return NULL;
}

static bool said_value_at(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes name,
    size_t index, struct kw_bytes *ret)
{
    struct decision *decision = request->arg;
    const json_t *said = find_said(decision->said, key, name);

    if (said != NULL)
        return give_said(said, index, ret);
    return value_at(request, key, name, index, ret);
}

static void put_said(struct decision *decision)
{
    for (unsigned key = 0; key < KW_CK_NUM; key++) {
        const json_t *said = find_said(decision->said, (enum kw_condkey)key, KW_LIT(""));
        struct kw_bytes value;

        if (said != NULL && kw_condkey_source((enum kw_condkey)key) == KW_CONDKEY_ONE &&
            give_said(said, 0, &value))
            put(decision, (enum kw_condkey)key, value);
    }
    decision->request.value_at = said_value_at;
}

void kw_call_explain(struct kw_call *call, const struct kw_call_question *question,
    struct kw_authz_verdict *ret, struct kw_sbuf *ret_refusal)
{
    const char *resource = question->resource != NULL ? question->resource : "*";
    struct decision decision;

    *ret = (struct kw_authz_verdict){.reason = KW_AUTHZ_NOT_ALLOWED, .policy = KW_AUTHZ_IDENTITY_POLICY};
    if (kw_permission_find(call->operation_index, question->action) == NULL || !know_principal(call))
        return;
    begin(&decision, call, question->action);
    decision.said = question->said;
    if (question->key != NULL)
        ask_about_key(&decision, question->key);
    else
        ask_about(&decision, kw_bytes_str(resource), call->identity.caller.account);
    if (decision.said != NULL)
        put_said(&decision);
    kw_authz_decide(&decision.question, ret);
    if (!ret->allowed && ret_refusal != NULL)
        kw_authz_refusal(&decision.question, ret, ret_refusal);
}
