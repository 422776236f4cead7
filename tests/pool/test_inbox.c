#include "pool/inbox.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#define WRITERS 4
#define ITEMS   20000u

struct item {
    unsigned serial;
    struct kw_inbox_node node;
    unsigned writer;
};

static struct item *item_of(struct kw_inbox_node *node)
{
    return KW_CONTAINER_OF(node, struct item, node);
}

START_TEST(test_order)
{
    struct item items[3] = {{.serial = 0}, {.serial = 1}, {.serial = 2}};
    struct kw_inbox inbox;

    kw_inbox_init(&inbox);
    ck_assert_ptr_null(kw_inbox_take(&inbox));
    ck_assert(kw_inbox_push(&inbox, &items[0].node));
    ck_assert(!kw_inbox_push(&inbox, &items[1].node));
    ck_assert(!kw_inbox_push(&inbox, &items[2].node));

    struct kw_inbox_node *node = kw_inbox_take(&inbox);
    for (unsigned i = 0; i < 3; i++, node = node->next)
        ck_assert_uint_eq(item_of(node)->serial, i);
    ck_assert_ptr_null(node);
    ck_assert_ptr_null(kw_inbox_take(&inbox));
    /* Taken whole: the next push is the first again, also of a node that was on it before. */
    ck_assert(kw_inbox_push(&inbox, &items[1].node));
    ck_assert_ptr_eq(kw_inbox_take(&inbox), &items[1].node);
    ck_assert_ptr_null(items[1].node.next);
}
END_TEST

struct writer {
    pthread_t thread;
    struct kw_inbox *inbox;
    struct item *items;
    unsigned number;
    unsigned firsts;
};

static void *write_items(void *arg)
{
    struct writer *writer = arg;

    for (unsigned i = 0; i < ITEMS; i++) {
        writer->items[i].serial = i;
        writer->items[i].writer = writer->number;
        writer->firsts += kw_inbox_push(writer->inbox, &writer->items[i].node);
    }
    return NULL;
}

/* Many writers: every item comes once, each writer's in its order, and as many wake-ups as there are batches.
 */
START_TEST(test_many_writers)
{
    struct writer writers[WRITERS] = {0};
    unsigned next[WRITERS] = {0}, total = 0, batches = 0, firsts = 0;
    struct kw_inbox inbox;

    kw_inbox_init(&inbox);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i].inbox = &inbox;
        writers[i].number = i;
        writers[i].items = calloc(ITEMS, sizeof(struct item));
        ck_assert_ptr_nonnull(writers[i].items);
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_items, &writers[i]), 0);
    }
    while (total < WRITERS * ITEMS) {
        struct kw_inbox_node *node = kw_inbox_take(&inbox);
        batches += node != NULL;
        for (; node != NULL; node = node->next, total++) {
            struct item *item = item_of(node);
            ck_assert_uint_lt(item->writer, WRITERS);
            ck_assert_uint_eq(item->serial, next[item->writer]);
            next[item->writer]++;
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        firsts += writers[i].firsts;
        free(writers[i].items);
    }
    ck_assert_uint_eq(firsts, batches);
    ck_assert_ptr_null(kw_inbox_take(&inbox));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inbox");
    TCase *tcase = tcase_create("inbox");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_order);
    tcase_add_test(tcase, test_many_writers);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
