#include "api/form.h"

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that begins at *at, which moves behind it; -1: there is none. */
static int take_byte(struct kw_bytes text, size_t *at)
{
    uint8_t c = text.ptr[(*at)++];
    int high, low;

    if (c == '+')
        return ' ';
    if (c != '%')
        return c;
    if (text.len - *at < 2)
        return -1;
    high = digit(text.ptr[*at]);
    low = digit(text.ptr[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Decoded text is never longer than what it was decoded from, so ret has room. */
static int decode(struct kw_bytes text, uint8_t **to, struct kw_bytes *ret)
{
    uint8_t *begin = *to;

    for (size_t at = 0; at < text.len;) {
        int c = take_byte(text, &at);

        KW_REQUIRE(c > 0, KW_FORM_BAD); /* 0: a NUL */
        *(*to)++ = (uint8_t)c;
    }
    *ret = KW_BYTES(begin, (size_t)(*to - begin));
    return 0;
}

static bool has_field(const struct kw_form *form, struct kw_bytes name)
{
    for (size_t i = 0; i < form->num; i++) {
        if (kw_bytes_equal(form->field[i].name, name))
            return true;
    }
    return false;
}

static int take_field(struct kw_form *form, struct kw_bytes text, uint8_t **to)
{
    ssize_t equals = kw_bytes_find(text, '=');
    size_t name_len = equals < 0 ? text.len : (size_t)equals;
    size_t value_at = equals < 0 ? text.len : (size_t)equals + 1;
    struct kw_bytes name, value;

    KW_REQUIRE(form->num < KW_FORM_FIELDS_MAX, KW_FORM_BAD);
    KW_REQUIRE(decode(KW_BYTES(text.ptr, name_len), to, &name) == 0, KW_FORM_BAD);
    KW_REQUIRE(decode(KW_BYTES(text.ptr + value_at, text.len - value_at), to, &value) == 0, KW_FORM_BAD);
    KW_REQUIRE(name.len > 0 && !has_field(form, name), KW_FORM_BAD);
    form->field[form->num].name = name;
    form->field[form->num].value = value;
    form->num++;
    return 0;
}

int kw_form_parse(struct kw_bytes body, struct kw_form *ret)
{
    uint8_t *to = ret->text;

    ret->num = 0;
    KW_REQUIRE(body.len <= KW_FORM_BYTES_MAX, KW_FORM_BAD);
    while (body.len > 0) {
        ssize_t at = kw_bytes_find(body, '&');
        size_t len = at < 0 ? body.len : (size_t)at;

        KW_REQUIRE(take_field(ret, KW_BYTES(body.ptr, len), &to) == 0, KW_FORM_BAD);
        if (at < 0)
            break;
        body = KW_BYTES(body.ptr + len + 1, body.len - len - 1);
        KW_REQUIRE(body.len > 0, KW_FORM_BAD); /* a field follows each '&' */
    }
    return 0;
}

struct kw_bytes kw_form_value(const struct kw_form *form, const char *name)
{
    for (size_t i = 0; i < form->num; i++) {
        if (kw_bytes_equal(form->field[i].name, kw_bytes_str(name)))
            return form->field[i].value;
    }
    return KW_BYTES(NULL, 0);
}
