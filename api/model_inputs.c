/* What operations take.
 *
 * Made from the service model by tests/support/model_tables.py; not edited by hand. */
#include "api/model_shapes.h"

/* clang-format off */
static const struct kw_member cancel_key_deletion_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_cancel_key_deletion_request =
    KW_SHAPE_STRUCTURE("CancelKeyDeletionRequest", cancel_key_deletion_request_members);

static const struct kw_member connect_custom_key_store_request_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_connect_custom_key_store_request =
    KW_SHAPE_STRUCTURE("ConnectCustomKeyStoreRequest", connect_custom_key_store_request_members);

static const struct kw_member create_alias_request_members[] = {
    {"AliasName", &kw_shape_alias_name_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"TargetKeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_alias_request =
    KW_SHAPE_STRUCTURE("CreateAliasRequest", create_alias_request_members);

static const struct kw_member create_custom_key_store_request_members[] = {
    {"CustomKeyStoreName", &kw_shape_custom_key_store_name_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"CloudHsmClusterId", &kw_shape_cloud_hsm_cluster_id_type, KW_MEMBER_AUDITED},
    {"TrustAnchorCertificate", &kw_shape_trust_anchor_certificate_type, KW_MEMBER_AUDITED},
    {"KeyStorePassword", &kw_shape_key_store_password_type, 0},
    {"CustomKeyStoreType", &kw_shape_custom_key_store_type, KW_MEMBER_AUDITED},
    {"XksProxyUriEndpoint", &kw_shape_xks_proxy_uri_endpoint_type, KW_MEMBER_AUDITED},
    {"XksProxyUriPath", &kw_shape_xks_proxy_uri_path_type, KW_MEMBER_AUDITED},
    {"XksProxyVpcEndpointServiceName", &kw_shape_xks_proxy_vpc_endpoint_service_name_type, KW_MEMBER_AUDITED},
    {"XksProxyVpcEndpointServiceOwner", &kw_shape_account_id_type, KW_MEMBER_AUDITED},
    {"XksProxyAuthenticationCredential", &kw_shape_xks_proxy_authentication_credential_type, 0},
    {"XksProxyConnectivity", &kw_shape_xks_proxy_connectivity_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_custom_key_store_request =
    KW_SHAPE_STRUCTURE("CreateCustomKeyStoreRequest", create_custom_key_store_request_members);

static const struct kw_member create_grant_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GranteePrincipal", &kw_shape_principal_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"RetiringPrincipal", &kw_shape_principal_id_type, KW_MEMBER_AUDITED},
    {"Operations", &kw_shape_grant_operation_list, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Constraints", &kw_shape_grant_constraints, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"Name", &kw_shape_grant_name_type, KW_MEMBER_AUDITED},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_grant_request =
    KW_SHAPE_STRUCTURE("CreateGrantRequest", create_grant_request_members);

static const struct kw_member create_key_request_members[] = {
    {"Policy", &kw_shape_policy_type, KW_MEMBER_AUDITED},
    {"Description", &kw_shape_description_type, KW_MEMBER_AUDITED},
    {"KeyUsage", &kw_shape_key_usage_type, KW_MEMBER_AUDITED},
    {"CustomerMasterKeySpec", &kw_shape_customer_master_key_spec, KW_MEMBER_AUDITED},
    {"KeySpec", &kw_shape_key_spec, KW_MEMBER_AUDITED},
    {"Origin", &kw_shape_origin_type, KW_MEMBER_AUDITED},
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_AUDITED},
    {"BypassPolicyLockoutSafetyCheck", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
    {"Tags", &kw_shape_tag_list, KW_MEMBER_AUDITED},
    {"MultiRegion", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
    {"XksKeyId", &kw_shape_xks_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_key_request =
    KW_SHAPE_STRUCTURE("CreateKeyRequest", create_key_request_members);

static const struct kw_member decrypt_request_members[] = {
    {"CiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"EncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"EncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"Recipient", &kw_shape_recipient_info, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
    {"DryRunModifiers", &kw_shape_dry_run_modifier_list, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_decrypt_request =
    KW_SHAPE_STRUCTURE("DecryptRequest", decrypt_request_members);

static const struct kw_member delete_alias_request_members[] = {
    {"AliasName", &kw_shape_alias_name_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_delete_alias_request =
    KW_SHAPE_STRUCTURE("DeleteAliasRequest", delete_alias_request_members);

static const struct kw_member delete_custom_key_store_request_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_delete_custom_key_store_request =
    KW_SHAPE_STRUCTURE("DeleteCustomKeyStoreRequest", delete_custom_key_store_request_members);

static const struct kw_member delete_imported_key_material_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_delete_imported_key_material_request =
    KW_SHAPE_STRUCTURE("DeleteImportedKeyMaterialRequest", delete_imported_key_material_request_members);

static const struct kw_member derive_shared_secret_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"KeyAgreementAlgorithm", &kw_shape_key_agreement_algorithm_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"PublicKey", &kw_shape_public_key_type, KW_MEMBER_REQUIRED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
    {"Recipient", &kw_shape_recipient_info, 0},
};
const struct kw_shape kw_shape_derive_shared_secret_request =
    KW_SHAPE_STRUCTURE("DeriveSharedSecretRequest", derive_shared_secret_request_members);

static const struct kw_member describe_custom_key_stores_request_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_AUDITED},
    {"CustomKeyStoreName", &kw_shape_custom_key_store_name_type, KW_MEMBER_AUDITED},
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
};
const struct kw_shape kw_shape_describe_custom_key_stores_request =
    KW_SHAPE_STRUCTURE("DescribeCustomKeyStoresRequest", describe_custom_key_stores_request_members);

static const struct kw_member describe_key_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
};
const struct kw_shape kw_shape_describe_key_request =
    KW_SHAPE_STRUCTURE("DescribeKeyRequest", describe_key_request_members);

static const struct kw_member disable_key_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_disable_key_request =
    KW_SHAPE_STRUCTURE("DisableKeyRequest", disable_key_request_members);

static const struct kw_member disable_key_rotation_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_disable_key_rotation_request =
    KW_SHAPE_STRUCTURE("DisableKeyRotationRequest", disable_key_rotation_request_members);

static const struct kw_member disconnect_custom_key_store_request_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_disconnect_custom_key_store_request =
    KW_SHAPE_STRUCTURE("DisconnectCustomKeyStoreRequest", disconnect_custom_key_store_request_members);

static const struct kw_member enable_key_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_enable_key_request =
    KW_SHAPE_STRUCTURE("EnableKeyRequest", enable_key_request_members);

static const struct kw_member enable_key_rotation_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"RotationPeriodInDays", &kw_shape_rotation_period_in_days_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_enable_key_rotation_request =
    KW_SHAPE_STRUCTURE("EnableKeyRotationRequest", enable_key_rotation_request_members);

static const struct kw_member encrypt_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Plaintext", &kw_shape_plaintext_type, KW_MEMBER_REQUIRED},
    {"EncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"EncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_encrypt_request =
    KW_SHAPE_STRUCTURE("EncryptRequest", encrypt_request_members);

static const struct kw_member generate_data_key_pair_request_members[] = {
    {"EncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"KeyPairSpec", &kw_shape_data_key_pair_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"Recipient", &kw_shape_recipient_info, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_pair_request =
    KW_SHAPE_STRUCTURE("GenerateDataKeyPairRequest", generate_data_key_pair_request_members);

static const struct kw_member generate_data_key_pair_without_plaintext_request_members[] = {
    {"EncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"KeyPairSpec", &kw_shape_data_key_pair_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_pair_without_plaintext_request =
    KW_SHAPE_STRUCTURE("GenerateDataKeyPairWithoutPlaintextRequest", generate_data_key_pair_without_plaintext_request_members);

static const struct kw_member generate_data_key_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"EncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"NumberOfBytes", &kw_shape_number_of_bytes_type, KW_MEMBER_AUDITED},
    {"KeySpec", &kw_shape_data_key_spec, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"Recipient", &kw_shape_recipient_info, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_request =
    KW_SHAPE_STRUCTURE("GenerateDataKeyRequest", generate_data_key_request_members);

static const struct kw_member generate_data_key_without_plaintext_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"EncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"KeySpec", &kw_shape_data_key_spec, KW_MEMBER_AUDITED},
    {"NumberOfBytes", &kw_shape_number_of_bytes_type, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_without_plaintext_request =
    KW_SHAPE_STRUCTURE("GenerateDataKeyWithoutPlaintextRequest", generate_data_key_without_plaintext_request_members);

static const struct kw_member generate_mac_request_members[] = {
    {"Message", &kw_shape_plaintext_type, KW_MEMBER_REQUIRED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"MacAlgorithm", &kw_shape_mac_algorithm_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_mac_request =
    KW_SHAPE_STRUCTURE("GenerateMacRequest", generate_mac_request_members);

static const struct kw_member generate_random_request_members[] = {
    {"NumberOfBytes", &kw_shape_number_of_bytes_type, KW_MEMBER_AUDITED},
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_AUDITED},
    {"Recipient", &kw_shape_recipient_info, 0},
};
const struct kw_shape kw_shape_generate_random_request =
    KW_SHAPE_STRUCTURE("GenerateRandomRequest", generate_random_request_members);

static const struct kw_member get_key_last_usage_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_key_last_usage_request =
    KW_SHAPE_STRUCTURE("GetKeyLastUsageRequest", get_key_last_usage_request_members);

static const struct kw_member get_key_policy_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"PolicyName", &kw_shape_policy_name_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_key_policy_request =
    KW_SHAPE_STRUCTURE("GetKeyPolicyRequest", get_key_policy_request_members);

static const struct kw_member get_key_rotation_status_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_key_rotation_status_request =
    KW_SHAPE_STRUCTURE("GetKeyRotationStatusRequest", get_key_rotation_status_request_members);

static const struct kw_member get_parameters_for_import_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"WrappingAlgorithm", &kw_shape_algorithm_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"WrappingKeySpec", &kw_shape_wrapping_key_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_parameters_for_import_request =
    KW_SHAPE_STRUCTURE("GetParametersForImportRequest", get_parameters_for_import_request_members);

static const struct kw_member get_public_key_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
};
const struct kw_shape kw_shape_get_public_key_request =
    KW_SHAPE_STRUCTURE("GetPublicKeyRequest", get_public_key_request_members);

static const struct kw_member import_key_material_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"ImportToken", &kw_shape_ciphertext_type, KW_MEMBER_REQUIRED},
    {"EncryptedKeyMaterial", &kw_shape_ciphertext_type, KW_MEMBER_REQUIRED},
    {"ValidTo", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"ExpirationModel", &kw_shape_expiration_model_type, KW_MEMBER_AUDITED},
    {"ImportType", &kw_shape_import_type, KW_MEMBER_AUDITED},
    {"KeyMaterialDescription", &kw_shape_key_material_description_type, KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_import_key_material_request =
    KW_SHAPE_STRUCTURE("ImportKeyMaterialRequest", import_key_material_request_members);

static const struct kw_member list_aliases_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
};
const struct kw_shape kw_shape_list_aliases_request =
    KW_SHAPE_STRUCTURE("ListAliasesRequest", list_aliases_request_members);

static const struct kw_member list_grants_request_members[] = {
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantId", &kw_shape_grant_id_type, KW_MEMBER_AUDITED},
    {"GranteePrincipal", &kw_shape_principal_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_grants_request =
    KW_SHAPE_STRUCTURE("ListGrantsRequest", list_grants_request_members);

static const struct kw_member list_key_policies_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
};
const struct kw_shape kw_shape_list_key_policies_request =
    KW_SHAPE_STRUCTURE("ListKeyPoliciesRequest", list_key_policies_request_members);

static const struct kw_member list_key_rotations_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"IncludeKeyMaterial", &kw_shape_include_key_material, KW_MEMBER_AUDITED},
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
};
const struct kw_shape kw_shape_list_key_rotations_request =
    KW_SHAPE_STRUCTURE("ListKeyRotationsRequest", list_key_rotations_request_members);

static const struct kw_member list_keys_request_members[] = {
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
};
const struct kw_shape kw_shape_list_keys_request =
    KW_SHAPE_STRUCTURE("ListKeysRequest", list_keys_request_members);

static const struct kw_member list_resource_tags_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
};
const struct kw_shape kw_shape_list_resource_tags_request =
    KW_SHAPE_STRUCTURE("ListResourceTagsRequest", list_resource_tags_request_members);

static const struct kw_member list_retirable_grants_request_members[] = {
    {"Limit", &kw_shape_limit_type, KW_MEMBER_AUDITED},
    {"Marker", &kw_shape_marker_type, 0},
    {"RetiringPrincipal", &kw_shape_principal_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_retirable_grants_request =
    KW_SHAPE_STRUCTURE("ListRetirableGrantsRequest", list_retirable_grants_request_members);

static const struct kw_member put_key_policy_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"PolicyName", &kw_shape_policy_name_type, KW_MEMBER_AUDITED},
    {"Policy", &kw_shape_policy_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"BypassPolicyLockoutSafetyCheck", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_put_key_policy_request =
    KW_SHAPE_STRUCTURE("PutKeyPolicyRequest", put_key_policy_request_members);

static const struct kw_member re_encrypt_request_members[] = {
    {"CiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"SourceEncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"SourceKeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"DestinationKeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"DestinationEncryptionContext", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"SourceEncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"DestinationEncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
    {"DryRunModifiers", &kw_shape_dry_run_modifier_list, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_re_encrypt_request =
    KW_SHAPE_STRUCTURE("ReEncryptRequest", re_encrypt_request_members);

static const struct kw_member replicate_key_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"ReplicaRegion", &kw_shape_region_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Policy", &kw_shape_policy_type, KW_MEMBER_AUDITED},
    {"BypassPolicyLockoutSafetyCheck", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
    {"Description", &kw_shape_description_type, KW_MEMBER_AUDITED},
    {"Tags", &kw_shape_tag_list, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_replicate_key_request =
    KW_SHAPE_STRUCTURE("ReplicateKeyRequest", replicate_key_request_members);

static const struct kw_member retire_grant_request_members[] = {
    {"GrantToken", &kw_shape_grant_token_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"GrantId", &kw_shape_grant_id_type, KW_MEMBER_AUDITED},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_retire_grant_request =
    KW_SHAPE_STRUCTURE("RetireGrantRequest", retire_grant_request_members);

static const struct kw_member revoke_grant_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantId", &kw_shape_grant_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_revoke_grant_request =
    KW_SHAPE_STRUCTURE("RevokeGrantRequest", revoke_grant_request_members);

static const struct kw_member rotate_key_on_demand_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_rotate_key_on_demand_request =
    KW_SHAPE_STRUCTURE("RotateKeyOnDemandRequest", rotate_key_on_demand_request_members);

static const struct kw_member schedule_key_deletion_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"PendingWindowInDays", &kw_shape_pending_window_in_days_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_schedule_key_deletion_request =
    KW_SHAPE_STRUCTURE("ScheduleKeyDeletionRequest", schedule_key_deletion_request_members);

static const struct kw_member sign_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Message", &kw_shape_plaintext_type, KW_MEMBER_REQUIRED},
    {"MessageType", &kw_shape_message_type, KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"SigningAlgorithm", &kw_shape_signing_algorithm_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_sign_request =
    KW_SHAPE_STRUCTURE("SignRequest", sign_request_members);

static const struct kw_member tag_resource_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Tags", &kw_shape_tag_list, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_tag_resource_request =
    KW_SHAPE_STRUCTURE("TagResourceRequest", tag_resource_request_members);

static const struct kw_member untag_resource_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"TagKeys", &kw_shape_tag_key_list, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_untag_resource_request =
    KW_SHAPE_STRUCTURE("UntagResourceRequest", untag_resource_request_members);

static const struct kw_member update_alias_request_members[] = {
    {"AliasName", &kw_shape_alias_name_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"TargetKeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_update_alias_request =
    KW_SHAPE_STRUCTURE("UpdateAliasRequest", update_alias_request_members);

static const struct kw_member update_custom_key_store_request_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"NewCustomKeyStoreName", &kw_shape_custom_key_store_name_type, KW_MEMBER_AUDITED},
    {"KeyStorePassword", &kw_shape_key_store_password_type, 0},
    {"CloudHsmClusterId", &kw_shape_cloud_hsm_cluster_id_type, KW_MEMBER_AUDITED},
    {"XksProxyUriEndpoint", &kw_shape_xks_proxy_uri_endpoint_type, KW_MEMBER_AUDITED},
    {"XksProxyUriPath", &kw_shape_xks_proxy_uri_path_type, KW_MEMBER_AUDITED},
    {"XksProxyVpcEndpointServiceName", &kw_shape_xks_proxy_vpc_endpoint_service_name_type, KW_MEMBER_AUDITED},
    {"XksProxyVpcEndpointServiceOwner", &kw_shape_account_id_type, KW_MEMBER_AUDITED},
    {"XksProxyAuthenticationCredential", &kw_shape_xks_proxy_authentication_credential_type, 0},
    {"XksProxyConnectivity", &kw_shape_xks_proxy_connectivity_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_update_custom_key_store_request =
    KW_SHAPE_STRUCTURE("UpdateCustomKeyStoreRequest", update_custom_key_store_request_members);

static const struct kw_member update_key_description_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Description", &kw_shape_description_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_update_key_description_request =
    KW_SHAPE_STRUCTURE("UpdateKeyDescriptionRequest", update_key_description_request_members);

static const struct kw_member update_primary_region_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"PrimaryRegion", &kw_shape_region_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_update_primary_region_request =
    KW_SHAPE_STRUCTURE("UpdatePrimaryRegionRequest", update_primary_region_request_members);

static const struct kw_member verify_mac_request_members[] = {
    {"Message", &kw_shape_plaintext_type, KW_MEMBER_REQUIRED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"MacAlgorithm", &kw_shape_mac_algorithm_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Mac", &kw_shape_ciphertext_type, KW_MEMBER_REQUIRED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_verify_mac_request =
    KW_SHAPE_STRUCTURE("VerifyMacRequest", verify_mac_request_members);

static const struct kw_member verify_request_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Message", &kw_shape_plaintext_type, KW_MEMBER_REQUIRED},
    {"MessageType", &kw_shape_message_type, KW_MEMBER_AUDITED},
    {"Signature", &kw_shape_ciphertext_type, KW_MEMBER_REQUIRED},
    {"SigningAlgorithm", &kw_shape_signing_algorithm_spec, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"GrantTokens", &kw_shape_grant_token_list, 0},
    {"DryRun", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_verify_request =
    KW_SHAPE_STRUCTURE("VerifyRequest", verify_request_members);
/* clang-format on */
