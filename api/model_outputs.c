/* What operations answer.
 *
 * Made from the service model by tests/support/model_tables.py; not edited by hand. */
#include "api/model_shapes.h"

/* clang-format off */
static const struct kw_member cancel_key_deletion_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_cancel_key_deletion_response =
    KW_SHAPE_STRUCTURE("CancelKeyDeletionResponse", cancel_key_deletion_response_members);

const struct kw_shape kw_shape_connect_custom_key_store_response = {
    .name = "ConnectCustomKeyStoreResponse", .kind = KW_KIND_STRUCTURE,
};

static const struct kw_member create_custom_key_store_response_members[] = {
    {"CustomKeyStoreId", &kw_shape_custom_key_store_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_custom_key_store_response =
    KW_SHAPE_STRUCTURE("CreateCustomKeyStoreResponse", create_custom_key_store_response_members);

static const struct kw_member create_grant_response_members[] = {
    {"GrantToken", &kw_shape_grant_token_type, 0},
    {"GrantId", &kw_shape_grant_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_grant_response =
    KW_SHAPE_STRUCTURE("CreateGrantResponse", create_grant_response_members);

static const struct kw_member create_key_response_members[] = {
    {"KeyMetadata", &kw_shape_key_metadata, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_create_key_response =
    KW_SHAPE_STRUCTURE("CreateKeyResponse", create_key_response_members);

static const struct kw_member decrypt_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"Plaintext", &kw_shape_plaintext_type, 0},
    {"EncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"CiphertextForRecipient", &kw_shape_ciphertext_type, 0},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_decrypt_response =
    KW_SHAPE_STRUCTURE("DecryptResponse", decrypt_response_members);

const struct kw_shape kw_shape_delete_custom_key_store_response = {
    .name = "DeleteCustomKeyStoreResponse", .kind = KW_KIND_STRUCTURE,
};

static const struct kw_member delete_imported_key_material_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_response_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_delete_imported_key_material_response =
    KW_SHAPE_STRUCTURE("DeleteImportedKeyMaterialResponse", delete_imported_key_material_response_members);

static const struct kw_member derive_shared_secret_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"SharedSecret", &kw_shape_plaintext_type, 0},
    {"CiphertextForRecipient", &kw_shape_ciphertext_type, 0},
    {"KeyAgreementAlgorithm", &kw_shape_key_agreement_algorithm_spec, KW_MEMBER_AUDITED},
    {"KeyOrigin", &kw_shape_origin_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_derive_shared_secret_response =
    KW_SHAPE_STRUCTURE("DeriveSharedSecretResponse", derive_shared_secret_response_members);

static const struct kw_member describe_custom_key_stores_response_members[] = {
    {"CustomKeyStores", &kw_shape_custom_key_stores_list, 0},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_describe_custom_key_stores_response =
    KW_SHAPE_STRUCTURE("DescribeCustomKeyStoresResponse", describe_custom_key_stores_response_members);

static const struct kw_member describe_key_response_members[] = {
    {"KeyMetadata", &kw_shape_key_metadata, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_describe_key_response =
    KW_SHAPE_STRUCTURE("DescribeKeyResponse", describe_key_response_members);

const struct kw_shape kw_shape_disconnect_custom_key_store_response = {
    .name = "DisconnectCustomKeyStoreResponse", .kind = KW_KIND_STRUCTURE,
};

static const struct kw_member encrypt_response_members[] = {
    {"CiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"EncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_encrypt_response =
    KW_SHAPE_STRUCTURE("EncryptResponse", encrypt_response_members);

static const struct kw_member generate_data_key_pair_response_members[] = {
    {"PrivateKeyCiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"PrivateKeyPlaintext", &kw_shape_plaintext_type, 0},
    {"PublicKey", &kw_shape_public_key_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyPairSpec", &kw_shape_data_key_pair_spec, KW_MEMBER_AUDITED},
    {"CiphertextForRecipient", &kw_shape_ciphertext_type, 0},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_pair_response =
    KW_SHAPE_STRUCTURE("GenerateDataKeyPairResponse", generate_data_key_pair_response_members);

static const struct kw_member generate_data_key_pair_without_plaintext_response_members[] = {
    {"PrivateKeyCiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"PublicKey", &kw_shape_public_key_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyPairSpec", &kw_shape_data_key_pair_spec, KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_pair_without_plaintext_response =
    KW_SHAPE_STRUCTURE("GenerateDataKeyPairWithoutPlaintextResponse", generate_data_key_pair_without_plaintext_response_members);

static const struct kw_member generate_data_key_response_members[] = {
    {"CiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"Plaintext", &kw_shape_plaintext_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"CiphertextForRecipient", &kw_shape_ciphertext_type, 0},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_response =
    KW_SHAPE_STRUCTURE("GenerateDataKeyResponse", generate_data_key_response_members);

static const struct kw_member generate_data_key_without_plaintext_response_members[] = {
    {"CiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_data_key_without_plaintext_response =
    KW_SHAPE_STRUCTURE("GenerateDataKeyWithoutPlaintextResponse", generate_data_key_without_plaintext_response_members);

static const struct kw_member generate_mac_response_members[] = {
    {"Mac", &kw_shape_ciphertext_type, 0},
    {"MacAlgorithm", &kw_shape_mac_algorithm_spec, KW_MEMBER_AUDITED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_generate_mac_response =
    KW_SHAPE_STRUCTURE("GenerateMacResponse", generate_mac_response_members);

static const struct kw_member generate_random_response_members[] = {
    {"Plaintext", &kw_shape_plaintext_type, 0},
    {"CiphertextForRecipient", &kw_shape_ciphertext_type, 0},
};
const struct kw_shape kw_shape_generate_random_response =
    KW_SHAPE_STRUCTURE("GenerateRandomResponse", generate_random_response_members);

static const struct kw_member get_key_last_usage_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyLastUsage", &kw_shape_key_last_usage_data, KW_MEMBER_AUDITED},
    {"TrackingStartDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"KeyCreationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_key_last_usage_response =
    KW_SHAPE_STRUCTURE("GetKeyLastUsageResponse", get_key_last_usage_response_members);

static const struct kw_member get_key_policy_response_members[] = {
    {"Policy", &kw_shape_policy_type, KW_MEMBER_AUDITED},
    {"PolicyName", &kw_shape_policy_name_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_key_policy_response =
    KW_SHAPE_STRUCTURE("GetKeyPolicyResponse", get_key_policy_response_members);

static const struct kw_member get_key_rotation_status_response_members[] = {
    {"KeyRotationEnabled", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"RotationPeriodInDays", &kw_shape_rotation_period_in_days_type, KW_MEMBER_AUDITED},
    {"NextRotationDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"OnDemandRotationStartDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_key_rotation_status_response =
    KW_SHAPE_STRUCTURE("GetKeyRotationStatusResponse", get_key_rotation_status_response_members);

static const struct kw_member get_parameters_for_import_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"ImportToken", &kw_shape_ciphertext_type, 0},
    {"PublicKey", &kw_shape_plaintext_type, 0},
    {"ParametersValidTo", &kw_shape_date_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_parameters_for_import_response =
    KW_SHAPE_STRUCTURE("GetParametersForImportResponse", get_parameters_for_import_response_members);

static const struct kw_member get_public_key_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"PublicKey", &kw_shape_public_key_type, 0},
    {"CustomerMasterKeySpec", &kw_shape_customer_master_key_spec, KW_MEMBER_AUDITED},
    {"KeySpec", &kw_shape_key_spec, KW_MEMBER_AUDITED},
    {"KeyUsage", &kw_shape_key_usage_type, KW_MEMBER_AUDITED},
    {"EncryptionAlgorithms", &kw_shape_encryption_algorithm_spec_list, KW_MEMBER_AUDITED},
    {"SigningAlgorithms", &kw_shape_signing_algorithm_spec_list, KW_MEMBER_AUDITED},
    {"KeyAgreementAlgorithms", &kw_shape_key_agreement_algorithm_spec_list, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_get_public_key_response =
    KW_SHAPE_STRUCTURE("GetPublicKeyResponse", get_public_key_response_members);

static const struct kw_member import_key_material_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_import_key_material_response =
    KW_SHAPE_STRUCTURE("ImportKeyMaterialResponse", import_key_material_response_members);

static const struct kw_member list_aliases_response_members[] = {
    {"Aliases", &kw_shape_alias_list, KW_MEMBER_AUDITED},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_aliases_response =
    KW_SHAPE_STRUCTURE("ListAliasesResponse", list_aliases_response_members);

static const struct kw_member list_grants_response_members[] = {
    {"Grants", &kw_shape_grant_list, KW_MEMBER_AUDITED},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_grants_response =
    KW_SHAPE_STRUCTURE("ListGrantsResponse", list_grants_response_members);

static const struct kw_member list_key_policies_response_members[] = {
    {"PolicyNames", &kw_shape_policy_name_list, KW_MEMBER_AUDITED},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_key_policies_response =
    KW_SHAPE_STRUCTURE("ListKeyPoliciesResponse", list_key_policies_response_members);

static const struct kw_member list_key_rotations_response_members[] = {
    {"Rotations", &kw_shape_rotations_list, KW_MEMBER_AUDITED},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_key_rotations_response =
    KW_SHAPE_STRUCTURE("ListKeyRotationsResponse", list_key_rotations_response_members);

static const struct kw_member list_keys_response_members[] = {
    {"Keys", &kw_shape_key_list, KW_MEMBER_AUDITED},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_keys_response =
    KW_SHAPE_STRUCTURE("ListKeysResponse", list_keys_response_members);

static const struct kw_member list_resource_tags_response_members[] = {
    {"Tags", &kw_shape_tag_list, KW_MEMBER_AUDITED},
    {"NextMarker", &kw_shape_marker_type, KW_MEMBER_AUDITED},
    {"Truncated", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_list_resource_tags_response =
    KW_SHAPE_STRUCTURE("ListResourceTagsResponse", list_resource_tags_response_members);

static const struct kw_member re_encrypt_response_members[] = {
    {"CiphertextBlob", &kw_shape_ciphertext_type, 0},
    {"SourceKeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"SourceEncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"DestinationEncryptionAlgorithm", &kw_shape_encryption_algorithm_spec, KW_MEMBER_AUDITED},
    {"SourceKeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
    {"DestinationKeyMaterialId", &kw_shape_backing_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_re_encrypt_response =
    KW_SHAPE_STRUCTURE("ReEncryptResponse", re_encrypt_response_members);

static const struct kw_member replicate_key_response_members[] = {
    {"ReplicaKeyMetadata", &kw_shape_key_metadata, KW_MEMBER_AUDITED},
    {"ReplicaPolicy", &kw_shape_policy_type, KW_MEMBER_AUDITED},
    {"ReplicaTags", &kw_shape_tag_list, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_replicate_key_response =
    KW_SHAPE_STRUCTURE("ReplicateKeyResponse", replicate_key_response_members);

static const struct kw_member rotate_key_on_demand_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_rotate_key_on_demand_response =
    KW_SHAPE_STRUCTURE("RotateKeyOnDemandResponse", rotate_key_on_demand_response_members);

static const struct kw_member schedule_key_deletion_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"DeletionDate", &kw_shape_date_type, KW_MEMBER_AUDITED},
    {"KeyState", &kw_shape_key_state, KW_MEMBER_AUDITED},
    {"PendingWindowInDays", &kw_shape_pending_window_in_days_type, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_schedule_key_deletion_response =
    KW_SHAPE_STRUCTURE("ScheduleKeyDeletionResponse", schedule_key_deletion_response_members);

static const struct kw_member sign_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"Signature", &kw_shape_ciphertext_type, 0},
    {"SigningAlgorithm", &kw_shape_signing_algorithm_spec, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_sign_response =
    KW_SHAPE_STRUCTURE("SignResponse", sign_response_members);

const struct kw_shape kw_shape_update_custom_key_store_response = {
    .name = "UpdateCustomKeyStoreResponse", .kind = KW_KIND_STRUCTURE,
};

static const struct kw_member verify_mac_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"MacValid", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
    {"MacAlgorithm", &kw_shape_mac_algorithm_spec, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_verify_mac_response =
    KW_SHAPE_STRUCTURE("VerifyMacResponse", verify_mac_response_members);

static const struct kw_member verify_response_members[] = {
    {"KeyId", &kw_shape_key_id_type, KW_MEMBER_AUDITED},
    {"SignatureValid", &kw_shape_boolean_type, KW_MEMBER_AUDITED},
    {"SigningAlgorithm", &kw_shape_signing_algorithm_spec, KW_MEMBER_AUDITED},
};
const struct kw_shape kw_shape_verify_response =
    KW_SHAPE_STRUCTURE("VerifyResponse", verify_response_members);
/* clang-format on */
