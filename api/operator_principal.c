/* Requests about principals: make, change, delete; operator_show.c shows them. */
#include "api/operator_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- make ---- */

static int take_policy(struct kw_operator_call *call, const json_t *named)
{
    const char *name = json_string_value(json_object_get(named, "PolicyName"));
    const char *text = json_string_value(json_object_get(named, "PolicyDocument"));
    struct kw_named_policy *policy = &call->policies[call->num_policies];
    char what[KW_PRINCIPAL_POLICY_NAME_MAX + 16];

    if (name == NULL || text == NULL || name[0] == '\0' || strlen(name) > KW_PRINCIPAL_POLICY_NAME_MAX)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID,
            "a policy must have a PolicyName of 1 to %u characters and a PolicyDocument",
            KW_PRINCIPAL_POLICY_NAME_MAX);
    for (size_t i = 0; i < call->num_policies; i++) {
        if (strcmp(call->policies[i].name, name) == 0)
            return kw_operator_refuse(call, KW_OPERATOR_INVALID, "two policies are named %s", name);
    }
    if (call->num_policies == KW_PRINCIPAL_POLICIES_MAX)
        return kw_operator_refuse(
            call, KW_OPERATOR_LIMIT, "a principal has at most %u policies", KW_PRINCIPAL_POLICIES_MAX);
    snprintf(what, sizeof(what), "policy %s", name);
    if (kw_operator_policy(call, KW_POLICY_IDENTITY, what, text, &policy->policy) != 0)
        return KW_OPERATOR_REFUSED;
    policy->name = name;
    call->num_policies++;
    return KW_OPERATOR_DONE;
}

static int compare_names(const void *a, const void *b)
{
    const struct kw_named_policy *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* As principals have them. */
static void sort_by_name(struct kw_named_policy *policies, size_t num)
{
    qsort(policies, num, sizeof(*policies), compare_names);
}

static int take_policies(struct kw_operator_call *call)
{
    const json_t *list = json_object_get(call->input, "Policies"), *named;
    size_t i;

    if (list != NULL && !json_is_array(list))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "Policies must be a list");
    json_array_foreach(list, i, named)
    {
        if (take_policy(call, named) != 0)
            return KW_OPERATOR_REFUSED;
    }
    sort_by_name(call->policies, call->num_policies);
    if (call->num_policies > 0 && call->target.kind == KW_PRINCIPAL_ROOT)
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "an account's root has every permission and takes no policies");
    return KW_OPERATOR_DONE;
}

static int take_trust(struct kw_operator_call *call)
{
    const char *text;

    if (kw_operator_text(call, "TrustPolicy", false, &text) != 0)
        return KW_OPERATOR_REFUSED;
    if ((text != NULL) != (call->target.kind == KW_PRINCIPAL_ROLE))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID,
            text != NULL ? "only a role has a trust policy"
                         : "a role needs a trust policy (TrustPolicy): it says who may assume it");
    return text == NULL ? KW_OPERATOR_DONE
                        : kw_operator_policy(call, KW_POLICY_TRUST, "the trust policy", text, &call->trust);
}

/* Kind and Name, not an ARN: what is made has a kind that is said. */
static int take_name(struct kw_operator_call *call)
{
    const char *kind, *name, *account, *path;

    if (kw_operator_text(call, "Kind", true, &kind) != 0 ||
        kw_operator_text(call, "Name", false, &name) != 0 ||
        kw_operator_text(call, "Account", false, &account) != 0 ||
        kw_operator_text(call, "Path", false, &path) != 0)
        return KW_OPERATOR_REFUSED;
    if (kw_principal_kind_parse(kw_bytes_str(kind), &call->target.kind) != 0)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "Kind must be user, role or root");
    if (account == NULL)
        account = call->thread->service->account;
    if (!kw_account_valid(kw_bytes_str(account)))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "Account must be twelve digits");
    if (call->target.kind == KW_PRINCIPAL_ROOT && (name != NULL || path != NULL))
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "an account's root has neither name nor path");
    if (call->target.kind == KW_PRINCIPAL_ROOT)
        name = "root";
    if (name == NULL || !kw_principal_name_valid(kw_bytes_str(name)))
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "Name must be 1 to 64 letters, digits and any of +=,.@_-");
    if (path != NULL && !kw_principal_path_valid(kw_bytes_str(path)))
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "Path must begin and end with a slash, such as /team/");
    snprintf(call->target.account, sizeof(call->target.account), "%s", account);
    snprintf(call->target.name, sizeof(call->target.name), "%s", name);
    return KW_OPERATOR_DONE;
}

static int check_tags(struct kw_operator_call *call)
{
    const json_t *list = json_object_get(call->input, "Tags"), *tag;
    size_t i;

    if (list != NULL && (!json_is_array(list) || json_array_size(list) > KW_TAGS_MAX))
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "Tags must be a list of at most %u", KW_TAGS_MAX);
    json_array_foreach(list, i, tag)
    {
        const char *key = json_string_value(json_object_get(tag, "Key"));
        const char *value = json_string_value(json_object_get(tag, "Value"));

        if (key == NULL || value == NULL || key[0] == '\0' || strlen(key) > 128 || strlen(value) > 256)
            return kw_operator_refuse(call, KW_OPERATOR_INVALID,
                "a tag must have a Key of 1 to 128 characters and a Value of at most 256");
        for (size_t j = 0; j < i; j++) {
            if (strcmp(json_string_value(json_object_get(json_array_get(list, j), "Key")), key) == 0)
                return kw_operator_refuse(call, KW_OPERATOR_INVALID, "two tags are named %s", key);
        }
    }
    return KW_OPERATOR_DONE;
}

static int check_session_max(struct kw_operator_call *call)
{
    const json_t *value = json_object_get(call->input, "MaxSessionDuration");
    json_int_t seconds = json_integer_value(value);

    if (value == NULL)
        return KW_OPERATOR_DONE;
    if (call->target.kind != KW_PRINCIPAL_ROLE)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "only a role has a MaxSessionDuration");
    if (!json_is_integer(value) || seconds < KW_SESSION_S_MIN || seconds > KW_SESSION_S_MAX)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "MaxSessionDuration must be %u to %u seconds",
            KW_SESSION_S_MIN, KW_SESSION_S_MAX);
    return KW_OPERATOR_DONE;
}

static int prepare_create(struct kw_operator_call *call)
{
    bool with_key;

    if (take_name(call) != 0 || take_policies(call) != 0 || take_trust(call) != 0 || check_tags(call) != 0 ||
        check_session_max(call) != 0 || kw_operator_flag(call, "AccessKey", &with_key) != 0)
        return KW_OPERATOR_REFUSED;
    if (with_key && call->target.kind == KW_PRINCIPAL_ROLE)
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "a role has no access keys: its credentials are those of sessions");
    KW_TRY(kw_principal_make_id(
        call->thread->drbg, call->target.kind, kw_bytes_str(call->target.account), call->principal_id));
    return with_key ? kw_operator_make_key(call) : KW_OPERATOR_DONE;
}

static uint32_t gather_tags(const struct kw_operator_call *call, struct kw_tag tags[KW_TAGS_MAX])
{
    const json_t *list = json_object_get(call->input, "Tags"), *tag;
    uint32_t num = 0;
    size_t i;

    json_array_foreach(list, i, tag) tags[num++] =
        (struct kw_tag){.key = json_string_value(json_object_get(tag, "Key")),
            .value = json_string_value(json_object_get(tag, "Value"))};
    return num;
}

static void lay_out(const struct kw_operator_call *call, struct kw_principal *ret, struct kw_tag *tags)
{
    const json_t *session_max = json_object_get(call->input, "MaxSessionDuration");
    const char *path = json_string_value(json_object_get(call->input, "Path"));

    *ret = (struct kw_principal){
        .kind = call->target.kind,
        .account = call->target.account,
        .path = path != NULL ? path : "/",
        .name = call->target.name,
        .created_ms = call->now_ms,
        .enabled = true,
        .num_policies = (uint32_t)call->num_policies,
        .policies = call->policies,
        .num_tags = gather_tags(call, tags),
        .tags = tags,
        .trust = call->trust,
    };
    if (ret->kind == KW_PRINCIPAL_ROLE)
        ret->session_max_s =
            session_max != NULL ? (uint32_t)json_integer_value(session_max) : KW_SESSION_S_MIN;
    memcpy(ret->id, call->principal_id, sizeof(ret->id));
}

/* What the checks above let through and the entity does not is told, not asserted. */
static int put_principal(struct kw_operator_call *call, const struct kw_principal *like)
{
    int r = kw_tx_put_principal(call->tx, like);

    return r == KW_ENTITY_INVALID
               ? kw_operator_refuse(call, KW_OPERATOR_INVALID, "a text is empty or too long, or has a NUL")
               : r;
}

/* As in IAM, names that differ in case only are one name for whoever makes another. */
static const struct kw_principal *find_namesake(const struct kw_operator_call *call)
{
    const struct kw_map *map = &call->snapshot->principals;
    struct kw_place place = {.part = {kw_bytes_str(call->target.account)}, .num = 1};
    size_t from = kw_map_rank(map, &place), num = kw_snapshot_count(map, &place);

    for (size_t i = from; i < from + num; i++) {
        const struct kw_principal *principal = kw_map_at(map, i);

        if (principal->kind == call->target.kind &&
            kw_bytes_equal_nocase(kw_bytes_str(principal->name), kw_bytes_str(call->target.name)))
            return principal;
    }
    return NULL;
}

static int run_create(struct kw_operator_call *call)
{
    const struct kw_principal *namesake = find_namesake(call);
    struct kw_tag tags[KW_TAGS_MAX];
    struct kw_principal like;

    lay_out(call, &like, tags);
    kw_principal_arn(&like, "aws", call->arn);
    if (namesake != NULL)
        return kw_operator_refuse(call, KW_OPERATOR_EXISTS, "%.400s is there already", namesake->arn);
    if (call->tx == NULL)
        return KW_OPERATOR_DONE;
    int r = put_principal(call, &like);
    return r == 0 && call->key != NULL ? kw_tx_put_access_key(call->tx, call->key) : r;
}

/* ---- change ---- */

static int prepare_put_policy(struct kw_operator_call *call)
{
    return kw_operator_target(call) == 0 ? take_policy(call, call->input) : KW_OPERATOR_REFUSED;
}

/* All policies but one that goes or is replaced. */
static uint32_t without(const struct kw_principal *principal, const char *name, struct kw_named_policy *ret)
{
    uint32_t num = 0;

    for (uint32_t i = 0; i < principal->num_policies; i++) {
        if (strcmp(principal->policies[i].name, name) != 0)
            ret[num++] = principal->policies[i];
    }
    return num;
}

static int run_put_policy(struct kw_operator_call *call)
{
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX + 1];
    const struct kw_principal *principal;
    struct kw_principal edit;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    if (principal->kind == KW_PRINCIPAL_ROOT)
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "an account's root has every permission and takes no policies");
    edit = *principal;
    edit.num_policies = without(principal, call->policies[0].name, policies);
    if (edit.num_policies == KW_PRINCIPAL_POLICIES_MAX)
        return kw_operator_refuse(call, KW_OPERATOR_LIMIT, "%s has %u policies already", principal->name,
            KW_PRINCIPAL_POLICIES_MAX);
    policies[edit.num_policies++] = call->policies[0];
    sort_by_name(policies, edit.num_policies);
    edit.policies = policies;
    return call->tx != NULL ? put_principal(call, &edit) : KW_OPERATOR_DONE;
}

static int run_delete_policy(struct kw_operator_call *call)
{
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX];
    const struct kw_principal *principal;
    struct kw_principal edit;
    const char *name;

    if (kw_operator_find(call, &principal) != 0 || kw_operator_text(call, "PolicyName", true, &name) != 0)
        return KW_OPERATOR_REFUSED;
    edit = *principal;
    edit.num_policies = without(principal, name, policies);
    edit.policies = policies;
    if (edit.num_policies == principal->num_policies)
        return kw_operator_refuse(
            call, KW_OPERATOR_NOT_FOUND, "%s has no policy %.128s", principal->name, name);
    return call->tx != NULL ? put_principal(call, &edit) : KW_OPERATOR_DONE;
}

static int prepare_put_trust(struct kw_operator_call *call)
{
    if (kw_operator_target(call) != 0)
        return KW_OPERATOR_REFUSED;
    return take_trust(call);
}

static int run_put_trust(struct kw_operator_call *call)
{
    const struct kw_principal *principal;
    struct kw_principal edit;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    edit = *principal;
    edit.trust = call->trust;
    return call->tx != NULL ? put_principal(call, &edit) : KW_OPERATOR_DONE;
}

static int set_enabled(struct kw_operator_call *call, bool enabled)
{
    const struct kw_principal *principal;
    struct kw_principal edit;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    edit = *principal;
    edit.enabled = enabled;
    return call->tx != NULL ? put_principal(call, &edit) : KW_OPERATOR_DONE;
}

static int run_enable(struct kw_operator_call *call)
{
    return set_enabled(call, true);
}

static int run_disable(struct kw_operator_call *call)
{
    return set_enabled(call, false);
}

/* With its access keys. */
static int run_delete(struct kw_operator_call *call)
{
    const struct kw_principal *principal;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    return call->tx != NULL ? kw_tx_remove_principal(call->tx, principal) : KW_OPERATOR_DONE;
}

static int answer_nothing(struct kw_operator_call *call, struct kw_json_out *out)
{
    (void)call;
    (void)out;
    return KW_OPERATOR_DONE;
}

#define MEMBERS(...)                                                                                         \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
#define PRINCIPAL "Principal", "Account"

const struct kw_operator_request *const kw_operator_principal_requests[] = {
    &(const struct kw_operator_request){
        .name = "ListPrincipals", .members = MEMBERS("Account", "After"), .run = kw_operator_run_list},
    &(const struct kw_operator_request){.name = "GetPrincipal",
        .members = MEMBERS(PRINCIPAL),
        .prepare = kw_operator_target,
        .run = kw_operator_run_show},
    &(const struct kw_operator_request){
        .name = "CreatePrincipal",
        .members = MEMBERS("Kind", "Name", "Account", "Path", "Policies", "TrustPolicy", "MaxSessionDuration",
            "Tags", "AccessKey"),
        .prepare = prepare_create,
        .run = run_create,
        .answer = kw_operator_answer_principal,
    },
    &(const struct kw_operator_request){
        .name = "PutPrincipalPolicy",
        .members = MEMBERS(PRINCIPAL, "PolicyName", "PolicyDocument"),
        .prepare = prepare_put_policy,
        .run = run_put_policy,
        .answer = kw_operator_answer_principal,
    },
    &(const struct kw_operator_request){
        .name = "DeletePrincipalPolicy",
        .members = MEMBERS(PRINCIPAL, "PolicyName"),
        .prepare = kw_operator_target,
        .run = run_delete_policy,
        .answer = kw_operator_answer_principal,
    },
    &(const struct kw_operator_request){
        .name = "PutTrustPolicy",
        .members = MEMBERS(PRINCIPAL, "TrustPolicy"),
        .prepare = prepare_put_trust,
        .run = run_put_trust,
        .answer = kw_operator_answer_principal,
    },
    &(const struct kw_operator_request){
        .name = "EnablePrincipal",
        .members = MEMBERS(PRINCIPAL),
        .prepare = kw_operator_target,
        .run = run_enable,
        .answer = kw_operator_answer_principal,
    },
    &(const struct kw_operator_request){
        .name = "DisablePrincipal",
        .members = MEMBERS(PRINCIPAL),
        .prepare = kw_operator_target,
        .run = run_disable,
        .answer = kw_operator_answer_principal,
    },
    &(const struct kw_operator_request){
        .name = "DeletePrincipal",
        .members = MEMBERS(PRINCIPAL),
        .prepare = kw_operator_target,
        .run = run_delete,
        .answer = answer_nothing,
    },
    NULL,
};
