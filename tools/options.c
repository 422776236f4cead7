#include "tools/options.h"

#include "tools/settingsfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* Out: ret, allocated, with room for a NUL; ret_len. Returns: NULL | what is wrong */
static const char *read_file(const char *path, char **ret, size_t *ret_len)
{
    size_t cap = KW_SETTINGS_BYTES_MAX + 1, len = 0;
    char *text = malloc(cap);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || text == NULL ? -1 : 1;
    const char *problem = n < 0 ? strerror(errno) : NULL;

    while (problem == NULL && n > 0 && len < cap) {
        n = read(fd, text + len, cap - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n < 0)
            problem = strerror(errno);
        else
            len += (size_t)n;
    }
    if (fd >= 0)
        (void)close(fd);
    if (problem == NULL && len > KW_SETTINGS_BYTES_MAX)
        problem = "is longer than 65536 bytes";
    if (problem != NULL) {
        free(text);
        return problem;
    }
    *ret = text;
    *ret_len = len;
    return NULL;
}

/* setting: its value is a string. Returns: NULL | what is wrong */
static const char *apply(
    const struct kw_option *options, size_t num_options, const struct kw_setting *setting, void *to)
{
    const char *value = (const char *)setting->value.ptr;
    const struct kw_option *option = NULL;

    for (size_t i = 0; i < num_options && option == NULL; i++) {
        if (kw_bytes_equal(setting->name, kw_bytes_str(options[i].name + strlen("--"))))
            option = &options[i];
    }
    if (option == NULL)
        return "is no setting";
    if (option->argument != NULL)
        return option->set(to, value);
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return "must be yes or no";
    return value[0] == 'y' ? option->set(to, NULL) : NULL;
}

int kw_options_load(const char *program, const struct kw_option *options, size_t num_options,
    const char *path, void *to, char **ret_text)
{
    struct kw_settings_walk walk = {.line = 0};
    struct kw_setting setting;
    char *text = NULL;
    size_t len = 0;
    const char *problem = read_file(path, &text, &len);
    int r = 0;

    if (problem != NULL) {
        fprintf(stderr, "%s: %s: %s\n", program, path, problem);
        return 1;
    }
    walk.rest = KW_BYTES(text, len);
    while (problem == NULL && (r = kw_settings_next(&walk, &setting, &problem)) == 0) {
        /* The byte after a value is a blank, an end of line or the one that was left room for. */
        text[(size_t)(setting.value.ptr - (uint8_t *)text) + setting.value.len] = '\0';
        problem = apply(options, num_options, &setting, to);
    }
    if (r == KW_SETTINGS_END) {
        *ret_text = text;
        return 0;
    }
    if (r == KW_SETTINGS_MALFORMED)
        fprintf(stderr, "%s: %s:%u: the line %s\n", program, path, walk.line, problem);
    else
        fprintf(stderr, "%s: %s:%u: %.*s = %s: %s\n", program, path, walk.line, (int)setting.name.len,
            (const char *)setting.name.ptr, (const char *)setting.value.ptr, problem);
    free(text);
    return 1;
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
