#include "tools/plan/arrivals.h"

#include <math.h>

/* ---- rates that change ---- */

static void curve_step(struct kw_plan_arrivals *arrivals)
{
    const struct kw_plan_demand *demand = arrivals->demand;

    if (arrivals->index == demand->num_curve) {
        arrivals->index = 0;
        arrivals->began_s += demand->period_s;
    }
    arrivals->rate_per_s = arrivals->curve_per_s * demand->curve[arrivals->index++];
    arrivals->change_s = arrivals->began_s + demand->period_s * (double)arrivals->index / demand->num_curve;
}

static double length_of(struct kw_plan_arrivals *arrivals, double mean_s)
{
    return arrivals->demand->regular ? mean_s : mean_s * kw_plan_random_exponential(&arrivals->random);
}

static void burst_step(struct kw_plan_arrivals *arrivals, double now_s, double share)
{
    const struct kw_plan_demand *demand = arrivals->demand;
    double mean_s = arrivals->in_burst ? demand->burst_s : demand->quiet_s;

    arrivals->rate_per_s = demand->scale * (arrivals->in_burst ? demand->burst_per_s : demand->rate_per_s);
    arrivals->change_s = now_s + share * length_of(arrivals, mean_s);
}

static void step(struct kw_plan_arrivals *arrivals)
{
    if (arrivals->demand->kind == KW_PLAN_DAILY) {
        curve_step(arrivals);
        return;
    }
    arrivals->in_burst = !arrivals->in_burst;
    burst_step(arrivals, arrivals->change_s, 1);
}

/* In units of the rate's integral the next request is exponentially far; what one rate does not use up of
 * that is left for the next. */
static void next_random(struct kw_plan_arrivals *arrivals, double now_s)
{
    double left = kw_plan_random_exponential(&arrivals->random);

    for (;;) {
        double span_s = arrivals->change_s - now_s;

        if (arrivals->rate_per_s * span_s > left) {
            arrivals->next_s = now_s + left / arrivals->rate_per_s;
            return;
        }
        left -= arrivals->rate_per_s * span_s;
        now_s = arrivals->change_s;
        step(arrivals);
    }
}

/* ---- recorded times ---- */

/* Of a scale's fraction so many get one more. */
static unsigned draw_copies(struct kw_plan_arrivals *arrivals)
{
    double scale = arrivals->demand->scale, whole = floor(scale);

    return (unsigned)whole + (kw_plan_random_unit(&arrivals->random) <= scale - whole);
}

static void next_recorded(struct kw_plan_arrivals *arrivals)
{
    const struct kw_plan_demand *demand = arrivals->demand;

    while (arrivals->copies == 0) {
        if (++arrivals->index == demand->num_times) {
            arrivals->index = 0;
            arrivals->began_s += demand->period_s;
        }
        arrivals->copies = draw_copies(arrivals);
    }
    arrivals->copies--;
    arrivals->next_s = arrivals->began_s + demand->times_s[arrivals->index];
}

/* ---- all ---- */

void kw_plan_arrivals_next(struct kw_plan_arrivals *arrivals)
{
    switch (arrivals->demand->kind) {
    case KW_PLAN_NONE:
        break;
    case KW_PLAN_POISSON:
        arrivals->next_s += kw_plan_random_exponential(&arrivals->random) / arrivals->rate_per_s;
        break;
    case KW_PLAN_BURSTS:
    case KW_PLAN_DAILY:
        next_random(arrivals, arrivals->next_s);
        break;
    case KW_PLAN_TRACE:
        next_recorded(arrivals);
        break;
    }
}

static double curve_unit(const struct kw_plan_demand *demand)
{
    double sum = 0;

    for (unsigned i = 0; i < demand->num_curve; i++)
        sum += demand->curve[i];
    return demand->scale * demand->rate_per_s * demand->num_curve / sum;
}

/* Seen at a random time, a rhythm of bursts is in one with the share of time that bursts take, and anywhere
 * in it; what is left of an exponential time is again such a one. */
static void begin_bursts(struct kw_plan_arrivals *arrivals)
{
    const struct kw_plan_demand *demand = arrivals->demand;
    double at = kw_plan_random_unit(&arrivals->random) * (demand->burst_s + demand->quiet_s);

    arrivals->in_burst = at <= demand->burst_s;
    burst_step(arrivals, 0, demand->regular ? kw_plan_random_unit(&arrivals->random) : 1);
}

void kw_plan_arrivals_init(
    struct kw_plan_arrivals *arrivals, const struct kw_plan_demand *demand, uint64_t seed, uint64_t stream)
{
    *arrivals = (struct kw_plan_arrivals){.demand = demand, .next_s = INFINITY};
    kw_plan_random_seed(&arrivals->random, seed, stream);
    if (demand->kind == KW_PLAN_NONE)
        return;
    arrivals->next_s = 0;
    arrivals->rate_per_s = demand->scale * demand->rate_per_s;
    if (demand->kind == KW_PLAN_DAILY) {
        arrivals->curve_per_s = curve_unit(demand);
        step(arrivals);
    } else if (demand->kind == KW_PLAN_BURSTS) {
        begin_bursts(arrivals);
    } else if (demand->kind == KW_PLAN_TRACE) {
        arrivals->copies = draw_copies(arrivals);
    }
    kw_plan_arrivals_next(arrivals);
}
