#include "api/explain.h"

#include "api/callauthz.h"
#include "api/explain_internal.h"
#include "api/keyname.h"
#include "api/operations.h"
#include "api/permission.h"
#include "api/principalname.h"
#include "api/region.h"

#include <stdio.h>
#include <stdlib.h>

#define REGION_DEFAULT  "us-east-1"
#define SESSION_DEFAULT "session"
#define DECISIONS_MAX   8u

const char *const kw_explain_members[] = {"Principal", "Account", "AccessKeyId", "Action", "Key", "Resource",
    "Region", "EncryptionContext", "Parameters", "Conditions", "SessionPolicy", "Event", NULL};

/* ---- the caller ---- */

static int find_name(struct kw_explain *explain, struct kw_principal_name *ret)
{
    const char *id = kw_explain_text(explain, "AccessKeyId"), *name = kw_explain_text(explain, "Principal");
    const char *account = kw_explain_text(explain, "Account");
    const struct kw_access_key *key;

    if (account == NULL)
        account = explain->account;
    if ((id == NULL) == (name == NULL))
        return kw_explain_bad(explain, "either Principal or AccessKeyId says who asks");
    if (name != NULL)
        return kw_principal_name_parse(kw_bytes_str(name), account, ret) == 0
                   ? 0
                   : kw_explain_bad(explain,
                         "%.200s is no principal: a user, a role, a session of a role, or a root", name);
    key = kw_snapshot_access_key(explain->snapshot, kw_bytes_str(id));
    if (key == NULL)
        return kw_explain_bad(explain, "no access key is named %.128s", id);
    *ret = (struct kw_principal_name){.kind = key->kind};
    memcpy(ret->account, key->account, sizeof(ret->account));
    memcpy(ret->name, key->name, sizeof(ret->name));
    if (!key->enabled)
        explain->problem = "The access key is disabled, so no request of it is served.";
    return 0;
}

static void fill_session(
    struct kw_identity *identity, const struct kw_principal_name *name, const char *partition)
{
    const char *session = name->session[0] != '\0' ? name->session : SESSION_DEFAULT;
    size_t used = strlen(identity->user_id);

    memcpy(identity->role_arn, identity->arn, sizeof(identity->role_arn));
    snprintf(identity->session_name, sizeof(identity->session_name), "%s", session);
    snprintf(identity->user_id + used, sizeof(identity->user_id) - used, ":%s", session);
    snprintf(identity->arn, sizeof(identity->arn), "arn:%s:sts::%s:assumed-role/%s/%s", partition,
        identity->account, identity->principal_name, session);
    identity->temporary = true;
    identity->issued_ms = kw_wall_ms();
}

static void fill_identity(struct kw_explain *explain, const struct kw_principal_name *name)
{
    const char *partition = kw_region_partition(explain->call->region);
    struct kw_principal like = {
        .kind = name->kind, .account = name->account, .path = "/", .name = name->name};
    struct kw_identity *identity = &explain->call->identity;

    identity->kind = name->kind;
    memcpy(identity->account, name->account, sizeof(identity->account));
    memcpy(identity->principal_name, name->name, sizeof(identity->principal_name));
    kw_principal_arn(explain->principal != NULL ? explain->principal : &like, partition, identity->arn);
    if (explain->principal != NULL)
        snprintf(identity->user_id, sizeof(identity->user_id), "%s", explain->principal->id);
    snprintf(
        identity->root_arn, sizeof(identity->root_arn), "arn:%s:iam::%s:root", partition, identity->account);
    if (name->kind == KW_PRINCIPAL_ROLE)
        fill_session(identity, name, partition);
    identity->session_policy = explain->session;
    kw_identity_settle(identity);
}

static int find_caller(struct kw_explain *explain)
{
    struct kw_principal_name name = {0};
    int r = find_name(explain, &name);

    KW_REQUIRE(r == 0, r);
    explain->principal = kw_snapshot_principal(
        explain->snapshot, kw_bytes_str(name.account), name.kind, kw_bytes_str(name.name));
    if (explain->principal == NULL)
        explain->problem = "There is no such principal, so nobody can sign as it.";
    else if (!explain->principal->enabled)
        explain->problem = "The principal is disabled, so no request of it is served.";
    if (explain->problem != NULL)
        explain->problem_code = "NoSuchCaller";
    fill_identity(explain, &name);
    return 0;
}

/* ---- one decision ---- */

static int decide(struct kw_explain *explain, const struct kw_permission *permission,
    const struct kw_kms_key *key, const char *resource)
{
    KW_SBUF struct kw_sbuf refusal = KW_SBUF_INIT(16384);
    struct kw_call_question question = {
        .action = permission->action + 4,
        .key = key,
        .resource = resource,
        .said = json_object_get(explain->question, "Conditions"),
    };
    struct kw_explained explained = {
        .action = permission->action,
        .caller = explain->call->identity.arn,
        .resource = resource,
        .problem = explain->problem,
        .problem_code = explain->problem_code,
        .principal = explain->principal,
        .key = key,
        .session = explain->session,
    };

    if (explain->problem == NULL)
        kw_call_explain(explain->call, &question, &explained.verdict, &refusal);
    KW_REQUIRE(kw_sbuf_ok(&refusal), -ENOMEM);
    explained.refusal = kw_sbuf_bytes(&refusal);
    if (!kw_explained_allowed(&explained))
        explain->allowed = false;
    explain->decisions++;
    kw_explained_write(&explained, explain->out);
    return 0;
}

/* A key that is not there: what another account has not and what it does not share look the same. */
static int decide_absent(struct kw_explain *explain, const struct kw_permission *permission, const char *name,
    struct kw_bytes account)
{
    bool own = account.len == 0 || kw_bytes_equal(account, explain->call->identity.caller.account);
    struct kw_explained explained = {
        .action = permission->action,
        .caller = explain->call->identity.arn,
        .resource = name,
        .problem = own ? "There is no such KMS key in this Region and account (NotFoundException)."
                       : "There is no such KMS key. The caller is told the same as of a key that is not "
                         "shared with it.",
        .problem_code = "NoSuchKey",
    };

    if (explain->problem != NULL) {
        explained.problem = explain->problem;
        explained.problem_code = explain->problem_code;
    }
    explain->allowed = false;
    explain->decisions++;
    kw_explained_write(&explained, explain->out);
    return 0;
}

static const struct kw_kms_key *find_key(struct kw_explain *explain, const struct kw_keyname *name)
{
    struct kw_bytes account = explain->call->identity.caller.account;
    struct kw_bytes region = kw_bytes_str(explain->call->region);
    const struct kw_kms_key *key;
    const struct kw_alias *alias;

    if (name->account.len > 0)
        account = name->account;
    if (name->region.len > 0)
        region = name->region;
    if (name->form == KW_KEYNAME_ALIAS || name->form == KW_KEYNAME_ALIAS_ARN) {
        alias = kw_snapshot_alias(explain->snapshot, account, region, name->alias);
        explain->call->alias = name->alias;
        return alias != NULL ? kw_snapshot_key(explain->snapshot, account, region, alias->key_id) : NULL;
    }
    key = kw_snapshot_key(explain->snapshot, account, region, name->id);
    return key != NULL && key->multi_region == name->multi_region ? key : NULL;
}

static int decide_key(struct kw_explain *explain, const struct kw_permission *permission, const char *text)
{
    const struct kw_kms_key *key;
    struct kw_keyname name;

    if (kw_keyname_parse(kw_bytes_str(text), &name) != 0)
        return kw_explain_bad(explain, "%.300s is no id, ARN or alias of a KMS key", text);
    key = find_key(explain, &name);
    return key != NULL ? decide(explain, permission, key, key->arn)
                       : decide_absent(explain, permission, text, name.account);
}

/* ---- the decisions of a question ---- */

static int decide_asked(struct kw_explain *explain, const struct kw_permission *permission)
{
    const char *key = kw_explain_text(explain, "Key"), *resource = kw_explain_text(explain, "Resource");

    if (key != NULL)
        return decide_key(explain, permission, key);
    if (resource == NULL && (permission->flags & KW_PERMISSION_KEY) != 0)
        return kw_explain_bad(explain, "%s is asked for a KMS key: say which", permission->action);
    return decide(explain, permission, NULL, resource != NULL ? resource : "*");
}

/* The keys that the record names; of one that was refused before it was found, what the call named. */
static const char *event_key(const struct kw_explain *explain, size_t index)
{
    const json_t *event = json_object_get(explain->question, "Event");
    const json_t *resource = json_array_get(json_object_get(event, "resources"), index);
    const char *arn = json_string_value(json_object_get(resource, "ARN"));
    const json_t *parameters = json_object_get(explain->question, "Parameters");

    if (arn == NULL && index == 0)
        arn = kw_explain_text(explain, "Key");
    if (arn == NULL && index == 0)
        arn = json_string_value(json_object_get(parameters, "KeyId"));
    return arn;
}

static int decide_alias(struct kw_explain *explain, const struct kw_permission *permission)
{
    const json_t *parameters = json_object_get(explain->question, "Parameters");
    const char *alias = json_string_value(json_object_get(parameters, "AliasName"));
    char arn[KW_ARN_MAX];

    if (alias == NULL)
        return 0;
    snprintf(arn, sizeof(arn), "arn:%s:kms:%s:%s:%.256s", kw_region_partition(explain->call->region),
        explain->call->region, explain->call->identity.account, alias);
    return decide(explain, permission, NULL, arn);
}

/* Of ReEncrypt each permission is of a key of its own; of others all keys need it. */
static int decide_event_keys(
    struct kw_explain *explain, const struct kw_permission *permission, size_t first, bool one)
{
    const char *key = event_key(explain, first);

    if (key == NULL)
        return kw_explain_bad(
            explain, "the record does not name the KMS key of %s; name it", permission->action);
    for (size_t i = first; key != NULL && explain->decisions < DECISIONS_MAX; i++) {
        int r = decide_key(explain, permission, key);

        KW_REQUIRE(r == 0, r);
        key = one ? NULL : event_key(explain, i + 1);
    }
    return 0;
}

static bool is_left_out(
    const struct kw_explain *explain, const struct kw_permission *permission, size_t index)
{
    const json_t *parameters = json_object_get(explain->question, "Parameters");

    return index > 0 && (permission->flags & KW_PERMISSION_TAGS) != 0 &&
           json_array_size(json_object_get(parameters, "Tags")) == 0;
}

static int decide_event(struct kw_explain *explain, size_t operation)
{
    const struct kw_permissions *permissions = kw_permissions_of(operation);
    bool both = permissions->num > 0 && (permissions->list[0].flags & KW_PERMISSION_BOTH) != 0;

    for (size_t i = 0; i < permissions->num; i++) {
        const struct kw_permission *permission = &permissions->list[i];
        int r = 0;

        if (is_left_out(explain, permission, i))
            continue;
        if ((permission->flags & KW_PERMISSION_KEY) == 0)
            r = decide(explain, permission, NULL, "*");
        else if (strstr(permission->action, "Alias") != NULL)
            r = decide_alias(explain, permission);
        if (r == 0 && (permission->flags & KW_PERMISSION_KEY) != 0)
            r = decide_event_keys(explain, permission, both ? i : 0, both);
        KW_REQUIRE(r == 0, r);
    }
    return 0;
}

static const struct kw_permission *find_permission(struct kw_explain *explain, const char *action)
{
    const char *colon = strchr(action, ':');

    if (colon != NULL && !kw_bytes_equal_nocase(KW_BYTES(action, (size_t)(colon - action)), KW_LIT("kms")))
        return NULL;
    return kw_permission_find(explain->call->operation_index, colon != NULL ? colon + 1 : action);
}

/* A context that is given stands where the operation has it. */
static int lay_out_input(struct kw_explain *explain, const struct kw_permission *permission)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_HTTP_BODY_MAX);
    KW_JSON json_t *input = json_copy(json_object_get(explain->question, "Parameters"));
    json_t *context = json_object_get(explain->question, "EncryptionContext");
    struct kw_json_out out = KW_JSON_OUT(&text);

    if (input == NULL)
        input = json_object();
    KW_REQUIRE(input != NULL, -ENOMEM);
    if (context != NULL && permission != NULL && permission->context != NULL)
        json_object_set(input, permission->context, context);
    /* As it would come in a request. */
    kw_json_value(&out, input);
    KW_REQUIRE(kw_sbuf_ok(&text), -ENOMEM);
    int r = kw_document_parse(&explain->call->document, kw_sbuf_bytes(&text), &explain->call->input);
    return r > 0 ? -EINVAL : r;
}

static int decide_all(struct kw_explain *explain)
{
    const char *action = kw_explain_text(explain, "Action");
    const struct kw_permission *permission;
    int index;

    if (action == NULL)
        return kw_explain_bad(explain, "Action says what is asked for, such as kms:Encrypt");
    index =
        json_object_get(explain->question, "Event") != NULL ? kw_operation_find(kw_bytes_str(action)) : -1;
    explain->call->operation_index = index >= 0 ? (size_t)index : kw_num_operations;
    permission = find_permission(explain, action);
    KW_TRY(lay_out_input(explain, permission));
    if (index >= 0)
        return decide_event(explain, (size_t)index);
    if (permission == NULL)
        return kw_explain_bad(explain, "%.64s is no action of KMS", action);
    return decide_asked(explain, permission);
}

/* ---- the whole ---- */

static int take_session(struct kw_explain *explain)
{
    const char *text = kw_explain_text(explain, "SessionPolicy");
    struct kw_policy *policy = NULL;
    char why[256] = "";
    int r;

    if (text == NULL)
        return 0;
    r = kw_policy_new(&policy, KW_POLICY_SESSION, kw_bytes_str(text), NULL, why, sizeof(why));
    if (r == KW_POLICY_MALFORMED)
        return kw_explain_bad(explain, "the session policy: %s", why);
    explain->session = policy;
    return r;
}

static int take_region(struct kw_explain *explain)
{
    const char *region = kw_explain_text(explain, "Region");
    struct kw_keyname name;

    if (region == NULL && kw_explain_text(explain, "Key") != NULL &&
        kw_keyname_parse(kw_bytes_str(kw_explain_text(explain, "Key")), &name) == 0 && name.region.len > 0)
        snprintf(explain->call->region, sizeof(explain->call->region), "%.*s", (int)name.region.len,
            (const char *)name.region.ptr);
    else
        snprintf(explain->call->region, sizeof(explain->call->region), "%s",
            region != NULL ? region : REGION_DEFAULT);
    if (region != NULL && !kw_region_valid(kw_bytes_str(region)))
        return kw_explain_bad(explain, "%.64s is no Region", region);
    return 0;
}

static int run(struct kw_explain *explain)
{
    int (*const steps[])(struct kw_explain *) = {kw_explain_check_types, kw_explain_take_event,
        kw_explain_check_context, kw_explain_check_conditions, kw_explain_take_time, take_region,
        take_session, find_caller};
    struct kw_json_out *out = explain->out;

    for (size_t i = 0; i < KW_ARRAY_LEN(steps); i++) {
        int r = steps[i](explain);

        KW_REQUIRE(r == 0, r);
    }
    kw_json_begin_object(out);
    kw_json_key(out, "Decisions");
    kw_json_begin_array(out);
    int r = decide_all(explain);
    KW_REQUIRE(r == 0, r);
    kw_json_end_array(out);
    kw_json_key(out, "Allowed");
    kw_json_bool(out, explain->allowed);
    kw_json_end_object(out);
    return 0;
}

int kw_explain(const struct kw_snapshot *snapshot, const char *account, int64_t now_ms,
    const json_t *question, struct kw_json_out *out, char *why, size_t why_cap)
{
    struct kw_explain explain = {.snapshot = snapshot,
        .account = account,
        .now_ms = now_ms,
        .out = out,
        .allowed = true,
        .why = why,
        .why_cap = why_cap};
    int r = -ENOMEM;

    explain.question = json_deep_copy(question);
    explain.call = calloc(1, sizeof(*explain.call));
    if (explain.question != NULL && explain.call != NULL) {
        explain.call->snapshot = snapshot;
        explain.call->message = KW_SBUF_INIT(1024);
        r = run(&explain);
    }
    if (explain.call != NULL) {
        kw_document_done(&explain.call->document);
        kw_sbuf_done(&explain.call->message);
    }
    free(explain.call);
    kw_policy_unref(explain.session);
    json_decref(explain.question);
    return r;
}
