/* help - what the command line says about itself, man pages and completions, all from the tables. */
#ifndef KW_TOOLS_CLI_HELP_H
#define KW_TOOLS_CLI_HELP_H

#include "tools/cli/operation.h"

#include <stdio.h>

void kw_help_operation(const struct kw_cli_operation *operation);
/* The names of all operations, in columns that fit a terminal. */
void kw_help_operations(FILE *to);

#endif
