/* answer - a service's answer as it is printed: the members that the model knows, in its order, moments as
 * dates. */
#ifndef KW_TOOLS_CLI_ANSWER_H
#define KW_TOOLS_CLI_ANSWER_H

#include "api/shape.h"

/* kw_answer_shape() - In: shape, or NULL for an empty answer; wire_time: moments stay numbers. Returns an
 * object that the caller owns, or NULL: no memory. */
json_t *kw_answer_shape(const struct kw_shape *shape, const json_t *value, bool wire_time);

/* Seconds since the epoch in ISO 8601, in the local zone: "2026-01-31T12:00:00.250000+01:00". */
#define KW_MOMENT_MAX 48u
void kw_moment_format(double seconds, char ret[KW_MOMENT_MAX]);

#endif
