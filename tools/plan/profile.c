#include "tools/plan/profile.h"

#include "pool/limits.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT    "keywell-plan-profile-1"
#define BATCH_MAX 65536

/* ---- from text ---- */

static int wrong(char *why, size_t why_cap, const char *what)
{
    snprintf(why, why_cap, "%s", what);
    return 1;
}

static bool is_time(double value)
{
    return isfinite(value) && value > 0 && value < 1e6;
}

static bool parse_quantiles(const json_t *from, double *ret)
{
    double sum = 0;

    if (json_array_size(from) != KW_PLAN_QUANTILES)
        return false;
    for (size_t i = 0; i < KW_PLAN_QUANTILES; i++) {
        const json_t *value = json_array_get(from, i);

        ret[i] = json_number_value(value);
        if (!json_is_number(value) || !(ret[i] >= 0 && ret[i] < 1e6) || (i > 0 && ret[i] < ret[i - 1]))
            return false;
        sum += ret[i];
    }
    return fabs(sum / KW_PLAN_QUANTILES - 1) < 0.01;
}

static int parse_spec(
    const char *name, const json_t *from, struct kw_plan_profile *profile, char *why, size_t why_cap)
{
    json_int_t batch = json_integer_value(json_object_get(from, "batch"));
    struct kw_plan_make make = {
        .mean_s = json_number_value(json_object_get(from, "mean_s")),
        .all_mean_s = json_number_value(json_object_get(from, "all_mean_s")),
    };
    enum kw_spec spec;

    if (kw_spec_parse(KW_BYTES(name, strlen(name)), &spec) != 0)
        return wrong(why, why_cap, "it names a spec that there is not");
    if (!is_time(make.mean_s) || !is_time(make.all_mean_s))
        return wrong(why, why_cap, "a time per pair is missing or not more than 0");
    if (batch < 1 || batch > BATCH_MAX)
        return wrong(why, why_cap, "a batch is missing or not 1 to 65536");
    make.batch = (unsigned)batch;
    if (!parse_quantiles(json_object_get(from, "quantiles"), make.quantiles))
        return wrong(why, why_cap, "quantiles must be 256 numbers that do not decrease, with mean 1");
    profile->make[spec] = make;
    return 0;
}

static int parse_object(json_t *root, struct kw_plan_profile *ret, char *why, size_t why_cap)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *cpu = json_string_value(json_object_get(root, "cpu"));
    const char *path = json_string_value(json_object_get(root, "path"));
    json_int_t cores = json_integer_value(json_object_get(root, "cores"));
    json_t *specs = json_object_get(root, "specs"), *value;
    struct kw_plan_profile made = {.path = KW_CPU_PORTABLE};
    const char *name;

    if (format == NULL || strcmp(format, FORMAT) != 0)
        return wrong(why, why_cap, "its format is not " FORMAT);
    if (cpu == NULL || strlen(cpu) >= sizeof(made.cpu_model) || path == NULL || cores < 1 ||
        cores > KW_WORKERS_MAX)
        return wrong(why, why_cap, "cpu, path or cores is missing or malformed");
    memcpy(made.cpu_model, cpu, strlen(cpu));
    if (strcmp(path, kw_cpu_path_name(KW_CPU_AVX512IFMA)) == 0)
        made.path = KW_CPU_AVX512IFMA;
    else if (strcmp(path, kw_cpu_path_name(KW_CPU_PORTABLE)) != 0)
        return wrong(why, why_cap, "its path is none that there is");
    made.cores = (unsigned)cores;
    if (json_object_size(specs) == 0)
        return wrong(why, why_cap, "it has no spec");
    json_object_foreach(specs, name, value) if (parse_spec(name, value, &made, why, why_cap) != 0) return 1;
    *ret = made;
    return 0;
}

int kw_plan_profile_parse(struct kw_bytes json, struct kw_plan_profile *ret, char *why, size_t why_cap)
{
    json_error_t error;
    json_t *root;
    int r;

    if (json.len > KW_PLAN_PROFILE_MAX)
        return wrong(why, why_cap, "it is longer than a profile can be");
    root = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root)) {
        json_decref(root);
        return wrong(why, why_cap, "it is not a JSON object");
    }
    r = parse_object(root, ret, why, why_cap);
    json_decref(root);
    return r;
}

/* ---- to text ---- */

static json_t *spec_json(const struct kw_plan_make *make)
{
    json_t *quantiles = json_array();

    for (size_t i = 0; i < KW_PLAN_QUANTILES; i++)
        json_array_append_new(quantiles, json_real(make->quantiles[i]));
    return json_pack("{s:f,s:f,s:i,s:o}", "mean_s", make->mean_s, "all_mean_s", make->all_mean_s, "batch",
        (int)make->batch, "quantiles", quantiles);
}

char *kw_plan_profile_text(const struct kw_plan_profile *profile)
{
    json_t *specs = json_object(), *root;
    char *text, *line = NULL;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (profile->make[spec].mean_s > 0)
            json_object_set_new(
                specs, kw_spec_info((enum kw_spec)spec)->name, spec_json(&profile->make[spec]));
    root = json_pack("{s:s,s:s,s:s,s:i,s:o}", "format", FORMAT, "cpu", profile->cpu_model, "path",
        kw_cpu_path_name(profile->path), "cores", (int)profile->cores, "specs", specs);
    text = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (text != NULL && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    return line;
}

/* ---- files ---- */

static void closep(FILE **file)
{
    if (*file != NULL)
        fclose(*file);
}

int kw_plan_profile_load(const char *path, struct kw_plan_profile *ret, char *why, size_t why_cap)
{
    KW_CLEANUP(closep) FILE *file = fopen(path, "re");
    char *text;
    size_t len;
    int r;

    if (file == NULL)
        return wrong(why, why_cap, strerror(errno));
    text = malloc(KW_PLAN_PROFILE_MAX + 1);
    if (text == NULL)
        return wrong(why, why_cap, strerror(ENOMEM));
    len = fread(text, 1, KW_PLAN_PROFILE_MAX + 1, file);
    r = ferror(file) ? wrong(why, why_cap, "it cannot be read")
                     : kw_plan_profile_parse(KW_BYTES(text, len), ret, why, why_cap);
    free(text);
    return r;
}

/* Returns false with errno set. */
static bool write_whole(const char *path, const char *text)
{
    KW_CLEANUP(closep) FILE *file = fopen(path, "wxe");

    return file != NULL && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
}

int kw_plan_profile_save(const char *path, const struct kw_plan_profile *profile, char *why, size_t why_cap)
{
    char *text = kw_plan_profile_text(profile), *beside = NULL;
    int r = 0;

    if (text == NULL || asprintf(&beside, "%s.%d", path, (int)getpid()) < 0) {
        free(text);
        return wrong(why, why_cap, strerror(ENOMEM));
    }
    if (!write_whole(beside, text) || rename(beside, path) < 0) {
        r = wrong(why, why_cap, strerror(errno));
        (void)unlink(beside);
    }
    free(text);
    free(beside);
    return r;
}

/* ---- whose it is ---- */

int kw_plan_profile_matches(const struct kw_plan_profile *profile, const char *cpu_model,
    enum kw_cpu_path path, unsigned cores, char *why, size_t why_cap)
{
    if (strcmp(profile->cpu_model, cpu_model) == 0 && profile->path == path && profile->cores == cores)
        return 0;
    snprintf(why, why_cap,
        "the profile is of another machine: %s, %u cores, path %s; this one is %s, %u cores, path %s",
        profile->cpu_model, profile->cores, kw_cpu_path_name(profile->path), cpu_model, cores,
        kw_cpu_path_name(path));
    return 1;
}
