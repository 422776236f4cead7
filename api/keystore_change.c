#include "api/keystore_change.h"

/* What one change came to: fatal for the whole transaction, or a result for its submitter, or done. */
struct outcome {
    int fatal;
    int result;
    bool written;
};

static struct outcome refused(int condition)
{
    return (struct outcome){.result = condition};
}

static struct outcome failed(int r)
{
    return (struct outcome){.fatal = r};
}

/* Making a member failed: the submitter's text does not fit, or memory ran out. */
static struct outcome unmade(int r)
{
    return r == KW_ENTITY_INVALID ? refused(-EINVAL) : failed(r);
}

/* After rows and picture have been written in turn. */
static struct outcome written(int r)
{
    return r == 0 ? (struct outcome){.written = true} : failed(r);
}

static size_t count_keys(const struct kw_snapshot *snapshot, struct kw_bytes account, struct kw_bytes region)
{
    static const uint8_t last_id[KW_KMS_KEY_ID_LEN] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

    return kw_snapshot_key_after(snapshot, account, region, last_id) -
           kw_snapshot_key_after(snapshot, account, region, NULL);
}

static struct outcome create_key(struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change)
{
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    struct kw_kms_key_fields fields = {
        .id = change->key_id,
        .account = change->account,
        .region = change->region,
        .description = change->description,
        .state = KW_KEY_ENABLED,
        .created_ms = change->now_ms,
        .backing = change->backing,
        .num_backing = 1,
    };

    if (kw_snapshot_key_by_id(draft->snapshot, change->key_id) != NULL)
        return refused(KW_STORE_EXISTS);
    if (count_keys(draft->snapshot, change->account, change->region) >= KW_KEYS_MAX)
        return refused(KW_STORE_LIMIT);
    int r = kw_kms_key_new(&key, &fields);
    if (r != 0)
        return unmade(r);

    r = kw_rows_insert_key(rows, key);
    if (r == 0)
        r = kw_draft_put_key(draft, &key);
    return written(r);
}

static struct outcome set_key_state(
    struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change)
{
    KW_KMS_KEY struct kw_kms_key *next = NULL;
    const struct kw_kms_key *key =
        kw_snapshot_key(draft->snapshot, change->account, change->region, change->key_id);

    if (key == NULL)
        return refused(KW_STORE_NOT_FOUND);
    if (key->state == change->state)
        return (struct outcome){0};
    int r = kw_kms_key_with_state(&next, key, change->state);
    if (r != 0)
        return unmade(r);

    r = kw_rows_set_state(rows, change->key_id, change->state);
    if (r == 0)
        r = kw_draft_put_key(draft, &next);
    return written(r);
}

static struct outcome create_alias(
    struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change)
{
    KW_ALIAS struct kw_alias *alias = NULL;
    int64_t num_aliases = 0;

    if (kw_snapshot_key(draft->snapshot, change->account, change->region, change->key_id) == NULL)
        return refused(KW_STORE_NOT_FOUND);
    if (kw_snapshot_alias(draft->snapshot, change->account, change->region, change->alias) != NULL)
        return refused(KW_STORE_EXISTS);
    int r = kw_rows_count_aliases(rows, change->key_id, &num_aliases);
    if (r != 0)
        return failed(r);
    if (num_aliases >= KW_ALIASES_PER_KEY_MAX)
        return refused(KW_STORE_LIMIT);
    r = kw_alias_new(&alias, change->account, change->region, change->alias, change->key_id, change->now_ms,
        change->now_ms);
    if (r != 0)
        return unmade(r);

    r = kw_rows_insert_alias(rows, alias);
    if (r == 0)
        r = kw_draft_put_alias(draft, &alias);
    return written(r);
}

static struct outcome delete_alias(
    struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change)
{
    const struct kw_alias *alias =
        kw_snapshot_alias(draft->snapshot, change->account, change->region, change->alias);

    if (alias == NULL)
        return refused(KW_STORE_NOT_FOUND);
    int r = kw_rows_delete_alias(rows, alias);
    if (r == 0)
        kw_draft_remove_alias(draft, change->account, change->region, change->alias);
    return written(r);
}

static struct outcome create_principal(
    struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change)
{
    KW_PRINCIPAL struct kw_principal *principal = NULL;
    struct kw_principal_fields fields = kw_principal_fields_of(change->principal);

    if (kw_snapshot_principal(draft->snapshot, fields.access_key_id) != NULL)
        return refused(KW_STORE_EXISTS);
    int r = kw_principal_new(&principal, &fields);
    if (r != 0)
        return unmade(r);

    r = kw_rows_insert_principal(rows, principal);
    if (r == 0)
        r = kw_draft_put_principal(draft, &principal);
    return written(r);
}

typedef struct outcome change_fn(
    struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change);

static change_fn *const change_fns[] = {
    [KW_CHANGE_CREATE_KEY] = create_key,
    [KW_CHANGE_SET_KEY_STATE] = set_key_state,
    [KW_CHANGE_CREATE_ALIAS] = create_alias,
    [KW_CHANGE_DELETE_ALIAS] = delete_alias,
    [KW_CHANGE_CREATE_PRINCIPAL] = create_principal,
};

int kw_change_apply(struct kw_rows *rows, struct kw_draft *draft, const struct kw_change *change,
    int *ret_result, bool *ret_written)
{
    kw_assert((size_t)change->kind < KW_ARRAY_LEN(change_fns));
    struct outcome outcome = change_fns[change->kind](rows, draft, change);

    if (outcome.fatal != 0)
        return outcome.fatal;
    *ret_result = outcome.result;
    *ret_written = outcome.written;
    return 0;
}
