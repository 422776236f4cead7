#include "bench/keygen.h"
#include "bench/limit.h"

#include <math.h>
#include <stdio.h>

/* A thread that got less of its core than this was disturbed by others. */
#define WALL_EXCESS 0.05

#define NS_PER_S 1e9

/* Each part beside the time that a finished pair takes. Others' clocks and ours may differ by a hair: nothing
 * is below 0. */
static void share_out(const struct kw_keygen_result *result, struct kw_keygen_outcome *ret)
{
    double pair_s = 1 / ret->rates[KW_ENTRANT_OURS].value, sum = 0;

    for (size_t i = 0; i < KW_EC_PART_NUM; i++) {
        ret->shares[i] = 1 / kw_turns_rate(&result->ec.parts[i]).value / pair_s;
        sum += ret->shares[i];
    }
    ret->share_other = isnan(sum) ? NAN : fmax(1 - sum, 0);
}

void kw_keygen_outcome(const struct kw_keygen_options *options, const struct kw_keygen_result *result,
    struct kw_keygen_outcome *ret)
{
    struct kw_keygen_outcome outcome = {.limit = kw_limit_pairs(options->spec, result->ifma_per_ns)};
    const struct kw_figure *rates = outcome.rates;

    for (size_t i = 0; i < KW_ENTRANT_NUM; i++)
        outcome.rates[i] = kw_turns_rate(&result->turns[i]);
    outcome.ratio = kw_figure_ratio(rates[KW_ENTRANT_OURS], rates[KW_ENTRANT_OPENSSL]);
    outcome.share_of_limit = kw_figure_ratio(rates[KW_ENTRANT_OURS], (struct kw_figure){outcome.limit, 0});
    outcome.keys = kw_turns_rate(&result->ec.parts[KW_EC_PART_DERIVING]);
    outcome.ratio_to_bare = kw_figure_ratio(rates[KW_ENTRANT_OURS], rates[KW_ENTRANT_BARE]);
    outcome.ifma_per_key = result->ifma_per_ns * NS_PER_S / outcome.keys.value;
    if (options->path == KW_CPU_PORTABLE)
        outcome.ifma_per_key = NAN;
    share_out(result, &outcome);
    *ret = outcome;
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

static void print_side(const char *name, const struct kw_turns *turns, const char *what)
{
    const struct kw_turn *sum = &turns->sum;

    printf("  %-8s %9llu %s in %.2f s of CPU time", name, (unsigned long long)sum->pairs, what, sum->cpu_s);
    print_figure(":  ", kw_turns_rate(turns), "");
    printf(" %s/s\n", what);
    if (sum->failures > 0)
        printf(
            "           %llu more pairs FAILED their consistency test\n", (unsigned long long)sum->failures);
}

static void warn_if_disturbed(const struct kw_keygen_result *result)
{
    double cpu_s = 0, wall_s = 0, excess;

    for (size_t i = 0; i < KW_ENTRANT_NUM; i++) {
        cpu_s += result->turns[i].sum.cpu_s;
        wall_s += result->turns[i].sum.wall_s;
    }
    excess = cpu_s > 0 ? wall_s / cpu_s - 1 : 0;
    if (excess > WALL_EXCESS)
        printf("  Others used this core: wall time was %.0f %% above CPU time. Rates are of CPU time.\n",
            excess * 100);
}

static void print_limit(const struct kw_keygen_result *result, const struct kw_keygen_outcome *outcome)
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

/* What a finished pair is compared with. */
static void print_rest(const struct kw_keygen_result *result, const struct kw_keygen_outcome *outcome)
{
    const struct kw_turns *turns = result->turns;

    if (turns[KW_ENTRANT_PORTABLE].num > 0) {
        print_side("portable", &turns[KW_ENTRANT_PORTABLE], "pairs");
        printf("           (ours on the portable path, tested and encoded)\n");
    }
    print_side("untested", &turns[KW_ENTRANT_UNTESTED], "pairs");
    printf("           (ours without the pairwise test, encoded)\n");
    print_side("bare", &turns[KW_ENTRANT_BARE], "pairs");
    printf("           (OpenSSL, %s: no test, no encoding;", kw_side_openssl_reused.note);
    print_figure(" ours, finished, is ", outcome->ratio_to_bare, " times that)\n");
}

static void print_curve(const struct kw_keygen_result *result, const struct kw_keygen_outcome *outcome)
{
    const struct kw_keygen_ec *ec = &result->ec;

    if (!ec->known)
        return;
    print_rest(result, outcome);
    print_side("points", &ec->parts[KW_EC_PART_DERIVING], "keys");
    printf("           (our kernel alone, from secrets to public keys");
    if (!isnan(outcome->ifma_per_key))
        printf("; a key takes the time of %.0f IFMA instructions", outcome->ifma_per_key);
    printf(
        ")\n  kernel %s, %u lanes, batches of %u\n  time:", ec->plan.kernel, ec->plan.lanes, ec->plan.batch);
    for (enum kw_ec_part i = 0; i < KW_EC_PART_NUM; i++)
        printf(" %s %.1f %%,", kw_ec_part_name(i), 100 * outcome->shares[i]);
    printf(" other %.1f %%\n", 100 * outcome->share_other);
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
    struct kw_keygen_outcome outcome;

    kw_keygen_outcome(options, result, &outcome);
    printf("%s on core %u, %s, path %s, generator %s%s\n", kw_spec_info(options->spec)->name, options->cpu,
        result->cpu_model, kw_cpu_path_name(options->path), result->generator,
        result->interrupted ? " (interrupted)" : "");
    print_side("ours", &result->turns[KW_ENTRANT_OURS], "pairs");
    print_side("OpenSSL", &result->turns[KW_ENTRANT_OPENSSL], "pairs");
    printf("           (%s; %s, in %s)\n", result->openssl_version, result->openssl_side->note,
        result->openssl_apart ? "a process of its own" : "the same process");
    print_figure("  ratio    ", outcome.ratio, "\n");
    print_limit(result, &outcome);
    print_stages(&result->stages);
    print_curve(result, &outcome);
    print_cores(&result->cores);
    warn_if_disturbed(result);
    fflush(stdout);
}
