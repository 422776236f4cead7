/* keywell plan profile - how long pairs take on this machine, measured. */
#include "engine/crypto.h"
#include "engine/selftest.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/plan/measure.h"
#include "tools/plan/profile.h"
#include "tools/plan/quantity.h"
#include "tools/plansettings.h"
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME "keywell plan profile"

struct settings {
    const char *out;
    struct kw_plan_measure_options measure;
    struct kw_cpus cpus;
    bool some, quiet, json;
};

static const char *set_out(void *to, const char *value)
{
    ((struct settings *)to)->out = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_specs(void *to, const char *value)
{
    struct settings *settings = to;
    struct kw_bytes text = kw_bytes_str(value);

    settings->some = true;
    while (text.len > 0) {
        ssize_t comma = kw_bytes_find(text, ',');
        size_t len = comma >= 0 ? (size_t)comma : text.len, used = comma >= 0 ? len + 1 : len;
        enum kw_spec spec;

        if (kw_spec_parse(KW_BYTES(text.ptr, len), &spec) != 0)
            return "must be specs with commas between, such as RSA_2048,ECC_NIST_P256";
        settings->measure.wanted[spec] = true;
        text = KW_BYTES(text.ptr + used, text.len - used);
    }
    return NULL;
}

static const char *set_seconds(void *to, const char *value)
{
    double *seconds = &((struct settings *)to)->measure.seconds;

    return kw_quantity_time(kw_bytes_str(value), seconds) == 0 && *seconds >= 0.05 && *seconds <= 3600
               ? NULL
               : "must be a time from 50ms to 1h";
}

static const char *set_cpus(void *to, const char *value)
{
    struct settings *settings = to;
    struct kw_cpus wanted;

    if (kw_cpus_parse(kw_bytes_str(value), &wanted) != 0 || wanted.num == 0)
        return "must be a list of cores, such as 0-3,6";
    if (!kw_cpus_within(&wanted, &settings->cpus))
        return "names a core that this process may not use";
    settings->cpus = wanted;
    return NULL;
}

static const char *set_quiet(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->quiet = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--out", "FILE", "where to write it (default " KW_PLAN_PROFILE_FILE ")", set_out},
    {"--specs", "LIST", "what to measure (default: all)", set_specs},
    {"--seconds", "TIME", "for each spec on one core, and again on all (default 5s)", set_seconds},
    {"--cpus", "LIST", "cores (default: all that this process may use)", set_cpus},
    {"--quiet", NULL, "no progress on a terminal", set_quiet},
};

static void help(void)
{
    printf(
        "Usage: " NAME " [OPTION ...]\n\n"
        "Measures how many pairs of each spec this machine makes, by the generators that keywelld would use "
        "here:\non one core with the others idle, then on all cores at once. For 'keywell plan'. The machine "
        "should\nhave nothing else to do.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf("\nKEYWELL_CPU is heeded as keywelld heeds it.\n");
}

static int complain(const char *why)
{
    fprintf(stderr, NAME ": %s\n", why);
    return 1;
}

static void print_table(const struct kw_plan_profile *profile)
{
    printf("%s, path %s, %u core%s\n\n%-24s %12s %14s %12s\n", profile->cpu_model,
        kw_cpu_path_name(profile->path), profile->cores, profile->cores == 1 ? "" : "s", "spec", "one core/s",
        "all cores/s", "pair takes");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_make *make = &profile->make[spec];
        char one[KW_QUANTITY_MAX], all[KW_QUANTITY_MAX], takes[KW_QUANTITY_MAX];

        if (make->mean_s > 0)
            printf("%-24s %12s %14s %12s\n", kw_spec_info((enum kw_spec)spec)->name,
                kw_quantity_show_rate(1 / make->mean_s, one),
                kw_quantity_show_rate(profile->cores / make->all_mean_s, all),
                kw_quantity_show_time(make->mean_s, takes));
    }
}

/* Returns: 0 | 1 (said why) */
static int prepare(struct settings *settings)
{
    const char *what = NULL;
    int r;

    if (kw_cpu_choose(getenv("KEYWELL_CPU"), &settings->measure.path) != 0)
        return complain("KEYWELL_CPU must be auto, portable or avx512ifma, and this machine must have it");
    r = kw_engine_selftest(&what);
    if (r == 0)
        r = kw_engine_selftest_path(settings->measure.path, &what);
    if (r == 0)
        return 0;
    fprintf(stderr, NAME ": the self-test of %s failed\n", what != NULL ? what : "the generators");
    return 1;
}

static int measure(struct settings *settings)
{
    static struct kw_plan_profile profile;
    char why[300];
    bool interrupted;
    int r;

    settings->measure.cpus = &settings->cpus;
    settings->measure.progress = kw_progress_show;
    kw_progress_begin(settings->quiet);
    r = kw_plan_measure(&settings->measure, &profile);
    interrupted = kw_progress_end();
    if (interrupted) {
        fprintf(stderr, NAME ": interrupted\n");
        return 130;
    }
    if (r == -ETIME)
        return complain("not one pair came out in the time: give a longer --seconds");
    if (r < 0)
        return complain(r == KW_EOPENSSL ? "OpenSSL failed" : strerror(-r));
    print_table(&profile);
    if (kw_plan_profile_save(settings->out, &profile, why, sizeof(why)) != 0) {
        fprintf(stderr, NAME ": %s: %s\n", settings->out, why);
        return 1;
    }
    printf("\nwritten to %s\n", settings->out);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : complain("the table cannot be written");
}

int kw_command_plan_profile(int argc, char **argv)
{
    struct settings settings = {.out = KW_PLAN_PROFILE_FILE, .measure.seconds = 5};
    int rest, r;

    if (kw_crypto_init() < 0)
        return complain("memory for keys cannot be had");
    r = kw_cpus_allowed(&settings.cpus);
    if (r < 0)
        return complain(strerror(-r));
    r = kw_options_parse(NAME, options, KW_ARRAY_LEN(options), argc, argv, &settings, &rest);
    if (r == 2) {
        help();
        return 0;
    }
    if (r == 0 && rest < argc)
        fprintf(stderr, NAME ": it takes options only\nTry '" NAME " --help'.\n");
    if (r != 0 || rest < argc)
        return 2;
    for (unsigned spec = 0; spec < KW_SPEC_NUM && !settings.some; spec++)
        settings.measure.wanted[spec] = true;
    r = prepare(&settings);
    return r == 0 ? measure(&settings) : r;
}
