#include "api/metrics.h"

#include "api/call.h"
#include "api/log.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void family(struct kw_sbuf *out, const char *name, const char *type, const char *help)
{
    kw_sbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void plain(struct kw_sbuf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    family(out, name, type, help);
    kw_sbuf_printf(out, "%s %" PRIu64 "\n", name, value);
}

/* labels: "spec=\"RSA_2048\"" or empty. */
static void histogram(
    struct kw_sbuf *out, const char *name, const char *labels, const struct kw_histogram *from)
{
    const char *comma = labels[0] != '\0' ? "," : "";
    uint64_t total = 0;

    for (unsigned i = 0; i < KW_HISTOGRAM_BUCKETS; i++) {
        double bound = kw_histogram_bound_s(i);

        total += load(&from->count[i]);
        if (isinf(bound))
            kw_sbuf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, total);
        else
            kw_sbuf_printf(
                out, "%s_bucket{%s%sle=\"%.6f\"} %" PRIu64 "\n", name, labels, comma, bound, total);
    }
    if (labels[0] != '\0')
        kw_sbuf_printf(out, "%s_sum{%s} %.9f\n%s_count{%s} %" PRIu64 "\n", name, labels,
            (double)load(&from->sum_ns) / 1e9, name, labels, total);
    else
        kw_sbuf_printf(
            out, "%s_sum %.9f\n%s_count %" PRIu64 "\n", name, (double)load(&from->sum_ns) / 1e9, name, total);
}

/* ---- pools ---- */

static double pool_level(const struct kw_pool_stats *stats)
{
    return stats->level;
}
static double pool_capacity(const struct kw_pool_stats *stats)
{
    return stats->capacity;
}
static double pool_low(const struct kw_pool_stats *stats)
{
    return stats->low_watermark;
}
static double pool_high(const struct kw_pool_stats *stats)
{
    return stats->high_watermark;
}
static double pool_waiters(const struct kw_pool_stats *stats)
{
    return stats->waiters;
}
static double pool_pushes(const struct kw_pool_stats *stats)
{
    return (double)stats->pushes;
}
static double pool_pops(const struct kw_pool_stats *stats)
{
    return (double)stats->pops;
}
static double pool_misses(const struct kw_pool_stats *stats)
{
    return (double)stats->misses;
}
static double pool_timeouts(const struct kw_pool_stats *stats)
{
    return (double)stats->timeouts;
}
static double pool_rejects(const struct kw_pool_stats *stats)
{
    return (double)stats->rejects;
}

static const struct {
    const char *name, *type, *help;
    double (*value)(const struct kw_pool_stats *stats);
} pool_families[] = {
    {"keywell_pool_level", "gauge", "Key pairs ready in the pool.", pool_level},
    {"keywell_pool_capacity", "gauge", "Key pairs that the pool holds at most.", pool_capacity},
    {"keywell_pool_low_watermark", "gauge", "Level below which refilling starts.", pool_low},
    {"keywell_pool_high_watermark", "gauge", "Level at which refilling stops.", pool_high},
    {"keywell_pool_waiters", "gauge", "Requests waiting for a pair.", pool_waiters},
    {"keywell_pool_pushes_total", "counter", "Key pairs put into the pool.", pool_pushes},
    {"keywell_pool_pops_total", "counter", "Key pairs handed out.", pool_pops},
    {"keywell_pool_misses_total", "counter", "Requests that found no pair ready.", pool_misses},
    {"keywell_pool_timeouts_total", "counter", "Waits that ended without a pair.", pool_timeouts},
    {"keywell_pool_rejects_total", "counter", "Waits refused because too many waited.", pool_rejects},
};

static const char *const use_names[KW_POOL_USES] = {
    [KW_POOL_HIT] = "hit",
    [KW_POOL_WAITED] = "waited",
    [KW_POOL_GENERATED] = "generated",
    [KW_POOL_REJECTED] = "rejected",
    [KW_POOL_TIMED_OUT] = "timed_out",
    [KW_POOL_ABANDONED] = "abandoned",
};

static void write_uses(const struct kw_metrics_sources *sources, struct kw_sbuf *out)
{
    family(out, "keywell_pool_requests_total", "counter",
        "Requests for pairs, by how they fared: all but a hit found the pool empty.");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        for (unsigned use = KW_POOL_HIT; use < KW_POOL_USES && sources->pools[spec] != NULL; use++)
            kw_sbuf_printf(out, "keywell_pool_requests_total{spec=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                kw_spec_info((enum kw_spec)spec)->name, use_names[use],
                load(&sources->metrics->pool_use[spec][use]));
    }
}

/* Hits are not recorded one by one: they wait no time. */
static void write_waits(const struct kw_metrics *metrics, enum kw_spec spec, struct kw_sbuf *out)
{
    const struct kw_histogram *waits = &metrics->pool_wait[spec];
    struct kw_histogram all = {.sum_ns = load(&waits->sum_ns)};
    char labels[64];

    for (unsigned i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
        atomic_init(&all.count[i], load(&waits->count[i]));
    atomic_fetch_add_explicit(
        &all.count[0], load(&metrics->pool_use[spec][KW_POOL_HIT]), memory_order_relaxed);
    snprintf(labels, sizeof(labels), "spec=\"%s\"", kw_spec_info(spec)->name);
    histogram(out, "keywell_pool_wait_seconds", labels, &all);
}

static void write_pools(const struct kw_metrics_sources *sources, struct kw_sbuf *out)
{
    for (size_t f = 0; f < KW_ARRAY_LEN(pool_families); f++) {
        family(out, pool_families[f].name, pool_families[f].type, pool_families[f].help);
        for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
            struct kw_pool_stats stats;

            if (sources->pools[spec] == NULL)
                continue;
            kw_pool_stats(sources->pools[spec], &stats);
            kw_sbuf_printf(out, "%s{spec=\"%s\"} %.0f\n", pool_families[f].name,
                kw_spec_info((enum kw_spec)spec)->name, pool_families[f].value(&stats));
        }
    }
    family(out, "keywell_pool_wait_seconds", "histogram",
        "Time that requests waited for a pair (a hit waits 0).");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (sources->pools[spec] != NULL)
            write_waits(sources->metrics, (enum kw_spec)spec, out);
    }
    write_uses(sources, out);
}

/* ---- saved pools ---- */

static void by_spec(const struct kw_metrics_sources *sources, struct kw_sbuf *out, const char *name,
    const uint64_t values[KW_SPEC_NUM])
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (sources->pools[spec] != NULL)
            kw_sbuf_printf(out, "%s{spec=\"%s\"} %" PRIu64 "\n", name, kw_spec_info((enum kw_spec)spec)->name,
                values[spec]);
    }
}

static void write_warmstart(const struct kw_metrics_sources *sources, struct kw_sbuf *out)
{
    struct kw_warmstart_stats stats;
    uint64_t reserve[KW_SPEC_NUM];

    kw_warmstart_stats(sources->warmstart, &stats);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        reserve[spec] = stats.reserve[spec];
    family(out, "keywell_pool_restored_pairs_total", "counter", "Key pairs restored from files at start.");
    by_spec(sources, out, "keywell_pool_restored_pairs_total", stats.restored);
    family(out, "keywell_pool_saved_pairs_total", "counter", "Key pairs moved out of service into files.");
    by_spec(sources, out, "keywell_pool_saved_pairs_total", stats.saved);
    family(out, "keywell_pool_reserve_pairs", "gauge", "Key pairs in the reserve for the case of a crash.");
    by_spec(sources, out, "keywell_pool_reserve_pairs", reserve);
    plain(out, "keywell_saved_pools_refused_total", "counter",
        "Files of saved pairs that were not to be used: copies, old or altered ones.", stats.refused);
    plain(out, "keywell_saved_pool_failures_total", "counter",
        "Files of saved pairs that could not be written, read or removed.", stats.failures);
}

/* ---- engine ---- */

static void write_generation(const struct kw_metrics_sources *sources, const struct kw_engine_stats *stats,
    const struct kw_ondemand_stats *made, struct kw_sbuf *out)
{
    family(out, "keywell_generation_seconds", "histogram",
        "Worker time to make one pair, test and encoding included.");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        char labels[64];

        snprintf(labels, sizeof(labels), "spec=\"%s\"", kw_spec_info((enum kw_spec)spec)->name);
        if (sources->pools[spec] != NULL)
            histogram(out, "keywell_generation_seconds", labels, &stats->spec[spec].make_time);
    }
    family(out, "keywell_generation_failures_total", "counter",
        "Key pairs that failed their consistency test or their making, and were kept out.");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (sources->pools[spec] != NULL)
            kw_sbuf_printf(out, "keywell_generation_failures_total{spec=\"%s\"} %" PRIu64 "\n",
                kw_spec_info((enum kw_spec)spec)->name,
                stats->spec[spec].failures + made->spec[spec].failures);
    }
    family(out, "keywell_pool_demand_per_second", "gauge", "Demand as the scheduler sees it.");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (sources->pools[spec] != NULL)
            kw_sbuf_printf(out, "keywell_pool_demand_per_second{spec=\"%s\"} %.3f\n",
                kw_spec_info((enum kw_spec)spec)->name, stats->spec[spec].demand_per_s);
    }
}

static void write_engine(const struct kw_metrics_sources *sources, struct kw_sbuf *out)
{
    struct kw_ondemand_stats made;
    struct kw_engine_stats stats;

    kw_engine_stats(sources->engine, &stats);
    kw_forge_stats(sources->forge, &made);
    plain(out, "keywell_workers", "gauge", "Workers that were started.", stats.workers);
    plain(out, "keywell_workers_awake", "gauge", "Workers making pairs now.", stats.workers_awake);
    plain(out, "keywell_workers_failed", "gauge", "Workers ended by a fatal error.", stats.workers_failed);
    plain(out, "keywell_workers_boosted", "gauge", "Workers at normal priority, for requests that wait.",
        stats.workers_boosted);
    plain(out, "keywell_worker_boosts_total", "counter", "Times that a worker went up to normal priority.",
        stats.boosts);
    family(
        out, "keywell_worker_cpu_seconds_total", "counter", "CPU time that the workers took to fill pools.");
    kw_sbuf_printf(out, "keywell_worker_cpu_seconds_total %.6f\n", (double)stats.cpu_ns / 1e9);
    plain(out, "keywell_forge_threads", "gauge", "Pairs that may be made for requests at once.", made.max);
    plain(out, "keywell_forge_busy", "gauge", "Pairs that are being made for requests now.", made.busy);
    write_generation(sources, &stats, &made, out);
}

/* ---- service ---- */

/* The operation that a row counts. */
static const char *row_name(size_t row)
{
    if (row == KW_METRICS_STS)
        return "GetCallerIdentity";
    return row < kw_num_operations ? kw_operations[row]->model->name : "unknown";
}

static void write_requests(const struct kw_metrics *metrics, struct kw_sbuf *out)
{
    family(out, "keywell_requests_total", "counter", "Authenticated API calls by operation and result.");
    for (size_t op = 0; op <= KW_METRICS_STS; op++) {
        for (unsigned error = 0; error < KW_ERROR_NUM; error++) {
            uint64_t count = load(&metrics->requests[op][error]);

            if (count > 0 || (error == KW_ERROR_NONE && op < kw_num_operations))
                kw_sbuf_printf(out, "keywell_requests_total{operation=\"%s\",result=\"%s\"} %" PRIu64 "\n",
                    row_name(op), kw_error_info((enum kw_error)error)->type, count);
        }
    }
    family(out, "keywell_unauthenticated_requests_total", "counter",
        "Requests refused before anyone was identified.");
    for (unsigned error = KW_ERROR_NONE + 1; error < KW_ERROR_NUM; error++) {
        uint64_t count = load(&metrics->unauthenticated[error]);

        if (count > 0)
            kw_sbuf_printf(out, "keywell_unauthenticated_requests_total{result=\"%s\"} %" PRIu64 "\n",
                kw_error_info((enum kw_error)error)->type, count);
    }
    family(out, "keywell_throttled_calls_total", "counter",
        "Authenticated calls refused because they came too often, by what limits them.");
    kw_sbuf_printf(out, "keywell_throttled_calls_total{limit=\"quota\"} %" PRIu64 "\n",
        load(&metrics->throttled_by_quota));
    kw_sbuf_printf(out, "keywell_throttled_calls_total{limit=\"principal\"} %" PRIu64 "\n",
        load(&metrics->throttled_by_principal));
    plain(out, "keywell_throttled_unrecorded_total", "counter",
        "Of these, calls beyond the rate at which such refusals of a principal are recorded.",
        load(&metrics->throttled_unrecorded));
    family(out, "keywell_request_seconds", "histogram",
        "Authenticated calls, from complete request to released answer.");
    histogram(out, "keywell_request_seconds", "", &metrics->request_time);
}

static void write_connections(const struct kw_loop_stats *stats, struct kw_sbuf *out)
{
    plain(out, "keywell_connections", "gauge", "Client connections open now.", load(&stats->open));
    plain(out, "keywell_connections_accepted_total", "counter", "Client connections accepted.",
        load(&stats->accepted));
    plain(out, "keywell_connections_refused_total", "counter", "Client connections closed at once: too many.",
        load(&stats->refused));
    plain(out, "keywell_connections_timed_out_total", "counter",
        "Client connections closed for being slow or idle.", load(&stats->timeouts));
    plain(out, "keywell_bad_requests_total", "counter",
        "Byte streams that were no HTTP request as the server takes it.", load(&stats->bad_requests));
}

static void write_tls(const struct kw_tls_stats *stats, struct kw_sbuf *out)
{
    if (stats == NULL)
        return;
    family(out, "keywell_tls_handshakes_total", "counter", "TLS handshakes done.");
    kw_sbuf_printf(out, "keywell_tls_handshakes_total{version=\"TLSv1.2\"} %" PRIu64 "\n",
        load(&stats->handshakes[KW_TLS_1_2]));
    kw_sbuf_printf(out, "keywell_tls_handshakes_total{version=\"TLSv1.3\"} %" PRIu64 "\n",
        load(&stats->handshakes[KW_TLS_1_3]));
    plain(
        out, "keywell_tls_resumed_total", "counter", "Of these, by a session ticket.", load(&stats->resumed));
    family(out, "keywell_tls_failures_total", "counter",
        "TLS connections that failed for what the client sent, by reason.");
    for (unsigned i = KW_TLS_FAILURE_NONE + 1; i < KW_TLS_FAILURE_NUM; i++)
        kw_sbuf_printf(out, "keywell_tls_failures_total{reason=\"%s\"} %" PRIu64 "\n",
            kw_tls_failure_name((enum kw_tls_failure)i), load(&stats->failures[i]));
    plain(out, "keywell_tls_crowded_out_total", "counter",
        "Connections given up with a handshake or a record half done, for want of room.",
        load(&stats->crowded_out));
    plain(out, "keywell_tls_reloads_total", "counter",
        "Certificates taken over from the files while serving.", load(&stats->reloads));
    plain(out, "keywell_tls_reload_failures_total", "counter", "Certificates found no good while serving.",
        load(&stats->reload_failures));
    family(out, "keywell_tls_certificate_expiry_seconds", "gauge",
        "When the certificate in force expires, in seconds since the epoch.");
    kw_sbuf_printf(out, "keywell_tls_certificate_expiry_seconds %" PRId64 "\n",
        atomic_load_explicit(&stats->not_after_s, memory_order_relaxed));
}

static void write_audit(const struct kw_metrics_sources *sources, struct kw_sbuf *out)
{
    struct kw_audit_stats stats;

    kw_audit_stats(sources->audit, &stats);
    plain(out, "keywell_audit_healthy", "gauge", "1 if the audit log can be written, else 0.", stats.healthy);
    plain(out, "keywell_audit_records_total", "counter", "Audit records made durable.", stats.records);
    plain(out, "keywell_audit_commits_total", "counter", "Durable writes; each carries one or more records.",
        stats.commits);
    plain(out, "keywell_audit_bytes_total", "counter", "Bytes of audit records made durable.", stats.bytes);
    plain(out, "keywell_audit_failures_total", "counter", "Failed writes, syncs and segment creations.",
        stats.failures);
    plain(out, "keywell_audit_quarantined_segments_total", "counter",
        "Segments put aside after an I/O error.", stats.quarantined);
    plain(out, "keywell_audit_refused_requests_total", "counter",
        "Calls refused because no record could be written.", load(&sources->metrics->audit_refusals));
}

static void write_log(struct kw_sbuf *out)
{
    plain(out, "keywell_log_dropped_lines_total", "counter",
        "Lines that the reader of the log did not take in time.", kw_log_dropped());
}

static void write_memory(struct kw_sbuf *out)
{
    struct kw_secmem_stats stats;

    kw_secmem_stats(&stats);
    plain(out, "keywell_secret_memory_bytes", "gauge", "Secret memory mapped.", stats.mapped_bytes);
    plain(out, "keywell_secret_memory_locked_bytes", "gauge", "Secret memory locked in RAM.",
        stats.locked_bytes);
    plain(out, "keywell_secret_memory_dontdump", "gauge", "1 if all secret memory is kept out of core dumps.",
        stats.dontdump);
    plain(out, "keywell_secret_memory_wipeonfork", "gauge",
        "1 if all secret memory is zeroed in forked children.", stats.wipeonfork);
}

void kw_metrics_write(const struct kw_metrics_sources *sources, struct kw_sbuf *out)
{
    family(out, "keywell_uptime_seconds", "gauge", "Time since start.");
    kw_sbuf_printf(out, "keywell_uptime_seconds %.3f\n", (double)(kw_now_ns() - sources->started_ns) / 1e9);
    plain(out, "keywell_fault_hooks", "gauge", "1 in test builds, whose fault hooks must never serve.",
        kw_fault_compiled_in());
    write_pools(sources, out);
    write_warmstart(sources, out);
    write_engine(sources, out);
    write_requests(sources->metrics, out);
    write_connections(sources->loops, out);
    write_tls(sources->tls, out);
    write_audit(sources, out);
    write_memory(out);
    write_log(out);
}
