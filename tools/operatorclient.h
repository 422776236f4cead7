/* operatorclient - asks the server that runs on a data folder, as its operator (api/operator.h). Blocking,
 * with time limits. Answers may hold a secret: all of it is secret memory.
 */
#ifndef KW_TOOLS_OPERATORCLIENT_H
#define KW_TOOLS_OPERATORCLIENT_H

#include "pool/sbuf.h"

#include <jansson.h>

/* Secret memory for what comes; once, before anything else here. Out on failure: why. Returns: 0 | 1 */
KW_MUST_CHECK int kw_operator_client_init(char *why, size_t why_cap);
/* kw_operator_ask() - POST /NAME with a body (borrowed; NULL: an empty object), and the answer (owned by the
 * caller). Out on failure: why, the server's own words if it refused. Returns: 0 | 1 */
KW_MUST_CHECK int kw_operator_ask(
    const char *dir, const char *name, const json_t *body, json_t **ret, char *why, size_t why_cap);
enum { KW_OPERATOR_ABSENT = 2 };
/* The same. Returns: 0 | 1 | KW_OPERATOR_ABSENT (what is asked about is not there) */
KW_MUST_CHECK int kw_operator_look_up(
    const char *dir, const char *name, const json_t *body, json_t **ret, char *why, size_t why_cap);

/* kw_tool_read() - a whole file, "-" is standard input; at most max bytes. Appends. Out on failure: why.
 * Returns: 0 | 1 */
KW_MUST_CHECK int kw_tool_read(const char *path, size_t max, struct kw_sbuf *ret, char *why, size_t why_cap);
/* Prints JSON on standard output, indented, with a newline. Returns: 0 | 1 (it cannot be written) */
KW_MUST_CHECK int kw_tool_print_json(const json_t *value);

#endif
