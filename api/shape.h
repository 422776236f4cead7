/* shape - what a value of a request or an answer may be, and the check of a request against it.
 *
 * The tables are made from the service model (api/model.h); the wording of refusals is AWS's. Pure, apart
 * from the memory of the message.
 */
#ifndef KW_API_SHAPE_H
#define KW_API_SHAPE_H

#include "api/value.h"
#include "pool/limits.h"

enum kw_kind {
    KW_KIND_STRING,
    KW_KIND_ENUM,
    KW_KIND_BLOB, /* base64 text; min and max count decoded bytes; its value is never echoed */
    KW_KIND_INTEGER,
    KW_KIND_BOOLEAN,
    KW_KIND_TIMESTAMP, /* seconds since the epoch, a number */
    KW_KIND_STRUCTURE,
    KW_KIND_LIST,
    KW_KIND_MAP,
};

enum { KW_MEMBER_REQUIRED = 1, KW_MEMBER_AUDITED = 2 };

struct kw_shape;

struct kw_member {
    const char *name;
    const struct kw_shape *shape;
    unsigned flags;
};

struct kw_shape {
    const char *name; /* the model's */
    enum kw_kind kind;
    bool sensitive;                        /* its value is never echoed */
    bool has_min, has_max;                 /* is there a limit at all? */
    int64_t min, max;                      /* characters, bytes, items or value */
    const char *pattern;                   /* STRING: as quoted in the refusal; NULL: none */
    bool (*matches)(struct kw_bytes text); /* what the pattern says */
    const char *const *values;             /* ENUM: NULL-terminated */
    const char *const *listed;       /* ENUM: what a refusal names instead of them; NULL: nothing else */
    const struct kw_shape *key;      /* MAP */
    const struct kw_shape *element;  /* LIST, MAP */
    const struct kw_member *members; /* STRUCTURE */
    size_t num_members;
};
#define KW_SHAPE_STRUCTURE(title, table)                                                                     \
    {                                                                                                        \
        .name = (title), .kind = KW_KIND_STRUCTURE, .members = (table), .num_members = KW_ARRAY_LEN(table)   \
    }

enum {
    KW_SHAPE_WRONG_TYPE = 1, /* SerializationException: the JSON has another type than the model */
    KW_SHAPE_INVALID = 2,    /* ValidationException: constraints are not met, all of them counted */
};

/* kw_shape_check() - shape is a structure, input an object; members that a shape does not name are ignored,
 * null counts as absent. Out: message, the text of the refusal (appended, at most KW_SHAPE_MESSAGE_MAX bytes,
 * of at most ten constraints; the last ones are only counted if they are long). Returns: 0 |
 * KW_SHAPE_WRONG_TYPE | KW_SHAPE_INVALID | -ENOMEM */
#define KW_SHAPE_MESSAGE_MAX (24u * 1024u)
KW_MUST_CHECK int kw_shape_check(
    const struct kw_shape *shape, const struct kw_value *input, struct kw_sbuf *message);

/* The member of a structure, or NULL. */
const struct kw_member *kw_shape_member(const struct kw_shape *shape, const char *name);

/* Readers for a checked input, or for a structure within one. Absent: an empty slice with NULL ptr / NULL /
 * the default. */
struct kw_bytes kw_input_string(const struct kw_value *input, const char *name);
int64_t kw_input_integer(const struct kw_value *input, const char *name, int64_t absent);
bool kw_input_true(const struct kw_value *input, const char *name);
bool kw_input_has(const struct kw_value *input, const char *name);
/* Borrowed from input: a structure or a map; a list. */
const struct kw_value *kw_input_object(const struct kw_value *input, const char *name);
const struct kw_value *kw_input_array(const struct kw_value *input, const char *name);
/* The text of an item of a list, or of the value of a map. */
struct kw_bytes kw_input_text(const struct kw_value *value);
/* Milliseconds since the epoch; what a year of four digits cannot say is cut to the nearest that one can. */
int64_t kw_input_time_ms(const struct kw_value *input, const char *name, int64_t absent);
/* Decodes a blob; cap is at least the model's limit. Returns its length; 0 if absent. Secret: out, if the
 * member is (caller wipes). */
size_t kw_input_blob(const struct kw_value *input, const char *name, uint8_t *out, size_t cap);

#endif
