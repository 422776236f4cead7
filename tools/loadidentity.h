/* loadidentity - credentials and region from where the AWS command line takes them. */
#ifndef KW_TOOLS_LOADIDENTITY_H
#define KW_TOOLS_LOADIDENTITY_H

#include "tools/loadsign.h"

/* kw_load_identity_find() - In: profile, region: as given on the command line, or NULL; host, the endpoint's.
 * Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) unless
 * a profile was given, else from the profile (AWS_PROFILE, "default") in the shared file
 * (AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials). The region comes from AWS_REGION, AWS_DEFAULT_REGION, a
 * host such as kms.eu-west-1.amazonaws.com, the profile in the configuration file (AWS_CONFIG_FILE,
 * ~/.aws/config), else it is us-east-1. Out: ret (the secret in it is the caller's to erase); why, a
 * sentence. Returns: 0 | 1 (why says) */
KW_MUST_CHECK int kw_load_identity_find(const char *profile, const char *region, const char *host,
    struct kw_load_identity *ret, char *why, size_t why_cap);

#endif
