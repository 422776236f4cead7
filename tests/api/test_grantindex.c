/* The index of grants against a look at all of them, over random grants, callers and contexts; which grants
 * are within others, against every context of a small world; and what a request costs on a key with 50,000.
 */
#include "api/grantindex.h"

#include "engine/crypto.h"
#include "tests/support/sanitized.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <time.h>

#define ACCOUNT  "000000000000"
#define REGION   "us-east-1"
#define USER     "arn:aws:iam::000000000000:user/team/alice"
#define ROOT     "arn:aws:iam::000000000000:root"
#define ROLE     "arn:aws:iam::000000000000:role/path/Reader"
#define SESSION  "arn:aws:sts::000000000000:assumed-role/Reader/one"
#define STRANGER "arn:aws:iam::111122223333:user/team/alice"

enum { DECRYPT = 1u << 0, ENCRYPT = 1u << 1, SIGN = 1u << 6 };

static const struct kw_kms_key keys[] = {
    {.account = ACCOUNT, .region = REGION, .id = {1}},
    {.account = ACCOUNT, .region = REGION, .id = {2}},
    {.account = ACCOUNT, .region = "us-east-2", .id = {1}},
    {.account = "111122223333", .region = REGION, .id = {3}},
};

static struct kw_caller caller_of(enum kw_caller_kind kind, const char *arn)
{
    return (struct kw_caller){.kind = kind,
        .account = KW_LIT(ACCOUNT),
        .arn = kw_bytes_str(arn),
        .role_arn = kind == KW_CALLER_SESSION ? KW_LIT(ROLE) : KW_BYTES(NULL, 0),
        .root_arn = KW_LIT(ROOT)};
}

static struct kw_snapshot *now;

static void setup(void)
{
    ck_assert_int_eq(kw_snapshot_new(&now, NULL), 0);
}

static void teardown(void)
{
    kw_snapshot_free(now);
    now = NULL;
}

static uint64_t state = 42;

static uint32_t below(uint32_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

static struct kw_grant like(
    const struct kw_kms_key *key, uint32_t n, const char *grantee, uint32_t operations)
{
    struct kw_grant grant = {
        .account = key->account, .region = key->region, .grantee = grantee, .operations = operations};

    n = n * 2654435761u;
    memcpy(grant.id, &n, sizeof(n));
    memcpy(grant.key_id, key->id, sizeof(grant.key_id));
    return grant;
}

static const struct kw_grant *put(const struct kw_kms_key *key, const struct kw_grant *of)
{
    KW_GRANT struct kw_grant *grant = NULL;

    if (kw_grant_new(&grant, of) != 0 || kw_snapshot_put_grant(now, grant) != 0)
        ck_abort();
    return kw_snapshot_grant(now, key, of->id);
}

static const struct kw_grant *find(
    const struct kw_caller *caller, uint32_t operation, const struct kw_grant_pair_bytes *pairs, size_t num)
{
    struct kw_grant_context context = {num, pairs};
    bool to_role;

    return kw_grantindex_find(now, &keys[0], caller, operation, pairs != NULL ? &context : NULL, &to_role);
}

#define PAIR(k, v) ((struct kw_grant_pair_bytes){KW_LIT(k), KW_LIT(v)})

/* ---- a slow way to the same ---- */

static char folded(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool slow_same(struct kw_grant_pair_bytes a, const struct kw_grant_pair *b)
{
    if (a.key.len != strlen(b->key) || a.value.len != strlen(b->value))
        return false;
    for (size_t i = 0; i < a.key.len; i++) {
        if (folded(a.key.ptr[i]) != folded((uint8_t)b->key[i]))
            return false;
    }
    return memcmp(a.value.ptr, b->value, a.value.len) == 0;
}

/* Strikes pairs of the context out, one for each of the constraint. */
static bool slow_equals(
    const struct kw_grant_context *context, const struct kw_grant_pair *pairs, uint32_t num)
{
    bool struck[64] = {false};

    if (context->num != num)
        return false;
    for (uint32_t i = 0; i < num; i++) {
        size_t at = 0;

        while (at < num && (struck[at] || !slow_same(context->pairs[at], &pairs[i])))
            at++;
        if (at == num)
            return false;
        struck[at] = true;
    }
    return true;
}

static bool slow_meets(const struct kw_grant *grant, const struct kw_grant_context *context)
{
    if (grant->has_equals && (context == NULL || !slow_equals(context, grant->equals, grant->num_equals)))
        return false;
    for (uint32_t i = 0; grant->has_subset && i < grant->num_subset; i++) {
        bool there = false;

        for (size_t at = 0; context != NULL && at < context->num; at++)
            there |= slow_same(context->pairs[at], &grant->subset[i]);
        if (!there)
            return false;
    }
    return true;
}

/* 0 itself, 1 its role, 2 its account, 3 someone else. */
static int slow_match(const char *grantee, const struct kw_caller *caller)
{
    if (strlen(grantee) == caller->arn.len && memcmp(grantee, caller->arn.ptr, caller->arn.len) == 0)
        return 0;
    if (caller->kind == KW_CALLER_SESSION && strcmp(grantee, ROLE) == 0)
        return 1;
    return strcmp(grantee, ROOT) == 0 || strcmp(grantee, ACCOUNT) == 0 ? 2 : 3;
}

static bool slow_is_on(const struct kw_grant *grant, const struct kw_kms_key *key)
{
    return memcmp(grant->key_id, key->id, sizeof(key->id)) == 0 && strcmp(grant->region, key->region) == 0 &&
           strcmp(grant->account, key->account) == 0;
}

/* The nearest of all that allow it: as slow_match() says; 3: none does. */
static int slow_find(const struct kw_kms_key *key, const struct kw_caller *caller, uint32_t operation,
    const struct kw_grant_context *context)
{
    struct kw_map_walk walk;
    const struct kw_grant *grant;
    int best = 3;

    kw_map_walk_init(&walk, &now->grants, 0);
    while ((grant = kw_map_walk_next(&walk)) != NULL) {
        if (slow_is_on(grant, key) && (grant->operations & operation) != 0 &&
            (operation == KW_GRANT_DESCRIBE_KEY || slow_meets(grant, context)))
            best = KW_MIN(best, slow_match(grant->grantee, caller));
    }
    return best;
}

static int slow_find_parent(
    const struct kw_kms_key *key, const struct kw_caller *caller, const struct kw_grant *child)
{
    struct kw_map_walk walk;
    const struct kw_grant *grant;
    int best = 3;

    kw_map_walk_init(&walk, &now->grants, 0);
    while ((grant = kw_map_walk_next(&walk)) != NULL) {
        if (slow_is_on(grant, key) && (grant->operations & KW_GRANT_CREATE_GRANT) != 0 &&
            kw_grant_is_within(child, grant))
            best = KW_MIN(best, slow_match(grant->grantee, caller));
    }
    return best;
}

/* ---- a small world ---- */

#define WORLD 5u
static const struct kw_grant_pair world[WORLD] = {{"a", "1"}, {"A", "1"}, {"a", "2"}, {"b", "1"}, {"c", "C"}};
static const char *const grantees[] = {USER, ROOT, ROLE, SESSION, ACCOUNT, STRANGER, USER "2"};

struct random_grant {
    struct kw_grant grant;
    struct kw_grant_pair equals[4], subset[4];
};

static uint32_t random_pairs(struct kw_grant_pair pairs[4])
{
    uint32_t num = below(5);

    for (uint32_t i = 0; i < num; i++)
        pairs[i] = world[below(WORLD)];
    return num;
}

static void random_grant(struct random_grant *ret, uint32_t n)
{
    ret->grant = like(&keys[below(KW_ARRAY_LEN(keys))], n, grantees[below(KW_ARRAY_LEN(grantees))],
        (1 + below(15)) | (below(3) << 9) | (below(4) == 0 ? KW_GRANT_DESCRIBE_KEY : 0));
    ret->grant.has_equals = below(4) == 0;
    ret->grant.has_subset = below(2) == 0;
    ret->grant.num_equals = ret->grant.has_equals ? random_pairs(ret->equals) : 0;
    ret->grant.num_subset = ret->grant.has_subset ? random_pairs(ret->subset) : 0;
    ret->grant.equals = ret->equals;
    ret->grant.subset = ret->subset;
}

static size_t random_context(struct kw_grant_pair_bytes pairs[6])
{
    size_t num = below(7);

    for (size_t i = 0; i < num; i++) {
        const struct kw_grant_pair *pair = &world[below(WORLD)];

        pairs[i] = (struct kw_grant_pair_bytes){kw_bytes_str(pair->key), kw_bytes_str(pair->value)};
    }
    return num;
}

static struct kw_caller random_caller(void)
{
    static const char *const arns[] = {ROOT, USER, SESSION};
    uint32_t kind = below(3);

    return caller_of((enum kw_caller_kind)kind, arns[kind]);
}

static void compare_once(unsigned *num_found)
{
    static const uint32_t operations[] = {1, 2, 4, 8, KW_GRANT_DESCRIBE_KEY, SIGN};
    struct kw_grant_pair_bytes pairs[6];
    struct kw_grant_context context = {random_context(pairs), pairs};
    const struct kw_grant_context *given = below(8) == 0 ? NULL : &context;
    struct kw_caller caller = random_caller();
    const struct kw_kms_key *key = &keys[below(KW_ARRAY_LEN(keys))];
    uint32_t operation = operations[below(KW_ARRAY_LEN(operations))];
    int best = slow_find(key, &caller, operation, given);
    bool to_role = false;
    const struct kw_grant *found = kw_grantindex_find(now, key, &caller, operation, given, &to_role);

    ck_assert_int_eq(found != NULL, best != 3);
    if (found == NULL)
        return;
    ck_assert(slow_is_on(found, key));
    ck_assert((found->operations & operation) != 0);
    ck_assert_int_eq(slow_match(found->grantee, &caller), best);
    ck_assert(operation == KW_GRANT_DESCRIBE_KEY || slow_meets(found, given));
    ck_assert_int_eq(to_role, best == 1);
    (*num_found)++;
}

static void compare_parent(unsigned *num_found)
{
    struct random_grant child;
    struct kw_caller caller = random_caller();
    const struct kw_kms_key *key = &keys[below(KW_ARRAY_LEN(keys))];
    const struct kw_grant *found;
    int best;

    random_grant(&child, 0);
    child.grant.operations = 1 + below(7);
    best = slow_find_parent(key, &caller, &child.grant);
    found = kw_grantindex_find_parent(now, key, &caller, &child.grant);
    ck_assert_int_eq(found != NULL, best != 3);
    if (found == NULL)
        return;
    ck_assert(slow_is_on(found, key));
    ck_assert((found->operations & KW_GRANT_CREATE_GRANT) != 0);
    ck_assert(kw_grant_is_within(&child.grant, found));
    ck_assert_int_eq(slow_match(found->grantee, &caller), best);
    (*num_found)++;
}

static void remove_one(void)
{
    const struct kw_grant *grant = kw_map_at(&now->grants, below((uint32_t)kw_map_len(&now->grants)));

    ck_assert_int_eq(kw_snapshot_remove_grant(now, grant), 0);
}

/* Few grants at first, so that often there is none; ids come again, so that grants are replaced. */
START_TEST(test_against_all)
{
    unsigned found = 0, parents = 0, num = 0;

    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = below(6); i > 0; i--) {
            struct random_grant grant;

            random_grant(&grant, below(400));
            (void)put(&keys[0], &grant.grant);
        }
        if (kw_map_len(&now->grants) > 0 && below(3) == 0)
            remove_one();
        ck_assert_uint_eq(kw_map_len(&now->grants), kw_map_len(&now->grants_by_grantee));
        for (unsigned i = 0; i < 40; i++, num++) {
            compare_once(&found);
            compare_parent(&parents);
        }
    }
    while (kw_map_len(&now->grants) > 0)
        remove_one();
    ck_assert_uint_eq(kw_map_len(&now->grants_by_grantee), 0);
    ck_assert_uint_gt(found, num / 10);
    ck_assert_uint_lt(found, num - num / 10);
    ck_assert_uint_gt(parents, num / 20);
    ck_assert_uint_lt(parents, num - num / 10);
}
END_TEST

/* Every context of up to four pairs that allows the child's operation allows the parent's; and a parent that
 * has all of the child's contexts is one, if there are any. */
START_TEST(test_within)
{
    unsigned within = 0, met = 0;

    for (unsigned round = 0; round < 1500; round++) {
        struct random_grant child, parent;
        bool all = true, some = false, is;

        random_grant(&child, 0);
        random_grant(&parent, 1);
        parent.grant.operations = child.grant.operations | below(32);
        is = kw_grant_is_within(&child.grant, &parent.grant);
        for (uint32_t n = 0; n < (WORLD + 1) * (WORLD + 1) * (WORLD + 1) * (WORLD + 1); n++) {
            struct kw_grant_pair_bytes pairs[4];
            struct kw_grant_context context = {0, pairs};

            for (uint32_t left = n, i = 0; i < 4; i++, left /= WORLD + 1) {
                const struct kw_grant_pair *pair = &world[left % (WORLD + 1) % WORLD];

                if (left % (WORLD + 1) < WORLD)
                    pairs[context.num++] =
                        (struct kw_grant_pair_bytes){kw_bytes_str(pair->key), kw_bytes_str(pair->value)};
            }
            if (!slow_meets(&child.grant, &context))
                continue;
            some = true;
            all &= slow_meets(&parent.grant, &context);
        }
        ck_assert(!is || all);
        ck_assert(is || !all || !some);
        within += is;
        met += some;
    }
    ck_assert_uint_gt(within, 75);
    ck_assert_uint_gt(met, 750);
}
END_TEST

START_TEST(test_within_operations)
{
    struct kw_grant parent = like(&keys[0], 1, USER, ENCRYPT | KW_GRANT_CREATE_GRANT), child = parent;

    child.operations = ENCRYPT;
    ck_assert(kw_grant_is_within(&child, &parent));
    child.operations = ENCRYPT | DECRYPT;
    ck_assert(!kw_grant_is_within(&child, &parent));
    child.operations = ENCRYPT | KW_GRANT_CREATE_GRANT;
    ck_assert(kw_grant_is_within(&child, &parent));
    child.operations = KW_GRANT_DESCRIBE_KEY;
    ck_assert(!kw_grant_is_within(&child, &parent));
}
END_TEST

/* ---- by hand ---- */

START_TEST(test_names_and_values)
{
    static const struct kw_grant_pair pair = {"Project", "Alpha"};
    struct kw_caller user = caller_of(KW_CALLER_USER, USER);
    struct kw_grant grant = like(&keys[0], 1, USER, ENCRYPT);
    const struct kw_grant *made;

    grant.has_equals = true;
    grant.equals = &pair;
    grant.num_equals = 1;
    made = put(&keys[0], &grant);
    ck_assert_ptr_eq(find(&user, ENCRYPT, &PAIR("project", "Alpha"), 1), made);
    ck_assert_ptr_eq(find(&user, ENCRYPT, &PAIR("PROJECT", "Alpha"), 1), made);
    ck_assert_ptr_null(find(&user, ENCRYPT, &PAIR("Project", "alpha"), 1));
    ck_assert_ptr_null(find(&user, ENCRYPT, &PAIR("Projec", "tAlpha"), 1));
    ck_assert_ptr_null(find(&user, DECRYPT, &PAIR("Project", "Alpha"), 1));
    ck_assert_ptr_null(find(&user, ENCRYPT, NULL, 0)); /* an operation without contexts */
    ck_assert_ptr_null(find(&user, ENCRYPT, &PAIR("Project", "Alpha"), 0)); /* an empty one */
    struct kw_grant_pair_bytes two[] = {PAIR("Project", "Alpha"), PAIR("x", "y")};
    ck_assert_ptr_null(find(&user, ENCRYPT, two, 2));

    grant.has_equals = false;
    grant.num_equals = 0;
    grant.has_subset = true;
    grant.subset = &pair;
    grant.num_subset = 1;
    made = put(&keys[0], &grant);
    ck_assert_ptr_eq(find(&user, ENCRYPT, two, 2), made);
    ck_assert_ptr_null(find(&user, ENCRYPT, two + 1, 1));
    ck_assert_ptr_null(find(&user, ENCRYPT, NULL, 0));
}
END_TEST

/* Values may hold a NUL in a request, and cannot in a constraint. */
START_TEST(test_nul)
{
    static const struct kw_grant_pair pair = {"a", "x"};
    struct kw_caller user = caller_of(KW_CALLER_USER, USER);
    struct kw_grant grant = like(&keys[0], 1, USER, ENCRYPT);

    grant.has_subset = true;
    grant.subset = &pair;
    grant.num_subset = 1;
    (void)put(&keys[0], &grant);
    ck_assert_ptr_null(find(&user, ENCRYPT, &PAIR("a", "x\0y"), 1));
    ck_assert_ptr_nonnull(find(&user, ENCRYPT, &PAIR("a", "x"), 1));
}
END_TEST

/* Itself before its role before its account; and nobody else's. */
START_TEST(test_grantees)
{
    struct kw_caller session = caller_of(KW_CALLER_SESSION, SESSION), user = caller_of(KW_CALLER_USER, USER);
    struct kw_caller root = caller_of(KW_CALLER_ROOT, ROOT);
    struct kw_grant of_account = like(&keys[0], 1, ACCOUNT, ENCRYPT),
                    of_root = like(&keys[0], 2, ROOT, ENCRYPT);
    struct kw_grant of_role = like(&keys[0], 3, ROLE, ENCRYPT),
                    of_session = like(&keys[0], 4, SESSION, ENCRYPT);
    struct kw_grant_context none = {0, NULL};
    bool to_role = true;

    (void)put(&keys[0], &of_account);
    ck_assert_mem_eq(find(&user, ENCRYPT, NULL, 0)->id, of_account.id, 32);
    ck_assert_mem_eq(find(&root, ENCRYPT, NULL, 0)->id, of_account.id, 32);
    (void)put(&keys[0], &of_root);
    (void)put(&keys[0], &of_role);
    ck_assert_mem_eq(find(&user, ENCRYPT, NULL, 0)->id, of_root.id, 32);
    ck_assert_mem_eq(
        kw_grantindex_find(now, &keys[0], &session, ENCRYPT, &none, &to_role)->id, of_role.id, 32);
    ck_assert(to_role);
    (void)put(&keys[0], &of_session);
    ck_assert_mem_eq(
        kw_grantindex_find(now, &keys[0], &session, ENCRYPT, &none, &to_role)->id, of_session.id, 32);
    ck_assert(!to_role);
    ck_assert_ptr_null(kw_grantindex_find(now, &keys[1], &session, ENCRYPT, &none, &to_role));
    ck_assert_ptr_null(kw_grantindex_find(now, &keys[2], &session, ENCRYPT, &none, &to_role));
    /* A user who is called as a role is. */
    user.role_arn = KW_BYTES(NULL, 0);
    ck_assert_int_eq(kw_grant_match(ROLE, &user), KW_MATCH_NUM);
    ck_assert_int_eq(kw_grant_match(ROLE, &session), KW_MATCH_ROLE);
    ck_assert_int_eq(kw_grant_match(SESSION, &session), KW_MATCH_SELF);
    ck_assert_int_eq(kw_grant_match(ROOT, &session), KW_MATCH_ACCOUNT);
    ck_assert_int_eq(kw_grant_match(ACCOUNT, &root), KW_MATCH_ACCOUNT);
    ck_assert_int_eq(kw_grant_match(STRANGER, &user), KW_MATCH_NUM);
    ck_assert_int_eq(kw_grant_match("", &user), KW_MATCH_NUM);
}
END_TEST

START_TEST(test_operations)
{
    struct kw_caller user = caller_of(KW_CALLER_USER, USER);
    struct kw_grant grant = like(&keys[0], 1, USER, (1u << KW_GRANT_OPERATIONS_NUM) - 1);

    for (unsigned i = 0; i < KW_GRANT_OPERATIONS_NUM; i++)
        ck_assert_uint_eq(kw_grant_operation(kw_bytes_str(kw_grant_operation_names[i])), 1u << i);
    ck_assert_uint_eq(kw_grant_operation(KW_LIT("CreateGrant")), KW_GRANT_CREATE_GRANT);
    ck_assert_uint_eq(kw_grant_operation(KW_LIT("RetireGrant")), KW_GRANT_RETIRE_GRANT);
    ck_assert_uint_eq(kw_grant_operation(KW_LIT("DescribeKey")), KW_GRANT_DESCRIBE_KEY);
    ck_assert_uint_eq(kw_grant_operation(KW_LIT("GetKeyPolicy")), 0);
    ck_assert_uint_eq(kw_grant_operation(KW_LIT("encrypt")), 0);
    (void)put(&keys[0], &grant);
    ck_assert_ptr_nonnull(find(&user, SIGN, NULL, 0));
    ck_assert_ptr_null(find(&user, 0, NULL, 0));
    ck_assert_ptr_null(find(&user, KW_GRANT_CREATE_GRANT, NULL, 0));
    ck_assert_ptr_null(find(&user, KW_GRANT_RETIRE_GRANT, NULL, 0));
}
END_TEST

START_TEST(test_lets_retire)
{
    struct kw_caller session = caller_of(KW_CALLER_SESSION, SESSION), user = caller_of(KW_CALLER_USER, USER);
    struct kw_caller root = caller_of(KW_CALLER_ROOT, ROOT);
    struct kw_grant grant = like(&keys[3], 1, USER, ENCRYPT);
    bool account = true;

    ck_assert(!kw_grant_lets_retire(&grant, &user, &account)); /* a grantee without RetireGrant */
    ck_assert(!account);
    grant.operations |= KW_GRANT_RETIRE_GRANT;
    ck_assert(kw_grant_lets_retire(&grant, &user, &account));
    ck_assert(!kw_grant_lets_retire(&grant, &session, &account));
    grant.grantee = STRANGER;
    grant.retiring = ROLE;
    ck_assert(!kw_grant_lets_retire(&grant, &user, &account));
    ck_assert(kw_grant_lets_retire(&grant, &session, &account));
    grant.retiring = ACCOUNT;
    ck_assert(!kw_grant_lets_retire(&grant, &user, &account));
    ck_assert(account);
    ck_assert(kw_grant_lets_retire(&grant, &root, &account));
    grant.retiring = STRANGER;
    ck_assert(!kw_grant_lets_retire(&grant, &root, &account));
    ck_assert(!account);
}
END_TEST

/* More pairs than a slot has room for, and twice the same. */
START_TEST(test_many_pairs)
{
    static char names[KW_GRANT_PAIRS_MAX + 1][8];
    struct kw_grant_pair pairs[KW_GRANT_PAIRS_MAX];
    struct kw_grant_pair_bytes context[KW_GRANT_PAIRS_MAX + 1];
    struct kw_caller user = caller_of(KW_CALLER_USER, USER);
    struct kw_grant grant = like(&keys[0], 1, USER, ENCRYPT);
    uint8_t slot[KW_GRANT_SLOT_MAX];
    enum { ALL = KW_GRANT_PAIRS_MAX };

    for (uint32_t i = 0; i <= ALL; i++) {
        snprintf(names[i], sizeof(names[i]), "k%u", i);
        context[i] = (struct kw_grant_pair_bytes){kw_bytes_str(names[i]), KW_LIT("v")};
        if (i < ALL)
            pairs[i] = (struct kw_grant_pair){names[i], "v"};
    }
    grant.has_subset = true;
    grant.subset = pairs;
    grant.num_subset = ALL;
    ck_assert_uint_eq(kw_grantindex_slot(&grant, slot), KW_GRANT_SLOT_MAX);
    (void)put(&keys[0], &grant);
    ck_assert_ptr_nonnull(find(&user, ENCRYPT, context, ALL));
    ck_assert_ptr_nonnull(find(&user, ENCRYPT, context, ALL + 1));
    ck_assert_ptr_null(find(&user, ENCRYPT, context, ALL - 1));
    ck_assert_ptr_null(find(&user, ENCRYPT, context + 1, ALL));
    grant.has_equals = true;
    grant.equals = pairs;
    grant.num_equals = ALL;
    (void)put(&keys[0], &grant);
    ck_assert_ptr_nonnull(find(&user, ENCRYPT, context, ALL));
    ck_assert_ptr_null(find(&user, ENCRYPT, context, ALL + 1));
    ck_assert_ptr_null(find(&user, ENCRYPT, context + 1, ALL));
}
END_TEST

/* A context that no operation takes: only what has no constraint. */
START_TEST(test_huge_context)
{
    static struct kw_grant_pair_bytes pairs[KW_ENC_CONTEXT_PAIRS_MAX + 1];
    static const struct kw_grant_pair pair = {"", ""};
    struct kw_caller user = caller_of(KW_CALLER_USER, USER);
    struct kw_grant grant = like(&keys[0], 1, USER, ENCRYPT);

    grant.has_subset = true;
    grant.subset = &pair;
    grant.num_subset = 1;
    (void)put(&keys[0], &grant);
    ck_assert_ptr_nonnull(find(&user, ENCRYPT, pairs, KW_ENC_CONTEXT_PAIRS_MAX));
    ck_assert_ptr_null(find(&user, ENCRYPT, pairs, KW_ENC_CONTEXT_PAIRS_MAX + 1));
    grant.num_subset = 0;
    (void)put(&keys[0], &grant);
    ck_assert_ptr_nonnull(find(&user, ENCRYPT, pairs, KW_ENC_CONTEXT_PAIRS_MAX + 1));
}
END_TEST

/* ---- cost ---- */

/* A sanitizer, which looks at each access, has seen them all long before. */
#define MANY_GRANTS (KW_SANITIZED ? 5000 : 50000)

static uint64_t cpu_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

enum shape {
    OTHERS,     /* each to someone else */
    EQUAL,      /* one grantee, the same constraint */
    ALL_EQUALS, /* one grantee, each equals something else */
    TENANT,     /* one grantee; all of one tenant, each of another document */
    ODD,        /* one grantee, no constraint, as many sets of operations as there are */
    SHAPES,
};
static const char *const shape_names[SHAPES] = {
    "distinct grantees",
    "one grantee, the same constraint",
    "one grantee, distinct EncryptionContextEquals",
    "one grantee, distinct EncryptionContextSubset with a pair in common",
    "one grantee, all sets of operations but those with Encrypt",
};

static void fill(enum shape shape, uint32_t num)
{
    for (uint32_t n = 0; n < num; n++) {
        char grantee[64], document[16];
        struct kw_grant_pair pairs[2] = {{"tenant", "acme"}, {"document", document}};
        struct kw_grant grant = like(&keys[0], n, USER, DECRYPT | ENCRYPT);

        snprintf(grantee, sizeof(grantee), USER "/%u", n);
        snprintf(document, sizeof(document), "%u", shape == EQUAL ? 1 : n);
        if (shape == OTHERS)
            grant.grantee = grantee;
        if (shape == ODD)
            grant.operations = (n % (1u << KW_GRANT_OPERATIONS_NUM) & ~ENCRYPT) | DECRYPT;
        grant.has_equals = shape == ALL_EQUALS || shape == EQUAL;
        grant.has_subset = shape == TENANT;
        grant.equals = grant.subset = pairs;
        grant.num_equals = grant.has_equals ? 2 : 0;
        grant.num_subset = grant.has_subset ? 2 : 0;
        (void)put(&keys[0], &grant);
    }
}

/* A request that the grants allow, or (but for a pair) do not: nanoseconds. */
static double ask(enum shape shape, uint32_t num, bool allowed, uint32_t operation)
{
    enum { TIMES = 2000 };
    uint64_t begin = cpu_ns(), end;
    uint32_t found = 0;

    for (uint32_t i = 0; i < TIMES; i++) {
        uint32_t n = allowed ? (uint32_t)(i * 2654435761u) % num : num + i;
        char grantee[64], document[16];
        struct kw_grant_pair_bytes pairs[3] = {PAIR("Tenant", "acme"), PAIR("purpose", "x")};
        struct kw_caller caller;
        size_t len = shape == TENANT ? 3 : 2;

        snprintf(grantee, sizeof(grantee), USER "/%u", n);
        snprintf(document, sizeof(document), "%u", shape == EQUAL && allowed ? 1 : n);
        pairs[len - 1] = (struct kw_grant_pair_bytes){KW_LIT("document"), kw_bytes_str(document)};
        caller = caller_of(KW_CALLER_USER, shape == OTHERS ? grantee : USER);
        found += find(&caller, operation, pairs, len) != NULL;
    }
    end = cpu_ns(); /* Check's assertions write to a file: none is timed */
    ck_assert_uint_eq(found, allowed ? TIMES : 0);
    return (double)(end - begin) / TIMES;
}

START_TEST(test_cost)
{
    enum { FEW = 50, MANY = MANY_GRANTS };
    enum shape shape = (enum shape)_i;
    uint32_t operation = shape == ODD ? DECRYPT : ENCRYPT;
    double few[2], many[2], adding;

    fill(shape, FEW);
    few[0] = ask(shape, FEW, true, operation);
    few[1] = shape == ODD ? ask(shape, FEW, false, ENCRYPT) : ask(shape, FEW, false, operation);
    adding = (double)cpu_ns();
    fill(shape, MANY);
    adding = ((double)cpu_ns() - adding) / MANY;
    many[0] = ask(shape, MANY, true, operation);
    many[1] = shape == ODD ? ask(shape, MANY, false, ENCRYPT) : ask(shape, MANY, false, operation);
    printf("%s: allowed %.0f ns of %d, %.0f of %d; not allowed %.0f, %.0f; %.0f to add one\n",
        shape_names[shape], few[0], FEW, many[0], MANY, few[1], many[1], adding);
    /* The depth of the tree and the processor's caches: a scan would take a thousand times as long. */
    ck_assert_msg(many[0] < 20 * few[0] && many[1] < 20 * few[1], "%s", shape_names[shape]);
}
END_TEST

/* The parent of a child among 50,000 that have some of its operations and not all. */
START_TEST(test_cost_of_parent)
{
    enum { MANY = MANY_GRANTS, TIMES = 200 };
    struct kw_caller user = caller_of(KW_CALLER_USER, USER);
    struct kw_grant child = like(&keys[0], 0, STRANGER, 7), parent = like(&keys[0], MANY, USER, 0);
    uint64_t begin;

    for (uint32_t n = 0; n < MANY; n++) {
        struct kw_grant grant = like(&keys[0], n, USER, n % 512 | KW_GRANT_CREATE_GRANT);

        if ((grant.operations & 7) == 7)
            grant.operations &= ~(1u << n % 3);
        (void)put(&keys[0], &grant);
    }
    begin = cpu_ns();
    for (unsigned i = 0; i < TIMES; i++)
        ck_assert_ptr_null(kw_grantindex_find_parent(now, &keys[0], &user, &child));
    begin = cpu_ns() - begin;
    printf("no parent among %d with some of its operations: %.0f ns\n", MANY, (double)begin / TIMES);
    ck_assert_uint_lt(begin / TIMES, 1000000);
    parent.operations = 0xfff;
    (void)put(&keys[0], &parent);
    ck_assert_mem_eq(kw_grantindex_find_parent(now, &keys[0], &user, &child)->id, parent.id, 32);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_against_all);
    tcase_add_test(tests, test_within);
    tcase_add_test(tests, test_within_operations);
    tcase_add_test(tests, test_names_and_values);
    tcase_add_test(tests, test_nul);
    tcase_add_test(tests, test_grantees);
    tcase_add_test(tests, test_operations);
    tcase_add_test(tests, test_lets_retire);
    tcase_add_test(tests, test_many_pairs);
    tcase_add_test(tests, test_huge_context);
    tcase_add_loop_test(tests, test_cost, 0, SHAPES);
    tcase_add_test(tests, test_cost_of_parent);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("grantindex", add, 60);
}
