#include "api/draft.h"

#include <stdlib.h>

#define FIRST_CAP 64

/* ---- arrays of pointers, whatever they point to ---- */

/* A copy of num pointers with room for as many more as a group of changes is likely to bring. */
static void *array_copy(const void *array, size_t num, size_t *ret_cap)
{
    size_t cap = num + FIRST_CAP;
    void *copy = malloc(cap * sizeof(void *));

    if (copy != NULL && num > 0)
        memcpy(copy, array, num * sizeof(void *));
    *ret_cap = cap;
    return copy;
}

static void *array_grown(void *array, size_t cap)
{
    return reallocarray(array, cap, sizeof(void *));
}

static void array_insert(void *array, size_t num, size_t at, const void *member)
{
    char *place = (char *)array + at * sizeof(void *);

    kw_assert(at <= num);
    memmove(place + sizeof(void *), place, (num - at) * sizeof(void *));
    memcpy(place, &member, sizeof(void *));
}

static void array_remove(void *array, size_t num, size_t at)
{
    char *place = (char *)array + at * sizeof(void *);

    kw_assert(at < num);
    memmove(place, place + sizeof(void *), (num - at - 1) * sizeof(void *));
}

/* ---- life cycle ---- */

static int copy_arrays(struct kw_draft *draft, const struct kw_snapshot *current)
{
    struct kw_snapshot *next = draft->snapshot;

    next->keys = array_copy(current->keys, current->num_keys, &draft->keys_cap);
    next->keys_by_id = array_copy(current->keys_by_id, current->num_keys, &draft->keys_cap);
    next->aliases = array_copy(current->aliases, current->num_aliases, &draft->aliases_cap);
    next->principals = array_copy(current->principals, current->num_principals, &draft->principals_cap);
    return next->keys && next->keys_by_id && next->aliases && next->principals ? 0 : -ENOMEM;
}

static void share_members(struct kw_snapshot *next, const struct kw_snapshot *current)
{
    next->num_keys = current->num_keys;
    next->num_aliases = current->num_aliases;
    next->num_principals = current->num_principals;
    for (size_t i = 0; i < next->num_keys; i++)
        kw_kms_key_ref(next->keys[i]);
    for (size_t i = 0; i < next->num_aliases; i++)
        kw_alias_ref(next->aliases[i]);
    for (size_t i = 0; i < next->num_principals; i++)
        kw_principal_ref(next->principals[i]);
}

int kw_draft_init(struct kw_draft *ret, const struct kw_snapshot *current)
{
    static const struct kw_snapshot nothing;
    KW_DRAFT struct kw_draft draft = {.loading = current == NULL};

    if (current == NULL)
        current = &nothing;
    draft.snapshot = calloc(1, sizeof(*draft.snapshot));
    KW_REQUIRE(draft.snapshot != NULL, -ENOMEM);
    KW_TRY(copy_arrays(&draft, current));
    share_members(draft.snapshot, current);
    draft.snapshot->version = current->version + 1;

    *ret = draft;
    draft.snapshot = NULL;
    return 0;
}

void kw_draft_done(struct kw_draft *draft)
{
    kw_snapshot_free(draft->snapshot);
    draft->snapshot = NULL;
}

static int key_order(const void *a, const void *b)
{
    const struct kw_kms_key *left = *(const struct kw_kms_key *const *)a;
    const struct kw_kms_key *right = *(const struct kw_kms_key *const *)b;
    int order = strcmp(left->account, right->account);

    if (order == 0)
        order = strcmp(left->region, right->region);
    return order != 0 ? order : memcmp(left->id, right->id, sizeof(left->id));
}

static int id_order(const void *a, const void *b)
{
    const struct kw_kms_key *left = *(const struct kw_kms_key *const *)a;
    const struct kw_kms_key *right = *(const struct kw_kms_key *const *)b;
    return memcmp(left->id, right->id, sizeof(left->id));
}

static int alias_order(const void *a, const void *b)
{
    const struct kw_alias *left = *(const struct kw_alias *const *)a;
    const struct kw_alias *right = *(const struct kw_alias *const *)b;
    int order = strcmp(left->account, right->account);

    if (order == 0)
        order = strcmp(left->region, right->region);
    return order != 0 ? order : strcmp(left->name, right->name);
}

static int principal_order(const void *a, const void *b)
{
    const struct kw_principal *left = *(const struct kw_principal *const *)a;
    const struct kw_principal *right = *(const struct kw_principal *const *)b;
    return strcmp(left->access_key_id, right->access_key_id);
}

struct kw_snapshot *kw_draft_take(struct kw_draft *draft)
{
    struct kw_snapshot *snapshot = draft->snapshot;

    kw_assert(snapshot != NULL);
    if (draft->loading) {
        qsort(snapshot->keys, snapshot->num_keys, sizeof(void *), key_order);
        qsort(snapshot->keys_by_id, snapshot->num_keys, sizeof(void *), id_order);
        qsort(snapshot->aliases, snapshot->num_aliases, sizeof(void *), alias_order);
        qsort(snapshot->principals, snapshot->num_principals, sizeof(void *), principal_order);
    }
    draft->snapshot = NULL;
    return snapshot;
}

/* ---- changes ---- */

static int reserve_key(struct kw_draft *draft)
{
    struct kw_snapshot *snapshot = draft->snapshot;
    size_t cap = draft->keys_cap * 2;

    if (snapshot->num_keys < draft->keys_cap)
        return 0;
    void *keys = array_grown(snapshot->keys, cap);
    KW_REQUIRE(keys != NULL, -ENOMEM);
    snapshot->keys = keys;
    void *keys_by_id = array_grown(snapshot->keys_by_id, cap);
    KW_REQUIRE(keys_by_id != NULL, -ENOMEM);
    snapshot->keys_by_id = keys_by_id;
    draft->keys_cap = cap;
    return 0;
}

/* Where the key stands, or would stand, in both arrays; ret_there says which of the two. */
static void key_positions(const struct kw_draft *draft, const struct kw_kms_key *key, size_t *ret_at,
    size_t *ret_by_id, bool *ret_there)
{
    const struct kw_snapshot *snapshot = draft->snapshot;

    *ret_there = false;
    *ret_at = *ret_by_id = snapshot->num_keys;
    if (draft->loading)
        return;
    *ret_there = kw_snapshot_key_by_id(snapshot, key->id) != NULL;
    *ret_at = kw_snapshot_key_after(snapshot, kw_bytes_str(key->account), kw_bytes_str(key->region), key->id);
    *ret_by_id = kw_snapshot_id_after(snapshot, key->id);
}

int kw_draft_put_key(struct kw_draft *draft, struct kw_kms_key **key)
{
    struct kw_snapshot *snapshot = draft->snapshot;
    size_t at, by_id;
    bool there;

    KW_TRY(reserve_key(draft));
    key_positions(draft, *key, &at, &by_id, &there);
    if (there) {
        /* An id is held once, so the key of that id is also the one of that account and region. */
        kw_assert(at > 0 && by_id > 0 && snapshot->keys[at - 1] == snapshot->keys_by_id[by_id - 1]);
        kw_kms_key_unref(snapshot->keys[at - 1]);
        snapshot->keys[at - 1] = snapshot->keys_by_id[by_id - 1] = *key;
    } else {
        array_insert(snapshot->keys, snapshot->num_keys, at, *key);
        array_insert(snapshot->keys_by_id, snapshot->num_keys, by_id, *key);
        snapshot->num_keys++;
    }
    *key = NULL;
    return 0;
}

int kw_draft_put_alias(struct kw_draft *draft, struct kw_alias **alias)
{
    struct kw_snapshot *snapshot = draft->snapshot;
    struct kw_bytes account = kw_bytes_str((*alias)->account), region = kw_bytes_str((*alias)->region);
    struct kw_bytes name = kw_bytes_str((*alias)->name);
    size_t at = snapshot->num_aliases;

    if (snapshot->num_aliases == draft->aliases_cap) {
        void *aliases = array_grown(snapshot->aliases, draft->aliases_cap * 2);
        KW_REQUIRE(aliases != NULL, -ENOMEM);
        snapshot->aliases = aliases;
        draft->aliases_cap *= 2;
    }
    if (!draft->loading) {
        if (kw_snapshot_alias(snapshot, account, region, name) != NULL)
            kw_draft_remove_alias(draft, account, region, name);
        at = kw_snapshot_alias_after(snapshot, account, region, name);
    }
    array_insert(snapshot->aliases, snapshot->num_aliases++, at, *alias);
    *alias = NULL;
    return 0;
}

void kw_draft_remove_alias(
    struct kw_draft *draft, struct kw_bytes account, struct kw_bytes region, struct kw_bytes name)
{
    struct kw_snapshot *snapshot = draft->snapshot;
    const struct kw_alias *alias = kw_snapshot_alias(snapshot, account, region, name);

    kw_assert(alias != NULL && !draft->loading);
    array_remove(snapshot->aliases, snapshot->num_aliases,
        kw_snapshot_alias_after(snapshot, account, region, name) - 1);
    snapshot->num_aliases--;
    kw_alias_unref(alias);
}

int kw_draft_put_principal(struct kw_draft *draft, struct kw_principal **principal)
{
    struct kw_snapshot *snapshot = draft->snapshot;
    struct kw_bytes name = kw_bytes_str((*principal)->access_key_id);
    size_t at = snapshot->num_principals;

    if (snapshot->num_principals == draft->principals_cap) {
        void *principals = array_grown(snapshot->principals, draft->principals_cap * 2);
        KW_REQUIRE(principals != NULL, -ENOMEM);
        snapshot->principals = principals;
        draft->principals_cap *= 2;
    }
    if (!draft->loading)
        at = kw_snapshot_principal_after(snapshot, name);
    if (!draft->loading && kw_snapshot_principal(snapshot, name) != NULL) {
        kw_principal_unref(snapshot->principals[at - 1]);
        snapshot->principals[at - 1] = *principal;
    } else {
        array_insert(snapshot->principals, snapshot->num_principals++, at, *principal);
    }
    *principal = NULL;
    return 0;
}
