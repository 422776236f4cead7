/* Pools that survive a restart, and what must not: copies, old files, altered ones. Above all, no pair is
 * served twice. tests/faults/test_warmstart.py kills it at every step. */
#include "tests/support/warmstart_rig.h"

#include "tests/pool/death.h"
#include "tests/support/suite.h"

#include <sys/time.h>

static struct rig rig;
static char top[64], path[80];

/* ---- who was served what ---- */

#define SERVED_MAX 4096
static uint8_t served[SERVED_MAX][RIG_SERIAL];
static size_t num_served;

static bool serve_one(int i)
{
    if (!rig_serve(&rig, i, served[num_served]))
        return false;
    for (size_t at = 0; at < num_served; at++)
        ck_assert_mem_ne(served[at], served[num_served], RIG_SERIAL); /* the point of it all */
    ck_assert_uint_lt(++num_served, SERVED_MAX);
    return true;
}

static void serve_all(void)
{
    for (int i = 0; i < RIG_SPECS; i++) {
        while (rig.capacity[i] > 0 && serve_one(i))
            ;
    }
}

/* ---- the folder ---- */

static void setup(void)
{
    /* In memory if there is such a folder: syncs are not what is looked at. */
    snprintf(top, sizeof(top), "%s/keywell-warmstart-XXXXXX",
        access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(path, sizeof(path), "%s/data", top);
    rig = (struct rig){.path = path, .capacity = {40, 30}};
    num_served = 0;
    (void)kw_fault_set("");
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", top);
    ck_assert_int_eq(system(command), 0);
}

static const char *file(const char *name)
{
    static char text[4][160];
    static int next;
    char *to = text[next++ % 4];
    snprintf(to, sizeof(text[0]), "%s/pools/%s", path, name);
    return to;
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(file(name), &st) == 0;
}

static int files_there(void)
{
    return exists("RSA_4096.saved") + exists("ECC_NIST_EDWARDS25519.saved");
}

static void copy(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof(command), "cp -p %s %s", from, to);
    ck_assert_int_eq(system(command), 0);
}

static struct kw_warmstart_stats stats(void)
{
    struct kw_warmstart_stats now;
    kw_warmstart_stats(rig.warmstart, &now);
    return now;
}

static uint32_t level(int i)
{
    return kw_pool_level(rig.pools[rig_specs[i]]);
}

/* A server that filled its pools and was stopped. */
static void fill_and_stop(void)
{
    rig_start(&rig);
    rig_fill(&rig);
    rig_stop(&rig);
}

/* A start that is expected to find nothing that it may use for RSA_4096, and to say so. */
static void expect_refusal(const char *what)
{
    rig_start(&rig);
    ck_assert_msg(level(1) == 0, "%s: %u pairs came", what, level(1));
    ck_assert_msg(stats().refused == 1, "%s: %llu refused", what, (unsigned long long)stats().refused);
    ck_assert_msg(!exists("RSA_4096.saved"), "%s: it is still there", what);
    /* And the server goes on as ever. */
    rig_fill(&rig);
    serve_all();
    rig_fill(&rig);
    rig_stop(&rig);
    ck_assert_msg(exists("RSA_4096.saved"), "%s: saving ends", what);
}

START_TEST(pools_come_back)
{
    for (int round = 0; round < 3; round++) {
        rig_start(&rig);
        ck_assert_uint_eq(level(0), round == 0 ? 0 : 40);
        ck_assert_uint_eq(level(1), round == 0 ? 0 : 30);
        ck_assert_uint_eq(stats().restored[rig_specs[1]], round == 0 ? 0 : 30);
        ck_assert_int_eq(files_there(), 0);
        for (int i = 0; i < 10; i++)
            ck_assert(round == 0 || (serve_one(0) && serve_one(1)));
        rig_fill(&rig);
        rig_stop(&rig);
        ck_assert_int_eq(files_there(), 2);
    }
    rig_start(&rig);
    serve_all();
    ck_assert_uint_eq(num_served, 40 + 70);
    /* Of empty pools there is nothing to save. */
    rig_stop(&rig);
    ck_assert_int_eq(files_there(), 0);
}
END_TEST

START_TEST(files_are_private_and_the_folder_is_no_backup)
{
    struct stat st;
    umask(0);
    fill_and_stop();
    umask(0077);
    ck_assert_int_eq(stat(file("RSA_4096.saved"), &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(file("."), &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0700);
    ck_assert(exists("CACHEDIR.TAG"));
}
END_TEST

START_TEST(saving_can_be_switched_off)
{
    rig.no_save = true;
    fill_and_stop();
    ck_assert_int_eq(files_there(), 0);
    rig.no_save = false;
    fill_and_stop();
    /* What is there is used all the same. */
    rig.no_save = true;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    rig_stop(&rig);
    ck_assert_int_eq(files_there(), 0);
}
END_TEST

/* ---- what is to be refused ---- */

START_TEST(a_copy_put_back_is_refused)
{
    char kept[128], link_name[128];
    snprintf(kept, sizeof(kept), "%s/kept", top);
    snprintf(link_name, sizeof(link_name), "%s/link", top);
    fill_and_stop();
    copy(file("RSA_4096.saved"), kept);
    ck_assert_int_eq(link(file("RSA_4096.saved"), link_name), 0);
    rig.no_save = true;
    rig_start(&rig);
    serve_all();
    rig_stop(&rig);
    rig.no_save = false;
    copy(kept, file("RSA_4096.saved"));
    expect_refusal("a copy after its use");
    /* The very file, kept by another name: only its number speaks against it. */
    ck_assert_int_eq(rename(link_name, file("RSA_4096.saved")), 0);
    expect_refusal("the file itself, in place of a newer one");
}
END_TEST

START_TEST(a_copy_in_place_of_the_file_is_refused)
{
    char kept[128];
    snprintf(kept, sizeof(kept), "%s/kept", top);
    fill_and_stop();
    /* As a backup of the data folder that is restored: the number is the right one, the file is another. */
    copy(file("RSA_4096.saved"), kept);
    ck_assert_int_eq(unlink(file("RSA_4096.saved")), 0);
    copy(kept, file("RSA_4096.saved"));
    expect_refusal("a copy before its use");
    /* Moved away and back it is the same file. */
    ck_assert_int_eq(rename(file("RSA_4096.saved"), kept), 0);
    ck_assert_int_eq(rename(kept, file("RSA_4096.saved")), 0);
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    ck_assert_uint_eq(stats().refused, 0);
    serve_all();
    rig_stop(&rig);
}
END_TEST

START_TEST(an_older_file_is_refused)
{
    char kept[128];
    snprintf(kept, sizeof(kept), "%s/kept", top);
    fill_and_stop();
    copy(file("RSA_4096.saved"), kept);
    rig_start(&rig);
    serve_all();
    rig_fill(&rig);
    rig_stop(&rig);
    /* Written over the newer one, so that it is not even another file. */
    char command[512];
    snprintf(command, sizeof(command), "cat %s > %s", kept, file("RSA_4096.saved"));
    ck_assert_int_eq(system(command), 0);
    expect_refusal("an older file");
}
END_TEST

static void flip(const char *name, off_t at)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

START_TEST(an_altered_file_is_refused)
{
    static const struct {
        const char *what;
        off_t at; /* below 0: from the end */
    } flips[] = {{"magic", 3}, {"name", 26}, {"number", 70}, {"length", 97}, {"total", 103}, {"text", 1000},
        {"second chunk", 66000}, {"last byte", -1}};
    fill_and_stop();
    for (size_t i = 0; i < KW_ARRAY_LEN(flips); i++) {
        struct stat st;
        ck_assert_int_eq(stat(file("RSA_4096.saved"), &st), 0);
        flip(file("RSA_4096.saved"), flips[i].at < 0 ? st.st_size + flips[i].at : flips[i].at);
        expect_refusal(flips[i].what);
    }
    struct stat st;
    ck_assert_int_eq(stat(file("RSA_4096.saved"), &st), 0);
    ck_assert_int_eq(truncate(file("RSA_4096.saved"), st.st_size - 1), 0);
    expect_refusal("one byte less");
    ck_assert_int_eq(truncate(file("RSA_4096.saved"), 0), 0);
    expect_refusal("nothing left");
}
END_TEST

START_TEST(what_is_no_file_of_ours_is_refused)
{
    char kept[128];
    snprintf(kept, sizeof(kept), "%s/kept", top);
    fill_and_stop();
    ck_assert_int_eq(chmod(file("RSA_4096.saved"), 0644), 0);
    expect_refusal("open to others");
    ck_assert_int_eq(rename(file("RSA_4096.saved"), kept), 0);
    ck_assert_int_eq(symlink(kept, file("RSA_4096.saved")), 0);
    expect_refusal("a symbolic link");
    ck_assert_int_eq(unlink(file("RSA_4096.saved")), 0);
    ck_assert_int_eq(mkfifo(file("RSA_4096.saved"), 0600), 0);
    expect_refusal("a pipe");
    ck_assert_int_eq(unlink(file("RSA_4096.saved")), 0);
    expect_refusal("a file that is gone");
}
END_TEST

/* Under the folder's own numbers, by whatever way: the key is another. */
START_TEST(another_root_key_is_refused)
{
    rig.capacity[0] = 0;
    rig_start(&rig);
    rig_fill(&rig);
    rig.key[0] ^= 1; /* lent to the warm start, which seals with it from now on */
    rig_stop(&rig);
    expect_refusal("another root key");
}
END_TEST

START_TEST(a_folder_that_is_open_to_others_is_not_used)
{
    fill_and_stop();
    ck_assert_int_eq(chmod(file("."), 0755), 0);
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 0);
    ck_assert_uint_eq(stats().failures, 1);
    rig_fill(&rig);
    serve_all();
    rig_fill(&rig);
    rig_stop(&rig);
    /* What is in it was not touched, and is good as soon as the folder is. */
    ck_assert_int_eq(chmod(file("."), 0700), 0);
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    serve_all();
    rig_stop(&rig);
}
END_TEST

/* ---- sizes ---- */

START_TEST(a_smaller_pool_takes_what_it_can)
{
    fill_and_stop();
    rig.capacity[1] = 7;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 7);
    serve_all();
    ck_assert_uint_eq(num_served, 47);
    rig_stop(&rig);
    rig.capacity[1] = 30;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 0); /* the others are gone for good */
    rig_stop(&rig);
}
END_TEST

START_TEST(a_larger_pool_takes_it_all_and_has_room)
{
    fill_and_stop();
    rig.capacity[1] = 100;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    rig_fill(&rig);
    ck_assert_uint_eq(level(1), 100);
    serve_all();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_spec_that_is_switched_off_keeps_its_file)
{
    fill_and_stop();
    rig.capacity[1] = 0;
    for (int round = 0; round < 2; round++) {
        rig_start(&rig);
        serve_all();
        rig_fill(&rig);
        rig_stop(&rig);
    }
    rig.capacity[1] = 30;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    serve_all();
    rig_stop(&rig);
}
END_TEST

/* ---- while it loads ---- */

/* Slots are booked before anyone else can have them, and those that are not needed come back. */
START_TEST(workers_fill_what_the_files_do_not)
{
    struct kw_slot slot;
    rig_start(&rig);
    while (level(1) < 20)
        rig_make(&rig, 1);
    rig_stop(&rig);
    flip(file("RSA_4096.saved"), 1000);
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 0);
    rig_fill(&rig);
    ck_assert_uint_eq(level(1), 30);
    ck_assert_int_eq(kw_pool_acquire(rig.pools[rig_specs[1]], &slot), KW_POOL_FULL);
    rig_stop(&rig);
}
END_TEST

/* ---- reserves ---- */

static void wait_for_reserve(int i, uint32_t pairs)
{
    uint64_t end = kw_now_ns() + 10000000000ull;
    while (stats().reserve[rig_specs[i]] != pairs && kw_now_ns() < end) {
        if (level(i) < rig.capacity[i])
            rig_fill(&rig);
        usleep(1000);
    }
    ck_assert_uint_eq(stats().reserve[rig_specs[i]], pairs);
}

static void start_with_reserve(void)
{
    rig.reserve[1] = 12;
    rig_start(&rig);
    rig_fill(&rig);
    wait_for_reserve(1, 12);
    rig_fill(&rig);
    ck_assert(exists("RSA_4096.reserve"));
}

START_TEST(a_reserve_is_kept_until_it_is_needed)
{
    start_with_reserve();
    serve_all();
    ck_assert_uint_eq(stats().reserve[rig_specs[1]], 12); /* a dry pool does not draw on it */
    rig_fill(&rig);
    rig_stop(&rig);
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    ck_assert_uint_eq(stats().reserve[rig_specs[1]], 12);
    ck_assert(exists("RSA_4096.reserve"));
    /* Emptied, there is nothing to save: the next start needs it. */
    serve_all();
    rig_stop(&rig);
    rig.reserve[1] = 0;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 12);
    ck_assert(!exists("RSA_4096.reserve"));
    serve_all();
    rig_stop(&rig);
    ck_assert_uint_eq(num_served, 70 + 70 + 12);
}
END_TEST

/* As after a crash: the pool was never saved. */
START_TEST(a_reserve_is_used_when_nothing_was_saved)
{
    rig.no_save = true;
    start_with_reserve();
    serve_all();
    size_t before = num_served;
    rig_fill(&rig);
    rig_stop(&rig);
    ck_assert(!exists("RSA_4096.saved"));
    rig_start(&rig);
    ck_assert_uint_eq(stats().restored[rig_specs[1]], 12);
    ck_assert_uint_eq(stats().reserve[rig_specs[1]], 0);
    ck_assert(!exists("RSA_4096.reserve"));
    ck_assert_uint_eq(level(1), 12);
    serve_all();
    ck_assert_uint_eq(num_served, before + 12);
    rig_fill(&rig);
    wait_for_reserve(1, 12); /* and a new one is made */
    rig_stop(&rig);
}
END_TEST

START_TEST(a_reserve_helps_out_for_a_file_that_is_refused)
{
    start_with_reserve();
    rig_fill(&rig);
    rig_stop(&rig);
    flip(file("RSA_4096.saved"), 1000);
    rig_start(&rig);
    ck_assert_uint_eq(stats().refused, 1);
    ck_assert_uint_eq(level(1), 12);
    serve_all();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_reserve_that_nobody_asks_for_is_used_up)
{
    start_with_reserve();
    while (level(1) > 20)
        serve_one(1);
    rig_stop(&rig);
    rig.reserve[1] = 0;
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30); /* 20 and as many of the 12 as there is room for */
    ck_assert(!exists("RSA_4096.reserve"));
    serve_all();
    rig_stop(&rig);
}
END_TEST

START_TEST(a_copy_of_a_reserve_is_refused)
{
    char kept[128];
    snprintf(kept, sizeof(kept), "%s/kept", top);
    start_with_reserve();
    copy(file("RSA_4096.reserve"), kept);
    rig_stop(&rig);
    ck_assert_int_eq(unlink(file("RSA_4096.saved")), 0);
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 12);
    serve_all();
    rig_stop(&rig);
    copy(kept, file("RSA_4096.reserve"));
    rig.reserve[1] = 0;
    rig_start(&rig);
    ck_assert_uint_eq(stats().refused, 1);
    ck_assert_uint_eq(level(1), 0);
    rig_stop(&rig);
}
END_TEST

/* ---- the end of a process ---- */

static void be_a_child(void *arg)
{
    struct kw_warmstart_config *config = arg;
    struct kw_warmstart *warmstart = NULL;
    kw_assert(kw_warmstart_new(&warmstart, config) == -EPERM);
}

START_TEST(a_forked_child_saves_and_loads_nothing)
{
    fill_and_stop();
    rig_start(&rig);
    struct kw_warmstart_config config = {
        .data_fd = rig.datadir.fd, .data_path = path, .key = rig.key, .store = rig.store, .pools = rig.pools};
    ck_assert_int_eq(death_signal(be_a_child, &config), 0);
    serve_all();
    rig_stop(&rig);
}
END_TEST

/* ---- a disk that fails ---- */

/* At each step, in each way: pairs may be lost, none comes twice, and the server goes on. */
START_TEST(each_failing_step_loses_pairs_at_most)
{
    static const char *const points[] = {"pool-create", "pool-take", "pool-write", "pool-sync", "pool-rename",
        "pool-folder", "pool-number", "pool-read", "pool-remove", "store-commit"};
    static const char *const kinds[] = {"eio@1", "enospc@2", "eio@3", "short@2", "eio@1+*"};
    if (!kw_fault_compiled_in())
        return;
    for (size_t point = 0; point < KW_ARRAY_LEN(points); point++) {
        for (size_t kind = 0; kind < KW_ARRAY_LEN(kinds); kind++) {
            char plan[64];
            snprintf(plan, sizeof(plan), "%s:%s", points[point], kinds[kind]);
            rig_start(&rig);
            rig_fill(&rig);
            ck_assert_int_eq(kw_fault_set(plan), 0);
            rig_stop(&rig);
            ck_assert_int_eq(kw_fault_set(""), 0);
            fill_and_stop();
            ck_assert_int_eq(files_there(), 2);
            ck_assert_int_eq(kw_fault_set(plan), 0);
            rig_start(&rig);
            ck_assert_int_eq(kw_fault_set(""), 0);
            for (int i = 0; i < 5; i++)
                (void)!(level(0) > 0 && serve_one(0) && level(1) > 0 && serve_one(1));
            rig_stop(&rig);
        }
    }
    rig_start(&rig);
    serve_all();
    rig_stop(&rig);
    ck_assert_uint_gt(num_served, 100);
}
END_TEST

/* What could not be used up is neither served nor lost. */
START_TEST(a_number_that_cannot_be_used_up_keeps_its_file)
{
    if (!kw_fault_compiled_in())
        return;
    fill_and_stop();
    ck_assert_int_eq(kw_fault_set("pool-number:eio@1+*"), 0);
    rig_start(&rig);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_uint_eq(level(0) + level(1), 0);
    ck_assert_uint_eq(stats().failures, 2);
    ck_assert_int_eq(files_there(), 2);
    rig_stop(&rig); /* of empty pools nothing is saved over it */
    rig_start(&rig);
    ck_assert_uint_eq(level(1), 30);
    serve_all();
    rig_stop(&rig);
}
END_TEST

/* The number is used up, the file cannot be removed: no pair of it may be served. */
START_TEST(a_file_that_cannot_be_removed_is_not_served)
{
    if (!kw_fault_compiled_in())
        return;
    fill_and_stop();
    ck_assert_int_eq(kw_fault_set("pool-remove:eio@1+*"), 0);
    rig_start(&rig);
    ck_assert_int_eq(kw_fault_set(""), 0);
    ck_assert_uint_eq(level(0) + level(1), 0);
    ck_assert_uint_eq(stats().failures, 2);
    rig_stop(&rig);
    rig_start(&rig);
    ck_assert_uint_eq(level(0) + level(1), 0);
    ck_assert_uint_eq(stats().refused, 2);
    ck_assert_int_eq(files_there(), 0);
    rig_stop(&rig);
}
END_TEST

/* A disk that is full is found before a pair is taken. */
START_TEST(a_full_disk_costs_no_pair_of_the_reserve)
{
    if (!kw_fault_compiled_in())
        return;
    rig.reserve[1] = 12;
    rig_start(&rig);
    ck_assert_int_eq(kw_fault_set("pool-create:enospc@1+*"), 0);
    rig_fill(&rig);
    uint64_t end = kw_now_ns() + 10000000000ull;
    while (stats().failures == 0 && kw_now_ns() < end)
        usleep(1000);
    ck_assert_uint_eq(stats().failures, 1);
    ck_assert_uint_eq(level(1), 30);
    ck_assert_int_eq(kw_fault_set(""), 0);
    serve_all();
    rig_stop(&rig);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, pools_come_back);
    tcase_add_test(tcase, files_are_private_and_the_folder_is_no_backup);
    tcase_add_test(tcase, saving_can_be_switched_off);
    tcase_add_test(tcase, a_copy_put_back_is_refused);
    tcase_add_test(tcase, a_copy_in_place_of_the_file_is_refused);
    tcase_add_test(tcase, an_older_file_is_refused);
    tcase_add_test(tcase, an_altered_file_is_refused);
    tcase_add_test(tcase, what_is_no_file_of_ours_is_refused);
    tcase_add_test(tcase, another_root_key_is_refused);
    tcase_add_test(tcase, a_folder_that_is_open_to_others_is_not_used);
    tcase_add_test(tcase, a_smaller_pool_takes_what_it_can);
    tcase_add_test(tcase, a_larger_pool_takes_it_all_and_has_room);
    tcase_add_test(tcase, a_spec_that_is_switched_off_keeps_its_file);
    tcase_add_test(tcase, workers_fill_what_the_files_do_not);
    tcase_add_test(tcase, a_reserve_is_kept_until_it_is_needed);
    tcase_add_test(tcase, a_reserve_is_used_when_nothing_was_saved);
    tcase_add_test(tcase, a_reserve_helps_out_for_a_file_that_is_refused);
    tcase_add_test(tcase, a_reserve_that_nobody_asks_for_is_used_up);
    tcase_add_test(tcase, a_copy_of_a_reserve_is_refused);
    tcase_add_test(tcase, a_forked_child_saves_and_loads_nothing);
    tcase_add_test(tcase, each_failing_step_loses_pairs_at_most);
    tcase_add_test(tcase, a_number_that_cannot_be_used_up_keeps_its_file);
    tcase_add_test(tcase, a_file_that_cannot_be_removed_is_not_served);
    tcase_add_test(tcase, a_full_disk_costs_no_pair_of_the_reserve);
}

int main(void)
{
    kw_assert(kw_crypto_init() == 0);
    return kw_suite_run("warmstart", add, 60);
}
