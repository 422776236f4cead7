#include "api/auditspare.h"

#include "api/auditthread.h"

#include <sys/eventfd.h>

/* A leftover of the wanted number, which a failed removal can leave, must not block the log for ever. */
static int create(struct kw_auditspare *spare, struct kw_auditsegment *ret)
{
    int rc = kw_auditsegment_create(ret, spare->dir_fd, spare->number, spare->bytes, &spare->stopping);

    for (int i = 0; rc == -EEXIST && i < 8; i++)
        rc = kw_auditsegment_create(ret, spare->dir_fd, ++spare->number, spare->bytes, &spare->stopping);
    return rc;
}

static void *run(void *arg)
{
    struct kw_auditspare *spare = arg;

    pthread_mutex_lock(&spare->lock);
    while (!atomic_load_explicit(&spare->stopping, memory_order_relaxed)) {
        struct kw_auditsegment segment = KW_AUDITSEGMENT_NONE;
        int rc;

        if (spare->state != KW_AUDITSPARE_WANTED) {
            pthread_cond_wait(&spare->changed, &spare->lock);
            continue;
        }
        /* While the state is WANTED nobody else writes number. */
        pthread_mutex_unlock(&spare->lock);
        rc = create(spare, &segment);
        pthread_mutex_lock(&spare->lock);
        spare->segment = segment;
        spare->error = rc;
        spare->state = rc == 0 ? KW_AUDITSPARE_READY : KW_AUDITSPARE_FAILED;
        eventfd_write(spare->wake_fd, 1);
    }
    pthread_mutex_unlock(&spare->lock);
    return NULL;
}

int kw_auditspare_start(struct kw_auditspare *spare, int dir_fd, uint64_t bytes, int wake_fd)
{
    *spare = (struct kw_auditspare){
        .dir_fd = dir_fd, .wake_fd = wake_fd, .bytes = bytes, .segment = KW_AUDITSEGMENT_NONE};
    atomic_init(&spare->stopping, false);
    pthread_mutex_init(&spare->lock, NULL);
    pthread_cond_init(&spare->changed, NULL);
    return kw_audit_thread_start(&spare->thread, "audit-spare", run, spare);
}

void kw_auditspare_stop(struct kw_auditspare *spare)
{
    pthread_mutex_lock(&spare->lock);
    /* Relaxed: the lock orders it for the thread's loop; the making only looks whether it may end. */
    atomic_store_explicit(&spare->stopping, true, memory_order_relaxed);
    pthread_cond_signal(&spare->changed);
    pthread_mutex_unlock(&spare->lock);
    pthread_join(spare->thread, NULL);
    if (spare->state == KW_AUDITSPARE_READY)
        kw_auditsegment_discard(&spare->segment, spare->dir_fd);
    pthread_cond_destroy(&spare->changed);
    pthread_mutex_destroy(&spare->lock);
}

void kw_auditspare_want(struct kw_auditspare *spare, uint64_t number)
{
    pthread_mutex_lock(&spare->lock);
    if (spare->state == KW_AUDITSPARE_IDLE) {
        spare->number = number;
        spare->state = KW_AUDITSPARE_WANTED;
        pthread_cond_signal(&spare->changed);
    }
    pthread_mutex_unlock(&spare->lock);
}

int kw_auditspare_take(struct kw_auditspare *spare, struct kw_auditsegment *ret)
{
    int rc = 1;

    pthread_mutex_lock(&spare->lock);
    if (spare->state == KW_AUDITSPARE_READY) {
        *ret = spare->segment;
        spare->segment = KW_AUDITSEGMENT_NONE;
        spare->state = KW_AUDITSPARE_IDLE;
        rc = 0;
    } else if (spare->state == KW_AUDITSPARE_FAILED) {
        spare->state = KW_AUDITSPARE_IDLE;
        rc = spare->error;
    }
    pthread_mutex_unlock(&spare->lock);
    return rc;
}

int kw_auditspare_take_failure(struct kw_auditspare *spare)
{
    int rc = 0;

    pthread_mutex_lock(&spare->lock);
    if (spare->state == KW_AUDITSPARE_FAILED) {
        spare->state = KW_AUDITSPARE_IDLE;
        rc = spare->error;
    }
    pthread_mutex_unlock(&spare->lock);
    return rc;
}
