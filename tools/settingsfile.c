#include "tools/settingsfile.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct kw_bytes trim(struct kw_bytes text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = KW_BYTES(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Takes the next line off the walk, with its end. There must be one. */
static struct kw_bytes next_line(struct kw_settings_walk *walk)
{
    ssize_t end = kw_bytes_find(walk->rest, '\n');
    struct kw_bytes line = KW_BYTES(walk->rest.ptr, end >= 0 ? (size_t)end + 1 : walk->rest.len);

    walk->rest = KW_BYTES(walk->rest.ptr + line.len, walk->rest.len - line.len);
    walk->line++;
    return line;
}

/* Without comment, end and blanks around it. */
static struct kw_bytes content(struct kw_bytes line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\n')
        line.len--;
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '#' && (i == 0 || is_blank(line.ptr[i - 1])))
            line.len = i;
    }
    return trim(line);
}

static bool is_name(struct kw_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return name.len > 0;
}

static bool is_value(struct kw_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if ((value.ptr[i] < ' ' && value.ptr[i] != '\t') || value.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

/* line: not empty, without its end. Returns: NULL | a clause */
static const char *split(struct kw_bytes line, struct kw_setting *ret)
{
    ssize_t equals = kw_bytes_find(line, '=');

    if (equals < 0)
        return "is not NAME = VALUE";
    ret->name = trim(KW_BYTES(line.ptr, (size_t)equals));
    ret->value = trim(KW_BYTES(line.ptr + equals + 1, line.len - (size_t)equals - 1));
    if (!is_name(ret->name))
        return "has no name before its =: options without their dashes, such as pool";
    if (ret->value.len == 0)
        return "has no value after its =";
    return is_value(ret->value) ? NULL : "has a control character";
}

int kw_settings_next(struct kw_settings_walk *walk, struct kw_setting *ret, const char **ret_why)
{
    struct kw_setting setting;
    const char *why;

    while (walk->rest.len > 0) {
        struct kw_bytes line = content(next_line(walk));

        if (line.len == 0)
            continue;
        why = split(line, &setting);
        if (why != NULL) {
            *ret_why = why;
            return KW_SETTINGS_MALFORMED;
        }
        *ret = setting;
        return 0;
    }
    return KW_SETTINGS_END;
}

/* `SPEC=` of a value that is about one spec, or nothing. */
static struct kw_bytes part_of(struct kw_bytes value)
{
    ssize_t equals = kw_bytes_find(value, '='), comma = kw_bytes_find(value, ',');

    return KW_BYTES(value.ptr, equals >= 0 && (comma < 0 || comma > equals) ? (size_t)equals + 1 : 0);
}

static bool replaces(const struct kw_setting *new, const struct kw_setting *old)
{
    struct kw_bytes part = part_of(new->value);

    return kw_bytes_equal(new->name, old->name) && kw_bytes_starts(old->value, part);
}

static bool is_replaced(struct kw_bytes line, const struct kw_setting *settings, size_t num)
{
    struct kw_setting old;

    line = content(line);
    if (line.len == 0 || split(line, &old) != NULL)
        return false;
    for (size_t i = 0; i < num; i++) {
        if (replaces(&settings[i], &old))
            return true;
    }
    return false;
}

void kw_settings_replace(
    struct kw_bytes text, const struct kw_setting *settings, size_t num, struct kw_buf *out)
{
    struct kw_settings_walk walk = {.rest = text};
    bool ended = true;

    while (walk.rest.len > 0) {
        struct kw_bytes line = next_line(&walk);

        if (is_replaced(line, settings, num))
            continue;
        kw_buf_put_bytes(out, line);
        ended = line.ptr[line.len - 1] == '\n';
    }
    if (!ended)
        kw_buf_put_u8(out, '\n');
    for (size_t i = 0; i < num; i++) {
        kw_buf_put_bytes(out, settings[i].name);
        kw_buf_put_str(out, " = ");
        kw_buf_put_bytes(out, settings[i].value);
        kw_buf_put_u8(out, '\n');
    }
}
