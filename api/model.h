/* model - every operation of the API: what it takes, answers and refuses with. Constant.
 *
 * Made from the service model by tests/support/model_tables.py; not edited by hand. */
#ifndef KW_API_MODEL_H
#define KW_API_MODEL_H

#include "api/model_shapes.h"

struct kw_model_operation {
    const char *name; /* as in X-Amz-Target after "TrentService." */
    const struct kw_shape *input;
    const struct kw_shape *output; /* NULL: an empty answer */
    const char *const *errors;     /* the exceptions that the model names; NULL-terminated */
};

/* All of them, sorted by name. */
extern const struct kw_model_operation *const kw_model[];
extern const size_t kw_model_num;

extern const struct kw_model_operation kw_model_cancel_key_deletion;
extern const struct kw_model_operation kw_model_connect_custom_key_store;
extern const struct kw_model_operation kw_model_create_alias;
extern const struct kw_model_operation kw_model_create_custom_key_store;
extern const struct kw_model_operation kw_model_create_grant;
extern const struct kw_model_operation kw_model_create_key;
extern const struct kw_model_operation kw_model_decrypt;
extern const struct kw_model_operation kw_model_delete_alias;
extern const struct kw_model_operation kw_model_delete_custom_key_store;
extern const struct kw_model_operation kw_model_delete_imported_key_material;
extern const struct kw_model_operation kw_model_derive_shared_secret;
extern const struct kw_model_operation kw_model_describe_custom_key_stores;
extern const struct kw_model_operation kw_model_describe_key;
extern const struct kw_model_operation kw_model_disable_key;
extern const struct kw_model_operation kw_model_disable_key_rotation;
extern const struct kw_model_operation kw_model_disconnect_custom_key_store;
extern const struct kw_model_operation kw_model_enable_key;
extern const struct kw_model_operation kw_model_enable_key_rotation;
extern const struct kw_model_operation kw_model_encrypt;
extern const struct kw_model_operation kw_model_generate_data_key;
extern const struct kw_model_operation kw_model_generate_data_key_pair;
extern const struct kw_model_operation kw_model_generate_data_key_pair_without_plaintext;
extern const struct kw_model_operation kw_model_generate_data_key_without_plaintext;
extern const struct kw_model_operation kw_model_generate_mac;
extern const struct kw_model_operation kw_model_generate_random;
extern const struct kw_model_operation kw_model_get_key_last_usage;
extern const struct kw_model_operation kw_model_get_key_policy;
extern const struct kw_model_operation kw_model_get_key_rotation_status;
extern const struct kw_model_operation kw_model_get_parameters_for_import;
extern const struct kw_model_operation kw_model_get_public_key;
extern const struct kw_model_operation kw_model_import_key_material;
extern const struct kw_model_operation kw_model_list_aliases;
extern const struct kw_model_operation kw_model_list_grants;
extern const struct kw_model_operation kw_model_list_key_policies;
extern const struct kw_model_operation kw_model_list_key_rotations;
extern const struct kw_model_operation kw_model_list_keys;
extern const struct kw_model_operation kw_model_list_resource_tags;
extern const struct kw_model_operation kw_model_list_retirable_grants;
extern const struct kw_model_operation kw_model_put_key_policy;
extern const struct kw_model_operation kw_model_re_encrypt;
extern const struct kw_model_operation kw_model_replicate_key;
extern const struct kw_model_operation kw_model_retire_grant;
extern const struct kw_model_operation kw_model_revoke_grant;
extern const struct kw_model_operation kw_model_rotate_key_on_demand;
extern const struct kw_model_operation kw_model_schedule_key_deletion;
extern const struct kw_model_operation kw_model_sign;
extern const struct kw_model_operation kw_model_tag_resource;
extern const struct kw_model_operation kw_model_untag_resource;
extern const struct kw_model_operation kw_model_update_alias;
extern const struct kw_model_operation kw_model_update_custom_key_store;
extern const struct kw_model_operation kw_model_update_key_description;
extern const struct kw_model_operation kw_model_update_primary_region;
extern const struct kw_model_operation kw_model_verify;
extern const struct kw_model_operation kw_model_verify_mac;

#endif
