#include "tools/plan/report.h"

#include "tools/plan/quantity.h"

#include <math.h>

#define PLOT_REQUESTS 200000u

static bool is_wanted(const struct kw_plan_report *report, unsigned spec)
{
    return report->of->demand[spec].kind != KW_PLAN_NONE;
}

/* Adds formatted text at len, as far as there is room. */
KW_PRINTF(4, 5)
static size_t add(char *to, size_t cap, size_t len, const char *format, ...)
{
    va_list arguments;
    int num;

    if (len >= cap)
        return len;
    va_start(arguments, format);
    num = vsnprintf(to + len, cap - len, format, arguments);
    va_end(arguments);
    return len + (size_t)KW_MAX(num, 0);
}

/* ---- sentences ---- */

static size_t add_objective(
    const struct kw_plan_report *report, const char *whose, double value, char *ret, size_t cap, size_t len)
{
    char text[KW_QUANTITY_MAX];

    if (report->objective->kind == KW_PLAN_MISS_SHARE)
        return add(ret, cap, len, "%sat most %s of the requests for %s miss the pool", len > 0 ? "; " : "",
            kw_quantity_show_share(value, text), whose);
    return add(ret, cap, len, "%s99 %% of the requests for %s get a pair within %s", len > 0 ? "; " : "",
        whose, kw_quantity_show_time(value, text));
}

void kw_plan_report_objective(const struct kw_plan_report *report, char *ret, size_t cap)
{
    const double *value = report->objective->value;
    unsigned num = 0, first = 0;
    bool same = true;
    size_t len = 0;

    for (unsigned spec = KW_SPEC_NUM; spec-- > 0;) {
        if (!is_wanted(report, spec))
            continue;
        same &= num++ == 0 || value[spec] == value[first];
        first = spec;
    }
    ret[0] = '\0';
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(report, spec) && (!same || num == 1 || spec == first))
            len =
                add_objective(report, same && num > 1 ? "each spec" : kw_spec_info((enum kw_spec)spec)->name,
                    value[spec], ret, cap, len);
}

static size_t add_settings(const struct kw_plan_report *report, const struct kw_plan_settings *settings,
    char *ret, size_t cap, size_t len)
{
    unsigned num = 0;

    len = add(ret, cap, len, "%u core%s and pools of ", settings->cores, settings->cores == 1 ? "" : "s");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (is_wanted(report, spec))
            len = add(ret, cap, len, "%s%u %s", num++ > 0 ? ", " : "", settings->depth[spec],
                kw_spec_info((enum kw_spec)spec)->name);
    return len;
}

void kw_plan_report_sentence(const struct kw_plan_report *report, char *ret, size_t cap)
{
    const struct kw_plan_answer *answer = report->answer;
    size_t len = 0;

    if (answer->verdict == KW_PLAN_UNREACHABLE && answer->why[0] != '\0') {
        add(ret, cap, 0, "%c%s", answer->why[0] - (answer->why[0] >= 'a' && answer->why[0] <= 'z' ? 32 : 0),
            answer->why + 1);
        return;
    }
    if (report->fleet != NULL)
        len = add(ret, cap, len, "%u machines, each with ", report->fleet->nodes);
    len = add_settings(report, &answer->settings, ret, cap, len);
    len = add(ret, cap, len, " hold the objective");
    if (report->fleet != NULL && report->fleet->lost > 0)
        add(ret, cap, len, " while %u of them %s lost", report->fleet->lost,
            report->fleet->lost == 1 ? "is" : "are");
}

/* ---- what the drawings show ---- */

/* Around the answer's depth, at even ratios, from an eighth to four times. */
static void choose_depths(uint32_t depth, struct kw_plan_miss_plot *ret)
{
    ret->num = 0;
    for (unsigned i = 0; i < KW_PLAN_PLOT_DEPTHS; i++) {
        double wanted = depth * pow(2, -3 + 5.0 * i / (KW_PLAN_PLOT_DEPTHS - 1));
        uint32_t value = (uint32_t)fmax(1, round(wanted));

        if (ret->num == 0 || value > ret->depth[ret->num - 1])
            ret->depth[ret->num++] = value;
    }
}

static int plot_misses(struct kw_plan_report *report, const struct kw_plan_effort *effort)
{
    struct kw_plan_case of = *report->of;
    struct kw_plan_effort less = *effort;

    of.settings = report->answer->settings;
    if (less.requests == 0 || less.requests > PLOT_REQUESTS)
        less.requests = PLOT_REQUESTS;
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        struct kw_plan_miss_plot *plot = &report->miss[spec];

        if (!is_wanted(report, spec))
            continue;
        choose_depths(of.settings.depth[spec], plot);
        KW_TRY(kw_plan_miss_by_depth(&of, (enum kw_spec)spec, plot->depth, plot->num, &less, plot->miss));
    }
    return 0;
}

/* The spec whose pool lasts for the shortest time. */
static unsigned first_to_run_dry(const struct kw_plan_report *report)
{
    unsigned found = 0;
    double least_s = INFINITY;

    for (unsigned spec = KW_SPEC_NUM; spec-- > 0;) {
        if (is_wanted(report, spec) && report->answer->ride_out[spec].median_s <= least_s) {
            least_s = report->answer->ride_out[spec].median_s;
            found = spec;
        }
    }
    return found;
}

static int plot_levels(struct kw_plan_report *report, uint64_t seed)
{
    struct kw_plan_level_plot *plot = &report->level;
    struct kw_plan_case of = *report->of;
    unsigned spec = first_to_run_dry(report);
    const struct kw_plan_ride_out *ride = &report->answer->ride_out[spec];
    double lasts_s = isfinite(ride->median_s) ? 1.1 * ride->median_s : ride->horizon_s;

    of.settings = report->answer->settings;
    *plot = (struct kw_plan_level_plot){.num = KW_PLAN_PLOT_POINTS,
        .spec = (enum kw_spec)spec,
        .burst_per_s = ride->burst_per_s,
        .begin_s = 0.1 * lasts_s,
        .burst_s = lasts_s,
        .end_s = 3 * lasts_s};
    return kw_plan_trace_burst(&of, plot->spec, plot->burst_per_s, plot->begin_s, plot->burst_s, plot->end_s,
        seed, plot->points, plot->num);
}

int kw_plan_report_plots(struct kw_plan_report *report, const struct kw_plan_effort *effort)
{
    KW_TRY(plot_misses(report, effort));
    return plot_levels(report, effort->seed);
}
