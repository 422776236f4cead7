#include "api/related.h"

#include "engine/crypto.h"
#include "tests/support/entities.h"

static const char *const regions[] = {"eu-west-1", "us-east-1", "us-west-2"};

/* The multi-Region key of that number in one of the regions; eu-west-1 has the primary. */
static void put(struct kw_snapshot *to, const char *account, const char *region, uint32_t number)
{
    KW_KMS_KEY struct kw_kms_key *like = new_key(account, region, number);
    KW_KMS_KEY struct kw_kms_key *key = NULL;
    struct kw_kms_key edit = *like;

    edit.multi_region = true;
    edit.primary_region = regions[0];
    edit.num_regions = 3;
    edit.regions = regions;
    ck_assert_int_eq(kw_kms_key_new(&key, &edit), 0);
    ck_assert_int_eq(kw_snapshot_put_key(to, key), 0);
}

static const struct kw_kms_key *find(const struct kw_snapshot *in, const char *region, uint32_t number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];

    id_of(number, id);
    return kw_snapshot_key(in, ACCOUNT, kw_bytes_str(region), id);
}

START_TEST(test_related)
{
    struct kw_snapshot *snapshot = NULL;
    const struct kw_kms_key *primary, *replica;

    ck_assert_int_eq(kw_snapshot_new(&snapshot, NULL), 0);
    put(snapshot, ACCOUNT_TEXT, regions[0], 1);
    put(snapshot, ACCOUNT_TEXT, regions[1], 1);
    put(snapshot, ACCOUNT_TEXT, regions[2], 2); /* another key */
    put(snapshot, OTHER_TEXT, regions[2], 1);   /* the same id in another account */
    primary = find(snapshot, regions[0], 1);
    replica = find(snapshot, regions[1], 1);
    ck_assert(!kw_related_is_replica(primary) && kw_related_is_replica(replica));
    ck_assert_ptr_null(kw_related_primary(snapshot, primary));
    ck_assert_ptr_eq(kw_related_primary(snapshot, replica), primary);
    ck_assert_ptr_null(kw_related_at(snapshot, primary, 0));
    ck_assert_ptr_eq(kw_related_at(snapshot, primary, 1), replica);
    ck_assert_ptr_eq(kw_related_at(snapshot, replica, 0), primary);
    ck_assert_ptr_null(kw_related_at(snapshot, replica, 1));
    ck_assert_ptr_null(kw_related_at(snapshot, primary, 2));
    kw_snapshot_free(snapshot);
}
END_TEST

START_TEST(test_single)
{
    struct kw_snapshot *snapshot = NULL;
    KW_KMS_KEY struct kw_kms_key *key = new_key(ACCOUNT_TEXT, REGION_TEXT, 1);

    ck_assert_int_eq(kw_snapshot_new(&snapshot, NULL), 0);
    ck_assert(!kw_related_is_replica(key));
    ck_assert_ptr_null(kw_related_primary(snapshot, key));
    kw_snapshot_free(snapshot);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_related);
    tcase_add_test(tcase, test_single);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("related", add, 60) : EXIT_FAILURE;
}
