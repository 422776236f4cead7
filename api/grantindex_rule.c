/* What a grant says by itself: to whom, and of which contexts. */
#include "api/grantindex_internal.h"

uint32_t kw_grant_operation(struct kw_bytes name)
{
    for (unsigned i = 0; i < KW_GRANT_OPERATIONS_NUM; i++) {
        if (kw_bytes_equal(name, kw_bytes_str(kw_grant_operation_names[i])))
            return 1u << i;
    }
    return 0;
}

enum kw_policy_match kw_grant_match(const char *principal, const struct kw_caller *caller)
{
    struct kw_bytes text = kw_bytes_str(principal);

    if (kw_bytes_equal(text, caller->arn))
        return KW_MATCH_SELF;
    if (caller->kind == KW_CALLER_SESSION && kw_bytes_equal(text, caller->role_arn))
        return KW_MATCH_ROLE;
    if (kw_bytes_equal(text, caller->root_arn) || kw_bytes_equal(text, caller->account))
        return KW_MATCH_ACCOUNT;
    return KW_MATCH_NUM;
}

bool kw_grant_lets_retire(const struct kw_grant *grant, const struct kw_caller *caller, bool *ret_if_account)
{
    enum kw_policy_match match[2] = {KW_MATCH_NUM, KW_MATCH_NUM};

    if (grant->retiring != NULL)
        match[0] = kw_grant_match(grant->retiring, caller);
    if ((grant->operations & KW_GRANT_RETIRE_GRANT) != 0)
        match[1] = kw_grant_match(grant->grantee, caller);
    *ret_if_account = false;
    for (unsigned i = 0; i < 2; i++) {
        if (match[i] == KW_MATCH_SELF || match[i] == KW_MATCH_ROLE ||
            (match[i] == KW_MATCH_ACCOUNT && caller->kind == KW_CALLER_ROOT))
            return true;
        *ret_if_account |= match[i] == KW_MATCH_ACCOUNT;
    }
    return false;
}

/* ---- pairs ---- */

struct kw_grant_pairs kw_grant_equals(const struct kw_grant *grant)
{
    return (struct kw_grant_pairs){.num = grant->num_equals, .texts = grant->equals};
}

struct kw_grant_pairs kw_grant_subset(const struct kw_grant *grant)
{
    return (struct kw_grant_pairs){.num = grant->num_subset, .texts = grant->subset};
}

struct kw_grant_pair_bytes kw_grant_pair_at(const struct kw_grant_pairs *pairs, size_t i)
{
    if (pairs->slices != NULL)
        return pairs->slices[i];
    return (struct kw_grant_pair_bytes){
        kw_bytes_str(pairs->texts[i].key), kw_bytes_str(pairs->texts[i].value)};
}

static size_t count_of(const struct kw_grant_pairs *pairs, struct kw_grant_pair_bytes wanted)
{
    size_t num = 0;

    for (size_t i = 0; i < pairs->num; i++) {
        struct kw_grant_pair_bytes pair = kw_grant_pair_at(pairs, i);

        num += kw_bytes_equal(pair.value, wanted.value) && kw_bytes_equal_nocase(pair.key, wanted.key);
    }
    return num;
}

static bool contains_all(const struct kw_grant_pairs *all, const struct kw_grant_pairs *some)
{
    for (size_t i = 0; i < some->num; i++) {
        if (count_of(all, kw_grant_pair_at(some, i)) == 0)
            return false;
    }
    return true;
}

/* Each as often in one as in the other. */
static bool same_pairs(const struct kw_grant_pairs *a, const struct kw_grant_pairs *b)
{
    if (a->num != b->num)
        return false;
    for (size_t i = 0; i < a->num; i++) {
        struct kw_grant_pair_bytes pair = kw_grant_pair_at(a, i);

        if (count_of(a, pair) != count_of(b, pair))
            return false;
    }
    return true;
}

/* ---- what constraints say ---- */

/* exact NULL: that is not known, only that `least` are among them. */
bool kw_grant_meets(
    const struct kw_grant *grant, const struct kw_grant_pairs *exact, const struct kw_grant_pairs *least)
{
    struct kw_grant_pairs equals = kw_grant_equals(grant), subset = kw_grant_subset(grant);

    if (grant->has_equals && (exact == NULL || !same_pairs(exact, &equals)))
        return false;
    return !grant->has_subset || contains_all(exact != NULL ? exact : least, &subset);
}

/* Whatever context the child allows, the parent does. */
bool kw_grant_is_within(const struct kw_grant *child, const struct kw_grant *parent)
{
    struct kw_grant_pairs equals = kw_grant_equals(child), subset = kw_grant_subset(child);

    if ((child->operations & ~parent->operations) != 0)
        return false;
    if (!child->has_subset)
        subset.num = 0;
    return kw_grant_meets(parent, child->has_equals ? &equals : NULL, &subset);
}

bool kw_grant_is_met_by_none(const struct kw_grant *grant)
{
    struct kw_grant_pairs equals = kw_grant_equals(grant);

    return grant->has_equals && !kw_grant_meets(grant, &equals, NULL);
}
