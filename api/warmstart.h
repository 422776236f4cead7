/* warmstart - pools that survive a restart: pairs moved out of service into files, and back into it once.
 *
 * The folder `pools` of the data folder has, for each spec, at most a file of what its pool held at the last
 * clean stop, and a reserve, set aside while the server ran, for the case of a crash. No pair is ever both in
 * service and in a file that may be used, and no file is used twice: docs/warm-start.md has the order of the
 * durable steps and what each crash between them leaves. What goes wrong here never keeps the server from
 * starting or stopping: it is said once in the log, counted, and the pools start empty.
 *
 * One owner thread; stats by any thread. Files of different specs are loaded by threads of their own while
 * the server starts and serves; one more sets reserves aside.
 */
#ifndef KW_API_WARMSTART_H
#define KW_API_WARMSTART_H

#include "api/poolfile.h"
#include "api/store.h"

struct kw_warmstart;

struct kw_warmstart_config {
    int data_fd;                   /* the data folder, whose lock the caller holds; borrowed */
    const char *data_path;         /* for sentences; borrowed */
    const uint8_t *key;            /* kw_poolfile_key(), secret; borrowed */
    struct kw_store *store;        /* borrowed, as are the pools */
    struct kw_pool *const *pools;  /* KW_SPEC_NUM; NULL: this spec is switched off, its files are let alone */
    bool save;                     /* at a clean stop */
    uint32_t reserve[KW_SPEC_NUM]; /* pairs to set aside; 0: none. More than the capacity is the capacity */
};

struct kw_warmstart_stats {
    uint64_t restored[KW_SPEC_NUM]; /* pairs served again from files */
    uint64_t saved[KW_SPEC_NUM];    /* pairs moved into files */
    uint32_t reserve[KW_SPEC_NUM];  /* pairs in the reserve now */
    uint64_t refused;               /* files that were not to be used */
    uint64_t failures;              /* files that could not be written, read or removed */
};

/* kw_warmstart_new() - looks what is there and books the slots that it will need, so that workers do not fill
 * them: call it before the engine starts. Starts nothing. Returns: 0 | -ENOMEM | KW_EOPENSSL | -EPERM (forked
 * child) */
KW_MUST_CHECK int kw_warmstart_new(struct kw_warmstart **ret, const struct kw_warmstart_config *config);
/* Starts loading, and the thread that sets reserves aside. A thread that cannot be started is logged, and
 * what it was to load is kept for the next time. */
void kw_warmstart_begin(struct kw_warmstart *warmstart);
/* Waits until all files are loaded or refused. */
void kw_warmstart_wait(struct kw_warmstart *warmstart);
/* kw_warmstart_free() - ends the threads and, if the configuration says so, saves what the pools hold, for
 * KW_SAVE_MS at most: the dearest specs first. Nobody else takes or makes pairs any more; the store still
 * runs. NULL is fine. */
void kw_warmstart_free(struct kw_warmstart *warmstart);

void kw_warmstart_stats(const struct kw_warmstart *warmstart, struct kw_warmstart_stats *ret);

#endif
