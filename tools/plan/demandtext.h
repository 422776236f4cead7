/* demandtext - a demand as people write it on a command line.
 *
 *   RSA_2048=1200                                      requests a second, at random (Poisson)
 *   RSA_2048=100,burst=5k,on=2s,off=30s[,regular]      100 a second between bursts, 5,000 in them
 *   RSA_2048=800,daily=1:1:3:9:4[,period=24h]          a curve of equal parts of the period; 800 is the mean
 */
#ifndef KW_TOOLS_PLAN_DEMANDTEXT_H
#define KW_TOOLS_PLAN_DEMANDTEXT_H

#include "tools/plan/plan.h"

/* kw_plan_demand_parse() - pure. Out: ret_spec, ret (scale 1); why, a clause such as "the rate is negative".
 * Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_plan_demand_parse(
    struct kw_bytes text, enum kw_spec *ret_spec, struct kw_plan_demand *ret, char *why, size_t why_cap);
/* kw_plan_demand_text() - the same, shorter, for reports. */
void kw_plan_demand_text(const struct kw_plan_demand *demand, char *ret, size_t cap);

#endif
