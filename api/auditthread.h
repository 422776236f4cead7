/* auditthread - how the audit log starts its threads: signals stay with the main thread.
 */
#ifndef KW_API_AUDITTHREAD_H
#define KW_API_AUDITTHREAD_H

#include "pool/base.h"

#include <pthread.h>
#include <signal.h>

/* Returns: 0 | negative errno */
KW_MUST_CHECK static inline int kw_audit_thread_start(
    pthread_t *ret, const char *name, void *(*run)(void *), void *arg)
{
    sigset_t blocked, old;
    int r;

    kw_signals_of_threads(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    r = pthread_create(ret, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(*ret, name);
    return -r;
}

#endif
