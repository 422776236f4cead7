/* Names of regions: which are names, which are served, and the partitions that they belong to. */
#include "api/region.h"

#include "tests/support/suite.h"

START_TEST(test_names)
{
    static const char *const good[] = {"us-east-1", "eu-central-1", "ap-southeast-7", "us-gov-west-1",
        "cn-northwest-1", "us-isob-east-1", "eusc-de-east-1", "a-b-0", "mx-central-12345"};
    static const char *const bad[] = {"", "us", "us-east", "us-east-", "us-1", "1", "-east-1", "us--1",
        "us-east-1a", "us-east-1-", "US-east-1", "us_east-1", "us-a-b-c-1", "us-east-1,", " us-east-1",
        "us-east-1 ", "aws-global", "us-east-\xc3\xa9", "us-east-1234567890123456789012345"};

    for (size_t i = 0; i < KW_ARRAY_LEN(good); i++)
        ck_assert_msg(kw_region_valid(kw_bytes_str(good[i])), "%s", good[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(bad); i++)
        ck_assert_msg(!kw_region_valid(kw_bytes_str(bad[i])), "%s", bad[i]);
    ck_assert(!kw_region_valid(KW_BYTES(NULL, 0)));
    ck_assert(!kw_region_valid(KW_LIT("us-east-1\0")));
}
END_TEST

/* The longest name has KW_REGION_MAX characters: fields of that size hold every valid one. */
START_TEST(test_longest)
{
    char name[KW_REGION_MAX + 2];

    memset(name, '1', sizeof(name));
    memcpy(name, "us-east-", 8);
    ck_assert(kw_region_valid(KW_BYTES(name, KW_REGION_MAX)));
    ck_assert(!kw_region_valid(KW_BYTES(name, KW_REGION_MAX + 1)));
    /* Nothing beyond the slice is read: this one ends where a longer name goes on. */
    ck_assert(!kw_region_valid(KW_BYTES(name, 8)));
    ck_assert(kw_region_valid(KW_BYTES(name, 9)));
}
END_TEST

START_TEST(test_lists)
{
    static const char list[] = "us-east-1,eu-west-1,eu-west-12";

    ck_assert(kw_region_in(KW_LIT("mars-north-1"), NULL));
    ck_assert(kw_region_in(KW_LIT("us-east-1"), list));
    ck_assert(kw_region_in(KW_LIT("eu-west-1"), list));
    ck_assert(kw_region_in(KW_LIT("eu-west-12"), list));
    ck_assert(!kw_region_in(KW_LIT("eu-west-2"), list));
    /* Neither a part of a name nor two names are one of them. */
    ck_assert(!kw_region_in(KW_LIT("us-east-"), list));
    ck_assert(!kw_region_in(KW_LIT("us-east-11"), list));
    ck_assert(!kw_region_in(KW_LIT("us-east-1,eu-west-1"), list));
    ck_assert(!kw_region_in(KW_LIT(""), list));
    ck_assert(!kw_region_in(KW_LIT("us-east-1"), ""));
}
END_TEST

START_TEST(test_partitions)
{
    static const struct {
        const char *region, *partition;
    } rows[] = {
        {"us-east-1", "aws"},
        {"il-central-1", "aws"},
        {"cn-north-1", "aws-cn"},
        {"cn-northwest-1", "aws-cn"},
        {"us-gov-east-1", "aws-us-gov"},
        {"us-iso-east-1", "aws-iso"},
        {"us-isob-east-1", "aws-iso-b"},
        {"eu-isoe-west-1", "aws-iso-e"},
        {"us-isof-south-1", "aws-iso-f"},
        {"eusc-de-east-1", "aws-eusc"},
    };

    for (size_t i = 0; i < KW_ARRAY_LEN(rows); i++) {
        ck_assert_str_eq(kw_region_partition(rows[i].region), rows[i].partition);
        ck_assert_int_eq(kw_region_is_chinese(rows[i].region), strcmp(rows[i].partition, "aws-cn") == 0);
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_longest);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_partitions);
}

int main(void)
{
    return kw_suite_run("region", add, 10);
}
