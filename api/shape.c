#include "api/shape.h"

#include <stdio.h>

/* Of a value that a refusal quotes, at most this much. */
#define ECHO_MAX 256u

struct check {
    struct kw_sbuf text; /* of the constraints that failed, joined by "; " */
    unsigned failures;
};

static const json_t *member_value(const json_t *input, const char *name)
{
    const json_t *value = json_object_get(input, name);

    return json_is_null(value) ? NULL : value;
}

/* "KeySpec" is keySpec in messages. */
static void put_name(struct kw_sbuf *to, const char *name)
{
    char first = name[0] >= 'A' && name[0] <= 'Z' ? (char)(name[0] + ('a' - 'A')) : name[0];

    kw_sbuf_put(to, &first, 1);
    kw_sbuf_put_str(to, name + 1);
}

static void begin_failure(struct check *check)
{
    if (check->failures++ > 0)
        kw_sbuf_put_str(&check->text, "; ");
}

/* Value 'X' at 'name' failed to satisfy constraint: Member must ... */
static void fail_value(struct check *check, const char *name, struct kw_bytes value, const char *must)
{
    begin_failure(check);
    kw_sbuf_put_str(&check->text, "Value '");
    kw_sbuf_put_bytes(&check->text, kw_bytes_cut(value, ECHO_MAX));
    kw_sbuf_put_str(&check->text, value.len > ECHO_MAX ? "...' at '" : "' at '");
    put_name(&check->text, name);
    kw_sbuf_printf(&check->text, "' failed to satisfy constraint: Member must %s", must);
}

/* The same for a value that is not echoed. */
static void fail_hidden(struct check *check, const char *name, const char *prefix, const char *must)
{
    begin_failure(check);
    kw_sbuf_put_str(&check->text, prefix);
    put_name(&check->text, name);
    kw_sbuf_printf(&check->text, "' failed to satisfy constraint: Member must %s", must);
}

/* Characters, not bytes: the model counts in code points, near enough UTF-16 units. */
static int64_t count_characters(struct kw_bytes text)
{
    int64_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static void length_must(char *must, size_t cap, bool too_short, int64_t bound)
{
    snprintf(
        must, cap, "have length %s than or equal to %lld", too_short ? "greater" : "less", (long long)bound);
}

static struct kw_bytes string_bytes(const json_t *value)
{
    return KW_BYTES(json_string_value(value), json_string_length(value));
}

static void check_string(struct check *check, const struct kw_member *member, struct kw_bytes text)
{
    int64_t length = count_characters(text);
    char must[256];

    if (member->max > 0 && (length < member->min || length > member->max)) {
        length_must(
            must, sizeof(must), length < member->min, length < member->min ? member->min : member->max);
        fail_value(check, member->name, text, must);
    }
    if (member->matches != NULL && !member->matches(text)) {
        snprintf(must, sizeof(must), "satisfy regular expression pattern: %s", member->pattern);
        fail_value(check, member->name, text, must);
    }
}

static void check_enum(struct check *check, const struct kw_member *member, struct kw_bytes text)
{
    char must[512];
    size_t used = (size_t)snprintf(must, sizeof(must), "satisfy enum value set: [");

    for (const char *const *value = member->values; *value != NULL; value++) {
        if (kw_bytes_equal(text, kw_bytes_str(*value)))
            return;
        used += (size_t)snprintf(
            must + used, sizeof(must) - used, "%s%s", value == member->values ? "" : ", ", *value);
        kw_assert(used + 2 < sizeof(must));
    }
    snprintf(must + used, sizeof(must) - used, "]");
    fail_value(check, member->name, text, must);
}

static void check_blob(struct check *check, const struct kw_member *member, struct kw_bytes text)
{
    size_t padding =
        (text.len > 0 && text.ptr[text.len - 1] == '=') + (text.len > 1 && text.ptr[text.len - 2] == '=');
    int64_t length = (int64_t)(text.len / 4 * 3) - (int64_t)(text.len >= 4 ? padding : 0);
    char must[64];

    if (length >= member->min && length <= member->max)
        return;
    length_must(must, sizeof(must), length < member->min, length < member->min ? member->min : member->max);
    fail_hidden(check, member->name, "Value at '", must);
}

static void check_integer(struct check *check, const struct kw_member *member, json_int_t value)
{
    char must[64], text[24];
    bool below = value < member->min;

    if (member->max == 0 || (!below && value <= member->max))
        return;
    snprintf(text, sizeof(text), "%lld", (long long)value);
    snprintf(must, sizeof(must), "have value %s than or equal to %lld", below ? "greater" : "less",
        (long long)(below ? member->min : member->max));
    fail_value(check, member->name, kw_bytes_str(text), must);
}

static void check_list(struct check *check, const struct kw_member *member, const json_t *list)
{
    struct kw_member item = *member;
    char must[64], path[96];
    const json_t *value;
    size_t i;

    if (json_array_size(list) > member->num_max) {
        length_must(must, sizeof(must), false, member->num_max);
        fail_hidden(check, member->name, "Value at '", must);
        return;
    }
    json_array_foreach(list, i, value)
    {
        snprintf(path, sizeof(path), "%s.%zu.member", member->name, i + 1);
        item.name = path;
        check_string(check, &item, string_bytes(value));
    }
}

static void check_value(struct check *check, const struct kw_member *member, const json_t *value)
{
    switch (member->kind) {
    case KW_MEMBER_STRING:
        check_string(check, member, string_bytes(value));
        break;
    case KW_MEMBER_ENUM:
        check_enum(check, member, string_bytes(value));
        break;
    case KW_MEMBER_BLOB:
        check_blob(check, member, string_bytes(value));
        break;
    case KW_MEMBER_INTEGER:
        check_integer(check, member, json_integer_value(value));
        break;
    case KW_MEMBER_STRING_LIST:
        check_list(check, member, value);
        break;
    default:
        break;
    }
}

/* ---- types ---- */

static const char *type_token(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_INTEGER:
        return "NUMBER_VALUE";
    case JSON_REAL:
        return "DECIMAL_VALUE";
    case JSON_TRUE:
        return "TRUE_VALUE";
    case JSON_FALSE:
        return "FALSE_VALUE";
    case JSON_STRING:
        return "STRING_VALUE";
    default:
        return NULL;
    }
}

static int wrong_type(struct kw_sbuf *message, const json_t *value, const char *wanted)
{
    const char *token = type_token(value);

    if (json_is_null(value))
        kw_sbuf_printf(message, "null can not be converted to %s", wanted);
    else if (token == NULL)
        kw_sbuf_put_str(message, "Start of structure or map found where not expected.");
    else
        kw_sbuf_printf(message, "%s can not be converted to %s", token, wanted);
    return KW_SHAPE_WRONG_TYPE;
}

static int type_string(const json_t *value, struct kw_sbuf *message)
{
    return json_is_string(value) ? 0 : wrong_type(message, value, "a String");
}

/* Base64 is checked here, as the protocol's deserialiser does, before any constraint. */
static int type_blob(const json_t *value, struct kw_sbuf *message)
{
    KW_SBUF struct kw_sbuf scratch = KW_SBUF_INIT(KW_HTTP_BODY_MAX);
    struct kw_bytes text;
    uint8_t *out;
    size_t len;

    if (!json_is_string(value))
        return wrong_type(message, value, "a ByteBuffer");
    text = string_bytes(value);
    if (text.len == 0)
        return 0;
    out = kw_sbuf_claim(&scratch, text.len);
    if (out == NULL)
        return -ENOMEM;
    if (kw_base64_decode(text, out, text.len, &len) == 0)
        return 0;
    kw_sbuf_put_str(message, "The blob is not valid base64");
    return KW_SHAPE_WRONG_TYPE;
}

static int type_map(const json_t *value, struct kw_sbuf *message)
{
    const char *key;
    json_t *item;

    if (!json_is_object(value)) {
        kw_sbuf_put_str(message, "Unrecognized collection type");
        return KW_SHAPE_WRONG_TYPE;
    }
    /* json_object_foreach takes a non-const object, but changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (!json_is_string(item))
            return wrong_type(message, item, "a String");
    }
    return 0;
}

static int type_list(const json_t *value, bool of_strings, struct kw_sbuf *message)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(value)) {
        kw_sbuf_put_str(message, "Expected list or null");
        return KW_SHAPE_WRONG_TYPE;
    }
    json_array_foreach(value, i, item)
    {
        if (of_strings && !json_is_string(item))
            return wrong_type(message, item, "a String");
    }
    return 0;
}

static int check_type(const struct kw_member *member, const json_t *value, struct kw_sbuf *message)
{
    switch (member->kind) {
    case KW_MEMBER_STRING:
    case KW_MEMBER_ENUM:
        return type_string(value, message);
    case KW_MEMBER_BLOB:
        return type_blob(value, message);
    case KW_MEMBER_INTEGER:
        return json_is_integer(value) ? 0 : wrong_type(message, value, "an Integer");
    case KW_MEMBER_BOOLEAN:
        return json_is_boolean(value) ? 0 : wrong_type(message, value, "a Boolean");
    case KW_MEMBER_STRING_MAP:
        return type_map(value, message);
    case KW_MEMBER_STRING_LIST:
        return type_list(value, true, message);
    case KW_MEMBER_LIST:
        return type_list(value, false, message);
    case KW_MEMBER_STRUCTURE:
        if (json_is_object(value))
            return 0;
        kw_sbuf_put_str(message, "Expected structure or null");
        return KW_SHAPE_WRONG_TYPE;
    }
    return KW_SHAPE_WRONG_TYPE;
}

int kw_shape_check(const struct kw_shape *shape, const json_t *input, struct kw_sbuf *message)
{
    struct check check = {.text = KW_SBUF_INIT(16 * 1024)};
    int r = 0;

    for (size_t i = 0; r == 0 && i < shape->num_members; i++) {
        const json_t *value = member_value(input, shape->members[i].name);

        if (value != NULL)
            r = check_type(&shape->members[i], value, message);
    }
    for (size_t i = 0; r == 0 && i < shape->num_members; i++) {
        const struct kw_member *member = &shape->members[i];
        const json_t *value = member_value(input, member->name);

        if (value != NULL)
            check_value(&check, member, value);
        else if (member->flags & KW_MEMBER_REQUIRED)
            fail_hidden(&check, member->name, "Value null at '", "not be null");
    }
    if (r == 0 && check.failures > 0) {
        kw_sbuf_printf(
            message, "%u validation error%s detected: ", check.failures, check.failures > 1 ? "s" : "");
        kw_sbuf_put_bytes(message, kw_sbuf_bytes(&check.text));
        r = kw_sbuf_ok(&check.text) ? KW_SHAPE_INVALID : -ENOMEM;
    }
    kw_sbuf_done(&check.text);
    return r;
}

struct kw_bytes kw_input_string(const json_t *input, const char *name)
{
    const json_t *value = member_value(input, name);

    return value == NULL ? KW_BYTES(NULL, 0) : string_bytes(value);
}

int64_t kw_input_integer(const json_t *input, const char *name, int64_t absent)
{
    const json_t *value = member_value(input, name);

    return value == NULL ? absent : (int64_t)json_integer_value(value);
}

bool kw_input_true(const json_t *input, const char *name)
{
    return json_is_true(member_value(input, name));
}

bool kw_input_has(const json_t *input, const char *name)
{
    return member_value(input, name) != NULL;
}
