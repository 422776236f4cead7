/* command - one operation of the service as a command line, from its words to its exit status. */
#ifndef KW_TOOLS_CLI_COMMAND_H
#define KW_TOOLS_CLI_COMMAND_H

#include "tools/cli/operation.h"

/* kw_cli_run() - In: argc, argv: what follows the operation's name. Returns the exit status. */
int kw_cli_run(const struct kw_cli_operation *operation, int argc, char **argv);

#endif
