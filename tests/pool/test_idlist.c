#include "pool/idlist.h"
#include "tests/pool/death.h"

START_TEST(test_order)
{
    _Atomic uint32_t links[4];
    struct kw_idlist list;

    kw_idlist_init(&list);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), KW_IDLIST_END);
    kw_idlist_push(&list, links, 2);
    kw_idlist_push(&list, links, 0);
    kw_idlist_push(&list, links, 3);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 3);
    kw_idlist_push(&list, links, 1);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 1);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 0);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 2);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), KW_IDLIST_END);
}
END_TEST

START_TEST(test_what_comes_next)
{
    _Atomic uint32_t links[3];
    struct kw_idlist list;
    uint32_t next = 7;

    kw_idlist_init(&list);
    ck_assert_uint_eq(kw_idlist_peek(&list), KW_IDLIST_END);
    ck_assert_uint_eq(kw_idlist_pop_next(&list, links, &next), KW_IDLIST_END);
    ck_assert_uint_eq(next, 7);
    for (uint32_t i = 0; i < 3; i++)
        kw_idlist_push(&list, links, i);
    for (uint32_t i = 3; i > 0; i--) {
        ck_assert_uint_eq(kw_idlist_peek(&list), i - 1);
        ck_assert_uint_eq(kw_idlist_pop_next(&list, links, &next), i - 1);
        ck_assert_uint_eq(next, i > 1 ? i - 2 : KW_IDLIST_END);
    }
}
END_TEST

START_TEST(test_two_lists_over_the_same_links)
{
    _Atomic uint32_t links[3];
    struct kw_idlist a, b;

    kw_idlist_init(&a);
    kw_idlist_init(&b);
    for (uint32_t i = 0; i < 3; i++)
        kw_idlist_push(&a, links, i);
    for (uint32_t i = 0; i < 3; i++)
        kw_idlist_push(&b, links, kw_idlist_pop(&a, links));
    ck_assert_uint_eq(kw_idlist_pop(&a, links), KW_IDLIST_END);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(kw_idlist_pop(&b, links), i);
    ck_assert_uint_eq(kw_idlist_pop(&b, links), KW_IDLIST_END);
}
END_TEST

START_TEST(test_largest_index)
{
    _Atomic uint32_t *links = calloc(KW_SLOTS_MAX, sizeof(*links));
    struct kw_idlist list;

    ck_assert_ptr_nonnull(links);
    kw_idlist_init(&list);
    kw_idlist_push(&list, links, KW_SLOTS_MAX - 1);
    kw_idlist_push(&list, links, 0);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 0);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), KW_SLOTS_MAX - 1);
    free(links);
}
END_TEST

/* The hostile case, played out by hand: a reader took the head and its link and was stopped; meanwhile the
 * same index left and came back on top of another one. Its swap must fail, or index 1, held by someone, would
 * be on the list. */
START_TEST(test_head_that_came_back)
{
    _Atomic uint32_t links[2];
    struct kw_idlist list;

    kw_idlist_init(&list);
    kw_idlist_push(&list, links, 1);
    kw_idlist_push(&list, links, 0);
    uint64_t seen = atomic_load(&list.head);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 0);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 1);
    kw_idlist_push(&list, links, 0);
    ck_assert_uint_ne(atomic_load(&list.head), seen);
    ck_assert_uint_eq(atomic_load(&list.head) & KW_SLOTS_MAX, seen & KW_SLOTS_MAX);
}
END_TEST

START_TEST(test_generation_wraps)
{
    _Atomic uint32_t links[1];
    struct kw_idlist list;

    kw_idlist_init(&list);
    atomic_store(&list.head, UINT64_MAX); /* the last generation, empty */
    kw_idlist_push(&list, links, 0);
    ck_assert_uint_eq(atomic_load(&list.head), 0);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), 0);
    ck_assert_uint_eq(kw_idlist_pop(&list, links), KW_IDLIST_END);
}
END_TEST

static void push_end(void *list)
{
    _Atomic uint32_t links[1];

    kw_idlist_push(list, links, KW_IDLIST_END);
}

START_TEST(test_no_index)
{
    struct kw_idlist list;

    kw_idlist_init(&list);
    ck_assert_int_eq(death_signal(push_end, &list), SIGABRT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idlist");
    TCase *tcase = tcase_create("idlist");
    tcase_add_test(tcase, test_order);
    tcase_add_test(tcase, test_what_comes_next);
    tcase_add_test(tcase, test_two_lists_over_the_same_links);
    tcase_add_test(tcase, test_largest_index);
    tcase_add_test(tcase, test_head_that_came_back);
    tcase_add_test(tcase, test_generation_wraps);
    tcase_add_test(tcase, test_no_index);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
