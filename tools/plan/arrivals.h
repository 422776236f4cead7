/* arrivals - when requests for a spec come, by a demand: an endless stream of times that do not decrease.
 *
 * One owner thread. The demand is borrowed and must have passed kw_plan_demand_check().
 */
#ifndef KW_TOOLS_PLAN_ARRIVALS_H
#define KW_TOOLS_PLAN_ARRIVALS_H

#include "tools/plan/plan.h"
#include "tools/plan/random.h"

struct kw_plan_arrivals {
    const struct kw_plan_demand *demand;
    struct kw_plan_random random;
    double next_s;      /* when the next request comes; INFINITY: never */
    double rate_per_s;  /* until change_s */
    double change_s;    /* when the rate changes */
    double began_s;     /* of the period that runs */
    double curve_per_s; /* rate of one unit of the curve */
    size_t index;       /* into the curve or the trace */
    unsigned copies;    /* of the trace's entry that are still to come */
    bool in_burst;
};

/* kw_plan_arrivals_init() - the stream from time 0 on; where in its rhythm it begins is drawn by seed (a
 * curve and a trace begin at their beginning). */
void kw_plan_arrivals_init(
    struct kw_plan_arrivals *arrivals, const struct kw_plan_demand *demand, uint64_t seed, uint64_t stream);
/* Goes on to the next request: next_s is set. */
void kw_plan_arrivals_next(struct kw_plan_arrivals *arrivals);

#endif
