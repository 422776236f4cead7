/* measure - the profile of this machine: pairs made on one core and on all of them, by the generators that
 * the server would use.
 *
 * Times are CPU times of the thread that makes the pairs. The caller has run the self-test of the path
 * (engine/selftest.h) and set the secret memory up (kw_crypto_init()).
 */
#ifndef KW_TOOLS_PLAN_MEASURE_H
#define KW_TOOLS_PLAN_MEASURE_H

#include "engine/topology.h"
#include "tools/plan/plan.h"

struct kw_plan_measure_options {
    enum kw_cpu_path path;
    const struct kw_cpus *cpus; /* a thread on each; the first makes pairs alone */
    bool wanted[KW_SPEC_NUM];
    double seconds; /* per spec, alone; the same again with all cores */
    /* Called a few times a second; false gives up (-ECANCELED). May be NULL. */
    bool (*progress)(void *user, double done, double total, const char *what);
    void *user;
};

/* kw_plan_measure() - Returns: 0 | -ECANCELED | -ENOMEM | KW_EOPENSSL | another negative errno */
KW_MUST_CHECK int kw_plan_measure(const struct kw_plan_measure_options *options, struct kw_plan_profile *ret);

#endif
