/* record_internal - the fields of records, which record.c writes and record_decode.c reads.
 *
 * The numbers are part of the form: none is changed or used again.
 */
#ifndef KW_API_RECORD_INTERNAL_H
#define KW_API_RECORD_INTERNAL_H

#include "api/record.h"

#define KW_RECORD_VERSION 1

enum {
    KW_FIELD_KEY_ID = 1,
    KW_FIELD_KEY_MULTI_REGION = 2,
    KW_FIELD_KEY_ACCOUNT = 3,
    KW_FIELD_KEY_REGION = 4,
    KW_FIELD_KEY_SPEC = 5,
    KW_FIELD_KEY_USAGE = 6,
    KW_FIELD_KEY_ORIGIN = 7,
    KW_FIELD_KEY_STATE = 8,
    KW_FIELD_KEY_CREATED = 9,
    KW_FIELD_KEY_DESCRIPTION = 10,
    KW_FIELD_KEY_POLICY = 11,
    KW_FIELD_KEY_DELETION = 12,
    KW_FIELD_KEY_PENDING_DAYS = 13,
    KW_FIELD_KEY_ROTATES = 14,
    KW_FIELD_KEY_ROTATION_DAYS = 15,
    KW_FIELD_KEY_ROTATION_NEXT = 16,
    KW_FIELD_KEY_NUM_ON_DEMAND = 17,
    KW_FIELD_KEY_PRIMARY_REGION = 18,
    KW_FIELD_KEY_REPLICA_REGION = 19, /* list */
    KW_FIELD_KEY_GENERATION = 20,     /* list of structures */
    KW_FIELD_KEY_CURRENT = 21,
    KW_FIELD_KEY_TAG = 22, /* list of pairs */
    KW_FIELD_KEY_CUSTOM_STORE = 23,
};

enum {
    KW_FIELD_GENERATION_ID = 1,
    KW_FIELD_GENERATION_SECRET = 2, /* left out: no material */
    KW_FIELD_GENERATION_PUBLIC = 3, /* left out: empty */
    KW_FIELD_GENERATION_CREATED = 4,
    KW_FIELD_GENERATION_ROTATED = 5,
    KW_FIELD_GENERATION_ROTATION = 6, /* left out: none */
    KW_FIELD_GENERATION_PENDING = 7,
    KW_FIELD_GENERATION_VALID_TO = 8,
    KW_FIELD_GENERATION_DESCRIPTION = 9,
};

/* Tags and the pairs of constraints. */
enum {
    KW_FIELD_PAIR = 1, /* where a structure is a list of pairs and nothing else */
    KW_FIELD_PAIR_KEY = 1,
    KW_FIELD_PAIR_VALUE = 2,
};

enum {
    KW_FIELD_ALIAS_ACCOUNT = 1,
    KW_FIELD_ALIAS_REGION = 2,
    KW_FIELD_ALIAS_NAME = 3,
    KW_FIELD_ALIAS_KEY_ID = 4,
    KW_FIELD_ALIAS_CREATED = 5,
    KW_FIELD_ALIAS_UPDATED = 6,
};

enum {
    KW_FIELD_GRANT_ID = 1,
    KW_FIELD_GRANT_ACCOUNT = 2,
    KW_FIELD_GRANT_REGION = 3,
    KW_FIELD_GRANT_KEY_ID = 4,
    KW_FIELD_GRANT_GRANTEE = 5,
    KW_FIELD_GRANT_RETIRING = 6,
    KW_FIELD_GRANT_NAME = 7,
    KW_FIELD_GRANT_OPERATION = 8, /* list */
    KW_FIELD_GRANT_EQUALS = 9,    /* left out: no such constraint */
    KW_FIELD_GRANT_SUBSET = 10,
    KW_FIELD_GRANT_CREATED = 11,
};

enum {
    KW_FIELD_PRINCIPAL_KIND = 1,
    KW_FIELD_PRINCIPAL_ACCOUNT = 2,
    KW_FIELD_PRINCIPAL_PATH = 3,
    KW_FIELD_PRINCIPAL_NAME = 4,
    KW_FIELD_PRINCIPAL_ID = 5,
    KW_FIELD_PRINCIPAL_CREATED = 6,
    KW_FIELD_PRINCIPAL_ENABLED = 7,
    KW_FIELD_PRINCIPAL_POLICY = 8, /* list of pairs: name, text */
    KW_FIELD_PRINCIPAL_TAG = 9,    /* list of pairs */
    KW_FIELD_PRINCIPAL_TRUST = 10, /* roles only */
    KW_FIELD_PRINCIPAL_SESSION_MAX = 11,
};

enum {
    KW_FIELD_ACCESS_KEY_ID = 1,
    KW_FIELD_ACCESS_KEY_SECRET = 2,
    KW_FIELD_ACCESS_KEY_ACCOUNT = 3,
    KW_FIELD_ACCESS_KEY_KIND = 4,
    KW_FIELD_ACCESS_KEY_NAME = 5,
    KW_FIELD_ACCESS_KEY_ENABLED = 6,
    KW_FIELD_ACCESS_KEY_CREATED = 7,
};

enum {
    KW_FIELD_ACCESS_USE_AT = 1,
    KW_FIELD_ACCESS_USE_SERVICE = 2, /* left out: never used */
    KW_FIELD_ACCESS_USE_REGION = 3,
};

enum {
    KW_FIELD_CUSTOM_STORE_ID = 1,
    KW_FIELD_CUSTOM_STORE_ACCOUNT = 2,
    KW_FIELD_CUSTOM_STORE_REGION = 3,
    KW_FIELD_CUSTOM_STORE_NAME = 4,
    KW_FIELD_CUSTOM_STORE_CLUSTER = 5,
    KW_FIELD_CUSTOM_STORE_TRUST_ANCHOR = 6,
    KW_FIELD_CUSTOM_STORE_PASSWORD = 7,
    KW_FIELD_CUSTOM_STORE_CONNECT = 8,
    KW_FIELD_CUSTOM_STORE_CREATED = 9,
};

enum {
    KW_FIELD_LASTUSE_AT = 1,
    KW_FIELD_LASTUSE_OPERATION = 2, /* left out: never used */
    KW_FIELD_LASTUSE_REQUEST_ID = 3,
    KW_FIELD_LASTUSE_EVENT_ID = 4,
};

/* By enum kw_rotation_type; NULL is left out. */
extern const char *const kw_record_rotations[3];

#endif
