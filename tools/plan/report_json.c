#include "tools/plan/demandtext.h"
#include "tools/plan/report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *figure(const struct kw_plan_figure *of)
{
    return json_pack("{s:o,s:o}", "value", number(of->value), "error", number(of->error));
}

static bool is_wanted(const struct kw_plan_report *report, unsigned spec)
{
    return report->of->demand[spec].kind != KW_PLAN_NONE;
}

static const char *name_of(unsigned spec)
{
    return kw_spec_info((enum kw_spec)spec)->name;
}

/* What keywell plan apply reads. */
static json_t *settings_json(const struct kw_plan_report *report)
{
    const struct kw_plan_settings *settings = &report->answer->settings;
    json_t *pools = json_object(), *on_empty = json_object();
    json_t *all = json_pack("{s:i,s:o,s:o,s:o}", "cores", (int)settings->cores, "cpu_share",
        number(settings->cpu_share), "pools", pools, "on_empty", on_empty);

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        json_object_set_new(
            pools, name_of(spec), json_integer(is_wanted(report, spec) ? settings->depth[spec] : 0));
        if (is_wanted(report, spec))
            json_object_set_new(
                on_empty, name_of(spec), json_string(kw_on_empty_name(settings->on_empty[spec])));
    }
    if (settings->wait_s > 0)
        json_object_set_new(all, "pool_wait_ms", json_integer((json_int_t)round(settings->wait_s * 1e3)));
    if (settings->generate_max > 0)
        json_object_set_new(all, "generate_max", json_integer((json_int_t)settings->generate_max));
    return all;
}

static json_t *spec_json(const struct kw_plan_spec_estimate *seen)
{
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "demand_per_second",
        figure(&seen->demand_per_s), "miss_share", figure(&seen->miss_share), "hit_rate",
        figure(&seen->hit_rate), "refused_share", figure(&seen->refused_share), "refill_per_second",
        figure(&seen->refill_per_s), "utilisation", figure(&seen->utilisation), "level", figure(&seen->level),
        "wait_p50_seconds", number(seen->wait_p50_s), "wait_p99_seconds", number(seen->wait_p99_s));
}

static json_t *specs_json(
    const struct kw_plan_report *report, const struct kw_plan_estimate *estimate, bool bursts)
{
    const struct kw_plan_answer *answer = report->answer;
    json_t *all = json_object();

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_ride_out *ride = &answer->ride_out[spec];
        json_t *one;

        if (!is_wanted(report, spec))
            continue;
        one = spec_json(&estimate->spec[spec]);
        if (bursts) {
            json_object_set_new(one, "depth", json_integer(answer->settings.depth[spec]));
            json_object_set_new(one, "cold_fill_seconds", number(answer->cold_fill.spec_s[spec]));
            json_object_set_new(one, "burst",
                json_pack("{s:o,s:o,s:o}", "requests_per_second", number(ride->burst_per_s), "median_seconds",
                    number(ride->median_s), "seconds_of_95_percent", number(ride->sure_s)));
        }
        json_object_set_new(all, name_of(spec), one);
    }
    return all;
}

static json_t *sensitivity_json(const struct kw_plan_report *report)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < KW_PLAN_SENSITIVITIES; i++) {
        const struct kw_plan_sensitivity *row = &report->answer->sensitivity[i];
        json_t *depths = json_object(), *misses = json_object();
        bool holds = row->verdict == KW_PLAN_HOLDS;

        if (row->factor > 0)
            json_array_append_new(
                all, json_pack("{s:f,s:b,s:i,s:O,s:O,s:o}", "factor", row->factor, "reachable", holds,
                         "cores", (int)row->cores, "pools", depths, "miss_share_with_these_settings", misses,
                         "utilisation_with_these_settings", figure(&row->utilisation)));
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
            if (!is_wanted(report, spec))
                continue;
            if (holds)
                json_object_set_new(depths, name_of(spec), json_integer(row->depth[spec]));
            json_object_set_new(misses, name_of(spec), figure(&row->miss_share[spec]));
        }
        json_decref(depths);
        json_decref(misses);
    }
    return all;
}

static json_t *objective_json(const struct kw_plan_report *report)
{
    bool share = report->objective->kind == KW_PLAN_MISS_SHARE;
    json_t *values = json_object();

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(report, spec))
            json_object_set_new(values, name_of(spec), number(report->objective->value[spec]));
    return json_pack("{s:s,s:o}", "kind", share ? "miss_share" : "p99_wait_seconds", "at_most", values);
}

static json_t *demand_json(const struct kw_plan_report *report)
{
    json_t *all = json_object();
    char text[160];

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_demand *demand = &report->of->demand[spec];

        if (!is_wanted(report, spec))
            continue;
        kw_plan_demand_text(demand, text, sizeof(text));
        json_object_set_new(all, name_of(spec),
            json_pack("{s:s,s:o,s:o}", "what", text, "mean_per_second", number(kw_plan_demand_mean(demand)),
                "peak_per_second", number(kw_plan_demand_peak(demand))));
    }
    return all;
}

static json_t *fleet_json(const struct kw_plan_report *report)
{
    const struct kw_plan_fleet_answer *fleet = report->fleet;

    return json_pack("{s:i,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "machines", (int)fleet->nodes, "lost",
        (int)fleet->lost, "requests_per_second", number(fleet->rate_per_s), "cores", number(fleet->cores),
        "memory_bytes", number(fleet->memory_bytes), "saturation_per_second", number(fleet->saturation_per_s),
        "cost_per_hour", number(fleet->cost_per_hour), "cost_per_million_pairs",
        number(fleet->cost_per_million_pairs), "back_empty_full_after_seconds", number(fleet->refill.all_s),
        "none_lost", specs_json(report, &fleet->all_up, false));
}

static json_t *plots_json(const struct kw_plan_report *report)
{
    const struct kw_plan_level_plot *level = &report->level;
    json_t *misses = json_object(), *points = json_array();

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_miss_plot *plot = &report->miss[spec];
        json_t *rows = json_array();

        for (unsigned i = 0; i < plot->num; i++)
            json_array_append_new(rows,
                json_pack("{s:i,s:o}", "depth", (int)plot->depth[i], "miss_share", figure(&plot->miss[i])));
        if (plot->num > 0)
            json_object_set(misses, name_of(spec), rows);
        json_decref(rows);
    }
    for (size_t i = 0; i < level->num; i++)
        json_array_append_new(
            points, json_pack("[f,i]", level->points[i].time_s, (int)level->points[i].level[level->spec]));
    return json_pack("{s:o,s:{s:s,s:o,s:o,s:o,s:o}}", "miss_by_depth", misses, "burst", "spec",
        name_of(level->spec), "requests_per_second", number(level->burst_per_s), "begins_seconds",
        number(level->begin_s), "lasts_seconds", number(level->burst_s), "levels", points);
}

char *kw_plan_report_json(const struct kw_plan_report *report)
{
    const struct kw_plan_answer *answer = report->answer;
    const struct kw_plan_profile *profile = report->of->profile;
    bool holds = answer->verdict == KW_PLAN_HOLDS;
    char sentence[1024], *text = NULL, *line = NULL;
    json_t *root;

    kw_plan_report_sentence(report, sentence, sizeof(sentence));
    root = json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I}", "format",
        "keywell-plan-1", "verdict",
        holds           ? "holds"
        : report->given ? "does not hold"
                        : "unreachable",
        "sentence", sentence, "objective", objective_json(report), "demand", demand_json(report), "settings",
        settings_json(report), "specs", specs_json(report, &answer->estimate, true), "utilisation",
        figure(&answer->estimate.utilisation), "memory_bytes", number(answer->estimate.memory_bytes),
        "cold_fill_seconds", number(answer->cold_fill.all_s), "saturation_factor",
        number(answer->saturation_factor), "saturation_per_second", number(answer->saturation_per_s),
        "cost_per_hour", number(answer->cost_per_hour), "cost_per_million_pairs",
        number(answer->cost_per_million_pairs), "seed", (json_int_t)report->seed);
    if (root != NULL) {
        json_object_set_new(root, "profile",
            json_pack("{s:s,s:s,s:i}", "cpu", profile->cpu_model, "path", kw_cpu_path_name(profile->path),
                "cores", (int)profile->cores));
        json_object_set_new(root, "simulated",
            json_pack("{s:i,s:o,s:I}", "runs", (int)answer->estimate.runs, "seconds",
                number(answer->estimate.duration_s), "requests", (json_int_t)answer->estimate.requests));
        json_object_set_new(root, "sensitivity", sensitivity_json(report));
        if (report->fleet != NULL)
            json_object_set_new(root, "fleet", fleet_json(report));
        if (report->level.num > 0)
            json_object_set_new(root, "plots", plots_json(report));
        text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    }
    json_decref(root);
    if (text != NULL && asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    return line;
}
