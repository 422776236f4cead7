/* Last uses: a whole entry whatever the threads do, and that what changed is told once. */
#include "api/lastuse.h"

#include "tests/support/suite.h"

#include <pthread.h>
#include <stdio.h>

#define WRITERS 2
#define ROUNDS  20000

static struct kw_lastuse_entry entry_of(uint32_t number)
{
    struct kw_lastuse_entry entry = {.at_ms = number, .operation = number % KW_LASTUSE_OPERATIONS_NUM};

    snprintf(entry.request_id, sizeof(entry.request_id), "%036u", number);
    snprintf(entry.event_id, sizeof(entry.event_id), "%036u", number);
    return entry;
}

START_TEST(test_note_and_read)
{
    struct kw_lastuse *lastuse = NULL;
    struct kw_lastuse_entry entry = entry_of(5), got;

    ck_assert_int_eq(kw_lastuse_new(&lastuse, NULL), 0);
    kw_lastuse_read(lastuse, &got);
    ck_assert_int_eq(got.at_ms, 0);
    ck_assert(!kw_lastuse_take_dirty(lastuse));
    ck_assert(kw_lastuse_note(lastuse, &entry));
    ck_assert(!kw_lastuse_note(lastuse, &entry)); /* known already */
    kw_lastuse_read(lastuse, &got);
    ck_assert_mem_eq(&got, &entry, sizeof(got));
    ck_assert(kw_lastuse_take_dirty(lastuse));
    ck_assert(!kw_lastuse_take_dirty(lastuse));
    ck_assert(kw_lastuse_note(lastuse, &entry));
    kw_lastuse_unref(kw_lastuse_ref(lastuse));
    kw_lastuse_unref(lastuse);
}
END_TEST

START_TEST(test_operations)
{
    for (uint32_t i = 0; i < KW_LASTUSE_OPERATIONS_NUM; i++)
        ck_assert_uint_eq(kw_lastuse_operation(kw_lastuse_operations[i]), i);
    ck_assert_uint_eq(kw_lastuse_operation("DescribeKey"), KW_LASTUSE_OPERATIONS_NUM);
}
END_TEST

static void *write_many(void *arg)
{
    struct kw_lastuse *lastuse = arg;

    for (uint32_t i = 1; i <= ROUNDS; i++) {
        struct kw_lastuse_entry entry = entry_of(i);

        kw_lastuse_note(lastuse, &entry);
    }
    return NULL;
}

START_TEST(test_threads_see_whole_entries)
{
    struct kw_lastuse *lastuse = NULL;
    pthread_t writers[WRITERS];
    unsigned seen = 0;

    ck_assert_int_eq(kw_lastuse_new(&lastuse, NULL), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_many, lastuse), 0);
    /* On a busy machine all of these rounds may be over before a writer has run: then until one has. */
    for (int i = 0; i < ROUNDS || seen == 0; i++) {
        struct kw_lastuse_entry got, want;

        kw_lastuse_read(lastuse, &got);
        want = entry_of((uint32_t)got.at_ms);
        if (got.at_ms == 0)
            continue;
        ck_assert_mem_eq(&got, &want, sizeof(got));
        seen++;
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    kw_lastuse_unref(lastuse);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, test_note_and_read);
    tcase_add_test(tests, test_operations);
    tcase_add_test(tests, test_threads_see_whole_entries);
}

int main(void)
{
    return kw_suite_run("lastuse", add, 60);
}
