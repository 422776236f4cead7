/* Operations that are still to be written: their input is checked, and they are refused. */
#include "api/operations.h"

#define NOT_YET(name) const struct kw_operation kw_op_##name = {.model = &kw_model_##name, .read_only = true};
NOT_YET(connect_custom_key_store)
NOT_YET(create_custom_key_store)
NOT_YET(delete_custom_key_store)
NOT_YET(describe_custom_key_stores)
NOT_YET(disconnect_custom_key_store)
NOT_YET(replicate_key)
NOT_YET(update_custom_key_store)
NOT_YET(update_primary_region)
