/* The first pass: JSON types, as the protocol's deserialiser sees them. The first that is wrong ends it. */
#include "api/shape_internal.h"

#include <stdio.h>

static int refuse(struct kw_sbuf *message, const char *text)
{
    kw_sbuf_put_str(message, text);
    return KW_SHAPE_WRONG_TYPE;
}

/* A collection where another kind of value should be; as for a scalar, it depends on what should be there. */
static int wrong_kind(struct kw_sbuf *message, const struct kw_value *value, const char *instead_of_scalar)
{
    if (kw_value_is(value, KW_VALUE_ARRAY))
        return refuse(message, "Start of list found where not expected");
    if (kw_value_is(value, KW_VALUE_OBJECT))
        return refuse(message, "Start of structure or map found where not expected.");
    return refuse(message, instead_of_scalar);
}

static const char *type_token(const struct kw_value *value)
{
    switch (value->kind) {
    case KW_VALUE_TRUE:
        return "TRUE_VALUE";
    case KW_VALUE_FALSE:
        return "FALSE_VALUE";
    case KW_VALUE_STRING:
        return "STRING_VALUE";
    case KW_VALUE_NULL:
        return "null";
    default:
        return "NUMBER_VALUE";
    }
}

static int wrong_type(struct kw_sbuf *message, const struct kw_value *value, const char *wanted)
{
    char text[96];

    snprintf(text, sizeof(text), "%s can not be converted to %s", type_token(value), wanted);
    return wrong_kind(message, value, text);
}

/* Base64 is checked here, as the protocol's deserialiser does, before any constraint. */
static int check_blob(const struct kw_value *value, struct kw_sbuf *message)
{
    KW_SBUF struct kw_sbuf scratch = KW_SBUF_INIT(KW_HTTP_BODY_MAX);
    struct kw_bytes text;
    uint8_t *out;
    size_t len;

    if (!kw_value_is(value, KW_VALUE_STRING))
        return wrong_type(message, value, "a ByteBuffer");
    text = kw_value_text(value);
    if (text.len == 0)
        return 0;
    out = kw_sbuf_claim(&scratch, text.len);
    if (out == NULL)
        return -ENOMEM;
    if (kw_base64_decode(text, out, text.len, &len) == 0)
        return 0;
    return refuse(message, "The blob is not valid base64");
}

static int check_members(
    const struct kw_shape *shape, const struct kw_value *value, unsigned depth, struct kw_sbuf *message)
{
    int r = 0;

    if (!kw_value_is(value, KW_VALUE_OBJECT))
        return wrong_kind(message, value, "Expected null");
    for (size_t i = 0; r == 0 && i < shape->num_members; i++) {
        const struct kw_value *member = kw_shape_value(value, shape->members[i].name);

        if (member != NULL)
            r = kw_shape_check_types(shape->members[i].shape, member, depth + 1, message);
    }
    return r;
}

/* null for a structure is a constraint that is not met; null for text is no text. */
static int check_list(
    const struct kw_shape *shape, const struct kw_value *value, unsigned depth, struct kw_sbuf *message)
{
    const struct kw_value *item;
    int r = 0;

    if (!kw_value_is(value, KW_VALUE_ARRAY))
        return wrong_kind(message, value, "Expected list or null");
    for (KW_VALUE_EACH(value, item)) {
        if (kw_value_is(item, KW_VALUE_NULL) && shape->element->kind == KW_KIND_STRUCTURE)
            continue;
        r = kw_shape_check_types(shape->element, item, depth + 1, message);
        if (r != 0)
            break;
    }
    return r;
}

static int check_map(
    const struct kw_shape *shape, const struct kw_value *value, unsigned depth, struct kw_sbuf *message)
{
    const struct kw_value *item;
    int r = 0;

    if (!kw_value_is(value, KW_VALUE_OBJECT))
        return wrong_kind(message, value, "Expected map or null");
    for (KW_VALUE_EACH(value, item)) {
        r = kw_shape_check_types(shape->element, item, depth + 1, message);
        if (r != 0)
            break;
    }
    return r;
}

int kw_shape_check_types(
    const struct kw_shape *shape, const struct kw_value *value, unsigned depth, struct kw_sbuf *message)
{
    kw_assert(depth < KW_SHAPE_DEPTH_MAX);
    switch (shape->kind) {
    case KW_KIND_STRING:
    case KW_KIND_ENUM:
        return kw_value_is(value, KW_VALUE_STRING) ? 0 : wrong_type(message, value, "a String");
    case KW_KIND_BLOB:
        return check_blob(value, message);
    case KW_KIND_INTEGER:
        return kw_value_is(value, KW_VALUE_INTEGER) ? 0 : wrong_type(message, value, "an Integer");
    case KW_KIND_BOOLEAN:
        return kw_value_is_boolean(value) ? 0 : wrong_type(message, value, "a Boolean");
    case KW_KIND_TIMESTAMP:
        return kw_value_is_number(value) ? 0 : wrong_type(message, value, "milliseconds since epoch");
    case KW_KIND_STRUCTURE:
        return check_members(shape, value, depth, message);
    case KW_KIND_LIST:
        return check_list(shape, value, depth, message);
    case KW_KIND_MAP:
        return check_map(shape, value, depth, message);
    }
    return KW_SHAPE_WRONG_TYPE;
}
