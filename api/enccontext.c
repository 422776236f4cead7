#include "api/enccontext.h"

/* Shell sort: in place, without memory of its own, and at most some hundred pairs come here. The gaps are
 * Ciura's. */
static void sort_pairs(struct kw_enccontext_pair *pairs, size_t num_pairs)
{
    static const size_t gaps[] = {132, 57, 23, 10, 4, 1};

    for (size_t g = 0; g < KW_ARRAY_LEN(gaps); g++) {
        size_t gap = gaps[g];

        for (size_t i = gap; i < num_pairs; i++) {
            struct kw_enccontext_pair pair = pairs[i];
            size_t to = i;

            for (; to >= gap && kw_bytes_compare(pairs[to - gap].key, pair.key) > 0; to -= gap)
                pairs[to] = pairs[to - gap];
            pairs[to] = pair;
        }
    }
}

static bool has_duplicate(const struct kw_enccontext_pair *pairs, size_t num_pairs)
{
    for (size_t i = 1; i < num_pairs; i++)
        if (kw_bytes_equal(pairs[i - 1].key, pairs[i].key))
            return true;
    return false;
}

/* Each step is bounded, so the sum cannot wrap. */
size_t kw_enccontext_len(const struct kw_enccontext_pair *pairs, size_t num_pairs)
{
    size_t len = 4;

    if (num_pairs > KW_ENC_CONTEXT_PAIRS_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i < num_pairs; i++) {
        if (pairs[i].key.len > KW_ENC_CONTEXT_BYTES_MAX || pairs[i].value.len > KW_ENC_CONTEXT_BYTES_MAX)
            return SIZE_MAX;
        len += 8 + pairs[i].key.len + pairs[i].value.len;
    }
    return len <= KW_ENC_CONTEXT_BYTES_MAX ? len : SIZE_MAX;
}

static void put_string(struct kw_buf *buf, struct kw_bytes text)
{
    kw_buf_put_be32(buf, (uint32_t)text.len);
    kw_buf_put_bytes(buf, text);
}

int kw_enccontext_encode(struct kw_enccontext_pair *pairs, size_t num_pairs, struct kw_buf *ret)
{
    size_t len = kw_enccontext_len(pairs, num_pairs);

    KW_REQUIRE(kw_buf_ok(ret) && len <= ret->cap - ret->len, KW_ENCCONTEXT_TOO_BIG);
    sort_pairs(pairs, num_pairs);
    KW_REQUIRE(!has_duplicate(pairs, num_pairs), KW_ENCCONTEXT_DUPLICATE);

    kw_buf_put_be32(ret, (uint32_t)num_pairs);
    for (size_t i = 0; i < num_pairs; i++) {
        put_string(ret, pairs[i].key);
        put_string(ret, pairs[i].value);
    }
    kw_assert(kw_buf_ok(ret));
    return 0;
}
