#include "tools/cli/inifile.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct kw_bytes trim(struct kw_bytes text)
{
    while (text.len > 0 && is_space(text.ptr[0]))
        text = KW_BYTES(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Takes the next line off text, without its end. */
static bool next_line(struct kw_bytes *text, struct kw_bytes *ret)
{
    ssize_t end = kw_bytes_find(*text, '\n');

    if (text->len == 0)
        return false;
    *ret = KW_BYTES(text->ptr, end >= 0 ? (size_t)end : text->len);
    *text = KW_BYTES(text->ptr + ret->len + (end >= 0), text->len - ret->len - (end >= 0));
    return true;
}

static struct kw_bytes unquote(struct kw_bytes text)
{
    if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') && text.ptr[text.len - 1] == text.ptr[0])
        return KW_BYTES(text.ptr + 1, text.len - 2);
    return text;
}

/* line: "[...]", trimmed. The plain "[default]" is a profile too. */
static bool is_section(struct kw_bytes line, const char *kind, const char *name)
{
    ssize_t end = kw_bytes_find(line, ']');
    struct kw_bytes title, word;

    if (end < 1)
        return false;
    title = trim(KW_BYTES(line.ptr + 1, (size_t)end - 1));
    if (kind == NULL || (strcmp(name, "default") == 0 && strcmp(kind, "profile") == 0)) {
        if (kw_bytes_equal(title, kw_bytes_str(name)))
            return true;
    }
    if (kind == NULL)
        return false;
    word = kw_bytes_str(kind);
    if (!kw_bytes_starts(title, word) || title.len == word.len || !is_space(title.ptr[word.len]))
        return false;
    return kw_bytes_equal(
        unquote(trim(KW_BYTES(title.ptr + word.len, title.len - word.len))), kw_bytes_str(name));
}

static bool is_comment(struct kw_bytes line)
{
    return line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';';
}

static bool split(struct kw_bytes line, struct kw_bytes *ret_name, struct kw_bytes *ret_value)
{
    ssize_t equals = kw_bytes_find(line, '=');

    if (equals < 0)
        equals = kw_bytes_find(line, ':');
    if (equals < 1)
        return false;
    *ret_name = trim(KW_BYTES(line.ptr, (size_t)equals));
    *ret_value = trim(KW_BYTES(line.ptr + equals + 1, line.len - (size_t)equals - 1));
    return true;
}

int kw_ini_section(struct kw_bytes text, const char *kind, const char *name)
{
    struct kw_bytes line;

    while (next_line(&text, &line)) {
        line = trim(line);
        if (line.len > 0 && line.ptr[0] == '[' && is_section(line, kind, name))
            return 0;
    }
    return KW_INI_ABSENT;
}

struct walk {
    const char *above, *setting;
    bool inside; /* the section */
    bool nested; /* in the lines below the setting "above" */
    bool found;
    struct kw_bytes value;
};

static void take(struct walk *walk, struct kw_bytes name, struct kw_bytes value, bool indented)
{
    bool wanted = kw_bytes_equal(name, kw_bytes_str(walk->setting));

    if (!indented)
        walk->nested =
            walk->above != NULL && value.len == 0 && kw_bytes_equal(name, kw_bytes_str(walk->above));
    if (!wanted || indented != (walk->above != NULL) || (indented && !walk->nested))
        return;
    walk->found = true;
    walk->value = value;
}

int kw_ini_get(struct kw_bytes text, const char *kind, const char *name, const char *above,
    const char *setting, struct kw_bytes *ret)
{
    struct walk walk = {.above = above, .setting = setting};
    struct kw_bytes raw, line, left, right;

    while (next_line(&text, &raw)) {
        bool indented = raw.len > 0 && is_space(raw.ptr[0]);

        line = trim(raw);
        if (is_comment(line))
            continue;
        if (line.ptr[0] == '[' && !indented) {
            walk.inside = is_section(line, kind, name);
            walk.nested = false;
        } else if (walk.inside && split(line, &left, &right)) {
            take(&walk, left, right, indented);
        }
    }
    KW_REQUIRE(walk.found, KW_INI_ABSENT);
    *ret = walk.value;
    return 0;
}
