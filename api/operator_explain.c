/* The request about decisions. */
#include "api/explain.h"
#include "api/operator_internal.h"

static int run_explain(struct kw_operator_call *call)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    char why[512] = "";
    struct kw_service *service = call->thread->service;
    int r = kw_explain(
        call->snapshot, service->account, kw_clock_ms(&service->clock), call->input, &out, why, sizeof(why));

    if (r == KW_EXPLAIN_BAD)
        return kw_operator_refuse(call, KW_OPERATOR_INVALID, "%s", why);
    return r == 0 ? KW_OPERATOR_DONE : kw_operator_refuse(call, KW_OPERATOR_FAILED, "out of memory");
}

const struct kw_operator_request kw_operator_explain = {
    .name = "Explain", .members = kw_explain_members, .run = run_explain};
