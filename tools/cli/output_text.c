/* Text: a line per object with its scalars in columns, sorted by their names, and the name of what holds it
 * before them; lists and objects within follow on lines of their own. */
#include "tools/cli/output.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

struct names {
    const char **of;
    size_t num;
};

static bool is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

/* In upper case, whatever the locale of the user. */
static void put_title(const char *title, struct kw_sbuf *to)
{
    static locale_t utf8;
    locale_t before;
    mbstate_t in = {0}, out = {0};
    wchar_t c;
    size_t left = strlen(title), len;

    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    before = uselocale(utf8);
    while (left > 0 && (len = mbrtowc(&c, title, left, &in)) != 0 && len <= left) {
        char text[MB_LEN_MAX];
        size_t written = wcrtomb(text, (wchar_t)towupper((wint_t)c), &out);

        kw_sbuf_put(to, text, written <= sizeof(text) ? written : 0);
        title += len;
        left -= len;
    }
    (void)uselocale(before);
}

static void put_item(const json_t *value, const char *title, const struct names *scalars, struct kw_sbuf *to);

static bool is_one_of(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->num; i++) {
        if (strcmp(names->of[i], name) == 0)
            return true;
    }
    return false;
}

/* The columns; lists and objects have none unless others of the list have scalars there. */
static void put_columns(
    const json_t *object, const char *title, const struct names *columns, bool own, struct kw_sbuf *to)
{
    bool first = true;

    for (size_t i = 0; i < columns->num; i++) {
        const json_t *value = json_object_get(object, columns->of[i]);

        if (own && !is_scalar(value))
            continue;
        if (first && title != NULL) {
            put_title(title, to);
            first = false;
        }
        kw_sbuf_put_str(to, first ? "" : "\t");
        first = false;
        if (value != NULL)
            kw_output_python(value, to);
    }
    if (!first)
        kw_sbuf_put_str(to, "\n");
}

/* In: scalars, the columns of the list that it is in, or NULL. */
static void put_object(
    const json_t *object, const char *title, const struct names *scalars, struct kw_sbuf *to)
{
    struct names all = {NULL, 0};

    if (kw_output_names(object, &all.of, &all.num) != 0) {
        to->failed = true;
        return;
    }
    put_columns(object, title, scalars != NULL ? scalars : &all, scalars == NULL, to);
    for (size_t i = 0; i < all.num; i++) {
        const json_t *value = json_object_get(object, all.of[i]);

        if (scalars != NULL ? !is_one_of(scalars, all.of[i]) : !is_scalar(value))
            put_item(value, all.of[i], NULL, to);
    }
    free(all.of);
}

/* The names under which any object of the list has a scalar. */
static int scalar_names(const json_t *list, json_t **ret_set, struct names *ret)
{
    json_t *set = json_object(), *member;
    const char *name;

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_object_foreach(json_array_get(list, i), name, member)
        {
            if (is_scalar(member))
                (void)json_object_set_new(set, name, json_null());
        }
    }
    *ret_set = set;
    return kw_output_names(set, &ret->of, &ret->num);
}

static void put_scalars(const json_t *list, const char *title, struct kw_sbuf *to)
{
    bool first = true;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);

        if (!is_scalar(value))
            continue;
        if (title != NULL)
            put_title(title, to);
        kw_sbuf_put_str(to, title != NULL || !first ? "\t" : "");
        kw_output_scalar(value, to);
        kw_sbuf_put_str(to, title != NULL ? "\n" : "");
        first = false;
    }
    if (!first && title == NULL)
        kw_sbuf_put_str(to, "\n");
}

static void put_list(const json_t *list, const char *title, struct kw_sbuf *to)
{
    struct names scalars = {NULL, 0};
    bool has_object = false;
    json_t *set = NULL;

    for (size_t i = 0; i < json_array_size(list); i++)
        has_object = has_object || json_is_object(json_array_get(list, i));
    if (has_object && scalar_names(list, &set, &scalars) != 0)
        to->failed = true;
    if (!has_object)
        put_scalars(list, title, to);
    for (size_t i = 0; i < json_array_size(list) && !to->failed; i++) {
        const json_t *value = json_array_get(list, i);

        if (has_object || json_is_array(value))
            put_item(value, title, has_object ? &scalars : NULL, to);
    }
    free(scalars.of);
    json_decref(set);
}

static void put_item(const json_t *value, const char *title, const struct names *scalars, struct kw_sbuf *to)
{
    if (json_is_object(value)) {
        put_object(value, title, scalars, to);
    } else if (json_is_array(value)) {
        put_list(value, title, to);
    } else {
        kw_output_scalar(value, to);
        kw_sbuf_put_str(to, "\n");
    }
}

void kw_output_text(const json_t *value, struct kw_sbuf *ret)
{
    put_item(value, NULL, NULL, ret);
}
