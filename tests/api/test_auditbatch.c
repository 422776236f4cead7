#include "api/auditbatch.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdlib.h>

static struct kw_auditbatch one, two;
static struct kw_auditchain start;
static uint8_t file[8 * KW_AUDIT_BLOCK];

static void setup(void)
{
    ck_assert_int_eq(kw_auditbatch_init(&one), 0);
    ck_assert_int_eq(kw_auditbatch_init(&two), 0);
    start = (struct kw_auditchain){0};
    memset(file, 0, sizeof(file));
}

static void teardown(void)
{
    kw_auditqueue_take(&one.entries);
    kw_auditqueue_take(&two.entries);
    kw_auditbatch_done(&one);
    kw_auditbatch_done(&two);
}

static void add_record(struct kw_auditbatch *batch, struct kw_audit_entry *entry, struct kw_bytes body)
{
    struct kw_auditqueue pending = {0};

    *entry = (struct kw_audit_entry){.body = body};
    kw_auditqueue_append(&pending, &entry->node);
    kw_auditbatch_add(batch, &pending, KW_AUDIT_BATCH_MAX);
    ck_assert_ptr_null(pending.first);
}

/* Writes the batch into the file as the ring would. */
static void write_out(struct kw_auditbatch *batch, bool direct)
{
    struct kw_auditwrite write = kw_auditbatch_write(batch, direct);

    ck_assert_uint_le(write.offset + write.data.len, sizeof(file));
    if (direct) {
        ck_assert_uint_eq(write.offset % KW_AUDIT_BLOCK, 0);
        ck_assert_uint_eq(write.data.len % KW_AUDIT_BLOCK, 0);
        ck_assert_uint_eq((uintptr_t)write.data.ptr % KW_AUDIT_BLOCK, 0);
        /* What the block has already is written again as it is. */
        ck_assert_mem_eq(file + write.offset, write.data.ptr, batch->lead);
    }
    memcpy(file + write.offset, write.data.ptr, write.data.len);
}

/* Batches in turn, of all kinds of lengths: in the file is one text, the chain's, and zeros behind it. */
START_TEST(batches_follow_one_another)
{
    static struct kw_audit_entry entries[64];
    static uint8_t text[sizeof(file)], body[KW_AUDIT_BLOCK];
    struct kw_buf expected = KW_BUF(text, sizeof(text));
    struct kw_auditchain chain = {0};
    struct kw_auditbatch *next = &one, *last = &two;
    bool direct = _i == 1;

    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"a\":1", 6);
    kw_auditbatch_begin(next, &start);
    for (size_t i = 0; i < KW_ARRAY_LEN(entries); i++) {
        /* One batch ends exactly where a block does. */
        size_t end = KW_AUDIT_BLOCK - expected.len % KW_AUDIT_BLOCK;
        size_t head = (i < 8 ? 99 : 100) + 1;
        size_t len = i == 5 && end > head + 10 ? end - head : 10 + i * 37 % 500;
        struct kw_auditbatch *other = next;

        kw_auditqueue_take(&next->entries);
        body[len - 1] = '}';
        kw_auditchain_append(&chain, &expected, KW_BYTES(body, len));
        add_record(next, &entries[i], KW_BYTES(body, len));
        ck_assert_uint_eq(entries[i].sequence, i + 1);
        body[len - 1] = ' ';
        write_out(next, direct);
        kw_auditqueue_take(&next->entries);
        next = last;
        last = other;
        kw_auditbatch_follow(next, last, direct);
        ck_assert_uint_eq(next->offset, expected.len);
        ck_assert_uint_lt(next->lead, KW_AUDIT_BLOCK);
    }
    ck_assert(kw_buf_ok(&expected));
    ck_assert_mem_eq(file, text, sizeof(file));
}
END_TEST

START_TEST(add_stops_where_there_is_no_room)
{
    struct kw_audit_entry entries[3] = {0};
    struct kw_auditqueue pending = {0};

    kw_auditbatch_begin(&one, &start);
    one.marked = true;
    for (int i = 0; i < 3; i++) {
        entries[i].body = KW_LIT("{\"a\":1}");
        kw_auditqueue_append(&pending, &entries[i].node);
    }
    kw_auditbatch_add(&one, &pending, KW_AUDIT_HEAD_MAX + 6);
    ck_assert_uint_eq(pending.num, 3);
    ck_assert(one.marked);
    kw_auditbatch_add(&one, &pending, KW_AUDIT_HEAD_MAX + 7);
    ck_assert_uint_eq(pending.num, 2);
    ck_assert_uint_eq(one.entries.num, 1);
    ck_assert(!one.marked);
    kw_auditbatch_add(&one, &pending, KW_AUDIT_BATCH_MAX);
    ck_assert_uint_eq(one.entries.num, 3);
    ck_assert_uint_eq(one.chain.sequence, 3);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, batches_follow_one_another, 0, 2);
    tcase_add_test(tcase, add_stops_where_there_is_no_room);
}

int main(void)
{
    return kw_crypto_init() == 0 ? kw_suite_run("auditbatch", add, 30) : EXIT_FAILURE;
}
