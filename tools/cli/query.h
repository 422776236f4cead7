/* query - JMESPath (jmespath.org), whole: what of an answer is printed.
 *
 * An expression is compiled once and run on any number of values. Values are jansson's; results share parts
 * with what they were taken from. Bounded: length, nesting and work have limits. Source: the JMESPath
 * specification and its grammar; where the two are silent, what the Python library does. Pure.
 */
#ifndef KW_TOOLS_CLI_QUERY_H
#define KW_TOOLS_CLI_QUERY_H

#include "pool/sbuf.h"

#include <jansson.h>

#define KW_QUERY_LEN_MAX   65536u
#define KW_QUERY_DEPTH_MAX 100u
#define KW_QUERY_STEPS_MAX 5000000u

struct kw_query;

enum { KW_QUERY_BAD = 1 };
/* kw_query_compile() - Out: why, a sentence, on KW_QUERY_BAD. Returns: 0 | KW_QUERY_BAD | -ENOMEM */
KW_MUST_CHECK int kw_query_compile(struct kw_bytes text, struct kw_query **ret, struct kw_sbuf *why);
void kw_query_free(struct kw_query *query);

/* kw_query_run() - In: value, borrowed. Out: ret, owned by the caller; why, on KW_QUERY_BAD (a function's
 * argument is of the wrong type, or too much work). Returns: 0 | KW_QUERY_BAD | -ENOMEM */
KW_MUST_CHECK int kw_query_run(
    const struct kw_query *query, json_t *value, json_t **ret, struct kw_sbuf *why);

#endif
