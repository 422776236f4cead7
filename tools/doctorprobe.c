#include "tools/doctorprobe.h"

#include "api/node.h"
#include "api/ring.h"
#include "engine/priority.h"
#include "pool/secmem.h"

#include <fcntl.h>
#include <libgen.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define COMMITS_MAX   200u
#define COMMITS_NS    1200000000u
#define COMMIT_LEN    512u /* of a record of the audit log */
#define TEXT_MAX      16384u
#define IPC_LOCK_BIT  14u /* of the capability masks */
#define NO_SETTING    (-1)
#define CONTROL_GROUP "/sys/fs/cgroup"

/* ---- small files of the kernel's ---- */

/* Out: ret, NUL-terminated, what fits. Returns: 0 | negative errno */
static int read_text(const char *path, char *ret, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n, len = 0;

    KW_REQUIRE(fd >= 0, -errno);
    do {
        n = read(fd, ret + len, cap - 1 - (size_t)len);
        len += n > 0 ? n : 0;
    } while (n > 0 && (size_t)len < cap - 1);
    close(fd);
    ret[len] = '\0';
    return n < 0 ? -EIO : 0;
}

static int read_setting(const char *path)
{
    char text[64];

    return read_text(path, text, sizeof(text)) == 0 ? atoi(text) : NO_SETTING;
}

/* What stands behind "NAME:" in /proc/self/status; NULL: nothing does. */
static const char *status_of(const char *status, const char *name)
{
    const char *at = strstr(status, name);

    return at != NULL ? at + strlen(name) : NULL;
}

/* ---- the process ---- */

static uint64_t limit_of(int resource)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0)
        return 0;
    return limit.rlim_max == RLIM_INFINITY ? KW_DOCTOR_UNLIMITED : limit.rlim_max;
}

static uint64_t default_pool_bytes(void)
{
    uint64_t bytes = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_spec_info *info = kw_spec_info((enum kw_spec)spec);

        bytes += (uint64_t)info->default_capacity * ((info->public_max + 2) / 3 * 4 + info->private_max);
    }
    return bytes;
}

static bool has_swap(void)
{
    char text[4096];

    /* A line of headings, and one per area. */
    return read_text("/proc/swaps", text, sizeof(text)) == 0 && strchr(text, '\n') != NULL &&
           strchr(text, '\n')[1] != '\0';
}

static void look_at_process(struct kw_machine *machine)
{
    struct kw_secmem_stats memory = {.dontdump = false};
    struct rlimit core = {.rlim_cur = 1};
    char status[TEXT_MAX] = "";
    const char *capabilities;

    machine->prepared = kw_node_prepare_process(machine->prepare_why, sizeof(machine->prepare_why)) == 0;
    machine->dumpable =
        prctl(PR_GET_DUMPABLE) != 0 || getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0;
    if (machine->prepared)
        kw_secmem_stats(&memory);
    machine->dontdump = memory.dontdump;
    (void)read_text("/proc/self/status", status, sizeof(status));
    capabilities = status_of(status, "CapEff:");
    machine->memlock = capabilities != NULL && (strtoull(capabilities, NULL, 16) >> IPC_LOCK_BIT & 1) != 0
                           ? KW_DOCTOR_UNLIMITED
                           : limit_of(RLIMIT_MEMLOCK);
    machine->seccomp =
        status_of(status, "Seccomp:") != NULL ? atoi(status_of(status, "Seccomp:")) : NO_SETTING;
    machine->pool_bytes = default_pool_bytes();
    machine->swap = has_swap();
    machine->files = limit_of(RLIMIT_NOFILE);
}

static void look_at_kernel(struct kw_machine *machine)
{
    char pages[256];

    machine->ring = kw_ring_probe(machine->ring_why, sizeof(machine->ring_why)) == 0;
    machine->ring_disabled = read_setting("/proc/sys/kernel/io_uring_disabled");
    machine->autogroup = read_setting("/proc/sys/kernel/sched_autogroup_enabled") == 1;
    if (read_text("/sys/kernel/mm/transparent_hugepage/enabled", pages, sizeof(pages)) == 0)
        machine->pages = strstr(pages, "[never]") != NULL ? KW_DOCTOR_PAGES_NEVER : KW_DOCTOR_PAGES_OFFERED;
}

/* ---- cores ---- */

/* The bound that one control group sets, in cores; 0: none. Version 2 has one file, version 1 two. */
static double group_quota(const char *folder)
{
    char path[4096 + 64], text[64], period[64];

    snprintf(path, sizeof(path), "%s/cpu.max", folder);
    if (read_text(path, text, sizeof(text)) == 0)
        return kw_doctor_quota(text);
    snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", folder);
    if (read_text(path, text, sizeof(text)) != 0)
        return 0;
    snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", folder);
    if (read_text(path, period, sizeof(period)) != 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    snprintf(path, sizeof(path), "%s %s", text, period);
    return kw_doctor_quota(path);
}

/* The tightest bound of a group and those above it, up to the mount. */
static void tighten_quota(const char *mount, const char *group, double *quota)
{
    char folder[4096];
    size_t root = strlen(mount);

    snprintf(folder, sizeof(folder), "%s%s", mount, group);
    for (;;) {
        double bound = group_quota(folder);
        char *slash = strrchr(folder, '/');

        if (bound > 0 && (*quota == 0 || bound < *quota))
            *quota = bound;
        if (slash == NULL || slash < folder + root)
            return;
        *slash = '\0';
    }
}

/* "0::/GROUP" is version 2's, "4:cpu,cpuacct:/GROUP" version 1's. Inside of a container the group may be
 * that of the host, whose folders are not there: the mount itself is looked at in any case. */
static double quota_cores(void)
{
    char text[TEXT_MAX], *save = NULL;
    double quota = 0;

    if (read_text("/proc/self/cgroup", text, sizeof(text)) != 0)
        return 0;
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *names = strchr(line, ':'), *group = names != NULL ? strchr(names + 1, ':') : NULL;

        if (group == NULL)
            continue;
        *group++ = '\0';
        if (strcmp(names, ":") == 0) {
            tighten_quota(CONTROL_GROUP, group, &quota);
            tighten_quota(CONTROL_GROUP "/unified", group, &quota);
        } else if (strcmp(names, ":cpu") == 0 || strncmp(names, ":cpu,", 5) == 0 ||
                   strstr(names, ",cpu") != NULL) {
            tighten_quota(CONTROL_GROUP "/cpu", group, &quota);
        }
    }
    return quota;
}

/* A thread of its own, since it may not get out of idle priority again. */
static void *try_idle(void *to)
{
    kw_priority_begin(to);
    return NULL;
}

static void look_at_cores(struct kw_machine *machine)
{
    struct kw_priority priority = {.tid = 0};
    struct kw_cpus cpus = {.num = 0};
    pthread_t thread;

    machine->cpu_path = KW_CPU_PORTABLE;
    machine->cpu_result = kw_cpu_choose(machine->cpu_mask, &machine->cpu_path);
    kw_cpu_model(machine->cpu_model);
    if (kw_cpus_allowed(&cpus) == 0)
        machine->cores = cpus.num;
    machine->quota_cores = quota_cores();
    if (pthread_create(&thread, NULL, try_idle, &priority) == 0)
        pthread_join(thread, NULL);
    machine->idle = atomic_load(&priority.idle);
    machine->may_raise = atomic_load(&priority.may_raise);
}

/* ---- the disk ---- */

/* A file without a name, or one whose name is gone at once. Returns a descriptor | negative errno */
static int nameless_file(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char path[4096];

    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return -errno;
    snprintf(path, sizeof(path), "%s/.keywell-doctor-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)unlink(path);
    return fd;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* As the audit log does: into room that was written and synced before, so that a commit is of data alone. */
static int measure_commits(int fd, struct kw_machine *machine)
{
    static const uint8_t room[COMMITS_MAX * COMMIT_LEN];
    double taken_us[COMMITS_MAX];
    uint64_t start_ns, before_ns;
    unsigned num = 0;

    if (pwrite(fd, room, sizeof(room), 0) != (ssize_t)sizeof(room) || fsync(fd) < 0)
        return errno != 0 ? -errno : -EIO;
    start_ns = before_ns = kw_now_ns();
    while (num < COMMITS_MAX && before_ns - start_ns < COMMITS_NS) {
        uint64_t after_ns;

        if (pwrite(fd, room, COMMIT_LEN, (off_t)num * COMMIT_LEN) != COMMIT_LEN || fdatasync(fd) < 0)
            return -errno;
        after_ns = kw_now_ns();
        taken_us[num++] = (double)(after_ns - before_ns) / 1000;
        before_ns = after_ns;
    }
    qsort(taken_us, num, sizeof(taken_us[0]), compare);
    machine->commits = num;
    machine->commit_median_us = kw_doctor_percentile(taken_us, num, 50);
    machine->commit_p99_us = kw_doctor_percentile(taken_us, num, 99);
    return 0;
}

static void look_at_disk(const char *data, struct kw_machine *machine)
{
    char path[4096];
    struct statfs kind;
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s", data);
    snprintf(machine->disk, sizeof(machine->disk), "%s",
        stat(data, &st) < 0 && errno == ENOENT ? dirname(path) : data);
    fd = nameless_file(machine->disk);
    if (fd < 0) {
        machine->disk_error = fd;
        return;
    }
    if (fstatfs(fd, &kind) == 0)
        machine->disk_memory = kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC;
    machine->disk_error = measure_commits(fd, machine);
    close(fd);
}

/* ---- the clock ---- */

/* The clock of the day against one that is never set, but goes as fast; seconds. */
static double clock_difference(void)
{
    struct timespec day, steady;

    clock_gettime(CLOCK_REALTIME, &day);
    clock_gettime(CLOCK_MONOTONIC, &steady);
    return (double)(day.tv_sec - steady.tv_sec) + (double)(day.tv_nsec - steady.tv_nsec) / 1e9;
}

static void look_at_clock(double before, struct kw_machine *machine)
{
    struct timex state = {.modes = 0};
    int r = adjtimex(&state);

    machine->clock_known = r >= 0;
    machine->clock_synchronised = r >= 0 && r != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    machine->clock_error_s = (double)state.maxerror / 1e6;
    machine->clock_step_s = clock_difference() - before;
}

void kw_doctor_look(const char *data, const char *cpu_mask, struct kw_machine *ret)
{
    double clock = clock_difference();

    *ret = (struct kw_machine){.cpu_mask = cpu_mask};
    look_at_process(ret);
    look_at_kernel(ret);
    look_at_cores(ret);
    look_at_disk(data, ret);
    look_at_clock(clock, ret);
}
