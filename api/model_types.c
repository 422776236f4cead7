/* Text, numbers, blobs.
 *
 * Made from the service model by tests/support/model_tables.py; not edited by hand. */
#include "api/model_shapes.h"
#include "api/pattern.h"

/* clang-format off */
const struct kw_shape kw_shape_key_id_type = {
    .name = "KeyIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 2048,
};

const struct kw_shape kw_shape_custom_key_store_id_type = {
    .name = "CustomKeyStoreIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true,
    .max = 64,
};

const struct kw_shape kw_shape_alias_name_type = {
    .name = "AliasNameType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 256,
    .pattern = "^[a-zA-Z0-9:/_-]+$", .matches = kw_pattern_name,
};

const struct kw_shape kw_shape_account_id_type = {
    .name = "AccountIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 12, .has_max = true, .max = 12,
    .pattern = "[0-9]{12}", .matches = kw_pattern_account,
};

const struct kw_shape kw_shape_cloud_hsm_cluster_id_type = {
    .name = "CloudHsmClusterIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 19, .has_max = true,
    .max = 24, .pattern = "cluster-[2-7a-zA-Z]{11,16}", .matches = kw_pattern_cluster,
};

const struct kw_shape kw_shape_custom_key_store_name_type = {
    .name = "CustomKeyStoreNameType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true,
    .max = 256,
};

static const char *const custom_key_store_type_values[] = {
    "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE", NULL,
};
const struct kw_shape kw_shape_custom_key_store_type = {
    .name = "CustomKeyStoreType", .kind = KW_KIND_ENUM, .values = custom_key_store_type_values,
};

const struct kw_shape kw_shape_key_store_password_type = {
    .name = "KeyStorePasswordType", .kind = KW_KIND_STRING, .sensitive = true, .has_min = true, .min = 7,
    .has_max = true, .max = 32,
};

const struct kw_shape kw_shape_trust_anchor_certificate_type = {
    .name = "TrustAnchorCertificateType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true,
    .max = 5000,
};

const struct kw_shape kw_shape_xks_proxy_authentication_access_key_id_type = {
    .name = "XksProxyAuthenticationAccessKeyIdType", .kind = KW_KIND_STRING, .sensitive = true,
    .has_min = true, .min = 20, .has_max = true, .max = 30, .pattern = "^[A-Z2-7]+$",
    .matches = kw_pattern_base32,
};

const struct kw_shape kw_shape_xks_proxy_authentication_raw_secret_access_key_type = {
    .name = "XksProxyAuthenticationRawSecretAccessKeyType", .kind = KW_KIND_STRING, .sensitive = true,
    .has_min = true, .min = 43, .has_max = true, .max = 64, .pattern = "^[a-zA-Z0-9\\/+=]+$",
    .matches = kw_pattern_base64,
};

static const char *const xks_proxy_connectivity_type_values[] = {
    "PUBLIC_ENDPOINT", "VPC_ENDPOINT_SERVICE", NULL,
};
const struct kw_shape kw_shape_xks_proxy_connectivity_type = {
    .name = "XksProxyConnectivityType", .kind = KW_KIND_ENUM, .values = xks_proxy_connectivity_type_values,
};

const struct kw_shape kw_shape_xks_proxy_uri_endpoint_type = {
    .name = "XksProxyUriEndpointType", .kind = KW_KIND_STRING, .has_min = true, .min = 10, .has_max = true,
    .max = 128, .pattern = "^https://[a-zA-Z0-9.-]+$", .matches = kw_pattern_endpoint,
};

const struct kw_shape kw_shape_xks_proxy_uri_path_type = {
    .name = "XksProxyUriPathType", .kind = KW_KIND_STRING, .has_min = true, .min = 10, .has_max = true,
    .max = 128, .pattern = "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$",
    .matches = kw_pattern_endpoint_path,
};

const struct kw_shape kw_shape_xks_proxy_vpc_endpoint_service_name_type = {
    .name = "XksProxyVpcEndpointServiceNameType", .kind = KW_KIND_STRING, .has_min = true, .min = 20,
    .has_max = true, .max = 64,
    .pattern = "^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$",
    .matches = kw_pattern_endpoint_service,
};

const struct kw_shape kw_shape_encryption_context_key = {
    .name = "EncryptionContextKey", .kind = KW_KIND_STRING,
};

const struct kw_shape kw_shape_encryption_context_value = {
    .name = "EncryptionContextValue", .kind = KW_KIND_STRING,
};

const struct kw_shape kw_shape_grant_name_type = {
    .name = "GrantNameType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 256,
    .pattern = "^[a-zA-Z0-9:/_-]+$", .matches = kw_pattern_name,
};

static const char *const grant_operation_values[] = {
    "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom",
    "ReEncryptTo", "Sign", "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey",
    "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac",
    "DeriveSharedSecret", NULL,
};
const struct kw_shape kw_shape_grant_operation = {
    .name = "GrantOperation", .kind = KW_KIND_ENUM, .values = grant_operation_values,
};

const struct kw_shape kw_shape_grant_token_type = {
    .name = "GrantTokenType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true,
    .max = 8192,
};

const struct kw_shape kw_shape_nullable_boolean_type = {
    .name = "NullableBooleanType", .kind = KW_KIND_BOOLEAN,
};

const struct kw_shape kw_shape_principal_id_type = {
    .name = "PrincipalIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true,
    .max = 256, .pattern = "^[\\w+=,.@:/-]+$", .matches = kw_pattern_principal,
};

const struct kw_shape kw_shape_grant_id_type = {
    .name = "GrantIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128,
};

const struct kw_shape kw_shape_boolean_type = {
    .name = "BooleanType", .kind = KW_KIND_BOOLEAN,
};

static const char *const customer_master_key_spec_values[] = {
    "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2", NULL,
};
const struct kw_shape kw_shape_customer_master_key_spec = {
    .name = "CustomerMasterKeySpec", .kind = KW_KIND_ENUM, .values = customer_master_key_spec_values,
};

const struct kw_shape kw_shape_description_type = {
    .name = "DescriptionType", .kind = KW_KIND_STRING, .has_min = true, .min = 0, .has_max = true,
    .max = 8192,
};

static const char *const key_spec_values[] = {
    "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2", "ML_DSA_44", "ML_DSA_65",
    "ML_DSA_87", "ECC_NIST_EDWARDS25519", NULL,
};
const struct kw_shape kw_shape_key_spec = {
    .name = "KeySpec", .kind = KW_KIND_ENUM, .values = key_spec_values,
};

static const char *const key_usage_type_values[] = {
    "SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", NULL,
};
const struct kw_shape kw_shape_key_usage_type = {
    .name = "KeyUsageType", .kind = KW_KIND_ENUM, .values = key_usage_type_values,
};

static const char *const origin_type_values[] = {
    "AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE", NULL,
};
const struct kw_shape kw_shape_origin_type = {
    .name = "OriginType", .kind = KW_KIND_ENUM, .values = origin_type_values,
};

const struct kw_shape kw_shape_policy_type = {
    .name = "PolicyType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 131072,
    .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", .matches = kw_pattern_latin_lines,
};

const struct kw_shape kw_shape_tag_key_type = {
    .name = "TagKeyType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128,
};

const struct kw_shape kw_shape_tag_value_type = {
    .name = "TagValueType", .kind = KW_KIND_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256,
};

const struct kw_shape kw_shape_xks_key_id_type = {
    .name = "XksKeyIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128,
    .pattern = "^[a-zA-Z0-9-_.]+$", .matches = kw_pattern_external_key,
};

const struct kw_shape kw_shape_aws_account_id_type = {
    .name = "AWSAccountIdType", .kind = KW_KIND_STRING,
};

const struct kw_shape kw_shape_arn_type = {
    .name = "ArnType", .kind = KW_KIND_STRING, .has_min = true, .min = 20, .has_max = true, .max = 2048,
};

const struct kw_shape kw_shape_backing_key_id_type = {
    .name = "BackingKeyIdType", .kind = KW_KIND_STRING, .has_min = true, .min = 64, .has_max = true,
    .max = 64, .pattern = "^[a-f0-9]+$", .matches = kw_pattern_hex,
};

const struct kw_shape kw_shape_date_type = {
    .name = "DateType", .kind = KW_KIND_TIMESTAMP,
};

static const char *const encryption_algorithm_spec_values[] = {
    "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE", NULL,
};
const struct kw_shape kw_shape_encryption_algorithm_spec = {
    .name = "EncryptionAlgorithmSpec", .kind = KW_KIND_ENUM, .values = encryption_algorithm_spec_values,
};

static const char *const expiration_model_type_values[] = {
    "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE", NULL,
};
const struct kw_shape kw_shape_expiration_model_type = {
    .name = "ExpirationModelType", .kind = KW_KIND_ENUM, .values = expiration_model_type_values,
};

static const char *const key_agreement_algorithm_spec_values[] = {
    "ECDH", NULL,
};
const struct kw_shape kw_shape_key_agreement_algorithm_spec = {
    .name = "KeyAgreementAlgorithmSpec", .kind = KW_KIND_ENUM, .values = key_agreement_algorithm_spec_values,
};

static const char *const key_manager_type_values[] = {
    "AWS", "CUSTOMER", NULL,
};
const struct kw_shape kw_shape_key_manager_type = {
    .name = "KeyManagerType", .kind = KW_KIND_ENUM, .values = key_manager_type_values,
};

static const char *const key_state_values[] = {
    "Creating", "Enabled", "Disabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion",
    "Unavailable", "Updating", NULL,
};
const struct kw_shape kw_shape_key_state = {
    .name = "KeyState", .kind = KW_KIND_ENUM, .values = key_state_values,
};

static const char *const mac_algorithm_spec_values[] = {
    "HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512", NULL,
};
const struct kw_shape kw_shape_mac_algorithm_spec = {
    .name = "MacAlgorithmSpec", .kind = KW_KIND_ENUM, .values = mac_algorithm_spec_values,
};

const struct kw_shape kw_shape_region_type = {
    .name = "RegionType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 32,
    .pattern = "^([a-z]+-){2,3}\\d+$", .matches = kw_pattern_region,
};

static const char *const multi_region_key_type_values[] = {
    "PRIMARY", "REPLICA", NULL,
};
const struct kw_shape kw_shape_multi_region_key_type = {
    .name = "MultiRegionKeyType", .kind = KW_KIND_ENUM, .values = multi_region_key_type_values,
};

const struct kw_shape kw_shape_pending_window_in_days_type = {
    .name = "PendingWindowInDaysType", .kind = KW_KIND_INTEGER, .has_min = true, .min = 1, .has_max = true,
    .max = 365,
};

static const char *const signing_algorithm_spec_values[] = {
    "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "ECDSA_SHA_256", "ECDSA_SHA_384",
    "ECDSA_SHA_512", "SM2DSA", "ML_DSA_SHAKE_256", "ED25519_SHA_512", "ED25519_PH_SHA_512",
    "SYMMETRIC_DEFAULT", NULL,
};
static const char *const signing_algorithm_spec_listed[] = {
    "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "ECDSA_SHA_256", "ECDSA_SHA_384",
    "ECDSA_SHA_512", "SM2DSA", "ML_DSA_SHAKE_256", "ED25519_SHA_512", "ED25519_PH_SHA_512", NULL,
};
const struct kw_shape kw_shape_signing_algorithm_spec = {
    .name = "SigningAlgorithmSpec", .kind = KW_KIND_ENUM, .values = signing_algorithm_spec_values,
    .listed = signing_algorithm_spec_listed,
};

const struct kw_shape kw_shape_ciphertext_type = {
    .name = "CiphertextType", .kind = KW_KIND_BLOB, .has_min = true, .min = 1, .has_max = true, .max = 6144,
};

static const char *const dry_run_modifier_type_values[] = {
    "IGNORE_CIPHERTEXT", NULL,
};
const struct kw_shape kw_shape_dry_run_modifier_type = {
    .name = "DryRunModifierType", .kind = KW_KIND_ENUM, .values = dry_run_modifier_type_values,
};

const struct kw_shape kw_shape_attestation_document_type = {
    .name = "AttestationDocumentType", .kind = KW_KIND_BLOB, .has_min = true, .min = 1, .has_max = true,
    .max = 262144,
};

static const char *const key_encryption_mechanism_values[] = {
    "RSAES_OAEP_SHA_256", NULL,
};
const struct kw_shape kw_shape_key_encryption_mechanism = {
    .name = "KeyEncryptionMechanism", .kind = KW_KIND_ENUM, .values = key_encryption_mechanism_values,
};

const struct kw_shape kw_shape_plaintext_type = {
    .name = "PlaintextType", .kind = KW_KIND_BLOB, .sensitive = true, .has_min = true, .min = 1,
    .has_max = true, .max = 4096,
};

const struct kw_shape kw_shape_backing_key_id_response_type = {
    .name = "BackingKeyIdResponseType", .kind = KW_KIND_STRING, .has_min = true, .min = 0, .has_max = true,
    .max = 64, .pattern = "^[a-f0-9]+$", .matches = kw_pattern_hex,
};

const struct kw_shape kw_shape_public_key_type = {
    .name = "PublicKeyType", .kind = KW_KIND_BLOB, .has_min = true, .min = 1, .has_max = true, .max = 8192,
};

const struct kw_shape kw_shape_limit_type = {
    .name = "LimitType", .kind = KW_KIND_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 1000,
};

const struct kw_shape kw_shape_marker_type = {
    .name = "MarkerType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024,
    .pattern = "[\\u0020-\\u00FF]*", .matches = kw_pattern_latin,
};

static const char *const connection_error_code_type_values[] = {
    "INVALID_CREDENTIALS", "CLUSTER_NOT_FOUND", "NETWORK_ERRORS", "INTERNAL_ERROR",
    "INSUFFICIENT_CLOUDHSM_HSMS", "USER_LOCKED_OUT", "USER_NOT_FOUND", "USER_LOGGED_IN", "SUBNET_NOT_FOUND",
    "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET", "XKS_PROXY_ACCESS_DENIED", "XKS_PROXY_NOT_REACHABLE",
    "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND", "XKS_PROXY_INVALID_RESPONSE", "XKS_PROXY_INVALID_CONFIGURATION",
    "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION", "XKS_PROXY_TIMED_OUT",
    "XKS_PROXY_INVALID_TLS_CONFIGURATION", NULL,
};
const struct kw_shape kw_shape_connection_error_code_type = {
    .name = "ConnectionErrorCodeType", .kind = KW_KIND_ENUM, .values = connection_error_code_type_values,
};

static const char *const connection_state_type_values[] = {
    "CONNECTED", "CONNECTING", "FAILED", "DISCONNECTED", "DISCONNECTING", NULL,
};
const struct kw_shape kw_shape_connection_state_type = {
    .name = "ConnectionStateType", .kind = KW_KIND_ENUM, .values = connection_state_type_values,
};

const struct kw_shape kw_shape_rotation_period_in_days_type = {
    .name = "RotationPeriodInDaysType", .kind = KW_KIND_INTEGER, .has_min = true, .min = 90, .has_max = true,
    .max = 2560,
};

static const char *const data_key_pair_spec_values[] = {
    "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
    "SM2", "ECC_NIST_EDWARDS25519", NULL,
};
const struct kw_shape kw_shape_data_key_pair_spec = {
    .name = "DataKeyPairSpec", .kind = KW_KIND_ENUM, .values = data_key_pair_spec_values,
};

static const char *const data_key_spec_values[] = {
    "AES_256", "AES_128", NULL,
};
const struct kw_shape kw_shape_data_key_spec = {
    .name = "DataKeySpec", .kind = KW_KIND_ENUM, .values = data_key_spec_values,
};

const struct kw_shape kw_shape_number_of_bytes_type = {
    .name = "NumberOfBytesType", .kind = KW_KIND_INTEGER, .has_min = true, .min = 1, .has_max = true,
    .max = 1024,
};

const struct kw_shape kw_shape_cloud_trail_event_id_type = {
    .name = "CloudTrailEventIdType", .kind = KW_KIND_STRING,
};

static const char *const key_last_usage_tracking_operation_values[] = {
    "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt",
    "Sign", "Verify", "VerifyMac", NULL,
};
const struct kw_shape kw_shape_key_last_usage_tracking_operation = {
    .name = "KeyLastUsageTrackingOperation", .kind = KW_KIND_ENUM,
    .values = key_last_usage_tracking_operation_values,
};

const struct kw_shape kw_shape_kms_request_id_type = {
    .name = "KmsRequestIdType", .kind = KW_KIND_STRING,
};

const struct kw_shape kw_shape_policy_name_type = {
    .name = "PolicyNameType", .kind = KW_KIND_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128,
    .pattern = "[\\w]+", .matches = kw_pattern_word,
};

static const char *const algorithm_spec_values[] = {
    "RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE", NULL,
};
const struct kw_shape kw_shape_algorithm_spec = {
    .name = "AlgorithmSpec", .kind = KW_KIND_ENUM, .values = algorithm_spec_values,
};

static const char *const wrapping_key_spec_values[] = {
    "RSA_2048", "RSA_3072", "RSA_4096", "SM2", NULL,
};
const struct kw_shape kw_shape_wrapping_key_spec = {
    .name = "WrappingKeySpec", .kind = KW_KIND_ENUM, .values = wrapping_key_spec_values,
};

static const char *const import_type_values[] = {
    "NEW_KEY_MATERIAL", "EXISTING_KEY_MATERIAL", NULL,
};
const struct kw_shape kw_shape_import_type = {
    .name = "ImportType", .kind = KW_KIND_ENUM, .values = import_type_values,
};

const struct kw_shape kw_shape_key_material_description_type = {
    .name = "KeyMaterialDescriptionType", .kind = KW_KIND_STRING, .has_min = true, .min = 0, .has_max = true,
    .max = 256, .pattern = "^[a-zA-Z0-9:/_\\s.-]+$", .matches = kw_pattern_description,
};

static const char *const include_key_material_values[] = {
    "ALL_KEY_MATERIAL", "ROTATIONS_ONLY", NULL,
};
const struct kw_shape kw_shape_include_key_material = {
    .name = "IncludeKeyMaterial", .kind = KW_KIND_ENUM, .values = include_key_material_values,
};

static const char *const import_state_values[] = {
    "IMPORTED", "PENDING_IMPORT", NULL,
};
const struct kw_shape kw_shape_import_state = {
    .name = "ImportState", .kind = KW_KIND_ENUM, .values = import_state_values,
};

static const char *const key_material_state_values[] = {
    "NON_CURRENT", "CURRENT", "PENDING_ROTATION", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION", NULL,
};
const struct kw_shape kw_shape_key_material_state = {
    .name = "KeyMaterialState", .kind = KW_KIND_ENUM, .values = key_material_state_values,
};

static const char *const rotation_type_values[] = {
    "AUTOMATIC", "ON_DEMAND", NULL,
};
const struct kw_shape kw_shape_rotation_type = {
    .name = "RotationType", .kind = KW_KIND_ENUM, .values = rotation_type_values,
};

static const char *const message_type_values[] = {
    "RAW", "DIGEST", "EXTERNAL_MU", NULL,
};
const struct kw_shape kw_shape_message_type = {
    .name = "MessageType", .kind = KW_KIND_ENUM, .values = message_type_values,
};
/* clang-format on */
