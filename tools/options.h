/* options - command-line options of the programs: one table makes the parser and --help. */
#ifndef KW_TOOLS_OPTIONS_H
#define KW_TOOLS_OPTIONS_H

#include "pool/base.h"

struct kw_option {
    const char *name;     /* "--listen" */
    const char *argument; /* "HOST:PORT"; NULL: the option takes none */
    const char *help;
    /* Returns NULL, or what is wrong with the value ("must be HOST:PORT"). */
    const char *(*set)(void *to, const char *value);
};

/* kw_options_parse() - long options, `--name value` and `--name=value`; `--` ends them. Out: ret_rest, index
 * of the first argument that is no option. Prints a sentence on stderr when it fails. Returns: 0 | 1 (bad
 * usage) | 2 (--help was asked for) */
KW_MUST_CHECK int kw_options_parse(const char *program, const struct kw_option *options, size_t num_options,
    int argc, char **argv, void *to, int *ret_rest);
/* kw_options_load() - the same options from a file (tools/settingsfile.h): `pool = RSA_2048=100` is
 * `--pool RSA_2048=100`; an option without argument takes yes or no. Out: ret_text, what set() was given
 * points into it: free() it when those values are no longer needed. Prints a sentence with file and line on
 * stderr when it fails. Returns: 0 | 1 */
KW_MUST_CHECK int kw_options_load(const char *program, const struct kw_option *options, size_t num_options,
    const char *path, void *to, char **ret_text);
/* Prints the table. */
void kw_options_help(const struct kw_option *options, size_t num_options);
/* A decimal number within bounds. Returns: 0 | 1 */
KW_MUST_CHECK int kw_number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

#endif
