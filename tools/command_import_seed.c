/* keywell import-seed - keys, aliases and principals of a file, on the server that runs on a data folder. */
#include "tools/commands.h"
#include "tools/operatorclient.h"
#include "tools/options.h"
#include "tools/seed.h"
#include "tools/seedrun.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct settings {
    struct kw_seedrun run;
    char ca_bundle[4096];
};

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->run.data = value;
    return value[0] == '\0' ? "must name a folder" : NULL;
}

static const char *set_region(void *to, const char *value)
{
    ((struct settings *)to)->run.region = value;
    return value[0] == '\0' || strlen(value) > 32 ? "must be the name of a Region" : NULL;
}

static const char *set_credentials(void *to, const char *value)
{
    ((struct settings *)to)->run.credentials = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_ca_bundle(void *to, const char *value)
{
    ((struct settings *)to)->run.ca_bundle = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_dry_run(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->run.dry_run = true;
    return NULL;
}

static const struct kw_option options[] = {
    {"--data", "DIR", "the data folder of a running server (required)", set_data},
    {"--region", "R", "the Region of the keys (default: AWS_REGION, AWS_DEFAULT_REGION)", set_region},
    {"--credentials", "FILE", "new access keys are added to it (0600), a profile for each user",
        set_credentials},
    {"--ca-bundle", "FILE", "to check the server's certificate against (default: AWS_CA_BUNDLE, DIR/tls.crt)",
        set_ca_bundle},
    {"--dry-run", NULL, "say what would be made, and make nothing", set_dry_run},
};

static void help(void)
{
    printf(
        "Usage: keywell import-seed FILE --data DIR [OPTION ...]\n\n"
        "Makes the keys, aliases and principals that a YAML file names, a line for each, and leaves what is\n"
        "there as it is: a second run changes nothing. FILE may be -, standard input. One that holds key\n"
        "material must not be open to others.\n\n"
        "  principals:\n"
        "  - user: alice              # or role: NAME, with trust: POLICY and session-max: SECONDS\n"
        "    account: \"111122223333\"  # and path: /P/, tags: {team: blue}\n"
        "    policies: {use: {Version: 2012-10-17, Statement: [...]}}\n"
        "    access-key: true         # needs --credentials\n"
        "  keys:\n"
        "  - alias: alias/app         # and aliases: [alias/b, ...]\n"
        "    spec: HMAC_256           # default SYMMETRIC_DEFAULT; and usage: GENERATE_VERIFY_MAC\n"
        "    material: BASE64         # fixed material: a key of origin EXTERNAL; of a pair its PKCS#8\n"
        "    description: text        # and policy: POLICY, tags: {a: b}, multi-region: true\n\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf("\nExit status: 0; 1: something is wrong with the file, or was refused (FILE:LINE:COLUMN says "
           "where); 2: bad\nusage.\n");
}

static int usage(const char *why)
{
    fprintf(stderr, "keywell import-seed: %s\nTry 'keywell import-seed --help'.\n", why);
    return 2;
}

static int trouble(const char *why)
{
    fprintf(stderr, "keywell import-seed: %s\n", why);
    return 1;
}

/* Of a file; a pipe is whose it is. */
static bool is_open_to_others(const char *path)
{
    struct stat st;

    return strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0;
}

static int import(const struct kw_seedrun *run)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_SEED_FILE_MAX + 65536);
    char problem[KW_SEED_WHY_MAX], why[2048];
    json_t *seed = NULL;
    int r;

    if (kw_tool_read(run->file, KW_SEED_FILE_MAX, &text, why, sizeof(why)) != 0)
        return trouble(why);
    r = kw_seed_read(kw_sbuf_bytes(&text), &seed, problem);
    if (r < 0)
        return trouble("out of memory");
    if (r != 0) {
        fprintf(stderr, "keywell import-seed: %s:%s\n", run->file, problem);
        return 1;
    }
    if (kw_seed_is_secret(seed) && is_open_to_others(run->file)) {
        snprintf(why, sizeof(why), "%s holds key material and is open to others: chmod 0600 it", run->file);
        r = 1;
    } else {
        r = kw_seedrun(run, seed, why, sizeof(why));
    }
    json_decref(seed);
    if (fflush(stdout) != 0 || ferror(stdout))
        return trouble("the result cannot be written");
    return r != 0 ? trouble(why) : 0;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* What no option says. Returns: 0 | 2 */
static int settle(struct settings *settings)
{
    struct kw_seedrun *run = &settings->run;

    if (run->file == NULL)
        return usage("name one file");
    if (run->data == NULL)
        return usage("--data DIR is required");
    if (run->region == NULL)
        run->region = variable("AWS_REGION");
    if (run->region == NULL)
        run->region = variable("AWS_DEFAULT_REGION");
    if (run->region == NULL || strlen(run->region) > 32)
        return usage("give --region, or set AWS_REGION");
    if (run->ca_bundle == NULL)
        run->ca_bundle = variable("AWS_CA_BUNDLE");
    if (run->ca_bundle == NULL) {
        snprintf(settings->ca_bundle, sizeof(settings->ca_bundle), "%s/tls.crt", run->data);
        run->ca_bundle = access(settings->ca_bundle, R_OK) == 0 ? settings->ca_bundle : "";
    }
    return 0;
}

/* Options may stand before and behind the file. Returns: 0 | 1 (bad usage) | 2 (--help) */
static int parse(int argc, char **argv, struct settings *settings)
{
    int at = 0, rest, r;

    for (;;) {
        r = kw_options_parse(
            "keywell import-seed", options, KW_ARRAY_LEN(options), argc - at, argv + at, settings, &rest);
        at += r == 0 ? rest : 0;
        if (r != 0 || at >= argc)
            return r;
        if (settings->run.file != NULL) {
            (void)usage("name one file");
            return 1;
        }
        settings->run.file = argv[at];
    }
}

int kw_command_import_seed(int argc, char **argv)
{
    static struct settings settings;
    char why[512];
    int r = parse(argc, argv, &settings);

    if (r == 2) {
        help();
        return 0;
    }
    if (r != 0 || settle(&settings) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    if (kw_operator_client_init(why, sizeof(why)) != 0)
        return trouble(why);
    return import(&settings.run);
}
