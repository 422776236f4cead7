/* samples - the CPU times of pairs in the order in which they came, and what they say of batches. Pure. */
#ifndef KW_TOOLS_PLAN_SAMPLES_H
#define KW_TOOLS_PLAN_SAMPLES_H

#include "tools/plan/plan.h"

/* kw_plan_samples_batch() - how many pairs come out together: pairs that take less than a quarter of the
 * mean belong to the one before them. In: num >= 1 times */
unsigned kw_plan_samples_batch(const double *times_s, size_t num);
/* kw_plan_samples_make() - mean, batch and quantiles of batches; all_mean_s is the mean. scratch: room for
 * num.
 */
void kw_plan_samples_make(const double *times_s, size_t num, double *scratch, struct kw_plan_make *ret);

#endif
