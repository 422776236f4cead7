#include "api/grantindex_internal.h"

struct search {
    const struct kw_map *map;
    const struct kw_kms_key *key;
    struct kw_bytes grantee;
    struct kw_grantslot begin; /* of key and grantee, and of what is looked at */
    uint32_t operations;       /* all of them */
    const struct kw_grant_pairs
        *exact; /* the context, or what a child's has to equal; NULL: that is not known */
    const struct kw_grant_pairs *least; /* what is in it if that is all that is known; NULL: there is none */
    bool hashed;
    struct kw_grant_hashes *hashes; /* of exact, or else of least; once they are needed */
};

/* The first that begins with `len` bytes of begin and does not come before `from`. */
static const struct kw_grant *look_from(const struct search *search, size_t len, struct kw_bytes from)
{
    uint8_t behind[KW_GRANTSLOT_BEGIN_MAX + 1];
    struct kw_bytes to = {behind, len + 1};

    memcpy(behind, search->begin.bytes, len);
    behind[len] = 0xff; /* greater than any byte that can follow there */
    return kw_map_first_with(search->map, &from, &to, search->operations);
}

/* The first that begins with all of begin; or the first such behind another one. */
static const struct kw_grant *look(const struct search *search, const struct kw_grant *after)
{
    uint8_t next[KW_GRANT_SLOT_MAX + 1];

    if (after == NULL)
        return look_from(search, search->begin.len, KW_BYTES(search->begin.bytes, search->begin.len));
    memcpy(next, after->slot.ptr, after->slot.len);
    next[after->slot.len] = 0;
    return look_from(search, search->begin.len, KW_BYTES(next, after->slot.len + 1));
}

static bool is_of(const struct search *search, const struct kw_grant *grant)
{
    return kw_bytes_equal(kw_bytes_str(grant->grantee), search->grantee) &&
           memcmp(grant->key_id, search->key->id, sizeof(grant->key_id)) == 0 &&
           strcmp(grant->account, search->key->account) == 0 &&
           strcmp(grant->region, search->key->region) == 0;
}

/* Of the key and grantee, whatever its constraint: but for a collision of hashes the first one that there is.
 */
static const struct kw_grant *look_any(const struct search *search)
{
    const struct kw_grant *grant = NULL;

    do
        grant = look(search, grant);
    while (grant != NULL && !is_of(search, grant));
    return grant;
}

/* The same, and its constraint is met. */
static const struct kw_grant *look_met(const struct search *search)
{
    const struct kw_grant *grant = NULL;

    do
        grant = look(search, grant);
    while (grant != NULL && !(is_of(search, grant) && kw_grant_meets(grant, search->exact, search->least)));
    return grant;
}

static const struct kw_grant *look_equals(struct search *search)
{
    const struct kw_grant *grant;

    if (search->exact == NULL)
        return NULL;
    kw_grantslot_add(&search->begin, KW_GRANTSLOT_EQUALS);
    kw_grantslot_add_hash(&search->begin, search->hashes->sum);
    grant = look_met(search);
    search->begin.len = KW_GRANTSLOT_WHO_LEN;
    return grant;
}

static const struct kw_grant *look_longer(struct search *search, size_t at);

/* Subsets that begin so and are whole, or go on with one of our pairs from `at` on. */
static const struct kw_grant *look_subset(struct search *search, size_t at)
{
    size_t len = search->begin.len;
    const struct kw_grant *grant;

    kw_grantslot_add(&search->begin, KW_GRANTSLOT_END);
    grant = look_met(search);
    search->begin.len = len;
    return grant != NULL || len + KW_GRANTSLOT_MORE_LEN >= KW_GRANTSLOT_BEGIN_MAX ? grant
                                                                                  : look_longer(search, at);
}

/* Each look says which hash comes next there, so that what others have and we have not is passed at once. At
 * most KW_GRANT_SLOT_PAIRS deep. */
static const struct kw_grant *look_longer(struct search *search, size_t at)
{
    const struct kw_grant_hashes *ours = search->hashes;
    size_t len = search->begin.len;
    const struct kw_grant *next = NULL, *grant = NULL;

    while (grant == NULL && at < ours->num) {
        uint64_t theirs;

        kw_grantslot_add(&search->begin, KW_GRANTSLOT_MORE);
        kw_grantslot_add_hash(&search->begin, ours->of[at]);
        next = look_from(search, len, KW_BYTES(search->begin.bytes, search->begin.len));
        if (next == NULL)
            break;
        theirs = kw_grantslot_number(next->slot.ptr + len + 1);
        if (theirs == ours->of[at])
            grant = look_subset(search, ++at);
        while (at < ours->num && ours->of[at] < theirs)
            at++;
        search->begin.len = len;
    }
    search->begin.len = len;
    return grant;
}

static const struct kw_grant *look_constrained(struct search *search)
{
    const struct kw_grant_pairs *pairs = search->exact != NULL ? search->exact : search->least;
    const struct kw_grant *grant;

    if (pairs == NULL)
        return NULL;
    if (!search->hashed)
        kw_grantslot_hash(pairs, search->hashes);
    search->hashed = true;
    grant = look_equals(search);
    if (grant != NULL)
        return grant;
    kw_grantslot_add(&search->begin, KW_GRANTSLOT_SUBSET);
    return look_longer(search, 0);
}

/* One of those to one name of the caller. */
static const struct kw_grant *find_of_grantee(struct search *search)
{
    const struct kw_grant *any = look_any(search);

    if (any == NULL || any->slot.ptr[KW_GRANTSLOT_WHO_LEN] == KW_GRANTSLOT_FREE ||
        search->operations == KW_GRANT_DESCRIBE_KEY)
        return any;
    return look_constrained(search);
}

static const struct kw_grant *find(struct search *search, const struct kw_caller *caller, bool *ret_to_role)
{
    const struct kw_bytes names[] = {caller->arn, caller->role_arn, caller->root_arn, caller->account};
    struct kw_siphash key = kw_grantslot_key(search->key->account, search->key->region, search->key->id);

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        const struct kw_grant *grant;

        if (names[i].len == 0 || (i > 0 && kw_bytes_equal(names[i], caller->arn)))
            continue;
        search->grantee = names[i];
        kw_grantslot_begin(&search->begin, &key, names[i]);
        grant = find_of_grantee(search);
        if (grant != NULL) {
            *ret_to_role = i == 1;
            return grant;
        }
    }
    return NULL;
}

const struct kw_grant *kw_grantindex_find(const struct kw_snapshot *snapshot, const struct kw_kms_key *key,
    const struct kw_caller *caller, uint32_t operation, const struct kw_grant_context *context,
    bool *ret_to_role)
{
    struct kw_grant_pairs exact;
    struct kw_grant_hashes hashes;
    struct search search = {
        .map = &snapshot->grants_by_grantee, .key = key, .operations = operation, .hashes = &hashes};

    if (operation == 0 || operation == KW_GRANT_CREATE_GRANT || operation == KW_GRANT_RETIRE_GRANT)
        return NULL;
    if (context != NULL && context->num <= KW_GRANT_HASHES_MAX) {
        exact = (struct kw_grant_pairs){.num = context->num, .slices = context->pairs};
        search.exact = &exact;
    }
    return find(&search, caller, ret_to_role);
}

const struct kw_grant *kw_grantindex_find_parent(const struct kw_snapshot *snapshot,
    const struct kw_kms_key *key, const struct kw_caller *caller, const struct kw_grant *child)
{
    struct kw_grant_pairs exact = kw_grant_equals(child), least = kw_grant_subset(child);
    struct kw_grant_hashes hashes;
    struct search search = {.map = &snapshot->grants_by_grantee,
        .key = key,
        .operations = child->operations | KW_GRANT_CREATE_GRANT,
        .exact = child->has_equals ? &exact : NULL,
        .least = child->has_subset ? &least : NULL,
        .hashes = &hashes};
    bool to_role;

    return find(&search, caller, &to_role);
}
