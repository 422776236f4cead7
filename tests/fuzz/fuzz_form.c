#include "api/form.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void put_encoded(struct kw_buf *buf, struct kw_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        kw_buf_put_u8(buf, '%');
        kw_buf_put_u8(buf, (uint8_t)digits[c >> 4]);
        kw_buf_put_u8(buf, (uint8_t)digits[c & 15]);
    }
}

static bool same_fields(const struct kw_form *a, const struct kw_form *b)
{
    for (size_t i = 0; i < a->num; i++) {
        if (!kw_bytes_equal(a->field[i].name, b->field[i].name) ||
            !kw_bytes_equal(a->field[i].value, b->field[i].value))
            return false;
    }
    return a->num == b->num;
}

/* What is accepted stays within its bounds, and means the same when every byte of it is written as %XX. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static uint8_t again[3 * KW_FORM_BYTES_MAX + 2 * KW_FORM_FIELDS_MAX];
    static struct kw_form form, other;
    struct kw_buf buf = KW_BUF(again, sizeof(again));
    size_t total = 0;

    if (kw_form_parse(KW_BYTES(data, len), &form) != 0)
        return 0;
    kw_assert(form.num <= KW_FORM_FIELDS_MAX);
    for (size_t i = 0; i < form.num; i++) {
        kw_assert(form.field[i].name.len > 0 && kw_bytes_find(form.field[i].value, 0) < 0);
        total += form.field[i].name.len + form.field[i].value.len;
        kw_buf_put_str(&buf, i > 0 ? "&" : "");
        put_encoded(&buf, form.field[i].name);
        kw_buf_put_u8(&buf, '=');
        put_encoded(&buf, form.field[i].value);
    }
    kw_assert(total <= len && kw_buf_ok(&buf));
    if (buf.len > KW_FORM_BYTES_MAX)
        return 0;
    kw_assert(kw_form_parse(kw_buf_bytes(&buf), &other) == 0 && same_fields(&form, &other));
    return 0;
}
