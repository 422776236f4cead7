#include "tools/cli/query_internal.h"

#include <math.h>
#include <stdio.h>

/* Of evaluation: a long chain nests as deeply as it is long. */
#define DEPTH_MAX 2000u

int kw_query_bad(struct kw_query_run *run, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    kw_sbuf_put_str(run->why, text);
    return KW_QUERY_BAD;
}

bool kw_query_true(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    default:
        return true;
    }
}

/* ---- comparing ---- */

static int64_t sign_of(double a, double b)
{
    return a < b ? -1 : a > b;
}

static int compare_numbers(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return (json_integer_value(a) > json_integer_value(b)) -
               (json_integer_value(a) < json_integer_value(b));
    return (int)sign_of(json_number_value(a), json_number_value(b));
}

static bool equal_arrays(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (!kw_query_equal(json_array_get(a, i), json_array_get(b, i)))
            return false;
    }
    return true;
}

static bool equal_objects(json_t *a, const json_t *b)
{
    const char *name;
    json_t *member;

    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach(a, name, member)
    {
        const json_t *other = json_object_get(b, name);

        if (other == NULL || !kw_query_equal(member, other))
            return false;
    }
    return true;
}

bool kw_query_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return compare_numbers(a, b) == 0;
    if (json_is_array(a) && json_is_array(b))
        return equal_arrays(a, b);
    if (json_is_object(a) && json_is_object(b))
        return equal_objects((json_t *)(uintptr_t)a, b);
    return json_equal(a, b) == 1;
}

/* What cannot be put in an order is neither before nor behind: null. */
static json_t *compare(enum kw_comparison comparison, const json_t *a, const json_t *b)
{
    int order;

    if (comparison == KW_EQ || comparison == KW_NE)
        return json_boolean(kw_query_equal(a, b) == (comparison == KW_EQ));
    if (json_is_number(a) && json_is_number(b))
        order = compare_numbers(a, b);
    else if (json_is_string(a) && json_is_string(b))
        order = kw_bytes_compare(KW_BYTES(json_string_value(a), json_string_length(a)),
            KW_BYTES(json_string_value(b), json_string_length(b)));
    else
        return json_null();
    switch (comparison) {
    case KW_LT:
        return json_boolean(order < 0);
    case KW_LE:
        return json_boolean(order <= 0);
    case KW_GT:
        return json_boolean(order > 0);
    default:
        return json_boolean(order >= 0);
    }
}

/* ---- lists ---- */

static json_t *item_at(const json_t *list, int64_t index)
{
    int64_t len = (int64_t)json_array_size(list);

    index = index < 0 ? index + len : index;
    return json_is_array(list) && index >= 0 && index < len ? json_incref(json_array_get(list, (size_t)index))
                                                            : json_null();
}

static int64_t clamp(int64_t at, int64_t len, int64_t low, int64_t high)
{
    at = at < 0 ? at + len : at;
    return at < low ? low : at > high ? high : at;
}

/* As Python slices. */
static int slice(struct kw_query_run *run, const struct kw_node *node, const json_t *list, json_t **ret)
{
    int64_t len = (int64_t)json_array_size(list), step = node->has_number[2] ? node->number[2] : 1, from, to;
    json_t *items;

    if (!json_is_array(list)) {
        *ret = json_null();
        return 0;
    }
    if (step == 0)
        return kw_query_bad(run, "slice step cannot be zero");
    from = node->has_number[0] ? node->number[0] : step > 0 ? 0 : INT32_MAX;
    to = node->has_number[1] ? node->number[1] : step > 0 ? INT32_MAX : -1 - len;
    from = step > 0 ? clamp(from, len, 0, len) : clamp(from, len, -1, len - 1);
    to = step > 0 ? clamp(to, len, 0, len) : clamp(to, len, -1, len - 1);
    items = json_array();
    for (int64_t i = from; step > 0 ? i < to : i > to; i += step)
        (void)json_array_append(items, json_array_get(list, (size_t)i));
    *ret = items;
    return 0;
}

static void flatten(struct kw_query_run *run, const json_t *list, json_t **ret)
{
    json_t *flat = json_array();

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);

        if (json_is_array(item))
            (void)json_array_extend(flat, item);
        else
            (void)json_array_append(flat, item);
    }
    /* Doubled often enough, a list is too much work soon. */
    run->steps += (uint32_t)KW_MIN(json_array_size(flat), (size_t)KW_QUERY_STEPS_MAX);
    *ret = flat;
}

/* Adds the result for an item to a projection, unless it is null. */
static int project(struct kw_query_run *run, const struct kw_node *node, json_t *item, json_t *to)
{
    json_t *value = NULL;
    bool wanted = true;
    int r;

    if (node->kind == KW_NODE_FILTER) {
        r = kw_query_eval(run, node->c, item, &value);
        if (r != 0)
            return r;
        wanted = kw_query_true(value);
        json_decref(value);
    }
    if (!wanted)
        return 0;
    r = kw_query_eval(run, node->b, item, &value);
    if (r == 0 && !json_is_null(value))
        (void)json_array_append(to, value);
    if (r == 0)
        json_decref(value);
    return r;
}

static int project_all(struct kw_query_run *run, const struct kw_node *node, json_t *base, json_t **ret)
{
    json_t *to, *member;
    const char *name;
    int r = 0;

    if (node->kind == KW_NODE_VALUES ? !json_is_object(base) : !json_is_array(base)) {
        *ret = json_null();
        return 0;
    }
    to = json_array();
    for (size_t i = 0; i < json_array_size(base) && r == 0; i++)
        r = project(run, node, json_array_get(base, i), to);
    json_object_foreach(base, name, member)
    {
        r = r == 0 ? project(run, node, member, to) : r;
    }
    if (r != 0)
        json_decref(to);
    else
        *ret = to;
    return r;
}

/* ---- the rest ---- */

static int multi_select(struct kw_query_run *run, const struct kw_node *node, json_t *value, json_t **ret)
{
    bool is_list = node->kind == KW_NODE_MULTI_LIST;
    json_t *all;

    if (json_is_null(value)) {
        *ret = json_null();
        return 0;
    }
    all = is_list ? json_array() : json_object();
    for (uint32_t part = node->parts; part != 0; part = run->query->nodes[part].next) {
        const struct kw_node *of = &run->query->nodes[part];
        json_t *item = NULL;
        int r = kw_query_eval(run, of->a, value, &item);

        if (r == 0 &&
            (is_list ? json_array_append_new(all, item) : json_object_set_new(all, of->name, item)) < 0)
            r = -ENOMEM;
        if (r != 0) {
            json_decref(all);
            return r;
        }
    }
    *ret = all;
    return 0;
}

/* With the result of a. */
static int second(
    struct kw_query_run *run, const struct kw_node *node, json_t *value, json_t *first, json_t **ret)
{
    json_t *other = NULL;
    int r;

    switch (node->kind) {
    case KW_NODE_CHAIN:
        return kw_query_eval(run, node->b, first, ret);
    case KW_NODE_FLATTEN:
        if (json_is_array(first))
            flatten(run, first, ret);
        else
            *ret = json_null();
        return 0;
    case KW_NODE_NOT:
        *ret = json_boolean(!kw_query_true(first));
        return 0;
    case KW_NODE_OR:
    case KW_NODE_AND:
        if (kw_query_true(first) == (node->kind == KW_NODE_AND))
            return kw_query_eval(run, node->b, value, ret);
        *ret = json_incref(first);
        return 0;
    case KW_NODE_COMPARE:
        r = kw_query_eval(run, node->b, value, &other);
        if (r == 0)
            *ret = compare(node->comparison, first, other);
        json_decref(other);
        return r;
    default:
        return project_all(run, node, first, ret);
    }
}

static int eval(struct kw_query_run *run, const struct kw_node *node, json_t *value, json_t **ret)
{
    json_t *first = NULL;
    int r;

    switch (node->kind) {
    case KW_NODE_CURRENT:
        *ret = json_incref(value);
        return 0;
    case KW_NODE_FIELD:
        first = json_object_get(value, node->text);
        *ret = first != NULL ? json_incref(first) : json_null();
        return 0;
    case KW_NODE_LITERAL:
        *ret = json_incref(node->literal);
        return 0;
    case KW_NODE_INDEX:
        *ret = item_at(value, node->number[0]);
        return 0;
    case KW_NODE_SLICE:
        return slice(run, node, value, ret);
    case KW_NODE_MULTI_LIST:
    case KW_NODE_MULTI_HASH:
        return multi_select(run, node, value, ret);
    case KW_NODE_FUNCTION:
        return kw_query_function(run, node, value, ret);
    case KW_NODE_EXPRESSION:
        return kw_query_bad(run, "an expression (&) is an argument of functions only");
    default:
        r = kw_query_eval(run, node->a, value, &first);
        if (r == 0)
            r = second(run, node, value, first, ret);
        json_decref(first);
        return r;
    }
}

int kw_query_eval(struct kw_query_run *run, uint32_t node, json_t *value, json_t **ret)
{
    json_t *result = NULL;
    int r;

    if (run->steps++ > KW_QUERY_STEPS_MAX || run->depth > DEPTH_MAX)
        return kw_query_bad(run, "the query is too much work");
    run->depth++;
    r = eval(run, &run->query->nodes[node], value, &result);
    run->depth--;
    if (r != 0)
        return r;
    /* What jansson could not allocate arrives here as NULL. */
    if (result == NULL)
        return -ENOMEM;
    *ret = result;
    return 0;
}

int kw_query_run(const struct kw_query *query, json_t *value, json_t **ret, struct kw_sbuf *why)
{
    struct kw_query_run run = {.query = query, .why = why};

    return kw_query_eval(&run, query->root, value, ret);
}
