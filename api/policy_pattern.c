/* Patterns of policies: texts with wildcards and variables, and ARNs of them. */
#include "api/policy_internal.h"

/* One stretch of what a pattern stands for in a request. */
struct run {
    struct kw_bytes text;
    bool wild;
};

struct runs {
    struct run run[KW_POLICY_PIECES_MAX];
    char scratch[KW_POLICY_PIECES_MAX][64];
    unsigned num;
};

struct cursor {
    unsigned run;
    size_t at;
};

/* A value that is passed over costs some fifty nanoseconds, a byte that is compared a few. */
#define STEPS_A_LOOK 16u

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* ---- variables ---- */

/* What is passed over to find a value counts too: names of a context are many, and policies can ask for each.
 */
static bool ask(struct kw_policy_eval *eval, enum kw_condkey key, struct kw_bytes name, size_t index,
    struct kw_bytes *ret)
{
    struct kw_policy_request *request = eval->request;
    bool there;

    request->looked = 0;
    there = request->value_at != NULL && request->value_at(request, key, name, index, ret);
    eval->steps -= (uint32_t)KW_MIN(request->looked * STEPS_A_LOOK, eval->steps);
    return there;
}

bool kw_policy_key_value(struct kw_policy_eval *eval, enum kw_condkey key, struct kw_bytes name, size_t index,
    struct kw_bytes *ret)
{
    struct kw_policy_request *request = eval->request;

    switch (kw_condkey_source(key)) {
    case KW_CONDKEY_ONE:
        *ret = request->value[key];
        return index == 0 && ret->ptr != NULL;
    case KW_CONDKEY_ASKED:
    case KW_CONDKEY_NAMED:
        return ask(eval, key, name, index, ret);
    case KW_CONDKEY_ABSENT:
        break;
    }
    return false;
}

struct kw_bytes kw_policy_hold(struct kw_policy_eval *eval, struct kw_bytes value, char own[64])
{
    uintptr_t start = (uintptr_t)eval->request->scratch, at = (uintptr_t)value.ptr;

    if (value.len == 0 || at < start || at >= start + sizeof(eval->request->scratch))
        return value;
    kw_assert(value.len <= sizeof(eval->request->scratch));
    memcpy(own, value.ptr, value.len);
    return KW_BYTES(own, value.len);
}

/* A key with several values is no variable: which of them would it be? */
static bool resolve(
    struct kw_policy_eval *eval, const struct kw_policy_piece *piece, char own[64], struct kw_bytes *ret)
{
    struct kw_bytes more;

    if (!kw_policy_key_value(eval, piece->key, piece->name, 0, ret)) {
        *ret = piece->text;
        return piece->text.ptr != NULL;
    }
    *ret = kw_policy_hold(eval, *ret, own);
    return !kw_policy_key_value(eval, piece->key, piece->name, 1, &more);
}

/* FALSE: a variable has no value, so nothing matches. */
static enum kw_policy_truth lay_out(
    struct kw_policy_eval *eval, const struct kw_policy_pattern *pattern, struct runs *runs)
{
    if (pattern->num_pieces > KW_POLICY_PIECES_MAX)
        return KW_POLICY_OPEN;
    for (uint32_t i = 0; i < pattern->num_pieces; i++) {
        const struct kw_policy_piece *piece = &pattern->pieces[i];

        runs->run[i] = (struct run){piece->text, piece->kind == KW_PIECE_TEXT && pattern->wild};
        if (piece->kind == KW_PIECE_VARIABLE && !resolve(eval, piece, runs->scratch[i], &runs->run[i].text))
            return eval->lenient ? KW_POLICY_OPEN : KW_POLICY_FALSE;
    }
    runs->num = pattern->num_pieces;
    return KW_POLICY_TRUE;
}

/* ---- wildcards ---- */

/* Passes what is used up; true: nothing is left. */
static bool at_end(const struct run *runs, unsigned num, struct cursor *cursor)
{
    while (cursor->run < num && cursor->at == runs[cursor->run].text.len) {
        cursor->run++;
        cursor->at = 0;
    }
    return cursor->run == num;
}

static bool is_continuation(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* How much of the text the next of the pattern takes; 0: it does not match. '?' is one character of UTF-8. */
static size_t step_over(const struct run *run, size_t at, struct kw_bytes text, size_t from, bool nocase)
{
    uint8_t p = run->text.ptr[at], c = text.ptr[from];
    size_t len = 1;

    if (!run->wild || p != '?')
        return p == c || (nocase && lower(p) == lower(c));
    if (is_continuation(c))
        return 0;
    while (from + len < text.len && is_continuation(text.ptr[from + len]))
        len++;
    return len;
}

/* '*' is any text. After a mismatch only the last '*' takes one byte more (what an earlier one could take
 * besides, the last can take as well): so at most the product of the lengths is compared, and no more than
 * the steps that are left. */
static enum kw_policy_truth glob(
    struct kw_policy_eval *eval, const struct run *runs, unsigned num, struct kw_bytes text, bool nocase)
{
    struct cursor p = {0}, star = {0};
    bool has_star = false;
    size_t t = 0, mark = 0, taken;

    for (; eval->steps > 0; eval->steps--) {
        bool end = at_end(runs, num, &p);

        if (!end && runs[p.run].wild && runs[p.run].text.ptr[p.at] == '*') {
            p.at++;
            if (at_end(runs, num, &p))
                return KW_POLICY_TRUE;
            star = p;
            mark = t;
            has_star = true;
            continue;
        }
        if (t == text.len)
            return kw_policy_is(end);
        taken = end ? 0 : step_over(&runs[p.run], p.at, text, t, nocase);
        if (taken == 0 && !has_star)
            return KW_POLICY_FALSE;
        if (taken == 0) {
            p = star;
            t = ++mark;
        } else {
            p.at++;
            t += taken;
        }
    }
    return KW_POLICY_OPEN;
}

static bool equal(struct kw_bytes a, struct kw_bytes b, bool nocase)
{
    return nocase ? kw_bytes_equal_nocase(a, b) : kw_bytes_equal(a, b);
}

/* Without variables. Most patterns differ before their first wildcard, or have it at their end. */
static enum kw_policy_truth match_plain(
    struct kw_policy_eval *eval, const struct kw_policy_pattern *pattern, struct kw_bytes text, bool nocase)
{
    size_t len = pattern->prefix;
    struct run rest;

    if (!pattern->wild)
        return kw_policy_is(equal(pattern->text, text, nocase));
    if (text.len < len || !equal(KW_BYTES(pattern->text.ptr, len), KW_BYTES(text.ptr, len), nocase))
        return KW_POLICY_FALSE;
    if (pattern->open_ended)
        return KW_POLICY_TRUE;
    rest = (struct run){KW_BYTES(pattern->text.ptr + len, pattern->text.len - len), true};
    return glob(eval, &rest, 1, KW_BYTES(text.ptr + len, text.len - len), nocase);
}

enum kw_policy_truth kw_policy_match(
    struct kw_policy_eval *eval, const struct kw_policy_pattern *pattern, struct kw_bytes text, bool nocase)
{
    struct runs runs;
    enum kw_policy_truth truth;

    if (eval->steps == 0)
        return KW_POLICY_OPEN;
    eval->steps--;
    if (pattern->num_pieces == 0)
        return match_plain(eval, pattern, text, nocase);
    truth = lay_out(eval, pattern, &runs);
    return truth == KW_POLICY_TRUE ? glob(eval, runs.run, runs.num, text, nocase) : truth;
}

/* ---- ARNs ---- */

struct kw_bytes kw_policy_after_partition(struct kw_bytes text)
{
    const size_t start = sizeof("arn:") - 1;
    struct kw_bytes rest;
    ssize_t colon;

    if (!kw_bytes_starts(text, KW_LIT("arn:")))
        return text;
    rest = KW_BYTES(text.ptr + start, text.len - start);
    colon = kw_bytes_find(rest, ':');
    return colon < 0 ? text : KW_BYTES(rest.ptr + colon, rest.len - (size_t)colon);
}

struct kw_policy_arn_text kw_policy_arn_cut(struct kw_bytes text)
{
    struct kw_policy_arn_text arn = {.whole = text};
    struct kw_bytes rest = text;

    while (arn.num + 1 < KW_POLICY_ARN_PARTS) {
        ssize_t colon = kw_bytes_find(rest, ':');

        if (colon < 0)
            break;
        arn.part[arn.num++] = KW_BYTES(rest.ptr, (size_t)colon);
        rest = KW_BYTES(rest.ptr + colon + 1, rest.len - (size_t)colon - 1);
    }
    arn.part[arn.num++] = rest;
    return arn;
}

enum kw_policy_truth kw_policy_match_arn(
    struct kw_policy_eval *eval, const struct kw_policy_arn *arn, const struct kw_policy_arn_text *text)
{
    enum kw_policy_truth truth = KW_POLICY_TRUE;

    if (arn->num_parts == 0)
        return KW_POLICY_TRUE;
    if (arn->whole)
        return kw_policy_match(eval, &arn->parts[0], text->whole, false);
    if (text->num < KW_POLICY_ARN_PARTS)
        return KW_POLICY_FALSE;
    for (uint32_t i = 0; i < arn->num_parts && truth != KW_POLICY_FALSE; i++) {
        enum kw_policy_truth part = kw_policy_match(eval, &arn->parts[i], text->part[i], false);

        truth = KW_MIN(truth, part);
    }
    return truth;
}
