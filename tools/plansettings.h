/* plansettings - what `keywell plan` is asked, from its command line. */
#ifndef KW_TOOLS_PLANSETTINGS_H
#define KW_TOOLS_PLANSETTINGS_H

#include "tools/plan/fleet.h"
#include "tools/plan/trace.h"

#define KW_PLAN_PROFILE_FILE "keywell-profile.json"

struct kw_plan_ask {
    bool check; /* settings are given, and judged */
    const char *profile_path, *json_path, *svg_path;
    const char *trace_path, *audit_path; /* NULL: none */
    bool other_machine, quiet;
    double scale; /* of every demand */
    struct kw_plan_profile profile;
    struct kw_plan_trace trace;
    struct kw_plan_case of;
    struct kw_plan_objective objective;
    bool objective_given;
    bool objective_spec[KW_SPEC_NUM]; /* of one spec, which wins */
    struct kw_plan_limits limits;
    struct kw_plan_solver_options options;
    struct kw_plan_fleet fleet;
    bool has_fleet;
};

/* kw_plan_ask_collect() - the command line, the profile and the trace. argv[0] is what messages begin with.
 * Prints a sentence on stderr when it fails. Out: ret, to be ended by kw_plan_ask_done() whatever is
 * returned. Returns: 0 | 1 (it failed) | 2 (bad usage) | 3 (--help was asked for) */
KW_MUST_CHECK int kw_plan_ask_collect(int argc, char **argv, bool check, struct kw_plan_ask *ret);
void kw_plan_ask_done(struct kw_plan_ask *ask);
/* Prints the table of options. */
void kw_plan_ask_help(bool check);

#endif
