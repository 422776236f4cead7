#include "api/operations.h"

#define ROW(name) &kw_op_##name,

const struct kw_operation *const kw_operations[] = {KW_OPERATIONS(ROW)};
const size_t kw_num_operations = KW_ARRAY_LEN(kw_operations);

static_assert(
    KW_ARRAY_LEN(kw_operations) + 1 < KW_METRICS_OPERATIONS_MAX, "metrics have a row for each, and two more");

int kw_operation_find(struct kw_bytes name)
{
    size_t low = 0, high = kw_num_operations;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = kw_bytes_compare(name, kw_bytes_str(kw_operations[middle]->model->name));

        if (order == 0)
            return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}
