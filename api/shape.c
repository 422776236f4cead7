#include "api/shape_internal.h"

int kw_shape_check(const struct kw_shape *shape, const struct kw_value *input, struct kw_sbuf *message)
{
    int r = kw_shape_check_types(shape, input, 0, message);

    return r != 0 ? r : kw_shape_check_constraints(shape, input, message);
}

const struct kw_member *kw_shape_member(const struct kw_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->num_members; i++) {
        if (strcmp(shape->members[i].name, name) == 0)
            return &shape->members[i];
    }
    return NULL;
}

struct kw_bytes kw_input_text(const struct kw_value *value)
{
    return kw_value_text(value);
}

struct kw_bytes kw_input_string(const struct kw_value *input, const char *name)
{
    return kw_input_text(kw_shape_value(input, name));
}

int64_t kw_input_integer(const struct kw_value *input, const char *name, int64_t absent)
{
    const struct kw_value *value = kw_shape_value(input, name);

    return value == NULL ? absent : kw_value_integer(value);
}

bool kw_input_true(const struct kw_value *input, const char *name)
{
    return kw_value_is(kw_shape_value(input, name), KW_VALUE_TRUE);
}

bool kw_input_has(const struct kw_value *input, const char *name)
{
    return kw_shape_value(input, name) != NULL;
}

const struct kw_value *kw_input_object(const struct kw_value *input, const char *name)
{
    const struct kw_value *value = kw_shape_value(input, name);

    return kw_value_is(value, KW_VALUE_OBJECT) ? value : NULL;
}

const struct kw_value *kw_input_array(const struct kw_value *input, const char *name)
{
    const struct kw_value *value = kw_shape_value(input, name);

    return kw_value_is(value, KW_VALUE_ARRAY) ? value : NULL;
}

/* The years 0001 and 9999, in seconds. */
#define TIME_MIN (-62135596800.0)
#define TIME_MAX 253402300799.0

int64_t kw_input_time_ms(const struct kw_value *input, const char *name, int64_t absent)
{
    const struct kw_value *value = kw_shape_value(input, name);
    double seconds = kw_value_number(value);

    if (value == NULL)
        return absent;
    return (int64_t)(KW_MIN(KW_MAX(seconds, TIME_MIN), TIME_MAX) * 1000.0);
}

size_t kw_input_blob(const struct kw_value *input, const char *name, uint8_t *out, size_t cap)
{
    struct kw_bytes text = kw_input_string(input, name);
    size_t len = 0;
    int r;

    if (text.len == 0)
        return 0;
    r = kw_base64_decode(text, out, cap, &len);
    kw_assert(r == 0);
    return len;
}
