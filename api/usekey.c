#include "api/usekey.h"

int kw_usekey_check(struct kw_call *call, enum kw_key_usage usage)
{
    int r = kw_call_require_usage(call, usage);

    return r == KW_CALL_DONE ? kw_call_require_state(call) : r;
}

static int refuse_algorithm(struct kw_call *call, struct kw_bytes name)
{
    return kw_call_refuse(call, KW_ERROR_INVALID_KEY_USAGE,
        "Algorithm %.*s is incompatible with key spec %s.", (int)name.len, (const char *)name.ptr,
        kw_key_spec_name(call->key->spec));
}

int kw_usekey_algorithm(struct kw_call *call, enum kw_algorithm algorithm)
{
    if (kw_key_spec_has(call->key->spec, algorithm))
        return KW_CALL_DONE;
    return refuse_algorithm(call, kw_bytes_str(kw_algorithm_name(algorithm)));
}

int kw_usekey_find(struct kw_call *call, enum kw_key_usage usage, const char *member, enum kw_algorithm *ret)
{
    struct kw_bytes name = kw_input_string(call->input, member);
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), true);

    if (r == KW_CALL_DONE)
        r = kw_usekey_check(call, usage);
    if (r != KW_CALL_DONE)
        return r;
    /* A name that the shape knows and this usage does not: SYMMETRIC_DEFAULT as a SigningAlgorithm. */
    if (kw_algorithm_parse(name, usage, ret) != 0)
        return refuse_algorithm(call, name);
    r = kw_usekey_algorithm(call, *ret);
    return r == KW_CALL_DONE ? kw_call_check_grant_tokens(call) : r;
}

int kw_usekey_material(struct kw_call *call, const struct kw_material **ret)
{
    const struct kw_generation *current = kw_kms_key_current(call->key);

    if (current == NULL || current->material == NULL)
        return kw_call_internal(call);
    *ret = current->material;
    return KW_CALL_DONE;
}

int kw_usekey_asym(struct kw_call *call, const struct kw_asym **ret)
{
    const struct kw_material *material = NULL;
    int r = kw_usekey_material(call, &material);

    if (r != KW_CALL_DONE)
        return r;
    return kw_material_asym(material, call->key->spec, ret) == 0 ? KW_CALL_DONE : kw_call_internal(call);
}

int kw_usekey_order(
    struct kw_call *call, enum kw_chore_kind kind, enum kw_algorithm algorithm, struct kw_chore_order *ret)
{
    *ret = (struct kw_chore_order){.kind = kind, .spec = call->key->spec, .algorithm = algorithm};
    return kw_usekey_material(call, &ret->material);
}
