/* auditcall - calls as the data-key path has them when their audit record is due, for benchmarks: a request
 * of an SDK, parsed; a session of a role as the caller; key, key material and ids noted.
 *
 * One thread for each call. What cannot be set up ends the program (kw_assert).
 */
#ifndef KW_BENCH_AUDITCALL_H
#define KW_BENCH_AUDITCALL_H

#include "api/call.h"
#include "api/ciphertext.h"

struct kw_auditcall {
    struct kw_call call; /* call.audit and call.audit_text are those of the record on its way */
    struct kw_exchange exchange;
    uint64_t submitted_ns;
};

/* Sets up call number `number`: each has another encryption context. */
void kw_auditcall_init(struct kw_auditcall *call, unsigned number);
void kw_auditcall_done(struct kw_auditcall *call);
/* Makes the record of a new request of it, with new ids, as the service does when an operation is done:
 * call.audit is then ready to be submitted with that mailbox for a reply. */
void kw_auditcall_record(struct kw_auditcall *call, struct kw_wrapper *wrapper, struct kw_mailbox *reply);

#endif
