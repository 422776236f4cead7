/* keywell policy - what policies decide, and whether they are policies at all. */
#include "api/explain.h"
#include "pool/base.h"
#include "tools/commands.h"
#include "tools/operatorclient.h"
#include "tools/options.h"
#include "tools/policyworld.h"

#include <stdio.h>

#define FILE_MAX (1024u * 1024u)
#define REGION   "us-east-1"
#define ALLOWED  0
#define DENIED   1
#define TROUBLE  2

struct settings {
    const char *data;
    bool json, offline;
    enum kw_policy_kind kind;
    json_t *question; /* owned, like all below */
    json_t *identity, *grants, *key_policy;
    char why[512];
};

static int trouble(const char *command, const char *why)
{
    fprintf(stderr, "keywell policy %s: %s\n", command, why);
    return TROUBLE;
}

/* ---- options ---- */

static json_t *text_of_file(struct settings *settings, const char *path)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX + 65536);
    json_t *value;

    if (kw_tool_read(path, FILE_MAX, &text, settings->why, sizeof(settings->why)) != 0)
        return NULL;
    value = json_stringn((const char *)text.ptr, text.len);
    if (value == NULL)
        snprintf(settings->why, sizeof(settings->why), "%s is not UTF-8 text", path);
    return value;
}

static json_t *json_of_file(struct settings *settings, const char *path)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX + 65536);
    json_error_t error;
    json_t *value;

    if (kw_tool_read(path, FILE_MAX, &text, settings->why, sizeof(settings->why)) != 0)
        return NULL;
    value = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL)
        snprintf(settings->why, sizeof(settings->why), "%s is no JSON: %s", path, error.text);
    return value;
}

static const char *set_member(void *to, const char *member, const char *value)
{
    json_t *text = json_string(value);

    if (text == NULL)
        return "must be UTF-8 text";
    json_object_set_new(((struct settings *)to)->question, member, text);
    return NULL;
}

#define MEMBER_SETTER(name, member)                                                                          \
    static const char *set_##name(void *to, const char *value)                                               \
    {                                                                                                        \
        return set_member(to, member, value);                                                                \
    }
MEMBER_SETTER(principal, "Principal")
MEMBER_SETTER(account, "Account")
MEMBER_SETTER(access_key_id, "AccessKeyId")
MEMBER_SETTER(action, "Action")
MEMBER_SETTER(key, "Key")
MEMBER_SETTER(resource, "Resource")
MEMBER_SETTER(region, "Region")

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->data = value;
    return NULL;
}

static const char *set_json(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->json = true;
    return NULL;
}

static json_t *object_of(struct settings *settings, const char *member)
{
    json_t *object = json_object_get(settings->question, member);

    if (object == NULL) {
        object = json_object();
        json_object_set_new(settings->question, member, object);
    }
    return object;
}

/* NAME=VALUE, cut at the first sign: names of pairs may not have one then. */
static const char *split(const char *value, json_t **ret_name, json_t **ret_value)
{
    const char *equals = strchr(value, '=');

    if (equals == NULL || equals == value)
        return "must be NAME=VALUE";
    *ret_name = json_stringn(value, (size_t)(equals - value));
    *ret_value = json_string(equals + 1);
    if (*ret_name != NULL && *ret_value != NULL)
        return NULL;
    json_decref(*ret_name);
    json_decref(*ret_value);
    return "must be UTF-8 text";
}

static const char *set_context(void *to, const char *value)
{
    json_t *name, *text;
    const char *problem = split(value, &name, &text);

    if (problem != NULL)
        return problem;
    json_object_set_new(object_of(to, "EncryptionContext"), json_string_value(name), text);
    json_decref(name);
    return NULL;
}

/* A key that is said again has several values. */
static const char *set_condition(void *to, const char *value)
{
    json_t *conditions = object_of(to, "Conditions"), *name, *text, *list;
    const char *problem = split(value, &name, &text);

    if (problem != NULL)
        return problem;
    list = json_object_get(conditions, json_string_value(name));
    if (list == NULL) {
        list = json_array();
        json_object_set_new(conditions, json_string_value(name), list);
    }
    json_array_append_new(list, text);
    json_decref(name);
    return NULL;
}

static const char *set_session_policy(void *to, const char *value)
{
    struct settings *settings = to;
    json_t *text = text_of_file(settings, value);

    if (text == NULL)
        return settings->why;
    json_object_set_new(settings->question, "SessionPolicy", text);
    return NULL;
}

static const char *set_event(void *to, const char *value)
{
    struct settings *settings = to;
    json_t *event = json_of_file(settings, value);

    if (event == NULL)
        return settings->why;
    json_object_set_new(settings->question, "Event", event);
    return NULL;
}

static const char *set_key_policy(void *to, const char *value)
{
    struct settings *settings = to;
    json_t *text = text_of_file(settings, value);

    settings->offline = true;
    json_decref(settings->key_policy);
    settings->key_policy = text;
    return text != NULL ? NULL : settings->why;
}

static const char *set_identity_policy(void *to, const char *value)
{
    struct settings *settings = to;
    json_t *text = text_of_file(settings, value);

    settings->offline = true;
    if (text == NULL)
        return settings->why;
    json_array_append_new(settings->identity, text);
    return NULL;
}

/* One grant, or an answer of ListGrants. */
static const char *set_grant(void *to, const char *value)
{
    struct settings *settings = to;
    json_t *grant = json_of_file(settings, value);
    const json_t *several = json_object_get(grant, "Grants");

    settings->offline = true;
    if (grant == NULL)
        return settings->why;
    if (several != NULL)
        json_array_extend(settings->grants, (json_t *)(uintptr_t)several);
    else
        json_array_append(settings->grants, grant);
    json_decref(grant);
    return NULL;
}

static const struct kw_option explain_options[] = {
    {"--data", "DIR", "the data folder of a running server, whose policies and grants are asked", set_data},
    {"--principal", "ARN", "who asks: a user, a role, a session of a role, a root", set_principal},
    {"--access-key-id", "ID", "instead: whose access key it is", set_access_key_id},
    {"--account", "N", "where a principal is that is named without an ARN", set_account},
    {"--action", "kms:NAME", "for what", set_action},
    {"--key-id", "KEY", "of which KMS key: id, ARN, alias/NAME or its ARN", set_key},
    {"--resource", "ARN", "of what, if not of a KMS key (default *)", set_resource},
    {"--region", "R", "where (default: the key's, or " REGION ")", set_region},
    {"--encryption-context", "K=V", "a pair of the encryption context; may be repeated", set_context},
    {"--condition", "KEY=VALUE", "a condition key's value instead of the request's; may be repeated",
        set_condition},
    {"--session-policy", "FILE", "the policy of the session", set_session_policy},
    {"--event", "FILE", "ask again about the call of an audit record; -: standard input", set_event},
    {"--key-policy", "FILE", "without a server: the key's policy (default: the default policy)",
        set_key_policy},
    {"--identity-policy", "FILE", "without a server: a policy of the principal; may be repeated",
        set_identity_policy},
    {"--grant", "FILE", "without a server: grants of the key, as ListGrants shows them", set_grant},
    {"--json", NULL, "the answer as JSON", set_json},
};

/* ---- explain ---- */

static void explain_help(void)
{
    printf("Usage: keywell policy explain --data DIR --principal ARN --action kms:NAME --key-id KEY [OPTION "
           "...]\n"
           "       keywell policy explain --data DIR --event FILE [OPTION ...]\n"
           "       keywell policy explain --key-policy FILE --identity-policy FILE --principal ARN ...\n\n"
           "Says whether a request is allowed, and which statement or grant decides: as things are now on a\n"
           "running server, by the code that decides its calls; or by files, without one. Asks nothing but\n"
           "permission: not whether the key is enabled.\n\n");
    kw_options_help(explain_options, KW_ARRAY_LEN(explain_options));
    printf("\nExit status: 0: allowed; 1: denied; 2: bad usage, or it cannot be told.\n");
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void print_decision(const json_t *decision)
{
    bool allowed = json_is_true(json_object_get(decision, "Allowed"));

    printf("%s  %s on %s\n    by %s\n    %s\n", allowed ? "ALLOWED" : "DENIED", member(decision, "Action"),
        member(decision, "Resource"), member(decision, "Principal"), member(decision, "Explanation"));
    if (json_object_get(decision, "Refusal") != NULL)
        printf("    The caller is told: %s\n", member(decision, "Refusal"));
}

static int print_answer(const struct settings *settings, const json_t *answer)
{
    bool allowed = json_is_true(json_object_get(answer, "Allowed"));
    const json_t *decision;
    size_t i;

    if (settings->json) {
        if (kw_tool_print_json(answer) != 0)
            return trouble("explain", "the result cannot be written");
        return allowed ? ALLOWED : DENIED;
    }
    json_array_foreach(json_object_get(answer, "Decisions"), i, decision) print_decision(decision);
    if (fflush(stdout) != 0 || ferror(stdout))
        return trouble("explain", "the result cannot be written");
    return allowed ? ALLOWED : DENIED;
}

static int ask_world(struct settings *settings, const struct kw_snapshot *snapshot, json_t **ret)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX);
    struct kw_json_out out = KW_JSON_OUT(&text);
    int r = kw_explain(
        snapshot, "", kw_wall_ms(), settings->question, &out, settings->why, sizeof(settings->why));

    if (r < 0)
        snprintf(settings->why, sizeof(settings->why), "out of memory");
    if (r != 0)
        return 1;
    *ret = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    return *ret != NULL ? 0 : 1;
}

/* What the question says, or else the audit record that it is about. */
static const char *said(const struct settings *settings, const char *name, const json_t *in_event)
{
    const char *text = json_string_value(json_object_get(settings->question, name));

    return text != NULL ? text : json_string_value(in_event);
}

static int ask_files(struct settings *settings, json_t **ret)
{
    const json_t *event = json_object_get(settings->question, "Event");
    const json_t *resource = json_array_get(json_object_get(event, "resources"), 0);
    const char *region = said(settings, "Region", json_object_get(event, "awsRegion"));
    struct kw_policyworld world = {
        .principal =
            said(settings, "Principal", json_object_get(json_object_get(event, "userIdentity"), "arn")),
        .key = said(settings, "Key", json_object_get(resource, "ARN")),
        .region = region != NULL ? region : REGION,
        .key_policy = json_string_value(settings->key_policy),
        .identity = settings->identity,
        .grants = settings->grants,
    };
    struct kw_snapshot *snapshot;
    char key[128];
    int r;

    if (world.principal == NULL) {
        snprintf(settings->why, sizeof(settings->why), "without a server --principal ARN says who asks");
        return 1;
    }
    if (kw_policyworld_make(&world, &snapshot, key, settings->why, sizeof(settings->why)) != 0)
        return 1;
    if (json_object_get(settings->question, "Resource") == NULL)
        json_object_set_new(settings->question, "Key", json_string(key));
    r = ask_world(settings, snapshot, ret);
    kw_snapshot_free(snapshot);
    return r;
}

static int explain(struct settings *settings)
{
    json_t *answer = NULL;
    int r;

    if (settings->offline == (settings->data != NULL))
        return trouble(
            "explain", settings->offline
                           ? "--data asks a server; --key-policy, --identity-policy and --grant are for none"
                           : "--data DIR, or --key-policy FILE and --identity-policy FILE, are required");
    if (settings->offline)
        r = ask_files(settings, &answer);
    else
        r = kw_operator_ask(
            settings->data, "Explain", settings->question, &answer, settings->why, sizeof(settings->why));
    if (r != 0)
        return trouble("explain", settings->why);
    r = print_answer(settings, answer);
    json_decref(answer);
    return r;
}

/* ---- check ---- */

static const char *set_kind(void *to, const char *value)
{
    static const char *const names[] = {[KW_POLICY_KEY] = "key",
        [KW_POLICY_IDENTITY] = "identity",
        [KW_POLICY_SESSION] = "session",
        [KW_POLICY_TRUST] = "trust"};

    for (size_t i = 0; i < KW_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], value) == 0) {
            ((struct settings *)to)->kind = (enum kw_policy_kind)i;
            return NULL;
        }
    }
    return "must be key, identity, session or trust";
}

static const struct kw_option check_options[] = {
    {"--kind", "KIND", "key, identity (default), session or trust: whose policy it is", set_kind},
};

static void check_help(void)
{
    printf("Usage: keywell policy check [--kind KIND] FILE ...\n\n"
           "Checks the grammar of policies as the server would, without one. -: standard input.\n\n");
    kw_options_help(check_options, KW_ARRAY_LEN(check_options));
    printf("\nExit status: 0: all are good; 1: one is not; 2: bad usage, or a file cannot be read.\n");
}

static int check(struct settings *settings, const char *path)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(FILE_MAX + 65536);
    KW_POLICY struct kw_policy *policy = NULL;
    char why[256] = "";
    int r;

    if (kw_tool_read(path, FILE_MAX, &text, settings->why, sizeof(settings->why)) != 0)
        return trouble("check", settings->why);
    r = kw_policy_new(&policy, settings->kind, kw_sbuf_bytes(&text), NULL, why, sizeof(why));
    if (r < 0)
        return trouble("check", "out of memory");
    if (r == 0)
        printf("%s: good, statements: %u\n", path, kw_policy_num_statements(policy));
    else
        printf("%s: %s\n", path, why[0] != '\0' ? why : "malformed");
    return r == 0 ? ALLOWED : DENIED;
}

static int check_all(struct settings *settings, int num, char **paths)
{
    int worst = ALLOWED;

    if (num == 0)
        return trouble("check", "name a file");
    for (int i = 0; i < num; i++) {
        int r = check(settings, paths[i]);

        worst = KW_MAX(worst, r);
    }
    return fflush(stdout) == 0 ? worst : trouble("check", "the result cannot be written");
}

/* ---- both ---- */

static void help(void)
{
    printf("Usage: keywell policy COMMAND [OPTION ...]\n\n"
           "  explain    which statement or grant decides a request\n"
           "  check      is a file a policy?\n\n"
           "'keywell policy COMMAND --help' says more.\n");
}

static int run_explain(int argc, char **argv, struct settings *settings)
{
    int rest, r = kw_options_parse("keywell policy explain", explain_options, KW_ARRAY_LEN(explain_options),
                  argc, argv, settings, &rest);

    if (r == 2) {
        explain_help();
        return ALLOWED;
    }
    if (r != 0)
        return TROUBLE;
    return rest < argc ? trouble("explain", "it takes options only; try --help") : explain(settings);
}

static int run_check(int argc, char **argv, struct settings *settings)
{
    int rest, r = kw_options_parse("keywell policy check", check_options, KW_ARRAY_LEN(check_options), argc,
                  argv, settings, &rest);

    if (r == 2) {
        check_help();
        return ALLOWED;
    }
    return r != 0 ? TROUBLE : check_all(settings, argc - rest, argv + rest);
}

static int command_of(int argc, char **argv, struct settings *settings)
{
    if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
        help();
        return ALLOWED;
    }
    if (argc >= 2 && strcmp(argv[1], "explain") == 0)
        return run_explain(argc - 1, argv + 1, settings);
    if (argc >= 2 && strcmp(argv[1], "check") == 0)
        return run_check(argc - 1, argv + 1, settings);
    fprintf(stderr, "keywell policy: the commands are explain and check\nTry 'keywell policy --help'.\n");
    return TROUBLE;
}

int kw_command_policy(int argc, char **argv)
{
    struct settings settings = {.kind = KW_POLICY_IDENTITY};
    int r;

    if (kw_operator_client_init(settings.why, sizeof(settings.why)) != 0)
        return trouble("command", settings.why);
    settings.question = json_object();
    settings.identity = json_array();
    settings.grants = json_array();
    r = command_of(argc, argv, &settings);
    json_decref(settings.question);
    json_decref(settings.identity);
    json_decref(settings.grants);
    json_decref(settings.key_policy);
    return r;
}
