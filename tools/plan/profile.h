/* profile - a generation profile as a JSON file, and whether it is of this machine.
 *
 * {"format":"keywell-plan-profile-1","cpu":"...","path":"avx512ifma","cores":2,"specs":{"RSA_2048":{
 * "mean_s":...,"all_mean_s":...,"batch":4,"quantiles":[256 numbers]},...}}
 */
#ifndef KW_TOOLS_PLAN_PROFILE_H
#define KW_TOOLS_PLAN_PROFILE_H

#include "tools/plan/plan.h"

#define KW_PLAN_PROFILE_MAX (1024u * 1024u) /* bytes of the file */

/* kw_plan_profile_parse() - pure; outside bytes, bounded. Out: why, a clause. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_plan_profile_parse(
    struct kw_bytes json, struct kw_plan_profile *ret, char *why, size_t why_cap);
/* kw_plan_profile_text() - the JSON, with a line end; free() it. NULL: no memory */
char *kw_plan_profile_text(const struct kw_plan_profile *profile);
KW_MUST_CHECK int kw_plan_profile_load(
    const char *path, struct kw_plan_profile *ret, char *why, size_t why_cap);
/* Replaces the file whole or not at all. */
KW_MUST_CHECK int kw_plan_profile_save(
    const char *path, const struct kw_plan_profile *profile, char *why, size_t why_cap);

/* kw_plan_profile_matches() - is it of a machine with this CPU model, path and number of cores? Out: why, a
 * sentence that names both sides. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_plan_profile_matches(const struct kw_plan_profile *profile, const char *cpu_model,
    enum kw_cpu_path path, unsigned cores, char *why, size_t why_cap);

#endif
