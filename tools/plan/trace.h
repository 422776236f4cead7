/* trace - demands as they were recorded: a CSV file of times and specs, or an audit log.
 *
 * One owner thread. The parsers take outside bytes: pure, bounded, fuzzed.
 */
#ifndef KW_TOOLS_PLAN_TRACE_H
#define KW_TOOLS_PLAN_TRACE_H

#include "tools/plan/plan.h"

#define KW_PLAN_TRACE_MAX (64u * 1024u * 1024u) /* requests of a trace */

struct kw_plan_trace {
    struct kw_plan_times {
        double *times_s; /* ascending; from 0 after kw_plan_trace_finish() */
        size_t num, cap;
    } spec[KW_SPEC_NUM];
    size_t num;      /* of all specs */
    double period_s; /* after kw_plan_trace_finish(): the time from the first to the last, and a mean gap */
};

/* kw_plan_trace_add() - Returns: 0 | -ENOMEM | -E2BIG */
KW_MUST_CHECK int kw_plan_trace_add(struct kw_plan_trace *trace, enum kw_spec spec, double time_s);

/* kw_plan_trace_line() - one line of a CSV: TIME,SPEC with TIME in seconds (since any beginning) or as
 * 2026-01-02T03:04:05.678Z. Out: why, a clause. Returns: 0 | 1 (why says) | 2 (nothing in it: empty, or # at
 * its begin) */
KW_MUST_CHECK int kw_plan_trace_line(
    struct kw_bytes line, enum kw_spec *ret_spec, double *ret_time_s, const char **why);
/* kw_plan_trace_record() - one record of an audit log. Out: as above. Returns: 0 | 1 (it asks for no pair) */
KW_MUST_CHECK int kw_plan_trace_record(struct kw_bytes line, enum kw_spec *ret_spec, double *ret_time_s);

/* Reads a file ("-": standard input) or a folder (a data folder or its audit folder; the log is verified on
 * the way; its times are whole seconds, over which requests are spread evenly). Lines may come in any order.
 * A first line that says "time,spec" is skipped. Out: trace, which the caller zeroed; why, a sentence with
 * file and line. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_plan_trace_read_csv(
    struct kw_plan_trace *trace, const char *path, char *why, size_t why_cap);
KW_MUST_CHECK int kw_plan_trace_read_audit(
    struct kw_plan_trace *trace, const char *dir, char *why, size_t why_cap);
/* kw_plan_trace_demands() - in: demands, of which those that the trace has are set; they borrow its times. */
void kw_plan_trace_demands(const struct kw_plan_trace *trace, struct kw_plan_demand demands[KW_SPEC_NUM]);
void kw_plan_trace_done(struct kw_plan_trace *trace);

#endif
