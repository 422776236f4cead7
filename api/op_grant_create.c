/* CreateGrant. */
#include "api/grantindex.h"
#include "api/iamname.h"
#include "api/operations.h"
#include "api/region.h"

#include <stdlib.h>

#define PAIRS_MAX      8u
#define PAIR_CHARS_MAX 384u

/* What a request asks for. The grant's arrays are the ones beside it; texts are the request's. */
struct wanted {
    struct kw_grant grant;
    struct kw_grant_pair equals[PAIRS_MAX], subset[PAIRS_MAX];
    bool fits; /* in these arrays; if not, it is refused */
};

/* ---- what is asked for, before anything is checked: policies and grants decide about that ---- */

static int compare_pairs(const void *a, const void *b)
{
    const struct kw_grant_pair *left = a, *right = b;

    return strcmp(left->key, right->key);
}

/* Sorted, so that the order in which pairs come makes no other grant. Texts end with a NUL (value.h). */
static bool fill_pairs(const struct kw_value *map, struct kw_grant_pair pairs[PAIRS_MAX], uint32_t *ret_num)
{
    const struct kw_value *value;
    uint32_t num = 0;

    if (kw_value_num(map) > PAIRS_MAX)
        return false;
    for (KW_VALUE_EACH(map, value))
        pairs[num++] = (struct kw_grant_pair){value->key, (const char *)kw_value_text(value).ptr};
    qsort(pairs, num, sizeof(pairs[0]), compare_pairs);
    *ret_num = num;
    return true;
}

static void fill_constraints(struct wanted *wanted, const struct kw_value *constraints)
{
    struct kw_grant *grant = &wanted->grant;

    wanted->fits = true;
    if (constraints == NULL)
        return;
    grant->has_equals = kw_input_has(constraints, "EncryptionContextEquals");
    grant->has_subset = kw_input_has(constraints, "EncryptionContextSubset");
    grant->equals = wanted->equals;
    grant->subset = wanted->subset;
    wanted->fits = fill_pairs(kw_input_object(constraints, "EncryptionContextEquals"), wanted->equals,
                       &grant->num_equals) &&
                   fill_pairs(kw_input_object(constraints, "EncryptionContextSubset"), wanted->subset,
                       &grant->num_subset);
}

static void fill(const struct kw_value *input, struct wanted *wanted)
{
    const struct kw_value *list = kw_input_array(input, "Operations"), *item;
    struct kw_grant *grant = &wanted->grant;

    grant->grantee = (const char *)kw_input_string(input, "GranteePrincipal").ptr;
    grant->retiring = (const char *)kw_input_string(input, "RetiringPrincipal").ptr;
    grant->name = (const char *)kw_input_string(input, "Name").ptr;
    for (KW_VALUE_EACH(list, item))
        grant->operations |= kw_grant_operation(kw_input_text(item));
    fill_constraints(wanted, kw_input_object(input, "Constraints"));
}

/* ---- principals ---- */

static int check_principal(struct kw_call *call, const char *member)
{
    struct kw_bytes text = kw_input_string(call->input, member);

    if (text.ptr == NULL || kw_iamname_can_hold_grant(text, kw_bytes_str(kw_region_partition(call->region))))
        return KW_CALL_DONE;
    return kw_call_refuse_quoting(
        call, KW_ERROR_INVALID_ARN, "ARN does not refer to a valid principal: ", text, "");
}

static int check_principals(struct kw_call *call)
{
    int r = check_principal(call, "GranteePrincipal");

    return r == KW_CALL_DONE ? check_principal(call, "RetiringPrincipal") : r;
}

/* ---- operations ---- */

/* In the order of kw_grant_operation_names. */
enum {
    DECRYPT = 1u << 0,
    ENCRYPT = 1u << 1,
    GENERATE_DATA_KEY = 1u << 2,
    GENERATE_DATA_KEY_WITHOUT_PLAINTEXT = 1u << 3,
    RE_ENCRYPT_FROM = 1u << 4,
    RE_ENCRYPT_TO = 1u << 5,
    SIGN = 1u << 6,
    VERIFY = 1u << 7,
    GET_PUBLIC_KEY = 1u << 8,
    CREATE_GRANT = KW_GRANT_CREATE_GRANT,
    RETIRE_GRANT = KW_GRANT_RETIRE_GRANT,
    DESCRIBE_KEY = KW_GRANT_DESCRIBE_KEY,
    GENERATE_DATA_KEY_PAIR = 1u << 12,
    GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT = 1u << 13,
    GENERATE_MAC = 1u << 14,
    VERIFY_MAC = 1u << 15,
    DERIVE_SHARED_SECRET = 1u << 16,

    OF_EVERY_KEY = CREATE_GRANT | RETIRE_GRANT | DESCRIBE_KEY,
    OF_ENCRYPTION = DECRYPT | ENCRYPT | RE_ENCRYPT_FROM | RE_ENCRYPT_TO,
    OF_SYMMETRIC = GENERATE_DATA_KEY | GENERATE_DATA_KEY_WITHOUT_PLAINTEXT | GENERATE_DATA_KEY_PAIR |
                   GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT,
};

/* Source: KMS developer guide, "Grant operations" and the table of what each type of key supports. */
static uint32_t operations_of(const struct kw_kms_key *key)
{
    static const uint32_t of_usage[KW_USAGE_NUM] = {
        [KW_USAGE_ENCRYPT_DECRYPT] = OF_ENCRYPTION,
        [KW_USAGE_SIGN_VERIFY] = SIGN | VERIFY,
        [KW_USAGE_GENERATE_VERIFY_MAC] = GENERATE_MAC | VERIFY_MAC,
        [KW_USAGE_KEY_AGREEMENT] = DERIVE_SHARED_SECRET,
    };
    enum kw_key_kind kind = kw_key_spec_info(key->spec)->kind;
    uint32_t operations = OF_EVERY_KEY | of_usage[key->usage];

    if (kind == KW_KEY_KIND_SYMMETRIC)
        return operations | OF_SYMMETRIC;
    return kind == KW_KEY_KIND_HMAC ? operations : operations | GET_PUBLIC_KEY;
}

static int check_operations(struct kw_call *call, const struct kw_grant *grant)
{
    const struct kw_value *list = kw_input_array(call->input, "Operations"), *item;
    uint32_t supported = operations_of(call->key);

    for (KW_VALUE_EACH(list, item)) {
        if ((kw_grant_operation(kw_input_text(item)) & supported) == 0)
            return kw_call_refuse(call, KW_ERROR_VALIDATION,
                "Operation %s is not valid for a grant on a KMS key with key spec %s and key usage %s.",
                (const char *)kw_value_text(item).ptr, kw_key_spec_name(call->key->spec),
                kw_key_usage_name(call->key->usage));
    }
    if (grant->operations == 0)
        return kw_call_refuse(call, KW_ERROR_VALIDATION, "Grants must contain at least one operation.");
    if (grant->operations == CREATE_GRANT)
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "Grants must not contain only the CreateGrant operation.");
    return KW_CALL_DONE;
}

/* ---- constraints ---- */

static size_t count_chars(struct kw_bytes text)
{
    size_t num = 0;

    for (size_t i = 0; i < text.len; i++)
        num += (text.ptr[i] & 0xc0) != 0x80;
    return num;
}

static int check_pair(struct kw_call *call, const struct kw_value *value)
{
    struct kw_bytes text = kw_input_text(value);

    if (count_chars(kw_value_key(value)) > PAIR_CHARS_MAX || count_chars(text) > PAIR_CHARS_MAX)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "The encryption context in a grant constraint must not exceed %u characters.", PAIR_CHARS_MAX);
    if (kw_bytes_find(text, 0) >= 0)
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "The encryption context must not contain NUL characters.");
    return KW_CALL_DONE;
}

static int check_pairs(struct kw_call *call, const struct kw_value *map)
{
    const struct kw_value *value;

    if (kw_value_num(map) > PAIRS_MAX)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "A grant constraint must not have more than %u encryption context pairs.", PAIRS_MAX);
    for (KW_VALUE_EACH(map, value)) {
        int r = check_pair(call, value);

        if (r != KW_CALL_DONE)
            return r;
    }
    return KW_CALL_DONE;
}

static int check_constraints(struct kw_call *call, const struct kw_grant *grant)
{
    const struct kw_value *constraints = kw_input_object(call->input, "Constraints");
    int r;

    if (!grant->has_equals && !grant->has_subset)
        return KW_CALL_DONE;
    if (kw_key_spec_info(call->key->spec)->kind != KW_KEY_KIND_SYMMETRIC)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "Encryption context constraints are not supported for grants on KMS keys with key spec %s.",
            kw_key_spec_name(call->key->spec));
    r = check_pairs(call, kw_input_object(constraints, "EncryptionContextEquals"));
    return r == KW_CALL_DONE ? check_pairs(call, kw_input_object(constraints, "EncryptionContextSubset")) : r;
}

/* ---- all together ---- */

/* Whether the caller may create it depends on what it is: a grant may let it create such a one. */
static int find_key(struct kw_call *call, struct wanted *wanted)
{
    int r;

    fill(call->input, wanted);
    call->child = wanted->fits ? &wanted->grant : NULL;
    r = kw_call_find_usable_key(call, false);
    call->child = NULL;
    return r;
}

static int read_wanted(struct kw_call *call, struct wanted *wanted)
{
    struct kw_grant *grant = &wanted->grant;
    int r = find_key(call, wanted);

    if (r == KW_CALL_DONE)
        r = check_principals(call);
    if (r == KW_CALL_DONE)
        r = check_operations(call, grant);
    if (r == KW_CALL_DONE)
        r = check_constraints(call, grant);
    if (r == KW_CALL_DONE)
        r = kw_call_check_grant_tokens(call);
    if (r != KW_CALL_DONE)
        return r;
    kw_assert(wanted->fits);
    grant->account = call->key->account;
    grant->region = call->key->region;
    memcpy(grant->key_id, call->key->id, sizeof(grant->key_id));
    return KW_CALL_DONE;
}

/* The grant that a call with the same name and the same of everything made before; *ret is NULL if none. */
static int find_same(struct kw_call *call, const struct kw_grant *like, const struct kw_grant **ret)
{
    KW_GRANT struct kw_grant *probe = NULL;

    *ret = NULL;
    if (like->name == NULL)
        return KW_CALL_DONE;
    if (kw_grant_new(&probe, like) != 0)
        return kw_call_internal(call);
    *ret = kw_snapshot_same_grant(call->snapshot, probe);
    return KW_CALL_DONE;
}

static int refuse_full(struct kw_call *call)
{
    struct kw_place place = kw_place_key(call->key);

    if (kw_snapshot_count(&call->snapshot->grants, &place) < KW_GRANTS_PER_KEY_MAX)
        return KW_CALL_DONE;
    return kw_call_refuse(
        call, KW_ERROR_LIMIT_EXCEEDED, "A KMS key may have at most %u grants.", KW_GRANTS_PER_KEY_MAX);
}

/* *ret_same: the grant that is there already. */
static int check(struct kw_call *call, struct wanted *wanted, const struct kw_grant **ret_same)
{
    int r = read_wanted(call, wanted);

    if (r == KW_CALL_DONE)
        r = find_same(call, &wanted->grant, ret_same);
    if (r == KW_CALL_DONE && *ret_same == NULL)
        r = refuse_full(call);
    return r == KW_CALL_DONE ? kw_call_dry_run(call) : r;
}

static int answer(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    char token[KW_GRANTTOKEN_TEXT_MAX];

    if (kw_granttoken_make(kw_call_service(call)->grant_secret, call->new_grant_id, call->new_nonce, token) !=
        0)
        return kw_call_internal(call);
    kw_json_begin_object(&out);
    kw_json_key(&out, "GrantId");
    kw_json_hex(&out, KW_BYTES(call->new_grant_id, sizeof(call->new_grant_id)));
    kw_call_write_text(&out, "GrantToken", token);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int run_create(struct kw_call *call)
{
    struct wanted wanted = {0};
    const struct kw_grant *same = NULL;
    int r = check(call, &wanted, &same);

    if (r != KW_CALL_DONE)
        return r;
    if (kw_wrapper_random(kw_call_wrapper(call), call->new_grant_id, sizeof(call->new_grant_id)) != 0 ||
        kw_wrapper_random(kw_call_wrapper(call), call->new_nonce, sizeof(call->new_nonce)) != 0)
        return kw_call_internal(call);
    if (same == NULL)
        return KW_CALL_WAIT_STORE;
    memcpy(call->new_grant_id, same->id, sizeof(call->new_grant_id));
    return answer(call);
}

static int apply_create(struct kw_call *call)
{
    struct wanted wanted = {0};
    const struct kw_grant *same = NULL;
    int r = check(call, &wanted, &same);

    if (r != KW_CALL_DONE)
        return r;
    if (same != NULL) {
        memcpy(call->new_grant_id, same->id, sizeof(call->new_grant_id));
        return KW_CALL_DONE;
    }
    wanted.grant.created_ms = call->now_ms;
    memcpy(wanted.grant.id, call->new_grant_id, sizeof(wanted.grant.id));
    r = kw_tx_put_grant(call->tx, &wanted.grant);
    return r > 0 ? kw_call_internal(call) : r;
}

const struct kw_operation kw_op_create_grant = {
    .model = &kw_model_create_grant,
    .states = KW_STATES_GRANT,
    .run = run_create,
    .apply = apply_create,
    .stored = answer,
    .note = "Principals are checked for their form; whether such users and roles exist is not known here.",
};
