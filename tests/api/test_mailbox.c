#include "api/store.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#define POSTERS 3
#define EACH    20000

struct item {
    struct kw_inbox_node node;
    int poster, number;
};

static struct kw_mailbox mailbox;
static struct item items[POSTERS][EACH];

static bool readable(int timeout_ms)
{
    struct pollfd pollfd = {.fd = mailbox.eventfd, .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms) == 1;
}

static uint64_t clear(void)
{
    uint64_t count = 0;
    ck_assert_int_eq(read(mailbox.eventfd, &count, sizeof(count)), sizeof(count));
    return count;
}

START_TEST(post_wakes_once_per_batch)
{
    ck_assert_int_eq(kw_mailbox_init(&mailbox), 0);
    ck_assert_int_ne(fcntl(mailbox.eventfd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(mailbox.eventfd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert(!readable(0));

    kw_mailbox_post(&mailbox, &items[0][0].node);
    kw_mailbox_post(&mailbox, &items[0][1].node);
    ck_assert(readable(0));
    ck_assert_uint_eq(clear(), 1);
    struct kw_inbox_node *node = kw_inbox_take(&mailbox.inbox);
    ck_assert_ptr_eq(node, &items[0][0].node);
    ck_assert_ptr_eq(node->next, &items[0][1].node);
    ck_assert_ptr_null(node->next->next);

    kw_mailbox_post(&mailbox, &items[0][2].node);
    ck_assert_uint_eq(clear(), 1);
    ck_assert_ptr_eq(kw_inbox_take(&mailbox.inbox), &items[0][2].node);
    kw_mailbox_done(&mailbox);
    ck_assert_int_eq(mailbox.eventfd, -1);
}
END_TEST

START_TEST(init_fails_without_descriptors)
{
    struct rlimit old, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int r = kw_mailbox_init(&mailbox);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_int_eq(r, -EMFILE);
}
END_TEST

static void *post_many(void *arg)
{
    int poster = *(const int *)arg;
    for (int i = 0; i < EACH; i++) {
        items[poster][i].poster = poster;
        items[poster][i].number = i;
        kw_mailbox_post(&mailbox, &items[poster][i].node);
    }
    return NULL;
}

/* The reader sleeps whenever it has taken all: one lost wake-up and the poll times out. */
START_TEST(nothing_is_lost_between_threads)
{
    pthread_t threads[POSTERS];
    int numbers[POSTERS], next[POSTERS] = {0}, num = 0;

    ck_assert_int_eq(kw_mailbox_init(&mailbox), 0);
    for (int i = 0; i < POSTERS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, &numbers[i]), 0);
    }
    while (num < POSTERS * EACH) {
        ck_assert(readable(10000));
        clear();
        for (struct kw_inbox_node *node = kw_inbox_take(&mailbox.inbox); node != NULL; num++) {
            struct item *item = KW_CONTAINER_OF(node, struct item, node);
            node = node->next;
            ck_assert_int_eq(item->number, next[item->poster]++);
        }
    }
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    kw_mailbox_done(&mailbox);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("mailbox");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, post_wakes_once_per_batch);
    tcase_add_test(tcase, init_fails_without_descriptors);
    tcase_add_test(tcase, nothing_is_lost_between_threads);

    Suite *suite = suite_create("mailbox");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
