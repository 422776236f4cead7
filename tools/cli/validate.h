/* validate - looks over the members of a request before it is sent, in the words of the AWS CLI.
 *
 * Missing and unknown members, types, least lengths and values: what the AWS CLI 2 checks. All other limits
 * are left to the service. Pure.
 */
#ifndef KW_TOOLS_CLI_VALIDATE_H
#define KW_TOOLS_CLI_VALIDATE_H

#include "api/shape.h"
#include "tools/cli/trouble.h"

/* kw_validate() - In: shape, a structure. Secret: values of blobs and of sensitive shapes are not quoted.
 * Returns: 0 | 1 (trouble lists all that is wrong) */
KW_MUST_CHECK int kw_validate(const struct kw_shape *shape, const json_t *value, struct kw_trouble *trouble);

/* What Python calls its type: "<class 'list'>". */
const char *kw_type_name(const json_t *value);

/* kw_timestamps_settle() - makes every timestamp in a valid value the number of seconds that is sent. */
void kw_timestamps_settle(const struct kw_shape *shape, json_t *value);
/* A moment as a number, digits, or a date with or without a time in ISO 8601 ("2026-01-31T12:00:00+01:00");
 * without a zone it is UTC. Returns: 0 | 1 (malformed) */
KW_MUST_CHECK int kw_timestamp_parse(const json_t *value, int64_t *ret_s);

#endif
