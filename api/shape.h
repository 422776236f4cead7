/* shape - what a request's members may be, and the check of a request against it.
 *
 * The tables come from the service model (kms-service-2.json); the wording of refusals is AWS's. Pure, apart
 * from the memory of the message.
 */
#ifndef KW_API_SHAPE_H
#define KW_API_SHAPE_H

#include "api/json.h"
#include "pool/limits.h"

enum kw_member_kind {
    KW_MEMBER_STRING,
    KW_MEMBER_ENUM,
    KW_MEMBER_BLOB, /* base64 text; min and max count decoded bytes; its value is never echoed */
    KW_MEMBER_INTEGER,
    KW_MEMBER_BOOLEAN,
    KW_MEMBER_STRING_MAP,  /* string to string */
    KW_MEMBER_STRING_LIST, /* min and max count characters of each; num_max counts members */
    KW_MEMBER_LIST,        /* of anything */
    KW_MEMBER_STRUCTURE,   /* of anything */
};

enum { KW_MEMBER_REQUIRED = 1, KW_MEMBER_AUDITED = 2 };

struct kw_member {
    const char *name;
    enum kw_member_kind kind;
    unsigned flags;
    int64_t min, max;                      /* characters, bytes or value; max 0: no limits */
    unsigned num_max;                      /* STRING_LIST: members at most */
    const char *const *values;             /* ENUM: NULL-terminated */
    const char *pattern;                   /* STRING: as quoted in the refusal; NULL: none */
    bool (*matches)(struct kw_bytes text); /* what the pattern says */
};

struct kw_shape {
    const struct kw_member *members;
    size_t num_members;
};
#define KW_SHAPE(table)                                                                                      \
    {                                                                                                        \
        (table), KW_ARRAY_LEN(table)                                                                         \
    }

enum {
    KW_SHAPE_WRONG_TYPE = 1, /* SerializationException: the JSON has another type than the model */
    KW_SHAPE_INVALID = 2,    /* ValidationException: constraints are not met, all of them listed */
};

/* kw_shape_check() - input is an object; members that the shape does not name are ignored, null counts as
 * absent. Out: message, the text of the refusal (appended). Returns: 0 | KW_SHAPE_WRONG_TYPE |
 * KW_SHAPE_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_shape_check(const struct kw_shape *shape, const json_t *input, struct kw_sbuf *message);

/* Readers for a checked input. Absent: an empty slice with NULL ptr / the default. */
struct kw_bytes kw_input_string(const json_t *input, const char *name);
int64_t kw_input_integer(const json_t *input, const char *name, int64_t absent);
bool kw_input_true(const json_t *input, const char *name);
bool kw_input_has(const json_t *input, const char *name);

#endif
