/* Every operation of the service model.
 *
 * Made from the service model by tests/support/model_tables.py; not edited by hand. */
#include "api/model.h"

/* clang-format off */
static const char *const cancel_key_deletion_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_cancel_key_deletion = {
    "CancelKeyDeletion", &kw_shape_cancel_key_deletion_request, &kw_shape_cancel_key_deletion_response,
    cancel_key_deletion_errors,
};
static const char *const connect_custom_key_store_errors[] = {
    "CloudHsmClusterNotActiveException", "CustomKeyStoreInvalidStateException",
    "CustomKeyStoreNotFoundException", "KMSInternalException",
    "CloudHsmClusterInvalidConfigurationException", NULL,
};
const struct kw_model_operation kw_model_connect_custom_key_store = {
    "ConnectCustomKeyStore", &kw_shape_connect_custom_key_store_request,
    &kw_shape_connect_custom_key_store_response, connect_custom_key_store_errors,
};
static const char *const create_alias_errors[] = {
    "DependencyTimeoutException", "AlreadyExistsException", "NotFoundException", "InvalidAliasNameException",
    "KMSInternalException", "LimitExceededException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_create_alias = {
    "CreateAlias", &kw_shape_create_alias_request, NULL, create_alias_errors,
};
static const char *const create_custom_key_store_errors[] = {
    "CloudHsmClusterInUseException", "CustomKeyStoreNameInUseException", "CloudHsmClusterNotFoundException",
    "KMSInternalException", "CloudHsmClusterNotActiveException", "IncorrectTrustAnchorException",
    "CloudHsmClusterInvalidConfigurationException", "LimitExceededException", "XksProxyUriInUseException",
    "XksProxyUriEndpointInUseException", "XksProxyUriUnreachableException",
    "XksProxyIncorrectAuthenticationCredentialException", "XksProxyVpcEndpointServiceInUseException",
    "XksProxyVpcEndpointServiceNotFoundException", "XksProxyVpcEndpointServiceInvalidConfigurationException",
    "XksProxyInvalidResponseException", "XksProxyInvalidConfigurationException", NULL,
};
const struct kw_model_operation kw_model_create_custom_key_store = {
    "CreateCustomKeyStore", &kw_shape_create_custom_key_store_request,
    &kw_shape_create_custom_key_store_response, create_custom_key_store_errors,
};
static const char *const create_grant_errors[] = {
    "NotFoundException", "DisabledException", "DependencyTimeoutException", "InvalidArnException",
    "KMSInternalException", "InvalidGrantTokenException", "LimitExceededException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_create_grant = {
    "CreateGrant", &kw_shape_create_grant_request, &kw_shape_create_grant_response, create_grant_errors,
};
static const char *const create_key_errors[] = {
    "MalformedPolicyDocumentException", "DependencyTimeoutException", "InvalidArnException",
    "UnsupportedOperationException", "KMSInternalException", "LimitExceededException", "TagException",
    "CustomKeyStoreNotFoundException", "CustomKeyStoreInvalidStateException",
    "CloudHsmClusterInvalidConfigurationException", "XksKeyInvalidConfigurationException",
    "XksKeyAlreadyInUseException", "XksKeyNotFoundException", NULL,
};
const struct kw_model_operation kw_model_create_key = {
    "CreateKey", &kw_shape_create_key_request, &kw_shape_create_key_response, create_key_errors,
};
static const char *const decrypt_errors[] = {
    "NotFoundException", "DisabledException", "InvalidCiphertextException", "KeyUnavailableException",
    "IncorrectKeyException", "InvalidKeyUsageException", "DependencyTimeoutException",
    "InvalidGrantTokenException", "KMSInternalException", "KMSInvalidStateException",
    "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_decrypt = {
    "Decrypt", &kw_shape_decrypt_request, &kw_shape_decrypt_response, decrypt_errors,
};
static const char *const delete_alias_errors[] = {
    "DependencyTimeoutException", "NotFoundException", "KMSInternalException", "KMSInvalidStateException",
    NULL,
};
const struct kw_model_operation kw_model_delete_alias = {
    "DeleteAlias", &kw_shape_delete_alias_request, NULL, delete_alias_errors,
};
static const char *const delete_custom_key_store_errors[] = {
    "CustomKeyStoreHasCMKsException", "CustomKeyStoreInvalidStateException",
    "CustomKeyStoreNotFoundException", "KMSInternalException", NULL,
};
const struct kw_model_operation kw_model_delete_custom_key_store = {
    "DeleteCustomKeyStore", &kw_shape_delete_custom_key_store_request,
    &kw_shape_delete_custom_key_store_response, delete_custom_key_store_errors,
};
static const char *const delete_imported_key_material_errors[] = {
    "InvalidArnException", "UnsupportedOperationException", "DependencyTimeoutException",
    "NotFoundException", "KMSInternalException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_delete_imported_key_material = {
    "DeleteImportedKeyMaterial", &kw_shape_delete_imported_key_material_request,
    &kw_shape_delete_imported_key_material_response, delete_imported_key_material_errors,
};
static const char *const derive_shared_secret_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidGrantTokenException", "InvalidKeyUsageException", "KMSInternalException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_derive_shared_secret = {
    "DeriveSharedSecret", &kw_shape_derive_shared_secret_request, &kw_shape_derive_shared_secret_response,
    derive_shared_secret_errors,
};
static const char *const describe_custom_key_stores_errors[] = {
    "CustomKeyStoreNotFoundException", "InvalidMarkerException", "KMSInternalException", NULL,
};
const struct kw_model_operation kw_model_describe_custom_key_stores = {
    "DescribeCustomKeyStores", &kw_shape_describe_custom_key_stores_request,
    &kw_shape_describe_custom_key_stores_response, describe_custom_key_stores_errors,
};
static const char *const describe_key_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException", NULL,
};
const struct kw_model_operation kw_model_describe_key = {
    "DescribeKey", &kw_shape_describe_key_request, &kw_shape_describe_key_response, describe_key_errors,
};
static const char *const disable_key_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_disable_key = {
    "DisableKey", &kw_shape_disable_key_request, NULL, disable_key_errors,
};
static const char *const disable_key_rotation_errors[] = {
    "NotFoundException", "DisabledException", "InvalidArnException", "DependencyTimeoutException",
    "KMSInternalException", "KMSInvalidStateException", "UnsupportedOperationException", NULL,
};
const struct kw_model_operation kw_model_disable_key_rotation = {
    "DisableKeyRotation", &kw_shape_disable_key_rotation_request, NULL, disable_key_rotation_errors,
};
static const char *const disconnect_custom_key_store_errors[] = {
    "CustomKeyStoreInvalidStateException", "CustomKeyStoreNotFoundException", "KMSInternalException", NULL,
};
const struct kw_model_operation kw_model_disconnect_custom_key_store = {
    "DisconnectCustomKeyStore", &kw_shape_disconnect_custom_key_store_request,
    &kw_shape_disconnect_custom_key_store_response, disconnect_custom_key_store_errors,
};
static const char *const enable_key_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "LimitExceededException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_enable_key = {
    "EnableKey", &kw_shape_enable_key_request, NULL, enable_key_errors,
};
static const char *const enable_key_rotation_errors[] = {
    "NotFoundException", "DisabledException", "InvalidArnException", "DependencyTimeoutException",
    "KMSInternalException", "KMSInvalidStateException", "UnsupportedOperationException", NULL,
};
const struct kw_model_operation kw_model_enable_key_rotation = {
    "EnableKeyRotation", &kw_shape_enable_key_rotation_request, NULL, enable_key_rotation_errors,
};
static const char *const encrypt_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_encrypt = {
    "Encrypt", &kw_shape_encrypt_request, &kw_shape_encrypt_response, encrypt_errors,
};
static const char *const generate_data_key_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_generate_data_key = {
    "GenerateDataKey", &kw_shape_generate_data_key_request, &kw_shape_generate_data_key_response,
    generate_data_key_errors,
};
static const char *const generate_data_key_pair_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "UnsupportedOperationException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_generate_data_key_pair = {
    "GenerateDataKeyPair", &kw_shape_generate_data_key_pair_request,
    &kw_shape_generate_data_key_pair_response, generate_data_key_pair_errors,
};
static const char *const generate_data_key_pair_without_plaintext_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "UnsupportedOperationException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_generate_data_key_pair_without_plaintext = {
    "GenerateDataKeyPairWithoutPlaintext", &kw_shape_generate_data_key_pair_without_plaintext_request,
    &kw_shape_generate_data_key_pair_without_plaintext_response,
    generate_data_key_pair_without_plaintext_errors,
};
static const char *const generate_data_key_without_plaintext_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_generate_data_key_without_plaintext = {
    "GenerateDataKeyWithoutPlaintext", &kw_shape_generate_data_key_without_plaintext_request,
    &kw_shape_generate_data_key_without_plaintext_response, generate_data_key_without_plaintext_errors,
};
static const char *const generate_mac_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "InvalidKeyUsageException",
    "InvalidGrantTokenException", "KMSInternalException", "KMSInvalidStateException",
    "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_generate_mac = {
    "GenerateMac", &kw_shape_generate_mac_request, &kw_shape_generate_mac_response, generate_mac_errors,
};
static const char *const generate_random_errors[] = {
    "DependencyTimeoutException", "KMSInternalException", "UnsupportedOperationException",
    "CustomKeyStoreNotFoundException", "CustomKeyStoreInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_generate_random = {
    "GenerateRandom", &kw_shape_generate_random_request, &kw_shape_generate_random_response,
    generate_random_errors,
};
static const char *const get_key_last_usage_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException", NULL,
};
const struct kw_model_operation kw_model_get_key_last_usage = {
    "GetKeyLastUsage", &kw_shape_get_key_last_usage_request, &kw_shape_get_key_last_usage_response,
    get_key_last_usage_errors,
};
static const char *const get_key_policy_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_get_key_policy = {
    "GetKeyPolicy", &kw_shape_get_key_policy_request, &kw_shape_get_key_policy_response,
    get_key_policy_errors,
};
static const char *const get_key_rotation_status_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", "UnsupportedOperationException", NULL,
};
const struct kw_model_operation kw_model_get_key_rotation_status = {
    "GetKeyRotationStatus", &kw_shape_get_key_rotation_status_request,
    &kw_shape_get_key_rotation_status_response, get_key_rotation_status_errors,
};
static const char *const get_parameters_for_import_errors[] = {
    "InvalidArnException", "UnsupportedOperationException", "DependencyTimeoutException",
    "NotFoundException", "KMSInternalException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_get_parameters_for_import = {
    "GetParametersForImport", &kw_shape_get_parameters_for_import_request,
    &kw_shape_get_parameters_for_import_response, get_parameters_for_import_errors,
};
static const char *const get_public_key_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "UnsupportedOperationException", "InvalidArnException", "InvalidGrantTokenException",
    "InvalidKeyUsageException", "KMSInternalException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_get_public_key = {
    "GetPublicKey", &kw_shape_get_public_key_request, &kw_shape_get_public_key_response,
    get_public_key_errors,
};
static const char *const import_key_material_errors[] = {
    "InvalidArnException", "UnsupportedOperationException", "DependencyTimeoutException",
    "NotFoundException", "KMSInternalException", "KMSInvalidStateException", "InvalidCiphertextException",
    "IncorrectKeyMaterialException", "ExpiredImportTokenException", "InvalidImportTokenException", NULL,
};
const struct kw_model_operation kw_model_import_key_material = {
    "ImportKeyMaterial", &kw_shape_import_key_material_request, &kw_shape_import_key_material_response,
    import_key_material_errors,
};
static const char *const list_aliases_errors[] = {
    "DependencyTimeoutException", "InvalidMarkerException", "KMSInternalException", "InvalidArnException",
    "NotFoundException", NULL,
};
const struct kw_model_operation kw_model_list_aliases = {
    "ListAliases", &kw_shape_list_aliases_request, &kw_shape_list_aliases_response, list_aliases_errors,
};
static const char *const list_grants_errors[] = {
    "NotFoundException", "DependencyTimeoutException", "InvalidMarkerException", "InvalidGrantIdException",
    "InvalidArnException", "KMSInternalException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_list_grants = {
    "ListGrants", &kw_shape_list_grants_request, &kw_shape_list_grants_response, list_grants_errors,
};
static const char *const list_key_policies_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_list_key_policies = {
    "ListKeyPolicies", &kw_shape_list_key_policies_request, &kw_shape_list_key_policies_response,
    list_key_policies_errors,
};
static const char *const list_key_rotations_errors[] = {
    "NotFoundException", "InvalidArnException", "InvalidMarkerException", "KMSInternalException",
    "KMSInvalidStateException", "UnsupportedOperationException", NULL,
};
const struct kw_model_operation kw_model_list_key_rotations = {
    "ListKeyRotations", &kw_shape_list_key_rotations_request, &kw_shape_list_key_rotations_response,
    list_key_rotations_errors,
};
static const char *const list_keys_errors[] = {
    "DependencyTimeoutException", "KMSInternalException", "InvalidMarkerException", NULL,
};
const struct kw_model_operation kw_model_list_keys = {
    "ListKeys", &kw_shape_list_keys_request, &kw_shape_list_keys_response, list_keys_errors,
};
static const char *const list_resource_tags_errors[] = {
    "KMSInternalException", "NotFoundException", "InvalidArnException", "InvalidMarkerException", NULL,
};
const struct kw_model_operation kw_model_list_resource_tags = {
    "ListResourceTags", &kw_shape_list_resource_tags_request, &kw_shape_list_resource_tags_response,
    list_resource_tags_errors,
};
static const char *const list_retirable_grants_errors[] = {
    "DependencyTimeoutException", "InvalidMarkerException", "InvalidArnException", "NotFoundException",
    "KMSInternalException", NULL,
};
const struct kw_model_operation kw_model_list_retirable_grants = {
    "ListRetirableGrants", &kw_shape_list_retirable_grants_request, &kw_shape_list_grants_response,
    list_retirable_grants_errors,
};
static const char *const put_key_policy_errors[] = {
    "NotFoundException", "InvalidArnException", "MalformedPolicyDocumentException",
    "DependencyTimeoutException", "UnsupportedOperationException", "KMSInternalException",
    "LimitExceededException", "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_put_key_policy = {
    "PutKeyPolicy", &kw_shape_put_key_policy_request, NULL, put_key_policy_errors,
};
static const char *const re_encrypt_errors[] = {
    "NotFoundException", "DisabledException", "InvalidCiphertextException", "KeyUnavailableException",
    "IncorrectKeyException", "DependencyTimeoutException", "InvalidKeyUsageException",
    "InvalidGrantTokenException", "KMSInternalException", "KMSInvalidStateException",
    "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_re_encrypt = {
    "ReEncrypt", &kw_shape_re_encrypt_request, &kw_shape_re_encrypt_response, re_encrypt_errors,
};
static const char *const replicate_key_errors[] = {
    "AlreadyExistsException", "DisabledException", "InvalidArnException", "KMSInvalidStateException",
    "KMSInternalException", "LimitExceededException", "MalformedPolicyDocumentException",
    "NotFoundException", "TagException", "UnsupportedOperationException", NULL,
};
const struct kw_model_operation kw_model_replicate_key = {
    "ReplicateKey", &kw_shape_replicate_key_request, &kw_shape_replicate_key_response, replicate_key_errors,
};
static const char *const retire_grant_errors[] = {
    "InvalidArnException", "InvalidGrantTokenException", "InvalidGrantIdException", "NotFoundException",
    "DependencyTimeoutException", "KMSInternalException", "KMSInvalidStateException",
    "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_retire_grant = {
    "RetireGrant", &kw_shape_retire_grant_request, NULL, retire_grant_errors,
};
static const char *const revoke_grant_errors[] = {
    "NotFoundException", "DependencyTimeoutException", "InvalidArnException", "InvalidGrantIdException",
    "KMSInternalException", "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_revoke_grant = {
    "RevokeGrant", &kw_shape_revoke_grant_request, NULL, revoke_grant_errors,
};
static const char *const rotate_key_on_demand_errors[] = {
    "NotFoundException", "DisabledException", "InvalidArnException", "DependencyTimeoutException",
    "KMSInternalException", "KMSInvalidStateException", "UnsupportedOperationException",
    "LimitExceededException", "ConflictException", NULL,
};
const struct kw_model_operation kw_model_rotate_key_on_demand = {
    "RotateKeyOnDemand", &kw_shape_rotate_key_on_demand_request, &kw_shape_rotate_key_on_demand_response,
    rotate_key_on_demand_errors,
};
static const char *const schedule_key_deletion_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_schedule_key_deletion = {
    "ScheduleKeyDeletion", &kw_shape_schedule_key_deletion_request, &kw_shape_schedule_key_deletion_response,
    schedule_key_deletion_errors,
};
static const char *const sign_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_sign = {
    "Sign", &kw_shape_sign_request, &kw_shape_sign_response, sign_errors,
};
static const char *const tag_resource_errors[] = {
    "KMSInternalException", "NotFoundException", "InvalidArnException", "KMSInvalidStateException",
    "LimitExceededException", "TagException", NULL,
};
const struct kw_model_operation kw_model_tag_resource = {
    "TagResource", &kw_shape_tag_resource_request, NULL, tag_resource_errors,
};
static const char *const untag_resource_errors[] = {
    "KMSInternalException", "NotFoundException", "InvalidArnException", "KMSInvalidStateException",
    "TagException", NULL,
};
const struct kw_model_operation kw_model_untag_resource = {
    "UntagResource", &kw_shape_untag_resource_request, NULL, untag_resource_errors,
};
static const char *const update_alias_errors[] = {
    "DependencyTimeoutException", "NotFoundException", "KMSInternalException", "LimitExceededException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_update_alias = {
    "UpdateAlias", &kw_shape_update_alias_request, NULL, update_alias_errors,
};
static const char *const update_custom_key_store_errors[] = {
    "CustomKeyStoreNotFoundException", "CustomKeyStoreNameInUseException",
    "CloudHsmClusterNotFoundException", "CloudHsmClusterNotRelatedException",
    "CustomKeyStoreInvalidStateException", "KMSInternalException", "CloudHsmClusterNotActiveException",
    "CloudHsmClusterInvalidConfigurationException", "XksProxyUriInUseException",
    "XksProxyUriEndpointInUseException", "XksProxyUriUnreachableException",
    "XksProxyIncorrectAuthenticationCredentialException", "XksProxyVpcEndpointServiceInUseException",
    "XksProxyVpcEndpointServiceNotFoundException", "XksProxyVpcEndpointServiceInvalidConfigurationException",
    "XksProxyInvalidResponseException", "XksProxyInvalidConfigurationException", NULL,
};
const struct kw_model_operation kw_model_update_custom_key_store = {
    "UpdateCustomKeyStore", &kw_shape_update_custom_key_store_request,
    &kw_shape_update_custom_key_store_response, update_custom_key_store_errors,
};
static const char *const update_key_description_errors[] = {
    "NotFoundException", "InvalidArnException", "DependencyTimeoutException", "KMSInternalException",
    "KMSInvalidStateException", NULL,
};
const struct kw_model_operation kw_model_update_key_description = {
    "UpdateKeyDescription", &kw_shape_update_key_description_request, NULL, update_key_description_errors,
};
static const char *const update_primary_region_errors[] = {
    "DisabledException", "InvalidArnException", "KMSInvalidStateException", "KMSInternalException",
    "NotFoundException", "UnsupportedOperationException", NULL,
};
const struct kw_model_operation kw_model_update_primary_region = {
    "UpdatePrimaryRegion", &kw_shape_update_primary_region_request, NULL, update_primary_region_errors,
};
static const char *const verify_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "DependencyTimeoutException",
    "InvalidKeyUsageException", "InvalidGrantTokenException", "KMSInternalException",
    "KMSInvalidStateException", "KMSInvalidSignatureException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_verify = {
    "Verify", &kw_shape_verify_request, &kw_shape_verify_response, verify_errors,
};
static const char *const verify_mac_errors[] = {
    "NotFoundException", "DisabledException", "KeyUnavailableException", "InvalidKeyUsageException",
    "InvalidGrantTokenException", "KMSInternalException", "KMSInvalidMacException",
    "KMSInvalidStateException", "DryRunOperationException", NULL,
};
const struct kw_model_operation kw_model_verify_mac = {
    "VerifyMac", &kw_shape_verify_mac_request, &kw_shape_verify_mac_response, verify_mac_errors,
};
const struct kw_model_operation *const kw_model[] = {
    &kw_model_cancel_key_deletion,
    &kw_model_connect_custom_key_store,
    &kw_model_create_alias,
    &kw_model_create_custom_key_store,
    &kw_model_create_grant,
    &kw_model_create_key,
    &kw_model_decrypt,
    &kw_model_delete_alias,
    &kw_model_delete_custom_key_store,
    &kw_model_delete_imported_key_material,
    &kw_model_derive_shared_secret,
    &kw_model_describe_custom_key_stores,
    &kw_model_describe_key,
    &kw_model_disable_key,
    &kw_model_disable_key_rotation,
    &kw_model_disconnect_custom_key_store,
    &kw_model_enable_key,
    &kw_model_enable_key_rotation,
    &kw_model_encrypt,
    &kw_model_generate_data_key,
    &kw_model_generate_data_key_pair,
    &kw_model_generate_data_key_pair_without_plaintext,
    &kw_model_generate_data_key_without_plaintext,
    &kw_model_generate_mac,
    &kw_model_generate_random,
    &kw_model_get_key_last_usage,
    &kw_model_get_key_policy,
    &kw_model_get_key_rotation_status,
    &kw_model_get_parameters_for_import,
    &kw_model_get_public_key,
    &kw_model_import_key_material,
    &kw_model_list_aliases,
    &kw_model_list_grants,
    &kw_model_list_key_policies,
    &kw_model_list_key_rotations,
    &kw_model_list_keys,
    &kw_model_list_resource_tags,
    &kw_model_list_retirable_grants,
    &kw_model_put_key_policy,
    &kw_model_re_encrypt,
    &kw_model_replicate_key,
    &kw_model_retire_grant,
    &kw_model_revoke_grant,
    &kw_model_rotate_key_on_demand,
    &kw_model_schedule_key_deletion,
    &kw_model_sign,
    &kw_model_tag_resource,
    &kw_model_untag_resource,
    &kw_model_update_alias,
    &kw_model_update_custom_key_store,
    &kw_model_update_key_description,
    &kw_model_update_primary_region,
    &kw_model_verify,
    &kw_model_verify_mac,
};
/* clang-format on */
const size_t kw_model_num = KW_ARRAY_LEN(kw_model);
