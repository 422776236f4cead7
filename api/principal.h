/* principal - who can be a caller: accounts' roots, users and roles; and the access keys that they sign with.
 *
 * Entities of the keystore as in entity.h: copied whole, shared by reference, never changed. Access keys are
 * in secret memory. Any thread may hold and drop references.
 */
#ifndef KW_API_PRINCIPAL_H
#define KW_API_PRINCIPAL_H

#include "api/accessuse.h"
#include "api/entity.h"
#include "api/policy.h"

enum kw_principal_kind { KW_PRINCIPAL_ROOT, KW_PRINCIPAL_USER, KW_PRINCIPAL_ROLE, KW_PRINCIPAL_KIND_NUM };
/* "root", "user", "role". */
const char *kw_principal_kind_name(enum kw_principal_kind kind);
/* Returns: 0 | KW_ENTITY_INVALID (no such kind) */
KW_MUST_CHECK int kw_principal_kind_parse(struct kw_bytes name, enum kw_principal_kind *ret);

#define KW_PRINCIPAL_NAME_MAX        64u
#define KW_PRINCIPAL_POLICY_NAME_MAX 128u
#define KW_PRINCIPAL_PATH_MAX        512u
#define KW_PRINCIPAL_POLICIES_MAX    20u
#define KW_PRINCIPAL_ARN_MAX         640u  /* with the longest path, NUL included */
#define KW_ACCESS_KEYS_MAX           2u    /* of one user or root: enough to rotate them */
#define KW_SESSION_S_MIN             3600u /* of a role's session_max_s */
#define KW_SESSION_S_MAX             43200u

struct kw_named_policy {
    const char *name;
    const struct kw_policy *policy;
};

struct kw_principal {
    enum kw_principal_kind kind;
    const char *account;            /* 12 digits */
    const char *path;               /* begins and ends with a slash; "/" */
    const char *name;               /* of a root: "root" */
    char id[32];                    /* AIDA..., AROA...; of a root: the account */
    char arn[KW_PRINCIPAL_ARN_MAX]; /* derived; partition "aws" */
    int64_t created_ms;
    bool enabled; /* if not, none of its credentials is good, and nobody can assume it */
    uint32_t num_policies;
    const struct kw_named_policy *policies; /* inline identity policies, in the order of their names; a role's
                                               and a user's only */
    uint32_t num_tags;
    const struct kw_tag *tags;
    /* roles (others: NULL and 0): */
    const struct kw_policy *trust;
    uint32_t session_max_s; /* KW_SESSION_S_MIN .. KW_SESSION_S_MAX */
};

/* Deep copy; takes references on policies. A path of NULL is "/"; a root's name is "root" and its id its
 * account, whatever is said. Names and paths are of the characters that IAM's are.
 * Returns: 0 | KW_ENTITY_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_principal_new(struct kw_principal **ret, const struct kw_principal *like);
const struct kw_principal *kw_principal_ref(const struct kw_principal *principal);
void kw_principal_unref(const struct kw_principal *principal);
/* Names and paths as IAM has them: letters, digits and +=,.@_-; a path is "/" or "/PART/.../". */
KW_MUST_CHECK bool kw_principal_name_valid(struct kw_bytes name);
KW_MUST_CHECK bool kw_principal_path_valid(struct kw_bytes path);
/* arn:PARTITION:iam::ACCOUNT:user/PATH/NAME and the like, NUL-terminated. */
void kw_principal_arn(
    const struct kw_principal *principal, const char *partition, char ret[KW_PRINCIPAL_ARN_MAX]);

struct kw_access_key {
    char id[KW_ACCESS_KEY_ID_MAX + 1]; /* AKIA... */
    char secret[65];                   /* NUL-terminated */
    /* whose it is: */
    char account[KW_ACCOUNT_LEN + 1];
    enum kw_principal_kind kind; /* a user or a root */
    char name[KW_PRINCIPAL_NAME_MAX + 1];
    bool enabled;
    int64_t created_ms;
    struct kw_access_use *use; /* shared by all versions of the key; NULL in what is copied: a new one */
};
/* In secret memory. Returns: 0 | KW_ENTITY_INVALID | -ENOMEM */
KW_MUST_CHECK int kw_access_key_new(struct kw_access_key **ret, const struct kw_access_key *like);
const struct kw_access_key *kw_access_key_ref(const struct kw_access_key *key);
void kw_access_key_unref(const struct kw_access_key *key);

/* ---- new ones ---- */

struct kw_drbg;

#define KW_ADMINISTRATOR_POLICY_NAME "AdministratorAccess"
#define KW_ADMINISTRATOR_POLICY                                                                              \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]" \
    "}"

/* A new id: AIDA or AROA and 17 of A-Z2-7; of a root its account's. Returns: 0 | KW_EOPENSSL | -EPERM */
KW_MUST_CHECK int kw_principal_make_id(
    struct kw_drbg *drbg, enum kw_principal_kind kind, struct kw_bytes account, char ret[32]);
/* A new access key of owner, enabled: AKIA and 16 of A-Z2-7, and 40 letters and digits. Out: ret, a struct to
 * make the entity from; secret, the caller wipes it. Returns: 0 | KW_EOPENSSL | -EPERM */
KW_MUST_CHECK int kw_access_key_make(
    struct kw_drbg *drbg, const struct kw_principal *owner, int64_t now_ms, struct kw_access_key *ret);
/* The user `admin` of an account, with a policy that allows everything. Returns: 0 | -ENOMEM | KW_EOPENSSL |
 * -EPERM (forked child) */
KW_MUST_CHECK int kw_principal_make_admin(
    struct kw_drbg *drbg, struct kw_bytes account, int64_t now_ms, struct kw_principal **ret);

static inline void kw_principal_unrefp(struct kw_principal **principal)
{
    kw_principal_unref(*principal);
}
static inline void kw_access_key_unrefp(struct kw_access_key **key)
{
    kw_access_key_unref(*key);
}
#define KW_PRINCIPAL  KW_CLEANUP(kw_principal_unrefp)
#define KW_ACCESS_KEY KW_CLEANUP(kw_access_key_unrefp)

#endif
