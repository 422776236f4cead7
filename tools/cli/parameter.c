#include "tools/cli/parameter.h"

#include "tools/cli/blob.h"
#include "tools/cli/shorthand.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wordexp.h>

/* ---- files ---- */

/* "~" and "$NAME", as the AWS CLI takes them; nothing is run. */
static char *expanded(const char *path)
{
    wordexp_t words;
    char *ret = NULL;

    if (strpbrk(path, "~$") == NULL || strpbrk(path, " \t\n|&;<>(){}*?[]\"'`\\") != NULL ||
        wordexp(path, &words, WRDE_NOCMD) != 0)
        return strdup(path);
    if (words.we_wordc == 1)
        ret = strdup(words.we_wordv[0]);
    wordfree(&words);
    return ret != NULL ? ret : strdup(path);
}

static int read_all(int fd, struct kw_sbuf *ret)
{
    for (;;) {
        ssize_t n;

        if (kw_sbuf_reserve(ret, 16384) < 0)
            return -EFBIG;
        n = read(fd, ret->ptr + ret->len, 16384);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        ret->len += (size_t)n;
    }
}

static int read_named(const char *value, const char *path, struct kw_sbuf *ret, struct kw_trouble *trouble)
{
    bool is_stdin = strcmp(path, "-") == 0;
    char *real = expanded(path);
    int fd = is_stdin ? STDIN_FILENO : real != NULL ? open(real, O_RDONLY | O_CLOEXEC) : -1;
    int r = fd < 0 ? -errno : read_all(fd, ret);

    if (fd >= 0 && !is_stdin)
        close(fd);
    if (r < 0)
        r = kw_trouble(trouble, KW_CLI_USAGE, "Unable to load paramfile %s: [Errno %d] %s: '%s'", value, -r,
            strerror(-r), real != NULL ? real : path);
    free(real);
    return r;
}

static bool is_text(const struct kw_sbuf *bytes)
{
    json_t *text = json_stringn(bytes->len > 0 ? (const char *)bytes->ptr : "", bytes->len);

    json_decref(text);
    return text != NULL;
}

int kw_parameter_file(const char *value, struct kw_sbuf *ret, bool *ret_bytes, struct kw_trouble *trouble)
{
    bool bytes = strncmp(value, "fileb://", 8) == 0;

    if (!bytes && strncmp(value, "file://", 7) != 0)
        return 2;
    *ret_bytes = bytes;
    if (read_named(value, value + (bytes ? 8 : 7), ret, trouble) != 0)
        return 1;
    if (!bytes && !is_text(ret))
        return kw_trouble(trouble, KW_CLI_USAGE,
            "Unable to load paramfile (%s), text contents could not be decoded.  If this is a binary file, "
            "please use the fileb:// prefix instead of the file:// prefix.",
            value + 7);
    return 0;
}

/* ---- values ---- */

struct given {
    const struct kw_shape *shape;
    const char *option; /* "--key-id" */
    struct kw_trouble *trouble;
};

static bool is_complex(const struct kw_shape *shape)
{
    if (shape->kind == KW_KIND_LIST)
        return is_complex(shape->element) || shape->element->kind == KW_KIND_LIST;
    return shape->kind == KW_KIND_STRUCTURE || shape->kind == KW_KIND_MAP;
}

/* Does a complaint have to leave out what was given? */
static bool holds_secret(const struct kw_shape *shape)
{
    if (shape->sensitive || shape->kind == KW_KIND_BLOB)
        return true;
    for (size_t i = 0; i < shape->num_members; i++) {
        if (holds_secret(shape->members[i].shape))
            return true;
    }
    return shape->element != NULL && holds_secret(shape->element);
}

static int parse_json(struct given *given, struct kw_bytes text, json_t **ret)
{
    json_error_t error;

    *ret = json_loadb((const char *)text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (*ret != NULL)
        return 0;
    return kw_trouble(given->trouble, KW_CLI_USAGE,
        "Error parsing parameter '%s': Invalid JSON: line %d column %d\nJSON received: %.*s", given->option,
        error.line, error.column, holds_secret(given->shape) ? 3 : (int)text.len,
        holds_secret(given->shape) ? "..." : (const char *)text.ptr);
}

static int no_text(struct given *given)
{
    return kw_trouble(given->trouble, KW_CLI_GENERAL, "%s: the value is not UTF-8", given->option);
}

static int scalar(struct given *given, const struct kw_shape *shape, struct kw_bytes text, json_t **ret)
{
    int64_t number = 0;

    *ret = json_stringn(text.len > 0 ? (const char *)text.ptr : "", text.len);
    if (*ret == NULL)
        return no_text(given);
    if (shape->kind != KW_KIND_INTEGER)
        return 0;
    if (kw_integer_parse(json_string_value(*ret), &number, given->trouble) != 0)
        return 1;
    json_decref(*ret);
    *ret = json_integer(number);
    return 0;
}

static int shorthand(struct given *given, const struct kw_shape *shape, struct kw_bytes text, json_t **ret)
{
    json_t *value = NULL;
    int r = is_text(&(struct kw_sbuf){.ptr = (uint8_t *)(uintptr_t)text.ptr, .len = text.len})
                ? kw_shorthand_parse(text, &value, given->trouble)
                : no_text(given);

    if (r == 0)
        r = kw_shorthand_fit(shape, &value, given->trouble);
    else if (holds_secret(shape))
        (void)kw_trouble(given->trouble, KW_CLI_USAGE,
            "Error parsing parameter '%s': neither JSON nor shorthand", given->option);
    else if (given->trouble->status == KW_CLI_USAGE)
        kw_trouble_prefix(given->trouble, "Error parsing parameter '%s': ", given->option);
    if (r != 0) {
        json_decref(value);
        return r;
    }
    *ret = value;
    return 0;
}

static char first_of(struct kw_bytes text)
{
    size_t at = 0;

    while (at < text.len && strchr(" \t\r\n\v\f", text.ptr[at]) != NULL)
        at++;
    return at < text.len ? (char)text.ptr[at] : '\0';
}

/* One word, or a file's content. */
static int one(struct given *given, const struct kw_shape *shape, struct kw_bytes text, json_t **ret)
{
    char first = first_of(text);

    if (first == '{' && is_complex(shape))
        return parse_json(given, text, ret);
    if (first == '[' && shape->kind == KW_KIND_LIST)
        return parse_json(given, text, ret);
    if (first == '[' && is_complex(shape))
        return kw_trouble(given->trouble, KW_CLI_USAGE, "Error parsing parameter '%s': Invalid JSON:\n%.*s",
            given->option, holds_secret(shape) ? 3 : (int)text.len,
            holds_secret(shape) ? "..." : (const char *)text.ptr);
    return is_complex(shape) ? shorthand(given, shape, text, ret) : scalar(given, shape, text, ret);
}

static int list(struct given *given, const struct kw_argument *argument, json_t **ret)
{
    const struct kw_shape *element = given->shape->element;
    json_t *items;

    if (argument->num == 1 && first_of(kw_bytes_str(argument->words[0])) == '[')
        return parse_json(given, kw_bytes_str(argument->words[0]), ret);
    items = json_array();
    for (unsigned i = 0; i < argument->num; i++) {
        json_t *item = NULL;

        if (one(given, element, kw_bytes_str(argument->words[i]), &item) != 0) {
            json_decref(items);
            return 1;
        }
        (void)json_array_append_new(items, item);
    }
    *ret = items;
    return 0;
}

static int of_file(struct given *given, struct kw_sbuf *content, bool bytes, json_t **ret)
{
    struct kw_bytes text = kw_sbuf_bytes(content);
    json_t *item = NULL;

    if (given->shape->kind == KW_KIND_BLOB && bytes) {
        *ret = kw_blob_new(text);
        return *ret != NULL ? 0 : kw_trouble(given->trouble, KW_CLI_GENERAL, "no memory");
    }
    if (given->shape->kind != KW_KIND_LIST || first_of(text) == '[')
        return one(given, given->shape, text, ret);
    if (one(given, given->shape->element, text, &item) != 0)
        return 1;
    *ret = json_array();
    return json_array_append_new(*ret, item);
}

int kw_parameter(const struct kw_member *member, const struct kw_argument *argument, json_t **ret,
    struct kw_trouble *trouble)
{
    KW_SBUF struct kw_sbuf content = KW_SBUF_INIT(KW_PARAMETER_FILE_MAX);
    char option[KW_COMMAND_MAX + 2] = "--";
    struct given given = {member->shape, option, trouble};
    bool bytes = false;
    int r = 2;

    kw_command_name(member->name, option + 2);
    if (member->shape->kind == KW_KIND_BOOLEAN) {
        *ret = json_boolean(argument->flag);
        return 0;
    }
    if (argument->num == 1 && member->shape->kind == KW_KIND_BLOB && strcmp(argument->words[0], "-") == 0)
        r = kw_parameter_file("fileb://-", &content, &bytes, trouble);
    else if (argument->num == 1)
        r = kw_parameter_file(argument->words[0], &content, &bytes, trouble);
    if (r == 1)
        kw_trouble_prefix(trouble, "Error parsing parameter '%s': ", option);
    if (r == 0)
        return of_file(&given, &content, bytes, ret);
    if (r == 2 && member->shape->kind == KW_KIND_LIST)
        return list(&given, argument, ret);
    return r == 2 ? one(&given, member->shape, kw_bytes_str(argument->words[0]), ret) : r;
}
