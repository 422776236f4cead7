#include "tools/cli/arguments.h"

#include "engine/crypto.h"
#include "tests/support/suite.h"

#define WORDS_MAX 16

static struct kw_arguments arguments;
static struct kw_trouble trouble;
static const struct kw_cli_operation *operation;

/* Words separated by single spaces; NULL-terminated, and kept for the arguments to point into. */
static int parse(const char *command, const char *line)
{
    static char copy[1024];
    static char *words[WORDS_MAX];
    int num = 0;

    kw_trouble_done(&trouble);
    trouble = KW_TROUBLE_INIT;
    operation = kw_cli_operation_find(command);
    ck_assert_ptr_nonnull(operation);
    ck_assert_uint_lt(strlen(line), sizeof(copy));
    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(num, WORDS_MAX);
        words[num++] = word;
    }
    return kw_arguments_parse(operation, num, words, &arguments, &trouble);
}

static const struct kw_argument *member(const char *name)
{
    const struct kw_shape *input = operation->model->input;

    for (size_t i = 0; i < input->num_members; i++) {
        if (strcmp(input->members[i].name, name) == 0)
            return &arguments.members[i];
    }
    ck_abort_msg("no member %s", name);
    return NULL;
}

static void refuse(const char *command, const char *line, const char *text)
{
    ck_assert_msg(parse(command, line) == 1, "%s", line);
    ck_assert_int_eq(trouble.status, KW_CLI_USAGE);
    ck_assert_msg(strstr(kw_trouble_text(&trouble), text) != NULL, "%s", kw_trouble_text(&trouble));
}

START_TEST(test_values)
{
    ck_assert_int_eq(
        parse("generate-data-key", "--key-id alias/a --key-spec=AES_256 --dry-run --region eu-west-1"), 0);
    ck_assert_str_eq(member("KeyId")->words[0], "alias/a");
    ck_assert_uint_eq(member("KeyId")->num, 1);
    ck_assert_str_eq(member("KeySpec")->words[0], "AES_256");
    ck_assert(member("DryRun")->words != NULL && member("DryRun")->flag);
    ck_assert_ptr_null(member("NumberOfBytes")->words);
    ck_assert_str_eq(arguments.region, "eu-west-1");
    ck_assert(!arguments.debug && !arguments.help && arguments.query == NULL);
    ck_assert_int_eq(parse("generate-data-key", "--key-id a --no-dry-run --debug"), 0);
    ck_assert(!member("DryRun")->flag && arguments.debug);
    /* The last of several wins; what stands behind "=" may have one itself, or be empty. */
    ck_assert_int_eq(parse("generate-data-key", "--key-id a --key-id=b=c --key-spec="), 0);
    ck_assert_str_eq(member("KeyId")->words[0], "b=c");
    ck_assert_str_eq(member("KeySpec")->words[0], "");
}
END_TEST

START_TEST(test_lists)
{
    ck_assert_int_eq(parse("generate-data-key", "--grant-tokens one two three --key-id a"), 0);
    ck_assert_uint_eq(member("GrantTokens")->num, 3);
    ck_assert_str_eq(member("GrantTokens")->words[2], "three");
    ck_assert_int_eq(parse("generate-data-key", "--key-id a --grant-tokens"), 0);
    ck_assert(member("GrantTokens")->words != NULL && member("GrantTokens")->num == 0);
}
END_TEST

START_TEST(test_beginnings)
{
    ck_assert_int_eq(parse("generate-data-key", "--key-i a --numb 32"), 0);
    ck_assert_str_eq(member("KeyId")->words[0], "a");
    ck_assert_str_eq(member("NumberOfBytes")->words[0], "32");
    refuse("generate-data-key", "--key a", "ambiguous option: --key could match --key-id, --key-spec");
    /* Not ambiguous: it is one of them, whole. */
    ck_assert_int_eq(parse("list-keys", "--no-paginate"), 0);
    ck_assert(arguments.no_paginate);
}
END_TEST

START_TEST(test_what_looks_like_an_option)
{
    /* A number is a value, and so is a dash. */
    ck_assert_int_eq(parse("generate-data-key", "--key-id a --number-of-bytes -5"), 0);
    ck_assert_str_eq(member("NumberOfBytes")->words[0], "-5");
    ck_assert_int_eq(parse("encrypt", "--key-id a --plaintext -"), 0);
    ck_assert_str_eq(member("Plaintext")->words[0], "-");
    refuse("encrypt", "--key-id a --plaintext --key-id b", "argument --plaintext: expected one argument");
    refuse("encrypt", "--plaintext a --key-id -x", "argument --key-id: expected one argument");
}
END_TEST

START_TEST(test_mistakes)
{
    refuse("encrypt", "", "the following arguments are required: --key-id, --plaintext");
    refuse("encrypt", "--key-id", "argument --key-id: expected one argument");
    refuse("encrypt", "--key-id a --plaintext b --colour red", "Unknown options: --colour, red");
    refuse("encrypt", "--key-id a --plaintext b c", "Unknown options: c");
    refuse(
        "encrypt", "--key-id a --plaintext b --dry-run=yes", "argument --dry-run: ignored explicit argument");
    refuse("list-keys", "--output xml", "argument --output: Invalid choice, valid choices are:");
    refuse(
        "list-keys", "--generate-cli-skeleton outputs", "argument --generate-cli-skeleton: Invalid choice");
    /* Only where it means something. */
    refuse("describe-key", "--key-id a --max-items 3", "Unknown options: --max-items, 3");
    refuse("describe-key", "--key-id a --plaintext-to f", "Unknown options: --plaintext-to, f");
    ck_assert_int_eq(parse("list-keys", "--max-items 3"), 0);
}
END_TEST

START_TEST(test_nothing_is_required)
{
    ck_assert_int_eq(parse("encrypt", "help"), 0);
    ck_assert(arguments.help);
    ck_assert_int_eq(parse("encrypt", "--generate-cli-skeleton"), 0);
    ck_assert_str_eq(arguments.skeleton, "input");
    ck_assert_int_eq(parse("encrypt", "--generate-cli-skeleton yaml-input"), 0);
    ck_assert_str_eq(arguments.skeleton, "yaml-input");
    ck_assert_int_eq(parse("encrypt", "--cli-input-json {}"), 0);
    ck_assert_str_eq(arguments.cli_input_json, "{}");
    /* An answer's skeleton looks over the request. */
    refuse("encrypt", "--generate-cli-skeleton output", "required: --key-id, --plaintext");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_beginnings);
    tcase_add_test(tcase, test_what_looks_like_an_option);
    tcase_add_test(tcase, test_mistakes);
    tcase_add_test(tcase, test_nothing_is_required);
}

int main(void)
{
    int r;

    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    trouble = KW_TROUBLE_INIT;
    r = kw_suite_run("arguments", add, 20);
    kw_trouble_done(&trouble);
    return r;
}
