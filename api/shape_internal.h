/* shape_internal - the two passes of kw_shape_check(), and the words of the second. */
#ifndef KW_API_SHAPE_INTERNAL_H
#define KW_API_SHAPE_INTERNAL_H

#include "api/shape.h"

/* No shape of the model nests deeper (the input, a list, its structure, a member); a table that is wrong
 * stops here. */
#define KW_SHAPE_DEPTH_MAX 8u

/* A member that is there: null counts as absent. */
static inline const struct kw_value *kw_shape_value(const struct kw_value *input, const char *name)
{
    const struct kw_value *value = kw_value_get(input, name);

    return kw_value_is(value, KW_VALUE_NULL) ? NULL : value;
}

/* Of a value that a refusal quotes, at most this much: the longest key id is quoted in full. */
#define KW_SHAPE_ECHO_MAX 4096u

/* Where a value is: a member of what is above it, or (name NULL) the item of that index. */
struct kw_shape_path {
    const struct kw_shape_path *above;
    const char *name;
    size_t index;
};

/* The constraints of one value, in the order in which refusals name them. */
enum {
    KW_SHAPE_FAIL_MAX = 1,
    KW_SHAPE_FAIL_MIN = 2,
    KW_SHAPE_FAIL_PATTERN = 4,
    KW_SHAPE_FAIL_ENUM = 8,
    KW_SHAPE_FAIL_END = 16,
};

/* "Member must ..." for one of them. */
void kw_shape_put_constraint(struct kw_sbuf *to, const struct kw_shape *shape, unsigned failure);
/* "Value 'X' at 'path' failed to satisfy constraint: "; value NULL: it is not there. Secret: a value of a
 * blob or of a sensitive shape is left out, and of a sensitive one even that it is not there. */
void kw_shape_put_place(struct kw_sbuf *to, const struct kw_shape_path *path, const struct kw_shape *shape,
    const struct kw_value *value);

/* Is every value of the JSON type that its shape asks for? Returns 0 | KW_SHAPE_WRONG_TYPE | -ENOMEM */
KW_MUST_CHECK int kw_shape_check_types(
    const struct kw_shape *shape, const struct kw_value *value, unsigned depth, struct kw_sbuf *message);
/* Are all constraints met? The types are. Returns 0 | KW_SHAPE_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_shape_check_constraints(
    const struct kw_shape *shape, const struct kw_value *input, struct kw_sbuf *message);

#endif
