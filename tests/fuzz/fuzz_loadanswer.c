#include "tests/fuzz/fuzz.h"
#include "tools/loadanswer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* Fed in pieces. Returns the result, and how much was used in all. */
static int feed(struct kw_answer *answer, struct kw_bytes in, size_t step, size_t *ret_used)
{
    int r = KW_ANSWER_MORE;

    kw_answer_reset(answer);
    *ret_used = 0;
    for (size_t at = 0; at < in.len && r == KW_ANSWER_MORE; at += step) {
        size_t used, piece = KW_MIN(step, in.len - at);

        r = kw_answer_feed(answer, KW_BYTES(in.ptr + at, piece), &used);
        kw_assert(used <= piece && (r != KW_ANSWER_MORE || used == piece));
        *ret_used += used;
    }
    return r;
}

static void check_state(const struct kw_answer *answer, int r)
{
    char error[KW_ANSWER_ERROR_MAX];

    kw_assert(answer->head_len <= KW_ANSWER_HEAD_MAX && answer->kept_len <= KW_ANSWER_KEEP_MAX);
    if (r != 0)
        return;
    kw_assert(answer->status >= 200 && answer->status <= 999);
    kw_answer_error(answer, error);
    for (size_t i = 0; error[i] != '\0'; i++)
        kw_assert(error[i] >= ' ' && error[i] < 127);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct kw_answer whole, pieces;
    size_t used, used_in_pieces;
    int r = feed(&whole, KW_BYTES(data, len), len > 0 ? len : 1, &used);

    check_state(&whole, r);
    /* The answer does not depend on how the bytes were cut. */
    for (size_t step = 1; step < 64; step = step * 3 + 1) {
        kw_assert(feed(&pieces, KW_BYTES(data, len), step, &used_in_pieces) == r);
        check_state(&pieces, r);
        if (r == KW_ANSWER_BAD)
            continue;
        kw_assert(pieces.status == whole.status && pieces.body_len == whole.body_len);
        kw_assert(pieces.close == whole.close && pieces.waited == whole.waited);
        kw_assert(r != 0 || used_in_pieces == used);
    }
    return 0;
}
