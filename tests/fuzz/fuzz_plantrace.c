#include "tests/fuzz/fuzz.h"
#include "tools/plan/trace.h"

#include <math.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum kw_spec spec = KW_SPEC_NUM;
    double time_s = -1;
    const char *why = NULL;
    int r = kw_plan_trace_line(KW_BYTES(data, len), &spec, &time_s, &why);

    kw_assert(r == 0 || r == 2 || (r == 1 && why != NULL));
    if (r == 0)
        kw_assert(spec < KW_SPEC_NUM && isfinite(time_s));
    spec = KW_SPEC_NUM;
    if (kw_plan_trace_record(KW_BYTES(data, len), &spec, &time_s) == 0)
        kw_assert(spec < KW_SPEC_NUM && isfinite(time_s));
    return 0;
}
