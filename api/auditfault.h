/* auditfault - what the fault hooks mean to the audit log's I/O layer. In production builds all of it folds
 * to "no fault".
 */
#ifndef KW_API_AUDITFAULT_H
#define KW_API_AUDITFAULT_H

#include "pool/fault.h"

#include <time.h>

/* The error that an operation fails with (a short write is the caller's to make and comes back as -EIO, too);
 * 0: it does not fail. */
static inline int kw_audit_fault_error(enum kw_fault_kind kind)
{
    return kind == KW_FAULT_NONE || kind == KW_FAULT_DELAY ? 0 : kind == KW_FAULT_ENOSPC ? -ENOSPC : -EIO;
}

/* Counts one use of the point. Returns the error it fails with, or 0 after the second that a delay takes. */
static inline int kw_audit_fault(enum kw_fault_point point)
{
    enum kw_fault_kind kind = kw_fault(point);

    if (kind == KW_FAULT_DELAY)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return kw_audit_fault_error(kind);
}

#endif
