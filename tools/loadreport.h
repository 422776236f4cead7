/* loadreport - results for people and for programs: table, progress, JSON, HdrHistogram's log, SVG. */
#ifndef KW_TOOLS_LOADREPORT_H
#define KW_TOOLS_LOADREPORT_H

#include "tools/loadrun.h"

#include <stdio.h>

#define KW_LOAD_RATES_MAX 64u

/* All that was done. */
struct kw_load_report {
    const struct kw_load_plan *plan;
    const char *title; /* of the chart; NULL: the operations */
    char tls[64];      /* what was agreed on; empty: plain */
    double warm_up_s, duration_s;
    unsigned num_slos;
    struct kw_load_slo slos[KW_LOAD_SLO_MAX];
    unsigned num_results;
    struct kw_load_result *results[KW_LOAD_RATES_MAX]; /* in the order of their rates */
    bool swept;
    unsigned best; /* of a sweep, the result with the highest rate that meets the objectives */
    bool has_best;
};

/* A line under a heading that is printed once. */
void kw_load_print_heading(FILE *file, const struct kw_load_report *report);
void kw_load_print_result(
    FILE *file, const struct kw_load_report *report, const struct kw_load_result *result);
/* One line, without an end, of what happens now; ops: of one interval. */
void kw_load_print_progress(FILE *file, const struct kw_load_report *report,
    const struct kw_load_result *so_far, double ended_s, double seconds, const struct kw_load_tally *ops);

/* The names of the operations with their shares: "A" or "70 % A, 30 % B". */
void kw_load_describe(const struct kw_load_plan *plan, char *ret, size_t cap);

/* Each writes a file. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_load_write_json(const struct kw_load_report *report, const char *path);
KW_MUST_CHECK int kw_load_write_svg(const struct kw_load_report *report, const char *path);

/* The log, line by line. */
void kw_load_log_heading(FILE *file, const struct kw_load_report *report, int64_t began_ms);
/* One line an operation that has answers; began_s: since the log's start. */
void kw_load_log_interval(FILE *file, const struct kw_load_report *report, double began_s, double seconds,
    const struct kw_load_tally *ops);

#endif
