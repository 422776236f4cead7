#include "tools/loadhdr.h"

#include "pool/bytes.h"
#include "tests/support/suite.h"

#include <zlib.h>

static struct kw_hdr hdr, other;

/* ---- the histogram ---- */

/* What was recorded comes back within a thousandth, and never smaller. */
START_TEST(test_precision)
{
    for (uint64_t ns = 1; ns <= KW_HDR_MAX_NS; ns += 1 + ns / 7) {
        uint64_t found;

        kw_hdr_init(&hdr);
        kw_hdr_record(&hdr, ns);
        kw_hdr_record(&hdr, KW_HDR_MAX_NS);
        found = kw_hdr_percentile(&hdr, 50, 0);
        ck_assert_uint_ge(found, ns);
        ck_assert_uint_le(found - ns, ns / 1000);
    }
}
END_TEST

START_TEST(test_ends)
{
    kw_hdr_init(&hdr);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 99, 0), 0);
    ck_assert_double_eq(kw_hdr_mean(&hdr), 0);
    kw_hdr_record(&hdr, 0);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 0, 0), 1);
    kw_hdr_record(&hdr, UINT64_MAX);
    ck_assert_uint_eq(hdr.max_ns, KW_HDR_MAX_NS);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 100, 0), KW_HDR_MAX_NS);
    ck_assert_uint_eq(hdr.total, 2);
}
END_TEST

START_TEST(test_nearest_rank)
{
    kw_hdr_init(&hdr);
    for (uint64_t i = 1; i <= 1000; i++)
        kw_hdr_record(&hdr, i);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 50, 0), 500);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 99, 0), 990);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 99.9, 0), 999);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 99.95, 0), 1000);
    ck_assert_double_eq(kw_hdr_mean(&hdr), 500.5);
    /* Ten that took for ever: the 990th of 1010 is 98.02 %. */
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 98, 10), 990);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 99, 10), 1000);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 99.5, 10), UINT64_MAX);
}
END_TEST

START_TEST(test_add_and_reset)
{
    kw_hdr_init(&hdr);
    kw_hdr_init(&other);
    kw_hdr_add(&hdr, &other);
    ck_assert_uint_eq(hdr.total, 0);
    kw_hdr_record(&hdr, 5);
    kw_hdr_record(&other, 70000000);
    kw_hdr_record(&other, 3);
    kw_hdr_add(&hdr, &other);
    ck_assert_uint_eq(hdr.total, 3);
    ck_assert_uint_eq(hdr.sum_ns, 70000008);
    ck_assert_uint_eq(hdr.max_ns, 70000000);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 0, 0), 3);
    kw_hdr_reset(&hdr);
    for (unsigned i = 0; i < KW_HDR_COUNTS; i++)
        ck_assert_uint_eq(hdr.counts[i], 0);
    ck_assert_uint_eq(hdr.total + hdr.sum_ns + hdr.max_ns, 0);
    kw_hdr_record(&hdr, 9);
    ck_assert_uint_eq(kw_hdr_percentile(&hdr, 100, 0), 9);
}
END_TEST

/* ---- its text, read back by the description of the format ---- */

static uint64_t be(const uint8_t *bytes, unsigned len)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

static int64_t zigzag(const uint8_t *bytes, size_t *at)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 9; i++) {
        uint8_t byte = bytes[(*at)++];

        if (i == 8) {
            value |= (uint64_t)byte << 56;
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0)
            break;
    }
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* The plain form of a histogram's text; its length without the head is told by it. */
static uint8_t *unpacked(const struct kw_hdr *from, uint64_t *ret_len)
{
    char *text = kw_hdr_text(from);
    size_t len = strlen(text), packed_len = 0;
    uint8_t *packed = malloc(len), *plain = malloc(1u << 20);
    uLongf plain_len = 1u << 20;

    ck_assert_int_eq(kw_base64_decode(kw_bytes_str(text), packed, len, &packed_len), 0);
    ck_assert_uint_eq(be(packed, 4), 0x1c849314);
    ck_assert_uint_eq(be(packed + 4, 4), packed_len - 8);
    ck_assert_int_eq(uncompress(plain, &plain_len, packed + 8, packed_len - 8), Z_OK);
    *ret_len = plain_len - 40;
    free(packed);
    free(text);
    return plain;
}

static void check_text(const struct kw_hdr *from)
{
    uint64_t len, total = 0;
    uint8_t *plain = unpacked(from, &len);
    size_t at = 40;
    uint32_t index = 0;

    ck_assert_uint_eq(be(plain, 4), 0x1c849313);
    ck_assert_uint_eq(be(plain + 4, 4), len);
    ck_assert_uint_eq(be(plain + 8, 4), 0);
    ck_assert_uint_eq(be(plain + 12, 4), 3);
    ck_assert_uint_eq(be(plain + 16, 8), 1);
    ck_assert_uint_eq(be(plain + 24, 8), KW_HDR_MAX_NS);
    ck_assert_uint_eq(be(plain + 32, 8), 0x3ff0000000000000); /* 1.0 */
    while (at < 40 + len) {
        int64_t count = zigzag(plain, &at);

        if (count < 0) {
            index += (uint32_t)-count;
            continue;
        }
        ck_assert_uint_lt(index, KW_HDR_COUNTS);
        ck_assert_uint_eq(from->counts[index], (uint64_t)count);
        total += (uint64_t)count;
        index++;
    }
    ck_assert_uint_eq(at, 40 + len);
    ck_assert_uint_eq(total, from->total);
    free(plain);
}

START_TEST(test_text)
{
    kw_hdr_init(&hdr);
    check_text(&hdr);
    kw_hdr_record(&hdr, 1);
    check_text(&hdr);
    kw_hdr_record(&hdr, 3); /* one zero between */
    kw_hdr_record(&hdr, 6); /* two */
    check_text(&hdr);
    kw_hdr_record(&hdr, KW_HDR_MAX_NS);
    check_text(&hdr);
    for (uint64_t ns = 1; ns < KW_HDR_MAX_NS; ns += 1 + ns / 999)
        kw_hdr_record(&hdr, ns);
    check_text(&hdr);
    /* Counts of each length of their encoding, the longest among them. */
    kw_hdr_init(&hdr);
    for (unsigned bits = 0; bits < 63; bits++) {
        hdr.counts[bits * 3] = UINT64_C(1) << bits;
        hdr.total += UINT64_C(1) << bits;
        hdr.last = bits * 3;
    }
    hdr.first = 0;
    check_text(&hdr);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_precision);
    tcase_add_test(tcase, test_ends);
    tcase_add_test(tcase, test_nearest_rank);
    tcase_add_test(tcase, test_add_and_reset);
    tcase_add_test(tcase, test_text);
}

int main(void)
{
    return kw_suite_run("loadhdr", add, 60);
}
