/* config - region, endpoint, credentials and the like, from where the AWS CLI 2 takes them: options, the
 * environment, the profile in the shared files.
 *
 * Not looked for: credentials of roles, of single sign-on, of containers and of EC2's metadata.
 */
#ifndef KW_TOOLS_CLI_CONFIG_H
#define KW_TOOLS_CLI_CONFIG_H

#include "tools/cli/arguments.h"

struct kw_config {
    /* Text of the two files, or empty; secret. */
    struct kw_sbuf credentials_text, config_text;
    const char *profile; /* "default" if nothing names one */
    bool profile_named;  /* by an option: the environment's credentials are not for it */
    /* Found by kw_config_connect(). */
    char region[64];
    char endpoint[1024]; /* "http://127.0.0.1:4599" */
    char ca_bundle[4096];
    uint64_t connect_timeout_ms, read_timeout_ms; /* 0: none */
    unsigned max_attempts;
    /* Found by kw_config_credentials(); secret. */
    char access_key_id[129];
    char secret_access_key[129];
    char session_token[8192];
};

/* kw_config_open() - reads the shared files, as far as they are there. The arguments must outlive it.
 * Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_config_open(
    struct kw_config *config, const struct kw_arguments *arguments, struct kw_trouble *trouble);
/* Wipes. */
void kw_config_close(struct kw_config *config);

/* A setting: the environment's variable (NULL: none), else that of the profile in the configuration file.
 * Out: ret, cap bytes, NUL-terminated; "" if there is none. */
void kw_config_get(
    const struct kw_config *config, const char *variable, const char *setting, char *ret, size_t cap);

/* Where the shared credentials file is, or would be; NUL-terminated. */
void kw_config_credentials_path(char *ret, size_t cap);

/* kw_config_connect() - region, endpoint, timeouts and the rest. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_config_connect(
    struct kw_config *config, const struct kw_arguments *arguments, struct kw_trouble *trouble);
/* kw_config_credentials() - Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_config_credentials(struct kw_config *config, struct kw_trouble *trouble);

#endif
