/* The report as JSON; docs/load.md lists its members. */
#include "tools/loadreport.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <sys/utsname.h>

static const struct {
    const char *name;
    double percent;
} percentiles[] = {
    {"p50", 50},
    {"p75", 75},
    {"p90", 90},
    {"p95", 95},
    {"p99", 99},
    {"p99.9", 99.9},
    {"p99.99", 99.99},
    {"p99.999", 99.999},
};

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *latency_of(const struct kw_hdr *hdr)
{
    json_t *latency = json_object();

    if (hdr->total == 0) {
        json_decref(latency);
        return json_null();
    }
    json_object_set_new(latency, "mean", json_real(kw_hdr_mean(hdr) / 1e3));
    for (unsigned i = 0; i < KW_ARRAY_LEN(percentiles); i++)
        json_object_set_new(latency, percentiles[i].name,
            json_real((double)kw_hdr_percentile(hdr, percentiles[i].percent, 0) / 1e3));
    json_object_set_new(latency, "max", json_real((double)hdr->max_ns / 1e3));
    return latency;
}

static void put_tally(json_t *to, const struct kw_load_tally *tally)
{
    json_t *errors = json_object();

    for (unsigned i = 0; i < tally->num_errors; i++)
        json_object_set_new(errors, tally->errors[i].name, json_integer((json_int_t)tally->errors[i].num));
    json_object_set_new(to, "asked_per_second", json_real(kw_load_tally_asked(tally)));
    json_object_set_new(to, "good_per_second", json_real(kw_load_tally_achieved(tally)));
    json_object_set_new(to, "requests", json_integer((json_int_t)tally->due));
    json_object_set_new(to, "good", json_integer((json_int_t)tally->good));
    json_object_set_new(to, "failed", json_integer((json_int_t)tally->failed));
    json_object_set_new(to, "errors", errors);
    json_object_set_new(to, "misses", json_integer((json_int_t)tally->misses));
    json_object_set_new(to, "bytes_per_answer",
        tally->good + tally->failed > 0
            ? json_real((double)tally->bytes_in / (double)(tally->good + tally->failed))
            : json_null());
    json_object_set_new(to, "latency_us", latency_of(&tally->latency));
}

static json_t *slos_of(const struct kw_load_report *report, const struct kw_load_result *result)
{
    json_t *slos = json_array();

    for (unsigned i = 0; i < report->num_slos; i++) {
        const struct kw_load_slo *slo = &report->slos[i];
        double value = kw_load_slo_value(slo, &result->total);
        json_t *entry = json_object();

        json_object_set_new(entry, "objective", json_string(slo->text));
        json_object_set_new(entry, "met", json_boolean(kw_load_slo_met(slo, &result->total)));
        json_object_set_new(entry, slo->kind >= KW_LOAD_SLO_ERRORS ? "share" : "us",
            real(slo->kind >= KW_LOAD_SLO_ERRORS ? value : value / 1e3));
        json_array_append_new(slos, entry);
    }
    return slos;
}

static json_t *ops_of(const struct kw_load_report *report, const struct kw_load_result *result)
{
    json_t *ops = json_array();

    for (unsigned i = 0; i < report->plan->num_ops; i++) {
        json_t *entry = json_object();

        json_object_set_new(entry, "operation", json_string(report->plan->ops[i].name));
        json_object_set_new(entry, "weight", json_integer((json_int_t)report->plan->ops[i].weight));
        put_tally(entry, &result->ops[i]);
        json_array_append_new(ops, entry);
    }
    return ops;
}

static json_t *result_of(const struct kw_load_report *report, const struct kw_load_result *result)
{
    json_t *entry = json_object();

    json_object_set_new(entry, "rate", json_real(result->rate));
    json_object_set_new(entry, "began", json_real((double)result->began_ms / 1e3));
    json_object_set_new(entry, "seconds", json_real(result->total.seconds));
    put_tally(entry, &result->total);
    json_object_set_new(entry, "operations", ops_of(report, result));
    json_object_set_new(entry, "objectives", slos_of(report, result));
    json_object_set_new(entry, "met", report->num_slos > 0 ? json_boolean(result->met) : json_null());
    json_object_set_new(entry, "valid", json_boolean(result->valid));
    json_object_set_new(entry, "invalid", result->valid ? json_null() : json_string(result->invalid));
    json_object_set_new(entry, "interrupted", json_boolean(result->interrupted));
    json_object_set_new(entry, "generator_core", json_real(result->use));
    json_object_set_new(entry, "generator_late_us", latency_of(&result->lateness));
    json_object_set_new(entry, "reconnects", json_integer((json_int_t)result->reconnects));
    json_object_set_new(entry, "steal", json_real(result->steal));
    json_object_set_new(entry, "io", json_string(result->wire != NULL ? result->wire : "none"));
    return entry;
}

static json_t *setup_of(const struct kw_load_report *report)
{
    const struct kw_load_plan *plan = report->plan;
    json_t *setup = json_object();
    char text[512];
    struct utsname system;

    kw_load_describe(plan, text, sizeof(text));
    json_object_set_new(setup, "operations", json_string(text));
    snprintf(text, sizeof(text), "%s://%s", plan->endpoint.tls ? "https" : "http", plan->endpoint.header);
    json_object_set_new(setup, "endpoint", json_string(text));
    json_object_set_new(setup, "tls", report->tls[0] != '\0' ? json_string(report->tls) : json_null());
    json_object_set_new(setup, "connections", json_integer(plan->num_connections));
    json_object_set_new(setup, "threads", json_integer(plan->num_threads));
    json_object_set_new(setup, "arrivals", json_string(plan->poisson ? "poisson" : "constant"));
    json_object_set_new(setup, "burst_seconds", json_real((double)plan->burst_on_ns / 1e9));
    json_object_set_new(setup, "quiet_seconds", json_real((double)plan->burst_quiet_ns / 1e9));
    json_object_set_new(setup, "seed", json_integer((json_int_t)plan->seed));
    json_object_set_new(setup, "signed", json_boolean(plan->ops[0].request.is_signed));
    json_object_set_new(setup, "warm_up_seconds", json_real(report->warm_up_s));
    json_object_set_new(setup, "duration_seconds", json_real(report->duration_s));
    if (uname(&system) == 0)
        json_object_set_new(setup, "kernel", json_string(system.release));
    return setup;
}

int kw_load_write_json(const struct kw_load_report *report, const char *path)
{
    json_t *document = json_object(), *results = json_array();
    int r;

    for (unsigned i = 0; i < report->num_results; i++)
        json_array_append_new(results, result_of(report, report->results[i]));
    json_object_set_new(document, "setup", setup_of(report));
    json_object_set_new(document, "results", results);
    if (report->swept)
        json_object_set_new(document, "best_rate",
            report->has_best ? json_real(report->results[report->best]->rate) : json_null());
    errno = 0;
    if (strcmp(path, "-") == 0)
        r = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 && puts("") >= 0
                ? 0
                : -EIO;
    else
        r = json_dump_file(document, path, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 ? 0
            : errno > 0                                                                  ? -errno
                                                                                         : -EIO;
    json_decref(document);
    return r;
}
