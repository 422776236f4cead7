#include "api/spares.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

static struct kw_spares spares;

static void setup(void)
{
    spares = (struct kw_spares){.num_blocks = 0};
}

static void teardown(void)
{
    kw_spares_done(&spares);
    ck_assert_uint_eq(spares.num_blocks + spares.num_exchanges, 0);
}

START_TEST(test_block_comes_back_wiped)
{
    struct kw_sbuf first = KW_SBUF_INIT(KW_ANSWER_MAX), second = KW_SBUF_INIT(KW_ANSWER_MAX);
    uint8_t *block;

    kw_spares_fit(&spares, &first);
    block = first.ptr;
    ck_assert_uint_eq(first.cap, KW_SPARE_BLOCK);
    for (unsigned i = 0; i < KW_SPARE_BLOCK; i++)
        kw_sbuf_put_str(&first, "s");
    ck_assert_ptr_eq(first.ptr, block);
    /* What was dropped on the way counts as well. */
    kw_sbuf_consume(&first, KW_SPARE_BLOCK - 10);
    kw_spares_give(&spares, &first);
    ck_assert_ptr_null(first.ptr);
    ck_assert_uint_eq(first.cap + first.len, 0);
    kw_spares_fit(&spares, &second);
    ck_assert_ptr_eq(second.ptr, block);
    for (unsigned i = 0; i < KW_SPARE_BLOCK; i++)
        ck_assert_uint_eq(block[i], 0);
    kw_spares_fit(&spares, &second); /* it has one */
    ck_assert_ptr_eq(second.ptr, block);
    kw_spares_give(&spares, &second);
}
END_TEST

START_TEST(test_grown_buffer_is_not_kept)
{
    struct kw_sbuf sbuf = KW_SBUF_INIT(2 * KW_SPARE_BLOCK);

    kw_spares_fit(&spares, &sbuf);
    ck_assert_ptr_nonnull(kw_sbuf_claim(&sbuf, KW_SPARE_BLOCK + 1));
    kw_spares_give(&spares, &sbuf);
    ck_assert_ptr_null(sbuf.ptr);
    ck_assert_uint_eq(spares.num_blocks, 0);
    /* One that has failed, and one that never held anything. */
    ck_assert_ptr_null(kw_sbuf_claim(&sbuf, 3 * KW_SPARE_BLOCK));
    ck_assert(!kw_sbuf_ok(&sbuf));
    kw_spares_give(&spares, &sbuf);
    ck_assert(kw_sbuf_ok(&sbuf));
    ck_assert_uint_eq(spares.num_blocks, 0);
}
END_TEST

START_TEST(test_number_is_bounded)
{
    static struct kw_exchange *exchanges[2 * KW_SPARES_KEPT + 10];

    for (unsigned i = 0; i < KW_ARRAY_LEN(exchanges); i++) {
        exchanges[i] = kw_spares_exchange(&spares);
        ck_assert_ptr_nonnull(exchanges[i]);
    }
    for (unsigned i = 0; i < KW_ARRAY_LEN(exchanges); i++)
        kw_spares_give_exchange(&spares, exchanges[i]);
    ck_assert_uint_eq(spares.num_exchanges, KW_SPARES_KEPT);
    ck_assert_uint_eq(spares.num_blocks, 2 * KW_SPARES_KEPT);
    kw_spares_give_exchange(&spares, NULL);
}
END_TEST

START_TEST(test_exchange_comes_back_empty)
{
    struct kw_exchange *exchange = kw_spares_exchange(&spares), *again;
    uint8_t *answer;

    ck_assert_ptr_nonnull(exchange);
    answer = exchange->answer.ptr;
    kw_sbuf_put_str(&exchange->answer, "secret");
    kw_exchange_header(exchange, "X-One", "1");
    memcpy(exchange->head, "head", 4);
    exchange->head_len = 4;
    exchange->close = exchange->gone = true;
    exchange->body = KW_LIT("body");
    exchange->request.num_headers = 3;
    kw_spares_give_exchange(&spares, exchange);
    again = kw_spares_exchange(&spares);
    ck_assert_ptr_eq(again, exchange);
    ck_assert_ptr_eq(again->answer.ptr, answer);
    ck_assert_mem_eq(answer, "\0\0\0\0\0\0", 6);
    ck_assert_uint_eq(again->answer.len + again->headers_len + again->head_len, 0);
    ck_assert_mem_eq(again->headers, "\0\0\0\0\0\0", 6);
    ck_assert_mem_eq(again->head, "\0\0\0\0", 4);
    ck_assert(!again->close && !again->gone);
    ck_assert_ptr_null(again->body.ptr);
    ck_assert_uint_eq(again->request.num_headers, 0);
    kw_spares_give_exchange(&spares, again);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_block_comes_back_wiped);
    tcase_add_test(tcase, test_grown_buffer_is_not_kept);
    tcase_add_test(tcase, test_number_is_bounded);
    tcase_add_test(tcase, test_exchange_comes_back_empty);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    return kw_suite_run("spares", add, 20);
}
