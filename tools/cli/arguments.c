#include "tools/cli/arguments.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

const char kw_usage[] = "usage: keywell [options] <command> [parameters]\n"
                        "To see help text, you can run:\n\n"
                        "  keywell help\n"
                        "  keywell <command> help\n";

static const char *const outputs[] = {"json", "text", "table", "yaml", "yaml-stream", NULL};
static const char *const colors[] = {"on", "off", "auto", NULL};
static const char *const binary_formats[] = {"base64", "raw-in-base64-out", NULL};
static const char *const skeletons[] = {"input", "output", "yaml-input", NULL};

#define AT(field) offsetof(struct kw_arguments, field)
const struct kw_common_option kw_common_options[] = {
    {.name = "starting-token",
        .value = "TOKEN",
        .offset = AT(starting_token),
        .paged = true,
        .help = "Go on where an earlier output ended: its NextToken"},
    {.name = "page-size",
        .value = "N",
        .offset = AT(page_size),
        .paged = true,
        .help = "Items per request; the output is the same"},
    {.name = "max-items",
        .value = "N",
        .offset = AT(max_items),
        .paged = true,
        .help = "Items in the output; a NextToken says that there are more"},
    {.name = "cli-input-json",
        .value = "JSON",
        .offset = AT(cli_input_json),
        .help = "Members of the request, as --generate-cli-skeleton prints them; options win over them"},
    {.name = "cli-input-yaml",
        .value = "YAML",
        .offset = AT(cli_input_yaml),
        .help = "The same in YAML; not both"},
    {.name = "generate-cli-skeleton",
        .value = "input|yaml-input|output",
        .choices = skeletons,
        .offset = AT(skeleton),
        .optional = true,
        .help = "Print what a request, or an answer, looks like; nothing is sent"},
    {.name = "plaintext-to",
        .value = "FILE",
        .offset = AT(plaintext_to),
        .secret = true,
        .help =
            "Write the plaintext, as bytes, into a new file that only you may read, and leave it out of the "
            "output"},
    {.name = "help", .offset = AT(help), .global = true, .help = "This text"},
    {.name = "debug",
        .offset = AT(debug),
        .global = true,
        .help = "Say what is done on standard error; no secrets"},
    {.name = "endpoint-url",
        .value = "URL",
        .offset = AT(endpoint_url),
        .global = true,
        .help = "Where the service is"},
    {.name = "no-verify-ssl",
        .offset = AT(no_verify_ssl),
        .global = true,
        .help = "Take any certificate: whoever is on the way can read and change everything"},
    {.name = "no-paginate", .offset = AT(no_paginate), .global = true, .help = "One request, one page"},
    {.name = "output",
        .value = "json|text|table|yaml|yaml-stream",
        .choices = outputs,
        .offset = AT(output),
        .global = true,
        .help = "The form of the output"},
    {.name = "query",
        .value = "JMESPATH",
        .offset = AT(query),
        .global = true,
        .help = "What of the answer to print"},
    {.name = "profile",
        .value = "NAME",
        .offset = AT(profile),
        .global = true,
        .help = "The profile in the shared files"},
    {.name = "region", .value = "REGION", .offset = AT(region), .global = true, .help = "The Region"},
    {.name = "color",
        .value = "on|off|auto",
        .choices = colors,
        .offset = AT(color),
        .global = true,
        .help = "Colours in tables"},
    {.name = "no-sign-request",
        .offset = AT(no_sign_request),
        .global = true,
        .help = "Send the request without a signature"},
    {.name = "ca-bundle",
        .value = "FILE",
        .offset = AT(ca_bundle),
        .global = true,
        .help = "Certificates to check the service's against, PEM"},
    {.name = "cli-read-timeout",
        .value = "SECONDS",
        .offset = AT(read_timeout),
        .global = true,
        .help = "How long to wait for an answer; 0: for ever; 60 if not given"},
    {.name = "cli-connect-timeout",
        .value = "SECONDS",
        .offset = AT(connect_timeout),
        .global = true,
        .help = "How long to wait for a connection; 0: for ever; 60 if not given"},
    {.name = "cli-binary-format",
        .value = "base64|raw-in-base64-out",
        .choices = binary_formats,
        .offset = AT(binary_format),
        .global = true,
        .help = "How binary values are written on the command line; base64 if not given"},
    {.name = "no-cli-pager", .offset = SIZE_MAX, .global = true, .help = "Taken; there is no pager"},
    {.name = "no-cli-auto-prompt", .offset = SIZE_MAX, .global = true, .help = "Taken; nothing is asked"},
};
const size_t kw_common_options_num = KW_ARRAY_LEN(kw_common_options);

const char *kw_plaintext_member(const struct kw_cli_operation *operation)
{
    static const char *const secrets[] = {"Plaintext", "PrivateKeyPlaintext", "SharedSecret"};

    for (size_t i = 0; i < KW_ARRAY_LEN(secrets) && operation->model->output != NULL; i++) {
        if (kw_shape_member(operation->model->output, secrets[i]) != NULL)
            return secrets[i];
    }
    return NULL;
}

bool kw_common_option_fits(const struct kw_common_option *option, const struct kw_cli_operation *operation)
{
    return (!option->paged || operation->result_key != NULL) &&
           (!option->secret || kw_plaintext_member(operation) != NULL);
}

/* ---- finding ---- */

struct parse {
    const struct kw_cli_operation *operation;
    struct kw_arguments *to;
    struct kw_trouble *trouble;
    struct kw_sbuf unknown; /* words that are no options, with commas */
};

/* What a name means: one of the common options, or a member and whether "no-" stands before it. */
struct meaning {
    const struct kw_common_option *common;
    const struct kw_member *member;
    bool negative;
    char name[KW_COMMAND_MAX + 3];
};

/* How well what the user wrote fits: the whole name, its beginning, not at all. */
enum { NOT, BEGINS, IS };

static int fits(struct kw_bytes given, const char *name)
{
    struct kw_bytes whole = kw_bytes_str(name);

    return kw_bytes_equal(given, whole) ? IS : kw_bytes_starts(whole, given) ? BEGINS : NOT;
}

struct search {
    struct kw_bytes given;
    struct meaning best;
    int level;
    unsigned num; /* that begin so */
    char names[512];
};

static void consider(struct search *search, const char *name, struct meaning meaning)
{
    int level = fits(search->given, name);
    size_t used = strlen(search->names);

    if (level == NOT || search->level == IS)
        return;
    snprintf(meaning.name, sizeof(meaning.name), "%s", name);
    search->num++;
    search->level = level;
    search->best = meaning;
    snprintf(search->names + used, sizeof(search->names) - used, "%s--%s", used > 0 ? ", " : "", name);
}

static void search_members(struct search *search, const struct kw_cli_operation *operation)
{
    const struct kw_shape *input = operation->model->input;

    for (size_t i = 0; i < input->num_members; i++) {
        const struct kw_member *member = &input->members[i];
        char name[KW_COMMAND_MAX], negative[KW_COMMAND_MAX + 3];

        kw_command_name(member->name, name);
        consider(search, name, (struct meaning){.member = member});
        snprintf(negative, sizeof(negative), "no-%s", name);
        if (member->shape->kind == KW_KIND_BOOLEAN)
            consider(search, negative, (struct meaning){.member = member, .negative = true});
    }
}

static void find(const struct parse *parse, struct kw_bytes name, struct search *search)
{
    *search = (struct search){.given = name};
    search_members(search, parse->operation);
    for (size_t i = 0; i < kw_common_options_num; i++) {
        if (kw_common_option_fits(&kw_common_options[i], parse->operation))
            consider(search, kw_common_options[i].name, (struct meaning){.common = &kw_common_options[i]});
    }
}

static struct kw_bytes name_of(const char *word)
{
    const char *equals = strchr(word, '=');

    return KW_BYTES(word + 2, equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2);
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    if (text[digits] == '.')
        return strspn(text + digits + 1, "0123456789") == strlen(text + digits + 1) &&
               text[digits + 1] != '\0';
    return digits > 0 && text[digits] == '\0';
}

/* A word that can be no value. */
static bool is_option(const struct parse *parse, const char *word)
{
    struct search search;

    if (word[0] != '-' || word[1] == '\0' || is_number(word + 1))
        return false;
    if (word[1] == '-' && word[2] != '\0') {
        find(parse, name_of(word), &search);
        if (search.num > 0)
            return true;
    }
    return strchr(word, ' ') == NULL;
}

/* ---- taking ---- */

static int complain(struct parse *parse, const char *name, const char *problem)
{
    return kw_trouble(
        parse->trouble, KW_CLI_USAGE, "%s\nkeywell: error: argument --%s: %s\n", kw_usage, name, problem);
}

static enum kw_option_takes takes(const struct meaning *meaning)
{
    if (meaning->common != NULL && meaning->common->value == NULL)
        return KW_TAKES_NOTHING;
    if (meaning->common != NULL)
        return meaning->common->optional ? KW_TAKES_OPTIONAL : KW_TAKES_VALUE;
    if (meaning->member->shape->kind == KW_KIND_BOOLEAN)
        return KW_TAKES_NOTHING;
    return meaning->member->shape->kind == KW_KIND_LIST ? KW_TAKES_LIST : KW_TAKES_VALUE;
}

static int check_choice(struct parse *parse, const struct kw_common_option *option, const char *value)
{
    struct kw_sbuf list = KW_SBUF_INIT(4096);
    int r = 1;

    for (unsigned i = 0; option->choices != NULL && option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], value) == 0)
            r = 0;
        kw_sbuf_printf(&list, "%s%-40s", i % 2 == 1 ? " | " : "\n", option->choices[i]);
    }
    kw_sbuf_put(&list, "", 1);
    if (option->choices == NULL)
        r = 0;
    else if (r != 0)
        r = kw_trouble(parse->trouble, KW_CLI_USAGE,
            "%s\nkeywell: error: argument --%s: Invalid choice, valid choices are:\n%s\n", kw_usage,
            option->name, (const char *)list.ptr);
    kw_sbuf_done(&list);
    return r;
}

static int take_common(
    struct parse *parse, const struct kw_common_option *option, char *const *words, unsigned num)
{
    void *field = (uint8_t *)parse->to + option->offset;

    if (option->offset == SIZE_MAX)
        return 0;
    if (option->value == NULL) {
        *(bool *)field = true;
        return 0;
    }
    if (num > 0 && check_choice(parse, option, words[0]) != 0)
        return 1;
    *(const char **)field = num > 0 ? words[0] : option->choices[0];
    return 0;
}

static int take(struct parse *parse, const struct meaning *meaning, char *const *words, unsigned num)
{
    size_t index;

    if (meaning->common != NULL)
        return take_common(parse, meaning->common, words, num);
    index = (size_t)(meaning->member - parse->operation->model->input->members);
    kw_assert(index < KW_ARGUMENTS_MAX);
    parse->to->members[index] = (struct kw_argument){.words = words, .num = num, .flag = !meaning->negative};
    return 0;
}

static int take_option(struct parse *parse, int argc, char *const *argv, int *at)
{
    char *const *word = argv + *at;
    char *equals = strchr(*word, '=');
    struct search search;
    enum kw_option_takes how;
    unsigned num = 0;

    find(parse, name_of(*word), &search);
    if (search.num == 0) {
        kw_sbuf_printf(&parse->unknown, "%s%.200s", parse->unknown.len > 0 ? ", " : "", *word);
        *at += 1;
        return 0;
    }
    if (search.level == BEGINS && search.num > 1)
        return kw_trouble(parse->trouble, KW_CLI_USAGE,
            "%s\nkeywell: error: ambiguous option: --%.*s could match %s\n", kw_usage, (int)search.given.len,
            (const char *)search.given.ptr, search.names);
    *at += 1;
    how = takes(&search.best);
    if (equals != NULL && how == KW_TAKES_NOTHING)
        return complain(parse, search.best.name, "ignored explicit argument");
    if (equals != NULL) {
        char **place = &parse->to->inlined[parse->to->num_inlined];

        KW_REQUIRE(parse->to->num_inlined++ < KW_ARGUMENTS_MAX,
            complain(parse, search.best.name, "there are too many options"));
        *place = equals + 1;
        return take(parse, &search.best, place, 1);
    }
    while (how != KW_TAKES_NOTHING && *at < argc && !is_option(parse, argv[*at]) &&
           (how == KW_TAKES_LIST || num == 0)) {
        num++;
        *at += 1;
    }
    if (how == KW_TAKES_VALUE && num == 0)
        return complain(parse, search.best.name, "expected one argument");
    return take(parse, &search.best, word + 1, num);
}

/* ---- what is missing ---- */

static int check_required(struct parse *parse)
{
    const struct kw_shape *input = parse->operation->model->input;
    const struct kw_arguments *to = parse->to;
    struct kw_sbuf names = KW_SBUF_INIT(4096);
    int r = 0;

    if (to->cli_input_json != NULL || to->cli_input_yaml != NULL ||
        (to->skeleton != NULL && strcmp(to->skeleton, "output") != 0))
        return 0;
    for (size_t i = 0; i < input->num_members; i++) {
        char name[KW_COMMAND_MAX];

        if ((input->members[i].flags & KW_MEMBER_REQUIRED) == 0 || to->members[i].words != NULL)
            continue;
        kw_command_name(input->members[i].name, name);
        kw_sbuf_printf(&names, "%s--%s", names.len > 0 ? ", " : "", name);
    }
    if (names.len > 0) {
        kw_sbuf_put(&names, "", 1);
        r = kw_trouble(parse->trouble, KW_CLI_USAGE,
            "%s\nkeywell: error: the following arguments are required: %s\n", kw_usage,
            (const char *)names.ptr);
    }
    kw_sbuf_done(&names);
    return r;
}

static int conclude(struct parse *parse)
{
    int r = check_required(parse);

    if (r == 0 && parse->unknown.len > 0) {
        kw_sbuf_put(&parse->unknown, "", 1);
        r = kw_trouble(parse->trouble, KW_CLI_USAGE, "%s\nUnknown options: %s\n", kw_usage,
            (const char *)parse->unknown.ptr);
    }
    return r;
}

int kw_arguments_parse(const struct kw_cli_operation *operation, int argc, char *const *argv,
    struct kw_arguments *ret, struct kw_trouble *trouble)
{
    struct parse parse = {operation, ret, trouble, KW_SBUF_INIT(65536)};
    int at = 0, r = 0;

    memset(ret, 0, sizeof(*ret));
    while (at < argc && r == 0) {
        if (strncmp(argv[at], "--", 2) == 0 && argv[at][2] != '\0') {
            r = take_option(&parse, argc, argv, &at);
        } else if (strcmp(argv[at], "help") == 0 || strcmp(argv[at], "-h") == 0) {
            ret->help = true;
            at++;
        } else {
            kw_sbuf_printf(&parse.unknown, "%s%.200s", parse.unknown.len > 0 ? ", " : "", argv[at++]);
        }
    }
    if (r == 0 && !ret->help)
        r = conclude(&parse);
    kw_sbuf_done(&parse.unknown);
    return r;
}
