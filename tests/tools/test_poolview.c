#include "tools/poolview.h"

#include "tests/support/suite.h"

static char line[KW_POOLVIEW_LINE_MAX];

static struct kw_pool_look look(double level)
{
    return (struct kw_pool_look){
        .spec = "ECC_NIST_EDWARDS25519", .level = level, .capacity = 100, .demand = 12.5};
}

START_TEST(test_look)
{
    json_t *pool = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "spec", "RSA_2048", "level", 7, "capacity", 10,
        "pops", 3, "demand_per_1000_s", 2500, "make_us", 1500);
    struct kw_pool_look now = kw_pool_look(pool), none = kw_pool_look(NULL);

    ck_assert_str_eq(now.spec, "RSA_2048");
    ck_assert(
        now.level == 7 && now.capacity == 10 && now.pops == 3 && now.demand == 2.5 && now.make_us == 1500);
    ck_assert(now.misses == 0);
    ck_assert_str_eq(none.spec, "?");
    json_decref(pool);
}
END_TEST

START_TEST(test_hits)
{
    struct kw_pool_look before = look(50), now = look(50);

    ck_assert(kw_pool_hits(&now, &before) < 0);
    before.pops = 1000;
    before.misses = 900;
    now = before;
    now.pops += 8;
    ck_assert(kw_pool_hits(&now, &before) == 1);
    now.rejects += 2;
    now.misses += 2;
    ck_assert(kw_pool_hits(&now, &before) == 0.8);
    /* More began to wait than have ended. */
    now.misses += 100;
    ck_assert(kw_pool_hits(&now, &before) == 0);
    /* The server was started anew. */
    now = look(1);
    ck_assert(kw_pool_hits(&now, &before) < 0);
}
END_TEST

START_TEST(test_line)
{
    struct kw_pool_look before = look(75), now = look(75);

    before.pops = 100;
    now.pops = 120;
    now.pushes = 30;
    now.misses = 5;
    now.waiters = 2;
    now.make_us = 1250;
    kw_poolview_line(&now, &before, 2, 104, false, line);
    ck_assert_str_eq(line, "ECC_NIST_EDWARDS25519  ######.. "
                           "     75 /    100      10.0      15.0      12.5   75.0%       2     1.250");
    kw_poolview_line(&now, &before, 2, 104, true, line);
    ck_assert_ptr_nonnull(strstr(line, "\033[32m######..\033[0m "));
}
END_TEST

START_TEST(test_colours)
{
    struct kw_pool_look before = look(0), now = look(50);

    kw_poolview_line(&now, &before, 1, 200, true, line);
    ck_assert_ptr_nonnull(strstr(line, "\033[33m"));
    now.level = 12;
    kw_poolview_line(&now, &before, 1, 200, true, line);
    ck_assert_ptr_nonnull(strstr(line, "\033[31m"));
}
END_TEST

/* At every width headings and lines end at it or before, and stand above each other. */
START_TEST(test_widths)
{
    struct kw_pool_look before = look(0), now = look(1e6);
    char head[KW_POOLVIEW_LINE_MAX];

    now.capacity = 1048063;
    for (unsigned columns = 0; columns < 250; columns++) {
        kw_poolview_head(columns, head);
        kw_poolview_line(&now, &before, 1, columns, false, line);
        ck_assert_uint_le(strlen(head), columns);
        ck_assert_uint_eq(strlen(line), strlen(head));
        ck_assert((strchr(line, '#') != NULL) == (columns >= 104));
    }
    ck_assert_uint_eq(strlen(head), 136);
}
END_TEST

/* What no server says must not break anything either. */
START_TEST(test_hostile)
{
    struct kw_pool_look before = look(0), now = look(1e300);

    now.spec = "a name that is much longer than that of any spec, and then some more of it";
    now.pops = now.pushes = now.waiters = now.make_us = now.demand = 1e18;
    kw_poolview_line(&now, &before, 0.001, 4000, true, line);
    ck_assert_uint_lt(strlen(line), sizeof(line));
    now.level = -5;
    now.capacity = 0;
    kw_poolview_line(&now, &before, 1, 120, true, line);
    ck_assert_ptr_null(strchr(line, '#'));
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_look);
    tcase_add_test(tcase, test_hits);
    tcase_add_test(tcase, test_line);
    tcase_add_test(tcase, test_colours);
    tcase_add_test(tcase, test_widths);
    tcase_add_test(tcase, test_hostile);
}

int main(void)
{
    return kw_suite_run("poolview", add, 20);
}
