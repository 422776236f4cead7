#include "tools/cli/output.h"

#include "tools/cli/yamlout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    enum kw_output_form form;
} forms[] = {
    {"json", KW_OUTPUT_JSON},
    {"text", KW_OUTPUT_TEXT},
    {"table", KW_OUTPUT_TABLE},
    {"yaml", KW_OUTPUT_YAML},
    {"yaml-stream", KW_OUTPUT_YAML_STREAM},
};

int kw_output_form_parse(const char *name, enum kw_output_form *ret)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, name) == 0) {
            *ret = forms[i].form;
            return 0;
        }
    }
    return 1;
}

/* ---- scalars ---- */

/* digits: "1.25e+20"; Python writes exponents only from 16 digits on, and below 0.0001. */
static void python_real(double value, char ret[KW_REAL_TEXT_MAX])
{
    int precision = 1, exponent;
    char *mark;

    do
        snprintf(ret, KW_REAL_TEXT_MAX, "%.*e", precision - 1, value);
    while (precision++ < 17 && strtod(ret, NULL) != value);
    mark = strchr(ret, 'e');
    if (mark == NULL)
        return;
    exponent = (int)strtol(mark + 1, NULL, 10);
    if (exponent < -4 || exponent >= 16)
        return;
    precision = (int)(mark - ret) - (ret[0] == '-') - (strchr(ret, '.') != NULL);
    snprintf(ret, KW_REAL_TEXT_MAX, "%.*f", KW_MAX(precision - 1 - exponent, 1), value);
}

void kw_output_number(const json_t *value, char ret[KW_REAL_TEXT_MAX])
{
    if (json_is_integer(value))
        snprintf(ret, KW_REAL_TEXT_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        python_real(json_real_value(value), ret);
}

void kw_output_scalar(const json_t *value, struct kw_sbuf *ret)
{
    char number[KW_REAL_TEXT_MAX];

    if (json_is_string(value)) {
        kw_sbuf_put(ret, json_string_value(value), json_string_length(value));
    } else if (json_is_number(value)) {
        kw_output_number(value, number);
        kw_sbuf_put_str(ret, number);
    } else {
        kw_sbuf_put_str(ret, json_is_true(value) ? "True" : json_is_false(value) ? "False" : "None");
    }
}

/* Between quotes; what cannot be printed is escaped. */
static void quoted(struct kw_bytes text, struct kw_sbuf *to)
{
    bool doubled = memchr(text.ptr, '\'', text.len) != NULL && memchr(text.ptr, '"', text.len) == NULL;
    uint8_t quote = doubled ? '"' : '\'';

    kw_sbuf_put(to, &quote, 1);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        const char *at = c != '\0' ? strchr("\n\r\t", c) : NULL;

        if (at != NULL)
            kw_sbuf_put(to, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", 2);
        else if (c < ' ' || c == 127)
            kw_sbuf_printf(to, "\\x%02x", c);
        else if (c == '\\' || c == quote)
            kw_sbuf_put(to, (const uint8_t[]){'\\', c}, 2);
        else
            kw_sbuf_put(to, &c, 1);
    }
    kw_sbuf_put(to, &quote, 1);
}

static void python_item(const json_t *value, struct kw_sbuf *to)
{
    if (json_is_string(value))
        quoted(KW_BYTES(json_string_value(value), json_string_length(value)), to);
    else
        kw_output_python(value, to);
}

void kw_output_python(const json_t *value, struct kw_sbuf *ret)
{
    const char *name;
    json_t *member;
    bool first = true;

    if (!json_is_object(value) && !json_is_array(value)) {
        kw_output_scalar(value, ret);
        return;
    }
    kw_sbuf_put_str(ret, json_is_object(value) ? "{" : "[");
    for (size_t i = 0; i < json_array_size(value); i++) {
        kw_sbuf_put_str(ret, i > 0 ? ", " : "");
        python_item(json_array_get(value, i), ret);
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        kw_sbuf_put_str(ret, first ? "" : ", ");
        first = false;
        quoted(kw_bytes_str(name), ret);
        kw_sbuf_put_str(ret, ": ");
        python_item(member, ret);
    }
    kw_sbuf_put_str(ret, json_is_object(value) ? "}" : "]");
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int kw_output_names(const json_t *object, const char ***ret, size_t *ret_num)
{
    const char **names = calloc(json_object_size(object) + 1, sizeof(*names)), *name;
    size_t num = 0;
    json_t *member;

    KW_REQUIRE(names != NULL, -ENOMEM);
    json_object_foreach((json_t *)(uintptr_t)object, name, member)
    {
        (void)member;
        names[num++] = name;
    }
    qsort(names, num, sizeof(*names), by_bytes);
    *ret = names;
    *ret_num = num;
    return 0;
}

/* ---- JSON ---- */

/* How JSON is written: in lines or on one, all characters or ASCII. */
struct style {
    bool compact;
};

/* A character beyond ASCII, as one escape or a pair of them. Returns how many bytes it has. */
static size_t escape_wide(struct kw_bytes text, struct kw_sbuf *to)
{
    size_t len = text.ptr[0] >= 0xf0 ? 4 : text.ptr[0] >= 0xe0 ? 3 : 2;
    uint32_t c = text.ptr[0] & (0xffu >> (len + 1));

    len = KW_MIN(len, text.len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (text.ptr[i] & 0x3fu);
    if (c >= 0x10000)
        kw_sbuf_printf(to, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ffu));
    else
        kw_sbuf_printf(to, "\\u%04x", c);
    return len;
}

static void json_text(struct kw_bytes text, const struct style *style, struct kw_sbuf *to)
{
    static const char named[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";

    kw_sbuf_put_str(to, "\"");
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        const char *at = c != '\0' ? strchr(named, c) : NULL;

        if (at != NULL)
            kw_sbuf_put(to, (const char[]){'\\', letters[at - named]}, 2);
        else if (c < ' ' || (c == 127 && style->compact))
            kw_sbuf_printf(to, "\\u%04x", c);
        else if (c >= 0x80 && style->compact)
            i += escape_wide(KW_BYTES(text.ptr + i, text.len - i), to) - 1;
        else
            kw_sbuf_put(to, &c, 1);
    }
    kw_sbuf_put_str(to, "\"");
}

static void new_line(const struct style *style, struct kw_sbuf *to, unsigned depth)
{
    static const char spaces[] = "                                ";

    if (style->compact)
        return;
    kw_sbuf_put_str(to, "\n");
    for (unsigned left = depth * 4; left > 0;) {
        unsigned piece = KW_MIN(left, (unsigned)sizeof(spaces) - 1);

        kw_sbuf_put(to, spaces, piece);
        left -= piece;
    }
}

static void json_value(const json_t *value, unsigned depth, const struct style *style, struct kw_sbuf *to);

static void json_list(const json_t *value, unsigned depth, const struct style *style, struct kw_sbuf *to)
{
    kw_sbuf_put_str(to, "[");
    for (size_t i = 0; i < json_array_size(value); i++) {
        kw_sbuf_put_str(to, i > 0 ? "," : "");
        new_line(style, to, depth + 1);
        json_value(json_array_get(value, i), depth + 1, style, to);
    }
    if (json_array_size(value) > 0)
        new_line(style, to, depth);
    kw_sbuf_put_str(to, "]");
}

static void json_object_text(
    const json_t *value, unsigned depth, const struct style *style, struct kw_sbuf *to)
{
    const char *name;
    json_t *member;
    bool first = true;

    kw_sbuf_put_str(to, "{");
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        kw_sbuf_put_str(to, first ? "" : ",");
        first = false;
        new_line(style, to, depth + 1);
        json_text(kw_bytes_str(name), style, to);
        kw_sbuf_put_str(to, style->compact ? ":" : ": ");
        json_value(member, depth + 1, style, to);
    }
    if (!first)
        new_line(style, to, depth);
    kw_sbuf_put_str(to, "}");
}

static void json_value(const json_t *value, unsigned depth, const struct style *style, struct kw_sbuf *to)
{
    char number[KW_REAL_TEXT_MAX];

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        json_object_text(value, depth, style, to);
        break;
    case JSON_ARRAY:
        json_list(value, depth, style, to);
        break;
    case JSON_STRING:
        json_text(KW_BYTES(json_string_value(value), json_string_length(value)), style, to);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        kw_output_number(value, number);
        kw_sbuf_put_str(to, number);
        break;
    default:
        kw_sbuf_put_str(to, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
    }
}

void kw_output_json(const json_t *value, struct kw_sbuf *ret)
{
    json_value(value, 0, &(struct style){.compact = false}, ret);
    kw_sbuf_put_str(ret, "\n");
}

void kw_output_compact(const json_t *value, struct kw_sbuf *ret)
{
    json_value(value, 0, &(struct style){.compact = true}, ret);
}

/* ---- all forms ---- */

/* An empty object is no result. */
static bool is_nothing(const json_t *value)
{
    return json_is_object(value) && json_object_size(value) == 0;
}

static int yaml(const json_t *value, struct kw_sbuf *ret)
{
    if (json_is_object(value) || json_is_array(value))
        return kw_yaml_write(value, ret);
    kw_output_json(value, ret);
    return 0;
}

int kw_output_write(const struct kw_output *output, const json_t *value, struct kw_sbuf *ret)
{
    int r = 0;

    if (is_nothing(value))
        return 0;
    switch (output->form) {
    case KW_OUTPUT_JSON:
        kw_output_json(value, ret);
        break;
    case KW_OUTPUT_TEXT:
        kw_output_text(value, ret);
        break;
    case KW_OUTPUT_TABLE:
        r = kw_output_table(output, value, ret);
        break;
    case KW_OUTPUT_YAML:
        r = yaml(value, ret);
        break;
    default: {
        json_t *page = json_array();

        if (json_array_append(page, (json_t *)(uintptr_t)value) == 0)
            r = kw_yaml_write(page, ret);
        json_decref(page);
    }
    }
    return r != 0 ? r : kw_sbuf_ok(ret) ? 0 : -ENOMEM;
}
