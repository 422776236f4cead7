/* keywell - the command line. */
#include "api/runfile.h"
#include "tools/cli/command.h"
#include "tools/cli/help.h"
#include "tools/commands.h"

#include <stdio.h>
#include <string.h>

#define COMMAND(name, run, help) {name, help, run},
static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {KW_COMMANDS(COMMAND)};

static void help(FILE *to)
{
    fprintf(to, "Usage: keywell COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\nOperations of the service, with the options of the AWS CLI ('keywell kms OPERATION' does "
                "as well):\n");
    kw_help_operations(to);
    fprintf(to, "\n'keywell help COMMAND' says more. 'keywell --version' tells the version.\n");
}

/* Returns the exit status; -1: there is no such command. */
static int run(int argc, char **argv)
{
    const struct kw_cli_operation *operation;

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc, argv);
    }
    if (argc > 1 && strcmp(argv[0], "kms") == 0) {
        argc--;
        argv++;
    }
    operation = kw_cli_operation_find(argv[0]);
    return operation != NULL ? kw_cli_run(operation, argc - 1, argv + 1) : -1;
}

int main(int argc, char **argv)
{
    bool asks_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
    char option[] = "--help", *about[] = {argc > 2 ? argv[2] : NULL, option, NULL};
    int r;

    if (argc < 2) {
        help(stderr);
        return 2;
    }
    if (asks_help && argc == 2) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("keywell %s\n", KW_VERSION);
        return 0;
    }
    r = asks_help ? run(2, about) : run(argc - 1, argv + 1);
    if (r >= 0)
        return r;
    fprintf(stderr, "keywell: %s is not a command\nTry 'keywell --help'.\n", argv[asks_help ? 2 : 1]);
    return 2;
}
