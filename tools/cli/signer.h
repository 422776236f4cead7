/* signer - the head of one signed request (AWS Signature Version 4).
 *
 * Source: "Create a signed AWS API request" (AWS IAM user guide). Pure, but for the time that it is given.
 */
#ifndef KW_TOOLS_CLI_SIGNER_H
#define KW_TOOLS_CLI_SIGNER_H

#include "pool/sbuf.h"

struct kw_signer {
    const char *access_key_id; /* NULL: no signature */
    const char *secret_access_key;
    const char *session_token; /* "": none */
    const char *region;
};

struct kw_signed_request {
    const char *host;   /* as the Host header has it */
    const char *path;   /* "/" */
    const char *target; /* "TrentService.DescribeKey" */
    struct kw_bytes body;
    int64_t wall_ms;
};

/* kw_signer_head() - Out: ret, the head with its empty line, appended. Secret: signer; the head gives away a
 * session token. */
void kw_signer_head(
    const struct kw_signer *signer, const struct kw_signed_request *request, struct kw_sbuf *ret);

#endif
