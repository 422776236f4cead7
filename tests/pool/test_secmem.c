#include "pool/secmem.h"
#include "tests/pool/death.h"
#include "tests/pool/maps.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>

static bool is_filled(const uint8_t *ptr, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++) {
        if (ptr[i] != value)
            return false;
    }
    return true;
}

START_TEST(test_alloc_is_zero_and_aligned)
{
    static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 100, 4096, 5000, 16384, 100000, 3 << 20};

    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < KW_ARRAY_LEN(sizes); i++) {
            uint8_t *block = kw_secmem_alloc(sizes[i]);
            ck_assert_ptr_nonnull(block);
            ck_assert_uint_eq((uintptr_t)block % 16, 0);
            ck_assert_uint_ge(kw_secmem_size(block), sizes[i]);
            ck_assert(is_filled(block, kw_secmem_size(block), 0));
            memset(block, 0xa5, kw_secmem_size(block));
            kw_secmem_free(block);
        }
    }
}
END_TEST

START_TEST(test_alloc_aligned)
{
    for (size_t align = 1; align <= (size_t)1 << 22; align *= 2) {
        KW_SECMEM uint8_t *block = kw_secmem_alloc_aligned(48, align);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % align, 0);
        ck_assert_uint_eq((uintptr_t)block % 16, 0);
    }
}
END_TEST

START_TEST(test_alloc_absurd)
{
    ck_assert_ptr_null(kw_secmem_alloc(0));
    ck_assert_ptr_null(kw_secmem_alloc(SIZE_MAX));
    ck_assert_ptr_null(kw_secmem_alloc((size_t)1 << 50));
    ck_assert_ptr_null(kw_secmem_alloc_aligned(16, (size_t)1 << 62));
    kw_secmem_free(NULL);
}
END_TEST

static void align_three(void *arg)
{
    (void)arg;
    (void)!kw_secmem_alloc_aligned(16, 3);
}

START_TEST(test_alignment_is_a_power_of_two)
{
    ck_assert_int_eq(death_signal(align_three, NULL), SIGABRT);
}
END_TEST

/* The freed bytes are still mapped and still there to be looked at. */
START_TEST(test_free_wipes_the_usable_size)
{
    static const size_t sizes[] = {20, 3000, 70000, 3 << 20};

    for (size_t i = 0; i < KW_ARRAY_LEN(sizes); i++) {
        uint8_t *block = kw_secmem_alloc(sizes[i]);
        ck_assert_ptr_nonnull(block);
        size_t usable = kw_secmem_size(block);
        memset(block, 0x77, usable);
        kw_secmem_free(block);
        ck_assert(is_filled(block, usable, 0));
    }
}
END_TEST

START_TEST(test_realloc)
{
    uint8_t *block = kw_secmem_realloc(NULL, 100);
    ck_assert_ptr_nonnull(block);
    memset(block, 0x31, 100);
    size_t usable = kw_secmem_size(block);

    uint8_t *grown = kw_secmem_realloc(block, 10000);
    ck_assert_ptr_nonnull(grown);
    ck_assert_ptr_ne(grown, block);
    ck_assert(is_filled(grown, 100, 0x31));
    ck_assert(is_filled(grown + usable, 10000 - usable, 0));
    ck_assert(is_filled(block, usable, 0));

    ck_assert_ptr_null(kw_secmem_realloc(grown, (size_t)1 << 50));
    ck_assert_ptr_null(kw_secmem_realloc(grown, 0));
    ck_assert(is_filled(grown, 100, 0x31));

    usable = kw_secmem_size(grown);
    uint8_t *small = kw_secmem_realloc(grown, 50);
    ck_assert_ptr_nonnull(small);
    ck_assert(is_filled(small, 50, 0x31));
    ck_assert(is_filled(grown, usable, 0));
    ck_assert_ptr_eq(kw_secmem_realloc(small, 49), small);
    kw_secmem_free(small);
}
END_TEST

START_TEST(test_kernel_flags)
{
    struct kw_secmem_stats stats;
    struct maps_entry entry;
    KW_SECMEM uint8_t *block = kw_secmem_alloc(100000);

    ck_assert_ptr_nonnull(block);
    kw_secmem_stats(&stats);
    ck_assert(maps_find((uintptr_t)block, &entry));
    ck_assert_str_eq(entry.access, "rw-p");
    ck_assert(stats.dontdump);
    ck_assert(stats.wipeonfork);
    ck_assert_msg(maps_has_flag(&entry, " dd "), "in core dumps: %s", entry.flags);
    ck_assert_msg(maps_has_flag(&entry, " wf "), "copied into children: %s", entry.flags);
    if (stats.locked_bytes == stats.mapped_bytes)
        ck_assert_msg(maps_has_flag(&entry, " lo "), "may be swapped: %s", entry.flags);
    /* Faulted in, locked or not. */
    ck_assert_uint_ge(entry.rss_kib * 1024, entry.end - entry.start);
}
END_TEST

static void read_byte(void *addr)
{
    (void)*(volatile uint8_t *)addr;
}

START_TEST(test_map)
{
    static const size_t sizes[] = {1, 4096, 4097, (2 << 20) + 1, 5 << 20};

    for (size_t i = 0; i < KW_ARRAY_LEN(sizes); i++) {
        struct kw_secmem_stats before, during, after;
        struct kw_secmem_map map = {0};
        struct maps_entry entry;

        kw_secmem_stats(&before);
        ck_assert_int_eq(kw_secmem_map(&map, sizes[i]), 0);
        kw_secmem_stats(&during);
        ck_assert_uint_ge(map.len, sizes[i]);
        ck_assert_uint_ge(during.mapped_bytes - before.mapped_bytes, sizes[i]);
        ck_assert(is_filled(map.ptr, sizes[i], 0));
        ck_assert(maps_find((uintptr_t)map.ptr, &entry));
        ck_assert_uint_eq(entry.start, (uintptr_t)map.ptr);
        ck_assert_uint_eq(entry.end - entry.start, (sizes[i] + 4095) / 4096 * 4096);
        ck_assert(maps_has_flag(&entry, " dd ") && maps_has_flag(&entry, " wf "));
        ck_assert_int_eq(maps_has_flag(&entry, " lo "), map.locked);
        if (sizes[i] >= 2 << 20) {
            ck_assert_uint_eq((uintptr_t)map.ptr % (2 << 20), 0);
            ck_assert_msg(maps_has_flag(&entry, " hg "), "no huge pages: %s", entry.flags);
        }
        memset(map.ptr, 0x3c, sizes[i]);
        ck_assert_int_eq(death_signal(read_byte, (uint8_t *)map.ptr - 1), SIGSEGV);
        ck_assert_int_eq(death_signal(read_byte, (uint8_t *)entry.end), SIGSEGV);
        void *ptr = map.ptr;
        kw_secmem_unmap(&map);
        ck_assert_ptr_null(map.ptr);
        ck_assert(!maps_find((uintptr_t)ptr, &entry) || strcmp(entry.access, "rw-p") != 0);
        kw_secmem_unmap(&map);
        kw_secmem_stats(&after);
        ck_assert_uint_eq(after.mapped_bytes, before.mapped_bytes);
        ck_assert_uint_eq(after.locked_bytes, before.locked_bytes);
    }
}
END_TEST

static void map_in_child(void *arg)
{
    struct kw_secmem_map fresh = {0}, *map = arg;

    kw_assert(kw_secmem_map(&fresh, 1) == -ENOMEM);
    kw_assert(is_filled(map->ptr, 5000, 0));
    kw_secmem_unmap(map);
    kw_assert(map->ptr == NULL);
}

START_TEST(test_map_hostile)
{
    struct kw_secmem_map map = {0};

    ck_assert_int_eq(kw_secmem_map(&map, 0), -ENOMEM);
    ck_assert_int_eq(kw_secmem_map(&map, SIZE_MAX), -ENOMEM);
    ck_assert_int_eq(kw_secmem_map(&map, (size_t)1 << 50), -ENOMEM);
    ck_assert_ptr_null(map.ptr);
    ck_assert_int_eq(kw_secmem_map(&map, 5000), 0);
    memset(map.ptr, 1, 5000);
    ck_assert_int_eq(death_signal(map_in_child, &map), 0);
    ck_assert_uint_eq(*(uint8_t *)map.ptr, 1);
    kw_secmem_unmap(&map);
}
END_TEST

/* Neighbouring extents may make one entry only if no guard is between them, so both ends of any entry are
 * guards. */
START_TEST(test_guard_pages)
{
    struct maps_entry entry, guard;
    KW_SECMEM uint8_t *block = kw_secmem_alloc(64);

    ck_assert_ptr_nonnull(block);
    ck_assert(maps_find((uintptr_t)block, &entry));
    ck_assert(maps_find(entry.end, &guard));
    ck_assert_str_eq(guard.access, "---p");
    ck_assert(maps_find(entry.start - 1, &guard));
    ck_assert_str_eq(guard.access, "---p");

    uint8_t *start = block - ((uintptr_t)block - entry.start), *end = start + (entry.end - entry.start);
    ck_assert_int_eq(death_signal(read_byte, start), 0);
    ck_assert_int_eq(death_signal(read_byte, end - 1), 0);
    ck_assert_int_eq(death_signal(read_byte, start - 1), SIGSEGV);
    ck_assert_int_eq(death_signal(read_byte, end), SIGSEGV);
}
END_TEST

static void be_a_child(void *arg)
{
    uint8_t *block = arg;

    kw_assert(!kw_secmem_alive());
    kw_assert(kw_secmem_init() == 0 && !kw_secmem_alive());
    kw_assert(is_filled(block, 1000, 0));
    kw_assert(kw_secmem_alloc(16) == NULL);
    kw_assert(kw_secmem_realloc(NULL, 16) == NULL);
    kw_assert(kw_secmem_realloc(block, 100000) == NULL);
    kw_secmem_free(block);
    /* The program's own allocator is unharmed by the wiping. */
    for (size_t len = 1; len < 100000; len *= 3)
        free(malloc(len));
}

static void exec_true(void *arg)
{
    (void)arg;
    execl("/bin/true", "true", (char *)NULL);
    abort();
}

START_TEST(test_forked_child)
{
    uint8_t *block = kw_secmem_alloc(1000);

    ck_assert_ptr_nonnull(block);
    memset(block, 0x5c, 1000);
    ck_assert(kw_secmem_alive());
    ck_assert_int_eq(death_signal(be_a_child, block), 0);
    ck_assert_int_eq(death_signal(exec_true, NULL), 0);
    ck_assert(kw_secmem_alive());
    ck_assert(is_filled(block, 1000, 0x5c));
    kw_secmem_free(block);
}
END_TEST

static uint64_t mapping_calls(void)
{
    struct kw_secmem_stats stats;

    kw_secmem_stats(&stats);
    return stats.mapping_calls;
}

struct work {
    size_t reserve;
    int result;
    uint64_t calls_of_init;
    uint64_t calls_of_work;
};

/* Allocates about 3 MiB in many sizes. */
static void use_some(void)
{
    static const size_t sizes[] = {16, 48, 200, 1000, 3000, 9000, 40000, 256 << 10};
    uint8_t *blocks[64];

    for (unsigned i = 0; i < KW_ARRAY_LEN(blocks); i++) {
        blocks[i] = kw_secmem_alloc(sizes[i % KW_ARRAY_LEN(sizes)]);
        kw_assert(blocks[i] != NULL);
        memset(blocks[i], 1, kw_secmem_size(blocks[i]));
    }
    for (unsigned i = 0; i < KW_ARRAY_LEN(blocks); i++)
        kw_secmem_free(blocks[i]);
}

static void *work_in_thread(void *arg)
{
    struct work *work = arg;
    uint64_t before = mapping_calls();

    work->result = kw_secmem_thread_init(work->reserve);
    kw_assert(kw_secmem_thread_init(work->reserve) == 0);
    uint64_t ready = mapping_calls();
    if (work->result == 0) {
        for (unsigned i = 0; i < 50; i++)
            use_some();
    }
    work->calls_of_init = ready - before;
    work->calls_of_work = mapping_calls() - ready;
    kw_secmem_thread_done();
    kw_secmem_thread_done();
    return NULL;
}

static struct work run_thread(size_t reserve)
{
    struct work work = {.reserve = reserve, .result = -1};
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, work_in_thread, &work), 0);
    pthread_join(thread, NULL);
    return work;
}

START_TEST(test_thread_reserve)
{
    struct work work = run_thread(8 << 20);

    ck_assert_int_eq(work.result, 0);
    ck_assert_uint_le(work.calls_of_init, 1);
    ck_assert_uint_eq(work.calls_of_work, 0);
    /* A later thread gets the same arena, with all that it has. */
    for (unsigned i = 0; i < 20; i++) {
        work = run_thread(8 << 20);
        ck_assert_int_eq(work.result, 0);
        ck_assert_uint_eq(work.calls_of_init + work.calls_of_work, 0);
    }
}
END_TEST

static void *init_too_much(void *arg)
{
    *(int *)arg = kw_secmem_thread_init(SIZE_MAX / 2);
    /* Without an arena of its own the thread still has the common one. */
    uint8_t *block = kw_secmem_alloc(100);
    kw_assert(block != NULL);
    kw_secmem_free(block);
    return NULL;
}

START_TEST(test_thread_reserve_absurd)
{
    pthread_t thread;
    int result = 0;

    ck_assert_int_eq(pthread_create(&thread, NULL, init_too_much, &result), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(result, -ENOMEM);
}
END_TEST

#define HANDED 500

static void *allocate_and_leave(void *arg)
{
    uint8_t **blocks = arg;

    kw_assert(kw_secmem_thread_init(1 << 20) == 0);
    for (size_t i = 0; i < HANDED; i++) {
        blocks[i] = kw_secmem_alloc(i * 20 + 1);
        kw_assert(blocks[i] != NULL);
        memset(blocks[i], (int)i & 0xff, i * 20 + 1);
    }
    kw_secmem_thread_done();
    return NULL;
}

static void *check_and_free(void *arg)
{
    uint8_t **blocks = arg;

    kw_assert(kw_secmem_thread_init(0) == 0);
    for (size_t i = 0; i < HANDED; i++) {
        kw_assert(is_filled(blocks[i], i * 20 + 1, i & 0xff));
        kw_secmem_free(blocks[i]);
    }
    kw_secmem_thread_done();
    return NULL;
}

/* Blocks outlive their thread, also while its arena works for another one. */
START_TEST(test_blocks_change_threads)
{
    static uint8_t *blocks[4][HANDED];
    pthread_t threads[4];

    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate_and_leave, blocks[i]), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, check_and_free, blocks[(i + 1) % 4]), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

static void limit_locking(void *arg)
{
    (void)arg;
    /* Root is bound by the limit only without this capability, which the bounding set takes away at exec. */
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
        (geteuid() == 0 && prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK) != 0))
        abort();
    execl("/proc/self/exe", "secmem", "--unlocked", (char *)NULL);
    abort();
}

/* A new process, since the arenas of this one are locked already. */
static int main_unlocked(void)
{
    struct kw_secmem_stats stats;
    struct maps_entry entry;

    kw_assert(kw_secmem_init() == 0);
    uint8_t *block = kw_secmem_alloc(100000);
    kw_assert(block != NULL);
    kw_secmem_stats(&stats);
    kw_assert(stats.locked_bytes == 0 && stats.mapped_bytes >= 100000 && stats.dontdump && stats.wipeonfork);
    kw_assert(maps_find((uintptr_t)block, &entry) && !maps_has_flag(&entry, " lo "));
    kw_assert(entry.rss_kib * 1024 >= entry.end - entry.start);
    kw_secmem_free(block);
    return 0;
}

START_TEST(test_without_locking)
{
    ck_assert_int_eq(death_signal(limit_locking, NULL), 0);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--unlocked") == 0)
        return main_unlocked();
    if (kw_secmem_alive() || kw_secmem_init() != 0 || kw_secmem_init() != 0)
        return 1;
    Suite *suite = suite_create("secmem");
    TCase *tcase = tcase_create("secmem");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_alloc_is_zero_and_aligned);
    tcase_add_test(tcase, test_alloc_aligned);
    tcase_add_test(tcase, test_alloc_absurd);
    tcase_add_test(tcase, test_alignment_is_a_power_of_two);
    tcase_add_test(tcase, test_free_wipes_the_usable_size);
    tcase_add_test(tcase, test_realloc);
    tcase_add_test(tcase, test_kernel_flags);
    tcase_add_test(tcase, test_map);
    tcase_add_test(tcase, test_map_hostile);
    tcase_add_test(tcase, test_guard_pages);
    tcase_add_test(tcase, test_forked_child);
    tcase_add_test(tcase, test_thread_reserve);
    tcase_add_test(tcase, test_thread_reserve_absurd);
    tcase_add_test(tcase, test_blocks_change_threads);
    tcase_add_test(tcase, test_without_locking);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
