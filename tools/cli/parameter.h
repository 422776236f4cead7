/* parameter - what was given for an option as the value of a member of a request.
 *
 * Text, file://FILE, fileb://FILE, "-" for standard input (of blobs; of others file://-), shorthand or JSON
 * for structures, maps and lists of them; several words for lists of scalars.
 */
#ifndef KW_TOOLS_CLI_PARAMETER_H
#define KW_TOOLS_CLI_PARAMETER_H

#include "tools/cli/arguments.h"

#include <jansson.h>

#define KW_PARAMETER_FILE_MAX (16u * 1024u * 1024u)

/* kw_parameter_file() - the content of the file that a value names. Out: ret, if it names one; secret.
 * ret_bytes: whether it was fileb://. Returns: 0 | 1 (trouble says) | 2 (it names no file) */
KW_MUST_CHECK int kw_parameter_file(
    const char *value, struct kw_sbuf *ret, bool *ret_bytes, struct kw_trouble *trouble);

/* kw_parameter() - In: argument, given. Out: ret, owned by the caller. Blobs are not settled yet
 * (tools/cli/blob.h). Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_parameter(const struct kw_member *member, const struct kw_argument *argument,
    json_t **ret, struct kw_trouble *trouble);

#endif
