#include "tools/loadreport.h"

#include <math.h>

static const double shown[] = {50, 90, 99, 99.9};

/* "812 us", "1.23 ms", "-": nothing of that kind. */
static const char *duration_text(double ns, char text[24])
{
    if (ns <= 0)
        snprintf(text, 24, "-");
    else if (isinf(ns) || ns >= (double)UINT64_MAX)
        snprintf(text, 24, "failed");
    else if (ns < 1e6)
        snprintf(text, 24, "%.*f us", ns < 1e5 ? 1 : 0, ns / 1e3);
    else if (ns < 1e9)
        snprintf(text, 24, "%.*f ms", ns < 1e7 ? 2 : 1, ns / 1e6);
    else
        snprintf(text, 24, "%.2f s", ns / 1e9);
    return text;
}

void kw_load_describe(const struct kw_load_plan *plan, char *ret, size_t cap)
{
    uint64_t sum = plan->ops[plan->num_ops - 1].threshold;
    size_t len = 0;

    if (plan->num_ops == 1) {
        snprintf(ret, cap, "%s", plan->ops[0].name);
        return;
    }
    for (unsigned i = 0; i < plan->num_ops && len < cap; i++)
        len += (size_t)snprintf(ret + len, cap - len, "%s%.3g %% %s", i > 0 ? ", " : "",
            100 * (double)plan->ops[i].weight / (double)sum, plan->ops[i].name);
}

void kw_load_print_heading(FILE *file, const struct kw_load_report *report)
{
    const struct kw_load_plan *plan = report->plan;
    char what[512];

    kw_load_describe(plan, what, sizeof(what));
    fprintf(file, "%s\n%s://%s%s%s, %u connection%s, %u thread%s, %s%s, %g s after %g s of warm-up\n", what,
        plan->endpoint.tls ? "https" : "http", plan->endpoint.header, report->tls[0] != '\0' ? ", " : "",
        report->tls, plan->num_connections, plan->num_connections == 1 ? "" : "s", plan->num_threads,
        plan->num_threads == 1 ? "" : "s", plan->poisson ? "Poisson arrivals" : "equal gaps",
        plan->burst_on_ns > 0 ? " in bursts" : "", report->duration_s, report->warm_up_s);
    fprintf(file, "\n%10s %10s %10s %8s %8s %9s %9s %9s %9s %9s %5s  %s\n", "rate/s", "good/s", "requests",
        "failed", "missed", "p50", "p90", "p99", "p99.9", "max", "core", "");
}

static void print_tally(FILE *file, const struct kw_load_tally *tally)
{
    char text[24];

    fprintf(file, " %10.0f %10llu %8llu %8llu", kw_load_tally_achieved(tally), (unsigned long long)tally->due,
        (unsigned long long)tally->failed, (unsigned long long)tally->misses);
    for (unsigned i = 0; i < KW_ARRAY_LEN(shown); i++)
        fprintf(file, " %9s", duration_text((double)kw_hdr_percentile(&tally->latency, shown[i], 0), text));
    fprintf(file, " %9s", duration_text((double)tally->latency.max_ns, text));
}

static void print_slos(FILE *file, const struct kw_load_report *report, const struct kw_load_result *result)
{
    for (unsigned i = 0; i < report->num_slos; i++) {
        const struct kw_load_slo *slo = &report->slos[i];
        double value = kw_load_slo_value(slo, &result->total);
        char text[24];

        if (kw_load_slo_met(slo, &result->total))
            continue;
        if (slo->kind >= KW_LOAD_SLO_ERRORS)
            snprintf(text, sizeof(text), "%.3g %%", value * 100);
        else
            duration_text(value, text);
        fprintf(file, "           missed: %s: it was %s\n", slo->text, text);
    }
}

void kw_load_print_result(
    FILE *file, const struct kw_load_report *report, const struct kw_load_result *result)
{
    const struct kw_load_plan *plan = report->plan;

    fprintf(file, "%10.0f", result->rate);
    print_tally(file, &result->total);
    fprintf(file, " %3.0f %%  %s\n", result->use * 100,
        !result->valid          ? "INVALID"
        : report->num_slos == 0 ? ""
        : result->met           ? "met"
                                : "missed");
    for (unsigned i = 0; i < plan->num_ops && plan->num_ops > 1; i++) {
        fprintf(file, "%10s", "");
        print_tally(file, &result->ops[i]);
        fprintf(file, "        %s\n", plan->ops[i].name);
    }
    for (unsigned i = 0; i < result->total.num_errors; i++)
        fprintf(file, "           failed: %llu of %s\n", (unsigned long long)result->total.errors[i].num,
            result->total.errors[i].name);
    print_slos(file, report, result);
    if (!result->valid)
        fprintf(file, "           invalid: %s\n", result->invalid);
    if (result->steal > 0.01)
        fprintf(file, "           note: %.1f %% of all cores' time was stolen by the hypervisor\n",
            result->steal * 100);
    fflush(file);
}

void kw_load_print_progress(FILE *file, const struct kw_load_report *report,
    const struct kw_load_result *so_far, double ended_s, double seconds, const struct kw_load_tally *ops)
{
    uint64_t good = 0, failed = 0, misses = 0;
    uint64_t p50 = 0, p99 = 0;
    char a[24], b[24];

    for (unsigned i = 0; i < report->plan->num_ops; i++) {
        good += ops[i].good;
        failed += ops[i].failed;
        misses += ops[i].misses;
        p50 = KW_MAX(p50, kw_hdr_percentile(&ops[i].latency, 50, 0));
        p99 = KW_MAX(p99, kw_hdr_percentile(&ops[i].latency, 99, 0));
    }
    if (ended_s <= report->warm_up_s) {
        fprintf(file, "%.0f/s: warm-up, %.0f of %g s", so_far->rate, ended_s, report->warm_up_s);
        return;
    }
    fprintf(file, "%.0f/s: %.0f of %g s, %.0f/s good, p50 %s, p99 %s", so_far->rate,
        ended_s - report->warm_up_s, report->duration_s, seconds > 0 ? (double)good / seconds : 0,
        duration_text((double)p50, a), duration_text((double)p99, b));
    if (failed > 0)
        fprintf(file, ", %llu FAILED", (unsigned long long)failed);
    if (misses > 0)
        fprintf(file, ", %llu missed", (unsigned long long)misses);
}
