/* principalout - principals as the operator's socket tells of them, for people to read. */
#ifndef KW_TOOLS_PRINCIPALOUT_H
#define KW_TOOLS_PRINCIPALOUT_H

#include "pool/base.h"

#include <jansson.h>

/* Returns: 0 | 1 (it cannot be written) */
KW_MUST_CHECK int kw_principals_print(const json_t *answer);
/* One with all that it has; or access keys alone; or, of an empty answer, nothing. */
KW_MUST_CHECK int kw_principal_print(const json_t *answer);

#endif
