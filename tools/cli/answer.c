#include "tools/cli/answer.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

void kw_moment_format(double seconds, char ret[KW_MOMENT_MAX])
{
    double whole = floor(seconds);
    long micros = lrint((seconds - whole) * 1e6);
    time_t at = (time_t)whole + (micros == 1000000);
    char fraction[16] = "";
    struct tm tm;
    long zone;
    size_t len;

    micros %= 1000000;
    if (localtime_r(&at, &tm) == NULL)
        memset(&tm, 0, sizeof(tm));
    if (micros > 0)
        snprintf(fraction, sizeof(fraction), ".%06ld", micros);
    len = strftime(ret, KW_MOMENT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    zone = labs(tm.tm_gmtoff) / 60;
    snprintf(ret + len, KW_MOMENT_MAX - len, "%s%c%02ld:%02ld", fraction, tm.tm_gmtoff < 0 ? '-' : '+',
        zone / 60, zone % 60);
}

static json_t *shaped(const struct kw_shape *shape, const json_t *value, bool wire_time);

static json_t *shaped_object(const struct kw_shape *shape, const json_t *value, bool wire_time)
{
    json_t *object = json_object(), *member;
    const char *name;

    for (size_t i = 0; i < shape->num_members; i++) {
        member = json_object_get(value, shape->members[i].name);
        if (member != NULL && !json_is_null(member))
            (void)json_object_set_new(
                object, shape->members[i].name, shaped(shape->members[i].shape, member, wire_time));
    }
    if (shape->kind == KW_KIND_MAP) {
        json_object_foreach((json_t *)(uintptr_t)value, name, member)
        {
            (void)json_object_set_new(object, name, shaped(shape->element, member, wire_time));
        }
    }
    return object;
}

static json_t *shaped(const struct kw_shape *shape, const json_t *value, bool wire_time)
{
    if (json_is_object(value) && (shape->kind == KW_KIND_STRUCTURE || shape->kind == KW_KIND_MAP))
        return shaped_object(shape, value, wire_time);
    if (json_is_array(value) && shape->kind == KW_KIND_LIST) {
        json_t *list = json_array();

        for (size_t i = 0; i < json_array_size(value); i++)
            (void)json_array_append_new(list, shaped(shape->element, json_array_get(value, i), wire_time));
        return list;
    }
    if (json_is_number(value) && shape->kind == KW_KIND_TIMESTAMP && !wire_time &&
        fabs(json_number_value(value)) < 253402300800.0) {
        char text[KW_MOMENT_MAX];

        kw_moment_format(json_number_value(value), text);
        return json_string(text);
    }
    return json_incref((json_t *)(uintptr_t)value);
}

json_t *kw_answer_shape(const struct kw_shape *shape, const json_t *value, bool wire_time)
{
    return shape != NULL && json_is_object(value) ? shaped_object(shape, value, wire_time) : json_object();
}
