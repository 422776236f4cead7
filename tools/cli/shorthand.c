#include "tools/cli/shorthand.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

struct parser {
    struct kw_bytes text;
    size_t at;
    unsigned depth;
    bool failed;
    /* Of the complaint. */
    const char *expected;
    char actual[8];
    struct kw_trouble *trouble;
};

#define END (-1)

static int current(const struct parser *p)
{
    return p->at < p->text.len ? p->text.ptr[p->at] : END;
}

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(struct parser *p)
{
    while (is_space(current(p)))
        p->at++;
}

/* ---- complaints ---- */

/* The line that the place is on, and below it a mark under the place; places count characters, not bytes. */
static void put_place(struct kw_sbuf *to, struct kw_bytes text, size_t at)
{
    size_t line = at, end = at;

    while (line > 0 && text.ptr[line - 1] != '\n')
        line--;
    while (end < text.len && text.ptr[end] != '\n')
        end++;
    kw_sbuf_put(to, text.ptr, end);
    kw_sbuf_put_str(to, "\n");
    for (size_t i = line; i < at; i++) {
        if ((text.ptr[i] & 0xc0) != 0x80)
            kw_sbuf_put_str(to, " ");
    }
    kw_sbuf_put_str(to, "^");
    kw_sbuf_put(to, text.ptr + end, text.len - end);
}

static int complain(struct parser *p)
{
    struct kw_sbuf *text = &p->trouble->text;

    (void)kw_trouble(
        p->trouble, KW_CLI_USAGE, "Expected: '%s', received: '%s' for input:\n", p->expected, p->actual);
    put_place(text, p->text, p->at);
    return 1;
}

static int complain_twice(struct parser *p, const char *key, size_t at)
{
    (void)kw_trouble(p->trouble, KW_CLI_USAGE, "Second instance of key \"%s\" encountered for input:\n", key);
    put_place(&p->trouble->text, p->text, at);
    kw_sbuf_put_str(
        &p->trouble->text, "\nThis is often because there is a preceding \",\" instead of a space.");
    return 1;
}

/* What stands here, in whole characters. */
static int fail(struct parser *p, const char *expected)
{
    size_t len = 1;

    p->expected = expected;
    p->failed = true;
    if (p->at >= p->text.len) {
        memcpy(p->actual, "EOF", 4);
        return 1;
    }
    while (len < 4 && p->at + len < p->text.len && (p->text.ptr[p->at + len] & 0xc0) == 0x80)
        len++;
    memcpy(p->actual, p->text.ptr + p->at, len);
    p->actual[len] = '\0';
    return 1;
}

static int expect(struct parser *p, char c, bool with_space)
{
    static const char *const names[] = {",", "=", "[", "]", "{", "}"};
    unsigned i = 0;

    if (with_space)
        skip_space(p);
    if (current(p) != c) {
        while (names[i][0] != c)
            i++;
        return fail(p, names[i]);
    }
    p->at++;
    if (with_space)
        skip_space(p);
    return 0;
}

/* ---- values ---- */

/* What a plain value may begin with: no space, quote, comma, equals sign or opening bracket. */
static bool starts_word(int c)
{
    return c != END && c > ' ' && c != '"' && c != '\'' && c != ',' && c != '=' && c != '[' && c != '{';
}

static bool in_first(int c)
{
    return c != END && (c > ' ' || is_space(c)) && c != '"' && c != '\'' && c != ',' && c != ']' && c != '}';
}

static bool in_second(int c)
{
    return c != END && (c > ' ' || is_space(c)) && c != '"' && c != '\'' && c != ',' && c != '=';
}

static bool escaped_comma(const struct parser *p)
{
    return current(p) == '\\' && p->at + 1 < p->text.len && p->text.ptr[p->at + 1] == ',';
}

/* A plain value, without the space behind it. Returns: false (none here) */
static bool plain(struct parser *p, bool (*follows)(int c), struct kw_sbuf *to)
{
    size_t from = to->len;

    if (!escaped_comma(p) && !starts_word(current(p)))
        return false;
    for (bool first = true; escaped_comma(p) || first || follows(current(p)); first = false) {
        if (escaped_comma(p))
            p->at++;
        kw_sbuf_put(to, p->text.ptr + p->at, 1);
        p->at++;
    }
    while (kw_sbuf_ok(to) && to->len > from && is_space(to->ptr[to->len - 1]))
        to->len--;
    return true;
}

/* Where a quoted text ends; if only escaped quotes follow, the last of them is taken for the end after all.
 * Returns false: there is none */
static bool closing(const struct parser *p, uint8_t quote, size_t *ret)
{
    size_t last = 0;

    for (size_t at = p->at + 1; at < p->text.len; at++) {
        if (p->text.ptr[at] == quote) {
            *ret = at;
            return true;
        }
        if (p->text.ptr[at] == '\\' && at + 1 < p->text.len &&
            (p->text.ptr[at + 1] == quote || p->text.ptr[at + 1] == '\\'))
            last = p->text.ptr[++at] == quote ? at : last;
    }
    *ret = last;
    return last > 0;
}

/* 'it\'s' and its kin. */
static int quoted(struct parser *p, struct kw_sbuf *to)
{
    uint8_t quote = p->text.ptr[p->at];
    size_t end = 0;

    if (!closing(p, quote, &end)) {
        (void)fail(p, quote == '"' ? "<double quoted>" : "<singled quoted>");
        memcpy(p->actual, "<none>", 7);
        return 1;
    }
    for (size_t at = p->at + 1; at < end; at++) {
        bool escape = p->text.ptr[at] == '\\' && at + 1 < end &&
                      (p->text.ptr[at + 1] == quote || p->text.ptr[at + 1] == '\\');

        at += escape;
        kw_sbuf_put(to, p->text.ptr + at, 1);
    }
    p->at = end + 1;
    return 0;
}

static json_t *text_of(struct parser *p, struct kw_sbuf *text)
{
    json_t *value = NULL;

    if (kw_sbuf_ok(text))
        value = json_stringn(text->len > 0 ? (const char *)text->ptr : "", text->len);
    if (value == NULL)
        (void)fail(p, "UTF-8");
    return value;
}

/* Returns NULL after a failure. */
static json_t *first_value(struct parser *p)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_TROUBLE_MAX);
    int c = current(p);

    if ((c == '\'' || c == '"') && quoted(p, &text) != 0)
        return NULL;
    if (c != '\'' && c != '"')
        (void)plain(p, in_first, &text);
    return text_of(p, &text);
}

static json_t *second_value(struct parser *p)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_TROUBLE_MAX);
    int c = current(p);

    if (c == '\'' || c == '"')
        return quoted(p, &text) == 0 ? text_of(p, &text) : NULL;
    if (!plain(p, in_second, &text)) {
        (void)fail(p, "<second>");
        memcpy(p->actual, "<none>", 7);
        return NULL;
    }
    return text_of(p, &text);
}

/* a, or a,b,c; if what follows a comma turns out to be the next pair, the comma is not part of it. */
static json_t *csv_value(struct parser *p)
{
    json_t *first = first_value(p), *list;

    if (first == NULL)
        return NULL;
    skip_space(p);
    if (current(p) != ',')
        return first;
    (void)expect(p, ',', true);
    list = json_array();
    if (list == NULL || json_array_append_new(list, first) < 0) {
        json_decref(list);
        return NULL;
    }
    for (;;) {
        json_t *value = second_value(p);

        if (value != NULL)
            skip_space(p);
        if (value != NULL && current(p) == END) {
            (void)json_array_append_new(list, value);
            break;
        }
        if (value == NULL || expect(p, ',', true) != 0) {
            json_decref(value);
            if (current(p) == END) {
                json_decref(list);
                return NULL;
            }
            p->failed = false;
            while (p->at > 0 && current(p) != ',')
                p->at--;
            break;
        }
        (void)json_array_append_new(list, value);
    }
    if (json_array_size(list) > 1)
        return list;
    first = json_incref(json_array_get(list, 0));
    json_decref(list);
    return first;
}

static json_t *explicit_value(struct parser *p);

static json_t *explicit_list(struct parser *p)
{
    json_t *list = json_array();

    (void)expect(p, '[', true);
    while (list != NULL && current(p) != ']') {
        json_t *value = explicit_value(p);
        bool bad = value == NULL || json_array_append_new(list, value) < 0;

        if (!bad)
            skip_space(p);
        if (!bad && current(p) != ']')
            bad = expect(p, ',', false) != 0;
        if (bad) {
            json_decref(list);
            return NULL;
        }
        skip_space(p);
    }
    if (list != NULL)
        (void)expect(p, ']', false);
    return list;
}

static bool is_key_mark(int c)
{
    return c == '-' || c == '_' || c == '.' || c == '#' || c == '/' || c == ':';
}

static bool key_of(struct parser *p, char **ret)
{
    size_t from = p->at;

    while (current(p) != END && (isalnum(current(p)) || is_key_mark(current(p))))
        p->at++;
    *ret = strndup((const char *)p->text.ptr + from, p->at - from);
    return *ret != NULL;
}

static json_t *hash_literal(struct parser *p)
{
    json_t *object = json_object();

    (void)expect(p, '{', true);
    while (object != NULL && current(p) != '}') {
        char *key = NULL;
        json_t *value = NULL;
        bool bad = !key_of(p, &key) || expect(p, '=', true) != 0 || (value = explicit_value(p)) == NULL;

        if (!bad)
            skip_space(p);
        if (!bad && current(p) != '}')
            bad = expect(p, ',', false) != 0;
        if (!bad) {
            skip_space(p);
            bad = json_object_set(object, key, value) < 0;
        }
        json_decref(value);
        free(key);
        if (bad) {
            json_decref(object);
            return NULL;
        }
    }
    if (object != NULL)
        (void)expect(p, '}', false);
    return object;
}

static json_t *explicit_value(struct parser *p)
{
    json_t *value;
    int c = current(p);

    if (c != '[' && c != '{')
        return first_value(p);
    if (p->depth == KW_SHORTHAND_DEPTH_MAX) {
        (void)fail(p, "less nesting");
        return NULL;
    }
    p->depth++;
    value = c == '[' ? explicit_list(p) : hash_literal(p);
    p->depth--;
    return value;
}

static json_t *values(struct parser *p)
{
    if (current(p) == END)
        return json_string("");
    return current(p) == '[' || current(p) == '{' ? explicit_value(p) : csv_value(p);
}

/* Returns: 0 | 1 */
static int keyval(struct parser *p, json_t *object, size_t began)
{
    char *key = NULL;
    json_t *value = NULL;
    int r = 1;

    if (key_of(p, &key) && expect(p, '=', true) == 0 && (value = values(p)) != NULL) {
        if (json_object_get(object, key) != NULL) {
            p->failed = true;
            p->expected = NULL;
            (void)complain_twice(p, key, began);
        } else {
            r = json_object_set(object, key, value) < 0;
        }
    }
    json_decref(value);
    free(key);
    return r;
}

int kw_shorthand_parse(struct kw_bytes text, json_t **ret, struct kw_trouble *trouble)
{
    struct parser p = {.text = text, .trouble = trouble};
    json_t *object = json_object();
    size_t began = 0;
    int r = object == NULL ? 1 : keyval(&p, object, 0);

    while (r == 0 && p.at < text.len) {
        began = p.at + 1;
        r = expect(&p, ',', true) != 0 ? 1 : keyval(&p, object, began);
    }
    if (r == 0) {
        *ret = object;
        return 0;
    }
    json_decref(object);
    if (!p.failed)
        return kw_trouble(trouble, KW_CLI_GENERAL, "no memory");
    return p.expected != NULL ? complain(&p) : 1;
}

/* ---- what a shape makes of it ---- */

int kw_integer_parse(const char *text, int64_t *ret, struct kw_trouble *trouble)
{
    const char *from = text + strspn(text, " \t\r\n\v\f");
    char *end;
    long long value;

    errno = 0;
    value = strtoll(from, &end, 10);
    if (end == from || errno != 0 || end[strspn(end, " \t\r\n\v\f")] != '\0')
        return kw_trouble(trouble, KW_CLI_GENERAL, "invalid literal for int() with base 10: '%s'", text);
    *ret = value;
    return 0;
}

static int fit_scalar(const struct kw_shape *shape, json_t **value, struct kw_trouble *trouble)
{
    const char *text = json_string_value(*value);
    int64_t number = 0;
    json_t *other = NULL;

    if (text == NULL)
        return 0;
    if (shape->kind == KW_KIND_INTEGER) {
        if (kw_integer_parse(text, &number, trouble) != 0)
            return 1;
        other = json_integer(number);
    } else if (shape->kind == KW_KIND_BOOLEAN && strcasecmp(text, "true") == 0) {
        other = json_true();
    } else if (shape->kind == KW_KIND_BOOLEAN && strcasecmp(text, "false") == 0) {
        other = json_false();
    }
    if (other != NULL) {
        json_decref(*value);
        *value = other;
    }
    return 0;
}

static int fit_list(const struct kw_shape *shape, json_t **value, struct kw_trouble *trouble)
{
    /* What was given alone is a list of one. */
    if (!json_is_array(*value)) {
        json_t *list = json_array();

        (void)json_array_append_new(list, *value);
        *value = list;
        return 0;
    }
    for (size_t i = 0; i < json_array_size(*value); i++) {
        json_t *item = json_incref(json_array_get(*value, i));
        int r = kw_shorthand_fit(shape->element, &item, trouble);

        (void)json_array_set_new(*value, i, item);
        if (r != 0)
            return r;
    }
    return 0;
}

int kw_shorthand_fit(const struct kw_shape *shape, json_t **value, struct kw_trouble *trouble)
{
    void *next;
    const char *name;
    json_t *member;

    if (shape->kind == KW_KIND_LIST)
        return fit_list(shape, value, trouble);
    if (shape->kind != KW_KIND_STRUCTURE && shape->kind != KW_KIND_MAP)
        return fit_scalar(shape, value, trouble);
    json_object_foreach_safe(*value, next, name, member)
    {
        const struct kw_member *of = shape->kind == KW_KIND_MAP ? NULL : kw_shape_member(shape, name);
        const struct kw_shape *inner = shape->kind == KW_KIND_MAP ? shape->element
                                       : of != NULL               ? of->shape
                                                                  : NULL;
        json_t *now = json_incref(member);
        int r = inner != NULL ? kw_shorthand_fit(inner, &now, trouble) : 0;

        if (json_object_set_new(*value, name, now) < 0 || r != 0)
            return 1;
    }
    return 0;
}
