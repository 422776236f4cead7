/* Requests that show principals: one, and the list; and the answer that changed ones are shown in. */
#include "api/operator_internal.h"

#define LIST_MAX 1000u /* of one answer; more behind the last ARN */

/* ---- what is shown ---- */

static void write_text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

static void write_policy(struct kw_json_out *out, const char *name, const struct kw_policy *policy)
{
    kw_json_key(out, name);
    kw_json_string(out, kw_policy_text(policy));
}

static void write_policies(const struct kw_principal *principal, bool whole, struct kw_json_out *out)
{
    kw_json_key(out, "Policies");
    kw_json_begin_array(out);
    for (uint32_t i = 0; i < principal->num_policies; i++) {
        kw_json_begin_object(out);
        write_text(out, "PolicyName", principal->policies[i].name);
        if (whole)
            write_policy(out, "PolicyDocument", principal->policies[i].policy);
        kw_json_end_object(out);
    }
    kw_json_end_array(out);
}

static void write_tags(const struct kw_principal *principal, struct kw_json_out *out)
{
    kw_json_key(out, "Tags");
    kw_json_begin_array(out);
    for (uint32_t i = 0; i < principal->num_tags; i++) {
        kw_json_begin_object(out);
        write_text(out, "Key", principal->tags[i].key);
        write_text(out, "Value", principal->tags[i].value);
        kw_json_end_object(out);
    }
    kw_json_end_array(out);
}

static void write_principal(const struct kw_operator_call *call, const struct kw_principal *principal,
    bool whole, struct kw_json_out *out)
{
    kw_json_begin_object(out);
    write_text(out, "Arn", principal->arn);
    write_text(out, "Kind", kw_principal_kind_name(principal->kind));
    write_text(out, "Account", principal->account);
    write_text(out, "Path", principal->path);
    write_text(out, "Name", principal->name);
    write_text(out, "Id", principal->id);
    kw_json_key(out, "CreateDate");
    kw_json_epoch(out, principal->created_ms);
    kw_json_key(out, "Enabled");
    kw_json_bool(out, principal->enabled);
    if (principal->kind != KW_PRINCIPAL_ROOT)
        write_policies(principal, whole, out);
    if (principal->kind == KW_PRINCIPAL_ROLE) {
        kw_json_key(out, "MaxSessionDuration");
        kw_json_int(out, principal->session_max_s);
        if (whole)
            write_policy(out, "TrustPolicy", principal->trust);
    } else {
        kw_operator_write_keys(call, principal, out);
    }
    if (whole)
        write_tags(principal, out);
    kw_json_end_object(out);
}

/* ---- list and show ---- */

/* Where the list goes on: behind the ARN in After. */
static int list_from(struct kw_operator_call *call, size_t *from)
{
    struct kw_principal_name name;
    struct kw_principal after;
    struct kw_place place;
    const char *text;

    if (kw_operator_text(call, "After", false, &text) != 0)
        return KW_OPERATOR_REFUSED;
    if (text == NULL)
        return KW_OPERATOR_DONE;
    if (kw_principal_name_parse(kw_bytes_str(text), call->thread->service->account, &name) != 0)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "After must be the ARN of a principal");
    after = (struct kw_principal){.kind = name.kind, .account = name.account, .name = name.name};
    place = kw_place_principal(&after);
    *from = KW_MAX(*from, kw_map_rank_after(&call->snapshot->principals, &place));
    return KW_OPERATOR_DONE;
}

static void write_list(struct kw_operator_call *call, size_t from, size_t to)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    size_t end = from < to ? KW_MIN(to, from + LIST_MAX) : from;
    const struct kw_principal *principal = NULL;

    kw_json_begin_object(&out);
    kw_json_key(&out, "Principals");
    kw_json_begin_array(&out);
    for (size_t i = from; i < end; i++) {
        principal = kw_map_at(&call->snapshot->principals, i);
        write_principal(call, principal, false, &out);
    }
    kw_json_end_array(&out);
    if (end < to)
        write_text(&out, "Next", principal->arn);
    kw_json_end_object(&out);
}

int kw_operator_run_list(struct kw_operator_call *call)
{
    const struct kw_map *map = &call->snapshot->principals;
    size_t from = 0, to = kw_map_len(map);
    const char *account;

    if (kw_operator_text(call, "Account", false, &account) != 0)
        return KW_OPERATOR_REFUSED;
    if (account != NULL) {
        struct kw_place place = {.part = {kw_bytes_str(account)}, .num = 1};

        if (!kw_account_valid(kw_bytes_str(account)))
            return kw_operator_refuse(call, KW_OPERATOR_INVALID, "Account must be twelve digits");
        from = kw_map_rank(map, &place);
        to = from + kw_snapshot_count(map, &place);
    }
    if (list_from(call, &from) != 0)
        return KW_OPERATOR_REFUSED;
    write_list(call, from, to);
    return KW_OPERATOR_DONE;
}

int kw_operator_find(struct kw_operator_call *call, const struct kw_principal **ret)
{
    const struct kw_principal_name *name = &call->target;
    const struct kw_principal *principal = kw_snapshot_principal(
        call->snapshot, kw_bytes_str(name->account), name->kind, kw_bytes_str(name->name));

    if (principal == NULL && name->kind == KW_PRINCIPAL_ROOT)
        return kw_operator_refuse(call, KW_OPERATOR_NOT_FOUND,
            "account %s has no credentials of its root; make some with 'create root'", name->account);
    if (principal == NULL)
        return kw_operator_refuse(call, KW_OPERATOR_NOT_FOUND, "account %s has no %s %s", name->account,
            kw_principal_kind_name(name->kind), name->name);
    memcpy(call->arn, principal->arn, sizeof(call->arn));
    *ret = principal;
    return KW_OPERATOR_DONE;
}

int kw_operator_answer_principal(struct kw_operator_call *call, struct kw_json_out *out)
{
    const struct kw_principal *principal = NULL;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    kw_assert(principal != NULL);
    kw_json_key(out, "Principal");
    write_principal(call, principal, true, out);
    kw_operator_write_made_key(call, out);
    return KW_OPERATOR_DONE;
}

int kw_operator_run_show(struct kw_operator_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    if (kw_operator_answer_principal(call, &out) != 0)
        return KW_OPERATOR_REFUSED;
    kw_json_end_object(&out);
    return KW_OPERATOR_DONE;
}
