/* What a refusal says of a value that does not meet its constraints. */
#include "api/shape_internal.h"

#include <stdio.h>

static void put_enum(struct kw_sbuf *to, const struct kw_shape *shape)
{
    const char *const *first = shape->listed != NULL ? shape->listed : shape->values;

    kw_sbuf_put_str(to, "Member must satisfy enum value set: [");
    for (const char *const *value = first; *value != NULL; value++) {
        if (value != first)
            kw_sbuf_put_str(to, ", ");
        kw_sbuf_put_str(to, *value);
    }
    kw_sbuf_put_str(to, "]");
}

void kw_shape_put_constraint(struct kw_sbuf *to, const struct kw_shape *shape, unsigned failure)
{
    const char *what = shape->kind == KW_KIND_INTEGER ? "value" : "length";

    if (failure == KW_SHAPE_FAIL_MAX)
        kw_sbuf_printf(to, "Member must have %s less than or equal to %lld", what, (long long)shape->max);
    else if (failure == KW_SHAPE_FAIL_MIN)
        kw_sbuf_printf(to, "Member must have %s greater than or equal to %lld", what, (long long)shape->min);
    else if (failure == KW_SHAPE_FAIL_PATTERN)
        kw_sbuf_printf(to, "Member must satisfy regular expression pattern: %s", shape->pattern);
    else
        put_enum(to, shape);
}

/* "KeySpec" is keySpec in messages. */
static void put_name(struct kw_sbuf *to, const char *name)
{
    char first = name[0] >= 'A' && name[0] <= 'Z' ? (char)(name[0] + ('a' - 'A')) : name[0];

    kw_sbuf_put(to, &first, 1);
    kw_sbuf_put_str(to, name + 1);
}

/* tags.1.member.tagKey */
static void put_path(struct kw_sbuf *to, const struct kw_shape_path *path)
{
    const struct kw_shape_path *steps[KW_SHAPE_DEPTH_MAX + 1];
    unsigned num = 0;

    for (; path != NULL; path = path->above) {
        kw_assert(num < KW_ARRAY_LEN(steps));
        steps[num++] = path;
    }
    for (unsigned i = num; i-- > 0;) {
        if (i + 1 < num)
            kw_sbuf_put_str(to, ".");
        if (steps[i]->name != NULL)
            put_name(to, steps[i]->name);
        else
            kw_sbuf_printf(to, "%zu.member", steps[i]->index + 1);
    }
}

static bool is_hidden(const struct kw_shape *shape)
{
    return shape->sensitive || shape->kind == KW_KIND_BLOB || shape->kind == KW_KIND_STRUCTURE ||
           (shape->element != NULL && is_hidden(shape->element)) ||
           (shape->key != NULL && is_hidden(shape->key));
}

/* Text until the room for an echo is used up. */
struct echo {
    struct kw_sbuf *to;
    size_t left;
    bool cut;
};

static void put_some(struct echo *echo, struct kw_bytes text)
{
    struct kw_bytes some = kw_bytes_cut(text, echo->left);

    echo->cut |= some.len < text.len;
    echo->left = echo->cut ? 0 : echo->left - some.len;
    kw_sbuf_put_bytes(echo->to, some);
}

static void put_scalar(struct echo *echo, const struct kw_value *value)
{
    char number[24];

    if (kw_value_is(value, KW_VALUE_STRING)) {
        put_some(echo, kw_value_text(value));
    } else if (kw_value_is(value, KW_VALUE_INTEGER)) {
        snprintf(number, sizeof(number), "%lld", (long long)kw_value_integer(value));
        put_some(echo, kw_bytes_str(number));
    }
}

static void put_items(struct echo *echo, const struct kw_value *list)
{
    const struct kw_value *item;

    for (KW_VALUE_EACH(list, item)) {
        if (item != kw_value_first(list))
            put_some(echo, KW_LIT(", "));
        put_scalar(echo, item);
    }
}

static void put_pairs(struct echo *echo, const struct kw_value *map)
{
    const struct kw_value *item;

    for (KW_VALUE_EACH(map, item)) {
        if (item != kw_value_first(map))
            put_some(echo, KW_LIT(", "));
        put_some(echo, kw_value_key(item));
        put_some(echo, KW_LIT("="));
        put_scalar(echo, item);
    }
}

/* Lists and maps as Java prints them. */
static void put_echo(struct kw_sbuf *to, const struct kw_value *value)
{
    struct echo echo = {.to = to, .left = KW_SHAPE_ECHO_MAX};
    const char *open = kw_value_is(value, KW_VALUE_ARRAY)    ? "["
                       : kw_value_is(value, KW_VALUE_OBJECT) ? "{"
                                                             : "";
    const char *end = kw_value_is(value, KW_VALUE_ARRAY)    ? "]"
                      : kw_value_is(value, KW_VALUE_OBJECT) ? "}"
                                                            : "";

    kw_sbuf_put_str(to, open);
    if (kw_value_is(value, KW_VALUE_ARRAY))
        put_items(&echo, value);
    else if (kw_value_is(value, KW_VALUE_OBJECT))
        put_pairs(&echo, value);
    else
        put_scalar(&echo, value);
    kw_sbuf_put_str(to, echo.cut ? "..." : "");
    kw_sbuf_put_str(to, end);
}

void kw_shape_put_place(struct kw_sbuf *to, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value)
{
    if (value == NULL) {
        kw_sbuf_put_str(to, "Value null at '");
    } else if (is_hidden(shape)) {
        kw_sbuf_put_str(to, "Value at '");
    } else {
        kw_sbuf_put_str(to, "Value '");
        put_echo(to, value);
        kw_sbuf_put_str(to, "' at '");
    }
    put_path(to, path);
    kw_sbuf_put_str(to, "' failed to satisfy constraint: ");
}
