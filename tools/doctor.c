#include "tools/doctor.h"

#include "pool/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A commit that takes longer is felt by every caller: an answer waits for its audit record. */
#define COMMIT_SLOW_US 5000.0
/* Of one in a hundred; more is felt as a stall. */
#define COMMIT_LATE_US 50000.0
/* A signature is good for KW_CLOCK_SKEW_MS either way; a tenth of it leaves room for the clients' clocks. */
#define CLOCK_ERROR_S (KW_CLOCK_SKEW_MS / 1000.0 / 10)
#define CLOCK_STEP_S  0.1
/* Connections by default, and what the server opens beside them (its log, rings, sockets). */
#define FILES_WANTED (KW_CONNECTIONS_MAX + 256u)
#define MIB          (1024.0 * 1024.0)

static void say(struct kw_finding *finding, const char *format, ...) KW_PRINTF(2, 3);
static void say(struct kw_finding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(finding->what, sizeof(finding->what), format, args);
    va_end(args);
}

static void advise(struct kw_finding *finding, enum kw_verdict verdict, const char *advice)
{
    finding->verdict = verdict;
    snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
}

static void judge_process(const struct kw_machine *machine, struct kw_finding *finding)
{
    if (machine->prepared) {
        say(finding, "the known-answer tests of the key generators and the ciphertext format pass");
        return;
    }
    say(finding, "%s", machine->prepare_why);
    advise(finding, KW_VERDICT_FAIL,
        "the server will not start; if a known-answer test failed, try KEYWELL_CPU=portable and suspect the "
        "hardware");
}

static void judge_dumps(const struct kw_machine *machine, struct kw_finding *finding)
{
    say(finding, machine->dumpable ? "core dumps cannot be switched off"
                 : machine->dontdump
                     ? "off: the server switches them off for itself, and keeps secrets out of them besides"
                     : "off, but the kernel does not keep secret memory out of them (MADV_DONTDUMP)");
    if (machine->dumpable)
        advise(finding, KW_VERDICT_FAIL,
            "let the process set PR_SET_DUMPABLE and RLIMIT_CORE (look at the container's seccomp profile)");
    else if (!machine->dontdump)
        advise(finding, KW_VERDICT_WARN, "run a kernel that has MADV_DONTDUMP");
}

static void judge_memlock(const struct kw_machine *machine, struct kw_finding *finding)
{
    double wanted = (double)machine->pool_bytes / MIB;

    if (machine->memlock == KW_DOCTOR_UNLIMITED) {
        say(finding, "unlimited; the default pools want about %.1f MiB", wanted);
        return;
    }
    say(finding, "%.1f MiB may be locked; the default pools want about %.1f MiB%s",
        (double)machine->memlock / MIB, wanted,
        machine->swap ? "" : " (there is no swap space at the moment)");
    if (machine->memlock < machine->pool_bytes)
        advise(finding, KW_VERDICT_WARN,
            "private keys may be written to swap: raise the limit (systemd: LimitMEMLOCK=infinity; docker: "
            "--ulimit memlock=-1; else ulimit -l) or do without swap");
}

static void judge_ring(const struct kw_machine *machine, struct kw_finding *finding)
{
    char setting[32] = "not there", filter[32] = "unknown";

    if (machine->ring_disabled >= 0)
        snprintf(setting, sizeof(setting), "%d", machine->ring_disabled);
    if (machine->seccomp >= 0)
        snprintf(filter, sizeof(filter), "%s", machine->seccomp == 0 ? "none" : "on");
    if (machine->ring) {
        say(finding, "multishot receive, provided buffers and all operations work (seccomp filter: %s)",
            filter);
        return;
    }
    say(finding, "%s; kernel.io_uring_disabled: %s, seccomp filter: %s", machine->ring_why, setting, filter);
    advise(finding, KW_VERDICT_FAIL,
        machine->ring_disabled > 0
            ? "sysctl kernel.io_uring_disabled=0, or 1 and the server's group in kernel.io_uring_group"
        : machine->seccomp > 0
            ? "allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp profile (docker: "
              "--security-opt seccomp=PROFILE)"
            : "run Linux 6.1 or newer, built with io_uring");
}

static void judge_cpu(const struct kw_machine *machine, struct kw_finding *finding)
{
    if (machine->cpu_result != 0) {
        say(finding, "KEYWELL_CPU=%s: %s, %s", machine->cpu_mask,
            machine->cpu_result == KW_CPU_UNKNOWN_NAME ? "there is no such path" : "this machine cannot",
            machine->cpu_model);
        advise(finding, KW_VERDICT_FAIL, "unset KEYWELL_CPU, or set it to auto or portable");
        return;
    }
    say(finding, "%s on %s%s%s", kw_cpu_path_name(machine->cpu_path), machine->cpu_model,
        machine->cpu_mask != NULL ? ", KEYWELL_CPU=" : "",
        machine->cpu_mask != NULL ? machine->cpu_mask : "");
    if (machine->cpu_path == KW_CPU_PORTABLE)
        advise(finding, KW_VERDICT_WARN,
            "RSA pools refill about six times slower than with AVX-512 IFMA (Intel since Ice Lake, AMD since "
            "Zen 4): hold deeper pools, or run on such a machine");
}

static void judge_cores(const struct kw_machine *machine, struct kw_finding *finding)
{
    if (machine->quota_cores > 0)
        say(finding, "%u; control groups allow the CPU time of %.2f", machine->cores, machine->quota_cores);
    else
        say(finding, "%u, without a quota", machine->cores);
    if (machine->quota_cores > 0 && machine->quota_cores < machine->cores)
        advise(finding, KW_VERDICT_WARN,
            "filling pools uses the quota up, and requests then stand still until the next period: bound it "
            "by --cpu-share, or --cpus, or give cores (cpusets) in place of a quota");
    else if (machine->cores == 1)
        advise(finding, KW_VERDICT_WARN,
            "requests and the filling of pools share one core: it works, but two are better");
}

static void judge_priority(const struct kw_machine *machine, struct kw_finding *finding)
{
    say(finding, !machine->idle       ? "workers do not get it (SCHED_IDLE is refused)"
                 : machine->may_raise ? "workers get it, and leave it while requests wait for what they make"
                                      : "workers get it, but may not leave it while requests wait");
    if (!machine->idle)
        advise(finding, KW_VERDICT_WARN,
            "filling pools competes with requests: allow sched_setscheduler in the seccomp profile, or bound "
            "it by --cpu-share");
    else if (!machine->may_raise)
        advise(finding, KW_VERDICT_WARN,
            "on a busy machine a request at an empty pool waits longer: systemd LimitNICE=+0, or "
            "CAP_SYS_NICE");
}

static void judge_autogroup(const struct kw_machine *machine, struct kw_finding *finding)
{
    if (!machine->autogroup) {
        say(finding, "off: idle priority counts against every program");
        return;
    }
    say(finding,
        "on: beside threads of the kernel and of other sessions, workers count as if at normal priority");
    advise(finding, KW_VERDICT_WARN,
        "the kernel's own threads, which end the writes of the audit log, then wait for a tick of a core "
        "that "
        "fills pools (4 ms at 250 Hz): sysctl kernel.sched_autogroup_enabled=0 before the server starts");
}

static void judge_disk(const struct kw_machine *machine, struct kw_finding *finding)
{
    bool slow = machine->commit_median_us > COMMIT_SLOW_US || machine->commit_p99_us > COMMIT_LATE_US;

    if (machine->disk_error != 0) {
        say(finding, "%s: %s", machine->disk, strerror(-machine->disk_error));
        advise(finding, KW_VERDICT_FAIL, "name a folder by --data that can be written to");
        return;
    }
    say(finding, "median %.0f us, p99 %.0f us of %u in %s%s", machine->commit_median_us,
        machine->commit_p99_us, machine->commits, machine->disk,
        machine->disk_memory ? ", which is in memory" : "");
    if (machine->disk_memory)
        advise(finding, KW_VERDICT_WARN,
            "keys and audit log are gone when the machine is: put the data folder on a disk");
    else if (slow)
        advise(finding, KW_VERDICT_WARN,
            "every answer with key material waits for such a commit: put the data folder on an SSD with "
            "power-loss protection, or a volume that commits faster");
}

static void judge_clock(const struct kw_machine *machine, struct kw_finding *finding)
{
    const char *advice =
        "signatures are good for five minutes either way, and keys are deleted and rotated by "
        "this clock: run chronyd or systemd-timesyncd";
    bool stepped = machine->clock_step_s > CLOCK_STEP_S || machine->clock_step_s < -CLOCK_STEP_S;

    if (!machine->clock_known) {
        say(finding, "the kernel does not tell whether it is synchronised");
        advise(finding, KW_VERDICT_WARN, advice);
    } else if (stepped) {
        say(finding, "jumped by %.3f s while we looked", machine->clock_step_s);
        advise(finding, KW_VERDICT_WARN, advice);
    } else if (!machine->clock_synchronised) {
        say(finding, "not synchronised");
        advise(finding, KW_VERDICT_WARN, advice);
    } else {
        say(finding, "synchronised, wrong by %.3f s at most", machine->clock_error_s);
        if (machine->clock_error_s > CLOCK_ERROR_S)
            advise(finding, KW_VERDICT_WARN, advice);
    }
}

static void judge_files(const struct kw_machine *machine, struct kw_finding *finding)
{
    if (machine->files == KW_DOCTOR_UNLIMITED)
        say(finding, "unlimited");
    else
        say(finding, "%llu may be open", (unsigned long long)machine->files);
    if (machine->files < FILES_WANTED)
        advise(finding, KW_VERDICT_WARN,
            "fewer than 10000 connections are served: raise the hard limit (systemd: LimitNOFILE=16384; else "
            "ulimit -Hn)");
}

static void judge_pages(const struct kw_machine *machine, struct kw_finding *finding)
{
    say(finding, machine->pages == KW_DOCTOR_PAGES_OFFERED ? "there for pools that ask for them"
                 : machine->pages == KW_DOCTOR_PAGES_NEVER ? "switched off"
                                                           : "this kernel has none");
    if (machine->pages == KW_DOCTOR_PAGES_NEVER)
        advise(finding, KW_VERDICT_WARN,
            "taking a pair from a deep pool costs a little more: echo madvise > "
            "/sys/kernel/mm/transparent_hugepage/enabled");
}

static const struct check {
    const char *name;
    void (*judge)(const struct kw_machine *machine, struct kw_finding *finding);
} checks[] = {
    {"self-test", judge_process},
    {"core dumps", judge_dumps},
    {"locked memory", judge_memlock},
    {"io_uring", judge_ring},
    {"CPU path", judge_cpu},
    {"cores", judge_cores},
    {"idle priority", judge_priority},
    {"autogroup", judge_autogroup},
    {"disk commit", judge_disk},
    {"clock", judge_clock},
    {"open files", judge_files},
    {"huge pages", judge_pages},
};
static_assert(KW_ARRAY_LEN(checks) == KW_DOCTOR_FINDINGS, "one finding per check");

enum kw_verdict kw_doctor_judge(const struct kw_machine *machine, struct kw_finding ret[KW_DOCTOR_FINDINGS])
{
    enum kw_verdict worst = KW_VERDICT_OK;

    for (size_t i = 0; i < KW_DOCTOR_FINDINGS; i++) {
        ret[i] = (struct kw_finding){.check = checks[i].name, .verdict = KW_VERDICT_OK};
        checks[i].judge(machine, &ret[i]);
        worst = KW_MAX(worst, ret[i].verdict);
    }
    return worst;
}

const char *kw_verdict_name(enum kw_verdict verdict)
{
    return verdict == KW_VERDICT_OK ? "ok" : verdict == KW_VERDICT_WARN ? "warn" : "fail";
}

/* A limit, or null. */
static json_t *limit(uint64_t value)
{
    return value == KW_DOCTOR_UNLIMITED ? json_null() : json_integer((json_int_t)value);
}

static json_t *figures(const struct kw_machine *machine)
{
    return json_pack("{s:o, s:I, s:b, s:s, s:s, s:i, s:f, s:b, s:i, s:f, s:f, s:b, s:f, s:o}",
        "memlock_bytes", limit(machine->memlock), "default_pools_bytes", (json_int_t)machine->pool_bytes,
        "io_uring", machine->ring, "cpu", machine->cpu_model, "cpu_path", kw_cpu_path_name(machine->cpu_path),
        "cores", (int)machine->cores, "quota_cores", machine->quota_cores, "may_leave_idle_priority",
        machine->may_raise, "commits", (int)machine->commits, "commit_median_us", machine->commit_median_us,
        "commit_p99_us", machine->commit_p99_us, "clock_synchronised",
        machine->clock_known && machine->clock_synchronised, "clock_error_s", machine->clock_error_s,
        "open_files", limit(machine->files));
}

json_t *kw_doctor_json(const struct kw_machine *machine, const struct kw_finding findings[KW_DOCTOR_FINDINGS],
    enum kw_verdict worst)
{
    json_t *list = json_array();

    for (size_t i = 0; i < KW_DOCTOR_FINDINGS; i++) {
        const struct kw_finding *finding = &findings[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s*}", "check", finding->check, "verdict",
                                        kw_verdict_name(finding->verdict), "what", finding->what, "advice",
                                        finding->advice[0] != '\0' ? finding->advice : NULL));
    }
    return json_pack(
        "{s:s, s:o, s:o}", "verdict", kw_verdict_name(worst), "findings", list, "machine", figures(machine));
}

double kw_doctor_percentile(const double *sorted, unsigned num, unsigned percent)
{
    unsigned rank = (unsigned)(((uint64_t)num * percent + 99) / 100);

    kw_assert(num > 0 && percent <= 100);
    return sorted[rank > 0 ? rank - 1 : 0];
}

double kw_doctor_quota(const char *text)
{
    char *end;
    double allowed = strtod(text, &end), period;

    /* "max 100000": no bound. strtod() takes "inf" and "nan" too. */
    KW_REQUIRE(end != text && *end == ' ' && *text >= '0' && *text <= '9', 0);
    period = strtod(end + 1, NULL);
    return period >= 1 && period <= 1e9 && allowed <= 1e15 ? allowed / period : 0;
}
