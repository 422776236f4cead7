#include "engine/ec/call.h"

struct visit {
    struct kw_ec_call *call;
    int (*run)(struct kw_ec_call *call);
    int result;
};

static void visit_run(void *arg)
{
    struct visit *visit = arg;

    visit->result = visit->run(visit->call);
}

int kw_ec_call_run(struct kw_ec_call *call, struct kw_fiber *fiber, int (*run)(struct kw_ec_call *call))
{
    struct visit visit = {.call = call, .run = run};

    kw_assert(kw_fiber_enter(fiber, visit_run, &visit));
    return visit.result;
}
