/* bound - what queueing theory knows of a pool in closed form. docs/plan.md derives each.
 *
 * One spec, requests at random (Poisson), pairs one at a time. Pure functions.
 */
#ifndef KW_TOOLS_PLAN_BOUND_H
#define KW_TOOLS_PLAN_BOUND_H

#include "tools/plan/plan.h"

/* kw_plan_bound_lost() - requests that find nothing are refused; workers make pairs in exponential times and
 * stop at depth pairs only (low watermark = depth). The share of requests that miss. In: all > 0 */
double kw_plan_bound_lost(double demand_per_s, double make_s, unsigned workers, uint32_t depth);
/* kw_plan_bound_waiting() - the same where they wait without a limit. demand_per_s * make_s < workers */
double kw_plan_bound_waiting(double demand_per_s, double make_s, unsigned workers, uint32_t depth);
/* kw_plan_bound_general() - one worker, making times of any distribution, refilling from below
 * low_watermark to depth, requests that find nothing wait. demand_per_s * mean < 1; make->batch = 1. */
double kw_plan_bound_general(
    double demand_per_s, const struct kw_plan_make *make, uint32_t depth, uint32_t low_watermark);
/* kw_plan_bound_burst_s() - a fluid: how long a full pool lasts at a rate while it is refilled, from below
 * its low watermark on, at another; INFINITY: for ever. */
double kw_plan_bound_burst_s(uint32_t depth, uint32_t low_watermark, double burst_per_s, double refill_per_s);

#endif
