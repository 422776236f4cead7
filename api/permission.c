#include "api/permission.h"

#include "api/operations.h"

#define KEY    KW_PERMISSION_KEY
#define ACROSS (KW_PERMISSION_KEY | KW_PERMISSION_ACROSS)
#define USE    (ACROSS | KW_PERMISSION_NAMED)

#define THE_KEY "the key"
#define ALL     "`*`"

#define VALUES(...)                                                                                          \
    .num_values = sizeof((struct kw_permission_value[]){__VA_ARGS__}) / sizeof(struct kw_permission_value),  \
    .values = {__VA_ARGS__}

/* One permission on the key that KeyId names, with nothing of its own to say to conditions. */
#define ON_KEY(operation, name)                                                                              \
    static const struct kw_permission of_##operation[] = {                                                   \
        {.action = "kms:" name, .on = THE_KEY, .flags = KEY}};
/* One that identity policies alone give. */
#define ON_ALL(operation, name)                                                                              \
    static const struct kw_permission of_##operation[] = {{.action = "kms:" name, .on = ALL}};

#define SYMMETRIC                                                                                            \
    {                                                                                                        \
        KW_CK_KMS_ENCRYPTION_ALGORITHM, NULL, "SYMMETRIC_DEFAULT"                                            \
    }
#define ALGORITHM(member)                                                                                    \
    {                                                                                                        \
        KW_CK_KMS_ENCRYPTION_ALGORITHM, member, "SYMMETRIC_DEFAULT"                                          \
    }
#define LOCKOUT                                                                                              \
    {                                                                                                        \
        KW_CK_KMS_BYPASS_LOCKOUT, "BypassPolicyLockoutSafetyCheck", "false"                                  \
    }

/* ---- use of keys ---- */

static const struct kw_permission of_encrypt[] = {
    {
        .action = "kms:Encrypt",
        .on = THE_KEY,
        .flags = USE,
        .context = "EncryptionContext",
        VALUES(ALGORITHM("EncryptionAlgorithm")),
    },
};
static const struct kw_permission of_decrypt[] = {
    {
        .action = "kms:Decrypt",
        .on = THE_KEY,
        .flags = USE,
        .context = "EncryptionContext",
        VALUES(ALGORITHM("EncryptionAlgorithm")),
    },
};
static const struct kw_permission of_re_encrypt[] = {
    {
        .action = "kms:ReEncryptFrom",
        .on = "the source key",
        .flags = USE | KW_PERMISSION_BOTH,
        .context = "SourceEncryptionContext",
        VALUES(ALGORITHM("SourceEncryptionAlgorithm")),
    },
    {
        .action = "kms:ReEncryptTo",
        .on = "the destination key",
        .flags = USE | KW_PERMISSION_BOTH,
        .context = "DestinationEncryptionContext",
        VALUES(ALGORITHM("DestinationEncryptionAlgorithm")),
    },
};

#define DATA_KEY(operation, name, ...)                                                                       \
    static const struct kw_permission of_##operation[] = {                                                   \
        {                                                                                                    \
            .action = "kms:" name,                                                                           \
            .on = THE_KEY,                                                                                   \
            .flags = USE,                                                                                    \
            .context = "EncryptionContext",                                                                  \
            VALUES(__VA_ARGS__),                                                                             \
        },                                                                                                   \
    };
#define PAIR_SPEC                                                                                            \
    {                                                                                                        \
        KW_CK_KMS_DATA_KEY_PAIR_SPEC, "KeyPairSpec", NULL                                                    \
    }

DATA_KEY(generate_data_key, "GenerateDataKey", SYMMETRIC)
DATA_KEY(generate_data_key_without_plaintext, "GenerateDataKeyWithoutPlaintext", SYMMETRIC)
DATA_KEY(generate_data_key_pair, "GenerateDataKeyPair", SYMMETRIC, PAIR_SPEC)
DATA_KEY(
    generate_data_key_pair_without_plaintext, "GenerateDataKeyPairWithoutPlaintext", SYMMETRIC, PAIR_SPEC)

#define WITH_ALGORITHM(operation, name, ...)                                                                 \
    static const struct kw_permission of_##operation[] = {                                                   \
        {.action = "kms:" name, .on = THE_KEY, .flags = USE, VALUES(__VA_ARGS__)},                           \
    };
#define SIGNING                                                                                              \
    {KW_CK_KMS_SIGNING_ALGORITHM, "SigningAlgorithm", NULL},                                                 \
    {                                                                                                        \
        KW_CK_KMS_MESSAGE_TYPE, "MessageType", "RAW"                                                         \
    }
#define MAC                                                                                                  \
    {                                                                                                        \
        KW_CK_KMS_MAC_ALGORITHM, "MacAlgorithm", NULL                                                        \
    }
#define AGREEMENT                                                                                            \
    {                                                                                                        \
        KW_CK_KMS_KEY_AGREEMENT_ALGORITHM, "KeyAgreementAlgorithm", NULL                                     \
    }

WITH_ALGORITHM(sign, "Sign", SIGNING)
WITH_ALGORITHM(verify, "Verify", SIGNING)
WITH_ALGORITHM(generate_mac, "GenerateMac", MAC)
WITH_ALGORITHM(verify_mac, "VerifyMac", MAC)
WITH_ALGORITHM(derive_shared_secret, "DeriveSharedSecret", AGREEMENT)

static const struct kw_permission of_get_public_key[] = {
    {.action = "kms:GetPublicKey", .on = THE_KEY, .flags = USE},
};
static const struct kw_permission of_describe_key[] = {
    {.action = "kms:DescribeKey", .on = THE_KEY, .flags = USE},
};
ON_ALL(generate_random, "GenerateRandom")

/* ---- keys ---- */

static const struct kw_permission of_create_key[] = {
    {
        .action = "kms:CreateKey",
        .on = ALL,
        .flags = KW_PERMISSION_NEW_KEY | KW_PERMISSION_TAGS,
        VALUES(LOCKOUT),
    },
    {
        .action = "kms:TagResource",
        .on = ALL " if there are Tags",
        .flags = KW_PERMISSION_NEW_KEY | KW_PERMISSION_TAGS,
    },
};
static const struct kw_permission of_replicate_key[] = {
    {
        .action = "kms:ReplicateKey",
        .on = "the primary key",
        .flags = KEY,
        VALUES({KW_CK_KMS_REPLICA_REGION, "ReplicaRegion", NULL}),
    },
    {
        .action = "kms:CreateKey",
        .on = ALL " in the replica's Region",
        .flags = KW_PERMISSION_REPLICA | KW_PERMISSION_TAGS,
        VALUES(LOCKOUT),
    },
    {
        .action = "kms:TagResource",
        .on = ALL " there if there are Tags",
        .flags = KW_PERMISSION_REPLICA | KW_PERMISSION_TAGS,
    },
};
static const struct kw_permission of_update_primary_region[] = {
    {
        .action = "kms:UpdatePrimaryRegion",
        .on = "the primary key and the replica",
        .flags = KEY,
        VALUES({KW_CK_KMS_PRIMARY_REGION, "PrimaryRegion", NULL}),
    },
};
static const struct kw_permission of_schedule_key_deletion[] = {
    {
        .action = "kms:ScheduleKeyDeletion",
        .on = THE_KEY,
        .flags = KEY,
        VALUES({KW_CK_KMS_PENDING_WINDOW, "PendingWindowInDays", "30"}),
    },
};
static const struct kw_permission of_enable_key_rotation[] = {
    {
        .action = "kms:EnableKeyRotation",
        .on = THE_KEY,
        .flags = KEY,
        VALUES({KW_CK_KMS_ROTATION_PERIOD, "RotationPeriodInDays", "365"}),
    },
};
static const struct kw_permission of_get_key_rotation_status[] = {
    {.action = "kms:GetKeyRotationStatus", .on = THE_KEY, .flags = ACROSS},
};
ON_ALL(list_keys, "ListKeys")
ON_KEY(cancel_key_deletion, "CancelKeyDeletion")
ON_KEY(disable_key, "DisableKey")
ON_KEY(disable_key_rotation, "DisableKeyRotation")
ON_KEY(enable_key, "EnableKey")
ON_KEY(get_key_last_usage, "GetKeyLastUsage")
ON_KEY(list_key_rotations, "ListKeyRotations")
ON_KEY(rotate_key_on_demand, "RotateKeyOnDemand")
ON_KEY(update_key_description, "UpdateKeyDescription")

/* ---- imported key material ---- */

static const struct kw_permission of_get_parameters_for_import[] = {
    {
        .action = "kms:GetParametersForImport",
        .on = THE_KEY,
        .flags = KEY,
        VALUES({KW_CK_KMS_WRAPPING_ALGORITHM, "WrappingAlgorithm", NULL},
            {KW_CK_KMS_WRAPPING_KEY_SPEC, "WrappingKeySpec", NULL}),
    },
};
static const struct kw_permission of_import_key_material[] = {
    {
        .action = "kms:ImportKeyMaterial",
        .on = THE_KEY,
        .flags = KEY | KW_PERMISSION_VALID_TO,
        VALUES({KW_CK_KMS_EXPIRATION_MODEL, "ExpirationModel", "KEY_MATERIAL_EXPIRES"}),
    },
};
ON_KEY(delete_imported_key_material, "DeleteImportedKeyMaterial")

/* ---- policies, grants ---- */

static const struct kw_permission of_put_key_policy[] = {
    {.action = "kms:PutKeyPolicy", .on = THE_KEY, .flags = KEY, VALUES(LOCKOUT)},
};
ON_KEY(get_key_policy, "GetKeyPolicy")
ON_KEY(list_key_policies, "ListKeyPolicies")

/* No AWS service makes grants here on anybody's behalf. */
#define FOR_AWS                                                                                              \
    {                                                                                                        \
        KW_CK_KMS_GRANT_IS_FOR_AWS_RESOURCE, NULL, "false"                                                   \
    }

static const struct kw_permission of_create_grant[] = {
    {
        .action = "kms:CreateGrant",
        .on = THE_KEY,
        .flags = ACROSS | KW_PERMISSION_GRANT,
        VALUES({KW_CK_KMS_GRANTEE_PRINCIPAL, "GranteePrincipal", NULL},
            {KW_CK_KMS_RETIRING_PRINCIPAL, "RetiringPrincipal", NULL}, FOR_AWS),
    },
};
static const struct kw_permission of_list_grants[] = {
    {.action = "kms:ListGrants", .on = THE_KEY, .flags = ACROSS, VALUES(FOR_AWS)},
};
static const struct kw_permission of_list_retirable_grants[] = {
    {.action = "kms:ListRetirableGrants", .on = "the retiring principal"},
};
static const struct kw_permission of_retire_grant[] = {
    {
        .action = "kms:RetireGrant",
        .on = "the key, of those whom the grant does not let retire it",
        .flags = ACROSS,
    },
};
static const struct kw_permission of_revoke_grant[] = {
    {.action = "kms:RevokeGrant", .on = THE_KEY, .flags = ACROSS, VALUES(FOR_AWS)},
};

/* ---- aliases, tags ---- */

#define ALIAS(operation, name, keys)                                                                         \
    static const struct kw_permission of_##operation[] = {                                                   \
        {.action = "kms:" name, .on = "the alias and " keys, .flags = KEY},                                  \
    };

ALIAS(create_alias, "CreateAlias", THE_KEY)
ALIAS(delete_alias, "DeleteAlias", "its key")
ALIAS(update_alias, "UpdateAlias", "its key, as it was and as it will be")
ON_ALL(list_aliases, "ListAliases")

static const struct kw_permission of_tag_resource[] = {
    {.action = "kms:TagResource", .on = THE_KEY, .flags = KEY | KW_PERMISSION_TAGS},
};
static const struct kw_permission of_untag_resource[] = {
    {.action = "kms:UntagResource", .on = THE_KEY, .flags = KEY | KW_PERMISSION_TAG_KEYS},
};
ON_KEY(list_resource_tags, "ListResourceTags")

/* ---- custom key stores ---- */

ON_ALL(connect_custom_key_store, "ConnectCustomKeyStore")
ON_ALL(create_custom_key_store, "CreateCustomKeyStore")
ON_ALL(delete_custom_key_store, "DeleteCustomKeyStore")
ON_ALL(describe_custom_key_stores, "DescribeCustomKeyStores")
ON_ALL(disconnect_custom_key_store, "DisconnectCustomKeyStore")
ON_ALL(update_custom_key_store, "UpdateCustomKeyStore")

/* ---- by operation ---- */

#define ROW(name) {KW_ARRAY_LEN(of_##name), of_##name},
static const struct kw_permissions permissions[] = {KW_OPERATIONS(ROW)};

const struct kw_permissions *kw_permissions_of(size_t operation_index)
{
    kw_assert(operation_index < KW_ARRAY_LEN(permissions));
    return &permissions[operation_index];
}

static const struct kw_permission *find_in(const struct kw_permissions *of, const char *name)
{
    for (size_t i = 0; i < of->num; i++) {
        if (strcmp(of->list[i].action + 4, name) == 0)
            return &of->list[i];
    }
    return NULL;
}

/* An action that is an operation's own name is that operation's; ReEncryptFrom and its kin are found among
 * the others'. */
static const struct kw_permission *find_anywhere(const char *name)
{
    int own = kw_operation_find(kw_bytes_str(name));
    const struct kw_permission *found = own >= 0 ? find_in(&permissions[own], name) : NULL;

    for (size_t i = 0; found == NULL && i < KW_ARRAY_LEN(permissions); i++)
        found = find_in(&permissions[i], name);
    return found;
}

const struct kw_permission *kw_permission_find(size_t operation_index, const char *name)
{
    const struct kw_permission *found = NULL;

    if (operation_index < KW_ARRAY_LEN(permissions))
        found = find_in(&permissions[operation_index], name);
    return found != NULL ? found : find_anywhere(name);
}

uint32_t kw_permission_grant(const struct kw_permission *permission)
{
    if ((permission->flags & KW_PERMISSION_KEY) == 0)
        return 0;
    for (unsigned i = 0; i < KW_GRANT_OPERATIONS_NUM; i++) {
        if (strcmp(permission->action + 4, kw_grant_operation_names[i]) == 0)
            return 1u << i;
    }
    return 0;
}
