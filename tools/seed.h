/* seed - the file that `keywell import-seed` reads: keys, aliases and principals for test beds.
 *
 * YAML, by libyaml's parser, of which the grammar in docs/operations.md is taken and nothing else. Pure and
 * bounded; the text may hold key material, and so may what comes out of it (jansson's values, in secret
 * memory once kw_json_init() was called; what libyaml holds meanwhile is not wiped).
 */
#ifndef KW_TOOLS_SEED_H
#define KW_TOOLS_SEED_H

#include "pool/bytes.h"

#include <jansson.h>

#define KW_SEED_FILE_MAX  (1024u * 1024u)
#define KW_SEED_DEPTH_MAX 16u     /* of a policy; less than JSON's writer takes */
#define KW_SEED_NODES_MAX 100000u /* aliases of YAML counted each time */
#define KW_SEED_WHY_MAX   512u

enum { KW_SEED_BAD = 1 };

/* kw_seed_read() - Out: ret, owned by the caller: {"keys": [...], "principals": [...]}, both always there.
 * Of a key: "aliases" (one at least), and as far as given "spec", "usage", "description", "policy" (text),
 * "material" (base64), "multi-region" (boolean), "tags" (of name and text). Of a principal: "kind" ("user",
 * "role"), "name", and as far as given "account", "path", "policies" (of name and text), "trust" (text),
 * "tags", "session-max", "access-key" (boolean). Of both "at": "LINE:COLUMN". Out on KW_SEED_BAD: why,
 * "LINE:COLUMN: sentence", never with a value of the file.
 * Returns: 0 | KW_SEED_BAD | -ENOMEM */
KW_MUST_CHECK int kw_seed_read(struct kw_bytes text, json_t **ret, char why[KW_SEED_WHY_MAX]);

/* Is there key material in it? */
KW_MUST_CHECK bool kw_seed_is_secret(const json_t *seed);

#endif
