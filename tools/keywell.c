/* keywell - the command line. */
#include "api/runfile.h"
#include "tools/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"pool", "levels and rates of a server's pools, live on a terminal", kw_command_pool},
    {"audit", "check an audit log: keywell audit verify DIR", kw_command_audit},
    {"principal", "users, roles, roots and their access keys", kw_command_principal},
    {"policy", "which statement or grant decides a request", kw_command_policy},
};

static void help(FILE *to)
{
    fprintf(to, "Usage: keywell COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\n'keywell COMMAND --help' says more. 'keywell --version' tells the version.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("keywell %s\n", KW_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "keywell: %s is not a command\nTry 'keywell --help'.\n", argv[1]);
    return 2;
}
