/* permission - which permissions each operation needs, on what, and what a request for one of them says to
 * the conditions of policies. Tables; the documentation is printed from them, too.
 *
 * Source: KMS developer guide, "AWS KMS permissions" and "Condition keys for AWS KMS"; service authorization
 * reference, "Actions, resources, and condition keys for AWS Key Management Service".
 */
#ifndef KW_API_PERMISSION_H
#define KW_API_PERMISSION_H

#include "api/call.h"
#include "api/condkey.h"

enum {
    KW_PERMISSION_KEY = 1u << 0,    /* on a KMS key: its policy decides too */
    KW_PERMISSION_ACROSS = 1u << 1, /* works on keys of other accounts */
    KW_PERMISSION_NAMED = 1u << 2,  /* has kms:RequestAlias if the key is named by an alias */
    KW_PERMISSION_NEW_KEY =
        1u << 3, /* of a key that is not there yet: kms:KeySpec and the like are asked for */
    KW_PERMISSION_REPLICA = 1u << 4,  /* the same of a replica: of the primary, in the other Region */
    KW_PERMISSION_TAGS = 1u << 5,     /* aws:RequestTag/, aws:TagKeys: of Tags */
    KW_PERMISSION_TAG_KEYS = 1u << 6, /* aws:TagKeys: of TagKeys */
    KW_PERMISSION_GRANT = 1u << 7,    /* of a grant that is made: its principals, operations, constraints */
    KW_PERMISSION_BOTH = 1u << 8,     /* kms:ReEncryptOnSameKey */
    KW_PERMISSION_VALID_TO = 1u << 9, /* kms:ValidTo */
};

/* A condition key whose one value is a member of the request: text, a number or a truth value. */
struct kw_permission_value {
    enum kw_condkey key;
    const char *member; /* NULL: always the other */
    const char *absent; /* what it is if the request does not say; NULL: then the key is not there */
};
#define KW_PERMISSION_VALUES_MAX 3u

struct kw_permission {
    const char *action; /* "kms:Encrypt" */
    const char *on;     /* for the documentation: "the key" */
    unsigned flags;
    const char *context; /* the member that is the encryption context; NULL: none */
    size_t num_values;
    struct kw_permission_value values[KW_PERMISSION_VALUES_MAX];
};
#define KW_PERMISSIONS_MAX 3u /* of one operation */

/* What the operation of that index in kw_operations needs. */
struct kw_permissions {
    size_t num;
    const struct kw_permission *list;
};
const struct kw_permissions *kw_permissions_of(size_t operation_index);

/* kw_permission_find() - the permission of that name (without "kms:") as the operation asks for it; an index
 * of no operation: as the first operation that has it does. NULL: none. */
const struct kw_permission *kw_permission_find(size_t operation_index, const char *name);

/* The bit of kw_grant.operations by which grants allow an action ("kms:Encrypt"); 0: no grant can. */
uint32_t kw_permission_grant(const struct kw_permission *permission);

#endif
