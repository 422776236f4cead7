/* warmstart_internal - what the parts of warmstart share. */
#ifndef KW_API_WARMSTART_INTERNAL_H
#define KW_API_WARMSTART_INTERNAL_H

#include "api/warmstart.h"
#include "engine/drbg.h"
#include "pool/bell.h"

#include <pthread.h>

#define KW_WARMSTART_FOLDER "pools"

/* The files of one spec on their way into its pool. */
struct kw_warmstart_load {
    struct kw_warmstart *warmstart;
    enum kw_spec spec;
    bool known[KW_SAVED_KIND_NUM];                  /* the keystore has a record */
    struct kw_saved_pool record[KW_SAVED_KIND_NUM]; /* if known */
    bool wanted;                                    /* there is something to load or to refuse */
    struct kw_slot *slots;                          /* booked; the first num_used have pairs in them */
    uint32_t num_slots;
    uint32_t num_used;
    bool running;      /* the thread is to be joined */
    _Atomic bool done; /* nothing more comes from files, and whether a reserve is kept is known */
    pthread_t thread;
};

/* A file in the making. Zeroed, with fd -1: none. */
struct kw_saving {
    struct kw_warmstart *warmstart;
    struct kw_saved_pool record;
    char name[KW_SAVED_FILE_MAX];
    int fd;
    bool renamed;
    uint32_t pairs;
    int64_t flushed; /* bytes that are on their way to the disk */
    struct kw_poolfile_writer *writer;
};

struct kw_warmstart {
    struct kw_warmstart_config config;
    int fd;               /* the folder; -1: it cannot be used, and nothing is saved or loaded */
    struct kw_drbg *drbg; /* of whoever saves: the reserve's thread, then the owner */
    struct kw_warmstart_load loads[KW_SPEC_NUM];
    bool reserve_running;
    pthread_t reserve_thread;
    struct kw_bell bell; /* wakes the reserve's thread */
    _Atomic bool stopping;
    _Atomic uint64_t restored[KW_SPEC_NUM], saved[KW_SPEC_NUM];
    _Atomic uint32_t reserve[KW_SPEC_NUM];
    _Atomic uint64_t refused, failures;
};

/* ---- numbers, in the keystore; each waits for the commit ---- */

/* Reads all records. Returns: 0 | <0 | KW_STORE_FAILED */
KW_MUST_CHECK int kw_warmstart_numbers(struct kw_warmstart *warmstart);
/* Records a file: from now on it may be used. Returns: as above */
KW_MUST_CHECK int kw_warmstart_record(struct kw_warmstart *warmstart, const struct kw_saved_pool *record);
/* Uses the number up: no file with it may be used ever again. Returns: 0 | KW_TX_NONE (it is not the one on
 * record) | as above */
KW_MUST_CHECK int kw_warmstart_use_up(struct kw_warmstart *warmstart, const struct kw_saved_pool *record);

/* Syncs the folder. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_warmstart_sync_folder(const struct kw_warmstart *warmstart);
/* Removes a file, durably. One that is not there is fine. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_warmstart_remove(const struct kw_warmstart *warmstart, const char *name);
/* Which file it is, for the record: inode and time of birth. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_warmstart_identify(int fd, int64_t *ret_inode, int64_t *ret_born_ns);

/* ---- saving ---- */

/* kw_saving_begin() - makes the file with room for so many pairs, before any is taken. Returns: 0 | <0 */
KW_MUST_CHECK int kw_saving_begin(
    struct kw_warmstart *warmstart, struct kw_saved_name name, uint32_t pairs_max, struct kw_saving *ret);
/* Moves one ready pair of the pool into the file. Returns: 0 | KW_POOL_EMPTY | <0 (the pair is gone) */
KW_MUST_CHECK int kw_saving_take(struct kw_saving *saving);
/* kw_saving_commit() - makes the file durable and then records it. saving is done with, whatever comes of it;
 * on failure the pairs are gone and so is the file. Returns: 0 | KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_saving_commit(struct kw_saving *saving);
/* Removes what there is of it. One that is none is fine. */
void kw_saving_abandon(struct kw_saving *saving);
/* Says and counts that a file could not be saved, with the pairs that it took along. */
void kw_saving_log_failure(const struct kw_saving *saving, int r);
/* At a clean stop. */
void kw_warmstart_save_pools(struct kw_warmstart *warmstart);

/* ---- loading ---- */

/* Books slots for what is on record. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_warmstart_book(struct kw_warmstart_load *load);
/* Loads or refuses the files of a spec, and gives back the slots that are left. */
void kw_warmstart_load(struct kw_warmstart_load *load);

/* ---- reserves ---- */

/* The thread; arg is the warmstart. */
void *kw_warmstart_reserve_run(void *arg);

#endif
