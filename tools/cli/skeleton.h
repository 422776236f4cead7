/* skeleton - what a request or an answer looks like, with values to be replaced. Pure. */
#ifndef KW_TOOLS_CLI_SKELETON_H
#define KW_TOOLS_CLI_SKELETON_H

#include "tools/cli/operation.h"

/* The members of a request, "" and 0 and the first value of an enum in them. NULL: no memory. */
json_t *kw_skeleton_input(const struct kw_cli_operation *operation);
/* Those of an answer, texts being the members' names. */
json_t *kw_skeleton_output(const struct kw_cli_operation *operation);
/* The request's in YAML, with comments. */
void kw_skeleton_yaml(const struct kw_cli_operation *operation, struct kw_sbuf *ret);

#endif
