#include "pool/fault.h"

enum kw_fault_kind kw_fault(enum kw_fault_point point)
{
    (void)point;
    return KW_FAULT_NONE;
}

bool kw_fault_compiled_in(void)
{
    return false;
}

int kw_fault_set(const char *plan)
{
    (void)plan;
    return -ENOSYS;
}
