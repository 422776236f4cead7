/* The functions of JMESPath. */
#include "tools/cli/output.h"
#include "tools/cli/query_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ARGUMENTS_MAX 64u

enum {
    NUMBER = 1,
    STRING = 2,
    ARRAY = 4,
    OBJECT = 8,
    BOOLEAN = 16,
    NOTHING = 32,
    EXPRESSION = 64,
    ANY = 63,
    OF_NUMBERS = 128, /* arrays whose items are */
    OF_STRINGS = 256,
};

struct call {
    struct kw_query_run *run;
    const char *name;
    unsigned num;
    json_t *values[ARGUMENTS_MAX];       /* NULL: an expression */
    uint32_t expressions[ARGUMENTS_MAX]; /* 0: a value */
};

/* ---- types ---- */

static unsigned type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return OBJECT;
    case JSON_ARRAY:
        return ARRAY;
    case JSON_STRING:
        return STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return NUMBER;
    case JSON_NULL:
        return NOTHING;
    default:
        return BOOLEAN;
    }
}

static const char *name_of(const json_t *value)
{
    static const char *const names[] = {"number", "string", "array", "object", "boolean", "null"};
    unsigned type = type_of(value), i = 0;

    while ((1u << i) != type)
        i++;
    return names[i];
}

static bool all_of(const json_t *list, unsigned type)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (type_of(json_array_get(list, i)) != type)
            return false;
    }
    return true;
}

static bool fits(const json_t *value, uint32_t expression, unsigned wanted)
{
    if (expression != 0)
        return (wanted & EXPRESSION) != 0;
    if ((type_of(value) & wanted) != 0)
        return true;
    if (!json_is_array(value))
        return false;
    return ((wanted & OF_NUMBERS) != 0 && all_of(value, NUMBER)) ||
           ((wanted & OF_STRINGS) != 0 && all_of(value, STRING));
}

static int wrong_type(const struct call *call, unsigned argument)
{
    return kw_query_bad(call->run, "In function %s(), invalid type for argument %u: %s", call->name,
        argument + 1, call->values[argument] == NULL ? "expression" : name_of(call->values[argument]));
}

/* ---- numbers; a result that fits an integer is one if what it is made of was ---- */

static int abs_of(struct call *call, json_t **ret)
{
    json_t *value = call->values[0];

    if (json_is_integer(value) && json_integer_value(value) != INT64_MIN)
        *ret = json_integer(llabs(json_integer_value(value)));
    else
        *ret = json_real(fabs(json_number_value(value)));
    return 0;
}

static int whole(double value, const json_t *of, json_t **ret)
{
    if (json_is_integer(of))
        *ret = json_integer(json_integer_value(of));
    else
        *ret = fabs(value) < 9e18 ? json_integer((json_int_t)value) : json_real(value);
    return 0;
}

static int ceil_of(struct call *call, json_t **ret)
{
    return whole(ceil(json_number_value(call->values[0])), call->values[0], ret);
}

static int floor_of(struct call *call, json_t **ret)
{
    return whole(floor(json_number_value(call->values[0])), call->values[0], ret);
}

static double total(const json_t *list, bool *ret_whole)
{
    double sum = 0;

    *ret_whole = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);

        sum += json_number_value(item);
        *ret_whole = *ret_whole && json_is_integer(item);
    }
    *ret_whole = *ret_whole && fabs(sum) < 9e15;
    return sum;
}

/* NULL: no number that JSON has. */
static int real(struct call *call, double value, json_t **ret)
{
    *ret = json_real(value);
    return *ret != NULL ? 0
                        : kw_query_bad(call->run, "In function %s(), the result is no number", call->name);
}

static int sum_of(struct call *call, json_t **ret)
{
    bool is_whole;
    double sum = total(call->values[0], &is_whole);

    if (!is_whole)
        return real(call, sum, ret);
    *ret = json_integer((json_int_t)sum);
    return 0;
}

static int avg_of(struct call *call, json_t **ret)
{
    bool is_whole;
    double sum = total(call->values[0], &is_whole);
    size_t num = json_array_size(call->values[0]);

    if (num > 0)
        return real(call, sum / (double)num, ret);
    *ret = json_null();
    return 0;
}

static int to_number(struct call *call, json_t **ret)
{
    const char *text = json_string_value(call->values[0]);

    if (json_is_number(call->values[0]))
        *ret = json_incref(call->values[0]);
    else if (text == NULL)
        *ret = json_null();
    else {
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

        *ret = json_is_number(value) ? json_incref(value) : json_null();
        json_decref(value);
    }
    return 0;
}

/* ---- text ---- */

static struct kw_bytes text_of(const json_t *value)
{
    return KW_BYTES(json_string_value(value), json_string_length(value));
}

static int join(struct call *call, json_t **ret)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(64u * 1024 * 1024);

    for (size_t i = 0; i < json_array_size(call->values[1]); i++) {
        if (i > 0)
            kw_sbuf_put_bytes(&text, text_of(call->values[0]));
        kw_sbuf_put_bytes(&text, text_of(json_array_get(call->values[1], i)));
    }
    KW_REQUIRE(kw_sbuf_ok(&text), -ENOMEM);
    *ret = json_stringn(text.len > 0 ? (const char *)text.ptr : "", text.len);
    return *ret != NULL ? 0 : -ENOMEM;
}

static int starts_with(struct call *call, json_t **ret)
{
    *ret = json_boolean(kw_bytes_starts(text_of(call->values[0]), text_of(call->values[1])));
    return 0;
}

static int ends_with(struct call *call, json_t **ret)
{
    struct kw_bytes text = text_of(call->values[0]), end = text_of(call->values[1]);

    *ret = json_boolean(
        text.len >= end.len && kw_bytes_equal(KW_BYTES(text.ptr + text.len - end.len, end.len), end));
    return 0;
}

static int contains(struct call *call, json_t **ret)
{
    json_t *in = call->values[0], *wanted = call->values[1];
    bool found = false;

    if (json_is_string(in) && json_is_string(wanted))
        found = memmem(json_string_value(in), json_string_length(in), json_string_value(wanted),
                    json_string_length(wanted)) != NULL;
    for (size_t i = 0; i < json_array_size(in) && !found; i++)
        found = kw_query_equal(json_array_get(in, i), wanted);
    *ret = json_boolean(found);
    return 0;
}

static size_t characters(struct kw_bytes text)
{
    size_t num = 0;

    for (size_t i = 0; i < text.len; i++)
        num += (text.ptr[i] & 0xc0) != 0x80;
    return num;
}

static int length(struct call *call, json_t **ret)
{
    const json_t *value = call->values[0];
    size_t num = json_is_string(value)  ? characters(text_of(value))
                 : json_is_array(value) ? json_array_size(value)
                                        : json_object_size(value);

    *ret = json_integer((json_int_t)num);
    return 0;
}

/* Character by character, from the end. */
static json_t *reversed_text(struct kw_bytes text)
{
    KW_SBUF struct kw_sbuf to = KW_SBUF_INIT(64u * 1024 * 1024);

    while (text.len > 0) {
        size_t from = text.len - 1;

        while (from > 0 && (text.ptr[from] & 0xc0) == 0x80)
            from--;
        kw_sbuf_put(&to, text.ptr + from, text.len - from);
        text.len = from;
    }
    return kw_sbuf_ok(&to) ? json_stringn(to.len > 0 ? (const char *)to.ptr : "", to.len) : NULL;
}

static int reverse(struct call *call, json_t **ret)
{
    json_t *value = call->values[0];

    if (json_is_string(value)) {
        *ret = reversed_text(text_of(value));
        return *ret != NULL ? 0 : -ENOMEM;
    }
    *ret = json_array();
    for (size_t i = json_array_size(value); i > 0; i--)
        (void)json_array_append(*ret, json_array_get(value, i - 1));
    return 0;
}

static int to_string(struct call *call, json_t **ret)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(64u * 1024 * 1024);

    if (json_is_string(call->values[0])) {
        *ret = json_incref(call->values[0]);
        return 0;
    }
    kw_output_compact(call->values[0], &text);
    KW_REQUIRE(kw_sbuf_ok(&text), -ENOMEM);
    *ret = json_stringn((const char *)text.ptr, text.len);
    return *ret != NULL ? 0 : -ENOMEM;
}

static int type(struct call *call, json_t **ret)
{
    *ret = json_string(name_of(call->values[0]));
    return 0;
}

/* ---- objects and lists ---- */

static int keys(struct call *call, json_t **ret)
{
    const char *name;
    json_t *member;

    *ret = json_array();
    json_object_foreach(call->values[0], name, member)
    {
        (void)json_array_append_new(*ret, json_string(name));
    }
    return 0;
}

static int values(struct call *call, json_t **ret)
{
    const char *name;
    json_t *member;

    *ret = json_array();
    json_object_foreach(call->values[0], name, member)
    {
        (void)json_array_append(*ret, member);
    }
    return 0;
}

static int merge(struct call *call, json_t **ret)
{
    *ret = json_object();
    for (unsigned i = 0; i < call->num; i++)
        (void)json_object_update(*ret, call->values[i]);
    return 0;
}

static int not_null(struct call *call, json_t **ret)
{
    *ret = json_null();
    for (unsigned i = 0; i < call->num; i++) {
        if (!json_is_null(call->values[i])) {
            *ret = json_incref(call->values[i]);
            break;
        }
    }
    return 0;
}

static int to_array(struct call *call, json_t **ret)
{
    if (json_is_array(call->values[0])) {
        *ret = json_incref(call->values[0]);
        return 0;
    }
    *ret = json_array();
    (void)json_array_append(*ret, call->values[0]);
    return 0;
}

static int map(struct call *call, json_t **ret)
{
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(call->values[1]); i++) {
        json_t *value = NULL;
        int r = kw_query_eval(call->run, call->expressions[0], json_array_get(call->values[1], i), &value);

        if (r != 0) {
            json_decref(list);
            return r;
        }
        (void)json_array_append_new(list, value);
    }
    *ret = list;
    return 0;
}

/* ---- order ---- */

struct sortable {
    json_t *key; /* owned */
    json_t *item;
    size_t at;
};

static int by_key(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;
    int order;

    if (json_is_string(a->key))
        order = kw_bytes_compare(text_of(a->key), text_of(b->key));
    else
        order = (json_number_value(a->key) > json_number_value(b->key)) -
                (json_number_value(a->key) < json_number_value(b->key));
    return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

static void free_keys(struct sortable *list, size_t num)
{
    for (size_t i = 0; i < num; i++)
        json_decref(list[i].key);
    free(list);
}

/* Keys of all items, which must be all numbers or all strings. In: expression, or 0 for the items themselves.
 */
static int keyed(struct call *call, const json_t *items, uint32_t expression, struct sortable **ret)
{
    size_t num = json_array_size(items);
    struct sortable *list = calloc(num + 1, sizeof(*list));
    int r = list == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < num && r == 0; i++) {
        json_t *item = json_array_get(items, i);

        list[i].item = item;
        list[i].at = i;
        if (expression == 0)
            list[i].key = json_incref(item);
        else
            r = kw_query_eval(call->run, expression, item, &list[i].key);
        if (r == 0 &&
            ((type_of(list[i].key) & (NUMBER | STRING)) == 0 || type_of(list[i].key) != type_of(list[0].key)))
            r = kw_query_bad(call->run,
                "In function %s(), what is compared must be all numbers or all strings, not %s", call->name,
                name_of(list[i].key));
    }
    if (r != 0 && list != NULL)
        free_keys(list, num);
    if (r == 0)
        *ret = list;
    return r;
}

static int sorted(struct call *call, uint32_t expression, json_t **ret)
{
    const json_t *items = call->values[0];
    size_t num = json_array_size(items);
    struct sortable *list = NULL;
    int r = keyed(call, items, expression, &list);

    if (r != 0)
        return r;
    qsort(list, num, sizeof(*list), by_key);
    *ret = json_array();
    for (size_t i = 0; i < num; i++)
        (void)json_array_append(*ret, list[i].item);
    free_keys(list, num);
    return 0;
}

/* The first of those that are least, or greatest. */
static int extreme(struct call *call, uint32_t expression, int sign, json_t **ret)
{
    const json_t *items = call->values[0];
    size_t num = json_array_size(items), best = 0;
    struct sortable *list = NULL;
    int r = keyed(call, items, expression, &list);

    if (r != 0)
        return r;
    for (size_t i = 1; i < num; i++) {
        list[best].at = list[i].at = 0;
        if (by_key(&list[i], &list[best]) * sign > 0)
            best = i;
    }
    *ret = num > 0 ? json_incref(list[best].item) : json_null();
    free_keys(list, num);
    return 0;
}

static int sort(struct call *call, json_t **ret)
{
    return sorted(call, 0, ret);
}

static int sort_by(struct call *call, json_t **ret)
{
    return sorted(call, call->expressions[1], ret);
}

static int max_of(struct call *call, json_t **ret)
{
    return extreme(call, 0, 1, ret);
}

static int max_by(struct call *call, json_t **ret)
{
    return extreme(call, call->expressions[1], 1, ret);
}

static int min_of(struct call *call, json_t **ret)
{
    return extreme(call, 0, -1, ret);
}

static int min_by(struct call *call, json_t **ret)
{
    return extreme(call, call->expressions[1], -1, ret);
}

static const struct {
    const char *name;
    unsigned num;
    bool more; /* the last argument may come again */
    unsigned types[2];
    int (*run)(struct call *call, json_t **ret);
} functions[] = {
    {"abs", 1, false, {NUMBER}, abs_of},
    {"avg", 1, false, {OF_NUMBERS}, avg_of},
    {"ceil", 1, false, {NUMBER}, ceil_of},
    {"contains", 2, false, {ARRAY | STRING, ANY}, contains},
    {"ends_with", 2, false, {STRING, STRING}, ends_with},
    {"floor", 1, false, {NUMBER}, floor_of},
    {"join", 2, false, {STRING, OF_STRINGS}, join},
    {"keys", 1, false, {OBJECT}, keys},
    {"length", 1, false, {STRING | ARRAY | OBJECT}, length},
    {"map", 2, false, {EXPRESSION, ARRAY}, map},
    {"max", 1, false, {OF_NUMBERS | OF_STRINGS}, max_of},
    {"max_by", 2, false, {ARRAY, EXPRESSION}, max_by},
    {"merge", 1, true, {OBJECT}, merge},
    {"min", 1, false, {OF_NUMBERS | OF_STRINGS}, min_of},
    {"min_by", 2, false, {ARRAY, EXPRESSION}, min_by},
    {"not_null", 1, true, {ANY}, not_null},
    {"reverse", 1, false, {ARRAY | STRING}, reverse},
    {"sort", 1, false, {OF_NUMBERS | OF_STRINGS}, sort},
    {"sort_by", 2, false, {ARRAY, EXPRESSION}, sort_by},
    {"starts_with", 2, false, {STRING, STRING}, starts_with},
    {"sum", 1, false, {OF_NUMBERS}, sum_of},
    {"to_array", 1, false, {ANY}, to_array},
    {"to_number", 1, false, {ANY}, to_number},
    {"to_string", 1, false, {ANY}, to_string},
    {"type", 1, false, {ANY}, type},
    {"values", 1, false, {OBJECT}, values},
};

static int take_arguments(struct call *call, const struct kw_node *node, json_t *value)
{
    const struct kw_node *nodes = call->run->query->nodes;

    for (uint32_t part = node->parts; part != 0; part = nodes[part].next) {
        const struct kw_node *argument = &nodes[nodes[part].a];
        int r = 0;

        if (call->num == ARGUMENTS_MAX)
            return kw_query_bad(call->run, "In function %s(), too many arguments", call->name);
        if (argument->kind == KW_NODE_EXPRESSION)
            call->expressions[call->num] = argument->a;
        else
            r = kw_query_eval(call->run, nodes[part].a, value, &call->values[call->num]);
        if (r != 0)
            return r;
        call->num++;
    }
    return 0;
}

static int run(struct call *call, json_t **ret)
{
    size_t i = 0;

    while (i < KW_ARRAY_LEN(functions) && strcmp(functions[i].name, call->name) != 0)
        i++;
    if (i == KW_ARRAY_LEN(functions))
        return kw_query_bad(call->run, "Unknown function: %.100s()", call->name);
    if (functions[i].more ? call->num < functions[i].num : call->num != functions[i].num)
        return kw_query_bad(call->run, "Expected %s%u argument%s for function %s(), received %u",
            functions[i].more ? "at least " : "", functions[i].num, functions[i].num == 1 ? "" : "s",
            functions[i].name, call->num);
    for (unsigned j = 0; j < call->num; j++) {
        unsigned wanted = functions[i].types[KW_MIN(j, functions[i].num - 1)];

        if (!fits(call->values[j], call->expressions[j], wanted))
            return wrong_type(call, j);
    }
    return functions[i].run(call, ret);
}

int kw_query_function(struct kw_query_run *query_run, const struct kw_node *node, json_t *value, json_t **ret)
{
    struct call *call = calloc(1, sizeof(*call));
    int r;

    KW_REQUIRE(call != NULL, -ENOMEM);
    call->run = query_run;
    call->name = node->text;
    r = take_arguments(call, node, value);
    if (r == 0)
        r = run(call, ret);
    for (unsigned i = 0; i < call->num; i++)
        json_decref(call->values[i]);
    free(call);
    return r;
}
