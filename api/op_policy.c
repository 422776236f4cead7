/* GetKeyPolicy, PutKeyPolicy and ListKeyPolicies. */
#include "api/keymeta.h"
#include "api/operations.h"
#include "api/policydoc.h"
#include "api/region.h"

static int refuse_other_names(struct kw_call *call)
{
    struct kw_bytes name = kw_input_string(call->input, "PolicyName");

    if (name.ptr == NULL || kw_bytes_equal(name, KW_LIT("default")))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "No such policy exists");
}

static int find_policy(struct kw_call *call)
{
    int r = kw_call_find_usable_key(call, false);

    return r == KW_CALL_DONE ? refuse_other_names(call) : r;
}

/* ---- GetKeyPolicy ---- */

static int run_get(struct kw_call *call)
{
    KW_SBUF struct kw_sbuf policy = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    int r = find_policy(call);

    if (r != KW_CALL_DONE)
        return r;
    if (call->key->policy != NULL)
        kw_sbuf_put_bytes(&policy, kw_policy_text(call->key->policy));
    else
        kw_policydoc_default(call->key->account, kw_region_partition(call->region), &policy);
    if (!kw_sbuf_ok(&policy))
        return kw_call_internal(call);
    kw_json_begin_object(&out);
    kw_json_key(&out, "Policy");
    kw_json_string(&out, kw_sbuf_bytes(&policy));
    kw_call_write_text(&out, "PolicyName", "default");
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_get_key_policy = {
    .model = &kw_model_get_key_policy,
    .read_only = true,
    .run = run_get,
};

/* ---- PutKeyPolicy ---- */

static int check_put(struct kw_call *call, struct kw_policy **ret)
{
    int r = find_policy(call);

    return r == KW_CALL_DONE ? kw_keymeta_read_policy(call, call->key, ret) : r;
}

static int run_put(struct kw_call *call)
{
    KW_POLICY struct kw_policy *policy = NULL;
    int r = check_put(call, &policy);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_put(struct kw_call *call)
{
    KW_POLICY struct kw_policy *policy = NULL;
    struct kw_kms_key edit;
    int r = check_put(call, &policy);

    if (r != KW_CALL_DONE)
        return r;
    edit = *call->key;
    edit.policy = policy;
    return kw_call_put_key(call, &edit);
}

const struct kw_operation kw_op_put_key_policy = {
    .model = &kw_model_put_key_policy,
    .run = run_put,
    .apply = apply_put,
    .note = "Principals are checked for their form; whether such users and roles exist is not looked up. The "
            "lockout check weighs conditions on the caller; one on anything else counts for the caller: a "
            "statement that allows under it allows, one that denies under it does not.",
};

/* ---- ListKeyPolicies ---- */

static int run_list(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    size_t from, to;
    int r = kw_call_find_usable_key(call, false);

    if (r == KW_CALL_DONE)
        r = kw_page_slice(call, KW_PAGE_POLICIES, 100, 1000, 1, &from, &to);
    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_json_key(&out, "PolicyNames");
    kw_json_begin_array(&out);
    if (from < to)
        kw_json_cstring(&out, "default");
    kw_json_end_array(&out);
    kw_page_slice_end(&out, KW_PAGE_POLICIES, to, 1);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_list_key_policies = {
    .model = &kw_model_list_key_policies,
    .read_only = true,
    .run = run_list,
};
