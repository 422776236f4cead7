/* yamlout - a value as YAML, as the AWS CLI 2 prints it (by the same emitter, libyaml's). */
#ifndef KW_TOOLS_CLI_YAMLOUT_H
#define KW_TOOLS_CLI_YAMLOUT_H

#include "pool/sbuf.h"

#include <jansson.h>

/* kw_yaml_write() - a list or an object in block style, members sorted. What libyaml holds meanwhile is not
 * wiped. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_yaml_write(const json_t *value, struct kw_sbuf *ret);

/* Would text without quotes be read as something else: a number, a boolean, null, a date? (YAML 1.2) */
KW_MUST_CHECK bool kw_yaml_is_other(const char *text);

#endif
