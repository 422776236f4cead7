/* loadprobe - one request and its answer, before the load: it tells at once what is wrong with an address, a
 * certificate, a signature or a key, in the endpoint's own words. */
#ifndef KW_TOOLS_LOADPROBE_H
#define KW_TOOLS_LOADPROBE_H

#include "tools/loadplan.h"

/* kw_load_probe() - Out: ret_body (may be NULL: not wanted), the body of the answer as text that the caller
 * frees; ret_tls, what was agreed on, or empty. Returns: 0 (answered with 200) | 1 (why says) */
KW_MUST_CHECK int kw_load_probe(const struct kw_load_plan *plan, const struct kw_load_request *request,
    char **ret_body, char ret_tls[64], char *why, size_t why_cap);

#endif
