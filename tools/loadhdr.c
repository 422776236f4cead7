#include "tools/loadhdr.h"

#include "pool/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

/* Version 2, counts of 8 bytes as zigzag LEB128; plain, and compressed. */
#define COOKIE            0x1c849313u
#define COOKIE_COMPRESSED 0x1c849314u
#define HEAD_LEN          40u
#define COUNT_LEN_MAX     9u

_Static_assert((UINT64_C(2) * KW_HDR_HALF << 25) <= KW_HDR_MAX_NS, "no doubling is there for nothing");
_Static_assert((UINT64_C(2) * KW_HDR_HALF << 26) > KW_HDR_MAX_NS, "the largest value has a step");

void kw_hdr_init(struct kw_hdr *hdr)
{
    memset(hdr, 0, sizeof(*hdr));
    hdr->first = KW_HDR_COUNTS;
}

void kw_hdr_reset(struct kw_hdr *hdr)
{
    if (hdr->first <= hdr->last)
        memset(&hdr->counts[hdr->first], 0, (hdr->last - hdr->first + 1) * sizeof(hdr->counts[0]));
    hdr->total = hdr->sum_ns = hdr->max_ns = 0;
    hdr->first = KW_HDR_COUNTS;
    hdr->last = 0;
}

static uint32_t index_of(uint64_t ns)
{
    /* Doublings above the first 2048 steps of one nanosecond. */
    unsigned shift = 53u - (unsigned)__builtin_clzll(ns | (2 * KW_HDR_HALF - 1));

    return shift * KW_HDR_HALF + (uint32_t)(ns >> shift);
}

static uint64_t upper_end(uint32_t index)
{
    unsigned shift = index < 2 * KW_HDR_HALF ? 0 : index / KW_HDR_HALF - 1;

    return ((uint64_t)(index - shift * KW_HDR_HALF + 1) << shift) - 1;
}

void kw_hdr_record(struct kw_hdr *hdr, uint64_t ns)
{
    uint64_t value = KW_MAX(KW_MIN(ns, KW_HDR_MAX_NS), UINT64_C(1));
    uint32_t index = index_of(value);

    kw_assert(index < KW_HDR_COUNTS);
    hdr->counts[index]++;
    hdr->total++;
    hdr->sum_ns += value;
    hdr->max_ns = KW_MAX(hdr->max_ns, value);
    hdr->first = KW_MIN(hdr->first, index);
    hdr->last = KW_MAX(hdr->last, index);
}

void kw_hdr_add(struct kw_hdr *to, const struct kw_hdr *from)
{
    for (uint32_t i = from->first; i <= from->last && i < KW_HDR_COUNTS; i++)
        to->counts[i] += from->counts[i];
    to->total += from->total;
    to->sum_ns += from->sum_ns;
    to->max_ns = KW_MAX(to->max_ns, from->max_ns);
    to->first = KW_MIN(to->first, from->first);
    to->last = KW_MAX(to->last, from->last);
}

uint64_t kw_hdr_percentile(const struct kw_hdr *hdr, double percent, uint64_t beyond)
{
    uint64_t seen = 0, all = hdr->total + beyond;
    /* Nearest rank; the small subtraction undoes the rounding of percent / 100 of a whole number. */
    double rank = fmax(ceil(percent / 100 * (double)all - 1e-6), 1);

    if (all == 0)
        return 0;
    for (uint32_t i = hdr->first; i <= hdr->last && i < KW_HDR_COUNTS; i++) {
        seen += hdr->counts[i];
        if ((double)seen >= rank)
            return KW_MIN(upper_end(i), hdr->max_ns);
    }
    return UINT64_MAX;
}

double kw_hdr_mean(const struct kw_hdr *hdr)
{
    return hdr->total > 0 ? (double)hdr->sum_ns / (double)hdr->total : 0;
}

static void put_be64(struct kw_buf *buf, uint64_t value)
{
    kw_buf_put_be32(buf, (uint32_t)(value >> 32));
    kw_buf_put_be32(buf, (uint32_t)value);
}

/* Seven bits a byte, the lowest first; a ninth byte has eight. */
static void put_zigzag(struct kw_buf *buf, int64_t value)
{
    uint64_t left = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    unsigned i = 0;

    for (; left > 0x7f && i < COUNT_LEN_MAX - 1; i++) {
        kw_buf_put_u8(buf, (uint8_t)(left | 0x80));
        left >>= 7;
    }
    kw_buf_put_u8(buf, (uint8_t)left);
}

/* Up to the largest value; zeros in a row as one negative number. */
static void put_counts(struct kw_buf *buf, const struct kw_hdr *hdr)
{
    for (uint32_t i = 0; hdr->total > 0 && i <= hdr->last;) {
        uint32_t zeros = 0;

        while (i + zeros <= hdr->last && hdr->counts[i + zeros] == 0)
            zeros++;
        if (zeros > 0)
            put_zigzag(buf, zeros > 1 ? -(int64_t)zeros : 0);
        else
            put_zigzag(buf, (int64_t)hdr->counts[i]);
        i += KW_MAX(zeros, 1u);
    }
}

static void put_histogram(struct kw_buf *buf, const struct kw_hdr *hdr)
{
    double ratio = 1;
    uint64_t ratio_bits;
    uint8_t *len;

    kw_buf_put_be32(buf, COOKIE);
    len = kw_buf_claim(buf, 4);
    kw_buf_put_be32(buf, 0); /* offset of normalised indices */
    kw_buf_put_be32(buf, 3); /* significant digits */
    put_be64(buf, 1);
    put_be64(buf, KW_HDR_MAX_NS);
    memcpy(&ratio_bits, &ratio, sizeof(ratio));
    put_be64(buf, ratio_bits);
    put_counts(buf, hdr);
    kw_assert(kw_buf_ok(buf) && buf->len >= HEAD_LEN);
    for (unsigned i = 0; i < 4; i++)
        len[i] = (uint8_t)((buf->len - HEAD_LEN) >> (24 - 8 * i));
}

char *kw_hdr_text(const struct kw_hdr *hdr)
{
    size_t plain_cap = HEAD_LEN + (size_t)KW_HDR_COUNTS * COUNT_LEN_MAX;
    uLongf packed_len = compressBound(plain_cap);
    uint8_t *plain = malloc(plain_cap), *packed = malloc(8 + packed_len);
    char *text = malloc(KW_BASE64_LEN(8 + packed_len) + 1);

    if (plain != NULL && packed != NULL && text != NULL) {
        struct kw_buf content = KW_BUF(plain, plain_cap), head = KW_BUF(packed, 8);

        put_histogram(&content, hdr);
        kw_assert(compress(packed + 8, &packed_len, plain, content.len) == Z_OK);
        kw_buf_put_be32(&head, COOKIE_COMPRESSED);
        kw_buf_put_be32(&head, (uint32_t)packed_len);
        kw_base64_encode(KW_BYTES(packed, 8 + packed_len), text);
        text[KW_BASE64_LEN(8 + packed_len)] = '\0';
    } else {
        free(text);
        text = NULL;
    }
    free(plain);
    free(packed);
    return text;
}
