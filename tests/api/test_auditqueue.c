#include "api/auditqueue.h"

#include "engine/crypto.h"
#include "tests/support/auditdir.h"
#include "tests/support/suite.h"

static struct auditdir dir;

static void setup(void)
{
    auditdir_init(&dir);
}

static void teardown(void)
{
    auditdir_done(&dir);
}

START_TEST(queues_keep_order_and_count)
{
    struct kw_audit_entry entries[6] = {0};
    struct kw_auditqueue queue = {0}, other = {0};
    struct kw_inbox_node *node;

    ck_assert_ptr_null(kw_auditqueue_first(&queue));
    kw_auditqueue_append(&queue, NULL);
    kw_auditqueue_move(&other, &queue);
    ck_assert_uint_eq(queue.num, 0);
    entries[0].node.next = &entries[1].node;
    kw_auditqueue_append(&queue, &entries[0].node);
    kw_auditqueue_append(&queue, &entries[2].node);
    ck_assert_uint_eq(queue.num, 3);
    kw_auditqueue_append(&other, &entries[3].node);
    entries[4].node.next = &entries[5].node;
    kw_auditqueue_append(&other, &entries[4].node);
    kw_auditqueue_move(&other, &queue);
    ck_assert_uint_eq(queue.num, 6);
    ck_assert(other.first == NULL && other.num == 0);
    kw_auditqueue_move_first(&queue, &other);
    kw_auditqueue_move_first(&queue, &other);
    ck_assert_uint_eq(queue.num, 4);
    ck_assert_ptr_eq(kw_auditqueue_first(&other), &entries[0]);
    kw_auditqueue_move(&queue, &other);
    node = kw_auditqueue_take(&other);
    ck_assert(other.first == NULL && other.num == 0);
    for (int i = 0; i < 6; i++, node = node->next)
        ck_assert_ptr_eq(node, &entries[i].node);
    ck_assert_ptr_null(node);
    ck_assert_ptr_null(kw_auditqueue_take(&other));
}
END_TEST

/* Results go back in order, one wake-up for each mailbox. */
START_TEST(entries_return_to_their_mailboxes)
{
    struct auditdir other;
    struct kw_audit_entry entries[5] = {0};
    uint64_t count;

    auditdir_init(&other);
    for (int i = 0; i < 5; i++) {
        entries[i].reply = i % 2 == 0 ? &dir.mailbox : &other.mailbox;
        entries[i].node.next = i < 4 ? &entries[i + 1].node : NULL;
    }
    kw_audit_entries_return(&entries[0].node, -EIO);
    kw_audit_entries_return(NULL, 0);
    ck_assert_int_eq(read(dir.mailbox.eventfd, &count, sizeof(count)), sizeof(count));
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(read(other.mailbox.eventfd, &count, sizeof(count)), sizeof(count));
    ck_assert_uint_eq(count, 1);
    dir.taken = kw_inbox_take(&dir.mailbox.inbox);
    other.taken = kw_inbox_take(&other.mailbox.inbox);
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_eq(auditdir_next(i % 2 == 0 ? &dir : &other), &entries[i]);
        ck_assert_int_eq(entries[i].result, -EIO);
    }
    ck_assert_ptr_null(dir.taken);
    ck_assert_ptr_null(other.taken);
    auditdir_done(&other);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, queues_keep_order_and_count);
    tcase_add_test(tcase, entries_return_to_their_mailboxes);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("auditqueue", add, 30) : EXIT_FAILURE;
}
