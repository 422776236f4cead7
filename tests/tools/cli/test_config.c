#include "tools/cli/config.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <unistd.h>

static struct kw_config config;
static struct kw_arguments arguments;
static struct kw_trouble trouble;
static char credentials_file[] = "/tmp/keywell-credentials-XXXXXX",
            config_file[] = "/tmp/keywell-config-XXXXXX";

static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_CA_BUNDLE",
    "AWS_MAX_ATTEMPTS", "AWS_USE_FIPS_ENDPOINT"};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Nothing is given, and the files hold this. */
static void set_up(const char *credentials, const char *settings)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_file, 1);
    setenv("AWS_CONFIG_FILE", config_file, 1);
    write_file(credentials_file, credentials);
    write_file(config_file, settings);
    memset(&arguments, 0, sizeof(arguments));
    arguments.region = "us-east-1";
}

static int find_all(void)
{
    int r;

    kw_config_close(&config);
    kw_trouble_done(&trouble);
    trouble = KW_TROUBLE_INIT;
    r = kw_config_open(&config, &arguments, &trouble);
    r = r == 0 ? kw_config_connect(&config, &arguments, &trouble) : r;
    return r == 0 ? kw_config_credentials(&config, &trouble) : r;
}

static void expect(const char *id, const char *secret, const char *token)
{
    ck_assert_msg(find_all() == 0, "%s", kw_trouble_text(&trouble));
    ck_assert_str_eq(config.access_key_id, id);
    ck_assert_str_eq(config.secret_access_key, secret);
    ck_assert_str_eq(config.session_token, token);
}

static void refuse(int status, const char *text)
{
    ck_assert_int_eq(find_all(), 1);
    ck_assert_int_eq(trouble.status, status);
    ck_assert_msg(strstr(kw_trouble_text(&trouble), text) != NULL, "%s", kw_trouble_text(&trouble));
}

#define TWO_PROFILES                                                                                         \
    "[default]\naws_access_key_id = A\naws_secret_access_key = a\n"                                          \
    "[other]\naws_access_key_id = B\naws_secret_access_key = b\naws_session_token = t\n"

START_TEST(test_credentials)
{
    set_up(TWO_PROFILES, "[profile only]\naws_access_key_id = C\naws_secret_access_key = c\n");
    expect("A", "a", "");
    setenv("AWS_PROFILE", "other", 1);
    expect("B", "b", "t");
    /* The environment's credentials win over a profile that the environment names, not over an option. */
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
    expect("E", "e", "");
    setenv("AWS_SESSION_TOKEN", "s", 1);
    expect("E", "e", "s");
    arguments.profile = "only";
    expect("C", "c", "");
}
END_TEST

START_TEST(test_no_credentials)
{
    set_up("", "");
    refuse(KW_CLI_CONFIG, "Unable to locate credentials");
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    refuse(KW_CLI_GENERAL, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY");
    set_up("[default]\naws_access_key_id = A\n", "");
    refuse(KW_CLI_GENERAL, "Partial credentials found in shared-credentials-file");
    set_up(TWO_PROFILES, "");
    arguments.profile = "nobody";
    refuse(KW_CLI_GENERAL, "The config profile (nobody) could not be found");
}
END_TEST

START_TEST(test_too_long)
{
    char text[9000];

    set_up("", "");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "e", 1);
    setenv("AWS_SESSION_TOKEN", text, 1);
    refuse(KW_CLI_CONFIG, "longer than any that are valid");
    ck_assert_ptr_null(strstr(kw_trouble_text(&trouble), "xxx"));
    text[129] = '\0';
    setenv("AWS_SESSION_TOKEN", "s", 1);
    setenv("AWS_SECRET_ACCESS_KEY", text, 1);
    refuse(KW_CLI_CONFIG, "longer than any that are valid");
    text[128] = '\0';
    setenv("AWS_SECRET_ACCESS_KEY", text, 1);
    expect("E", text, "s");
}
END_TEST

START_TEST(test_region)
{
    set_up(TWO_PROFILES, "[default]\nregion = eu-west-1\n");
    arguments.region = NULL;
    expect("A", "a", "");
    ck_assert_str_eq(config.region, "eu-west-1");
    ck_assert_str_eq(config.endpoint, "https://kms.eu-west-1.amazonaws.com");
    setenv("AWS_DEFAULT_REGION", "cn-north-1", 1);
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "https://kms.cn-north-1.amazonaws.com.cn");
    setenv("AWS_REGION", "us-west-2", 1);
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "https://kms-fips.us-west-2.amazonaws.com");
    arguments.region = "us west";
    refuse(KW_CLI_GENERAL, "doesn't match a supported format");
    set_up(TWO_PROFILES, "");
    arguments.region = NULL;
    refuse(KW_CLI_CONFIG, "You must specify a region");
}
END_TEST

START_TEST(test_endpoint)
{
    set_up(TWO_PROFILES, "[default]\nendpoint_url = http://profile\nservices = mine\n"
                         "[services mine]\nkms =\n  endpoint_url = http://services\n");
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "http://services");
    setenv("AWS_ENDPOINT_URL", "http://any", 1);
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "http://any");
    setenv("AWS_ENDPOINT_URL_KMS", "http://kms", 1);
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "http://kms");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "https://kms.us-east-1.amazonaws.com");
    arguments.endpoint_url = "http://option";
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "http://option");
    set_up(TWO_PROFILES, "[default]\nendpoint_url = http://profile\n");
    expect("A", "a", "");
    ck_assert_str_eq(config.endpoint, "http://profile");
}
END_TEST

START_TEST(test_the_rest)
{
    set_up(TWO_PROFILES, "[default]\nca_bundle = /profile.pem\nmax_attempts = 5\n");
    expect("A", "a", "");
    ck_assert_str_eq(config.ca_bundle, "/profile.pem");
    ck_assert_uint_eq(config.max_attempts, 5);
    ck_assert_uint_eq(config.connect_timeout_ms, 60000);
    setenv("AWS_CA_BUNDLE", "/environment.pem", 1);
    setenv("AWS_MAX_ATTEMPTS", "nonsense", 1);
    arguments.connect_timeout = "7";
    arguments.read_timeout = "0";
    expect("A", "a", "");
    ck_assert_str_eq(config.ca_bundle, "/environment.pem");
    ck_assert_uint_eq(config.max_attempts, 3);
    ck_assert_uint_eq(config.connect_timeout_ms, 7000);
    ck_assert_uint_eq(config.read_timeout_ms, 0);
    arguments.ca_bundle = "/option.pem";
    expect("A", "a", "");
    ck_assert_str_eq(config.ca_bundle, "/option.pem");
    arguments.read_timeout = "soon";
    refuse(KW_CLI_GENERAL, "invalid literal for int()");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_credentials);
    tcase_add_test(tcase, test_no_credentials);
    tcase_add_test(tcase, test_too_long);
    tcase_add_test(tcase, test_region);
    tcase_add_test(tcase, test_endpoint);
    tcase_add_test(tcase, test_the_rest);
}

int main(void)
{
    int credentials = mkstemp(credentials_file), settings = mkstemp(config_file), r;

    if (kw_crypto_init() != 0 || credentials < 0 || settings < 0)
        return EXIT_FAILURE;
    close(credentials);
    close(settings);
    r = kw_suite_run("config", add, 20);
    kw_config_close(&config);
    kw_trouble_done(&trouble);
    unlink(credentials_file);
    unlink(config_file);
    return r;
}
