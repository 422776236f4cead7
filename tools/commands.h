/* commands - the subcommands of `keywell`. Each gets the arguments from its own name on and returns the exit
 * status. */
#ifndef KW_TOOLS_COMMANDS_H
#define KW_TOOLS_COMMANDS_H

int kw_command_pool(int argc, char **argv);
int kw_command_audit(int argc, char **argv);
int kw_command_principal(int argc, char **argv);
int kw_command_policy(int argc, char **argv);

#endif
