#include "api/log.h"
#include "api/warmstart_internal.h"
#include "pool/fault.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
/* Written bytes go to the disk in steps of this size while more is sealed, so that the sync at the end is
 * short and the time that all takes is seen before it is over. */
#define FLUSH_BYTES ((int64_t)8 << 20)
/* Pairs between two looks at the clock. */
#define CLOCK_PAIRS 64u
/* How often a long save says how far it is. */
#define PROGRESS_NS (UINT64_C(2000) * NS_PER_MS)

static int fault_of(enum kw_fault_point point)
{
    switch (kw_fault(point)) {
    case KW_FAULT_NONE:
        return 0;
    case KW_FAULT_ENOSPC:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

static void temporary_name(const struct kw_saving *saving, char out[KW_SAVED_FILE_MAX + 4])
{
    snprintf(out, KW_SAVED_FILE_MAX + 4, "%s.new", saving->name);
}

/* The room is claimed before a pair is taken: a full disk is found while it costs nothing. A file system that
 * cannot do that is written to all the same. */
static int make_file(struct kw_saving *saving, int64_t size_max)
{
    char temporary[KW_SAVED_FILE_MAX + 4];
    int dir = saving->warmstart->fd;

    KW_TRY(fault_of(KW_FAULT_POOL_CREATE));
    temporary_name(saving, temporary);
    (void)unlinkat(dir, temporary, 0);
    saving->fd = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    KW_REQUIRE(saving->fd >= 0, -errno);
    if (fallocate(saving->fd, 0, 0, size_max) < 0)
        KW_REQUIRE(errno == EOPNOTSUPP || errno == ENOSYS, -errno);
    return 0;
}

int kw_saving_begin(
    struct kw_warmstart *warmstart, struct kw_saved_name name, uint32_t pairs_max, struct kw_saving *ret)
{
    *ret = (struct kw_saving){.warmstart = warmstart, .record.name = name, .fd = -1};
    kw_saved_file_name(name, ret->name);
    KW_TRY(kw_drbg_bytes(warmstart->drbg, ret->record.number, sizeof(ret->record.number)));
    KW_TRY(kw_drbg_bytes(warmstart->drbg, ret->record.secret, sizeof(ret->record.secret)));
    KW_TRY(make_file(ret, kw_poolfile_size_max(name.spec, pairs_max)));
    return kw_poolfile_writer_new(&ret->writer, warmstart->config.key, &ret->record, ret->fd);
}

static void flush(struct kw_saving *saving)
{
    off_t at = lseek(saving->fd, 0, SEEK_CUR);

    if (at - saving->flushed < 2 * FLUSH_BYTES)
        return;
    /* Nothing rests on it: the sync at the end judges. */
    (void)sync_file_range(saving->fd, saving->flushed, FLUSH_BYTES,
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    saving->flushed += FLUSH_BYTES;
    (void)sync_file_range(saving->fd, saving->flushed, FLUSH_BYTES, SYNC_FILE_RANGE_WRITE);
}

int kw_saving_take(struct kw_saving *saving)
{
    KW_PAIR struct kw_pair pair = {0};
    int r = kw_pool_withdraw(saving->warmstart->config.pools[saving->record.name.spec], &pair);

    if (r != 0)
        return r == KW_POOL_FORKED ? -EPERM : r;
    KW_TRY(fault_of(KW_FAULT_POOL_TAKE));
    KW_TRY(kw_poolfile_put(saving->writer, &pair));
    saving->pairs++;
    if (saving->pairs % CLOCK_PAIRS == 0)
        flush(saving);
    return 0;
}

static int sync_file(const struct kw_saving *saving)
{
    /* What was claimed and not written must go: the file ends with its last chunk. */
    KW_REQUIRE(ftruncate(saving->fd, saving->record.size) == 0, -errno);
    KW_TRY(fault_of(KW_FAULT_POOL_SYNC));
    return fsync(saving->fd) == 0 ? 0 : -errno;
}

static int put_in_place(struct kw_saving *saving)
{
    char temporary[KW_SAVED_FILE_MAX + 4];
    int dir = saving->warmstart->fd;

    KW_TRY(fault_of(KW_FAULT_POOL_RENAME));
    temporary_name(saving, temporary);
    KW_REQUIRE(renameat(dir, temporary, dir, saving->name) == 0, -errno);
    saving->renamed = true;
    return kw_warmstart_sync_folder(saving->warmstart);
}

/* The order: nothing may make use of the file before its number is on record, and it is on record only when
 * the file is whole and durable under its name. */
static int commit(struct kw_saving *saving)
{
    struct kw_saved_pool *record = &saving->record;

    record->pairs = saving->pairs;
    record->saved_ms = kw_wall_ms();
    KW_TRY(kw_poolfile_finish(saving->writer, &record->size));
    KW_TRY(sync_file(saving));
    KW_TRY(kw_warmstart_identify(saving->fd, &record->inode, &record->born_ns));
    KW_TRY(put_in_place(saving));
    return kw_warmstart_record(saving->warmstart, record);
}

static void close_saving(struct kw_saving *saving)
{
    kw_poolfile_writer_free(saving->writer);
    if (saving->fd >= 0)
        close(saving->fd);
    kw_erase(saving->record.secret, sizeof(saving->record.secret));
    saving->writer = NULL;
    saving->fd = -1;
}

int kw_saving_commit(struct kw_saving *saving)
{
    struct kw_warmstart *warmstart = saving->warmstart;
    struct kw_saved_name name = saving->record.name;
    int r = commit(saving);

    if (r != 0) {
        kw_saving_log_failure(saving, r);
        kw_saving_abandon(saving);
        return r;
    }
    atomic_fetch_add_explicit(&warmstart->saved[name.spec], saving->pairs, memory_order_relaxed);
    if (name.kind == KW_SAVED_RESERVE)
        atomic_store_explicit(&warmstart->reserve[name.spec], saving->pairs, memory_order_relaxed);
    close_saving(saving);
    return 0;
}

void kw_saving_abandon(struct kw_saving *saving)
{
    char temporary[KW_SAVED_FILE_MAX + 4];

    if (saving->fd < 0) {
        close_saving(saving);
        return;
    }
    /* Without a number on record it is worth nothing, should it stay. */
    temporary_name(saving, temporary);
    (void)unlinkat(saving->warmstart->fd, saving->renamed ? saving->name : temporary, 0);
    close_saving(saving);
}

void kw_saving_log_failure(const struct kw_saving *saving, int r)
{
    atomic_fetch_add_explicit(&saving->warmstart->failures, 1, memory_order_relaxed);
    kw_log(KW_LOG_ERROR, "pool-not-saved", "file=%s lost=%u why=\"%s\"", saving->name, saving->pairs,
        r == KW_STORE_FAILED ? "its number cannot be recorded in the keystore"
        : r == KW_EOPENSSL   ? "OpenSSL failed"
                             : strerror(r < 0 ? -r : EIO));
}

/* ---- a clean stop ---- */

/* The dearest first, should the time not be enough for all. */
static const enum kw_spec order[KW_SPEC_NUM] = {
    KW_SPEC_RSA_4096,
    KW_SPEC_RSA_3072,
    KW_SPEC_RSA_2048,
    KW_SPEC_ECC_NIST_P384,
    KW_SPEC_ECC_NIST_P521,
    KW_SPEC_ECC_SECG_P256K1,
    KW_SPEC_ECC_NIST_P256,
    KW_SPEC_ECC_NIST_EDWARDS25519,
};

static void log_progress(const struct kw_saving *saving, uint32_t level, uint64_t now_ns, uint64_t *next_ns)
{
    if (now_ns < *next_ns)
        return;
    *next_ns = now_ns + PROGRESS_NS;
    kw_log(KW_LOG_INFO, "saving-pool", "spec=%s pairs=%u left=%u",
        kw_spec_info(saving->record.name.spec)->name, saving->pairs, level);
}

/* Takes all that is there, or as much as the time allows. Returns: 0 | <0 */
static int take_all(struct kw_saving *saving, uint64_t deadline_ns)
{
    const struct kw_pool *pool = saving->warmstart->config.pools[saving->record.name.spec];
    uint64_t next_ns = kw_now_ns() + PROGRESS_NS;
    int r;

    while ((r = kw_saving_take(saving)) == 0) {
        if (saving->pairs % CLOCK_PAIRS != 0)
            continue;
        uint64_t now_ns = kw_now_ns();
        log_progress(saving, kw_pool_level(pool), now_ns, &next_ns);
        if (now_ns >= deadline_ns)
            return 0;
    }
    return r < 0 ? r : 0;
}

static void save_pool(struct kw_warmstart *warmstart, enum kw_spec spec, uint64_t deadline_ns)
{
    struct kw_pool *pool = warmstart->config.pools[spec];
    uint32_t level = pool == NULL ? 0 : kw_pool_level(pool);
    struct kw_saving saving;

    if (level == 0)
        return;
    uint64_t begun_ns = kw_now_ns();
    int r = kw_saving_begin(warmstart, (struct kw_saved_name){spec, KW_SAVED_POOL}, level, &saving);
    if (r == 0)
        r = take_all(&saving, deadline_ns);
    if (r < 0) {
        kw_saving_log_failure(&saving, r);
        kw_saving_abandon(&saving);
        return;
    }
    uint32_t pairs = saving.pairs;
    if (pairs == 0) {
        kw_saving_abandon(&saving);
        return;
    }
    if (kw_saving_commit(&saving) != 0)
        return;
    uint32_t left = kw_pool_level(pool);
    kw_log(left > 0 ? KW_LOG_WARN : KW_LOG_INFO, "pool-saved", "spec=%s pairs=%u left=%u bytes=%lld ms=%llu",
        kw_spec_info(spec)->name, pairs, left, (long long)saving.record.size,
        (unsigned long long)((kw_now_ns() - begun_ns) / NS_PER_MS));
}

void kw_warmstart_save_pools(struct kw_warmstart *warmstart)
{
    uint64_t deadline_ns = kw_now_ns() + KW_SAVE_MS * NS_PER_MS;

    for (size_t i = 0; i < KW_ARRAY_LEN(order); i++) {
        if (kw_now_ns() >= deadline_ns)
            kw_log(KW_LOG_WARN, "pool-not-saved", "spec=%s why=\"there is no time left\"",
                kw_spec_info(order[i])->name);
        else
            save_pool(warmstart, order[i], deadline_ns);
    }
}
