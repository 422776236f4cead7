/* operator - administration of a running server, by its own operator: who the principals are, their policies
 * and access keys, and why a request is allowed or denied.
 *
 * Served on a Unix-domain socket in the data folder (operatorsock.h), to root and the server's own user only:
 * whoever may read the root key anyway. POST /NAME with a JSON object as its body; the answer is a JSON
 * object, of a refusal {"error":{"code","message"}}. docs/authorization.md lists the requests.
 *
 * A change is on record in the audit log (eventSource keywell.operator) before it is made, and its outcome
 * before it is told. A secret access key is in the answer that tells of its making, and nowhere else.
 */
#ifndef KW_API_OPERATOR_H
#define KW_API_OPERATOR_H

#include "api/service.h"

/* Its handler; the server's `shared` is the struct kw_service, of which store, audit log, clock and account
 * are used. */
extern const struct kw_handler kw_operator_handler;

#endif
