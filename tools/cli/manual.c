/* Prints the manual's pages and shells' completions, from the tables; run when keywell is built.
 * Usage: manual keywell.1|keywell-kms.1|bash|zsh|fish */
#include "api/runfile.h"
#include "tools/cli/arguments.h"
#include "tools/commands.h"

#include <stdio.h>

#define COMMAND(name, run, help) {name, help},
static const struct {
    const char *name, *help;
} commands[] = {KW_COMMANDS(COMMAND)};

/* ---- pages, in the man macros ---- */

/* A hyphen that is to be copied is no dash, and a line may not begin with a dot or a quote. */
static void put(const char *text)
{
    for (bool first = true; *text != '\0'; text++, first = false) {
        if (first && (*text == '.' || *text == '\''))
            printf("\\&");
        if (*text == '-')
            printf("\\-");
        else if (*text == '\\')
            printf("\\e");
        else
            putchar(*text);
    }
}

static void line(const char *text)
{
    put(text);
    putchar('\n');
}

static void title(const char *name, const char *what)
{
    printf(".TH %s 1 \"\" \"keywell %s\" \"keywell\"\n.SH NAME\n", name, KW_VERSION);
    put(name);
    printf(" \\- ");
    line(what);
}

static void put_common(const struct kw_common_option *option)
{
    printf(".TP\n.B ");
    printf("\\-\\-");
    put(option->name);
    if (option->value != NULL) {
        printf(" \\fI");
        put(option->value);
        printf("\\fR");
    }
    putchar('\n');
    put(option->help);
    line(".");
}

static void page_keywell(void)
{
    static const char *const variables[][2] = {
        {"AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL", "The endpoint."},
        {"AWS_REGION, AWS_DEFAULT_REGION", "The Region."},
        {"AWS_PROFILE", "The profile in the shared files."},
        {"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "Credentials."},
        {"AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE", "The shared files, if not ~/.aws/credentials and "
                                                         "~/.aws/config."},
        {"AWS_CA_BUNDLE", "Certificates to check the service's against."},
        {"AWS_DEFAULT_OUTPUT", "The form of the output."},
        {"AWS_MAX_ATTEMPTS", "How often a call is tried, 3 if not given."},
    };

    title("keywell", "call a KMS endpoint, and administer keywelld");
    printf(".SH SYNOPSIS\n.B keywell\n.I OPERATION\n[\\fIOPTION\\fR ...]\n.br\n.B keywell\n.I "
           "COMMAND\n[\\fIOPTION\\fR "
           "...]\n.SH DESCRIPTION\n");
    line(
        "Operations are those of the KMS API, with the options of the AWS CLI: keywell-kms(1) has them all.");
    line("Commands administer a server that runs on this machine; each says more with --help.");
    printf(".SH COMMANDS\n");
    for (size_t i = 0; i < KW_ARRAY_LEN(commands); i++) {
        printf(".TP\n.B %s\n", commands[i].name);
        put(commands[i].help);
        line(".");
    }
    printf(".SH OPTIONS OF ALL OPERATIONS\n");
    for (size_t i = 0; i < kw_common_options_num; i++)
        put_common(&kw_common_options[i]);
    printf(".SH ENVIRONMENT\n");
    for (size_t i = 0; i < KW_ARRAY_LEN(variables); i++) {
        printf(".TP\n.B %s\n", variables[i][0]);
        line(variables[i][1]);
    }
    printf(
        ".SH EXIT STATUS\nOf operations: 0; 252 a mistake in the command line; 253 no credentials or no "
        "Region; 254 "
        "refused by the service; 255 anything else. Of commands: 0; 1 it failed; 2 a mistake in the command "
        "line.\n.SH SEE ALSO\nkeywell\\-kms(1), aws(1), keywelld(8)\n");
}

static void put_member(const struct kw_cli_operation *operation, const struct kw_member *member)
{
    const struct kw_shape *shape =
        member->shape->kind == KW_KIND_LIST ? member->shape->element : member->shape;
    char name[KW_COMMAND_MAX];

    if (kw_cli_operation_pages_by(operation, member->name))
        return;
    kw_command_name(member->name, name);
    printf(".TP\n.B \\-\\-");
    put(name);
    if (shape->kind == KW_KIND_BOOLEAN) {
        printf(" | \\-\\-no\\-");
        put(name);
    }
    printf("\n%s", (member->flags & KW_MEMBER_REQUIRED) != 0 ? "Required. " : "");
    put(kw_cli_operation_words(operation, member));
    line(".");
    for (size_t i = 0; shape->kind == KW_KIND_ENUM && shape->values[i] != NULL; i++) {
        printf("%s", i == 0 ? "One of: " : ", ");
        put(shape->values[i]);
    }
    if (shape->kind == KW_KIND_ENUM)
        line(".");
}

static void page_operations(void)
{
    size_t num;
    const struct kw_cli_operation *operations = kw_cli_operations(&num);

    title("keywell-kms", "operations of the KMS API");
    printf(".SH SYNOPSIS\n.B keywell\n.I OPERATION\n[\\fIOPTION\\fR ...]\n.SH DESCRIPTION\n");
    line("Options that all operations have are in keywell(1). A value may be file://FILE or fileb://FILE; "
         "binary values are "
         "base64, fileb://FILE, or - for standard input.");
    printf(".SH OPERATIONS\n");
    for (size_t i = 0; i < num; i++) {
        const struct kw_shape *input = operations[i].model->input;

        printf(".SS ");
        line(operations[i].command);
        put(operations[i].summary);
        line(".");
        for (size_t j = 0; j < input->num_members; j++)
            put_member(&operations[i], &input->members[j]);
    }
    printf(".SH SEE ALSO\nkeywell(1)\n");
}

/* ---- completions ---- */

typedef void (*each_option)(const char *name, const struct kw_shape *shape,
    const struct kw_common_option *common, const char *words, const char *command);

static void options_of(const struct kw_cli_operation *operation, each_option each)
{
    const struct kw_shape *input = operation->model->input;

    for (size_t i = 0; i < input->num_members; i++) {
        const struct kw_member *member = &input->members[i];
        const struct kw_shape *shape =
            member->shape->kind == KW_KIND_LIST ? member->shape->element : member->shape;
        char name[KW_COMMAND_MAX], negative[KW_COMMAND_MAX + 3];

        if (kw_cli_operation_pages_by(operation, member->name))
            continue;
        kw_command_name(member->name, name);
        each(name, shape, NULL, kw_cli_operation_words(operation, member), operation->command);
        snprintf(negative, sizeof(negative), "no-%s", name);
        if (shape->kind == KW_KIND_BOOLEAN)
            each(negative, shape, NULL, "The opposite", operation->command);
    }
    for (size_t i = 0; i < kw_common_options_num; i++) {
        if (kw_common_option_fits(&kw_common_options[i], operation) && !kw_common_options[i].global)
            each(kw_common_options[i].name, NULL, &kw_common_options[i], kw_common_options[i].help,
                operation->command);
    }
}

static void word(const char *name, const struct kw_shape *shape, const struct kw_common_option *common,
    const char *words, const char *command)
{
    (void)shape;
    (void)common;
    (void)words;
    (void)command;
    printf(" --%s", name);
}

/* "op/--option) words" for what takes one of a few values. */
static void values(const char *name, const struct kw_shape *shape, const struct kw_common_option *common,
    const char *words, const char *command)
{
    const char *const *choices = common != NULL                                 ? common->choices
                                 : shape != NULL && shape->kind == KW_KIND_ENUM ? shape->values
                                                                                : NULL;

    (void)words;
    if (choices == NULL)
        return;
    printf("    %s/--%s) echo '", command, name);
    for (size_t i = 0; choices[i] != NULL; i++)
        printf("%s%s", i > 0 ? " " : "", choices[i]);
    printf("' ;;\n");
}

static void put_commands(void)
{
    size_t num;
    const struct kw_cli_operation *operations = kw_cli_operations(&num);

    for (size_t i = 0; i < KW_ARRAY_LEN(commands); i++)
        printf(" %s", commands[i].name);
    for (size_t i = 0; i < num; i++)
        printf(" %s", operations[i].command);
}

/* Functions of a shell's that know the tables: what bash and zsh share. */
static void shell_tables(void)
{
    size_t num;
    const struct kw_cli_operation *operations = kw_cli_operations(&num);

    printf("_keywell_commands() {\n  echo 'help kms");
    put_commands();
    printf("'\n}\n\n_keywell_options() {\n  case $1 in\n");
    for (size_t i = 0; i < num; i++) {
        printf("    %s) echo '", operations[i].command);
        options_of(&operations[i], word);
        printf("' ;;\n");
    }
    printf("  esac\n  echo '");
    for (size_t i = 0; i < kw_common_options_num; i++) {
        if (kw_common_options[i].global)
            printf(" --%s", kw_common_options[i].name);
    }
    printf("'\n}\n\n# $1: the command, a slash and the option.\n_keywell_values() {\n  case $1 in\n");
    for (size_t i = 0; i < num; i++)
        options_of(&operations[i], values);
    for (size_t i = 0; i < kw_common_options_num; i++) {
        if (kw_common_options[i].global)
            values(kw_common_options[i].name, NULL, &kw_common_options[i], "", "*");
    }
    printf("  esac\n}\n\n");
}

static void bash(void)
{
    printf("# bash completion for keywell; made from its tables\n\n");
    shell_tables();
    printf("_keywell() {\n"
           "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} "
           "command=${COMP_WORDS[1]} found\n"
           "  [ \"$command\" = kms ] && [ \"$COMP_CWORD\" -gt 1 ] && command=${COMP_WORDS[2]}\n"
           "  if [ \"$COMP_CWORD\" -eq 1 ] || [ \"$before\" = kms ] || [ \"$before\" = help ]; then\n"
           "    found=$(_keywell_commands)\n"
           "  else\n"
           "    found=$(_keywell_values \"$command/$before\")\n"
           "    [ -n \"$found\" ] || { [ \"${word#-}\" != \"$word\" ] && found=$(_keywell_options "
           "\"$command\"); }\n"
           "  fi\n"
           "  COMPREPLY=($(compgen -W \"$found\" -- \"$word\"))\n"
           "}\n"
           "complete -o default -F _keywell keywell\n");
}

static void zsh(void)
{
    printf("#compdef keywell\n# zsh completion for keywell; made from its tables\n\n");
    shell_tables();
    printf("_keywell() {\n"
           "  local word=${words[CURRENT]} before=${words[CURRENT-1]} command=${words[2]} found\n"
           "  [[ $command == kms && $CURRENT -gt 2 ]] && command=${words[3]}\n"
           "  if [[ $CURRENT -eq 2 || $before == kms || $before == help ]]; then\n"
           "    found=$(_keywell_commands)\n"
           "  else\n"
           "    found=$(_keywell_values \"$command/$before\")\n"
           "    [[ -z $found && $word == -* ]] && found=$(_keywell_options $command)\n"
           "  fi\n"
           "  if [[ -n $found ]]; then compadd -- ${=found}; else _files; fi\n"
           "}\n"
           "_keywell \"$@\"\n");
}

/* A single quote ends a string of fish's unless a backslash is before it. */
static void put_fish(const char *text)
{
    for (; *text != '\0'; text++)
        printf("%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
}

static void fish_option(const char *name, const struct kw_shape *shape, const struct kw_common_option *common,
    const char *words, const char *command)
{
    const char *const *choices = common != NULL                                 ? common->choices
                                 : shape != NULL && shape->kind == KW_KIND_ENUM ? shape->values
                                                                                : NULL;
    bool takes = common != NULL ? common->value != NULL : shape != NULL && shape->kind != KW_KIND_BOOLEAN;

    if (command[0] == '\0')
        printf("complete -c keywell -l %s%s -d '", name, takes ? " -r" : "");
    else
        printf("complete -c keywell -n '__fish_seen_subcommand_from %s' -l %s%s -d '", command, name,
            takes ? " -r" : "");
    put_fish(words);
    printf("'");
    for (size_t i = 0; choices != NULL && choices[i] != NULL; i++)
        printf("%s%s", i == 0 ? " -f -a '" : " ", choices[i]);
    printf("%s\n", choices != NULL ? "'" : "");
}

static void fish(void)
{
    size_t num;
    const struct kw_cli_operation *operations = kw_cli_operations(&num);

    printf("# fish completion for keywell; made from its tables\n\nset -l keywell_commands");
    put_commands();
    printf("\n");
    for (size_t i = 0; i < KW_ARRAY_LEN(commands); i++)
        printf(
            "complete -c keywell -f -n \"not __fish_seen_subcommand_from $keywell_commands\" -a %s -d '%s'\n",
            commands[i].name, commands[i].help);
    for (size_t i = 0; i < num; i++) {
        printf("complete -c keywell -f -n \"not __fish_seen_subcommand_from $keywell_commands\" -a %s -d '",
            operations[i].command);
        put_fish(operations[i].summary);
        printf("'\n");
        options_of(&operations[i], fish_option);
    }
    for (size_t i = 0; i < kw_common_options_num; i++) {
        if (kw_common_options[i].global)
            fish_option(
                kw_common_options[i].name, NULL, &kw_common_options[i], kw_common_options[i].help, "");
    }
}

static const struct {
    const char *name;
    void (*print)(void);
} pages[] = {
    {"keywell.1", page_keywell},
    {"keywell-kms.1", page_operations},
    {"bash", bash},
    {"zsh", zsh},
    {"fish", fish},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < KW_ARRAY_LEN(pages); i++) {
        if (strcmp(pages[i].name, argv[1]) == 0) {
            pages[i].print();
            return fflush(stdout) == 0 ? 0 : 1;
        }
    }
    fprintf(stderr, "Usage: manual keywell.1|keywell-kms.1|bash|zsh|fish\n");
    return 2;
}
