/* value - the JSON of a request, parsed without an allocation of its own: values in one array, in the order
 * of the text, and their strings behind them.
 *
 * A document is parsed into one block of secret memory, which stays with it from one request to the next. All
 * values and texts are in that block: they live until the document is parsed again, reset or done. Texts end
 * with a NUL (and may hold others). Parsing takes what kw_json_parse() takes (json.h), and refuses the rest,
 * and a NUL that is no part of an escape wherever it is (jansson 2.14 skips one behind a number).
 * One owner; readers only read. Every function that asks takes NULL for a value that is not there.
 */
#ifndef KW_API_VALUE_H
#define KW_API_VALUE_H

#include "api/json.h"

enum kw_value_kind {
    KW_VALUE_NULL,
    KW_VALUE_FALSE,
    KW_VALUE_TRUE,
    KW_VALUE_INTEGER,
    KW_VALUE_REAL,
    KW_VALUE_STRING,
    KW_VALUE_ARRAY,
    KW_VALUE_OBJECT,
};

struct kw_value {
    enum kw_value_kind kind;
    uint32_t key_len;
    const char *key; /* of a member of an object; NUL-terminated */
    uint32_t num;    /* of an array or object: items or members */
    uint32_t span;   /* values in this one, itself included: the next one beside it is so far away */
    union {
        struct {
            const char *ptr;
            size_t len;
        } string;
        int64_t integer;
        double real;
    };
};

struct kw_document {
    void *block; /* secret memory; NULL before the first parse */
    size_t cap;
    size_t used; /* bytes of the block that were written */
};

/* kw_document_parse() - Out: ret_root, an object; belongs to the document. On any other result the document
 * is empty. Returns: 0 | KW_JSON_BAD | -ENOMEM */
KW_MUST_CHECK int kw_document_parse(
    struct kw_document *document, struct kw_bytes text, const struct kw_value **ret_root);
/* Wipes, and keeps the block if it is at most keep bytes. A zeroed one is fine. */
void kw_document_reset(struct kw_document *document, size_t keep);
/* Wipes and frees. */
void kw_document_done(struct kw_document *document);

static inline bool kw_value_is(const struct kw_value *value, enum kw_value_kind kind)
{
    return value != NULL && value->kind == kind;
}
static inline bool kw_value_is_boolean(const struct kw_value *value)
{
    return kw_value_is(value, KW_VALUE_TRUE) || kw_value_is(value, KW_VALUE_FALSE);
}
static inline bool kw_value_is_number(const struct kw_value *value)
{
    return kw_value_is(value, KW_VALUE_INTEGER) || kw_value_is(value, KW_VALUE_REAL);
}

/* Of a string; else an empty slice with NULL ptr. */
static inline struct kw_bytes kw_value_text(const struct kw_value *value)
{
    return kw_value_is(value, KW_VALUE_STRING) ? KW_BYTES(value->string.ptr, value->string.len)
                                               : KW_BYTES(NULL, 0);
}
/* Of a member of an object. */
static inline struct kw_bytes kw_value_key(const struct kw_value *value)
{
    return KW_BYTES(value->key, value->key_len);
}
/* Of an integer; else 0. */
static inline int64_t kw_value_integer(const struct kw_value *value)
{
    return kw_value_is(value, KW_VALUE_INTEGER) ? value->integer : 0;
}
/* Of a number; else 0. */
static inline double kw_value_number(const struct kw_value *value)
{
    return kw_value_is(value, KW_VALUE_REAL) ? value->real : (double)kw_value_integer(value);
}
/* Items of an array, members of an object; else 0. */
static inline size_t kw_value_num(const struct kw_value *value)
{
    if (value == NULL)
        return 0;
    return kw_value_is(value, KW_VALUE_ARRAY) || kw_value_is(value, KW_VALUE_OBJECT) ? value->num : 0;
}

/* The items or members, in their order: item is NULL after the last. */
static inline const struct kw_value *kw_value_first(const struct kw_value *of)
{
    return kw_value_num(of) > 0 ? of + 1 : NULL;
}
static inline const struct kw_value *kw_value_next(const struct kw_value *of, const struct kw_value *item)
{
    const struct kw_value *next = item + item->span;

    return next < of + of->span ? next : NULL;
}
#define KW_VALUE_EACH(of, item)                                                                              \
    (item) = kw_value_first(of);                                                                             \
    (item) != NULL;                                                                                          \
    (item) = kw_value_next(of, item)

/* The member of an object, or NULL. */
const struct kw_value *kw_value_get(const struct kw_value *object, const char *name);
/* The item of an array, or NULL; counts its way there. */
const struct kw_value *kw_value_at(const struct kw_value *array, size_t index);

/* Written back compactly, as kw_json_value() does. */
void kw_value_write(struct kw_json_out *out, const struct kw_value *value);

#endif
