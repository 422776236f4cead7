#include "tools/options.h"

#include <stdio.h>
#include <stdlib.h>

int kw_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    unsigned long long value;
    char *end;

    KW_REQUIRE(*text >= '0' && *text <= '9', 1);
    errno = 0;
    value = strtoull(text, &end, 10);
    KW_REQUIRE(*end == '\0' && errno == 0 && value >= min && value <= max, 1);
    *ret = value;
    return 0;
}

static const struct kw_option *find(
    const struct kw_option *options, size_t num_options, const char *text, size_t len)
{
    for (size_t i = 0; i < num_options; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, text, len) == 0)
            return &options[i];
    }
    return NULL;
}

static int complain(const char *program, const char *option, const char *problem)
{
    fprintf(stderr, "%s: %s %s\nTry '%s --help'.\n", program, option, problem, program);
    return 1;
}

int kw_options_parse(const char *program, const struct kw_option *options, size_t num_options, int argc,
    char **argv, void *to, int *ret_rest)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *equals = strchr(argv[i], '='), *value = NULL, *problem;
        size_t len = equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        const struct kw_option *option;

        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--help") == 0)
            return 2;
        option = find(options, num_options, argv[i], len);
        if (option == NULL)
            return complain(program, argv[i], "is not an option");
        if (option->argument == NULL && equals != NULL)
            return complain(program, option->name, "takes no value");
        if (option->argument != NULL)
            value = equals != NULL ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (option->argument != NULL && value == NULL)
            return complain(program, option->name, "needs a value");
        problem = option->set(to, value);
        if (problem != NULL) {
            fprintf(
                stderr, "%s: %s %s: %s\nTry '%s --help'.\n", program, option->name, value, problem, program);
            return 1;
        }
    }
    *ret_rest = i;
    return 0;
}

void kw_options_help(const struct kw_option *options, size_t num_options)
{
    for (size_t i = 0; i < num_options; i++) {
        char left[64];

        snprintf(
            left, sizeof(left), "%s %s", options[i].name, options[i].argument ? options[i].argument : "");
        printf("  %-28s %s\n", left, options[i].help);
    }
    printf("  %-28s %s\n", "--help", "this text");
}
