#include "api/store.h"

#include "engine/crypto.h"
#include "pool/fault.h"
#include "tests/support/entities.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t root_key[KW_ROOT_KEY_LEN] = "a root key for tests, 32 bytes..";
static char folder[64], path[128];

static void folder_make(void)
{
    snprintf(folder, sizeof(folder), "store-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/keystore.db", folder);
}

static void folder_remove(void)
{
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Not with check's macros: the child process uses it too. */
static struct kw_store *store_open(const char *name)
{
    struct kw_keystore *keystore = NULL;
    struct kw_store *store = NULL;
    char why[256];
    kw_assert(kw_keystore_open_sqlite(&keystore, name, root_key, why, sizeof(why)) == 0);
    kw_assert(kw_store_new(&store, keystore) == 0);
    return store;
}

enum { EXISTS = 101 };

/* What a change of these tests makes: a key by number, once. */
static int create_key(struct kw_tx *tx, void *arg)
{
    static const uint8_t secret[32] = {2}, material_id[KW_MATERIAL_ID_LEN] = {1};
    KW_MATERIAL struct kw_material *material = NULL;
    struct kw_generation generation = {.created_ms = 3};
    struct kw_kms_key like = {.account = ACCOUNT_TEXT,
        .region = REGION_TEXT,
        .spec = KW_KEY_SYMMETRIC_DEFAULT,
        .usage = KW_USAGE_ENCRYPT_DECRYPT,
        .num_generations = 1,
        .generations = &generation};
    id_of(*(uint32_t *)arg, like.id);
    if (kw_snapshot_key(tx->snapshot, ACCOUNT, REGION, like.id) != NULL)
        return EXISTS;
    KW_TRY(kw_material_new(&material, material_id, KW_BYTES(secret, sizeof(secret)), KW_BYTES(NULL, 0)));
    memcpy(generation.id, material_id, sizeof(generation.id));
    generation.material = material;
    return kw_tx_put_key(tx, &like);
}

/* number lives until the change is done. */
static struct kw_change key_change(uint32_t *number)
{
    return (struct kw_change){.apply = create_key, .arg = number};
}

static bool has_key(const struct kw_snapshot *snapshot, uint32_t number)
{
    uint8_t id[KW_KMS_KEY_ID_LEN];
    id_of(number, id);
    return kw_snapshot_key(snapshot, ACCOUNT, REGION, id) != NULL;
}

START_TEST(a_change_is_visible_when_it_is_done)
{
    uint32_t reader;
    folder_make();
    struct kw_store *store = store_open(path);
    struct kw_snapshot_cell *cell = kw_store_cell(store);
    ck_assert_int_eq(kw_snapshot_reader_add(cell, &reader), 0);

    const struct kw_snapshot *snapshot = kw_snapshot_acquire(cell, reader);
    ck_assert_ptr_nonnull(snapshot);
    ck_assert_uint_eq(kw_map_len(&snapshot->keys), 0);
    kw_snapshot_release(cell, reader);
    for (uint32_t i = 0; i < 20; i++) {
        struct kw_change change = key_change(&i);
        ck_assert_int_eq(kw_store_apply(store, &change), 0);
        ck_assert_int_eq(kw_store_apply(store, &change), EXISTS);
        snapshot = kw_snapshot_acquire(cell, reader);
        ck_assert(has_key(snapshot, i));
        ck_assert_uint_eq(kw_map_len(&snapshot->keys), i + 1);
        kw_snapshot_release(cell, reader);
    }
    ck_assert_uint_eq(kw_store_failures(store), 0);
    kw_store_free(store);
    kw_store_free(NULL);

    store = store_open(path);
    cell = kw_store_cell(store);
    ck_assert_int_eq(kw_snapshot_reader_add(cell, &reader), 0);
    ck_assert_uint_eq(kw_map_len(&kw_snapshot_acquire(cell, reader)->keys), 20);
    kw_snapshot_release(cell, reader);
    kw_store_free(store);
    folder_remove();
}
END_TEST

#define SUBMITTERS 3
#define EACH       400

struct submitter {
    struct kw_store *store;
    uint32_t number;
    struct kw_mailbox mailbox;
    struct kw_store_request requests[EACH];
    uint32_t numbers[EACH];
};

static void wait_readable(struct kw_mailbox *mailbox)
{
    struct pollfd pollfd = {.fd = mailbox->eventfd, .events = POLLIN};
    uint64_t count;
    ck_assert_int_eq(poll(&pollfd, 1, 20000), 1);
    ck_assert_int_eq(read(mailbox->eventfd, &count, sizeof(count)), sizeof(count));
}

/* Every request comes back once, in order, and what is done is visible at once. */
static void *submit_many(void *arg)
{
    struct submitter *self = arg;
    struct kw_snapshot_cell *cell = kw_store_cell(self->store);
    uint32_t reader, done = 0;

    ck_assert_int_eq(kw_snapshot_reader_add(cell, &reader), 0);
    for (uint32_t i = 0; i < EACH; i++) {
        self->numbers[i] = self->number * EACH + i;
        self->requests[i].change = key_change(&self->numbers[i]);
        self->requests[i].reply = &self->mailbox;
        self->requests[i].result = -1;
        kw_store_submit(self->store, &self->requests[i]);
    }
    while (done < EACH) {
        wait_readable(&self->mailbox);
        for (struct kw_inbox_node *node = kw_inbox_take(&self->mailbox.inbox); node != NULL; done++) {
            struct kw_store_request *request = KW_CONTAINER_OF(node, struct kw_store_request, node);
            node = node->next;
            ck_assert_ptr_eq(request, &self->requests[done]);
            ck_assert_int_eq(request->result, 0);
            const struct kw_snapshot *snapshot = kw_snapshot_acquire(cell, reader);
            ck_assert(has_key(snapshot, self->number * EACH + done));
            kw_snapshot_release(cell, reader);
        }
    }
    return NULL;
}

START_TEST(many_submitters_each_get_their_answers)
{
    static struct submitter submitters[SUBMITTERS];
    pthread_t threads[SUBMITTERS];
    folder_make();
    struct kw_store *store = store_open(path);
    uint64_t begin_ns = kw_now_ns();
    for (uint32_t i = 0; i < SUBMITTERS; i++) {
        submitters[i].store = store;
        submitters[i].number = i;
        ck_assert_int_eq(kw_mailbox_init(&submitters[i].mailbox), 0);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, submit_many, &submitters[i]), 0);
    }
    for (uint32_t i = 0; i < SUBMITTERS; i++) {
        pthread_join(threads[i], NULL);
        kw_mailbox_done(&submitters[i].mailbox);
    }
    double seconds = (double)(kw_now_ns() - begin_ns) / 1e9;
    printf("# in groups: %.0f changes/s\n", SUBMITTERS * EACH / seconds);

    begin_ns = kw_now_ns();
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t number = 1000000 + i;
        struct kw_change change = key_change(&number);
        ck_assert_int_eq(kw_store_apply(store, &change), 0);
    }
    seconds = (double)(kw_now_ns() - begin_ns) / 1e9;
    printf("# alone: %.0f changes/s\n", 100 / seconds);
    kw_store_free(store);
    folder_remove();
}
END_TEST

START_TEST(free_finishes_what_was_submitted)
{
    static struct kw_store_request requests[1000];
    static uint32_t numbers[1000];
    uint32_t reader;
    folder_make();
    struct kw_store *store = store_open(path);
    for (uint32_t i = 0; i < KW_ARRAY_LEN(requests); i++) {
        numbers[i] = i;
        requests[i].change = key_change(&numbers[i]);
        kw_store_submit(store, &requests[i]);
    }
    kw_store_free(store);
    for (uint32_t i = 0; i < KW_ARRAY_LEN(requests); i++)
        ck_assert_int_eq(requests[i].result, 0);

    store = store_open(path);
    ck_assert_int_eq(kw_snapshot_reader_add(kw_store_cell(store), &reader), 0);
    ck_assert_uint_eq(
        kw_map_len(&kw_snapshot_acquire(kw_store_cell(store), reader)->keys), KW_ARRAY_LEN(requests));
    kw_snapshot_release(kw_store_cell(store), reader);
    kw_store_free(store);
    folder_remove();
}
END_TEST

START_TEST(failed_commits_are_told_and_counted)
{
    folder_make();
    struct kw_store *store = store_open(path);
    uint32_t number = 1;
    struct kw_change change = key_change(&number);
    if (kw_fault_compiled_in()) {
        ck_assert_int_eq(kw_fault_set("store-commit:eio@1+3"), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(kw_store_apply(store, &change), KW_STORE_FAILED);
        ck_assert_uint_eq(kw_store_failures(store), 3);
        kw_fault_set("");
    }
    ck_assert_int_eq(kw_store_apply(store, &change), 0);
    kw_store_free(store);
    folder_remove();
}
END_TEST

/* ---- a keystore that does not load, or fails in its own ways ---- */

static bool fake_closed;

static int fake_load(struct kw_keystore *keystore, struct kw_snapshot **ret)
{
    (void)keystore;
    (void)ret;
    return KW_STORE_CORRUPT;
}

static void fake_close(struct kw_keystore *keystore)
{
    (void)keystore;
    fake_closed = true;
}

START_TEST(a_keystore_that_does_not_load_is_closed)
{
    static const struct kw_keystore_ops ops = {.name = "fake", .load = fake_load, .close = fake_close};
    struct kw_keystore keystore = {.ops = &ops};
    struct kw_store *store = NULL;
    ck_assert_int_eq(kw_store_new(&store, &keystore), KW_STORE_CORRUPT);
    ck_assert_ptr_null(store);
    ck_assert(fake_closed);
}
END_TEST

/* ---- kill -9 ---- */

#define IN_FLIGHT 32

/* The child: keeps IN_FLIGHT changes submitted and writes the number of each acknowledged one to the pipe. */
static int child_main(const char *name, int report_fd)
{
    static struct kw_store_request requests[IN_FLIGHT];
    static uint32_t numbers[IN_FLIGHT];
    static struct kw_mailbox mailbox;
    struct kw_store *store = store_open(name);
    uint32_t next = 0;
    struct pollfd pollfd;
    uint64_t count;

    kw_assert(kw_mailbox_init(&mailbox) == 0);
    pollfd = (struct pollfd){.fd = mailbox.eventfd, .events = POLLIN};
    for (; next < IN_FLIGHT; next++) {
        numbers[next] = next;
        requests[next] = (struct kw_store_request){.change = key_change(&numbers[next]), .reply = &mailbox};
        kw_store_submit(store, &requests[next]);
    }
    for (;;) {
        kw_assert(poll(&pollfd, 1, -1) == 1);
        kw_assert(read(mailbox.eventfd, &count, sizeof(count)) == sizeof(count));
        for (struct kw_inbox_node *node = kw_inbox_take(&mailbox.inbox); node != NULL;) {
            struct kw_store_request *request = KW_CONTAINER_OF(node, struct kw_store_request, node);
            uint32_t *number = request->change.arg;
            node = node->next;
            kw_assert(request->result == 0);
            kw_assert(write(report_fd, number, sizeof(*number)) == sizeof(*number));
            *number = next++;
            kw_store_submit(store, request);
        }
    }
}

/* A fresh process, since a forked one has no secret memory. */
static pid_t child_start(int *ret_fd)
{
    char *argv[] = {(char[]){"test_store"}, (char[]){"child"}, path, (char[]){"3"}, NULL};
    posix_spawn_file_actions_t actions;
    int fds[2];
    pid_t pid;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(
        posix_spawn_file_actions_adddup2(&actions, fds[1], 3), 0); /* 3 itself: kept open all the same */
    ck_assert_int_eq(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

/* Reads reports until the child has been killed, after at least one and a random while. Returns how many. */
static uint32_t read_reports(int fd, pid_t pid, unsigned kill_after_us, bool *acknowledged, uint32_t cap)
{
    uint32_t number, num = 0;
    bool killed = false;
    uint64_t kill_at_ns = UINT64_MAX;
    while (read(fd, &number, sizeof(number)) == sizeof(number)) {
        ck_assert_uint_lt(number, cap);
        acknowledged[number] = true;
        num++;
        if (kill_at_ns == UINT64_MAX)
            kill_at_ns = kw_now_ns() + (uint64_t)kill_after_us * 1000;
        if (!killed && kw_now_ns() >= kill_at_ns) {
            ck_assert_int_eq(kill(pid, SIGKILL), 0);
            killed = true;
        }
    }
    return num;
}

#define REPORTS_MAX 1000000u

START_TEST(acknowledged_changes_survive_kill)
{
    static bool acknowledged[REPORTS_MAX];
    unsigned seed = (unsigned)kw_now_ns(), total = 0;
    printf("# seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 8; round++) {
        int fd, status;
        uint32_t reader;
        memset(acknowledged, 0, sizeof(acknowledged));
        folder_make();
        pid_t pid = child_start(&fd);
        uint32_t num = read_reports(fd, pid, (unsigned)rand() % 200000, acknowledged, REPORTS_MAX);
        close(fd);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        ck_assert_uint_gt(num, 0);
        total += num;

        struct kw_store *store = store_open(path);
        ck_assert_int_eq(kw_snapshot_reader_add(kw_store_cell(store), &reader), 0);
        const struct kw_snapshot *snapshot = kw_snapshot_acquire(kw_store_cell(store), reader);
        uint32_t num_lost = 0;
        for (uint32_t i = 0; i < REPORTS_MAX; i++)
            num_lost += acknowledged[i] && !has_key(snapshot, i);
        ck_assert_uint_eq(num_lost, 0);
        ck_assert_uint_le(kw_map_len(&snapshot->keys), num + IN_FLIGHT * 2);
        kw_snapshot_release(kw_store_cell(store), reader);
        kw_store_free(store);
        folder_remove();
    }
    printf("# %u acknowledged changes, none lost\n", total);
}
END_TEST

int main(int argc, char **argv)
{
    if (kw_crypto_init() != 0)
        return 99;
    if (argc == 4 && strcmp(argv[1], "child") == 0)
        return child_main(argv[2], atoi(argv[3]));

    TCase *tcase = tcase_create("store");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_change_is_visible_when_it_is_done);
    tcase_add_test(tcase, many_submitters_each_get_their_answers);
    tcase_add_test(tcase, free_finishes_what_was_submitted);
    tcase_add_test(tcase, failed_commits_are_told_and_counted);
    tcase_add_test(tcase, a_keystore_that_does_not_load_is_closed);
    tcase_add_test(tcase, acknowledged_changes_survive_kill);

    Suite *suite = suite_create("store");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
