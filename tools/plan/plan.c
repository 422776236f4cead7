#include "tools/plan/plan.h"

#include "pool/limits.h"
#include "pool/pool.h"

#include <math.h>
#include <stdio.h>

/* ---- how long pairs take ---- */

double kw_plan_make_s(const struct kw_plan_profile *profile, enum kw_spec spec, unsigned cores)
{
    const struct kw_plan_make *make = &profile->make[spec];

    kw_assert(cores >= 1);
    if (profile->cores <= 1 || cores == 1)
        return make->mean_s;
    if (cores >= profile->cores)
        return make->all_mean_s;
    return make->mean_s + (make->all_mean_s - make->mean_s) * (cores - 1) / (profile->cores - 1);
}

void kw_plan_make_steady(struct kw_plan_make *make, double mean_s, unsigned batch)
{
    *make = (struct kw_plan_make){.mean_s = mean_s, .all_mean_s = mean_s, .batch = batch};
    for (unsigned i = 0; i < KW_PLAN_QUANTILES; i++)
        make->quantiles[i] = 1;
}

void kw_plan_make_exponential(struct kw_plan_make *make, double mean_s, unsigned batch)
{
    double sum = 0;

    kw_plan_make_steady(make, mean_s, batch);
    for (unsigned i = 0; i < KW_PLAN_QUANTILES; i++)
        sum += make->quantiles[i] = -log(1 - (i + 0.5) / KW_PLAN_QUANTILES);
    for (unsigned i = 0; i < KW_PLAN_QUANTILES; i++)
        make->quantiles[i] *= KW_PLAN_QUANTILES / sum;
}

/* ---- the demand ---- */

double kw_plan_demand_mean(const struct kw_plan_demand *demand)
{
    double cycle_s = demand->burst_s + demand->quiet_s;

    switch (demand->kind) {
    case KW_PLAN_NONE:
        return 0;
    case KW_PLAN_BURSTS:
        return demand->scale *
               (demand->burst_per_s * demand->burst_s + demand->rate_per_s * demand->quiet_s) / cycle_s;
    case KW_PLAN_TRACE:
        return demand->scale * (double)demand->num_times / demand->period_s;
    case KW_PLAN_POISSON:
    case KW_PLAN_DAILY:
        break;
    }
    return demand->scale * demand->rate_per_s;
}

static double curve_peak(const struct kw_plan_demand *demand)
{
    double sum = 0, most = 0;

    for (unsigned i = 0; i < demand->num_curve; i++) {
        sum += demand->curve[i];
        most = fmax(most, demand->curve[i]);
    }
    return demand->rate_per_s * most * demand->num_curve / sum;
}

/* Parts of a thousandth of the period, or longer if there are few requests: a hundred in each on average. */
static double trace_peak(const struct kw_plan_demand *demand)
{
    double part_s = demand->period_s * fmin(1, fmax(0.001, 100.0 / (double)demand->num_times));
    size_t most = 0, first = 0;

    for (size_t i = 0; i < demand->num_times; i++) {
        while (demand->times_s[i] - demand->times_s[first] >= part_s)
            first++;
        most = KW_MAX(most, i - first + 1);
    }
    return (double)most / part_s;
}

double kw_plan_demand_peak(const struct kw_plan_demand *demand)
{
    switch (demand->kind) {
    case KW_PLAN_NONE:
    case KW_PLAN_POISSON:
        break;
    case KW_PLAN_BURSTS:
        return demand->scale * fmax(demand->burst_per_s, demand->rate_per_s);
    case KW_PLAN_DAILY:
        return demand->scale * curve_peak(demand);
    case KW_PLAN_TRACE:
        return demand->scale * trace_peak(demand);
    }
    return kw_plan_demand_mean(demand);
}

static bool positive(double value)
{
    return isfinite(value) && value > 0;
}

static bool not_negative(double value)
{
    return isfinite(value) && value >= 0;
}

static const char *check_bursts(const struct kw_plan_demand *demand)
{
    if (!not_negative(demand->rate_per_s))
        return "the rate between bursts must be 0 or more";
    if (!positive(demand->burst_per_s))
        return "the rate in bursts must be more than 0";
    if (!positive(demand->burst_s) || !positive(demand->quiet_s))
        return "bursts and the time between them must last longer than 0";
    return NULL;
}

static const char *check_curve(const struct kw_plan_demand *demand)
{
    double sum = 0;

    if (!positive(demand->period_s))
        return "the curve's period must be longer than 0";
    if (demand->num_curve < 1 || demand->num_curve > KW_PLAN_CURVE_MAX)
        return "the curve must have 1 to 288 values";
    for (unsigned i = 0; i < demand->num_curve; i++) {
        if (!not_negative(demand->curve[i]))
            return "a value of the curve is negative";
        sum += demand->curve[i];
    }
    return positive(sum) ? NULL : "the curve is nothing but zeros";
}

static const char *check_trace(const struct kw_plan_demand *demand)
{
    double last_s = 0;

    if (demand->num_times < 1)
        return "the trace is empty";
    for (size_t i = 0; i < demand->num_times; i++) {
        if (!not_negative(demand->times_s[i]) || demand->times_s[i] < last_s)
            return "the times of the trace must not decrease";
        last_s = demand->times_s[i];
    }
    if (!positive(demand->period_s) || demand->period_s < last_s)
        return "the trace must last longer than 0, and until its last request";
    return NULL;
}

const char *kw_plan_demand_check(const struct kw_plan_demand *demand)
{
    if (demand->kind == KW_PLAN_NONE)
        return NULL;
    if (!positive(demand->scale) || demand->scale > 1e6)
        return "the demand's scale must be more than 0";
    if (demand->kind == KW_PLAN_BURSTS)
        return check_bursts(demand);
    if (demand->kind == KW_PLAN_TRACE)
        return check_trace(demand);
    if (!positive(demand->rate_per_s))
        return "the rate must be more than 0";
    return demand->kind == KW_PLAN_DAILY ? check_curve(demand) : NULL;
}

/* ---- the settings ---- */

void kw_plan_settings_default(struct kw_plan_settings *ret)
{
    *ret = (struct kw_plan_settings){.cores = 1, .cpu_share = 1};
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        ret->depth[spec] = kw_spec_info((enum kw_spec)spec)->default_capacity;
}

uint32_t kw_plan_low_watermark(const struct kw_plan_settings *settings, enum kw_spec spec)
{
    uint32_t low = settings->low_watermark[spec];

    return low != 0 ? low : kw_pool_low_watermark(settings->depth[spec]);
}

double kw_plan_memory_bytes(const struct kw_plan_settings *settings)
{
    double sum = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (settings->depth[spec] > 0)
            sum += (double)kw_pool_bytes_of(
                (enum kw_spec)spec, settings->depth[spec], KW_SLOTS_SPARE_OF(settings->cores));
    return sum;
}

/* ---- the case ---- */

static const char *check_settings(const struct kw_plan_settings *settings)
{
    if (settings->cores < 1 || settings->cores > KW_WORKERS_MAX)
        return "there must be 1 to 256 cores";
    if (!(settings->cpu_share > 0 && settings->cpu_share <= 1))
        return "the share of a core that a worker may take must be more than 0 and at most 1";
    if (!not_negative(settings->serve_s) || !not_negative(settings->wait_s))
        return "no time may be negative";
    if (settings->generate_max > KW_ONDEMAND_MAX)
        return "at most 64 pairs are made for requests at once";
    return NULL;
}

static const char *check_spec(const struct kw_plan_case *of, enum kw_spec spec)
{
    const struct kw_plan_settings *settings = &of->settings;
    const char *wrong = kw_plan_demand_check(&of->demand[spec]);

    if (wrong != NULL)
        return wrong;
    if (of->demand[spec].kind != KW_PLAN_NONE && settings->depth[spec] == 0)
        return "it is asked for, and has no pool";
    if (settings->depth[spec] > KW_POOL_CAPACITY_MAX)
        return "its pool is deeper than pools can be";
    if (settings->low_watermark[spec] > settings->depth[spec])
        return "its low watermark is above its depth";
    if (settings->depth[spec] > 0 && !positive(of->profile->make[spec].mean_s))
        return "the profile does not know how long a pair takes; measure it with this spec";
    return NULL;
}

int kw_plan_case_check(const struct kw_plan_case *of, char *why, size_t why_cap)
{
    const char *wrong = check_settings(&of->settings);
    bool any = false;

    if (wrong != NULL) {
        snprintf(why, why_cap, "%s", wrong);
        return 1;
    }
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        wrong = check_spec(of, (enum kw_spec)spec);
        any |= of->settings.depth[spec] > 0;
        if (wrong == NULL)
            continue;
        snprintf(why, why_cap, "%s: %s", kw_spec_info((enum kw_spec)spec)->name, wrong);
        return 1;
    }
    if (!any)
        snprintf(why, why_cap, "there is no pool");
    return any ? 0 : 1;
}

double kw_plan_load(const struct kw_plan_case *of, unsigned cores)
{
    double sum = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        double rate = kw_plan_demand_mean(&of->demand[spec]);

        if (rate > 0)
            sum += rate * (kw_plan_make_s(of->profile, (enum kw_spec)spec, cores) / of->settings.cpu_share +
                              of->settings.serve_s);
    }
    return sum;
}

double kw_plan_saturation(const struct kw_plan_case *of)
{
    return of->settings.cores / kw_plan_load(of, of->settings.cores);
}
