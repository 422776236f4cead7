/* The grants of a picture: found by id, by key, by who may retire them and by what they say, and as cheap to
 * add to many as to few. */
#include "api/snapshot.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <time.h>

#define ACCOUNT "000000000000"
#define REGION  "us-east-1"

static const struct kw_kms_key key = {.account = ACCOUNT, .region = REGION, .id = {1}};
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

static void step(void)
{
    struct kw_snapshot *next = NULL;

    ck_assert_int_eq(kw_snapshot_new(&next, now), 0);
    kw_snapshot_free(now);
    now = next;
}

/* Spread by a multiplication, so that ids do not come in order. */
static struct kw_grant plain(uint32_t n)
{
    struct kw_grant grant = {.account = ACCOUNT,
        .region = REGION,
        .key_id = {1},
        .grantee = "arn:aws:iam::000000000000:user/alice",
        .operations = 3};

    n *= 2654435761u;
    memcpy(grant.id, &n, sizeof(n));
    return grant;
}

static void put(const struct kw_grant *like)
{
    KW_GRANT struct kw_grant *grant = NULL;

    ck_assert_int_eq(kw_grant_new(&grant, like), 0);
    ck_assert_int_eq(kw_snapshot_put_grant(now, grant), 0);
}

static const struct kw_grant *find(const struct kw_grant *like)
{
    return kw_snapshot_grant(now, &key, like->id);
}

/* The grant that says the same. */
static const struct kw_grant *find_same(const struct kw_grant *like)
{
    KW_GRANT struct kw_grant *probe = NULL;

    ck_assert_int_eq(kw_grant_new(&probe, like), 0);
    return kw_snapshot_same_grant(now, probe);
}

static void remove_grant(const struct kw_grant *like)
{
    const struct kw_grant *grant = find(like);

    ck_assert_ptr_nonnull(grant);
    ck_assert_int_eq(kw_snapshot_remove_grant(now, grant), 0);
}

static void assert_sizes(size_t grants, size_t retirable, size_t named)
{
    ck_assert_uint_eq(kw_map_len(&now->grants), grants);
    ck_assert_uint_eq(kw_map_len(&now->grants_by_id), grants);
    ck_assert_uint_eq(kw_map_len(&now->retirables), retirable);
    ck_assert_uint_eq(kw_map_len(&now->named_grants), named);
}

START_TEST(test_indices)
{
    struct kw_grant one = plain(1), two = plain(2);
    struct kw_bytes region = kw_bytes_str(REGION);

    two.name = "two";
    two.retiring = "arn:aws:iam::000000000000:root";
    put(&one);
    put(&two);
    assert_sizes(2, 1, 1);
    ck_assert_ptr_nonnull(find(&one));
    ck_assert_ptr_eq(kw_snapshot_grant_by_id(now, region, two.id), find(&two));
    ck_assert_ptr_null(kw_snapshot_grant_by_id(now, kw_bytes_str("eu-west-1"), two.id));
    ck_assert_ptr_eq(find_same(&two), find(&two));
    ck_assert_ptr_null(find_same(&one)); /* it has no name */

    /* Another grant of the same name: what it was called before is forgotten. */
    struct kw_grant renamed = two;
    renamed.name = NULL;
    renamed.retiring = NULL;
    put(&renamed);
    assert_sizes(2, 0, 0);
    ck_assert_ptr_null(find_same(&two));
    put(&two);
    remove_grant(&two);
    assert_sizes(1, 0, 0);
    ck_assert_ptr_null(kw_snapshot_grant_by_id(now, region, two.id));
    remove_grant(&one);
    assert_sizes(0, 0, 0);
}
END_TEST

/* Each of these is one thing other than what was asked for before. */
START_TEST(test_same_and_not_the_same)
{
    struct kw_grant_pair pair = {"a", "b"}, other = {"ab", ""};
    struct kw_grant base = plain(1);

    base.name = "name";
    base.retiring = "r";
    base.has_equals = true;
    base.equals = &pair;
    base.num_equals = 1;
    put(&base);

    struct kw_grant like = base;
    memset(like.id, 9, sizeof(like.id));
    like.created_ms = 77;
    ck_assert_ptr_nonnull(find_same(&like));
    like = base, like.name = "name2";
    ck_assert_ptr_null(find_same(&like));
    like = base, like.grantee = "arn:aws:iam::000000000000:user/alice2";
    ck_assert_ptr_null(find_same(&like));
    like = base, like.retiring = NULL;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.retiring = "";
    ck_assert_ptr_null(find_same(&like));
    like = base, like.operations = 7;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.equals = &other;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.num_equals = 0;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.has_equals = false, like.num_equals = 0;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.has_subset = true;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.key_id[0] = 2;
    ck_assert_ptr_null(find_same(&like));
    like = base, like.region = "eu-west-1";
    ck_assert_ptr_null(find_same(&like));
    like = base, like.account = "111111111111";
    ck_assert_ptr_null(find_same(&like));
    /* The same bytes, cut differently. */
    like = base, like.name = "namea", like.grantee = "rn:aws:iam::000000000000:user/alice";
    ck_assert_ptr_null(find_same(&like));
}
END_TEST

/* No caller can make two grants that say the same, but a store may hold them: each can go alone. */
START_TEST(test_twins)
{
    struct kw_grant one = plain(1), two = plain(2);

    one.name = two.name = "twin";
    put(&one);
    put(&two);
    assert_sizes(2, 0, 1);
    remove_grant(&one);
    ck_assert_ptr_eq(find_same(&two), find(&two));
    put(&one);
    remove_grant(&one);
    ck_assert_ptr_nonnull(find(&two));
    remove_grant(&two);
    assert_sizes(0, 0, 0);
}
END_TEST

/* An older picture is none the wiser. */
START_TEST(test_pictures)
{
    struct kw_grant one = plain(1);
    struct kw_snapshot *before = NULL;

    one.name = "one";
    put(&one);
    ck_assert_int_eq(kw_snapshot_new(&before, now), 0);
    remove_grant(&one);
    ck_assert_ptr_null(find_same(&one));
    struct kw_snapshot *after = now;
    now = before;
    ck_assert_ptr_nonnull(find_same(&one));
    ck_assert_ptr_nonnull(find(&one));
    now = after;
    kw_snapshot_free(before);
}
END_TEST

static uint64_t cpu_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* What CreateGrant does on the keystore's thread, `num` times, each in a picture of its own. All have one
 * name, which is the worst case of an index by name. Returns nanoseconds. */
static uint64_t add_many(uint32_t from, uint32_t num)
{
    uint64_t begin = cpu_ns();

    for (uint32_t n = from; n < from + num; n++) {
        struct kw_grant grant = plain(n);
        struct kw_place place = kw_place_key(&key);
        char grantee[64];

        snprintf(grantee, sizeof(grantee), "arn:aws:iam::000000000000:user/u%u", n);
        grant.grantee = grantee;
        grant.name = "same";
        step();
        ck_assert_ptr_null(find_same(&grant));
        ck_assert_uint_eq(kw_snapshot_count(&now->grants, &place), n);
        put(&grant);
        ck_assert_ptr_nonnull(find_same(&grant));
    }
    return cpu_ns() - begin;
}

/* One of 20,000 costs as one of 1,000, but for the depth of the trees and the processor's caches: about twice
 * is usual. A scan would cost twenty times as much. */
START_TEST(test_cost)
{
    enum { FEW = 1000, MANY = 20000 };
    uint64_t few = add_many(0, FEW), between, many;

    between = add_many(FEW, MANY - 2 * FEW);
    many = add_many(MANY - FEW, FEW);
    assert_sizes(MANY, 0, MANY);
    printf("%u grants: the first %u took %.1f us each, the last %u %.1f us each, those between %.1f us\n",
        MANY, FEW, (double)few / FEW / 1e3, FEW, (double)many / FEW / 1e3,
        (double)between / (MANY - 2 * FEW) / 1e3);
    ck_assert_msg(many < 8 * few, "%llu ns, then %llu ns", (unsigned long long)few, (unsigned long long)many);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_indices);
    tcase_add_test(tests, test_same_and_not_the_same);
    tcase_add_test(tests, test_twins);
    tcase_add_test(tests, test_pictures);
    tcase_add_test(tests, test_cost);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("snapshot_grants", add, 60);
}
