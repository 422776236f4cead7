#include "tools/plan/estimate.h"

#include "pool/limits.h"

#include <math.h>
#include <stdlib.h>

#define RUNS_DEFAULT     10u
#define RUNS_MAX         64u
#define REQUESTS_DEFAULT 4000000u
/* Cycles of bursts in a run at least, and the share of a run's time that passes before anything counts. */
#define CYCLES_MIN 20
#define WARM_UP    0.2
/* A rhythm that is followed from its beginning needs less. */
#define WARM_UP_RHYTHM 0.05

/* ---- figures ---- */

/* Student's 97.5 % point: exact for few degrees of freedom, else Fisher's expansion about the normal's. */
static double student(unsigned degrees)
{
    static const double few[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706};
    double z = 1.959964, n = degrees;

    if (degrees <= KW_ARRAY_LEN(few))
        return few[degrees - 1];
    return z + (pow(z, 3) + z) / (4 * n) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n);
}

/* Sums of values and of their squares, one value per run. */
struct series {
    unsigned num;
    double sum, squares;
};

static void series_add(struct series *series, double value)
{
    series->num++;
    series->sum += value;
    series->squares += value * value;
}

static struct kw_plan_figure series_figure(const struct series *series)
{
    double mean = series->sum / KW_MAX(series->num, 1u), variance;

    if (series->num < 2)
        return (struct kw_plan_figure){mean, series->num == 0 ? 0 : INFINITY};
    variance = fmax(series->squares - series->sum * mean, 0) / (series->num - 1);
    return (struct kw_plan_figure){mean, student(series->num - 1) * sqrt(variance / series->num)};
}

/* ---- how long ---- */

static double total_rate(const struct kw_plan_case *of)
{
    double sum = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        sum += kw_plan_demand_mean(&of->demand[spec]);
    return sum;
}

/* The longest after which a demand is as it was; 0: it is the same all the time. */
static double rhythm_s(const struct kw_plan_case *of)
{
    double longest_s = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_demand *demand = &of->demand[spec];

        if (demand->kind == KW_PLAN_DAILY || demand->kind == KW_PLAN_TRACE)
            longest_s = fmax(longest_s, demand->period_s);
    }
    return longest_s;
}

static double cycle_s(const struct kw_plan_case *of)
{
    double longest_s = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (of->demand[spec].kind == KW_PLAN_BURSTS)
            longest_s = fmax(longest_s, of->demand[spec].burst_s + of->demand[spec].quiet_s);
    return longest_s;
}

struct schedule {
    unsigned runs;
    double warm_up_s, duration_s;
};

/* Whole periods of what has one; of a long one fewer runs, so that the requests asked for are not exceeded by
 * much, but two at least. */
static struct schedule schedule_of(const struct kw_plan_case *of, const struct kw_plan_effort *effort)
{
    double requests = effort->requests > 0 ? (double)effort->requests : REQUESTS_DEFAULT;
    double rate = total_rate(of), rhythm = rhythm_s(of);
    struct schedule schedule = {.runs = effort->runs > 0 ? effort->runs : RUNS_DEFAULT};
    double asked_s = requests / schedule.runs / fmax(rate, 1e-9);

    kw_assert(schedule.runs >= 2 && schedule.runs <= RUNS_MAX);
    schedule.duration_s = fmax(asked_s, CYCLES_MIN * cycle_s(of));
    if (rhythm > 0) {
        schedule.duration_s = rhythm * ceil(schedule.duration_s / rhythm);
        schedule.runs = (unsigned)fmin(fmax(requests / (rate * schedule.duration_s), 2), schedule.runs);
    }
    if (effort->duration_s > 0)
        schedule.duration_s = effort->duration_s;
    schedule.warm_up_s = schedule.duration_s * (rhythm > 0 ? WARM_UP_RHYTHM : WARM_UP);
    return schedule;
}

/* ---- the runs ---- */

struct spec_series {
    struct series demand, missed, refused, refill, utilisation, level, wait;
};

struct sums {
    struct spec_series spec[KW_SPEC_NUM];
    struct series utilisation;
    struct kw_plan_tally tally[KW_SPEC_NUM];
    uint64_t requests;
};

/* The mean from the middles of the steps. */
static double mean_wait_s(const struct kw_plan_tally *tally)
{
    double sum = 0, num = 0;

    for (size_t i = 0; i + 1 < KW_PLAN_WAIT_BUCKETS; i++) {
        sum += (double)tally->waits[i] * exp2(((double)i - 0.5) / KW_PLAN_WAIT_STEPS) * 1e-6;
        num += (double)tally->waits[i];
    }
    return num > 0 ? sum / num : NAN;
}

static void add_tally(struct kw_plan_tally *sum, const struct kw_plan_tally *part)
{
    sum->requests += part->requests;
    sum->misses += part->misses;
    sum->rejects += part->rejects;
    sum->timeouts += part->timeouts;
    for (size_t i = 0; i < KW_PLAN_WAIT_BUCKETS; i++)
        sum->waits[i] += part->waits[i];
}

static void add_spec(
    struct spec_series *series, const struct kw_plan_tally *tally, double duration_s, unsigned cores)
{
    double wait_s = mean_wait_s(tally), requests = (double)tally->requests;

    series_add(&series->demand, requests / duration_s);
    series_add(&series->refill, (double)tally->pairs / duration_s);
    series_add(&series->utilisation, tally->making_s / duration_s / cores);
    series_add(&series->level, tally->level_s / duration_s);
    if (tally->requests > 0) {
        series_add(&series->missed, (double)tally->misses / requests);
        series_add(&series->refused, (double)(tally->rejects + tally->timeouts) / requests);
    }
    if (!isnan(wait_s))
        series_add(&series->wait, wait_s);
}

static void add_run(struct sums *sums, const struct kw_plan_run *run, double duration_s, unsigned cores)
{
    double making_s = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        add_spec(&sums->spec[spec], &run->spec[spec], duration_s, cores);
        add_tally(&sums->tally[spec], &run->spec[spec]);
        making_s += run->spec[spec].making_s;
    }
    series_add(&sums->utilisation, making_s / duration_s / cores);
    sums->requests += run->requests;
}

static void conclude_spec(
    const struct spec_series *series, const struct kw_plan_tally *tally, struct kw_plan_spec_estimate *ret)
{
    *ret = (struct kw_plan_spec_estimate){
        .requests = tally->requests,
        .misses = tally->misses,
        .rejects = tally->rejects,
        .timeouts = tally->timeouts,
        .demand_per_s = series_figure(&series->demand),
        .miss_share = series_figure(&series->missed),
        .refused_share = series_figure(&series->refused),
        .refill_per_s = series_figure(&series->refill),
        .utilisation = series_figure(&series->utilisation),
        .level = series_figure(&series->level),
        .wait_mean_missed_s = series_figure(&series->wait),
        .wait_p50_s = kw_plan_wait_quantile(tally, 0.5),
        .wait_p99_s = kw_plan_wait_quantile(tally, 0.99),
    };
    ret->hit_rate = (struct kw_plan_figure){1 - ret->miss_share.value, ret->miss_share.error};
}

static bool goes_on(const struct kw_plan_effort *effort, unsigned done, unsigned runs)
{
    return effort->progress == NULL || effort->progress(effort->user, done, runs, "simulating");
}

static uint64_t seed_of(uint64_t seed, unsigned run)
{
    return seed * 0x10001 + run;
}

static int run_all(const struct kw_plan_case *of, const struct kw_plan_effort *effort,
    const struct schedule *schedule, struct sums *sums)
{
    struct kw_plan_run_options options = {
        .begin_s = schedule->warm_up_s, .end_s = schedule->warm_up_s + schedule->duration_s};
    struct kw_plan_run *run = malloc(sizeof(*run));
    int r = run != NULL ? 0 : -ENOMEM;

    for (unsigned i = 0; r == 0 && i < schedule->runs; i++) {
        options.seed = seed_of(effort->seed, i);
        r = goes_on(effort, i, schedule->runs) ? kw_plan_run(of, &options, run) : -ECANCELED;
        if (r == 0)
            add_run(sums, run, schedule->duration_s, of->settings.cores);
    }
    free(run);
    return r;
}

static void conclude(const struct kw_plan_case *of, const struct schedule *schedule, const struct sums *sums,
    struct kw_plan_estimate *ret)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        conclude_spec(&sums->spec[spec], &sums->tally[spec], &ret->spec[spec]);
    ret->utilisation = series_figure(&sums->utilisation);
    ret->memory_bytes = kw_plan_memory_bytes(&of->settings);
    ret->runs = schedule->runs;
    ret->duration_s = schedule->duration_s;
    ret->requests = sums->requests;
}

int kw_plan_estimate(
    const struct kw_plan_case *of, const struct kw_plan_effort *effort, struct kw_plan_estimate *ret)
{
    struct schedule schedule = schedule_of(of, effort);
    struct sums *sums = calloc(1, sizeof(*sums));
    uint64_t began_ns = kw_now_ns();
    int r;

    KW_REQUIRE(sums != NULL, -ENOMEM);
    r = run_all(of, effort, &schedule, sums);
    if (r == 0) {
        conclude(of, &schedule, sums, ret);
        ret->wall_s = (double)(kw_now_ns() - began_ns) / 1e9;
    }
    free(sums);
    return r;
}

int kw_plan_miss_by_depth(const struct kw_plan_case *of, enum kw_spec spec, const uint32_t *depths,
    size_t num, const struct kw_plan_effort *effort, struct kw_plan_figure *ret)
{
    struct kw_plan_case changed = *of;
    struct kw_plan_effort quiet = *effort;
    struct kw_plan_estimate *estimate = malloc(sizeof(*estimate));
    int r = estimate != NULL ? 0 : -ENOMEM;

    quiet.progress = NULL;
    changed.settings.low_watermark[spec] = 0;
    for (size_t i = 0; r == 0 && i < num; i++) {
        changed.settings.depth[spec] = depths[i];
        if (effort->progress != NULL && !effort->progress(effort->user, (double)i, (double)num, "depths"))
            r = -ECANCELED;
        if (r == 0)
            r = kw_plan_estimate(&changed, &quiet, estimate);
        if (r == 0)
            ret[i] = estimate->spec[spec].miss_share;
    }
    free(estimate);
    return r;
}
