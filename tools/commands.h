/* commands - the subcommands of `keywell` that administer a server. Each gets the arguments from its own name
 * on and returns the exit status. */
#ifndef KW_TOOLS_COMMANDS_H
#define KW_TOOLS_COMMANDS_H

int kw_command_pool(int argc, char **argv);
int kw_command_audit(int argc, char **argv);
int kw_command_doctor(int argc, char **argv);
int kw_command_import_seed(int argc, char **argv);
int kw_command_init(int argc, char **argv);
int kw_command_plan(int argc, char **argv);
int kw_command_principal(int argc, char **argv);
int kw_command_policy(int argc, char **argv);
/* Commands of kw_command_plan(). */
int kw_command_plan_profile(int argc, char **argv);
int kw_command_plan_apply(int argc, char **argv);

/* The one list of them: name, function, what help says. */
/* clang-format off */
#define KW_COMMANDS(each)                                                                                    \
    each("audit", kw_command_audit, "check an audit log: keywell audit verify DIR")                          \
    each("doctor", kw_command_doctor, "is this machine good for keywelld, and what to do about it")          \
    each("import-seed", kw_command_import_seed, "keys, aliases and principals from a YAML file, for test beds") \
    each("init", kw_command_init, "make a data folder, ready for a first start")                             \
    each("plan", kw_command_plan, "how many cores, and how deep pools, hold a demand")                       \
    each("policy", kw_command_policy, "which statement or grant decides a request")                          \
    each("pool", kw_command_pool, "levels and rates of a server's pools, live on a terminal")                \
    each("principal", kw_command_principal, "users, roles, roots and their access keys")
/* clang-format on */

#endif
