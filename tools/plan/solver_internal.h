/* solver_internal - what the solver's search (solver_search.c) and what is said of its result (solver.c)
 * share. */
#ifndef KW_TOOLS_PLAN_SOLVER_INTERNAL_H
#define KW_TOOLS_PLAN_SOLVER_INTERNAL_H

#include "tools/plan/solver.h"

/* Of the cores' time, at most; docs/plan.md says why. */
#define KW_PLAN_UTILISATION_MAX 0.97

struct kw_plan_solver {
    struct kw_plan_case of; /* its cores and depths are those of the trial at hand, then of the result */
    struct kw_plan_objective objective;
    struct kw_plan_limits limits;
    struct kw_plan_effort effort; /* of a trial */
    uint32_t depth_max;
    struct kw_plan_estimate *estimate; /* of the trial at hand */
    unsigned done, steps;              /* trials so far, and supposed in all */
};

/* Fills in how much a trial simulates: enough to see what the objective allows. */
void kw_plan_solver_effort(struct kw_plan_solver *solver);
/* Tells the progress. Returns: 0 | -ECANCELED */
KW_MUST_CHECK int kw_plan_solver_step(struct kw_plan_solver *solver, const char *what);
/* kw_plan_solver_search() - the least cores up to cores_max, and the depths. Out: solver->of.settings.
 * Returns: 0 | 1 (none; the settings are those tried last) | -ENOMEM | -ECANCELED */
KW_MUST_CHECK int kw_plan_solver_search(struct kw_plan_solver *solver, unsigned cores_max);
/* kw_plan_solver_fits() - do so many cores reach the objective, whatever fewer do? Returns: as
 * kw_plan_solver_search() */
KW_MUST_CHECK int kw_plan_solver_fits(struct kw_plan_solver *solver, unsigned cores);
/* Does the spec hold its objective, by the estimate at hand? */
KW_MUST_CHECK bool kw_plan_solver_holds(const struct kw_plan_solver *solver, unsigned spec);

#endif
