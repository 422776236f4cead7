#include "api/error.h"

static const struct kw_error_info errors[KW_ERROR_NUM] = {
    [KW_ERROR_NONE] = {"ok", 200, false},
    [KW_ERROR_ACCESS_DENIED] = {"AccessDeniedException", 400, true},
    [KW_ERROR_ALREADY_EXISTS] = {"AlreadyExistsException", 400, true},
    [KW_ERROR_BAD_REQUEST] = {"BadRequestException", 400, true},
    [KW_ERROR_DISABLED] = {"DisabledException", 400, true},
    [KW_ERROR_DRY_RUN] = {"DryRunOperationException", 400, true},
    [KW_ERROR_INCOMPLETE_SIGNATURE] = {"IncompleteSignatureException", 400, true},
    [KW_ERROR_INCORRECT_KEY] = {"IncorrectKeyException", 400, true},
    [KW_ERROR_INTERNAL] = {"KMSInternalException", 500, true},
    [KW_ERROR_INVALID_ALIAS_NAME] = {"InvalidAliasNameException", 400, true},
    [KW_ERROR_INVALID_CIPHERTEXT] = {"InvalidCiphertextException", 400, false},
    [KW_ERROR_INVALID_GRANT_TOKEN] = {"InvalidGrantTokenException", 400, true},
    [KW_ERROR_INVALID_KEY_USAGE] = {"InvalidKeyUsageException", 400, true},
    [KW_ERROR_INVALID_MARKER] = {"InvalidMarkerException", 400, true},
    [KW_ERROR_INVALID_SIGNATURE] = {"InvalidSignatureException", 400, true},
    [KW_ERROR_INVALID_STATE] = {"KMSInvalidStateException", 400, true},
    [KW_ERROR_LIMIT_EXCEEDED] = {"LimitExceededException", 400, true},
    [KW_ERROR_MISSING_TOKEN] = {"MissingAuthenticationTokenException", 400, true},
    [KW_ERROR_NOT_FOUND] = {"NotFoundException", 400, true},
    [KW_ERROR_REQUEST_TOO_LARGE] = {"RequestEntityTooLargeException", 413, true},
    [KW_ERROR_SERIALIZATION] = {"SerializationException", 400, true},
    [KW_ERROR_THROTTLING] = {"ThrottlingException", 400, true},
    [KW_ERROR_UNAVAILABLE] = {"ServiceUnavailableException", 503, true},
    [KW_ERROR_UNKNOWN_OPERATION] = {"UnknownOperationException", 400, false},
    [KW_ERROR_UNRECOGNIZED_CLIENT] = {"UnrecognizedClientException", 400, true},
    [KW_ERROR_UNSUPPORTED] = {"UnsupportedOperationException", 400, true},
    [KW_ERROR_VALIDATION] = {"ValidationException", 400, true},
};

const struct kw_error_info *kw_error_info(enum kw_error error)
{
    kw_assert((unsigned)error < KW_ERROR_NUM);
    return &errors[error];
}
