#include "bench/audit_turn.h"

#include "api/auditverify.h"
#include "bench/auditcall.h"
#include "bench/cputime.h"
#include "bench/turns.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint8_t seed[32] = {'b', 'e', 'n', 'c', 'h'};

struct submitter {
    pthread_t thread;
    struct kw_audit *audit;
    struct kw_mailbox mailbox;
    struct kw_wrapper *wrapper;
    struct kw_auditcall *calls;
    unsigned num_calls;
    uint64_t until_ns;
    uint64_t records, failures;
    double cpu_s;
    struct kw_quantile latency;
};

static void submit(struct submitter *me, struct kw_auditcall *call)
{
    kw_auditcall_record(call, me->wrapper, &me->mailbox);
    call->submitted_ns = kw_now_ns();
    kw_audit_submit(me->audit, &call->call.audit);
}

/* The calls whose records have come back, in a list. */
static struct kw_inbox_node *wait_for_some(struct submitter *me)
{
    for (;;) {
        struct pollfd wait = {.fd = me->mailbox.eventfd, .events = POLLIN};
        struct kw_inbox_node *first;
        uint64_t count;

        poll(&wait, 1, -1);
        if (read(wait.fd, &count, sizeof(count)) < 0)
            continue;
        first = kw_inbox_take(&me->mailbox.inbox);
        if (first != NULL)
            return first;
    }
}

static void *submit_all(void *arg)
{
    struct submitter *me = arg;
    double cpu_s = kw_cpu_seconds();
    unsigned away = me->num_calls;

    pthread_setname_np(pthread_self(), "submitter");
    for (unsigned i = 0; i < me->num_calls; i++)
        submit(me, &me->calls[i]);
    while (away > 0) {
        struct kw_inbox_node *node = wait_for_some(me);
        uint64_t now = kw_now_ns();

        while (node != NULL) {
            struct kw_audit_entry *entry = KW_CONTAINER_OF(node, struct kw_audit_entry, node);
            struct kw_auditcall *call = KW_CONTAINER_OF(entry, struct kw_auditcall, call.audit);

            node = node->next;
            kw_quantile_add(&me->latency, now - call->submitted_ns);
            me->records++;
            me->failures += entry->result != 0;
            if (now < me->until_ns)
                submit(me, call);
            else
                away--;
        }
    }
    me->cpu_s = kw_cpu_seconds() - cpu_s;
    return NULL;
}

/* ---- the log ---- */

static void clear(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *found;
    char name[1024];

    if (folder == NULL)
        return;
    while ((found = readdir(folder)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, found->d_name);
        unlink(name);
    }
    closedir(folder);
}

static int submitter_init(struct submitter *me, struct kw_audit *audit, unsigned number, unsigned num_calls)
{
    *me = (struct submitter){.audit = audit, .num_calls = num_calls};
    me->calls = calloc(num_calls, sizeof(*me->calls));
    KW_REQUIRE(me->calls != NULL, -ENOMEM);
    for (unsigned i = 0; i < num_calls; i++)
        kw_auditcall_init(&me->calls[i], number * 100000 + i);
    KW_TRY(kw_wrapper_new(&me->wrapper));
    return kw_mailbox_init(&me->mailbox);
}

static void submitter_done(struct submitter *me)
{
    for (unsigned i = 0; i < me->num_calls; i++)
        kw_auditcall_done(&me->calls[i]);
    free(me->calls);
    kw_wrapper_free(me->wrapper);
    kw_mailbox_done(&me->mailbox);
}

/* Of the process so far. The submitters say by themselves what they took, when they have ended. */
static struct kw_auditturn_cpu cpu_now(void)
{
    return (struct kw_auditturn_cpu){
        .writer = kw_cputime_threads("audit\n"),
        .spare = kw_cputime_threads("audit-spare\n"),
        .ring = kw_cputime_threads("iou-wrk"),
        .process = kw_cputime_process(),
        .kworkers = kw_cputime_kworkers(),
    };
}

static struct kw_auditturn_cpu cpu_since(const struct kw_auditturn_cpu *before)
{
    struct kw_auditturn_cpu now = cpu_now();

    return (struct kw_auditturn_cpu){
        .writer = now.writer - before->writer,
        .spare = now.spare - before->spare,
        .ring = now.ring - before->ring,
        .process = now.process - before->process,
        .kworkers = now.kworkers - before->kworkers,
    };
}

static void run_submitters(struct submitter *all, unsigned num, double seconds)
{
    uint64_t until_ns = kw_now_ns() + (uint64_t)(seconds * 1e9);

    for (unsigned i = 0; i < num; i++) {
        int r;

        all[i].until_ns = until_ns;
        r = pthread_create(&all[i].thread, NULL, submit_all, &all[i]);
        kw_assert(r == 0);
    }
    for (unsigned i = 0; i < num; i++)
        pthread_join(all[i].thread, NULL);
}

static void measure(
    struct kw_audit *audit, struct submitter *all, unsigned num, double seconds, struct kw_auditturn *turn)
{
    struct kw_auditturn_cpu before = cpu_now();
    struct kw_audit_stats first, last;
    double began_s = kw_wall_seconds();

    kw_audit_stats(audit, &first);
    run_submitters(all, num, seconds);
    turn->wall_s = kw_wall_seconds() - began_s;
    turn->cpu = cpu_since(&before);
    kw_audit_stats(audit, &last);
    turn->commits = last.commits - first.commits;
    turn->bytes = last.bytes - first.bytes;
    for (unsigned i = 0; i < num; i++) {
        turn->records += all[i].records;
        turn->cpu.submit += all[i].cpu_s;
        kw_quantile_merge(&turn->latency, &all[i].latency);
    }
}

static int judge(const struct kw_auditturn_plan *plan, const struct submitter *all, uint64_t records,
    char *why, size_t why_cap)
{
    struct kw_audit_verdict verdict;
    uint64_t failures = 0;

    for (unsigned i = 0; i < plan->threads; i++)
        failures += all[i].failures;
    if (failures > 0) {
        snprintf(why, why_cap, "the log did not take %llu records", (unsigned long long)failures);
        return 1;
    }
    if (!plan->verify)
        return 0;
    if (kw_audit_verify(plan->dir, 0, NULL, NULL, NULL, &verdict) != 0 || verdict.records != records) {
        snprintf(
            why, why_cap, "the log does not verify, or has another number of records: %s", verdict.problem);
        return 1;
    }
    return 0;
}

int kw_auditturn_log(
    const struct kw_auditturn_plan *plan, struct kw_auditturn *ret, char *why, size_t why_cap)
{
    struct kw_audit_config config = {.dir = plan->dir, .signing_seed = seed};
    struct submitter *all = calloc(plan->threads, sizeof(*all));
    struct kw_audit *audit = NULL;
    int r = kw_audit_open(&audit, &config, why, why_cap);

    kw_assert(all != NULL);
    if (r != 0) {
        free(all);
        return r;
    }
    *ret = (struct kw_auditturn){0};
    for (unsigned i = 0; i < plan->threads && r == 0; i++)
        r = submitter_init(
            &all[i], audit, i, plan->outstanding / plan->threads + (i < plan->outstanding % plan->threads));
    kw_assert(r == 0);
    measure(audit, all, plan->threads, plan->seconds, ret);
    kw_audit_close(audit);
    r = judge(plan, all, ret->records, why, why_cap);
    for (unsigned i = 0; i < plan->threads; i++)
        submitter_done(&all[i]);
    free(all);
    clear(plan->dir);
    return r;
}

/* ---- plain writes ---- */

struct plain {
    char path[1024];
    enum kw_auditturn_plain kind;
    int fd;
    uint64_t offset;
};

static int begin_file(struct plain *plain)
{
    if (plain->fd >= 0)
        close(plain->fd);
    unlink(plain->path);
    plain->fd = open(plain->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    plain->offset = 0;
    return plain->fd >= 0 ? 0 : -errno;
}

static int begin(struct plain *plain)
{
    static const uint8_t zeros[KW_AUDIT_BATCH_MAX];

    KW_TRY(begin_file(plain));
    if (plain->kind == KW_PLAIN_APPEND)
        return 0;
    for (uint64_t at = 0; at < KW_AUDIT_SEGMENT; at += sizeof(zeros))
        KW_REQUIRE(pwrite(plain->fd, zeros, sizeof(zeros), (off_t)at) == (ssize_t)sizeof(zeros), -EIO);
    return fsync(plain->fd) == 0 ? 0 : -errno;
}

static int write_one(struct plain *plain, const uint8_t *data, size_t len)
{
    if (plain->offset + len > KW_AUDIT_SEGMENT) {
        if (plain->kind == KW_PLAIN_APPEND)
            KW_TRY(begin_file(plain));
        plain->offset = 0;
    }
    KW_REQUIRE(pwrite(plain->fd, data, len, (off_t)plain->offset) == (ssize_t)len, -EIO);
    KW_REQUIRE(fdatasync(plain->fd) == 0, -errno);
    plain->offset += len;
    return 0;
}

static int write_for(struct plain *plain, const struct kw_auditturn_plan *plan, const uint8_t *data,
    size_t len, struct kw_auditturn *ret)
{
    double began_s = kw_wall_seconds();
    struct kw_auditturn_cpu before = cpu_now();
    uint64_t now = kw_now_ns(), until = now + (uint64_t)(plan->seconds * 1e9);

    while (now < until) {
        uint64_t then = now;

        KW_TRY(write_one(plain, data, len));
        now = kw_now_ns();
        kw_quantile_add(&ret->latency, now - then);
        ret->commits++;
    }
    ret->wall_s = kw_wall_seconds() - began_s;
    ret->cpu = cpu_since(&before);
    ret->bytes = ret->commits * len;
    return 0;
}

int kw_auditturn_plain(const struct kw_auditturn_plan *plan, enum kw_auditturn_plain kind, size_t batch,
    size_t record_bytes, struct kw_auditturn *ret)
{
    struct plain plain = {.kind = kind, .fd = -1};
    uint8_t *data = malloc(batch);
    int r;

    KW_REQUIRE(data != NULL, -ENOMEM);
    memset(data, 'r', batch);
    *ret = (struct kw_auditturn){0};
    snprintf(plain.path, sizeof(plain.path), "%s/plain", plan->dir);
    r = begin(&plain);
    if (r == 0)
        r = write_for(&plain, plan, data, batch, ret);
    ret->records = ret->bytes / record_bytes;
    if (plain.fd >= 0)
        close(plain.fd);
    unlink(plain.path);
    free(data);
    return r;
}
