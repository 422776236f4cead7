/* audit_turn - turns of the benchmark audit: records through the audit log, and plain writes of as many
 * bytes.
 *
 * All functions are the main thread's.
 */
#ifndef KW_BENCH_AUDIT_TURN_H
#define KW_BENCH_AUDIT_TURN_H

#include "bench/quantile.h"

struct kw_auditturn_plan {
    const char *dir;      /* an empty folder of its own, for logs and plain files; empty again after a turn */
    unsigned threads;     /* that submit */
    unsigned outstanding; /* records on their way at once, of all threads together */
    double seconds;
    bool verify; /* the chain, after the turn; not timed */
};

/* CPU time in seconds. */
struct kw_auditturn_cpu {
    double submit;   /* making records, submitting, taking completions */
    double writer;   /* chain, batches, submission to the ring */
    double spare;    /* preparing segments */
    double ring;     /* io_uring's worker threads */
    double process;  /* all of the above and what else the process did */
    double kworkers; /* the machine's, while the turn lasted: others' work too; NAN: not known */
};

struct kw_auditturn {
    uint64_t records; /* plain: as many as the bytes would hold */
    uint64_t bytes;
    uint64_t commits;
    double wall_s;
    struct kw_auditturn_cpu cpu;
    struct kw_quantile latency; /* from submission to the completion in the submitter's hands; plain: of a
                                   write with its sync */
};

/* kw_auditturn_log() - submits records for so many seconds. Out on failure: why.
 * Returns: 0 | 1 (the log did not take a record, or does not verify) | <0 */
KW_MUST_CHECK int kw_auditturn_log(
    const struct kw_auditturn_plan *plan, struct kw_auditturn *ret, char *why, size_t why_cap);

enum kw_auditturn_plain {
    KW_PLAIN_APPEND,  /* to new files, which grow: what a log without chain or preparation does */
    KW_PLAIN_REWRITE, /* over zeros that were there, the same ones again and again: no metadata, the ceiling
                       */
};
/* kw_auditturn_plain() - writes with pwrite() and fdatasync(), one after the other, each of batch bytes of
 * records of record_bytes. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_auditturn_plain(const struct kw_auditturn_plan *plan, enum kw_auditturn_plain kind,
    size_t batch, size_t record_bytes, struct kw_auditturn *ret);

#endif
