#include "tools/cli/command.h"

#include "api/json.h"
#include "pool/secmem.h"
#include "tools/cli/answer.h"
#include "tools/cli/blob.h"
#include "tools/cli/help.h"
#include "tools/cli/output.h"
#include "tools/cli/pages.h"
#include "tools/cli/parameter.h"
#include "tools/cli/plaintext.h"
#include "tools/cli/query.h"
#include "tools/cli/shorthand.h"
#include "tools/cli/skeleton.h"
#include "tools/cli/validate.h"
#include "tools/cli/yamlin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct cli {
    const struct kw_cli_operation *operation;
    struct kw_arguments arguments;
    struct kw_trouble trouble;
    struct kw_config config;
    struct kw_client client;
    struct kw_output output;
    struct kw_query *query;
    struct kw_plaintext plaintext;
    json_t *input;
    bool paginate, wire_time;
    enum kw_blob_format blobs;
};

static int general(struct cli *cli, const char *why)
{
    return kw_trouble(&cli->trouble, KW_CLI_GENERAL, "%s", why);
}

/* ---- what is printed ---- */

static int print(struct cli *cli, const struct kw_sbuf *text)
{
    struct kw_bytes rest = kw_sbuf_bytes(text);

    if (!kw_sbuf_ok(text))
        return general(cli, "no memory for the output");
    while (rest.len > 0) {
        ssize_t n = write(STDOUT_FILENO, rest.ptr, rest.len);

        if (n < 0 && errno == EINTR)
            continue;
        /* A reader who has seen enough is no trouble. */
        if (n < 0 && errno == EPIPE)
            return 0;
        if (n <= 0)
            return kw_trouble(
                &cli->trouble, KW_CLI_GENERAL, "the output cannot be written: %s", strerror(errno));
        rest = KW_BYTES(rest.ptr + n, rest.len - (size_t)n);
    }
    return 0;
}

static int print_value(struct cli *cli, const json_t *value)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_OUTPUT_MAX);
    int r = kw_output_write(&cli->output, value, &text);

    if (r == KW_OUTPUT_RAGGED)
        return general(cli, "rows of different lengths make no table; another --query or --output would do");
    return r < 0 ? general(cli, "no memory for the output") : print(cli, &text);
}

/* A whole answer, or a page of one. */
static int show(void *arg, json_t *answer)
{
    struct cli *cli = arg;
    KW_SBUF struct kw_sbuf why = KW_SBUF_INIT(KW_TROUBLE_MAX);
    json_t *value = NULL;
    int r;

    if (cli->query == NULL)
        return print_value(cli, answer);
    r = kw_query_run(cli->query, answer, &value, &why);
    if (r != 0) {
        kw_sbuf_put(&why, "", 1);
        return general(cli, r == KW_QUERY_BAD && kw_sbuf_ok(&why) ? (const char *)why.ptr : "no memory");
    }
    r = print_value(cli, value);
    json_decref(value);
    return r;
}

/* ---- what is asked for ---- */

static int read_input(struct cli *cli, const char *option, const char *text, struct kw_sbuf *ret)
{
    bool bytes;
    int r = kw_parameter_file(strcmp(text, "-") == 0 ? "file://-" : text, ret, &bytes, &cli->trouble);

    if (r == 2)
        kw_sbuf_put_str(ret, text);
    if (r == 1)
        kw_trouble_prefix(&cli->trouble, "Error parsing parameter '%s': ", option);
    return r == 1 ? 1 : 0;
}

static int bad_input(struct cli *cli, const char *option, const char *problem, const char *detail)
{
    return kw_trouble(
        &cli->trouble, KW_CLI_USAGE, "Error parsing parameter '%s': %s%s", option, problem, detail);
}

/* --cli-input-json or --cli-input-yaml. Out: ret, NULL if neither was given. */
static int load_input(struct cli *cli, json_t **ret)
{
    const char *json = cli->arguments.cli_input_json, *yaml = cli->arguments.cli_input_yaml;
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_PARAMETER_FILE_MAX);
    json_t *value = NULL;
    char why[160] = "";

    if (json == NULL && yaml == NULL)
        return 0;
    if (json != NULL && yaml != NULL)
        return kw_trouble(&cli->trouble, KW_CLI_USAGE, "Only one --cli-input- parameter may be specified.");
    if (read_input(cli, json != NULL ? "--cli-input-json" : "--cli-input-yaml", json != NULL ? json : yaml,
            &text) != 0)
        return 1;
    if (json != NULL) {
        value = json_loadb(
            text.len > 0 ? (const char *)text.ptr : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        if (value == NULL)
            return bad_input(cli, "cli-input-json", "Invalid JSON received.", "");
    } else if (kw_yaml_read(kw_sbuf_bytes(&text), &value, why, sizeof(why)) != 0) {
        return bad_input(cli, "cli-input-yaml", "Invalid YAML received: ", why);
    }
    if (!json_is_object(value) || kw_blob_is(value)) {
        int r = bad_input(cli, json != NULL ? "--cli-input-json" : "--cli-input-yaml",
            "Invalid type: expecting map, received ", kw_type_name(value));

        json_decref(value);
        return r;
    }
    *ret = value;
    return 0;
}

static int take_members(struct cli *cli)
{
    const struct kw_shape *input = cli->operation->model->input;

    for (size_t i = 0; i < input->num_members; i++) {
        json_t *value = NULL;

        if (cli->arguments.members[i].words == NULL)
            continue;
        if (kw_parameter(&input->members[i], &cli->arguments.members[i], &value, &cli->trouble) != 0) {
            json_decref(value);
            return 1;
        }
        (void)json_object_set_new(cli->input, input->members[i].name, value);
    }
    return 0;
}

/* The options, and where they say nothing what came in one piece. */
static int build_input(struct cli *cli)
{
    json_t *loaded = NULL, *member;
    const char *name;
    int r;

    cli->input = json_object();
    r = take_members(cli);
    if (r == 0)
        r = load_input(cli, &loaded);
    json_object_foreach(loaded, name, member)
    {
        if (json_object_get(cli->input, name) == NULL)
            (void)json_object_set(cli->input, name, member);
    }
    json_decref(loaded);
    return r;
}

static int settle(struct cli *cli)
{
    const struct kw_shape *input = cli->operation->model->input;

    if (kw_validate(input, cli->input, &cli->trouble) != 0 ||
        kw_blobs_settle(input, cli->input, cli->blobs, &cli->trouble) != 0)
        return 1;
    kw_timestamps_settle(input, cli->input);
    return 0;
}

/* ---- settings ---- */

static int choose_output(struct cli *cli)
{
    const char *given = cli->arguments.output, *color = cli->arguments.color;
    char configured[32];
    struct winsize size;

    kw_config_get(&cli->config, "AWS_DEFAULT_OUTPUT", "output", configured, sizeof(configured));
    if (given == NULL)
        given = configured[0] != '\0' ? configured : "json";
    if (kw_output_form_parse(given, &cli->output.form) != 0)
        return kw_trouble(&cli->trouble, KW_CLI_GENERAL, "Unknown output type: %s", given);
    cli->output.title = cli->operation->model->name;
    cli->output.width = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        cli->output.width = size.ws_col;
    cli->output.color =
        color == NULL || strcmp(color, "auto") == 0 ? isatty(STDOUT_FILENO) == 1 : strcmp(color, "on") == 0;
    return 0;
}

static int choose_formats(struct cli *cli)
{
    const char *given = cli->arguments.binary_format;
    char text[32];

    kw_config_get(&cli->config, NULL, "cli_binary_format", text, sizeof(text));
    if (given == NULL)
        given = text[0] != '\0' ? text : "base64";
    if (strcmp(given, "base64") != 0 && strcmp(given, "raw-in-base64-out") != 0)
        return kw_trouble(&cli->trouble, KW_CLI_GENERAL, "Unknown cli_binary_format value: %s", given);
    cli->blobs = strcmp(given, "base64") == 0 ? KW_BLOB_BASE64 : KW_BLOB_RAW_IN_BASE64_OUT;
    kw_config_get(&cli->config, NULL, "cli_timestamp_format", text, sizeof(text));
    if (text[0] != '\0' && strcmp(text, "wire") != 0 && strcmp(text, "iso8601") != 0)
        return kw_trouble(&cli->trouble, KW_CLI_CONFIG,
            "Unknown cli_timestamp_format value: %s, valid values are \"wire\" or \"iso8601\"", text);
    cli->wire_time = strcmp(text, "wire") == 0;
    return 0;
}

static int compile_query(struct cli *cli)
{
    const char *text = cli->arguments.query;
    KW_SBUF struct kw_sbuf why = KW_SBUF_INIT(KW_TROUBLE_MAX);
    int r;

    if (text == NULL)
        return 0;
    r = kw_query_compile(kw_bytes_str(text), &cli->query, &why);
    kw_sbuf_put(&why, "", 1);
    if (r == 0)
        return 0;
    return kw_trouble(&cli->trouble, KW_CLI_USAGE, "Bad value for --query %s: %s", text,
        r == KW_QUERY_BAD && kw_sbuf_ok(&why) ? (const char *)why.ptr : "no memory");
}

static int check_endpoint(struct cli *cli)
{
    if (cli->arguments.endpoint_url != NULL && strchr(cli->arguments.endpoint_url, ':') == NULL)
        return kw_trouble(&cli->trouble, KW_CLI_USAGE,
            "Bad value for --endpoint-url \"%s\": scheme is missing.  Must be of the form http://<hostname>/ "
            "or "
            "https://<hostname>/",
            cli->arguments.endpoint_url);
    return 0;
}

/* Pages are off if the user asks for one in the service's own way. */
static int choose_pages(struct cli *cli)
{
    const struct kw_shape *input = cli->operation->model->input;
    const struct kw_arguments *arguments = &cli->arguments;

    cli->paginate = cli->operation->result_key != NULL && !arguments->no_paginate;
    for (size_t i = 0; i < input->num_members; i++) {
        if (arguments->members[i].words != NULL &&
            kw_cli_operation_pages_by(cli->operation, input->members[i].name))
            cli->paginate = false;
    }
    if (!cli->paginate &&
        (arguments->starting_token != NULL || arguments->page_size != NULL || arguments->max_items != NULL))
        return kw_trouble(&cli->trouble, KW_CLI_USAGE,
            "Cannot specify --no-paginate along with pagination arguments: %s%s%s%s%s",
            arguments->starting_token != NULL ? "--starting-token" : "",
            arguments->starting_token != NULL && arguments->page_size != NULL ? ", " : "",
            arguments->page_size != NULL ? "--page-size" : "",
            arguments->max_items != NULL &&
                    (arguments->starting_token != NULL || arguments->page_size != NULL)
                ? ", "
                : "",
            arguments->max_items != NULL ? "--max-items" : "");
    return 0;
}

/* ---- calling ---- */

static int number_of(struct cli *cli, const char *option, const char *text, int64_t *ret)
{
    struct kw_trouble ignored = KW_TROUBLE_INIT;
    int r = kw_integer_parse(text, ret, &ignored);

    kw_trouble_done(&ignored);
    return r == 0
               ? 0
               : kw_trouble(&cli->trouble, KW_CLI_USAGE,
                     "%s\nkeywell: error: argument --%s: invalid int value: '%s'\n", kw_usage, option, text);
}

static int call_pages(struct cli *cli, int64_t max_items)
{
    const struct kw_pages pages = {
        .client = &cli->client,
        .max_items = max_items,
        .starting_token = cli->arguments.starting_token,
        .form = cli->output.form == KW_OUTPUT_TEXT          ? KW_PAGES_LISTS
                : cli->output.form == KW_OUTPUT_YAML_STREAM ? KW_PAGES_ANSWERS
                                                            : KW_PAGES_WHOLE,
        .wire_time = cli->wire_time,
        .sink = show,
        .arg = cli,
    };

    return kw_pages_run(&pages, cli->input, &cli->trouble);
}

static int call_once(struct cli *cli)
{
    json_t *raw = NULL, *answer;
    int r = 0;

    if (cli->arguments.plaintext_to != NULL &&
        kw_plaintext_open(cli->arguments.plaintext_to, &cli->plaintext, &cli->trouble) != 0)
        return 1;
    if (kw_client_call(&cli->client, cli->input, &raw, &cli->trouble) != 0)
        return 1;
    answer = kw_answer_shape(cli->operation->model->output, raw, cli->wire_time);
    json_decref(raw);
    if (cli->arguments.plaintext_to != NULL)
        r = kw_plaintext_move(&cli->plaintext, answer, kw_plaintext_member(cli->operation), &cli->trouble);
    if (r == 0)
        r = show(cli, answer);
    json_decref(answer);
    return r;
}

static int connect_and_call(struct cli *cli)
{
    int64_t max_items = -1, page_size;

    if (cli->paginate && cli->arguments.page_size != NULL) {
        if (number_of(cli, "page-size", cli->arguments.page_size, &page_size) != 0)
            return 1;
        (void)json_object_set_new(cli->input, "Limit", json_integer(page_size));
    }
    if (cli->paginate && cli->arguments.max_items != NULL &&
        number_of(cli, "max-items", cli->arguments.max_items, &max_items) != 0)
        return 1;
    if (kw_config_connect(&cli->config, &cli->arguments, &cli->trouble) != 0 || settle(cli) != 0)
        return 1;
    if (!cli->arguments.no_sign_request && kw_config_credentials(&cli->config, &cli->trouble) != 0)
        return 1;
    if (kw_client_init(&cli->client, &cli->config, cli->operation, &cli->arguments, &cli->trouble) != 0)
        return 1;
    return cli->paginate ? call_pages(cli, max_items) : call_once(cli);
}

/* ---- skeletons ---- */

static int skeleton(struct cli *cli)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_OUTPUT_MAX);
    json_t *value;
    int r;

    if (strcmp(cli->arguments.skeleton, "yaml-input") == 0) {
        kw_skeleton_yaml(cli->operation, &text);
        return print(cli, &text);
    }
    if (strcmp(cli->arguments.skeleton, "input") == 0) {
        value = kw_skeleton_input(cli->operation);
        kw_output_json(value, &text);
        r = print(cli, &text);
    } else {
        if (kw_config_connect(&cli->config, &cli->arguments, &cli->trouble) != 0 || settle(cli) != 0)
            return 1;
        value = kw_skeleton_output(cli->operation);
        r = show(cli, value);
    }
    json_decref(value);
    return r;
}

/* ---- the whole ---- */

static int run(struct cli *cli, int argc, char **argv)
{
    if (kw_arguments_parse(cli->operation, argc, argv, &cli->arguments, &cli->trouble) != 0)
        return 1;
    if (cli->arguments.help) {
        kw_help_operation(cli->operation);
        return 0;
    }
    if (compile_query(cli) != 0 || check_endpoint(cli) != 0 ||
        kw_config_open(&cli->config, &cli->arguments, &cli->trouble) != 0 || choose_output(cli) != 0 ||
        choose_formats(cli) != 0 || choose_pages(cli) != 0 || build_input(cli) != 0)
        return 1;
    for (size_t i = 0; i < cli->operation->model->input->num_members; i++) {
        const char *name = cli->operation->model->input->members[i].name;

        /* They may have come by --cli-input-json, too. */
        if (kw_cli_operation_pages_by(cli->operation, name) && json_object_get(cli->input, name) != NULL)
            cli->paginate = false;
    }
    return cli->arguments.skeleton != NULL ? skeleton(cli) : connect_and_call(cli);
}

static void cli_done(struct cli *cli)
{
    kw_plaintext_abandon(&cli->plaintext);
    json_decref(cli->input);
    kw_query_free(cli->query);
    kw_config_close(&cli->config);
    kw_trouble_done(&cli->trouble);
    free(cli);
}

int kw_cli_run(const struct kw_cli_operation *operation, int argc, char **argv)
{
    struct cli *cli = calloc(1, sizeof(*cli));
    int r;

    if (cli == NULL || kw_secmem_init() < 0) {
        fprintf(stderr, "\nkeywell: secret memory cannot be set up\n");
        free(cli);
        return KW_CLI_GENERAL;
    }
    kw_json_init();
    (void)signal(SIGPIPE, SIG_IGN);
    cli->operation = operation;
    cli->trouble = KW_TROUBLE_INIT;
    cli->plaintext.fd = -1;
    r = run(cli, argc, argv);
    if (r != 0) {
        fprintf(stderr, "\n%s\n", kw_trouble_text(&cli->trouble));
        r = cli->trouble.status != 0 ? cli->trouble.status : KW_CLI_GENERAL;
    }
    cli_done(cli);
    return r;
}
