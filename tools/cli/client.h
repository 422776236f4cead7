/* client - calls of the service: signed, sent, tried again where that helps, and what is refused told as the
 * AWS CLI tells it.
 */
#ifndef KW_TOOLS_CLI_CLIENT_H
#define KW_TOOLS_CLI_CLIENT_H

#include "tools/cli/config.h"
#include "tools/cli/wire.h"

struct kw_client {
    const struct kw_config *config;
    const struct kw_cli_operation *operation;
    struct kw_wire_endpoint endpoint;
    struct kw_wire_limits limits;
    bool sign, debug;
};

/* kw_client_init() - In: config, connected, with credentials unless nothing is signed; it must outlive the
 * client. Returns: 0 | 1 (trouble says) */
KW_MUST_CHECK int kw_client_init(struct kw_client *client, const struct kw_config *config,
    const struct kw_cli_operation *operation, const struct kw_arguments *arguments,
    struct kw_trouble *trouble);

/* kw_client_call() - In: input, what is sent. Out: ret, the answer's object, owned by the caller. Returns: 0
 * | 1 (trouble says) */
KW_MUST_CHECK int kw_client_call(
    struct kw_client *client, const json_t *input, json_t **ret, struct kw_trouble *trouble);

#endif
