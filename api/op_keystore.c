/* Custom key stores: CreateCustomKeyStore and its kin. A PKCS#11 token stands for a CloudHSM cluster (hsm.h);
 * external key stores are not supported. */
#include "api/callauthz.h"
#include "api/hsm.h"
#include "api/operations.h"
#include "api/service.h"
#include "api/tokenkey.h"

#include <stdio.h>

static struct kw_hsm *hsm_of(const struct kw_call *call)
{
    return kw_call_service(call)->hsm;
}

static enum kw_token_state state_of(const struct kw_call *call, const struct kw_custom_store *store)
{
    return kw_hsm_status(hsm_of(call), store).state;
}

static struct kw_place place_of(const struct kw_call *call)
{
    return kw_place_account(kw_bytes_str(call->identity.account), kw_bytes_str(call->region));
}

/* ---- what they have in common ---- */

static int find(struct kw_call *call, const struct kw_custom_store **ret)
{
    int r = kw_call_authorize(call, "*");

    return r == KW_CALL_DONE ? kw_tokenkey_find_store(call, ret) : r;
}

static int refuse_state(struct kw_call *call, const struct kw_custom_store *store)
{
    return kw_call_refuse(call, KW_ERROR_CUSTOM_KEY_STORE_STATE,
        "The custom key store %s is %s, which does not allow this operation.", store->id,
        kw_token_state_name(state_of(call, store)));
}

static const struct kw_custom_store *find_by_name(const struct kw_call *call, struct kw_bytes name)
{
    struct kw_place place = place_of(call);
    size_t left = kw_snapshot_count(&call->snapshot->custom_stores, &place);
    const struct kw_custom_store *store;
    struct kw_map_walk walk;

    kw_map_walk_init(
        &walk, &call->snapshot->custom_stores, kw_map_rank(&call->snapshot->custom_stores, &place));
    for (; left > 0 && (store = kw_map_walk_next(&walk)) != NULL; left--) {
        if (kw_bytes_equal(kw_bytes_str(store->name), name))
            return store;
    }
    return NULL;
}

/* A token has the keys of one store only, whoever's it is and in whatever region. */
static bool cluster_is_taken(const struct kw_call *call, const char *cluster)
{
    const struct kw_custom_store *store;
    struct kw_map_walk walk;

    kw_map_walk_init(&walk, &call->snapshot->custom_stores, 0);
    while ((store = kw_map_walk_next(&walk)) != NULL) {
        if (strcmp(store->cluster, cluster) == 0)
            return true;
    }
    return false;
}

/* A text member, which may not hold a NUL; NULL if it is absent. */
static int read_text(struct kw_call *call, const char *member, const char **ret)
{
    struct kw_bytes text = kw_input_string(call->input, member);

    if (kw_bytes_find(text, 0) >= 0)
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "The value of %s must not contain NUL characters.", member);
    *ret = (const char *)text.ptr; /* value.h: it ends with a NUL */
    return KW_CALL_DONE;
}

static int read_name(
    struct kw_call *call, const char *member, const struct kw_custom_store *own, const char **ret)
{
    const struct kw_custom_store *other;
    int r = read_text(call, member, ret);

    if (r != KW_CALL_DONE || *ret == NULL)
        return r;
    other = find_by_name(call, kw_bytes_str(*ret));
    if (other != NULL && other != own)
        return kw_call_refuse(call, KW_ERROR_CUSTOM_KEY_STORE_NAME_IN_USE,
            "The name is that of the custom key store %s.", other->id);
    return KW_CALL_DONE;
}

static int put_store(struct kw_call *call, const struct kw_custom_store *edit)
{
    int r = kw_tx_put_custom_store(call->tx, edit);

    return r > 0 ? kw_call_internal(call) : r;
}

/* These operations answer with an object that has no members. */
static int answer_nothing(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

/* The token learns what the newest picture wants of it. */
static int settle(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;

    if (kw_tokenkey_find_store(call, &store) != KW_CALL_DONE) {
        call->error = KW_ERROR_NONE; /* deleted since: there is nothing left to settle */
        return answer_nothing(call);
    }
    return kw_hsm_settle(hsm_of(call), store) == 0 ? answer_nothing(call) : kw_call_internal(call);
}

/* ---- CreateCustomKeyStore ---- */

static int require_member(struct kw_call *call, const char *member)
{
    if (kw_input_has(call->input, member))
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_VALIDATION,
        "You must specify a %s for custom key stores of type AWS_CLOUDHSM.", member);
}

static int require_members(struct kw_call *call)
{
    static const char *const members[] = {"CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"};

    if (kw_bytes_equal(kw_input_string(call->input, "CustomKeyStoreType"), KW_LIT("EXTERNAL_KEY_STORE")))
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "External key stores are not supported by this server.");
    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        int r = require_member(call, members[i]);

        if (r != KW_CALL_DONE)
            return r;
    }
    return KW_CALL_DONE;
}

static int read_cluster(struct kw_call *call, struct kw_custom_store *edit)
{
    struct kw_bytes id = kw_input_string(call->input, "CloudHsmClusterId");

    if (!kw_cluster_id_valid(id)) /* the model's pattern need not match from end to end */
        return kw_call_refuse_bare(call, KW_ERROR_CLUSTER_NOT_FOUND);
    memcpy(edit->cluster, id.ptr, id.len);
    edit->cluster[id.len] = '\0';
    if (kw_hsm_token(hsm_of(call), edit->cluster) == NULL)
        return kw_call_refuse(call, KW_ERROR_CLUSTER_NOT_FOUND,
            "There is no cluster %s: no token stands for it on this server.", edit->cluster);
    if (cluster_is_taken(call, edit->cluster))
        return kw_call_refuse(call, KW_ERROR_CLUSTER_IN_USE,
            "The cluster %s belongs to a custom key store already.", edit->cluster);
    return KW_CALL_DONE;
}

static int read_trust_anchor(struct kw_call *call, struct kw_custom_store *edit)
{
    struct kw_bytes text = kw_input_string(call->input, "TrustAnchorCertificate");

    if (!kw_trust_anchor_valid(text))
        return kw_call_refuse(call, KW_ERROR_INCORRECT_TRUST_ANCHOR, "The trust anchor is no certificate.");
    edit->trust_anchor = (const char *)text.ptr;
    return KW_CALL_DONE;
}

static int read_create(struct kw_call *call, struct kw_custom_store *edit)
{
    int r = kw_call_authorize(call, "*");

    if (r == KW_CALL_DONE)
        r = require_members(call);
    if (r == KW_CALL_DONE)
        r = read_name(call, "CustomKeyStoreName", NULL, &edit->name);
    if (r == KW_CALL_DONE)
        r = read_cluster(call, edit);
    if (r == KW_CALL_DONE)
        r = read_trust_anchor(call, edit);
    return r == KW_CALL_DONE ? read_text(call, "KeyStorePassword", &edit->password) : r;
}

static int run_create(struct kw_call *call)
{
    struct kw_custom_store edit = {.connect = false};
    uint8_t id[9];
    char hex[2 * sizeof(id)];
    int r = read_create(call, &edit);

    if (r != KW_CALL_DONE)
        return r;
    if (kw_wrapper_random(kw_call_wrapper(call), id, sizeof(id)) != 0)
        return kw_call_internal(call);
    kw_hex_encode(id, sizeof(id), hex);
    snprintf(call->new_text, sizeof(call->new_text), "cks-%.17s", hex);
    return KW_CALL_WAIT_STORE;
}

static int apply_create(struct kw_call *call)
{
    struct kw_custom_store edit = {
        .account = call->identity.account, .region = call->region, .created_ms = call->now_ms};
    int r = read_create(call, &edit);

    if (r != KW_CALL_DONE)
        return r;
    snprintf(edit.id, sizeof(edit.id), "%.21s", call->new_text);
    return put_store(call, &edit);
}

static int stored_create(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_call_write_text(&out, "CustomKeyStoreId", call->new_text);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

const struct kw_operation kw_op_create_custom_key_store = {
    .model = &kw_model_create_custom_key_store,
    .run = run_create,
    .apply = apply_create,
    .stored = stored_create,
    .note = "A cluster is a PKCS#11 token that the server was started with (--hsm); the password is the PIN "
            "of its user. The trust anchor must be a certificate, and is kept, but a token has none to "
            "compare it with. External key stores are refused (UnsupportedOperationException).",
};

/* ---- DescribeCustomKeyStores ---- */

static void write_store(struct kw_call *call, struct kw_json_out *out, const struct kw_custom_store *store)
{
    struct kw_token_status status = kw_hsm_status(hsm_of(call), store);

    kw_json_begin_object(out);
    kw_call_write_text(out, "CustomKeyStoreId", store->id);
    kw_call_write_text(out, "CustomKeyStoreName", store->name);
    kw_call_write_text(out, "CloudHsmClusterId", store->cluster);
    kw_call_write_text(out, "TrustAnchorCertificate", store->trust_anchor);
    kw_call_write_text(out, "ConnectionState", kw_token_state_name(status.state));
    if (status.state == KW_TOKEN_FAILED)
        kw_call_write_text(out, "ConnectionErrorCode", kw_token_error_name(status.condition));
    kw_json_key(out, "CreationDate");
    kw_json_epoch(out, store->created_ms);
    kw_call_write_text(out, "CustomKeyStoreType", "AWS_CLOUDHSM");
    kw_json_end_object(out);
}

static int describe_all(struct kw_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_place place = place_of(call);
    const struct kw_custom_store *store;
    struct kw_page page;
    int r =
        kw_page_begin(call, &page, KW_PAGE_KEY_STORES, 1000, 1000, &call->snapshot->custom_stores, &place);

    if (r != KW_CALL_DONE)
        return r;
    kw_json_begin_object(&out);
    kw_json_key(&out, "CustomKeyStores");
    kw_json_begin_array(&out);
    while ((store = kw_page_next(&page)) != NULL) {
        kw_page_show(&page);
        write_store(call, &out, store);
    }
    kw_json_end_array(&out);
    kw_page_end(&page, &out);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int describe_one(struct kw_call *call, const struct kw_custom_store *store)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    kw_json_key(&out, "CustomKeyStores");
    kw_json_begin_array(&out);
    write_store(call, &out, store);
    kw_json_end_array(&out);
    kw_json_key(&out, "Truncated");
    kw_json_bool(&out, false);
    kw_json_end_object(&out);
    return KW_CALL_DONE;
}

static int run_describe(struct kw_call *call)
{
    struct kw_bytes name = kw_input_string(call->input, "CustomKeyStoreName");
    const struct kw_custom_store *store = NULL;
    bool has_id = kw_input_has(call->input, "CustomKeyStoreId");
    int r = kw_call_authorize(call, "*");

    if (r != KW_CALL_DONE)
        return r;
    if (has_id && name.ptr != NULL)
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "You can specify CustomKeyStoreId or CustomKeyStoreName, but not both.");
    if (!has_id && name.ptr == NULL)
        return describe_all(call);
    if (has_id) {
        r = kw_tokenkey_find_store(call, &store);
        if (r != KW_CALL_DONE)
            return r;
    } else {
        store = find_by_name(call, name);
    }
    if (store == NULL)
        return kw_call_refuse_bare(call, KW_ERROR_CUSTOM_KEY_STORE_NOT_FOUND);
    return describe_one(call, store);
}

const struct kw_operation kw_op_describe_custom_key_stores = {
    .model = &kw_model_describe_custom_key_stores,
    .read_only = true,
    .run = run_describe,
};

/* ---- ConnectCustomKeyStore, DisconnectCustomKeyStore ---- */

static int check_connect(struct kw_call *call, const struct kw_custom_store **ret)
{
    enum kw_token_state state;
    int r = find(call, ret);

    if (r != KW_CALL_DONE)
        return r;
    state = state_of(call, *ret);
    return state == KW_TOKEN_FAILED || state == KW_TOKEN_DISCONNECTING ? refuse_state(call, *ret)
                                                                       : KW_CALL_DONE;
}

static int check_disconnect(struct kw_call *call, const struct kw_custom_store **ret)
{
    enum kw_token_state state;
    int r = find(call, ret);

    if (r != KW_CALL_DONE)
        return r;
    state = state_of(call, *ret);
    return state == KW_TOKEN_DISCONNECTED || state == KW_TOKEN_DISCONNECTING ? refuse_state(call, *ret)
                                                                             : KW_CALL_DONE;
}

static int run_connect(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;
    int r = check_connect(call, &store);

    if (r != KW_CALL_DONE)
        return r;
    return store->connect ? answer_nothing(call) : KW_CALL_WAIT_STORE;
}

static int apply_connect(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;
    struct kw_custom_store edit;
    int r = check_connect(call, &store);

    if (r != KW_CALL_DONE || store->connect)
        return r;
    edit = *store;
    edit.connect = true;
    return put_store(call, &edit);
}

const struct kw_operation kw_op_connect_custom_key_store = {
    .model = &kw_model_connect_custom_key_store,
    .run = run_connect,
    .apply = apply_connect,
    .stored = settle,
    .note = "Connecting takes milliseconds or what the token takes. The password is not changed when a store "
            "is connected, as AWS does. A store that is connected is connected again when the server starts.",
};

static int run_disconnect(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;
    int r = check_disconnect(call, &store);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_disconnect(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;
    struct kw_custom_store edit;
    int r = check_disconnect(call, &store);

    if (r != KW_CALL_DONE)
        return r;
    edit = *store;
    edit.connect = false;
    return put_store(call, &edit);
}

const struct kw_operation kw_op_disconnect_custom_key_store = {
    .model = &kw_model_disconnect_custom_key_store,
    .run = run_disconnect,
    .apply = apply_disconnect,
    .stored = settle,
};

/* ---- UpdateCustomKeyStore ---- */

static int refuse_external_members(struct kw_call *call)
{
    static const char *const members[] = {"XksProxyUriEndpoint", "XksProxyUriPath",
        "XksProxyVpcEndpointServiceName", "XksProxyVpcEndpointServiceOwner",
        "XksProxyAuthenticationCredential", "XksProxyConnectivity"};

    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        if (kw_input_has(call->input, members[i]))
            return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
                "%s is not supported for custom key stores of type AWS_CLOUDHSM.", members[i]);
    }
    return KW_CALL_DONE;
}

/* The name may change while a store is connected, the rest only while it is not. */
static int check_update_state(struct kw_call *call, const struct kw_custom_store *store)
{
    bool name_only =
        !kw_input_has(call->input, "KeyStorePassword") && !kw_input_has(call->input, "CloudHsmClusterId");
    enum kw_token_state state = state_of(call, store);

    return state == KW_TOKEN_DISCONNECTED || (name_only && state == KW_TOKEN_CONNECTED)
               ? KW_CALL_DONE
               : refuse_state(call, store);
}

/* That two tokens have the same keys cannot be known. */
static int check_same_cluster(struct kw_call *call, const struct kw_custom_store *store)
{
    struct kw_bytes id = kw_input_string(call->input, "CloudHsmClusterId");
    struct kw_custom_store other = {.connect = false};
    int r;

    if (id.ptr == NULL || kw_bytes_equal(id, kw_bytes_str(store->cluster)))
        return KW_CALL_DONE;
    r = read_cluster(call, &other);
    if (r == KW_CALL_REFUSED && call->error == KW_ERROR_CLUSTER_NOT_FOUND)
        return r;
    return kw_call_refuse(call, KW_ERROR_CLUSTER_NOT_RELATED,
        "The cluster is not related to %s, whose keys it does not have.", store->cluster);
}

static int read_update(struct kw_call *call, struct kw_custom_store *edit)
{
    const struct kw_custom_store *store = NULL;
    const char *name = NULL, *password = NULL;
    int r = find(call, &store);

    if (r == KW_CALL_DONE)
        r = refuse_external_members(call);
    if (r == KW_CALL_DONE)
        r = check_update_state(call, store);
    if (r == KW_CALL_DONE)
        r = read_name(call, "NewCustomKeyStoreName", store, &name);
    if (r == KW_CALL_DONE)
        r = check_same_cluster(call, store);
    if (r == KW_CALL_DONE)
        r = read_text(call, "KeyStorePassword", &password);
    if (r != KW_CALL_DONE)
        return r;
    *edit = *store;
    edit->name = name != NULL ? name : store->name;
    edit->password = password != NULL ? password : store->password;
    return KW_CALL_DONE;
}

static int run_update(struct kw_call *call)
{
    struct kw_custom_store edit;
    int r = read_update(call, &edit);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_update(struct kw_call *call)
{
    struct kw_custom_store edit;
    int r = read_update(call, &edit);

    return r == KW_CALL_DONE ? put_store(call, &edit) : r;
}

const struct kw_operation kw_op_update_custom_key_store = {
    .model = &kw_model_update_custom_key_store,
    .run = run_update,
    .apply = apply_update,
    .stored = answer_nothing,
    .note = "Another cluster is always refused (CloudHsmClusterNotRelatedException): whether two tokens have "
            "the same keys cannot be known.",
};

/* ---- DeleteCustomKeyStore ---- */

static int check_delete(struct kw_call *call, const struct kw_custom_store **ret)
{
    int r = find(call, ret);

    if (r == KW_CALL_DONE && state_of(call, *ret) != KW_TOKEN_DISCONNECTED)
        r = refuse_state(call, *ret);
    return r;
}

static bool has_keys(const struct kw_call *call, const struct kw_custom_store *store)
{
    const struct kw_map *keys = &call->snapshot->keys;
    struct kw_place place = place_of(call);
    size_t left = kw_snapshot_count(keys, &place);
    const struct kw_kms_key *key;
    struct kw_map_walk walk;

    kw_map_walk_init(&walk, keys, kw_map_rank(keys, &place));
    for (; left > 0 && (key = kw_map_walk_next(&walk)) != NULL; left--) {
        if (key->custom_store != NULL && strcmp(key->custom_store, store->id) == 0)
            return true;
    }
    return false;
}

static int run_delete(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;
    int r = check_delete(call, &store);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

/* Looking through an account's keys is not for a serving thread. */
static int apply_delete(struct kw_call *call)
{
    const struct kw_custom_store *store = NULL;
    int r = check_delete(call, &store);

    if (r != KW_CALL_DONE)
        return r;
    if (has_keys(call, store))
        return kw_call_refuse(
            call, KW_ERROR_CUSTOM_KEY_STORE_HAS_KEYS, "The custom key store %s has KMS keys.", store->id);
    return kw_tx_remove_custom_store(call->tx, store);
}

const struct kw_operation kw_op_delete_custom_key_store = {
    .model = &kw_model_delete_custom_key_store,
    .run = run_delete,
    .apply = apply_delete,
    .stored = answer_nothing,
};
