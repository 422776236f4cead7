#include "tools/plan/demandtext.h"
#include "tools/plan/quantity.h"
#include "tools/plan/report.h"

#include <math.h>

typedef char text[KW_QUANTITY_MAX];

static bool is_wanted(const struct kw_plan_report *report, unsigned spec)
{
    return report->of->demand[spec].kind != KW_PLAN_NONE;
}

/* "0.05 % +- 0.01", both in percent. */
static const char *share_cell(const struct kw_plan_figure *figure, char ret[KW_QUANTITY_MAX])
{
    if (figure->value == 0 && !(figure->error > 0))
        snprintf(ret, KW_QUANTITY_MAX, "0 %%");
    else
        snprintf(ret, KW_QUANTITY_MAX, "%.3g %% +- %.2g", figure->value * 100, figure->error * 100);
    return ret;
}

static void put_specs(
    FILE *file, const struct kw_plan_report *report, const struct kw_plan_estimate *estimate)
{
    const struct kw_plan_settings *settings = &report->answer->settings;

    fprintf(file, "%-23s %9s %8s %19s %9s %9s %9s %16s\n", "spec", "demand/s", "depth", "misses", "p50 wait",
        "p99 wait", "refill/s", "of all cores");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_spec_estimate *seen = &estimate->spec[spec];
        text demand, misses, p50, p99, refill, use;

        if (!is_wanted(report, spec))
            continue;
        fprintf(file, "%-23s %9s %8u %19s %9s %9s %9s %16s\n", kw_spec_info((enum kw_spec)spec)->name,
            kw_quantity_show_rate(seen->demand_per_s.value, demand), settings->depth[spec],
            share_cell(&seen->miss_share, misses), kw_quantity_show_time(seen->wait_p50_s, p50),
            kw_quantity_show_time(seen->wait_p99_s, p99),
            kw_quantity_show_rate(seen->refill_per_s.value, refill), share_cell(&seen->utilisation, use));
    }
}

static void put_bursts(FILE *file, const struct kw_plan_report *report)
{
    const struct kw_plan_answer *answer = report->answer;

    fprintf(file, "\n%-23s %12s %26s %30s\n", "spec", "cold fill", "in a burst of",
        "a full pool lasts (95 % of times)");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_ride_out *ride = &answer->ride_out[spec];
        text fill, rate, median, sure, burst;

        if (!is_wanted(report, spec))
            continue;
        snprintf(burst, sizeof(burst), "%s/s", kw_quantity_show_rate(ride->burst_per_s, rate));
        fprintf(file, "%-23s %12s %26s %19s (%s)\n", kw_spec_info((enum kw_spec)spec)->name,
            kw_quantity_show_time(answer->cold_fill.spec_s[spec], fill), burst,
            isfinite(ride->median_s) ? kw_quantity_show_time(ride->median_s, median) : "no end seen",
            isfinite(ride->sure_s) ? kw_quantity_show_time(ride->sure_s, sure) : "no end seen");
    }
}

static void put_totals(FILE *file, const struct kw_plan_report *report)
{
    const struct kw_plan_answer *answer = report->answer;
    const struct kw_plan_estimate *estimate = &answer->estimate;
    text a, b;

    fprintf(file, "\ncores         %u, making pairs for %s of the time\n", answer->settings.cores,
        share_cell(&estimate->utilisation, a));
    fprintf(file, "memory        %s of pools\n", kw_quantity_show_bytes(estimate->memory_bytes, a));
    fprintf(file, "cold fill     %s until all pools are full\n",
        kw_quantity_show_time(answer->cold_fill.all_s, a));
    fprintf(file, "saturates at  %.3g times this demand, %s requests/s\n", answer->saturation_factor,
        kw_quantity_show_rate(answer->saturation_per_s, a));
    if (answer->cost_per_hour > 0)
        fprintf(file, "cost          %.4g an hour, %.4g for a million pairs\n", answer->cost_per_hour,
            answer->cost_per_million_pairs);
    fprintf(file, "simulated     %u runs of %s, %s requests, seed %llu\n", estimate->runs,
        kw_quantity_show_time(estimate->duration_s, a), kw_quantity_show_rate((double)estimate->requests, b),
        (unsigned long long)report->seed);
}

static void put_fleet(FILE *file, const struct kw_plan_report *report)
{
    const struct kw_plan_fleet_answer *fleet = report->fleet;
    text a, b;

    fprintf(file,
        "\nFleet         %u machines, %u of them lost, %s requests/s in all; above is each of the %u left\n",
        fleet->nodes, fleet->lost, kw_quantity_show_rate(fleet->rate_per_s, a), fleet->nodes - fleet->lost);
    fprintf(file, "cores         %.0f in all, memory %s, saturated at %s requests/s\n", fleet->cores,
        kw_quantity_show_bytes(fleet->memory_bytes, a), kw_quantity_show_rate(fleet->saturation_per_s, b));
    if (fleet->cost_per_hour > 0)
        fprintf(file, "cost          %.4g an hour in all, %.4g for a million pairs\n", fleet->cost_per_hour,
            fleet->cost_per_million_pairs);
    fprintf(file, "none lost     each makes pairs for %s of the time; misses:",
        share_cell(&fleet->all_up.utilisation, a));
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(report, spec))
            fprintf(file, " %s %s", kw_spec_info((enum kw_spec)spec)->name,
                share_cell(&fleet->all_up.spec[spec].miss_share, a));
    fprintf(file, "\nback empty    a machine that comes back is full after %s\n",
        kw_quantity_show_time(fleet->refill.all_s, a));
}

static void put_sensitivity(FILE *file, const struct kw_plan_report *report)
{
    const struct kw_plan_answer *answer = report->answer;

    if (!(answer->sensitivity[0].factor > 0))
        return;
    fprintf(file, "\n%-10s %-30s %s\n", "demand", "with these settings", "the least that hold it");
    for (unsigned i = 0; i < KW_PLAN_SENSITIVITIES; i++) {
        const struct kw_plan_sensitivity *row = &answer->sensitivity[i];
        text use, misses;

        snprintf(use, sizeof(use), "cores at %.3g %%", row->utilisation.value * 100);
        fprintf(file, "x %-8.3g %-30s ", row->factor, use);
        if (row->verdict == KW_PLAN_HOLDS)
            fprintf(file, "%u core%s:", row->cores, row->cores == 1 ? "" : "s");
        else
            fprintf(file, "out of reach within the limits");
        for (unsigned spec = 0; spec < KW_SPEC_NUM && row->verdict == KW_PLAN_HOLDS; spec++)
            if (is_wanted(report, spec))
                fprintf(file, " %s %u", kw_spec_info((enum kw_spec)spec)->name, row->depth[spec]);
        fprintf(file, "\n");
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
            if (is_wanted(report, spec))
                fprintf(file, "%-10s %s misses %s\n", "", kw_spec_info((enum kw_spec)spec)->name,
                    share_cell(&row->miss_share[spec], misses));
    }
}

void kw_plan_report_table(FILE *file, const struct kw_plan_report *report)
{
    char sentence[1024], objective[1024];

    kw_plan_report_sentence(report, sentence, sizeof(sentence));
    kw_plan_report_objective(report, objective, sizeof(objective));
    fprintf(file, "%s.\nObjective: %s.\n", sentence, objective);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        char demand[160];

        if (!is_wanted(report, spec))
            continue;
        kw_plan_demand_text(&report->of->demand[spec], demand, sizeof(demand));
        fprintf(file, "%s comes %s.\n", kw_spec_info((enum kw_spec)spec)->name, demand);
    }
    if (report->answer->verdict == KW_PLAN_UNREACHABLE && !report->given)
        fprintf(file, "The best within the limits:\n");
    fprintf(file, "\n");
    put_specs(file, report, &report->answer->estimate);
    put_bursts(file, report);
    put_totals(file, report);
    if (report->fleet != NULL)
        put_fleet(file, report);
    put_sensitivity(file, report);
}
