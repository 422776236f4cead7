/* auditfault - what the fault hooks mean to the audit log's I/O layer. In production builds all of it folds
 * to "no fault".
 */
#ifndef KW_API_AUDITFAULT_H
#define KW_API_AUDITFAULT_H

#include "pool/fault.h"

#include <time.h>

/* Counts one use of the point. Returns the error it fails with (a short write is the caller's to make and
 * comes back as -EIO, too), or 0 after the second that a delay takes. */
static inline int kw_audit_fault(enum kw_fault_point point, enum kw_fault_kind *ret_kind)
{
    *ret_kind = kw_fault(point);
    switch (*ret_kind) {
    case KW_FAULT_NONE:
        return 0;
    case KW_FAULT_DELAY:
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        return 0;
    case KW_FAULT_ENOSPC:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

#endif
