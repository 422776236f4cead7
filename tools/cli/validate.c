#include "tools/cli/validate.h"

#include "tools/cli/blob.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define DEPTH_MAX 16u

struct check {
    struct kw_sbuf *problems;
    unsigned depth;
};

/* Where a value is: ".Constraints.EncryptionContextEquals". */
struct place {
    const struct place *above;
    const char *text;   /* of a member; NULL: an item */
    const char *format; /* how text stands behind what is above it */
    size_t index;
};

static void put_place(struct kw_sbuf *to, const struct place *place)
{
    if (place->above == NULL)
        return;
    put_place(to, place->above);
    if (place->text == NULL) {
        kw_sbuf_printf(to, "[%zu]", place->index);
    } else if (strcmp(place->format, "key") == 0) {
        kw_sbuf_put_str(to, " (key: ");
        kw_sbuf_put_str(to, place->text);
        kw_sbuf_put_str(to, ")");
    } else {
        if (place->above->above != NULL)
            kw_sbuf_put_str(to, ".");
        kw_sbuf_put_str(to, place->text);
    }
}

static void begin(struct check *check, const char *what, const struct place *place)
{
    if (check->problems->len > 0)
        kw_sbuf_put_str(check->problems, "\n");
    kw_sbuf_put_str(check->problems, what);
    if (place->above == NULL)
        kw_sbuf_put_str(check->problems, "input");
    put_place(check->problems, place);
}

/* ---- types, called what Python calls them ---- */

const char *kw_type_name(const json_t *value)
{
    if (kw_blob_is(value))
        return "<class 'bytes'>";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "<class 'dict'>";
    case JSON_ARRAY:
        return "<class 'list'>";
    case JSON_STRING:
        return "<class 'str'>";
    case JSON_INTEGER:
        return "<class 'int'>";
    case JSON_REAL:
        return "<class 'float'>";
    case JSON_NULL:
        return "<class 'NoneType'>";
    default:
        return "<class 'bool'>";
    }
}

static const char *const wanted[] = {
    [KW_KIND_STRING] = "<class 'str'>",
    [KW_KIND_ENUM] = "<class 'str'>",
    [KW_KIND_BLOB] = "<class 'bytes'>, <class 'bytearray'>, file-like object",
    [KW_KIND_INTEGER] = "<class 'int'>",
    [KW_KIND_BOOLEAN] = "<class 'bool'>",
    [KW_KIND_TIMESTAMP] = "<class 'datetime.datetime'>, timestamp-string",
    [KW_KIND_STRUCTURE] = "<class 'dict'>",
    [KW_KIND_LIST] = "<class 'list'>, <class 'tuple'>",
    [KW_KIND_MAP] = "<class 'dict'>",
};

static bool has_type(const struct kw_shape *shape, const json_t *value)
{
    int64_t seconds;

    switch (shape->kind) {
    case KW_KIND_STRING:
    case KW_KIND_ENUM:
        return json_is_string(value);
    case KW_KIND_BLOB:
        return json_is_string(value) || kw_blob_is(value);
    case KW_KIND_INTEGER:
        return json_is_integer(value);
    case KW_KIND_BOOLEAN:
        return json_is_boolean(value);
    case KW_KIND_TIMESTAMP:
        return kw_timestamp_parse(value, &seconds) == 0;
    case KW_KIND_LIST:
        return json_is_array(value);
    default:
        return json_is_object(value) && !kw_blob_is(value);
    }
}

/* As Python writes them; what is nested deeper than one level is left out. */
static void put_item(struct kw_sbuf *to, const json_t *value)
{
    struct kw_json_out out = KW_JSON_OUT(to);

    if (json_is_object(value) || json_is_array(value))
        kw_sbuf_put_str(to, "...");
    else if (json_is_number(value))
        kw_json_value(&out, value);
    else if (!json_is_string(value))
        kw_sbuf_put_str(to, json_is_null(value) ? "None" : json_is_true(value) ? "True" : "False");
    else {
        kw_sbuf_put_str(to, "'");
        kw_sbuf_put(to, json_string_value(value), json_string_length(value));
        kw_sbuf_put_str(to, "'");
    }
}

static void put_value(struct kw_sbuf *to, const struct kw_shape *shape, const json_t *value)
{
    if (shape->sensitive || shape->kind == KW_KIND_BLOB || json_is_object(value)) {
        kw_sbuf_put_str(to, "...");
    } else if (json_is_string(value)) {
        kw_sbuf_put(to, json_string_value(value), json_string_length(value));
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            kw_sbuf_put_str(to, i > 0 ? ", " : "[");
            put_item(to, json_array_get(value, i));
        }
        kw_sbuf_put_str(to, json_array_size(value) > 0 ? "]" : "[]");
    } else {
        put_item(to, value);
    }
}

static bool check_type(
    struct check *check, const struct kw_shape *shape, const json_t *value, const struct place *place)
{
    if (has_type(shape, value))
        return true;
    begin(check, "Invalid type for parameter ", place);
    kw_sbuf_put_str(check->problems, ", value: ");
    put_value(check->problems, shape, value);
    kw_sbuf_put_str(check->problems, ", type: ");
    kw_sbuf_put_str(check->problems, kw_type_name(value));
    kw_sbuf_put_str(check->problems, ", valid types: ");
    kw_sbuf_put_str(check->problems, wanted[shape->kind]);
    return false;
}

/* ---- limits ---- */

static void check_least(struct check *check, const struct kw_shape *shape, int64_t number, const char *what,
    const struct place *place)
{
    if (!shape->has_min || number >= shape->min)
        return;
    begin(check, what, place);
    kw_sbuf_printf(check->problems, ", value: %lld, valid min %s: %lld", (long long)number,
        shape->kind == KW_KIND_INTEGER ? "value" : "length", (long long)shape->min);
}

static int64_t characters(const char *text)
{
    int64_t num = 0;

    for (; *text != '\0'; text++)
        num += (*text & 0xc0) != 0x80;
    return num;
}

static void check_value(
    struct check *check, const struct kw_shape *shape, const json_t *value, const struct place *place);

static void put_names(struct kw_sbuf *to, const struct kw_shape *shape)
{
    for (size_t i = 0; i < shape->num_members; i++) {
        kw_sbuf_put_str(to, i > 0 ? ", " : "");
        kw_sbuf_put_str(to, shape->members[i].name);
    }
}

static void check_structure(
    struct check *check, const struct kw_shape *shape, const json_t *value, const struct place *place)
{
    const char *name;
    const json_t *member;

    for (size_t i = 0; i < shape->num_members; i++) {
        if ((shape->members[i].flags & KW_MEMBER_REQUIRED) == 0 ||
            json_object_get(value, shape->members[i].name) != NULL)
            continue;
        begin(check, "Missing required parameter in ", place);
        kw_sbuf_printf(check->problems, ": \"%s\"", shape->members[i].name);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (kw_shape_member(shape, name) != NULL)
            continue;
        begin(check, "Unknown parameter in ", place);
        kw_sbuf_put_str(check->problems, ": \"");
        kw_sbuf_put_str(check->problems, name);
        kw_sbuf_put_str(check->problems, "\", must be one of: ");
        put_names(check->problems, shape);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        const struct kw_member *of = kw_shape_member(shape, name);

        if (of != NULL)
            check_value(check, of->shape, member, &(struct place){place, name, "", 0});
    }
}

static void check_map(
    struct check *check, const struct kw_shape *shape, const json_t *value, const struct place *place)
{
    const char *name;
    const json_t *member;

    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        const struct place key = {place, name, "key", 0};

        check_least(check, shape->key, characters(name), "Invalid length for parameter ", &key);
        check_value(check, shape->element, member, &(struct place){place, name, "", 0});
    }
}

static void check_value(
    struct check *check, const struct kw_shape *shape, const json_t *value, const struct place *place)
{
    if (check->depth == DEPTH_MAX || !check_type(check, shape, value, place))
        return;
    check->depth++;
    if (shape->kind == KW_KIND_STRUCTURE)
        check_structure(check, shape, value, place);
    else if (shape->kind == KW_KIND_MAP)
        check_map(check, shape, value, place);
    else if (shape->kind == KW_KIND_STRING || shape->kind == KW_KIND_ENUM)
        check_least(
            check, shape, characters(json_string_value(value)), "Invalid length for parameter ", place);
    else if (shape->kind == KW_KIND_INTEGER)
        check_least(check, shape, json_integer_value(value), "Invalid value for parameter ", place);
    if (shape->kind == KW_KIND_LIST) {
        check_least(check, shape, (int64_t)json_array_size(value), "Invalid length for parameter ", place);
        for (size_t i = 0; i < json_array_size(value); i++)
            check_value(check, shape->element, json_array_get(value, i), &(struct place){place, NULL, "", i});
    }
    check->depth--;
}

int kw_validate(const struct kw_shape *shape, const json_t *value, struct kw_trouble *trouble)
{
    struct kw_sbuf problems = KW_SBUF_INIT(KW_TROUBLE_MAX);
    struct check check = {.problems = &problems};
    int r = 0;

    check_value(&check, shape, value, &(struct place){NULL, "", "", 0});
    if (problems.len > 0) {
        kw_sbuf_put(&problems, "", 1);
        r = kw_trouble(trouble, KW_CLI_USAGE, "Parameter validation failed:\n%s",
            kw_sbuf_ok(&problems) ? (const char *)problems.ptr : "no memory to say why");
    }
    kw_sbuf_done(&problems);
    return r;
}

/* ---- moments ---- */

static bool digits(const char **text, unsigned num, int *ret)
{
    int value = 0;

    for (unsigned i = 0; i < num; i++) {
        if (!isdigit((unsigned char)(*text)[i]))
            return false;
        value = value * 10 + ((*text)[i] - '0');
    }
    *text += num;
    *ret = value;
    return true;
}

static bool skip(const char **text, char c)
{
    if (**text != c)
        return false;
    *text += 1;
    return true;
}

/* "Z", "+01:00", "-0800", or nothing, which is UTC. */
static bool zone(const char **text, int *ret_minutes)
{
    int hours = 0, minutes = 0, sign = **text == '-' ? -1 : 1;

    *ret_minutes = 0;
    if (**text == '\0' || skip(text, 'Z') || skip(text, 'z'))
        return true;
    if (!skip(text, '+') && !skip(text, '-'))
        return false;
    if (!digits(text, 2, &hours))
        return false;
    (void)skip(text, ':');
    if (**text != '\0' && !digits(text, 2, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool clock_time(const char **text, struct tm *tm)
{
    if (!digits(text, 2, &tm->tm_hour) || !skip(text, ':') || !digits(text, 2, &tm->tm_min))
        return false;
    if (skip(text, ':') && !digits(text, 2, &tm->tm_sec))
        return false;
    if (skip(text, '.'))
        *text += strspn(*text, "0123456789");
    return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

static int iso8601(const char *text, int64_t *ret_s)
{
    struct tm tm = {.tm_mday = 1};
    int year, month, minutes = 0;

    KW_REQUIRE(digits(&text, 4, &year) && skip(&text, '-') && digits(&text, 2, &month) && skip(&text, '-') &&
                   digits(&text, 2, &tm.tm_mday),
        1);
    KW_REQUIRE(month >= 1 && month <= 12 && tm.tm_mday >= 1 && tm.tm_mday <= 31, 1);
    if (skip(&text, 'T') || skip(&text, 't') || skip(&text, ' '))
        KW_REQUIRE(clock_time(&text, &tm), 1);
    text += strspn(text, " ");
    KW_REQUIRE(zone(&text, &minutes) && *text == '\0', 1);
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *ret_s = (int64_t)timegm(&tm) - minutes * 60;
    return 0;
}

int kw_timestamp_parse(const json_t *value, int64_t *ret_s)
{
    const char *text = json_string_value(value);
    double number = 0;
    char *end;

    if (text == NULL) {
        KW_REQUIRE(json_is_number(value), 1);
        number = json_number_value(value);
    } else {
        number = strtod(text, &end);
        if (end == text || *end != '\0' || strpbrk(text, "xXnN") != NULL)
            return iso8601(text, ret_s);
    }
    KW_REQUIRE(isfinite(number) && fabs(number) < 1e12, 1);
    *ret_s = (int64_t)number;
    return 0;
}

void kw_timestamps_settle(const struct kw_shape *shape, json_t *value)
{
    for (size_t i = 0; i < shape->num_members; i++) {
        const struct kw_member *member = &shape->members[i];
        json_t *inner = json_object_get(value, member->name);
        int64_t seconds = 0;

        if (member->shape->kind == KW_KIND_STRUCTURE)
            kw_timestamps_settle(member->shape, inner);
        else if (inner != NULL && member->shape->kind == KW_KIND_TIMESTAMP &&
                 kw_timestamp_parse(inner, &seconds) == 0)
            (void)json_object_set_new(value, member->name, json_integer(seconds));
    }
}
