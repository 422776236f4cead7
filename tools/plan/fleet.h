/* fleet - the same question for many machines behind a balancer, some of them lost.
 *
 * The balancer gives each request to one of the machines that are up, at random. So each machine sees the
 * demand's rhythm at an equal share of its rate, all are alike, and one of them simulated in full stands for
 * every other: shares and waits of the fleet are those of one machine. One owner thread.
 */
#ifndef KW_TOOLS_PLAN_FLEET_H
#define KW_TOOLS_PLAN_FLEET_H

#include "tools/plan/solver.h"

#define KW_PLAN_NODES_MAX 1000000u

struct kw_plan_fleet {
    unsigned nodes; /* machines in all; 0: as few as do, with cores_max cores each at most */
    unsigned lost;  /* of them, whose part the others take over; below nodes */
};

struct kw_plan_fleet_answer {
    unsigned nodes, lost;
    double rate_per_s;               /* requests of the whole demand */
    struct kw_plan_answer node;      /* one machine while so many are lost; limits and costs are its part */
    struct kw_plan_estimate all_up;  /* one machine with the same settings while none is lost */
    struct kw_plan_cold_fill refill; /* of a machine that comes back empty */
    double cores;                    /* of all machines */
    double memory_bytes;             /* of all machines' pools */
    double saturation_per_s;         /* requests, with so many lost */
    double cost_per_hour;            /* of all machines; 0: not known */
    double cost_per_million_pairs;
};

/* kw_plan_fleet_solve() - in: of, the demand of the whole fleet; limits: cores_max, memory_bytes_max of one
 * machine, cost_per_hour_max of all. Out: ret, also if unreachable. Returns: 0 | -EINVAL (no machine is left)
 * | -ENOMEM | -ECANCELED */
KW_MUST_CHECK int kw_plan_fleet_solve(const struct kw_plan_case *of, const struct kw_plan_fleet *fleet,
    const struct kw_plan_objective *objective, const struct kw_plan_limits *limits,
    const struct kw_plan_solver_options *options, struct kw_plan_fleet_answer *ret);

#endif
