/* keywell init - a data folder, made as keywelld's first start makes it, and what to do next. */
#include "api/log.h"
#include "api/node.h"
#include "tools/cli/config.h"
#include "tools/commands.h"
#include "tools/operatorclient.h"
#include "tools/options.h"
#include "tools/profileout.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    const char *data, *profile;
    const char *account; /* NULL: the server's default */
    bool json;
};

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->data = value;
    return value[0] == '\0' ? "must name a folder" : NULL;
}

static const char *set_account(void *to, const char *value)
{
    ((struct settings *)to)->account = value;
    return strlen(value) == KW_ACCOUNT_LEN && strspn(value, "0123456789") == KW_ACCOUNT_LEN
               ? NULL
               : "must be twelve digits";
}

static const char *set_profile(void *to, const char *value)
{
    ((struct settings *)to)->profile = value;
    return value[0] == '\0' || strpbrk(value, "[]\r\n") != NULL ? "must be the name of a profile" : NULL;
}

static const char *set_json(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->json = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--data", "DIR", "the data folder, which is not one yet (required)", set_data},
    {"--account", "N", "the account (default 000000000000)", set_account},
    {"--write-profile", "NAME",
        "add the administrator's access key to the shared credentials file as this profile", set_profile},
    {"--json", NULL, "what was made, as JSON; without the secret", set_json},
};

static void help(void)
{
    printf(
        "Usage: keywell init --data DIR [OPTION ...]\n\n"
        "Makes a data folder (0700) as keywelld's first start makes it: root key, keystore, audit log, and "
        "a\n"
        "user admin who may do everything. Its secret access key is written to DIR/credentials (0600), in\n"
        "the format of the shared credentials file, and is not shown. A folder that is one already is left "
        "alone.\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf("\nThe shared credentials file is ~/.aws/credentials, or that which AWS_SHARED_CREDENTIALS_FILE "
           "names.\n"
           "Exit status: 0; 1: it failed, or there is one already; 2: bad usage.\n");
}

static int trouble(const char *why)
{
    fprintf(stderr, "keywell init: %s\n", why);
    return 1;
}

static int usage(const char *why)
{
    fprintf(stderr, "keywell init: %s\nTry 'keywell init --help'.\n", why);
    return 2;
}

static int print_json(const struct kw_node_config *config, const char *credentials, const char *id)
{
    json_t *value = json_pack("{s:s, s:s, s:s, s:s}", "Data", config->data_dir, "Account", config->account,
        "AccessKeyId", id, "Credentials", credentials);
    int r = value != NULL ? kw_tool_print_json(value) : trouble("a path is not UTF-8 text");

    json_decref(value);
    return r;
}

static int print_next(const struct settings *settings, const struct kw_node_config *config,
    const char *credentials, const char *shared, const char *id)
{
    const char *data = config->data_dir;

    printf("Made the data folder %s of account %s: root key, keystore, audit log.\n"
           "The user admin has the access key %s; its secret is in %s",
        data, config->account, id, credentials);
    if (settings->profile != NULL)
        printf("\nand, as profile %s, in %s", settings->profile, shared);
    printf(".\nKeep a copy of %s/root.key apart from the rest: without it nobody reads the keystore.\n\n"
           "Next:\n  keywelld --data %s --listen 127.0.0.1:4599 --admin 127.0.0.1:4600%s%s &\n  export "
           "AWS_ENDPOINT_URL_KMS=http://127.0.0.1:4599 AWS_REGION=us-east-1 ",
        data, data, settings->account != NULL ? " --account " : "",
        settings->account != NULL ? settings->account : "");
    if (settings->profile != NULL)
        printf("AWS_PROFILE=%s\n", settings->profile);
    else
        printf("AWS_SHARED_CREDENTIALS_FILE=%s\n", credentials);
    printf("  keywell create-key\n");
    return fflush(stdout) != 0 || ferror(stdout) ? trouble("the result cannot be written") : 0;
}

static int init(const struct settings *settings, struct kw_node_config *config)
{
    static char whole[PATH_MAX]; /* a path that holds wherever the next command runs */
    char shared[4096], credentials[PATH_MAX + 16], id[129], why[1024];
    int r;

    if (kw_node_prepare_process(why, sizeof(why)) < 0)
        return trouble(why);
    kw_config_credentials_path(shared, sizeof(shared));
    if (settings->profile != NULL && kw_profile_check(shared, settings->profile, why, sizeof(why)) != 0)
        return trouble(why);
    r = kw_node_make_data(config, why, sizeof(why));
    if (r != 0) {
        if (r == KW_NODE_EXISTS)
            fprintf(stderr, "keywell init: %s: keywelld starts on it\n", why);
        return r == KW_NODE_EXISTS ? 1 : trouble(why);
    }
    if (realpath(config->data_dir, whole) != NULL)
        config->data_dir = whole;
    snprintf(credentials, sizeof(credentials), "%s/credentials", config->data_dir);
    if (kw_profile_add(credentials, settings->profile != NULL ? shared : NULL, settings->profile, id, why,
            sizeof(why)) != 0)
        return trouble(why);
    return settings->json ? print_json(config, credentials, id)
                          : print_next(settings, config, credentials, shared, id);
}

int kw_command_init(int argc, char **argv)
{
    struct settings settings = {.data = NULL};
    static struct kw_node_config config;
    int rest,
        r = kw_options_parse("keywell init", options, KW_ARRAY_LEN(options), argc, argv, &settings, &rest);

    if (r == 2) {
        help();
        return 0;
    }
    if (r != 0)
        return 2;
    if (rest < argc)
        return usage("it takes options only");
    if (settings.data == NULL)
        return usage("--data DIR is required");
    if (kw_node_defaults(&config) < 0)
        return trouble("the cores of this process cannot be found out");
    config.data_dir = settings.data;
    if (settings.account != NULL)
        memcpy(config.account, settings.account, KW_ACCOUNT_LEN + 1);
    kw_log_set_level(KW_LOG_WARN);
    return init(&settings, &config);
}
