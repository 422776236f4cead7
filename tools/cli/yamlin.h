/* yamlin - YAML as a value: one document, by libyaml's parser.
 *
 * Scalars are read as YAML 1.2 has them (and dates stay text); !!binary becomes a blob (tools/cli/blob.h).
 * Anchors and aliases are taken, but a document may not grow by them beyond a limit. Pure and bounded; what
 * libyaml holds meanwhile is not wiped.
 */
#ifndef KW_TOOLS_CLI_YAMLIN_H
#define KW_TOOLS_CLI_YAMLIN_H

#include "pool/bytes.h"

#include <jansson.h>

#define KW_YAML_DEPTH_MAX 64u
#define KW_YAML_NODES_MAX 200000u

enum { KW_YAML_BAD = 1 };
/* kw_yaml_read() - Out: ret, owned by the caller (an empty document is null); why, a short sentence on
 * KW_YAML_BAD. Returns: 0 | KW_YAML_BAD | -ENOMEM */
KW_MUST_CHECK int kw_yaml_read(struct kw_bytes text, json_t **ret, char *why, size_t why_cap);

#endif
