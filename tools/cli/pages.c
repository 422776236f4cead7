#include "tools/cli/pages.h"

#include "tools/cli/answer.h"
#include "tools/cli/blob.h"
#include "tools/cli/output.h"

#include <stdlib.h>

/* ---- tokens ---- */

static bool read_own(const char *text, struct kw_page_token *ret)
{
    struct kw_sbuf decoded = KW_SBUF_INIT(65536);
    json_t *token = NULL, *marker;

    if (kw_blob_decode_loosely(kw_bytes_str(text), &decoded) == 0 && decoded.len > 0)
        token = json_loadb((const char *)decoded.ptr, decoded.len, 0, NULL);
    kw_sbuf_done(&decoded);
    marker = json_object_get(token, "Marker");
    if (json_is_object(token) && (marker == NULL || json_is_string(marker) || json_is_null(marker))) {
        ret->marker = json_incref(marker);
        ret->skip = json_integer_value(json_object_get(token, "boto_truncate_amount"));
        json_decref(token);
        return true;
    }
    json_decref(token);
    return false;
}

void kw_page_token_read(const char *text, struct kw_page_token *ret)
{
    const char *mark = strstr(text, "___");
    char *end = NULL;
    long skip = mark != NULL ? strtol(mark + 3, &end, 10) : 0;
    size_t len = strlen(text);

    *ret = (struct kw_page_token){.marker = NULL};
    if (read_own(text, ret))
        return;
    /* An older form: MARKER___SKIP */
    if (mark != NULL && end != mark + 3 && *end == '\0') {
        ret->skip = skip;
        len = (size_t)(mark - text);
    }
    if (len != 4 || memcmp(text, "None", 4) != 0)
        ret->marker = json_stringn(text, len);
}

json_t *kw_page_token_make(const json_t *marker, int64_t skip)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(65536), base64 = KW_SBUF_INIT(65536);
    struct kw_json_out out = KW_JSON_OUT(&text);

    kw_sbuf_put_str(&text, "{\"Marker\": ");
    if (json_is_string(marker))
        kw_json_cstring(&out, json_string_value(marker));
    else
        kw_sbuf_put_str(&text, "null");
    if (skip > 0)
        kw_sbuf_printf(&text, ", \"boto_truncate_amount\": %lld", (long long)skip);
    kw_sbuf_put_str(&text, "}");
    kw_sbuf_put_base64(&base64, kw_sbuf_bytes(&text));
    return kw_sbuf_ok(&base64) ? json_stringn((const char *)base64.ptr, base64.len) : NULL;
}

/* ---- pages ---- */

struct walk {
    const struct kw_pages *pages;
    const char *key;
    struct kw_page_token token; /* of the page that is asked for next */
    int64_t seen;               /* items so far */
    json_t *items;              /* of all pages, if they are wanted whole */
    json_t *next;               /* where to go on if not all are wanted, text */
    bool more;
};

static json_t *part(const json_t *list, int64_t from, int64_t to)
{
    json_t *items = json_array();

    for (int64_t i = from; i < to; i++)
        (void)json_array_append(items, json_array_get(list, (size_t)i));
    return items;
}

static void set_token(struct walk *walk, json_t *marker, int64_t skip)
{
    json_decref(walk->token.marker);
    walk->token = (struct kw_page_token){json_incref(marker), skip};
}

/* The items of a page that are wanted; says in walk whether there are more, and where. */
static json_t *wanted(struct walk *walk, const json_t *answer)
{
    const json_t *list = json_object_get(answer, walk->key);
    json_t *marker = json_object_get(answer, "NextMarker");
    int64_t len = (int64_t)json_array_size(list), from = KW_MIN(KW_MAX(walk->token.skip, 0), len), to = len;
    bool truncated = json_is_true(json_object_get(answer, "Truncated")) && json_string_length(marker) > 0;

    walk->more = truncated;
    if (walk->pages->max_items >= 0 && walk->seen + len - from > walk->pages->max_items) {
        to = from + walk->pages->max_items - walk->seen;
        walk->next = kw_page_token_make(walk->token.marker, to);
        walk->more = false;
    } else if (truncated && walk->pages->max_items >= 0 &&
               walk->seen + len - from == walk->pages->max_items) {
        walk->next = kw_page_token_make(marker, 0);
        walk->more = false;
    }
    walk->seen += to - from;
    if (walk->more)
        set_token(walk, marker, 0);
    return part(list, from, to);
}

static int hand_on(struct walk *walk, json_t *items)
{
    json_t *page = json_object();
    int r;

    (void)json_object_set_new(page, walk->key, items);
    if (walk->next != NULL && walk->pages->form == KW_PAGES_WHOLE)
        (void)json_object_set(page, "NextToken", walk->next);
    r = walk->pages->sink(walk->pages->arg, page);
    json_decref(page);
    return r;
}

static int take(struct walk *walk, json_t *answer)
{
    json_t *items = wanted(walk, answer);

    switch (walk->pages->form) {
    case KW_PAGES_WHOLE:
        (void)json_array_extend(walk->items, items);
        json_decref(items);
        return 0;
    case KW_PAGES_LISTS:
        return hand_on(walk, items);
    default:
        (void)json_object_set_new(answer, walk->key, items);
        return walk->pages->sink(walk->pages->arg, answer);
    }
}

static int one_page(struct walk *walk, json_t *input, struct kw_trouble *trouble)
{
    const struct kw_pages *pages = walk->pages;
    json_t *raw = NULL, *answer;
    int r;

    if (json_string_length(walk->token.marker) > 0)
        (void)json_object_set(input, "Marker", walk->token.marker);
    else
        (void)json_object_del(input, "Marker");
    if (kw_client_call(pages->client, input, &raw, trouble) != 0)
        return 1;
    answer = kw_answer_shape(pages->client->operation->model->output, raw, pages->wire_time);
    json_decref(raw);
    r = take(walk, answer);
    json_decref(answer);
    return r;
}

int kw_pages_run(const struct kw_pages *pages, json_t *input, struct kw_trouble *trouble)
{
    struct walk walk = {.pages = pages, .key = pages->client->operation->result_key, .items = json_array()};
    int r;

    if (pages->starting_token != NULL)
        kw_page_token_read(pages->starting_token, &walk.token);
    do
        r = one_page(&walk, input, trouble);
    while (r == 0 && walk.more);
    if (r == 0 && pages->form == KW_PAGES_WHOLE)
        r = hand_on(&walk, json_incref(walk.items));
    if (r == 0 && pages->form == KW_PAGES_LISTS && walk.next != NULL) {
        /* As text prints it: a line of its own. */
        json_t *last = json_pack("{s:{s:O}}", "NextToken", "NextToken", walk.next);

        r = pages->sink(pages->arg, last);
        json_decref(last);
    }
    json_decref(walk.token.marker);
    json_decref(walk.items);
    json_decref(walk.next);
    return r;
}
