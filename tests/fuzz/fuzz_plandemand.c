#include "tests/fuzz/fuzz.h"
#include "tools/plan/demandtext.h"

#include <math.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_plan_demand demand = {.kind = KW_PLAN_NONE};
    enum kw_spec spec = KW_SPEC_NUM;
    char why[100] = "", text[160];

    if (kw_plan_demand_parse(KW_BYTES(data, len), &spec, &demand, why, sizeof(why)) != 0) {
        kw_assert(why[0] != '\0' && demand.kind == KW_PLAN_NONE);
        return 0;
    }
    /* What is accepted can be simulated. */
    kw_assert(spec < KW_SPEC_NUM && demand.kind != KW_PLAN_NONE && demand.kind != KW_PLAN_TRACE);
    kw_assert(kw_plan_demand_check(&demand) == NULL && isfinite(kw_plan_demand_mean(&demand)));
    kw_assert(kw_plan_demand_peak(&demand) >= kw_plan_demand_mean(&demand) * (1 - 1e-9));
    kw_plan_demand_text(&demand, text, sizeof(text));
    kw_assert(text[0] != '\0');
    return 0;
}
