#include "tools/cli/config.h"

#include "tools/cli/inifile.h"
#include "tools/options.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX  (1024u * 1024u)
#define TIMEOUT_S 60u

static const char *environment(const char *name)
{
    const char *value = name != NULL ? getenv(name) : NULL;

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* ---- the files ---- */

static void path_of(const char *variable, const char *name, char *ret, size_t cap)
{
    const char *named = environment(variable), *home = environment("HOME");

    if (named != NULL && (named[0] != '~' || home == NULL))
        snprintf(ret, cap, "%s", named);
    else if (named != NULL)
        snprintf(ret, cap, "%s%s", home, named + 1);
    else
        snprintf(ret, cap, "%s/.aws/%s", home != NULL ? home : "", name);
}

void kw_config_credentials_path(char *ret, size_t cap)
{
    path_of("AWS_SHARED_CREDENTIALS_FILE", "credentials", ret, cap);
}

/* A file that is not there is an empty one. */
static int read_file(const char *path, struct kw_sbuf *ret, struct kw_trouble *trouble)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;

    *ret = KW_SBUF_INIT(FILE_MAX);
    if (fd < 0)
        return 0;
    while (n > 0 && kw_sbuf_reserve(ret, 4096) == 0) {
        n = read(fd, ret->ptr + ret->len, 4096);
        ret->len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    /* A folder, or a file of no sensible length. */
    return n == 0 || (n < 0 && errno == EISDIR)
               ? 0
               : kw_trouble(trouble, KW_CLI_GENERAL, "Unable to parse config file: %s", path);
}

static bool has_profile(const struct kw_config *config, const char *name)
{
    return kw_ini_section(kw_sbuf_bytes(&config->credentials_text), NULL, name) == 0 ||
           kw_ini_section(kw_sbuf_bytes(&config->config_text), "profile", name) == 0;
}

int kw_config_open(struct kw_config *config, const struct kw_arguments *arguments, struct kw_trouble *trouble)
{
    char path[4096];

    memset(config, 0, sizeof(*config));
    kw_config_credentials_path(path, sizeof(path));
    if (read_file(path, &config->credentials_text, trouble) != 0)
        return 1;
    path_of("AWS_CONFIG_FILE", "config", path, sizeof(path));
    if (read_file(path, &config->config_text, trouble) != 0)
        return 1;
    config->profile_named = arguments->profile != NULL;
    config->profile = arguments->profile != NULL ? arguments->profile : environment("AWS_PROFILE");
    if (config->profile == NULL)
        config->profile = environment("AWS_DEFAULT_PROFILE");
    if (config->profile != NULL && !has_profile(config, config->profile))
        return kw_trouble(
            trouble, KW_CLI_GENERAL, "The config profile (%s) could not be found", config->profile);
    if (config->profile == NULL)
        config->profile = "default";
    return 0;
}

void kw_config_close(struct kw_config *config)
{
    kw_sbuf_done(&config->credentials_text);
    kw_sbuf_done(&config->config_text);
    kw_erase(config, sizeof(*config));
}

static bool copy(struct kw_bytes from, char *to, size_t cap)
{
    if (from.len >= cap)
        return false;
    if (from.len > 0)
        memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return true;
}

void kw_config_get(
    const struct kw_config *config, const char *variable, const char *setting, char *ret, size_t cap)
{
    const char *named = environment(variable);
    struct kw_bytes value = KW_BYTES(NULL, 0);

    if (named != NULL)
        value = kw_bytes_str(named);
    else if (setting != NULL && kw_ini_get(kw_sbuf_bytes(&config->config_text), "profile", config->profile,
                                    NULL, setting, &value) != 0)
        value = KW_BYTES(NULL, 0);
    if (!copy(value, ret, cap))
        ret[0] = '\0';
}

/* ---- credentials ---- */

static int partial(struct kw_trouble *trouble, const char *where, const char *missing)
{
    return kw_trouble(
        trouble, KW_CLI_GENERAL, "Partial credentials found in %s, missing: %s", where, missing);
}

static int too_long(struct kw_trouble *trouble)
{
    return kw_trouble(trouble, KW_CLI_CONFIG, "The credentials are longer than any that are valid");
}

/* Returns: 0 | 1 (trouble says) | 2 (none there) */
static int from_environment(struct kw_config *config, struct kw_trouble *trouble)
{
    const char *id = environment("AWS_ACCESS_KEY_ID"), *secret = environment("AWS_SECRET_ACCESS_KEY");
    const char *token = environment("AWS_SESSION_TOKEN");

    if (token == NULL)
        token = environment("AWS_SECURITY_TOKEN");
    if (config->profile_named || id == NULL)
        return 2;
    if (secret == NULL)
        return partial(trouble, "env", "AWS_SECRET_ACCESS_KEY");
    if (!copy(kw_bytes_str(id), config->access_key_id, sizeof(config->access_key_id)) ||
        !copy(kw_bytes_str(secret), config->secret_access_key, sizeof(config->secret_access_key)) ||
        !copy(kw_bytes_str(token != NULL ? token : ""), config->session_token, sizeof(config->session_token)))
        return too_long(trouble);
    return 0;
}

static int from_text(struct kw_config *config, struct kw_bytes text, const char *kind, const char *where,
    struct kw_trouble *trouble)
{
    struct kw_bytes id, secret, token = KW_BYTES(NULL, 0);

    if (kw_ini_get(text, kind, config->profile, NULL, "aws_access_key_id", &id) != 0)
        return 2;
    if (kw_ini_get(text, kind, config->profile, NULL, "aws_secret_access_key", &secret) != 0)
        return partial(trouble, where, "aws_secret_access_key");
    if (kw_ini_get(text, kind, config->profile, NULL, "aws_session_token", &token) != 0)
        token = KW_BYTES(NULL, 0);
    if (!copy(id, config->access_key_id, sizeof(config->access_key_id)) ||
        !copy(secret, config->secret_access_key, sizeof(config->secret_access_key)) ||
        !copy(token, config->session_token, sizeof(config->session_token)))
        return too_long(trouble);
    return 0;
}

int kw_config_credentials(struct kw_config *config, struct kw_trouble *trouble)
{
    int r = from_environment(config, trouble);

    if (r == 2)
        r = from_text(
            config, kw_sbuf_bytes(&config->credentials_text), NULL, "shared-credentials-file", trouble);
    if (r == 2)
        r = from_text(config, kw_sbuf_bytes(&config->config_text), "profile", "config-file", trouble);
    if (r != 2)
        return r;
    return kw_trouble(trouble, KW_CLI_CONFIG,
        "Unable to locate credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a profile in "
        "the shared files; roles, single sign-on and instance metadata are not looked at.");
}

/* ---- where to ---- */

static int find_region(
    struct kw_config *config, const struct kw_arguments *arguments, struct kw_trouble *trouble)
{
    if (arguments->region != NULL) {
        if (!copy(kw_bytes_str(arguments->region), config->region, sizeof(config->region)))
            config->region[0] = '\0';
    } else {
        kw_config_get(config, "AWS_REGION", NULL, config->region, sizeof(config->region));
        if (config->region[0] == '\0')
            kw_config_get(config, "AWS_DEFAULT_REGION", "region", config->region, sizeof(config->region));
    }
    if (config->region[0] == '\0')
        return kw_trouble(trouble, KW_CLI_CONFIG,
            "You must specify a region. Give --region, or set AWS_REGION or the profile's region.");
    for (const char *c = config->region; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-')
            return kw_trouble(trouble, KW_CLI_GENERAL,
                "Provided region_name '%s' doesn't match a supported format.", config->region);
    }
    return 0;
}

static const char *suffix_of(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0)
        return "amazonaws.com.cn";
    if (strncmp(region, "us-iso-", 7) == 0)
        return "c2s.ic.gov";
    return strncmp(region, "us-isob-", 8) == 0 ? "sc2s.sgov.gov" : "amazonaws.com";
}

/* "kms =" and "endpoint_url" below it, in the section of services that the profile names. */
static void services_endpoint(const struct kw_config *config, char *ret, size_t cap)
{
    char services[256];
    struct kw_bytes url;

    kw_config_get(config, NULL, "services", services, sizeof(services));
    if (services[0] == '\0' || kw_ini_get(kw_sbuf_bytes(&config->config_text), "services", services, "kms",
                                   "endpoint_url", &url) != 0)
        return;
    if (!copy(url, ret, cap))
        ret[0] = '\0';
}

static bool is_true(const char *text)
{
    return strcasecmp(text, "true") == 0;
}

static void find_endpoint(struct kw_config *config, const struct kw_arguments *arguments)
{
    char *to = config->endpoint, flag[16];
    const size_t cap = sizeof(config->endpoint);

    to[0] = '\0';
    kw_config_get(
        config, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls", flag, sizeof(flag));
    if (arguments->endpoint_url != NULL) {
        snprintf(to, cap, "%s", arguments->endpoint_url);
        return;
    }
    if (!is_true(flag)) {
        kw_config_get(config, "AWS_ENDPOINT_URL_KMS", NULL, to, cap);
        if (to[0] == '\0')
            kw_config_get(config, "AWS_ENDPOINT_URL", NULL, to, cap);
        if (to[0] == '\0')
            services_endpoint(config, to, cap);
        if (to[0] == '\0')
            kw_config_get(config, NULL, "endpoint_url", to, cap);
    }
    if (to[0] != '\0')
        return;
    kw_config_get(config, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", flag, sizeof(flag));
    snprintf(to, cap, "https://kms%s.%s.%s", is_true(flag) ? "-fips" : "", config->region,
        suffix_of(config->region));
}

static int find_timeout(const char *given, uint64_t *ret_ms, struct kw_trouble *trouble)
{
    uint64_t seconds = TIMEOUT_S;

    if (given != NULL && kw_number_parse(given, 0, 1000000, &seconds) != 0)
        return kw_trouble(trouble, KW_CLI_GENERAL, "invalid literal for int() with base 10: '%s'", given);
    *ret_ms = seconds * 1000;
    return 0;
}

int kw_config_connect(
    struct kw_config *config, const struct kw_arguments *arguments, struct kw_trouble *trouble)
{
    char attempts[16];
    uint64_t number;

    if (find_region(config, arguments, trouble) != 0)
        return 1;
    find_endpoint(config, arguments);
    if (arguments->ca_bundle != NULL)
        snprintf(config->ca_bundle, sizeof(config->ca_bundle), "%s", arguments->ca_bundle);
    else
        kw_config_get(config, "AWS_CA_BUNDLE", "ca_bundle", config->ca_bundle, sizeof(config->ca_bundle));
    kw_config_get(config, "AWS_MAX_ATTEMPTS", "max_attempts", attempts, sizeof(attempts));
    config->max_attempts = kw_number_parse(attempts, 1, 1000, &number) == 0 ? (unsigned)number : 3;
    if (find_timeout(arguments->connect_timeout, &config->connect_timeout_ms, trouble) != 0)
        return 1;
    return find_timeout(arguments->read_timeout, &config->read_timeout_ms, trouble);
}
