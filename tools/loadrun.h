/* loadrun - one rate: starts the workers, gathers what they measure, judges whether the generator itself was
 * in the way. Called by the main thread. */
#ifndef KW_TOOLS_LOADRUN_H
#define KW_TOOLS_LOADRUN_H

#include "tools/loadslo.h"
#include "tools/loadworker.h"

/* More of its core than this, and the generator's own queue shows in what it measures. */
#define KW_LOAD_USE_MAX 0.8

struct kw_load_result {
    double rate;
    struct kw_load_tally total;
    struct kw_load_tally ops[KW_LOAD_OPS_MAX];
    struct kw_hdr lateness; /* of requests that were sent late for the generator's own sake */
    uint64_t reconnects;
    double use;   /* of its core by the busiest thread */
    double steal; /* of all cores, what the hypervisor gave to others */
    int64_t began_ms;
    const char *wire;
    bool interrupted;
    bool valid;
    char invalid[200]; /* why not */
    bool met;          /* the objectives, as far as there are any */
};

/* What is told each second. */
struct kw_load_watch {
    void (*interval)(struct kw_load_watch *watch, const struct kw_load_result *so_far, double began_s,
        double seconds, const struct kw_load_tally *ops);
};

/* kw_load_run() - In: interrupted, looked at each second and at once after a signal; watch, or NULL.
 * Out: ret, from kw_load_result_new(). Returns: 0 | 1 (could not start: why says) */
KW_MUST_CHECK int kw_load_run(const struct kw_load_plan *plan, const struct kw_load_schedule *schedule,
    const volatile sig_atomic_t *interrupted, struct kw_load_watch *watch, struct kw_load_result *ret,
    char *why, size_t why_cap);

/* NULL: no memory */
struct kw_load_result *kw_load_result_new(void);
void kw_load_result_free(struct kw_load_result *result);

#endif
