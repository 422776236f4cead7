/* output - a result in the forms that the AWS CLI 2 prints: JSON, YAML, text, tables.
 *
 * Pure: text is appended to a buffer in secret memory.
 */
#ifndef KW_TOOLS_CLI_OUTPUT_H
#define KW_TOOLS_CLI_OUTPUT_H

#include "pool/sbuf.h"

#include <jansson.h>

enum kw_output_form {
    KW_OUTPUT_JSON,
    KW_OUTPUT_TEXT,
    KW_OUTPUT_TABLE,
    KW_OUTPUT_YAML,
    KW_OUTPUT_YAML_STREAM,
};

#define KW_OUTPUT_MAX (256u * 1024u * 1024u)

/* "json", "text", ... Returns: 0 | 1 (none of these) */
KW_MUST_CHECK int kw_output_form_parse(const char *name, enum kw_output_form *ret);

struct kw_output {
    enum kw_output_form form;
    const char *title; /* of a table: the operation's name */
    bool color;        /* of a table */
    unsigned width;    /* of the terminal; wider tables are turned on their side */
};

enum { KW_OUTPUT_RAGGED = 1 };
/* kw_output_write() - Returns: 0 | -ENOMEM | KW_OUTPUT_RAGGED (rows of different lengths make no table) */
KW_MUST_CHECK int kw_output_write(const struct kw_output *output, const json_t *value, struct kw_sbuf *ret);

void kw_output_json(const json_t *value, struct kw_sbuf *ret);
void kw_output_text(const json_t *value, struct kw_sbuf *ret);
KW_MUST_CHECK int kw_output_table(const struct kw_output *output, const json_t *value, struct kw_sbuf *ret);

/* JSON on one line, in ASCII. */
void kw_output_compact(const json_t *value, struct kw_sbuf *ret);

/* What the forms share. */
#define KW_REAL_TEXT_MAX 40u
/* The shortest text that is read back as the same number, as Python writes it. */
void kw_output_number(const json_t *value, char ret[KW_REAL_TEXT_MAX]);
/* A value as Python's str() has it: None, True, 1.5; a list or an object as it would be written in a program.
 */
void kw_output_python(const json_t *value, struct kw_sbuf *ret);
/* The same of a scalar. */
void kw_output_scalar(const json_t *value, struct kw_sbuf *ret);
/* The names of an object's members, sorted by their characters. Out: ret, freed by the caller. Returns: 0 |
 * -ENOMEM */
KW_MUST_CHECK int kw_output_names(const json_t *object, const char ***ret, size_t *ret_num);

/* Columns that text takes on a terminal, in the Unicode sense of East Asian width. */
size_t kw_output_columns(struct kw_bytes text);

#endif
