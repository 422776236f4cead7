/* ListGrants, ListRetirableGrants, RetireGrant and RevokeGrant; CreateGrant is in op_grant_create.c. */
#include "api/callauthz.h"
#include "api/grantindex.h"
#include "api/iamname.h"
#include "api/keyname.h"
#include "api/operations.h"
#include "api/region.h"

#include <stdio.h>

/* ---- a grant in a list ---- */

static void write_operations(struct kw_json_out *out, uint32_t operations)
{
    kw_json_key(out, "Operations");
    kw_json_begin_array(out);
    for (unsigned i = 0; i < KW_GRANT_OPERATIONS_NUM; i++) {
        if (operations >> i & 1)
            kw_json_cstring(out, kw_grant_operation_names[i]);
    }
    kw_json_end_array(out);
}

static void write_pairs(
    struct kw_json_out *out, const char *name, bool has, const struct kw_grant_pair *pairs, uint32_t num)
{
    if (!has)
        return;
    kw_json_key(out, name);
    kw_json_begin_object(out);
    for (uint32_t i = 0; i < num; i++)
        kw_call_write_text(out, pairs[i].key, pairs[i].value);
    kw_json_end_object(out);
}

static void write_constraints(struct kw_json_out *out, const struct kw_grant *grant)
{
    if (!grant->has_equals && !grant->has_subset)
        return;
    kw_json_key(out, "Constraints");
    kw_json_begin_object(out);
    write_pairs(out, "EncryptionContextSubset", grant->has_subset, grant->subset, grant->num_subset);
    write_pairs(out, "EncryptionContextEquals", grant->has_equals, grant->equals, grant->num_equals);
    kw_json_end_object(out);
}

static void write_grant(struct kw_json_out *out, const struct kw_kms_key *key, const struct kw_grant *grant)
{
    char issuer[64];

    snprintf(
        issuer, sizeof(issuer), "arn:%s:iam::%s:root", kw_region_partition(grant->region), grant->account);
    kw_json_begin_object(out);
    kw_call_write_text(out, "KeyId", key->arn);
    kw_call_write_text(out, "GrantId", grant->id_text);
    kw_call_write_text(out, "Name", grant->name != NULL ? grant->name : "");
    kw_json_key(out, "CreationDate");
    kw_json_epoch(out, grant->created_ms);
    kw_call_write_text(out, "GranteePrincipal", grant->grantee);
    if (grant->retiring != NULL)
        kw_call_write_text(out, "RetiringPrincipal", grant->retiring);
    kw_call_write_text(out, "IssuingAccount", issuer);
    write_operations(out, grant->operations);
    write_constraints(out, grant);
    kw_json_end_object(out);
}

/* ---- which grant ---- */

/* GrantId, whose digits are lower-case: a grant has one id. */
static int read_grant_id(struct kw_call *call, uint8_t ret[KW_GRANT_ID_LEN])
{
    struct kw_bytes text = kw_input_string(call->input, "GrantId");
    char again[2 * KW_GRANT_ID_LEN];

    if (kw_hex_decode(text, ret, KW_GRANT_ID_LEN) == 0) {
        kw_hex_encode(ret, KW_GRANT_ID_LEN, again);
        if (kw_bytes_equal(text, KW_BYTES(again, sizeof(again))))
            return KW_CALL_DONE;
    }
    return kw_call_refuse_quoting(call, KW_ERROR_INVALID_GRANT_ID, "Invalid grantId '", text, "'");
}

static int refuse_unknown(struct kw_call *call, const uint8_t id[KW_GRANT_ID_LEN])
{
    char text[2 * KW_GRANT_ID_LEN + 1] = {0};

    kw_hex_encode(id, KW_GRANT_ID_LEN, text);
    return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Grant ID %s not found", text);
}

/* By KeyId and GrantId. */
static int find_by_id(struct kw_call *call, const struct kw_grant **ret)
{
    uint8_t id[KW_GRANT_ID_LEN];
    int r = kw_call_find_usable_key(call, false);

    if (r == KW_CALL_DONE)
        r = read_grant_id(call, id);
    if (r != KW_CALL_DONE)
        return r;
    *ret = kw_snapshot_grant(call->snapshot, call->key, id);
    return *ret != NULL ? KW_CALL_DONE : refuse_unknown(call, id);
}

/* ---- ListGrants ---- */

static bool is_shown(const struct kw_call *call, const struct kw_grant *grant)
{
    struct kw_bytes grantee = kw_input_string(call->input, "GranteePrincipal");

    return grantee.ptr == NULL || kw_bytes_equal(grantee, kw_bytes_str(grant->grantee));
}

/* With a GrantId there is one entry or none. */
static int answer_one(struct kw_call *call, struct kw_json_out *out)
{
    uint8_t id[KW_GRANT_ID_LEN];
    const struct kw_grant *grant;
    int r = read_grant_id(call, id);

    if (r != KW_CALL_DONE)
        return r;
    grant = kw_snapshot_grant(call->snapshot, call->key, id);
    kw_json_begin_object(out);
    kw_json_key(out, "Grants");
    kw_json_begin_array(out);
    if (grant != NULL && is_shown(call, grant))
        write_grant(out, call->key, grant);
    kw_json_end_array(out);
    kw_json_key(out, "Truncated");
    kw_json_bool(out, false);
    kw_json_end_object(out);
    return KW_CALL_DONE;
}

/* A service is of no account: of its grants those on keys of the caller's account are shown. */
static bool is_of_caller(const struct kw_call *call, const struct kw_grant *grant)
{
    struct kw_bytes account = kw_bytes_str(call->identity.account);
    struct kw_iamname retiring;

    return kw_bytes_equal(kw_bytes_str(grant->account), account) ||
           (kw_iamname_parse(kw_bytes_str(grant->retiring), &retiring) == 0 &&
               kw_bytes_equal(retiring.account, account));
}

/* The page that was begun; key NULL: each grant's own. */
static int answer_page(
    struct kw_call *call, struct kw_json_out *out, struct kw_page *page, const struct kw_kms_key *key)
{
    const struct kw_grant *grant;

    kw_json_begin_object(out);
    kw_json_key(out, "Grants");
    kw_json_begin_array(out);
    while ((grant = kw_page_next(page)) != NULL) {
        const struct kw_kms_key *of = key != NULL
                                          ? key
                                          : kw_snapshot_key(call->snapshot, kw_bytes_str(grant->account),
                                                kw_bytes_str(grant->region), grant->key_id);

        if (of == NULL || !(key != NULL ? is_shown(call, grant) : is_of_caller(call, grant)))
            continue;
        kw_page_show(page);
        write_grant(out, of, grant);
        kw_page_bound(page, out); /* constraints may take some 70 KiB of it */
    }
    kw_json_end_array(out);
    kw_page_end(page, out);
    kw_json_end_object(out);
    return KW_CALL_DONE;
}

static int run_list(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_place place;
    struct kw_page page;
    int r = kw_call_find_usable_key(call, false);

    if (r != KW_CALL_DONE)
        return r;
    place = kw_place_key(call->key);
    r = kw_page_begin(call, &page, KW_PAGE_GRANTS, 50, 100, &call->snapshot->grants, &place);
    if (r != KW_CALL_DONE)
        return r;
    return kw_input_has(call->input, "GrantId") ? answer_one(call, &out)
                                                : answer_page(call, &out, &page, call->key);
}

const struct kw_operation kw_op_list_grants = {
    .model = &kw_model_list_grants,
    .read_only = true,
    .run = run_list,
};

/* ---- ListRetirableGrants ---- */

static int check_principal(struct kw_call *call, struct kw_bytes text)
{
    if (kw_iamname_can_hold_grant(text, kw_bytes_str(kw_region_partition(call->region))))
        return KW_CALL_DONE;
    return kw_call_refuse_quoting(
        call, KW_ERROR_INVALID_ARN, "ARN does not refer to a valid principal: ", text, "");
}

/* Who may retire is told to its own account, for keys of any account. */
static int check_own(struct kw_call *call, struct kw_bytes principal)
{
    struct kw_iamname name;

    if (kw_iamname_parse(principal, &name) != 0 || name.kind == KW_IAMNAME_SERVICE ||
        kw_bytes_equal(name.account, kw_bytes_str(call->identity.account)))
        return KW_CALL_DONE;
    return kw_call_refuse_foreign(call);
}

static int run_list_retirable(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_bytes principal = kw_input_string(call->input, "RetiringPrincipal");
    struct kw_place place = {.part = {kw_bytes_str(call->region), principal}, .num = 2};
    struct kw_page page;
    int r = check_principal(call, principal);

    if (r == KW_CALL_DONE)
        r = kw_call_authorize(call, (const char *)principal.ptr);
    if (r == KW_CALL_DONE)
        r = check_own(call, principal);
    if (r == KW_CALL_DONE)
        r = kw_page_begin(
            call, &page, KW_PAGE_RETIRABLE_GRANTS, 50, 100, &call->snapshot->retirables, &place);
    return r == KW_CALL_DONE ? answer_page(call, &out, &page, NULL) : r;
}

const struct kw_operation kw_op_list_retirable_grants = {
    .model = &kw_model_list_retirable_grants,
    .read_only = true,
    .run = run_list_retirable,
};

/* ---- RetireGrant ---- */

/* Does the grant name the caller itself, and not only its role? */
static bool names_itself(const struct kw_grant *grant, const struct kw_caller *caller)
{
    return (grant->retiring != NULL && kw_grant_match(grant->retiring, caller) == KW_MATCH_SELF) ||
           ((grant->operations & KW_GRANT_RETIRE_GRANT) != 0 &&
               kw_grant_match(grant->grantee, caller) == KW_MATCH_SELF);
}

/* What a grant says of who may retire it needs no permission (but what it says of a role is limited by a
 * session's policy), and neither does the root user of the key's account; but what is denied explicitly is
 * denied to all. */
static int authorize_retire(struct kw_call *call, const struct kw_kms_key *key, const struct kw_grant *grant)
{
    const struct kw_caller *caller = &call->identity.caller;
    bool if_account = false;
    int r;

    kw_call_show_key(call, key);
    r = kw_call_refuse_denied(call, key);
    if (r != KW_CALL_DONE)
        return r;
    if (kw_grant_lets_retire(grant, caller, &if_account) &&
        (names_itself(grant, caller) || kw_call_session_allows(call, key)))
        return r;
    if (caller->kind == KW_CALLER_ROOT && kw_bytes_equal(caller->account, kw_bytes_str(key->account)))
        return r;
    if (if_account && kw_call_identity_allows(call, key))
        return r;
    return kw_call_authorize_key(call, key);
}

static int find_by_token(struct kw_call *call, const struct kw_grant **ret)
{
    struct kw_bytes token = kw_input_string(call->input, "GrantToken");
    const struct kw_kms_key *key = NULL;
    uint8_t id[KW_GRANT_ID_LEN];

    if (kw_granttoken_parse(kw_call_service(call)->grant_secret, token, id) != 0)
        return kw_call_refuse_bare(call, KW_ERROR_INVALID_GRANT_TOKEN);
    *ret = kw_snapshot_grant_by_id(call->snapshot, kw_bytes_str(call->region), id);
    if (*ret != NULL)
        key = kw_snapshot_key(
            call->snapshot, kw_bytes_str((*ret)->account), kw_bytes_str((*ret)->region), (*ret)->key_id);
    return key != NULL ? authorize_retire(call, key, *ret) : refuse_unknown(call, id);
}

/* The key that KeyId names by id or ARN; NULL: none, or it names none. */
static const struct kw_kms_key *peek_key(const struct kw_call *call)
{
    struct kw_bytes text = kw_input_string(call->input, "KeyId");
    struct kw_keyname name;

    if (kw_keyname_parse(text, &name) != 0 || (name.form != KW_KEYNAME_ID && name.form != KW_KEYNAME_ARN))
        return NULL;
    return kw_call_peek_key(call, text);
}

/* Whoever may not retire the grant that is there learns as much as of one that is not. */
static int find_to_retire(struct kw_call *call, const struct kw_grant **ret)
{
    const struct kw_kms_key *key = peek_key(call);
    const struct kw_grant *grant = NULL;
    uint8_t id[KW_GRANT_ID_LEN];

    if (key != NULL && kw_hex_decode(kw_input_string(call->input, "GrantId"), id, sizeof(id)) == 0)
        grant = kw_snapshot_grant(call->snapshot, key, id);
    if (grant != NULL) {
        int r = authorize_retire(call, key, grant);

        if (r != KW_CALL_DONE)
            return r;
        *ret = grant;
        return read_grant_id(call, id);
    }
    return find_by_id(call, ret);
}

static int check_retire(struct kw_call *call, const struct kw_grant **ret)
{
    bool token = kw_input_has(call->input, "GrantToken");
    bool key = kw_input_has(call->input, "KeyId"), id = kw_input_has(call->input, "GrantId");
    int r;

    if (key != id || token == key)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You must specify either a grant token, or both the grant ID and the key ID of the grant.");
    r = token ? find_by_token(call, ret) : find_to_retire(call, ret);
    return r == KW_CALL_DONE ? kw_call_dry_run(call) : r;
}

static int run_retire(struct kw_call *call)
{
    const struct kw_grant *grant = NULL;
    int r = check_retire(call, &grant);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_retire(struct kw_call *call)
{
    const struct kw_grant *grant = NULL;
    int r = check_retire(call, &grant);

    return r == KW_CALL_DONE ? kw_tx_remove_grant(call->tx, grant) : r;
}

const struct kw_operation kw_op_retire_grant = {
    .model = &kw_model_retire_grant,
    .run = run_retire,
    .apply = apply_retire,
    .note =
        "The token of a grant that is gone is still a valid one: RetireGrant answers NotFoundException, and "
        "as one of GrantTokens it is accepted and allows nothing.",
};

/* ---- RevokeGrant ---- */

static int check_revoke(struct kw_call *call, const struct kw_grant **ret)
{
    int r = find_by_id(call, ret);

    return r == KW_CALL_DONE ? kw_call_dry_run(call) : r;
}

static int run_revoke(struct kw_call *call)
{
    const struct kw_grant *grant = NULL;
    int r = check_revoke(call, &grant);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_revoke(struct kw_call *call)
{
    const struct kw_grant *grant = NULL;
    int r = check_revoke(call, &grant);

    return r == KW_CALL_DONE ? kw_tx_remove_grant(call->tx, grant) : r;
}

const struct kw_operation kw_op_revoke_grant = {
    .model = &kw_model_revoke_grant,
    .run = run_revoke,
    .apply = apply_revoke,
};
