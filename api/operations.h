/* operations - the table of operations: each row is one of the service model, written in an op_*.c file (one
 * a group) as `const struct kw_operation kw_op_NAME`.
 */
#ifndef KW_API_OPERATIONS_H
#define KW_API_OPERATIONS_H

#include "api/call.h"
#include "api/page.h"
#include "api/service.h"

/* Every operation of the model, in the alphabetical order of their names. */
#define KW_OPERATIONS(ROW)                                                                                   \
    ROW(cancel_key_deletion)                                                                                 \
    ROW(connect_custom_key_store)                                                                            \
    ROW(create_alias)                                                                                        \
    ROW(create_custom_key_store)                                                                             \
    ROW(create_grant)                                                                                        \
    ROW(create_key)                                                                                          \
    ROW(decrypt)                                                                                             \
    ROW(delete_alias)                                                                                        \
    ROW(delete_custom_key_store)                                                                             \
    ROW(delete_imported_key_material)                                                                        \
    ROW(derive_shared_secret)                                                                                \
    ROW(describe_custom_key_stores)                                                                          \
    ROW(describe_key)                                                                                        \
    ROW(disable_key)                                                                                         \
    ROW(disable_key_rotation)                                                                                \
    ROW(disconnect_custom_key_store)                                                                         \
    ROW(enable_key)                                                                                          \
    ROW(enable_key_rotation)                                                                                 \
    ROW(encrypt)                                                                                             \
    ROW(generate_data_key)                                                                                   \
    ROW(generate_data_key_pair)                                                                              \
    ROW(generate_data_key_pair_without_plaintext)                                                            \
    ROW(generate_data_key_without_plaintext)                                                                 \
    ROW(generate_mac)                                                                                        \
    ROW(generate_random)                                                                                     \
    ROW(get_key_last_usage)                                                                                  \
    ROW(get_key_policy)                                                                                      \
    ROW(get_key_rotation_status)                                                                             \
    ROW(get_parameters_for_import)                                                                           \
    ROW(get_public_key)                                                                                      \
    ROW(import_key_material)                                                                                 \
    ROW(list_aliases)                                                                                        \
    ROW(list_grants)                                                                                         \
    ROW(list_key_policies)                                                                                   \
    ROW(list_key_rotations)                                                                                  \
    ROW(list_keys)                                                                                           \
    ROW(list_resource_tags)                                                                                  \
    ROW(list_retirable_grants)                                                                               \
    ROW(put_key_policy)                                                                                      \
    ROW(re_encrypt)                                                                                          \
    ROW(replicate_key)                                                                                       \
    ROW(retire_grant)                                                                                        \
    ROW(revoke_grant)                                                                                        \
    ROW(rotate_key_on_demand)                                                                                \
    ROW(schedule_key_deletion)                                                                               \
    ROW(sign)                                                                                                \
    ROW(tag_resource)                                                                                        \
    ROW(untag_resource)                                                                                      \
    ROW(update_alias)                                                                                        \
    ROW(update_custom_key_store)                                                                             \
    ROW(update_key_description)                                                                              \
    ROW(update_primary_region)                                                                               \
    ROW(verify)                                                                                              \
    ROW(verify_mac)

#define KW_OPERATION_DECLARE(name) extern const struct kw_operation kw_op_##name;
KW_OPERATIONS(KW_OPERATION_DECLARE)

#endif
