/* condkey - the condition keys that are known: those that the KMS developer guide documents, and AWS's global
 * ones. A key that is not here never lets a statement allow.
 *
 * Source: KMS developer guide, "Condition keys for AWS KMS"; IAM user guide, "AWS global condition context
 * keys".
 */
#ifndef KW_API_CONDKEY_H
#define KW_API_CONDKEY_H

#include "pool/bytes.h"

enum kw_condkey_type {
    KW_CONDKEY_STRING,
    KW_CONDKEY_ARN,
    KW_CONDKEY_BOOL,
    KW_CONDKEY_NUMERIC,
    KW_CONDKEY_DATE,
    KW_CONDKEY_IP
};

/* How a request gives the values of a key:
 *   ONE     one text or none, in the request's table
 *   ASKED   none, one or many, one after the other by the request's value_at()
 *   NAMED   the same, of what is behind the last colon or slash: kms:EncryptionContext:NAME
 *   ABSENT  never: known, but nothing here has it (networks, organisations, calls through other services)
 */
enum kw_condkey_source { KW_CONDKEY_ONE, KW_CONDKEY_ASKED, KW_CONDKEY_NAMED, KW_CONDKEY_ABSENT };

/* ROW(identifier, name in lower case as written by AWS otherwise, type, source). Names of keys are compared
 * without case. Those that are ABSENT and have no use for an identifier are in condkey.c. */
#define KW_CONDKEYS(ROW)                                                                                     \
    ROW(AWS_CURRENT_TIME, "aws:CurrentTime", DATE, ASKED)                                                    \
    ROW(AWS_EPOCH_TIME, "aws:EpochTime", NUMERIC, ASKED)                                                     \
    ROW(AWS_MFA_PRESENT, "aws:MultiFactorAuthPresent", BOOL, ONE)                                            \
    ROW(AWS_PRINCIPAL_ACCOUNT, "aws:PrincipalAccount", STRING, ONE)                                          \
    ROW(AWS_PRINCIPAL_ARN, "aws:PrincipalArn", ARN, ONE)                                                     \
    ROW(AWS_PRINCIPAL_IS_SERVICE, "aws:PrincipalIsAWSService", BOOL, ONE)                                    \
    ROW(AWS_PRINCIPAL_TAG, "aws:PrincipalTag/", STRING, NAMED)                                               \
    ROW(AWS_PRINCIPAL_TYPE, "aws:PrincipalType", STRING, ONE)                                                \
    ROW(AWS_REFERER, "aws:referer", STRING, ONE)                                                             \
    ROW(AWS_REQUEST_TAG, "aws:RequestTag/", STRING, NAMED)                                                   \
    ROW(AWS_REQUESTED_REGION, "aws:RequestedRegion", STRING, ONE)                                            \
    ROW(AWS_RESOURCE_ACCOUNT, "aws:ResourceAccount", STRING, ONE)                                            \
    ROW(AWS_RESOURCE_TAG, "aws:ResourceTag/", STRING, NAMED)                                                 \
    ROW(AWS_SECURE_TRANSPORT, "aws:SecureTransport", BOOL, ONE)                                              \
    ROW(AWS_SOURCE_IDENTITY, "aws:SourceIdentity", STRING, ONE)                                              \
    ROW(AWS_SOURCE_IP, "aws:SourceIp", IP, ONE)                                                              \
    ROW(AWS_TAG_KEYS, "aws:TagKeys", STRING, ASKED)                                                          \
    ROW(AWS_TOKEN_ISSUE_TIME, "aws:TokenIssueTime", DATE, ASKED)                                             \
    ROW(AWS_USER_AGENT, "aws:UserAgent", STRING, ONE)                                                        \
    ROW(AWS_USERID, "aws:userid", STRING, ONE)                                                               \
    ROW(AWS_USERNAME, "aws:username", STRING, ONE)                                                           \
    ROW(AWS_VIA_SERVICE, "aws:ViaAWSService", BOOL, ONE)                                                     \
    ROW(KMS_BYPASS_LOCKOUT, "kms:BypassPolicyLockoutSafetyCheck", BOOL, ONE)                                 \
    ROW(KMS_CALLER_ACCOUNT, "kms:CallerAccount", STRING, ONE)                                                \
    ROW(KMS_MASTER_KEY_SPEC, "kms:CustomerMasterKeySpec", STRING, ONE)                                       \
    ROW(KMS_MASTER_KEY_USAGE, "kms:CustomerMasterKeyUsage", STRING, ONE)                                     \
    ROW(KMS_DATA_KEY_PAIR_SPEC, "kms:DataKeyPairSpec", STRING, ONE)                                          \
    ROW(KMS_ENCRYPTION_ALGORITHM, "kms:EncryptionAlgorithm", STRING, ONE)                                    \
    ROW(KMS_ENCRYPTION_CONTEXT, "kms:EncryptionContext:", STRING, NAMED)                                     \
    ROW(KMS_ENCRYPTION_CONTEXT_KEYS, "kms:EncryptionContextKeys", STRING, ASKED)                             \
    ROW(KMS_EXPIRATION_MODEL, "kms:ExpirationModel", STRING, ONE)                                            \
    ROW(KMS_GRANT_CONSTRAINT_TYPE, "kms:GrantConstraintType", STRING, ONE)                                   \
    ROW(KMS_GRANT_IS_FOR_AWS_RESOURCE, "kms:GrantIsForAWSResource", BOOL, ONE)                               \
    ROW(KMS_GRANT_OPERATIONS, "kms:GrantOperations", STRING, ASKED)                                          \
    ROW(KMS_GRANTEE_PRINCIPAL, "kms:GranteePrincipal", STRING, ONE)                                          \
    ROW(KMS_KEY_AGREEMENT_ALGORITHM, "kms:KeyAgreementAlgorithm", STRING, ONE)                               \
    ROW(KMS_KEY_ORIGIN, "kms:KeyOrigin", STRING, ONE)                                                        \
    ROW(KMS_KEY_SPEC, "kms:KeySpec", STRING, ONE)                                                            \
    ROW(KMS_KEY_USAGE, "kms:KeyUsage", STRING, ONE)                                                          \
    ROW(KMS_MAC_ALGORITHM, "kms:MacAlgorithm", STRING, ONE)                                                  \
    ROW(KMS_MESSAGE_TYPE, "kms:MessageType", STRING, ONE)                                                    \
    ROW(KMS_MULTI_REGION, "kms:MultiRegion", BOOL, ONE)                                                      \
    ROW(KMS_MULTI_REGION_KEY_TYPE, "kms:MultiRegionKeyType", STRING, ONE)                                    \
    ROW(KMS_PRIMARY_REGION, "kms:PrimaryRegion", STRING, ONE)                                                \
    ROW(KMS_RECIPIENT_IMAGE, "kms:RecipientAttestation:ImageSha384", STRING, ONE)                            \
    ROW(KMS_RECIPIENT_PCR, "kms:RecipientAttestation:PCR", STRING, NAMED)                                    \
    ROW(KMS_REENCRYPT_ON_SAME_KEY, "kms:ReEncryptOnSameKey", BOOL, ONE)                                      \
    ROW(KMS_REPLICA_REGION, "kms:ReplicaRegion", STRING, ONE)                                                \
    ROW(KMS_REQUEST_ALIAS, "kms:RequestAlias", STRING, ONE)                                                  \
    ROW(KMS_RESOURCE_ALIASES, "kms:ResourceAliases", STRING, ASKED)                                          \
    ROW(KMS_RETIRING_PRINCIPAL, "kms:RetiringPrincipal", STRING, ONE)                                        \
    ROW(KMS_ROTATION_PERIOD, "kms:RotationPeriodInDays", NUMERIC, ONE)                                       \
    ROW(KMS_PENDING_WINDOW, "kms:ScheduleKeyDeletionPendingWindowInDays", NUMERIC, ONE)                      \
    ROW(KMS_SIGNING_ALGORITHM, "kms:SigningAlgorithm", STRING, ONE)                                          \
    ROW(KMS_VALID_TO, "kms:ValidTo", DATE, ASKED)                                                            \
    ROW(KMS_WRAPPING_ALGORITHM, "kms:WrappingAlgorithm", STRING, ONE)                                        \
    ROW(KMS_WRAPPING_KEY_SPEC, "kms:WrappingKeySpec", STRING, ONE)                                           \
    ROW(STS_EXTERNAL_ID, "sts:ExternalId", STRING, ONE)                                                      \
    ROW(STS_ROLE_SESSION_NAME, "sts:RoleSessionName", STRING, ONE)                                           \
    ROW(STS_SOURCE_IDENTITY, "sts:SourceIdentity", STRING, ONE)

enum kw_condkey {
#define KW_CONDKEY_ENUM(identifier, name, type, source) KW_CK_##identifier,
    KW_CONDKEYS(KW_CONDKEY_ENUM)
#undef KW_CONDKEY_ENUM
        KW_CK_NUM,
    KW_CK_ABSENT = KW_CK_NUM, /* a known key that no request here has (kms:ViaService, aws:SourceVpc ...) */
};

enum { KW_CONDKEY_UNKNOWN = 1 };

/* kw_condkey_find() - by name, without case. Out: ret; ret_name, what follows in the name of a NAMED key (not
 * empty), else empty. Returns: 0 | KW_CONDKEY_UNKNOWN */
KW_MUST_CHECK int kw_condkey_find(struct kw_bytes text, enum kw_condkey *ret, struct kw_bytes *ret_name);
enum kw_condkey_type kw_condkey_type(enum kw_condkey key);
enum kw_condkey_source kw_condkey_source(enum kw_condkey key);
/* As AWS writes it. */
const char *kw_condkey_name(enum kw_condkey key);

#endif
