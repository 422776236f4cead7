#include "bench/keygen.h"
#include "bench/limit.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* A thread that got less of its core than this was disturbed by others. */
#define WALL_EXCESS 0.05

/* What follows from the measurements. */
struct outcome {
    struct kw_figure ours, openssl, ratio;
    double limit;
    struct kw_figure share_of_limit;
};

static struct outcome outcome_of(
    const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    struct outcome outcome = {
        .ours = kw_turns_rate(&result->ours),
        .openssl = kw_turns_rate(&result->openssl),
        .limit = kw_limit_pairs(options->spec, result->ifma_per_ns),
    };

    outcome.ratio = kw_figure_ratio(outcome.ours, outcome.openssl);
    outcome.share_of_limit = kw_figure_ratio(outcome.ours, (struct kw_figure){outcome.limit, 0});
    return outcome;
}

/* ---- for people ---- */

/* Four digits that count, whether pairs take microseconds or seconds. */
static void print_figure(const char *before, struct kw_figure figure, const char *after)
{
    int decimals = figure.value > 0 ? (int)fmax(0, 3 - floor(log10(figure.value))) : 1;

    if (isnan(figure.value))
        printf("%snot measured%s", before, after);
    else
        printf("%s%.*f +- %.*f%s", before, decimals, figure.value, decimals, figure.error, after);
}

static void print_side(const char *name, const struct kw_turns *turns, struct kw_figure rate)
{
    const struct kw_turn *sum = &turns->sum;

    printf("  %-8s %9llu pairs in %.2f s of CPU time", name, (unsigned long long)sum->pairs, sum->cpu_s);
    print_figure(":  ", rate, " pairs/s\n");
    if (sum->failures > 0)
        printf(
            "           %llu more pairs FAILED their consistency test\n", (unsigned long long)sum->failures);
}

static void warn_if_disturbed(const struct kw_keygen_result *result)
{
    double cpu_s = result->ours.sum.cpu_s + result->openssl.sum.cpu_s;
    double excess = cpu_s > 0 ? (result->ours.sum.wall_s + result->openssl.sum.wall_s) / cpu_s - 1 : 0;

    if (excess > WALL_EXCESS)
        printf("  Others used this core: wall time was %.0f %% above CPU time. Rates are of CPU time.\n",
            excess * 100);
}

static void print_limit(const struct kw_keygen_result *result, const struct outcome *outcome)
{
    if (isnan(result->ifma_per_ns))
        return;
    printf("  IFMA: %.2f instructions/ns", result->ifma_per_ns);
    if (!isnan(outcome->limit)) {
        printf(";  limit %.1f pairs/s", outcome->limit);
        print_figure(";  share of the limit ", outcome->share_of_limit, "");
    }
    putchar('\n');
}

static void print_stages(const struct kw_stages *stages)
{
    if (!stages->known)
        return;
    printf("  kernel %s, %u lanes, %.0f %% of them in use; sieve below %u\n", stages->plan.kernel,
        stages->plan.lanes, 100 * stages->lane_use, stages->plan.sieve_bound);
    printf("  per prime: %.1f tests of %.1f us, %.1f Miller-Rabin rounds\n", stages->tests_per_prime,
        stages->test_ns / 1000, stages->rounds_per_prime);
    printf("  time:");
    for (enum kw_stage i = 0; i < KW_STAGE_NUM; i++)
        printf("%s %s %.1f %%", i > 0 ? "," : "", kw_stage_name(i), 100 * stages->share[i]);
    putchar('\n');
}

static void print_cores(const struct kw_keygen_cores *cores)
{
    if (cores->num == 0)
        return;
    printf("  cores: ");
    print_figure("on 1: ", cores->one, " pairs/s");
    printf(";  on %u at once", cores->num);
    print_figure(": ", cores->all, " pairs/s");
    print_figure(";  efficiency ", cores->efficiency, "\n");
    printf("         by wall time: on 1: %.4g, on %u: %.4g pairs/s\n", cores->one_by_wall, cores->num,
        cores->all_by_wall);
}

void kw_keygen_print(const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    struct outcome outcome = outcome_of(options, result);

    printf("%s on core %u, %s, path %s, generator %s%s\n", kw_spec_info(options->spec)->name, options->cpu,
        result->cpu_model, kw_cpu_path_name(options->path), result->generator,
        result->interrupted ? " (interrupted)" : "");
    print_side("ours", &result->ours, outcome.ours);
    print_side("OpenSSL", &result->openssl, outcome.openssl);
    printf("           (%s; %s, in %s)\n", result->openssl_version, result->openssl_side->note,
        result->openssl_apart ? "a process of its own" : "the same process");
    print_figure("  ratio    ", outcome.ratio, "\n");
    print_limit(result, &outcome);
    print_stages(&result->stages);
    print_cores(&result->cores);
    warn_if_disturbed(result);
    fflush(stdout);
}

/* ---- for programs ---- */

/* JSON has no NAN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static int add_what(
    json_t *json, const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    int r = 0;

    r |= json_object_set_new(json, "spec", json_string(kw_spec_info(options->spec)->name));
    r |= json_object_set_new(json, "cpu_path", json_string(kw_cpu_path_name(options->path)));
    r |= json_object_set_new(json, "cpu", json_string(result->cpu_model));
    r |= json_object_set_new(json, "core", count(options->cpu));
    r |= json_object_set_new(json, "generator", json_string(result->generator));
    r |= json_object_set_new(json, "interrupted", json_boolean(result->interrupted));
    return r;
}

static int add_side(json_t *json, const char *prefix, const struct kw_turns *turns)
{
    struct kw_figure rate = kw_turns_rate(turns);
    const struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"pairs", count(turns->sum.pairs)},
        {"failures", count(turns->sum.failures)},
        {"cpu_seconds", number(turns->sum.cpu_s)},
        {"wall_seconds", number(turns->sum.wall_s)},
        {"pairs_per_second", number(rate.value)},
        {"standard_error", number(rate.error)},
    };
    int r = 0;

    for (size_t i = 0; i < KW_ARRAY_LEN(fields); i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s%s", prefix, fields[i].name);
        r |= json_object_set_new(json, name, fields[i].value);
    }
    return r;
}

static int add_comparison(
    json_t *json, const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    struct outcome outcome = outcome_of(options, result);
    int r = add_side(json, "", &result->ours);

    r |= json_object_set_new(json, "openssl_version", json_string(result->openssl_version));
    r |= json_object_set_new(json, "openssl_side", json_string(result->openssl_side->name));
    r |= json_object_set_new(json, "openssl_same_process", json_boolean(!result->openssl_apart));
    r |= add_side(json, "openssl_", &result->openssl);
    r |= json_object_set_new(json, "ratio", number(outcome.ratio.value));
    r |= json_object_set_new(json, "ratio_standard_error", number(outcome.ratio.error));
    r |= json_object_set_new(json, "ifma_per_ns", number(result->ifma_per_ns));
    r |= json_object_set_new(json, "limit_pairs_per_second", number(outcome.limit));
    r |= json_object_set_new(json, "share_of_limit", number(outcome.share_of_limit.value));
    r |= json_object_set_new(json, "share_of_limit_standard_error", number(outcome.share_of_limit.error));
    return r;
}

static json_t *shares(const struct kw_stages *stages)
{
    json_t *json = stages->known ? json_object() : json_null();

    for (enum kw_stage i = 0; stages->known && i < KW_STAGE_NUM; i++)
        (void)json_object_set_new(json, kw_stage_name(i), number(stages->share[i]));
    return json;
}

static int add_stages(json_t *json, const struct kw_stages *stages)
{
    bool known = stages->known;
    int r = 0;

    r |= json_object_set_new(json, "kernel", known ? json_string(stages->plan.kernel) : json_null());
    r |= json_object_set_new(json, "lanes", known ? count(stages->plan.lanes) : json_null());
    r |= json_object_set_new(json, "lane_use", number(known ? stages->lane_use : NAN));
    r |= json_object_set_new(json, "sieve_bound", known ? count(stages->plan.sieve_bound) : json_null());
    r |= json_object_set_new(json, "tests_per_prime", number(known ? stages->tests_per_prime : NAN));
    r |= json_object_set_new(json, "rounds_per_prime", number(known ? stages->rounds_per_prime : NAN));
    r |= json_object_set_new(json, "test_ns", number(known ? stages->test_ns : NAN));
    r |= json_object_set_new(json, "shares", shares(stages));
    return r;
}

static json_t *several(const struct kw_keygen_cores *cores)
{
    if (cores->num == 0)
        return json_null();
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cores", (int)cores->num,
        "one_pairs_per_second", number(cores->one.value), "one_standard_error", number(cores->one.error),
        "all_pairs_per_second", number(cores->all.value), "all_standard_error", number(cores->all.error),
        "one_pairs_per_wall_second", number(cores->one_by_wall), "all_pairs_per_wall_second",
        number(cores->all_by_wall), "efficiency", number(cores->efficiency.value),
        "efficiency_standard_error", number(cores->efficiency.error));
}

int kw_keygen_print_json(const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    json_t *json = json_object();
    int r = add_what(json, options, result);

    r |= add_comparison(json, options, result);
    r |= add_stages(json, &result->stages);
    r |= json_object_set_new(json, "several_cores", several(&result->cores));
    if (r == 0)
        r = json_dumpf(json, stdout, JSON_REAL_PRECISION(9));
    putchar('\n');
    fflush(stdout);
    json_decref(json);
    return r == 0 ? 0 : -ENOMEM;
}
