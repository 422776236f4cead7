/* keywell plan apply - a plan's settings into the file that keywelld reads by --config. */
#include "engine/cpu.h"
#include "engine/topology.h"
#include "pool/limits.h"
#include "pool/onempty.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/settingsfile.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME      "keywell plan apply"
#define LINES_MAX (KW_SPEC_NUM + 6u)

struct settings {
    const char *config;
    struct kw_cpus cpus; /* num 0: not given */
    bool force;
};

static const char *set_config(void *to, const char *value)
{
    ((struct settings *)to)->config = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_cpus(void *to, const char *value)
{
    struct settings *settings = to;

    return kw_cpus_parse(kw_bytes_str(value), &settings->cpus) == 0 && settings->cpus.num > 0
               ? NULL
               : "must be a list of cores, such as 0-3,6";
}

static const char *set_force(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->force = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--config", "FILE", "keywelld's settings; made if it is not there (required)", set_config},
    {"--cpus", "LIST", "the cores for the workers (default: the first that this process may use)", set_cpus},
    {"--force", NULL, "also a plan for another machine, or one that does not hold its objective", set_force},
};

static void help(void)
{
    printf("Usage: " NAME " PLAN.json --config FILE [OPTION ...]\n\n"
           "Writes the settings of a plan ('keywell plan --json PLAN.json') into the file that keywelld "
           "reads by "
           "--config:\ncpus, cpu-share, pool, on-empty. Other lines stay as they are. The file is replaced "
           "whole or "
           "not at all.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
}

static int complain(const char *about, const char *why)
{
    fprintf(stderr, NAME ": %s: %s\n", about, why);
    return 1;
}

/* ---- the plan ---- */

/* Lines to write, and the text behind their values. */
struct lines {
    struct kw_setting line[LINES_MAX];
    size_t num;
    char text[LINES_MAX][1100];
};

KW_PRINTF(3, 4)
static void add(struct lines *lines, const char *name, const char *format, ...)
{
    va_list arguments;
    char *text = lines->text[lines->num];

    va_start(arguments, format);
    vsnprintf(text, sizeof(lines->text[0]), format, arguments);
    va_end(arguments);
    lines->line[lines->num++] = (struct kw_setting){kw_bytes_str(name), kw_bytes_str(text)};
}

static int check_machine(const json_t *plan, const char *path)
{
    const json_t *profile = json_object_get(plan, "profile");
    const char *cpu = json_string_value(json_object_get(profile, "cpu")),
               *made = json_string_value(json_object_get(profile, "path"));
    enum kw_cpu_path here;
    char model[64], why[300];

    kw_cpu_model(model);
    if (cpu != NULL && made != NULL && strcmp(cpu, model) == 0 &&
        kw_cpu_choose(getenv("KEYWELL_CPU"), &here) == 0 && strcmp(made, kw_cpu_path_name(here)) == 0)
        return 0;
    snprintf(why, sizeof(why), "the plan is for another machine (%.70s, path %.20s); --force applies it here",
        cpu != NULL ? cpu : "unknown CPU", made != NULL ? made : "unknown");
    return complain(path, why);
}

static int check_plan(const json_t *plan, const char *path, bool force)
{
    const char *format = json_string_value(json_object_get(plan, "format")),
               *verdict = json_string_value(json_object_get(plan, "verdict"));

    if (format == NULL || strcmp(format, "keywell-plan-1") != 0 || verdict == NULL)
        return complain(path, "it is not what 'keywell plan --json' writes");
    if (force)
        return 0;
    if (strcmp(verdict, "holds") != 0)
        return complain(path, "the plan does not hold its objective; --force applies it all the same");
    return check_machine(plan, path);
}

static int add_cpus(const struct settings *settings, unsigned cores, struct lines *lines, const char *path)
{
    struct kw_cpus cpus = settings->cpus;
    char text[1024] = "", why[200];
    size_t len = 0;
    int r = cpus.num == 0 ? kw_cpus_allowed(&cpus) : 0;

    if (r < 0)
        return complain("cores", strerror(-r));
    if (cpus.num < cores || (settings->cpus.num > 0 && cpus.num != cores)) {
        snprintf(why, sizeof(why), "the plan is for %u cores, and %s %u: plan with --cores-max %u", cores,
            settings->cpus.num > 0 ? "--cpus names" : "this process may use", cpus.num, cpus.num);
        return complain(path, why);
    }
    for (unsigned i = 0; i < cores && len < sizeof(text); i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u", i > 0 ? "," : "", cpus.cpu[i]);
    if (len >= sizeof(text))
        return complain(path, "the list of cores is too long for a line");
    add(lines, "cpus", "%s", text);
    return 0;
}

static int add_pools(json_t *pools, struct lines *lines, const char *path)
{
    const char *name;
    json_t *value;
    enum kw_spec spec;

    json_object_foreach(pools, name, value)
    {
        json_int_t depth = json_integer_value(value);

        if (kw_spec_parse(kw_bytes_str(name), &spec) != 0 || !json_is_integer(value) || depth < 0 ||
            depth > KW_POOL_CAPACITY_MAX)
            return complain(path, "a pool of its settings is malformed");
        add(lines, "pool", "%s=%lld", kw_spec_info(spec)->name, (long long)depth);
    }
    return 0;
}

/* "wait,RSA_4096=reject": wait is what those that are not named have. */
static int add_on_empty(json_t *on_empty, struct lines *lines, const char *path)
{
    char text[400] = "wait";
    size_t len = strlen(text);
    const char *name;
    json_t *value;
    enum kw_spec spec;
    enum kw_on_empty parsed[KW_SPEC_NUM];

    json_object_foreach(on_empty, name, value)
    {
        const char *policy = json_string_value(value);

        if (kw_spec_parse(kw_bytes_str(name), &spec) != 0 || policy == NULL ||
            kw_on_empty_parse_list(kw_bytes_str(policy), parsed) != 0 || strchr(policy, '=') != NULL)
            return complain(path, "on_empty of its settings is malformed");
        if (strcmp(policy, "wait") != 0 && len < sizeof(text))
            len +=
                (size_t)snprintf(text + len, sizeof(text) - len, ",%s=%s", kw_spec_info(spec)->name, policy);
    }
    add(lines, "on-empty", "%s", text);
    return 0;
}

static int add_number(
    const json_t *from, const char *member, const char *name, json_int_t most, struct lines *lines)
{
    const json_t *value = json_object_get(from, member);

    if (value == NULL)
        return 0;
    KW_REQUIRE(
        json_is_integer(value) && json_integer_value(value) >= 1 && json_integer_value(value) <= most, 1);
    add(lines, name, "%lld", (long long)json_integer_value(value));
    return 0;
}

/* Returns: 0 | 1 (said why) */
static int collect(json_t *plan, const struct settings *settings, const char *path, struct lines *ret)
{
    json_t *from = json_object_get(plan, "settings");
    json_int_t cores = json_integer_value(json_object_get(from, "cores"));
    double share = json_number_value(json_object_get(from, "cpu_share"));

    if (cores < 1 || cores > KW_WORKERS_MAX || !(share >= 0.01 && share <= 1))
        return complain(path, "cores or cpu_share of its settings is missing or malformed");
    KW_REQUIRE(add_cpus(settings, (unsigned)cores, ret, path) == 0, 1);
    add(ret, "cpu-share", "%.0f", round(share * 100));
    if (json_object_size(json_object_get(from, "pools")) == 0 ||
        json_object_size(json_object_get(from, "pools")) > KW_SPEC_NUM)
        return complain(path, "its settings have no pools");
    KW_REQUIRE(add_pools(json_object_get(from, "pools"), ret, path) == 0, 1);
    KW_REQUIRE(add_on_empty(json_object_get(from, "on_empty"), ret, path) == 0, 1);
    if (add_number(from, "pool_wait_ms", "pool-wait-ms", 60000, ret) != 0 ||
        add_number(from, "generate_max", "generate-max", KW_ONDEMAND_MAX, ret) != 0)
        return complain(path, "pool_wait_ms or generate_max of its settings is malformed");
    return 0;
}

/* ---- the file ---- */

/* Out: ret_text of ret_len bytes, allocated; empty if there is no such file. Returns: 0 | 1 (said why) */
static int read_config(const char *path, char **ret_text, size_t *ret_len, mode_t *ret_mode)
{
    FILE *file = fopen(path, "re");
    char *text = malloc(KW_SETTINGS_BYTES_MAX + 1);
    struct stat about;
    size_t len = 0;
    int r = 0;

    *ret_mode = 0644;
    if (text == NULL)
        r = complain(path, strerror(ENOMEM));
    else if (file == NULL && errno != ENOENT)
        r = complain(path, strerror(errno));
    if (r == 0 && file != NULL) {
        len = fread(text, 1, KW_SETTINGS_BYTES_MAX + 1, file);
        if (ferror(file) || fstat(fileno(file), &about) < 0)
            r = complain(path, "it cannot be read");
        else if (len > KW_SETTINGS_BYTES_MAX)
            r = complain(path, "is longer than 65536 bytes");
        else
            *ret_mode = about.st_mode & 07777;
    }
    if (file != NULL)
        fclose(file);
    if (r != 0) {
        free(text);
        return r;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

static int check_lines(const char *path, struct kw_bytes text)
{
    struct kw_settings_walk walk = {.rest = text};
    struct kw_setting setting;
    const char *problem = NULL;
    char why[200];
    int r;

    do
        r = kw_settings_next(&walk, &setting, &problem);
    while (r == 0);
    if (r == KW_SETTINGS_END)
        return 0;
    snprintf(why, sizeof(why), "line %u %s", walk.line, problem);
    return complain(path, why);
}

/* Returns false with errno set. */
static bool write_beside(const char *path, struct kw_bytes text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "we") : NULL;
    bool good;

    if (file == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    good = fwrite(text.ptr, 1, text.len, file) == text.len && fflush(file) == 0 && fchmod(fd, mode) == 0 &&
           fsync(fd) == 0;
    return fclose(file) == 0 && good;
}

static int replace(const char *path, struct kw_bytes text, mode_t mode)
{
    char beside[4096];

    if ((size_t)snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid()) >= sizeof(beside))
        return complain(path, strerror(ENAMETOOLONG));
    if (write_beside(beside, text, mode) && rename(beside, path) == 0)
        return 0;
    complain(path, strerror(errno));
    (void)unlink(beside);
    return 1;
}

static int apply(const char *path, const struct lines *lines)
{
    size_t len, cap = 2 * KW_SETTINGS_BYTES_MAX;
    char *text, *out = malloc(cap);
    struct kw_buf buf = KW_BUF(out, cap);
    mode_t mode;
    int r;

    if (out == NULL)
        return complain(path, strerror(ENOMEM));
    r = read_config(path, &text, &len, &mode);
    if (r == 0) {
        r = check_lines(path, KW_BYTES(text, len));
        if (r == 0) {
            kw_settings_replace(KW_BYTES(text, len), lines->line, lines->num, &buf);
            r = kw_buf_ok(&buf) && buf.len <= KW_SETTINGS_BYTES_MAX ? replace(path, kw_buf_bytes(&buf), mode)
                                                                    : complain(path, "it would be too long");
        }
        free(text);
    }
    free(out);
    if (r != 0)
        return r;
    for (size_t i = 0; i < lines->num; i++)
        printf("%.*s = %s\n", (int)lines->line[i].name.len, (const char *)lines->line[i].name.ptr,
            lines->text[i]);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 1;
}

int kw_command_plan_apply(int argc, char **argv)
{
    static struct lines lines;
    struct settings settings = {.config = NULL};
    json_error_t error;
    json_t *plan;
    int rest, r;

    /* The plan may come before the options. */
    bool first = argc > 1 && argv[1][0] != '-';
    const char *path = first ? argv[1] : NULL;

    r = kw_options_parse(NAME, options, KW_ARRAY_LEN(options), argc - first, argv + first, &settings, &rest);
    if (r == 2) {
        help();
        return 0;
    }
    if (r == 0 && !first && rest + 1 == argc)
        path = argv[rest++];
    if (r == 0 && (path == NULL || rest < argc - first || settings.config == NULL))
        fprintf(stderr, NAME ": give a plan and --config FILE\nTry '" NAME " --help'.\n");
    if (r != 0 || path == NULL || rest < argc - first || settings.config == NULL)
        return 2;
    plan = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (plan == NULL)
        return complain(path, error.text);
    r = check_plan(plan, path, settings.force);
    if (r == 0)
        r = collect(plan, &settings, path, &lines);
    json_decref(plan);
    return r == 0 ? apply(settings.config, &lines) : r;
}
