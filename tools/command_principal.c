/* keywell principal - users, roles and roots of the server that runs on a data folder. */
#include "tools/commands.h"
#include "tools/credentialsout.h"
#include "tools/operatorclient.h"
#include "tools/options.h"
#include "tools/principalout.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define POLICY_FILE_MAX (64u * 1024u)
#define WORDS_MAX       4

/* Which options a command takes; the order of the table below. */
enum {
    OPT_DATA = 1u << 0,
    OPT_JSON = 1u << 1,
    OPT_ACCOUNT = 1u << 2,
    OPT_PATH = 1u << 3,
    OPT_POLICY = 1u << 4,
    OPT_ADMINISTRATOR = 1u << 5,
    OPT_TRUST = 1u << 6,
    OPT_SESSION_MAX = 1u << 7,
    OPT_TAG = 1u << 8,
    OPT_NO_ACCESS_KEY = 1u << 9,
    OPT_CREDENTIALS = 1u << 10,
    OPT_PROFILE = 1u << 11,
    OPT_KEEP = 1u << 12,

    OPT_ALWAYS = OPT_DATA | OPT_JSON,
    OPT_SECRET = OPT_CREDENTIALS | OPT_PROFILE,
};

struct settings {
    unsigned given; /* OPT_ */
    const char *data, *credentials, *profile;
    json_t *body; /* of the request; owned */
    char why[512];
};

/* ---- options ---- */

/* A file's text; in settings->why what is wrong. NULL: it cannot be read. */
static json_t *text_of_file(struct settings *settings, const char *path)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(POLICY_FILE_MAX + 65536);
    json_t *value;

    if (kw_tool_read(path, POLICY_FILE_MAX, &text, settings->why, sizeof(settings->why)) != 0)
        return NULL;
    value = json_stringn((const char *)text.ptr, text.len);
    if (value == NULL)
        snprintf(settings->why, sizeof(settings->why), "%s is not UTF-8 text", path);
    return value;
}

static const char *set_text(struct settings *settings, unsigned option, const char *member, const char *value)
{
    settings->given |= option;
    json_object_set_new(settings->body, member, json_string(value));
    return json_object_get(settings->body, member) != NULL ? NULL : "must be UTF-8 text";
}

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->data = value;
    return NULL;
}

static const char *set_json(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->given |= OPT_JSON;
    return NULL;
}

static const char *set_account(void *to, const char *value)
{
    return set_text(to, OPT_ACCOUNT, "Account", value);
}

static const char *set_path(void *to, const char *value)
{
    return set_text(to, OPT_PATH, "Path", value);
}

static json_t *list_of(struct settings *settings, const char *member)
{
    json_t *list = json_object_get(settings->body, member);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(settings->body, member, list);
    }
    return list;
}

static void add_policy(struct settings *settings, json_t *name, json_t *document)
{
    json_array_append_new(list_of(settings, "Policies"),
        json_pack("{s:o, s:o}", "PolicyName", name, "PolicyDocument", document));
}

static const char *set_policy(void *to, const char *value)
{
    const char *equals = strchr(value, '=');
    struct settings *settings = to;
    json_t *name, *document;

    settings->given |= OPT_POLICY;
    if (equals == NULL || equals == value || equals[1] == '\0')
        return "must be NAME=FILE";
    name = json_stringn(value, (size_t)(equals - value));
    document = text_of_file(settings, equals + 1);
    if (name == NULL || document == NULL) {
        json_decref(name);
        json_decref(document);
        return name == NULL ? "must be UTF-8 text" : settings->why;
    }
    add_policy(settings, name, document);
    return NULL;
}

static const char *set_administrator(void *to, const char *value)
{
    struct settings *settings = to;

    (void)value;
    settings->given |= OPT_ADMINISTRATOR;
    add_policy(settings, json_string("AdministratorAccess"),
        json_string("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\","
                    "\"Resource\":\"*\"}]}"));
    return NULL;
}

static const char *set_trust(void *to, const char *value)
{
    struct settings *settings = to;
    json_t *document = text_of_file(settings, value);

    settings->given |= OPT_TRUST;
    if (document == NULL)
        return settings->why;
    json_object_set_new(settings->body, "TrustPolicy", document);
    return NULL;
}

static const char *set_session_max(void *to, const char *value)
{
    struct settings *settings = to;
    uint64_t seconds;

    settings->given |= OPT_SESSION_MAX;
    if (kw_number_parse(value, 3600, 43200, &seconds) != 0)
        return "must be 3600 to 43200 seconds";
    json_object_set_new(settings->body, "MaxSessionDuration", json_integer((json_int_t)seconds));
    return NULL;
}

static const char *set_tag(void *to, const char *value)
{
    const char *equals = strchr(value, '=');
    struct settings *settings = to;
    json_t *tag;

    settings->given |= OPT_TAG;
    if (equals == NULL || equals == value)
        return "must be KEY=VALUE";
    tag = json_pack("{s:s%, s:s}", "Key", value, (size_t)(equals - value), "Value", equals + 1);
    if (tag == NULL)
        return "must be UTF-8 text";
    json_array_append_new(list_of(settings, "Tags"), tag);
    return NULL;
}

static const char *set_no_access_key(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->given |= OPT_NO_ACCESS_KEY;
    return NULL;
}

static const char *set_credentials(void *to, const char *value)
{
    struct settings *settings = to;

    settings->given |= OPT_CREDENTIALS;
    settings->credentials = value;
    return value[0] == '\0' ? "must name a file" : NULL;
}

static const char *set_profile(void *to, const char *value)
{
    struct settings *settings = to;

    settings->given |= OPT_PROFILE;
    settings->profile = value;
    return value[0] == '\0' || strpbrk(value, "[]\r\n") != NULL ? "must be the name of a profile" : NULL;
}

static const char *set_keep(void *to, const char *value)
{
    struct settings *settings = to;

    (void)value;
    settings->given |= OPT_KEEP;
    json_object_set_new(settings->body, "Keep", json_true());
    return NULL;
}

/* In the order of the bits above. */
static const struct kw_option options[] = {
    {"--data", "DIR", "the data folder of a running server (required)", set_data},
    {"--json", NULL, "the answer as JSON", set_json},
    {"--account", "N", "the account, twelve digits (default: the server's)", set_account},
    {"--path", "/PATH/", "create: the path in the ARN (default /)", set_path},
    {"--policy", "NAME=FILE", "create, put-policy: an identity policy; create: may be repeated", set_policy},
    {"--administrator", NULL, "create: with the policy AdministratorAccess, which allows everything",
        set_administrator},
    {"--trust", "FILE", "create role, put-trust: the policy that says who may assume the role", set_trust},
    {"--session-max", "S", "create role: how long a session may last, 3600 (default) to 43200 seconds",
        set_session_max},
    {"--tag", "KEY=VALUE", "create: a tag; may be repeated", set_tag},
    {"--no-access-key", NULL, "create user: without an access key", set_no_access_key},
    {"--credentials", "FILE", "write new credentials into a new file, 0600, instead of printing them",
        set_credentials},
    {"--profile", "NAME", "their profile (default: default)", set_profile},
    {"--keep", NULL, "rotate: the old access key stays enabled", set_keep},
};

/* ---- commands ---- */

enum words { NO_WORD, PRINCIPAL, PRINCIPAL_AND_POLICY, ACCESS_KEY, NEW_NAME };

static const struct command {
    const char *name;
    enum words words; /* that follow */
    unsigned options;
    const char *request;
    const char *kind; /* create: what is made */
    const char *synopsis, *help;
} commands[] = {
    {"list", NO_WORD, OPT_ACCOUNT, "ListPrincipals", NULL, "list", "all principals"},
    {"show", PRINCIPAL, OPT_ACCOUNT, "GetPrincipal", NULL, "show PRINCIPAL", "one, with its policies"},
    {"create user", NEW_NAME,
        OPT_ACCOUNT | OPT_PATH | OPT_POLICY | OPT_ADMINISTRATOR | OPT_TAG | OPT_NO_ACCESS_KEY | OPT_SECRET,
        "CreatePrincipal", "user", "create user NAME", "a user with an access key"},
    {"create role", NEW_NAME,
        OPT_ACCOUNT | OPT_PATH | OPT_POLICY | OPT_ADMINISTRATOR | OPT_TAG | OPT_TRUST | OPT_SESSION_MAX,
        "CreatePrincipal", "role", "create role NAME", "a role; --trust says who may assume it"},
    {"create root", NO_WORD, OPT_ACCOUNT | OPT_SECRET, "CreatePrincipal", "root", "create root",
        "an access key of the account's root"},
    {"put-policy", PRINCIPAL, OPT_ACCOUNT | OPT_POLICY, "PutPrincipalPolicy", NULL, "put-policy PRINCIPAL",
        "add or replace --policy NAME=FILE"},
    {"delete-policy", PRINCIPAL_AND_POLICY, OPT_ACCOUNT, "DeletePrincipalPolicy", NULL,
        "delete-policy PRINCIPAL NAME", "take a policy away"},
    {"put-trust", PRINCIPAL, OPT_ACCOUNT | OPT_TRUST, "PutTrustPolicy", NULL, "put-trust PRINCIPAL",
        "replace a role's --trust FILE"},
    {"enable", PRINCIPAL, OPT_ACCOUNT, "EnablePrincipal", NULL, "enable PRINCIPAL", "serve it again"},
    {"disable", PRINCIPAL, OPT_ACCOUNT, "DisablePrincipal", NULL, "disable PRINCIPAL",
        "refuse all of its credentials, sessions included, at once"},
    {"delete", PRINCIPAL, OPT_ACCOUNT, "DeletePrincipal", NULL, "delete PRINCIPAL", "with its access keys"},
    {"access-key list", PRINCIPAL, OPT_ACCOUNT, "ListAccessKeys", NULL, "access-key list PRINCIPAL",
        "its access keys, and their last use"},
    {"access-key create", PRINCIPAL, OPT_ACCOUNT | OPT_SECRET, "CreateAccessKey", NULL,
        "access-key create PRINCIPAL", "another one; two at most"},
    {"access-key enable", ACCESS_KEY, 0, "EnableAccessKey", NULL, "access-key enable ID", "accept it again"},
    {"access-key disable", ACCESS_KEY, 0, "DisableAccessKey", NULL, "access-key disable ID",
        "refuse what it signs, at once"},
    {"access-key delete", ACCESS_KEY, 0, "DeleteAccessKey", NULL, "access-key delete ID", "for good"},
    {"rotate", PRINCIPAL, OPT_ACCOUNT | OPT_KEEP | OPT_SECRET, "RotateAccessKey", NULL, "rotate PRINCIPAL",
        "a new access key; the old one is disabled, or kept (--keep)"},
};

static void help(void)
{
    printf(
        "Usage: keywell principal COMMAND --data DIR [OPTION ...]\n\n"
        "Who may call the server that runs on the data folder: users and roots of accounts, who have access\n"
        "keys, and roles, which they assume. Only root and the server's own user can ask. A PRINCIPAL is an\n"
        "ARN, or NAME or user/NAME, role/NAME, root. New credentials are printed once, as a profile for\n"
        "AWS_SHARED_CREDENTIALS_FILE, and cannot be shown again.\n\nCommands:\n");
    for (size_t i = 0; i < KW_ARRAY_LEN(commands); i++)
        printf("  %-28s %s\n", commands[i].synopsis, commands[i].help);
    printf("\nOptions:\n");
    kw_options_help(options, KW_ARRAY_LEN(options));
    printf("\nExit status: 0; 1: the server refused or is not there; 2: bad usage.\n");
}

static int usage(const char *format, ...) KW_PRINTF(1, 2);
static int usage(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "keywell principal: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'keywell principal --help'.\n");
    return 2;
}

static int trouble(const char *why)
{
    fprintf(stderr, "keywell principal: %s\n", why);
    return 1;
}

/* The command of one or two words. Out: ret_words, how many. */
static const struct command *find_command(char *const *words, int num_words, int *ret_words)
{
    char two[64];

    for (int num = 1; num <= 2 && num <= num_words; num++) {
        snprintf(two, sizeof(two), num == 1 ? "%s" : "%s %s", words[0], num == 2 ? words[1] : "");
        for (size_t i = 0; i < KW_ARRAY_LEN(commands); i++) {
            if (strcmp(commands[i].name, two) == 0) {
                *ret_words = num;
                return &commands[i];
            }
        }
    }
    return NULL;
}

static int check_options(const struct command *command, const struct settings *settings)
{
    unsigned foreign = settings->given & ~(command->options | OPT_ALWAYS);

    for (size_t i = 0; i < KW_ARRAY_LEN(options); i++) {
        if ((foreign & (1u << i)) != 0)
            return usage("%s is no option of %s", options[i].name, command->name);
    }
    if (settings->data == NULL)
        return usage("--data DIR is required");
    return 0;
}

static int check_words(const struct command *command, int num_words)
{
    static const char *const wanted[] = {
        [NO_WORD] = "no name",
        [PRINCIPAL] = "one principal",
        [PRINCIPAL_AND_POLICY] = "a principal and the name of a policy",
        [ACCESS_KEY] = "the id of an access key",
        [NEW_NAME] = "one name",
    };
    int num = command->words == NO_WORD ? 0 : command->words == PRINCIPAL_AND_POLICY ? 2 : 1;

    return num_words == num ? 0 : usage("%s takes %s", command->name, wanted[command->words]);
}

/* put-policy takes one, whose members are the request's own. */
static int move_policy(struct settings *settings)
{
    json_t *list = json_object_get(settings->body, "Policies");

    if (json_array_size(list) != 1)
        return usage("put-policy takes --policy NAME=FILE once");
    json_object_update(settings->body, json_array_get(list, 0));
    json_object_del(settings->body, "Policies");
    return 0;
}

static int lay_out(const struct command *command, char *const *words, struct settings *settings)
{
    static const char *const members[] = {
        [PRINCIPAL] = "Principal",
        [PRINCIPAL_AND_POLICY] = "Principal",
        [ACCESS_KEY] = "AccessKeyId",
        [NEW_NAME] = "Name",
    };
    bool makes_key = (command->options & OPT_SECRET) != 0;

    if (command->words != NO_WORD &&
        json_object_set_new(settings->body, members[command->words], json_string(words[0])) < 0)
        return usage("a name must be UTF-8 text");
    if (command->words == PRINCIPAL_AND_POLICY &&
        json_object_set_new(settings->body, "PolicyName", json_string(words[1])) < 0)
        return usage("a name must be UTF-8 text");
    if (command->kind != NULL) {
        json_object_set_new(settings->body, "Kind", json_string(command->kind));
        if (makes_key)
            json_object_set_new(
                settings->body, "AccessKey", json_boolean((settings->given & OPT_NO_ACCESS_KEY) == 0));
    }
    if (strcmp(command->name, "put-policy") == 0)
        return move_policy(settings);
    if (strcmp(command->name, "put-trust") == 0 && (settings->given & OPT_TRUST) == 0)
        return usage("put-trust takes --trust FILE");
    return 0;
}

/* A list comes in pieces. */
static int ask_list(struct settings *settings, json_t **ret)
{
    json_t *all = json_array();
    bool more;

    do {
        json_t *answer, *next;

        if (kw_operator_ask(settings->data, "ListPrincipals", settings->body, &answer, settings->why,
                sizeof(settings->why)) != 0) {
            json_decref(all);
            return 1;
        }
        json_array_extend(all, json_object_get(answer, "Principals"));
        next = json_object_get(answer, "Next");
        more = next != NULL && json_object_set(settings->body, "After", next) == 0;
        json_decref(answer);
    } while (more);
    *ret = json_pack("{s:o}", "Principals", all);
    return *ret == NULL ? 1 : 0;
}

static int show(
    const struct command *command, const struct settings *settings, const json_t *answer, int out_fd)
{
    bool as_json = (settings->given & OPT_JSON) != 0;

    if (json_object_get(answer, "AccessKey") != NULL && (!as_json || out_fd >= 0))
        return kw_credentials_write(answer, settings->profile, out_fd);
    if (as_json)
        return kw_tool_print_json(answer);
    if (strcmp(command->name, "list") == 0)
        return kw_principals_print(answer);
    return kw_principal_print(answer);
}

static int run(const struct command *command, struct settings *settings)
{
    json_t *answer = NULL;
    int out_fd = -1, r;

    if (settings->credentials != NULL &&
        kw_credentials_open(settings->credentials, &out_fd, settings->why, sizeof(settings->why)) != 0)
        return trouble(settings->why);
    if (strcmp(command->request, "ListPrincipals") == 0)
        r = ask_list(settings, &answer);
    else
        r = kw_operator_ask(
            settings->data, command->request, settings->body, &answer, settings->why, sizeof(settings->why));
    if (r != 0) {
        kw_credentials_abandon(settings->credentials, out_fd);
        return trouble(settings->why);
    }
    r = show(command, settings, answer, out_fd);
    json_decref(answer);
    return r == 0 ? 0 : trouble("the result cannot be written");
}

/* Options may stand before, between and behind words. Returns: 0 | 1 (bad usage) | 2 (--help) */
static int parse(int argc, char **argv, struct settings *settings, char **words, int *num_words)
{
    int at = 0;

    *num_words = 0;
    for (;;) {
        int rest, r = kw_options_parse("keywell principal", options, KW_ARRAY_LEN(options), argc - at,
                      argv + at, settings, &rest);

        if (r != 0)
            return r;
        at += rest;
        if (at >= argc)
            return 0;
        if (*num_words == WORDS_MAX) {
            (void)usage("there are too many words");
            return 1;
        }
        words[(*num_words)++] = argv[at];
    }
}

static int command_of(int argc, char **argv, struct settings *settings)
{
    const struct command *command;
    char *words[WORDS_MAX] = {NULL};
    int num_words, used = 0, r = parse(argc, argv, settings, words, &num_words);

    if (r == 2) {
        help();
        return 0;
    }
    if (r != 0)
        return 2;
    if (num_words == 0)
        return usage("it needs a command");
    command = find_command(words, num_words, &used);
    if (command == NULL)
        return usage("%s is no command", words[0]);
    if (check_options(command, settings) != 0 || check_words(command, num_words - used) != 0 ||
        lay_out(command, words + used, settings) != 0)
        return 2;
    return run(command, settings);
}

int kw_command_principal(int argc, char **argv)
{
    struct settings settings = {.profile = "default"};
    int r;

    if (kw_operator_client_init(settings.why, sizeof(settings.why)) != 0)
        return trouble(settings.why);
    settings.body = json_object();
    r = command_of(argc, argv, &settings);
    json_decref(settings.body);
    return r;
}
