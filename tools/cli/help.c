#include "tools/cli/help.h"

#include "tools/cli/arguments.h"

#include <ctype.h>

/* What an option's value is called. */
static const char *value_of(const struct kw_shape *shape)
{
    switch (shape->kind) {
    case KW_KIND_BLOB:
        return "BLOB";
    case KW_KIND_INTEGER:
        return "N";
    case KW_KIND_TIMESTAMP:
        return "TIME";
    case KW_KIND_STRUCTURE:
        return "STRUCTURE";
    case KW_KIND_LIST:
        return "LIST";
    case KW_KIND_MAP:
        return "MAP";
    default:
        return "TEXT";
    }
}

static void print_wrapped(const char *text, unsigned indent)
{
    unsigned column = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > 0 && column + 1 + len > 100 - indent) {
            printf("\n");
            column = 0;
        }
        printf("%*s%.*s", column == 0 ? (int)indent : 1, "", (int)len, text);
        column += (unsigned)len + (column > 0);
        text += len + (text[len] == ' ');
    }
    printf("\n");
}

/* Shorthand for a shape: "KeyName=TEXT,..." */
static void print_shorthand(const struct kw_shape *shape)
{
    if (shape->kind == KW_KIND_MAP) {
        printf("NAME=%s,NAME=%s", value_of(shape->element), value_of(shape->element));
    } else if (shape->kind == KW_KIND_STRUCTURE) {
        for (size_t i = 0; i < shape->num_members; i++) {
            const struct kw_shape *inner = shape->members[i].shape;
            bool deep = inner->kind == KW_KIND_MAP || inner->kind == KW_KIND_STRUCTURE;

            printf("%s%s=%s", i > 0 ? "," : "", shape->members[i].name, deep ? "{" : "");
            if (deep)
                print_shorthand(inner);
            else
                printf("%s", value_of(inner));
            printf("%s", deep ? "}" : "");
        }
    } else {
        printf("%s", value_of(shape));
    }
}

static void print_values(const struct kw_shape *shape)
{
    char text[2048] = "One of: ";

    for (size_t i = 0; shape->values[i] != NULL; i++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? ", " : "", shape->values[i]);
    }
    print_wrapped(text, 8);
}

static void print_member(const struct kw_cli_operation *operation, const struct kw_member *member)
{
    const struct kw_shape *shape = member->shape,
                          *element = shape->kind == KW_KIND_LIST ? shape->element : shape;
    const char *words = kw_cli_operation_words(operation, member);
    char name[KW_COMMAND_MAX];

    if (kw_cli_operation_pages_by(operation, member->name))
        return;
    kw_command_name(member->name, name);
    if (shape->kind == KW_KIND_BOOLEAN)
        printf("  --%s | --no-%s\n", name, name);
    else
        printf("  --%s %s%s\n", name, value_of(element), shape->kind == KW_KIND_LIST ? " ..." : "");
    if ((member->flags & KW_MEMBER_REQUIRED) != 0)
        printf("        Required.%s", words[0] != '\0' ? " " : "\n");
    if (words[0] != '\0' && (member->flags & KW_MEMBER_REQUIRED) != 0)
        printf("%s.\n", words);
    else if (words[0] != '\0')
        printf("        %s.\n", words);
    if (element->kind == KW_KIND_ENUM)
        print_values(element);
    if (element->kind == KW_KIND_MAP || element->kind == KW_KIND_STRUCTURE) {
        printf("        Shorthand: ");
        print_shorthand(element);
        printf("; or JSON\n");
    }
}

static void print_common(const struct kw_cli_operation *operation, bool global)
{
    for (size_t i = 0; i < kw_common_options_num; i++) {
        const struct kw_common_option *option = &kw_common_options[i];

        if (option->global != global || !kw_common_option_fits(option, operation))
            continue;
        printf("  --%s%s%s%s\n", option->name,
            option->optional        ? " ["
            : option->value != NULL ? " "
                                    : "",
            option->value != NULL ? option->value : "", option->optional ? "]" : "");
        print_wrapped(option->help, 8);
    }
}

void kw_help_operation(const struct kw_cli_operation *operation)
{
    const struct kw_shape *input = operation->model->input;

    printf("Usage: keywell %s [OPTION ...]\n\n", operation->command);
    print_wrapped(operation->summary, 0);
    printf("\nOptions of the request (%s):\n", operation->model->name);
    for (size_t i = 0; i < input->num_members; i++)
        print_member(operation, &input->members[i]);
    printf("\nOptions of the command:\n");
    print_common(operation, false);
    printf("\nOptions of all commands:\n");
    print_common(operation, true);
    printf(
        "\nA value may be file://FILE or fileb://FILE; a BLOB is base64, fileb://FILE, or - for standard "
        "input.\n"
        "Exit status: 0; 252 a mistake in the command line; 253 no Region or credentials; 254 refused by the "
        "service; 255 others.\n");
}

void kw_help_operations(FILE *to)
{
    size_t num, rows;
    const struct kw_cli_operation *operations = kw_cli_operations(&num);

    rows = (num + 1) / 2;
    for (size_t i = 0; i < rows; i++)
        fprintf(to, "  %-42s%s%s\n", operations[i].command, i + rows < num ? "  " : "",
            i + rows < num ? operations[i + rows].command : "");
}
