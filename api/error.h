/* error - the errors that the service answers with, by the names of the KMS API.
 *
 * Source: the service model, and for errors outside it the common errors of AWS's JSON protocol.
 */
#ifndef KW_API_ERROR_H
#define KW_API_ERROR_H

#include "pool/bytes.h"

enum kw_error {
    KW_ERROR_NONE,
    KW_ERROR_ACCESS_DENIED,
    KW_ERROR_ALREADY_EXISTS,
    KW_ERROR_BAD_REQUEST,
    KW_ERROR_CLUSTER_IN_USE,
    KW_ERROR_CLUSTER_NOT_FOUND,
    KW_ERROR_CLUSTER_NOT_RELATED,
    KW_ERROR_CONFLICT,
    KW_ERROR_CUSTOM_KEY_STORE_HAS_KEYS,
    KW_ERROR_CUSTOM_KEY_STORE_NAME_IN_USE,
    KW_ERROR_CUSTOM_KEY_STORE_NOT_FOUND,
    KW_ERROR_CUSTOM_KEY_STORE_STATE,
    KW_ERROR_DEPENDENCY_TIMEOUT,
    KW_ERROR_DISABLED,
    KW_ERROR_DRY_RUN,
    KW_ERROR_EXPIRED_IMPORT_TOKEN,
    KW_ERROR_EXPIRED_TOKEN, /* of a session */
    KW_ERROR_INCOMPLETE_SIGNATURE,
    KW_ERROR_INCORRECT_KEY,
    KW_ERROR_INCORRECT_KEY_MATERIAL,
    KW_ERROR_INCORRECT_TRUST_ANCHOR,
    KW_ERROR_INTERNAL,
    KW_ERROR_INVALID_ALIAS_NAME,
    KW_ERROR_INVALID_ARN,
    KW_ERROR_INVALID_CIPHERTEXT,
    KW_ERROR_INVALID_GRANT_ID,
    KW_ERROR_INVALID_GRANT_TOKEN,
    KW_ERROR_INVALID_IMPORT_TOKEN,
    KW_ERROR_INVALID_KEY_USAGE,
    KW_ERROR_INVALID_MAC, /* VerifyMac */
    KW_ERROR_INVALID_MARKER,
    KW_ERROR_INVALID_SIGNATURE, /* of the request */
    KW_ERROR_INVALID_STATE,
    KW_ERROR_KEY_UNAVAILABLE,
    KW_ERROR_LIMIT_EXCEEDED,
    KW_ERROR_MALFORMED_POLICY,
    KW_ERROR_MISSING_TOKEN,
    KW_ERROR_NOT_AUTHORIZED,
    KW_ERROR_NOT_FOUND,
    KW_ERROR_PACKED_POLICY_TOO_LARGE, /* AssumeRole */
    KW_ERROR_REQUEST_TOO_LARGE,
    KW_ERROR_SERIALIZATION,
    KW_ERROR_SIGNATURE_NOT_OF_KEY, /* Verify */
    KW_ERROR_TAG,
    KW_ERROR_THROTTLING,
    KW_ERROR_UNAVAILABLE,
    KW_ERROR_UNKNOWN_OPERATION,
    KW_ERROR_UNRECOGNIZED_CLIENT,
    KW_ERROR_UNSUPPORTED,
    KW_ERROR_VALIDATION,
    KW_ERROR_NUM,
};

struct kw_error_info {
    const char *type; /* of __type and x-amzn-errortype; what metrics count under */
    unsigned status;  /* of HTTP */
    bool has_message; /* some errors never have a message member, the others if there is something to say */
};

const struct kw_error_info *kw_error_info(enum kw_error error);

#endif
