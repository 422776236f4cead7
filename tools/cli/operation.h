/* operation - the operations of the service as commands: names of commands and options, which lists come in
 * pages, and what help says.
 *
 * Members, types and what is required come from the service model (api/model.h); this adds names by the rules
 * of the AWS CLI and words of our own. Constant after kw_cli_operations().
 */
#ifndef KW_TOOLS_CLI_OPERATION_H
#define KW_TOOLS_CLI_OPERATION_H

#include "api/model.h"

#define KW_COMMAND_MAX 64u /* of a command's or an option's name, its NUL included */

struct kw_cli_operation {
    const struct kw_model_operation *model;
    char command[KW_COMMAND_MAX]; /* "generate-data-key-pair" */
    const char *result_key;       /* the list that comes in pages, "Keys"; NULL: none does */
    const char *summary;          /* a sentence without a full stop */
};

/* kw_command_name() - "XksProxyUriPath" to "xks-proxy-uri-path", as the AWS CLI names things. */
void kw_command_name(const char *name, char ret[KW_COMMAND_MAX]);

/* All operations, sorted by the model's names. */
const struct kw_cli_operation *kw_cli_operations(size_t *ret_num);
/* By the command's name, or NULL. */
const struct kw_cli_operation *kw_cli_operation_find(const char *command);

/* Members that the options --max-items, --page-size and --starting-token stand for. They are taken, and turn
 * pages off. */
KW_MUST_CHECK bool kw_cli_operation_pages_by(const struct kw_cli_operation *operation, const char *member);

/* What a member means: a sentence without a full stop, or "" if its name says it all. */
const char *kw_cli_operation_words(const struct kw_cli_operation *operation, const struct kw_member *member);
/* Of a member that a structure within a request has. */
const char *kw_member_words(const char *member);

/* The first value of an enum as the service model lists them (our tables may have another order). */
const char *kw_enum_first(const struct kw_shape *shape);

#endif
