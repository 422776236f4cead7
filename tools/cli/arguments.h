/* arguments - the words of a command line as options, by the rules of the AWS CLI 2.
 *
 * An option takes its value from the next word or from behind "=". Options for lists take words up to the
 * next option. The beginning of a name will do if it is that of one option only. The last of several wins.
 * Words are borrowed. Pure.
 */
#ifndef KW_TOOLS_CLI_ARGUMENTS_H
#define KW_TOOLS_CLI_ARGUMENTS_H

#include "tools/cli/operation.h"
#include "tools/cli/trouble.h"

#define KW_ARGUMENTS_MAX 256u /* members of a request, and words of a list */

/* What was given for a member. Lists: words up to the next option. Others: one. */
struct kw_argument {
    char *const *words; /* NULL: not given */
    unsigned num;
    bool flag; /* of a boolean: --name or --no-name */
};

struct kw_arguments {
    struct kw_argument members[KW_ARGUMENTS_MAX]; /* in the order of the model's input */
    /* Of every operation. NULL: not given. */
    const char *cli_input_json, *cli_input_yaml;
    const char *skeleton; /* "input" if no value was given */
    const char *max_items, *page_size, *starting_token;
    const char *plaintext_to; /* our own */
    const char *endpoint_url, *output, *query, *profile, *region, *ca_bundle, *color;
    const char *read_timeout, *connect_timeout, *binary_format;
    char *inlined[KW_ARGUMENTS_MAX]; /* values that stood behind "=" */
    unsigned num_inlined;
    bool debug, no_verify_ssl, no_paginate, no_sign_request, help;
};

enum kw_option_takes {
    KW_TAKES_NOTHING,
    KW_TAKES_VALUE,
    KW_TAKES_LIST,     /* any number of words */
    KW_TAKES_OPTIONAL, /* a word, or none */
};

/* An option that every operation has. */
struct kw_common_option {
    const char *name;           /* without its dashes */
    const char *value;          /* what help calls it; NULL: it takes none */
    const char *const *choices; /* NULL: anything; NULL-terminated */
    const char *help;
    size_t offset; /* of its const char * or bool in struct kw_arguments; SIZE_MAX: nothing to remember */
    bool global;   /* also of the AWS CLI as such, not of an operation's own */
    bool paged;    /* only where lists come in pages */
    bool secret;   /* only where plaintext may come */
    bool optional; /* its value may be left out */
};
extern const struct kw_common_option kw_common_options[];
extern const size_t kw_common_options_num;
/* Does the operation have it? */
KW_MUST_CHECK bool kw_common_option_fits(
    const struct kw_common_option *option, const struct kw_cli_operation *operation);

/* kw_arguments_parse() - argv: what follows the operation's name. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_arguments_parse(const struct kw_cli_operation *operation, int argc, char *const *argv,
    struct kw_arguments *ret, struct kw_trouble *trouble);

/* Usage, as it stands before complaints about the command line. */
extern const char kw_usage[];

/* The member of an answer that is secret and may go into a file: "Plaintext"; NULL: none. */
const char *kw_plaintext_member(const struct kw_cli_operation *operation);

#endif
