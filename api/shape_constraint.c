/* The second pass: every constraint of every value that is there. */
#include "api/shape_internal.h"

/* After so many failures the rest is not looked at, as AWS does; beyond this much text they are counted only.
 */
#define FAILURES_MAX 10u
#define TEXT_MAX     (16u * 1024u)

static_assert(TEXT_MAX + KW_SHAPE_ECHO_MAX + 2048 < KW_SHAPE_MESSAGE_MAX,
    "one more failure fits after the last that may begin");

struct check {
    struct kw_sbuf text; /* of the constraints that failed, joined by "; " */
    unsigned failures;
};

static unsigned constraints_of(const struct kw_shape *shape)
{
    return (shape->has_max ? KW_SHAPE_FAIL_MAX : 0u) | (shape->has_min ? KW_SHAPE_FAIL_MIN : 0u) |
           (shape->pattern != NULL ? KW_SHAPE_FAIL_PATTERN : 0u) |
           (shape->values != NULL ? KW_SHAPE_FAIL_ENUM : 0u);
}

/* ---- which constraints a value fails ---- */

/* Characters, not bytes: the model counts in code points. */
static int64_t count_characters(struct kw_bytes text)
{
    int64_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xc0) != 0x80;
    return count;
}

/* Of base64 that is known to be valid. */
static int64_t decoded_len(struct kw_bytes text)
{
    int64_t len = (int64_t)(text.len / 4 * 3);

    if (text.len >= 4)
        len -= (text.ptr[text.len - 1] == '=') + (text.ptr[text.len - 2] == '=');
    return len;
}

static int64_t measure(const struct kw_shape *shape, const struct kw_value *value)
{
    switch (shape->kind) {
    case KW_KIND_INTEGER:
        return kw_value_integer(value);
    case KW_KIND_BLOB:
        return decoded_len(kw_value_text(value));
    case KW_KIND_LIST:
    case KW_KIND_MAP:
        return (int64_t)kw_value_num(value);
    default:
        return count_characters(kw_value_text(value));
    }
}

static bool is_one_of(struct kw_bytes text, const char *const *values)
{
    for (; *values != NULL; values++) {
        if (kw_bytes_equal(text, kw_bytes_str(*values)))
            return true;
    }
    return false;
}

static unsigned failures_of_text(const struct kw_shape *shape, struct kw_bytes text)
{
    unsigned failures = 0;

    if (shape->matches != NULL && !shape->matches(text))
        failures |= KW_SHAPE_FAIL_PATTERN;
    if (shape->values != NULL && !is_one_of(text, shape->values))
        failures |= KW_SHAPE_FAIL_ENUM;
    return failures;
}

static unsigned failures_of_size(const struct kw_shape *shape, int64_t size)
{
    if (shape->has_max && size > shape->max)
        return KW_SHAPE_FAIL_MAX;
    return shape->has_min && size < shape->min ? KW_SHAPE_FAIL_MIN : 0;
}

static unsigned failures_of(const struct kw_shape *shape, const struct kw_value *value)
{
    unsigned failures = 0;

    if (shape->has_min || shape->has_max)
        failures = failures_of_size(shape, measure(shape, value));
    if (kw_value_is(value, KW_VALUE_STRING) && shape->kind != KW_KIND_BLOB)
        failures |= failures_of_text(shape, kw_value_text(value));
    return failures;
}

/* ---- what is noted of a failure ---- */

/* value NULL: it is not there. Returns whether the rest of the failure is to be written. */
static bool begin_failure(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value)
{
    struct kw_sbuf *to = &check->text;

    if (check->failures == FAILURES_MAX)
        return false;
    check->failures++;
    if (to->len > TEXT_MAX)
        return false;
    if (check->failures > 1)
        kw_sbuf_put_str(to, "; ");
    kw_shape_put_place(to, path, shape, value);
    return true;
}

static void fail_null(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape)
{
    if (begin_failure(check, path, shape, NULL))
        kw_sbuf_put_str(&check->text, "Member must not be null");
}

/* ---- the walk ---- */

static void check_value(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value);

/* Items fail together: the refusal quotes the list, and all that its items have to satisfy. */
static void fail_items(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value, const struct kw_shape *item, const char *lead)
{
    unsigned all = constraints_of(item);
    bool first = true;

    if (!begin_failure(check, path, shape, value))
        return;
    kw_sbuf_put_str(&check->text, lead);
    for (unsigned one = 1; one < KW_SHAPE_FAIL_END; one <<= 1) {
        if ((all & one) == 0)
            continue;
        if (!first)
            kw_sbuf_put_str(&check->text, ", ");
        first = false;
        kw_shape_put_constraint(&check->text, item, one);
    }
    kw_sbuf_put_str(&check->text, "]");
}

static void check_members(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value)
{
    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_member *member = &shape->members[i];
        const struct kw_value *item = kw_shape_value(value, member->name);
        struct kw_shape_path here = {.above = path, .name = member->name};

        if (item != NULL)
            check_value(check, &here, member->shape, item);
        else if (member->flags & KW_MEMBER_REQUIRED)
            fail_null(check, &here, member->shape);
    }
}

static void check_structures(struct check *check, const struct kw_shape_path *path,
    const struct kw_shape *shape, const struct kw_value *list)
{
    const struct kw_value *item;
    size_t i = 0;

    for (KW_VALUE_EACH(list, item)) {
        struct kw_shape_path here = {.above = path, .index = i++};

        if (check->failures == FAILURES_MAX)
            return;
        if (kw_value_is(item, KW_VALUE_NULL))
            fail_null(check, &here, shape);
        else
            check_value(check, &here, shape, item);
    }
}

static void check_items(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *list)
{
    const struct kw_value *item;

    for (KW_VALUE_EACH(list, item)) {
        if (failures_of(shape->element, item) != 0) {
            fail_items(check, path, shape, list, shape->element, "Member must satisfy constraint: [");
            return;
        }
    }
}

static void check_pairs(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *map)
{
    bool bad_key = false, bad_value = false;
    const struct kw_value *item;

    for (KW_VALUE_EACH(map, item)) {
        struct kw_bytes text = kw_value_key(item);

        bad_key |=
            (failures_of_size(shape->key, count_characters(text)) | failures_of_text(shape->key, text)) != 0;
        bad_value |= failures_of(shape->element, item) != 0;
    }
    if (bad_key)
        fail_items(check, path, shape, map, shape->key, "Map keys must satisfy constraint: [");
    if (bad_value)
        fail_items(check, path, shape, map, shape->element, "Map value must satisfy constraint: [");
}

static void check_value(struct check *check, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value)
{
    unsigned failures = failures_of(shape, value);

    for (unsigned one = 1; one < KW_SHAPE_FAIL_END; one <<= 1) {
        if ((failures & one) != 0 && begin_failure(check, path, shape, value))
            kw_shape_put_constraint(&check->text, shape, one);
    }
    if (shape->kind == KW_KIND_STRUCTURE)
        check_members(check, path, shape, value);
    else if (shape->kind == KW_KIND_MAP)
        check_pairs(check, path, shape, value);
    else if (shape->kind == KW_KIND_LIST && shape->element->kind == KW_KIND_STRUCTURE)
        check_structures(check, path, shape->element, value);
    else if (shape->kind == KW_KIND_LIST)
        check_items(check, path, shape, value);
}

int kw_shape_check_constraints(
    const struct kw_shape *shape, const struct kw_value *input, struct kw_sbuf *message)
{
    struct check check = {.text = KW_SBUF_INIT(KW_SHAPE_MESSAGE_MAX)};
    int r = 0;

    check_members(&check, NULL, shape, input);
    if (check.failures > 0) {
        kw_sbuf_printf(
            message, "%u validation error%s detected: ", check.failures, check.failures > 1 ? "s" : "");
        kw_sbuf_put_bytes(message, kw_sbuf_bytes(&check.text));
        r = kw_sbuf_ok(&check.text) && kw_sbuf_ok(message) ? KW_SHAPE_INVALID : -ENOMEM;
    }
    kw_sbuf_done(&check.text);
    return r;
}
