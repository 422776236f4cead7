/* Requests about access keys of users and accounts' roots. */
#include "api/operator_internal.h"

#include "pool/secmem.h"

#include <stdio.h>

static void write_text(struct kw_json_out *out, const char *name, const char *value)
{
    kw_json_key(out, name);
    kw_json_cstring(out, value);
}

/* The members of an access key but for its secret. */
static void write_key(struct kw_json_out *out, const struct kw_access_key *key)
{
    struct kw_access_use_entry use;

    write_text(out, "AccessKeyId", key->id);
    kw_json_key(out, "Enabled");
    kw_json_bool(out, key->enabled);
    kw_json_key(out, "CreateDate");
    kw_json_epoch(out, key->created_ms);
    kw_access_use_read(key->use, &use);
    if (use.at_ms == 0)
        return;
    kw_json_key(out, "LastUsed");
    kw_json_begin_object(out);
    kw_json_key(out, "Date");
    kw_json_epoch(out, use.at_ms);
    write_text(out, "Service", use.service);
    write_text(out, "Region", use.region);
    kw_json_end_object(out);
}

size_t kw_operator_keys_of(const struct kw_operator_call *call, enum kw_principal_kind kind,
    const char *account, const char *name, const struct kw_access_key *ret[KW_ACCESS_KEYS_MAX])
{
    struct kw_principal whose = {.kind = kind, .account = account, .name = name};
    const struct kw_map *map = &call->snapshot->principal_keys;
    struct kw_place place = kw_place_principal(&whose);
    size_t from = kw_map_rank(map, &place), num = kw_snapshot_count(map, &place);

    kw_assert(num <= KW_ACCESS_KEYS_MAX);
    for (size_t i = 0; i < num; i++)
        ret[i] = kw_map_at(map, from + i);
    if (num == 2 && ret[0]->created_ms > ret[1]->created_ms) {
        const struct kw_access_key *older = ret[1];

        ret[1] = ret[0];
        ret[0] = older;
    }
    return num;
}

void kw_operator_write_keys(
    const struct kw_operator_call *call, const struct kw_principal *principal, struct kw_json_out *out)
{
    const struct kw_access_key *keys[KW_ACCESS_KEYS_MAX];
    size_t num = kw_operator_keys_of(call, principal->kind, principal->account, principal->name, keys);

    kw_json_key(out, "AccessKeys");
    kw_json_begin_array(out);
    for (size_t i = 0; i < num; i++) {
        kw_json_begin_object(out);
        write_key(out, keys[i]);
        kw_json_end_object(out);
    }
    kw_json_end_array(out);
}

void kw_operator_write_made_key(const struct kw_operator_call *call, struct kw_json_out *out)
{
    if (call->key == NULL)
        return;
    kw_json_key(out, "AccessKey");
    kw_json_begin_object(out);
    write_text(out, "AccessKeyId", call->key->id);
    write_text(out, "SecretAccessKey", call->key->secret);
    kw_json_end_object(out);
}

int kw_operator_make_key(struct kw_operator_call *call)
{
    struct kw_principal owner = {
        .kind = call->target.kind, .account = call->target.account, .name = call->target.name};
    struct kw_access_key *made = kw_secmem_alloc(sizeof(*made));
    int r = made == NULL ? -ENOMEM : kw_access_key_make(call->thread->drbg, &owner, call->now_ms, made);

    if (r == 0)
        r = kw_access_key_new(&call->key, made);
    kw_secmem_free(made);
    return r == 0 ? KW_OPERATOR_DONE
                  : kw_operator_refuse(call, KW_OPERATOR_FAILED, "no access key can be made");
}

/* ---- make and rotate ---- */

static int prepare_create(struct kw_operator_call *call)
{
    if (kw_operator_target(call) != 0)
        return KW_OPERATOR_REFUSED;
    if (call->target.kind == KW_PRINCIPAL_ROLE)
        return kw_operator_refuse(
            call, KW_OPERATOR_INVALID, "a role has no access keys: its credentials are those of sessions");
    return kw_operator_make_key(call);
}

/* The principal and the access keys that it has. */
static int find_keys(struct kw_operator_call *call, const struct kw_access_key **keys, size_t *ret_num)
{
    const struct kw_principal *principal;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    *ret_num = kw_operator_keys_of(call, principal->kind, principal->account, principal->name, keys);
    return KW_OPERATOR_DONE;
}

static int run_create(struct kw_operator_call *call)
{
    const struct kw_access_key *keys[KW_ACCESS_KEYS_MAX];
    size_t num;

    if (find_keys(call, keys, &num) != 0)
        return KW_OPERATOR_REFUSED;
    if (num == KW_ACCESS_KEYS_MAX)
        return kw_operator_refuse(call, KW_OPERATOR_LIMIT, "%s has %u access keys already; delete one first",
            call->target.name, KW_ACCESS_KEYS_MAX);
    return call->tx != NULL ? kw_tx_put_access_key(call->tx, call->key) : KW_OPERATOR_DONE;
}

static int put_enabled(struct kw_operator_call *call, const struct kw_access_key *key, bool enabled)
{
    struct kw_access_key *edit = kw_secmem_alloc(sizeof(*edit));
    int r = -ENOMEM;

    if (edit != NULL) {
        *edit = *key;
        edit->enabled = enabled;
        r = kw_tx_put_access_key(call->tx, edit);
    }
    kw_secmem_free(edit);
    return r;
}

static int prepare_rotate(struct kw_operator_call *call)
{
    bool keep;

    return kw_operator_flag(call, "Keep", &keep) == 0 ? prepare_create(call) : KW_OPERATOR_REFUSED;
}

/* With two keys one has to go. One that is disabled is what the rotation before left behind. */
static int make_room(struct kw_operator_call *call, const struct kw_access_key **keys, size_t *num)
{
    size_t gone;

    if (*num < KW_ACCESS_KEYS_MAX)
        return KW_OPERATOR_DONE;
    if (keys[0]->enabled && keys[1]->enabled)
        return kw_operator_refuse(call, KW_OPERATOR_LIMIT,
            "%s has two access keys in use; disable or delete one first", call->target.name);
    gone = keys[0]->enabled ? 1 : 0;
    if (call->tx != NULL)
        KW_TRY(kw_tx_remove_access_key(call->tx, keys[gone]));
    keys[0] = keys[1 - gone];
    *num = 1;
    return KW_OPERATOR_DONE;
}

static int run_rotate(struct kw_operator_call *call)
{
    bool keep = json_is_true(json_object_get(call->input, "Keep"));
    const struct kw_access_key *keys[KW_ACCESS_KEYS_MAX], *old;
    size_t num;
    int r;

    if (find_keys(call, keys, &num) != 0)
        return KW_OPERATOR_REFUSED;
    r = make_room(call, keys, &num);
    if (r != KW_OPERATOR_DONE || call->tx == NULL)
        return r;
    old = num > 0 ? keys[0] : NULL;
    if (old != NULL && old->enabled && !keep)
        KW_TRY(put_enabled(call, old, false));
    return kw_tx_put_access_key(call->tx, call->key);
}

static int answer_made(struct kw_operator_call *call, struct kw_json_out *out)
{
    const struct kw_principal *principal;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    write_text(out, "Arn", principal->arn);
    kw_operator_write_made_key(call, out);
    kw_operator_write_keys(call, principal, out);
    return KW_OPERATOR_DONE;
}

/* ---- enable, disable, delete ---- */

/* The access key that AccessKeyId names, and whose it is: the target. */
static int find_key(struct kw_operator_call *call, const struct kw_access_key **ret)
{
    const struct kw_access_key *key;
    const struct kw_principal *owner;
    const char *id;

    if (kw_operator_text(call, "AccessKeyId", true, &id) != 0)
        return KW_OPERATOR_REFUSED;
    key = kw_snapshot_access_key(call->snapshot, kw_bytes_str(id));
    if (key == NULL)
        return kw_operator_refuse(call, KW_OPERATOR_NOT_FOUND, "no access key is named %.128s", id);
    call->target.kind = key->kind;
    memcpy(call->target.account, key->account, sizeof(call->target.account));
    memcpy(call->target.name, key->name, sizeof(call->target.name));
    *ret = key;
    return kw_operator_find(call, &owner);
}

static int set_enabled(struct kw_operator_call *call, bool enabled)
{
    const struct kw_access_key *key = NULL;

    if (find_key(call, &key) != 0)
        return KW_OPERATOR_REFUSED;
    kw_assert(key != NULL);
    return call->tx != NULL ? put_enabled(call, key, enabled) : KW_OPERATOR_DONE;
}

static int run_enable(struct kw_operator_call *call)
{
    return set_enabled(call, true);
}

static int run_disable(struct kw_operator_call *call)
{
    return set_enabled(call, false);
}

static int run_delete(struct kw_operator_call *call)
{
    const struct kw_access_key *key = NULL;

    if (find_key(call, &key) != 0)
        return KW_OPERATOR_REFUSED;
    kw_assert(key != NULL);
    return call->tx != NULL ? kw_tx_remove_access_key(call->tx, key) : KW_OPERATOR_DONE;
}

/* What is left. */
static int answer_keys(struct kw_operator_call *call, struct kw_json_out *out)
{
    const struct kw_principal *principal;

    if (kw_operator_find(call, &principal) != 0)
        return KW_OPERATOR_REFUSED;
    write_text(out, "Arn", principal->arn);
    kw_operator_write_keys(call, principal, out);
    return KW_OPERATOR_DONE;
}

static int run_list(struct kw_operator_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);

    kw_json_begin_object(&out);
    if (answer_keys(call, &out) != 0)
        return KW_OPERATOR_REFUSED;
    kw_json_end_object(&out);
    return KW_OPERATOR_DONE;
}

#define MEMBERS(...)                                                                                         \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }

const struct kw_operator_request *const kw_operator_key_requests[] = {
    &(const struct kw_operator_request){
        .name = "ListAccessKeys",
        .members = MEMBERS("Principal", "Account"),
        .prepare = kw_operator_target,
        .run = run_list,
    },
    &(const struct kw_operator_request){
        .name = "CreateAccessKey",
        .members = MEMBERS("Principal", "Account"),
        .prepare = prepare_create,
        .run = run_create,
        .answer = answer_made,
    },
    &(const struct kw_operator_request){
        .name = "RotateAccessKey",
        .members = MEMBERS("Principal", "Account", "Keep"),
        .prepare = prepare_rotate,
        .run = run_rotate,
        .answer = answer_made,
    },
    &(const struct kw_operator_request){
        .name = "EnableAccessKey",
        .members = MEMBERS("AccessKeyId"),
        .run = run_enable,
        .answer = answer_keys,
    },
    &(const struct kw_operator_request){
        .name = "DisableAccessKey",
        .members = MEMBERS("AccessKeyId"),
        .run = run_disable,
        .answer = answer_keys,
    },
    &(const struct kw_operator_request){
        .name = "DeleteAccessKey",
        .members = MEMBERS("AccessKeyId"),
        .run = run_delete,
        .answer = answer_keys,
    },
    NULL,
};
