/* adminclient - asks a server's admin listener. Blocking, with time limits; loopback. */
#ifndef KW_TOOLS_ADMINCLIENT_H
#define KW_TOOLS_ADMINCLIENT_H

#include "api/address.h"

#include <jansson.h>

/* kw_admin_find() - the admin address of the server that runs on data folder dir (its run.json). Out on
 * failure: why. Returns: 0 | 1 */
KW_MUST_CHECK int kw_admin_find(const char *dir, struct kw_address *ret, char *why, size_t why_cap);
/* kw_admin_get() - GET path, and its body as JSON (owned by the caller). Out on failure: why. Returns: 0 | 1
 */
KW_MUST_CHECK int kw_admin_get(
    const struct kw_address *address, const char *path, json_t **ret, char *why, size_t why_cap);

#endif
