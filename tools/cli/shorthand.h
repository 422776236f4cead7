/* shorthand - the AWS CLI's short form of structures, lists and maps: a=b,c=[d,e],f={g=h}.
 *
 *     parameter     = keyval *("," keyval)
 *     keyval        = key "=" [values]              ; key: letters, digits, - _ . # / :
 *     values        = csv-list / explicit-list / hash-literal
 *     explicit-list = "[" [value *("," value)] "]"
 *     hash-literal  = "{" keyval *("," keyval) "}"
 *
 * Values may stand in single or double quotes; a backslash takes the meaning from a comma, and within quotes
 * from the quote and itself. a=b,c is the list of b and c; a=b,c=d is two pairs. Without a model everything
 * is text: kw_shorthand_fit() makes numbers, booleans and lists of one where a shape wants them. Source: the
 * AWS CLI user guide, "Using shorthand syntax", and what version 2 does. Pure and bounded.
 */
#ifndef KW_TOOLS_CLI_SHORTHAND_H
#define KW_TOOLS_CLI_SHORTHAND_H

#include "api/shape.h"
#include "tools/cli/trouble.h"

#define KW_SHORTHAND_DEPTH_MAX 16u

/* kw_shorthand_parse() - In: UTF-8. Out: ret, an object, owned by the caller. Secret: text may be; only what
 * a complaint quotes of it is shown. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_shorthand_parse(struct kw_bytes text, json_t **ret, struct kw_trouble *trouble);

/* kw_shorthand_fit() - In and out: value, parsed, for a parameter of that shape. Returns: 0 | 1 (trouble
 * says) */
KW_MUST_CHECK int kw_shorthand_fit(const struct kw_shape *shape, json_t **value, struct kw_trouble *trouble);

/* A whole number as Python's int() reads it, of at most 64 bits. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_integer_parse(const char *text, int64_t *ret, struct kw_trouble *trouble);

#endif
