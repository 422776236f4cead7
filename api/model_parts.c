/* Structures, lists and maps within others.
 *
 * Made from the service model by tests/support/model_tables.py; not edited by hand. */
#include "api/model_shapes.h"

/* clang-format off */
static const struct kw_member xks_proxy_authentication_credential_type_members[] = {
    {"AccessKeyId", &kw_shape_xks_proxy_authentication_access_key_id_type, KW_MEMBER_REQUIRED},
    {"RawSecretAccessKey", &kw_shape_xks_proxy_authentication_raw_secret_access_key_type, KW_MEMBER_REQUIRED},
};
const struct kw_shape kw_shape_xks_proxy_authentication_credential_type =
    KW_SHAPE_STRUCTURE("XksProxyAuthenticationCredentialType", xks_proxy_authentication_credential_type_members);

const struct kw_shape kw_shape_encryption_context_type = {
    .name = "EncryptionContextType", .kind = KW_KIND_MAP, .key = &kw_shape_encryption_context_key,
    .element = &kw_shape_encryption_context_value,
};

static const struct kw_member grant_constraints_members[] = {
    {"EncryptionContextSubset", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
    {"EncryptionContextEquals", &kw_shape_encryption_context_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_grant_constraints =
    KW_SHAPE_STRUCTURE("GrantConstraints", grant_constraints_members);

const struct kw_shape kw_shape_grant_operation_list = {
    .name = "GrantOperationList", .kind = KW_KIND_LIST, .element = &kw_shape_grant_operation,
};

const struct kw_shape kw_shape_grant_token_list = {
    .name = "GrantTokenList", .kind = KW_KIND_LIST, .has_min = true, .min = 0, .has_max = true, .max = 10,
    .element = &kw_shape_grant_token_type,
};

static const struct kw_member tag_members[] = {
    {"TagKey", &kw_shape_tag_key_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"TagValue", &kw_shape_tag_value_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_tag =
    KW_SHAPE_STRUCTURE("Tag", tag_members);

const struct kw_shape kw_shape_tag_list = {
    .name = "TagList", .kind = KW_KIND_LIST, .element = &kw_shape_tag,
};

const struct kw_shape kw_shape_encryption_algorithm_spec_list = {
    .name = "EncryptionAlgorithmSpecList", .kind = KW_KIND_LIST,
    .element = &kw_shape_encryption_algorithm_spec,
};

const struct kw_shape kw_shape_key_agreement_algorithm_spec_list = {
    .name = "KeyAgreementAlgorithmSpecList", .kind = KW_KIND_LIST,
    .element = &kw_shape_key_agreement_algorithm_spec,
};

const struct kw_shape kw_shape_mac_algorithm_spec_list = {
    .name = "MacAlgorithmSpecList", .kind = KW_KIND_LIST, .element = &kw_shape_mac_algorithm_spec,
};

static const struct kw_member multi_region_key_members[] = {
    {"Arn", &kw_shape_arn_type, KW_MEMBER_AUDITED},
    {"Region", &kw_shape_region_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_multi_region_key =
    KW_SHAPE_STRUCTURE("MultiRegionKey", multi_region_key_members);

const struct kw_shape kw_shape_multi_region_key_list = {
    .name = "MultiRegionKeyList", .kind = KW_KIND_LIST, .element = &kw_shape_multi_region_key,
};

static const struct kw_member multi_region_configuration_members[] = {
    {"MultiRegionKeyType", &kw_shape_multi_region_key_type, KW_MEMBER_AUDITED},
    {"PrimaryKey", &kw_shape_multi_region_key, KW_MEMBER_AUDITED},
    {"ReplicaKeys", &kw_shape_multi_region_key_list, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_multi_region_configuration =
    KW_SHAPE_STRUCTURE("MultiRegionConfiguration", multi_region_configuration_members);

const struct kw_shape kw_shape_signing_algorithm_spec_list = {
    .name = "SigningAlgorithmSpecList", .kind = KW_KIND_LIST, .element = &kw_shape_signing_algorithm_spec,
};

static const struct kw_member xks_key_configuration_type_members[] = {
    {"Id", &kw_shape_xks_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_xks_key_configuration_type =
    KW_SHAPE_STRUCTURE("XksKeyConfigurationType", xks_key_configuration_type_members);

static const struct kw_member key_metadata_members[] = {
    {"AWSAccountId", &kw_shape_aws_account_id_type, KW_MEMBER_AUDITED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_REQUIRED | KW_MEMBER_AUDITED},
    {"Arn", &kw_shape_arn_type, KW_MEMBER_AUDITED},
    {"CreationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"Enabled", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
    {"Description", &kw_shape_description_type, KW_MEMBER_AUDITED},
    {"KeyUsage", &kw_shape_key_usage_type, KW_MEMBER_AUDITED},
    {"KeyState", &kw_shape_key_state, KW_MEMBER_AUDITED},
    {"DeletionDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"ValidTo", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"Origin", &kw_shape_origin_type, KW_MEMBER_AUDITED},
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_AUDITED},
    {"CloudHsmClusterId", &kw_shape_cloud_hsm_cluster_id_type, KW_MEMBER_AUDITED},
    {"ExpirationModel", &kw_shape_expiration_model_type, KW_MEMBER_AUDITED},
    {"KeyManager", &kw_shape_key_manager_type, KW_MEMBER_AUDITED},
    {"CustomerMasterKeySpec", &kw_shape_customer_master_key_spec, KW_MEMBER_AUDITED},
    {"KeySpec", &kw_shape_key_spec, KW_MEMBER_AUDITED},
    {"EncryptionAlgorithms", &kw_shape_encryption_algorithm_spec_list, KW_MEMBER_AUDITED},
    {"SigningAlgorithms", &kw_shape_signing_algorithm_spec_list, KW_MEMBER_AUDITED},
    {"KeyAgreementAlgorithms", &kw_shape_key_agreement_algorithm_spec_list, KW_MEMBER_AUDITED},
    {"MultiRegion", &kw_shape_nullable_boolean_type, KW_MEMBER_AUDITED},
    {"MultiRegionConfiguration", &kw_shape_multi_region_configuration, KW_MEMBER_AUDITED},
    {"PendingDeletionWindowInDays", &kw_shape_pending_window_in_days_type, KW_MEMBER_AUDITED},
    {"MacAlgorithms", &kw_shape_mac_algorithm_spec_list, KW_MEMBER_AUDITED},
    {"XksKeyConfiguration", &kw_shape_xks_key_configuration_type, KW_MEMBER_AUDITED},
    {"CurrentKeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_key_metadata =
    KW_SHAPE_STRUCTURE("KeyMetadata", key_metadata_members);

const struct kw_shape kw_shape_dry_run_modifier_list = {
    .name = "DryRunModifierList", .kind = KW_KIND_LIST, .element = &kw_shape_dry_run_modifier_type,
};

static const struct kw_member recipient_info_members[] = {
    {"KeyEncryptionAlgorithm", &kw_shape_key_encryption_mechanism, KW_MEMBER_AUDITED},
    {"AttestationDocument", &kw_shape_attestation_document_type, 0},
};
const struct kw_shape kw_shape_recipient_info =
    KW_SHAPE_STRUCTURE("RecipientInfo", recipient_info_members);

static const struct kw_member xks_proxy_configuration_type_members[] = {
    {"Connectivity", &kw_shape_xks_proxy_connectivity_type, KW_MEMBER_AUDITED},
    {"AccessKeyId", &kw_shape_xks_proxy_authentication_access_key_id_type, 0},
    {"UriEndpoint", &kw_shape_xks_proxy_uri_endpoint_type, KW_MEMBER_AUDITED},
    {"UriPath", &kw_shape_xks_proxy_uri_path_type, KW_MEMBER_AUDITED},
    {"VpcEndpointServiceName", &kw_shape_xks_proxy_vpc_endpoint_service_name_type, KW_MEMBER_AUDITED},
    {"VpcEndpointServiceOwner", &kw_shape_account_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_xks_proxy_configuration_type =
    KW_SHAPE_STRUCTURE("XksProxyConfigurationType", xks_proxy_configuration_type_members);

static const struct kw_member custom_key_stores_list_entry_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_AUDITED},
    {"CustomKeyStoreName", &kw_shape_custom_key_store_name_type, KW_MEMBER_AUDITED},
    {"CloudHsmClusterId", &kw_shape_cloud_hsm_cluster_id_type, KW_MEMBER_AUDITED},
    {"TrustAnchorCertificate", &kw_shape_trust_anchor_certificate_type, KW_MEMBER_AUDITED},
    {"ConnectionState", &kw_shape_connection_state_type, KW_MEMBER_AUDITED},
    {"ConnectionErrorCode", &kw_shape_connection_error_code_type, KW_MEMBER_AUDITED},
    {"CreationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"CustomKeyStoreType", &kw_shape_custom_key_store_type, KW_MEMBER_AUDITED},
    {"XksProxyConfiguration", &kw_shape_xks_proxy_configuration_type, 0},
};
const struct kw_shape kw_shape_custom_key_stores_list_entry =
    KW_SHAPE_STRUCTURE("CustomKeyStoresListEntry", custom_key_stores_list_entry_members);

const struct kw_shape kw_shape_custom_key_stores_list = {
    .name = "CustomKeyStoresList", .kind = KW_KIND_LIST, .element = &kw_shape_custom_key_stores_list_entry,
};

static const struct kw_member key_last_usage_data_members[] = {
    {"Operation", &kw_shape_key_last_usage_tracking_operation, KW_MEMBER_AUDITED},
    {"Timestamp", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"CloudTrailEventId", &kw_shape_cloud_trail_event_id_type, KW_MEMBER_AUDITED},
    {"KmsRequestId", &kw_shape_kms_request_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_key_last_usage_data =
    KW_SHAPE_STRUCTURE("KeyLastUsageData", key_last_usage_data_members);

static const struct kw_member alias_list_entry_members[] = {
    {"AliasName", &kw_shape_alias_name_type, KW_MEMBER_AUDITED},
    {"AliasArn", &kw_shape_arn_type, KW_MEMBER_AUDITED},
    {"TargetKeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"CreationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"LastUpdatedDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_alias_list_entry =
    KW_SHAPE_STRUCTURE("AliasListEntry", alias_list_entry_members);

const struct kw_shape kw_shape_alias_list = {
    .name = "AliasList", .kind = KW_KIND_LIST, .element = &kw_shape_alias_list_entry,
};

static const struct kw_member grant_list_entry_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"GrantId", &kw_shape_grant_id_type, KW_MEMBER_AUDITED},
    {"Name", &kw_shape_grant_name_type, KW_MEMBER_AUDITED},
    {"CreationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"GranteePrincipal", &kw_shape_principal_id_type, KW_MEMBER_AUDITED},
    {"RetiringPrincipal", &kw_shape_principal_id_type, KW_MEMBER_AUDITED},
    {"IssuingAccount", &kw_shape_principal_id_type, KW_MEMBER_AUDITED},
    {"Operations", &kw_shape_grant_operation_list, KW_MEMBER_AUDITED},
    {"Constraints", &kw_shape_grant_constraints, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_grant_list_entry =
    KW_SHAPE_STRUCTURE("GrantListEntry", grant_list_entry_members);

const struct kw_shape kw_shape_grant_list = {
    .name = "GrantList", .kind = KW_KIND_LIST, .element = &kw_shape_grant_list_entry,
};

const struct kw_shape kw_shape_policy_name_list = {
    .name = "PolicyNameList", .kind = KW_KIND_LIST, .element = &kw_shape_policy_name_type,
};

static const struct kw_member rotations_list_entry_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
    {"KeyMaterialDescription", &kw_shape_key_material_description_type, KW_MEMBER_AUDITED},
    {"ImportState", &kw_shape_import_state, KW_MEMBER_AUDITED},
    {"KeyMaterialState", &kw_shape_key_material_state, KW_MEMBER_AUDITED},
    {"ExpirationModel", &kw_shape_expiration_model_type, KW_MEMBER_AUDITED},
    {"ValidTo", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"RotationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"RotationType", &kw_shape_rotation_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_rotations_list_entry =
    KW_SHAPE_STRUCTURE("RotationsListEntry", rotations_list_entry_members);

const struct kw_shape kw_shape_rotations_list = {
    .name = "RotationsList", .kind = KW_KIND_LIST, .element = &kw_shape_rotations_list_entry,
};

static const struct kw_member key_list_entry_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyArn", &kw_shape_arn_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_key_list_entry =
    KW_SHAPE_STRUCTURE("KeyListEntry", key_list_entry_members);

const struct kw_shape kw_shape_key_list = {
    .name = "KeyList", .kind = KW_KIND_LIST, .element = &kw_shape_key_list_entry,
};

const struct kw_shape kw_shape_tag_key_list = {
    .name = "TagKeyList", .kind = KW_KIND_LIST, .element = &kw_shape_tag_key_type,
};
/* clang-format on */
