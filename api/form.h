/* form - the fields of a body of application/x-www-form-urlencoded, as AWS's query protocol has it.
 *
 * Pure parsing of outside text: "NAME=VALUE&NAME=VALUE", '+' for a space and %XX for any byte. Strict, since
 * requests of that protocol are made by programs: a percent sign without two hexadecimal digits, a NUL, an
 * empty name and a name that comes twice are refused.
 */
#ifndef KW_API_FORM_H
#define KW_API_FORM_H

#include "pool/bytes.h"

#define KW_FORM_FIELDS_MAX 16u
/* Of a body, and so of all names and values: a session policy of nothing but %XX has 6 KiB. */
#define KW_FORM_BYTES_MAX (16u * 1024u)

enum { KW_FORM_BAD = 1 };

struct kw_form {
    struct {
        struct kw_bytes name, value; /* slices of `text` */
    } field[KW_FORM_FIELDS_MAX];
    size_t num;
    uint8_t text[KW_FORM_BYTES_MAX];
};

/* kw_form_parse() - an empty body has no fields; a field without '=' has an empty value.
 * Returns: 0 | KW_FORM_BAD (ret is undefined) */
KW_MUST_CHECK int kw_form_parse(struct kw_bytes body, struct kw_form *ret);
/* The value of a field, or an empty slice with NULL ptr. Names are compared with case. */
struct kw_bytes kw_form_value(const struct kw_form *form, const char *name);

#endif
