#include "api/warmstart.h"

#include "api/log.h"
#include "api/warmstart_internal.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- numbers ---- */

static int change_read(struct kw_tx *tx, void *arg)
{
    struct kw_warmstart *warmstart = arg;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        for (unsigned kind = 0; kind < KW_SAVED_KIND_NUM; kind++) {
            struct kw_warmstart_load *load = &warmstart->loads[spec];
            struct kw_saved_name name = {(enum kw_spec)spec, (enum kw_saved_kind)kind};
            int r = kw_tx_get_saved_pool(tx, name, &load->record[kind]);

            KW_TRY(r);
            load->known[kind] = r == 0;
        }
    }
    return 0;
}

int kw_warmstart_numbers(struct kw_warmstart *warmstart)
{
    return kw_store_apply(warmstart->config.store, &(struct kw_change){change_read, warmstart});
}

static int change_record(struct kw_tx *tx, void *arg)
{
    return kw_tx_put_saved_pool(tx, arg);
}

static int fault_of_number(void)
{
    return kw_fault(KW_FAULT_POOL_NUMBER) == KW_FAULT_NONE ? 0 : KW_STORE_FAILED;
}

int kw_warmstart_record(struct kw_warmstart *warmstart, const struct kw_saved_pool *record)
{
    struct kw_saved_pool copy = *record;
    KW_ERASE_GUARD(copy);
    int r = fault_of_number();

    return r != 0 ? r : kw_store_apply(warmstart->config.store, &(struct kw_change){change_record, &copy});
}

static int change_use_up(struct kw_tx *tx, void *arg)
{
    const struct kw_saved_pool *record = arg;
    struct kw_saved_pool there = {.pairs = 0};
    KW_ERASE_GUARD(there);
    int r = kw_tx_get_saved_pool(tx, record->name, &there);

    if (r != 0)
        return r;
    KW_REQUIRE(memcmp(there.number, record->number, sizeof(there.number)) == 0, KW_TX_NONE);
    return kw_tx_remove_saved_pool(tx, record->name);
}

int kw_warmstart_use_up(struct kw_warmstart *warmstart, const struct kw_saved_pool *record)
{
    struct kw_saved_pool copy = *record;
    KW_ERASE_GUARD(copy);
    int r = fault_of_number();

    return r != 0 ? r : kw_store_apply(warmstart->config.store, &(struct kw_change){change_use_up, &copy});
}

/* ---- the folder ---- */

int kw_warmstart_sync_folder(const struct kw_warmstart *warmstart)
{
    KW_REQUIRE(kw_fault(KW_FAULT_POOL_FOLDER) == KW_FAULT_NONE, -EIO);
    return fsync(warmstart->fd) == 0 ? 0 : -errno;
}

int kw_warmstart_remove(const struct kw_warmstart *warmstart, const char *name)
{
    KW_REQUIRE(kw_fault(KW_FAULT_POOL_REMOVE) == KW_FAULT_NONE, -EIO);
    if (unlinkat(warmstart->fd, name, 0) < 0)
        return errno == ENOENT ? 0 : -errno;
    return kw_warmstart_sync_folder(warmstart);
}

int kw_warmstart_identify(int fd, int64_t *ret_inode, int64_t *ret_born_ns)
{
    struct statx stx;

    KW_REQUIRE(statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &stx) == 0, -errno);
    *ret_inode = (stx.stx_mask & STATX_INO) != 0 ? (int64_t)stx.stx_ino : 0;
    *ret_born_ns = (stx.stx_mask & STATX_BTIME) != 0
                       ? (int64_t)stx.stx_btime.tv_sec * 1000000000 + stx.stx_btime.tv_nsec
                       : 0;
    return 0;
}

/* Backup programs leave out what is in a folder with such a file (tar --exclude-caches and its kin): a backup
 * of a saved pool is of no use, and one that is restored by blocks a hazard. */
static void write_cache_tag(int fd)
{
    static const char text[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                               "# Key pairs that keywelld saved; each file is good for one start. Leave this "
                               "folder out of backups.\n";
    int tag = openat(fd, "CACHEDIR.TAG", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (tag < 0)
        return;
    /* Nothing rests on it. */
    if (write(tag, text, sizeof(text) - 1) < 0)
        (void)unlinkat(fd, "CACHEDIR.TAG", 0);
    close(tag);
}

static int open_folder(struct kw_warmstart *warmstart)
{
    int dir = warmstart->config.data_fd;
    struct stat st;

    if (mkdirat(dir, KW_WARMSTART_FOLDER, 0700) == 0)
        KW_REQUIRE(fsync(dir) == 0, -errno);
    else
        KW_REQUIRE(errno == EEXIST, -errno);
    warmstart->fd = openat(dir, KW_WARMSTART_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    KW_REQUIRE(warmstart->fd >= 0 && fstat(warmstart->fd, &st) == 0, -errno);
    KW_REQUIRE(st.st_uid == geteuid() && (st.st_mode & 077) == 0, -EPERM);
    write_cache_tag(warmstart->fd);
    return 0;
}

/* What a crash left half written: it has no number on record. */
static void remove_leftovers(const struct kw_warmstart *warmstart)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        for (unsigned kind = 0; kind < KW_SAVED_KIND_NUM; kind++) {
            char name[KW_SAVED_FILE_MAX], temporary[KW_SAVED_FILE_MAX + 4];

            kw_saved_file_name((struct kw_saved_name){(enum kw_spec)spec, (enum kw_saved_kind)kind}, name);
            snprintf(temporary, sizeof(temporary), "%s.new", name);
            (void)unlinkat(warmstart->fd, temporary, 0);
        }
    }
}

static bool file_is_there(const struct kw_warmstart *warmstart, struct kw_saved_name name)
{
    char file[KW_SAVED_FILE_MAX];
    struct stat st;

    kw_saved_file_name(name, file);
    return fstatat(warmstart->fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- life ---- */

static int look(struct kw_warmstart *warmstart)
{
    int r = open_folder(warmstart);

    if (r == 0) {
        remove_leftovers(warmstart);
        r = kw_warmstart_numbers(warmstart);
    }
    if (r == 0)
        return 0;
    kw_log(KW_LOG_WARN, "saved-pools-off", "folder=%s why=\"%s; no pool is restored or saved\"",
        KW_WARMSTART_FOLDER,
        r == KW_STORE_FAILED ? "the keystore cannot be read"
        : r == -EPERM        ? "it must be a folder of this user's, open to nobody else (chmod 0700)"
                             : strerror(-r));
    if (warmstart->fd >= 0)
        close(warmstart->fd);
    warmstart->fd = -1;
    atomic_fetch_add_explicit(&warmstart->failures, 1, memory_order_relaxed);
    return 0;
}

static int prepare_load(struct kw_warmstart *warmstart, enum kw_spec spec)
{
    struct kw_warmstart_load *load = &warmstart->loads[spec];

    load->warmstart = warmstart;
    load->spec = spec;
    for (unsigned kind = 0; kind < KW_SAVED_KIND_NUM; kind++) {
        struct kw_saved_name name = {spec, (enum kw_saved_kind)kind};
        bool there = load->known[kind] || file_is_there(warmstart, name);

        if (there && warmstart->config.pools[spec] == NULL)
            kw_log(KW_LOG_INFO, "saved-pool-kept", "spec=%s why=\"its pool is switched off\"",
                kw_spec_info(spec)->name);
        load->wanted |= there && warmstart->config.pools[spec] != NULL;
    }
    return load->wanted ? kw_warmstart_book(load) : 0;
}

static void limit_reserves(struct kw_warmstart *warmstart)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        struct kw_pool_stats stats = {0};

        if (warmstart->config.pools[spec] != NULL)
            kw_pool_stats(warmstart->config.pools[spec], &stats);
        warmstart->config.reserve[spec] = KW_MIN(warmstart->config.reserve[spec], stats.capacity);
    }
}

static int set_up(struct kw_warmstart *warmstart)
{
    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    KW_TRY(kw_drbg_new(&warmstart->drbg, NULL));
    limit_reserves(warmstart);
    KW_TRY(look(warmstart));
    for (unsigned spec = 0; warmstart->fd >= 0 && spec < KW_SPEC_NUM; spec++)
        KW_TRY(prepare_load(warmstart, (enum kw_spec)spec));
    return 0;
}

static void give_back_slots(struct kw_warmstart *warmstart)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        struct kw_warmstart_load *load = &warmstart->loads[spec];

        for (uint32_t i = 0; i < load->num_slots; i++)
            kw_pool_discard(warmstart->config.pools[spec], &load->slots[i]);
        free(load->slots);
    }
}

static void dispose(struct kw_warmstart *warmstart)
{
    give_back_slots(warmstart);
    if (warmstart->fd >= 0)
        close(warmstart->fd);
    kw_drbg_free(warmstart->drbg);
    kw_secmem_free(warmstart);
}

int kw_warmstart_new(struct kw_warmstart **ret, const struct kw_warmstart_config *config)
{
    /* Secret memory, for the records in it. */
    struct kw_warmstart *warmstart = kw_secmem_alloc_aligned(sizeof(*warmstart), KW_CACHE_LINE);

    KW_REQUIRE(warmstart != NULL, kw_secmem_alive() ? -ENOMEM : -EPERM);
    warmstart->config = *config;
    warmstart->fd = -1;
    kw_bell_init(&warmstart->bell);
    int r = set_up(warmstart);
    if (r < 0) {
        dispose(warmstart);
        return r;
    }
    *ret = warmstart;
    return 0;
}

static void *run_load(void *arg)
{
    kw_warmstart_load(arg);
    return NULL;
}

/* Signals are for the main thread; this one inherits a mask in which all are blocked. */
static bool start_thread(pthread_t *ret, const char *name, void *(*run)(void *), void *arg)
{
    sigset_t all, old;

    kw_signals_of_threads(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(ret, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(*ret, name);
    else
        kw_log(KW_LOG_ERROR, "saved-pools", "thread=%s why=\"%s\"", name, strerror(r));
    return r == 0;
}

static bool wants_reserve(const struct kw_warmstart *warmstart)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (warmstart->config.reserve[spec] > 0)
            return true;
    }
    return false;
}

void kw_warmstart_begin(struct kw_warmstart *warmstart)
{
    if (warmstart->fd < 0)
        return;
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        struct kw_warmstart_load *load = &warmstart->loads[spec];

        if (load->wanted)
            load->running = start_thread(&load->thread, "restore", run_load, load);
    }
    if (wants_reserve(warmstart))
        warmstart->reserve_running =
            start_thread(&warmstart->reserve_thread, "reserve", kw_warmstart_reserve_run, warmstart);
}

void kw_warmstart_wait(struct kw_warmstart *warmstart)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        struct kw_warmstart_load *load = &warmstart->loads[spec];

        if (load->running)
            pthread_join(load->thread, NULL);
        load->running = false;
    }
}

void kw_warmstart_free(struct kw_warmstart *warmstart)
{
    if (warmstart == NULL)
        return;
    atomic_store_explicit(&warmstart->stopping, true, memory_order_relaxed);
    kw_bell_ring(&warmstart->bell);
    if (warmstart->reserve_running)
        pthread_join(warmstart->reserve_thread, NULL);
    kw_warmstart_wait(warmstart);
    if (warmstart->fd >= 0 && warmstart->config.save)
        kw_warmstart_save_pools(warmstart);
    dispose(warmstart);
}

void kw_warmstart_stats(const struct kw_warmstart *warmstart, struct kw_warmstart_stats *ret)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        ret->restored[spec] = atomic_load_explicit(&warmstart->restored[spec], memory_order_relaxed);
        ret->saved[spec] = atomic_load_explicit(&warmstart->saved[spec], memory_order_relaxed);
        ret->reserve[spec] = atomic_load_explicit(&warmstart->reserve[spec], memory_order_relaxed);
    }
    ret->refused = atomic_load_explicit(&warmstart->refused, memory_order_relaxed);
    ret->failures = atomic_load_explicit(&warmstart->failures, memory_order_relaxed);
}
