/* doctor - is this machine good for keywelld, and if not, what is to be done?
 *
 * What was seen (doctorprobe.h) is judged here. Pure; nothing is kept between calls.
 */
#ifndef KW_TOOLS_DOCTOR_H
#define KW_TOOLS_DOCTOR_H

#include "engine/cpu.h"

#include <jansson.h>

#define KW_DOCTOR_UNLIMITED UINT64_MAX

enum kw_doctor_pages { KW_DOCTOR_PAGES_UNKNOWN, KW_DOCTOR_PAGES_OFFERED, KW_DOCTOR_PAGES_NEVER };

/* What was seen of a machine, by the process that looked. */
struct kw_machine {
    /* The process, prepared as the server prepares its own (kw_node_prepare_process()). */
    bool prepared;
    char prepare_why[512];
    bool dumpable;       /* after that: core dumps are possible still */
    bool dontdump;       /* secret memory is kept out of core dumps */
    uint64_t memlock;    /* bytes that may be locked, KW_DOCTOR_UNLIMITED: any number */
    uint64_t pool_bytes; /* that the default pools want to lock */
    bool swap;           /* there is swap space */
    /* io_uring */
    bool ring; /* the server's own probe passed */
    char ring_why[512];
    int ring_disabled; /* kernel.io_uring_disabled; -1: this kernel has no such setting */
    int seccomp;       /* mode of this process: 0 none, 2 a filter; -1: unknown */
    /* cores */
    int cpu_result; /* of kw_cpu_choose() under cpu_mask */
    const char *cpu_mask;
    enum kw_cpu_path cpu_path;
    char cpu_model[64];
    unsigned cores;     /* that this process may use */
    double quota_cores; /* CPU time that control groups allow it, in cores; 0: no bound */
    bool idle;          /* a thread gets idle priority */
    bool may_raise;     /* and may leave it again */
    bool autogroup;     /* the scheduler shares cores between sessions first */
    /* the disk below the data folder */
    char disk[512];   /* the folder that was measured */
    int disk_error;   /* negative errno; 0: measured */
    bool disk_memory; /* a file system in memory */
    unsigned commits; /* how many were measured, at least 1 */
    double commit_median_us, commit_p99_us;
    /* the clock */
    bool clock_known; /* the kernel says what it thinks of it */
    bool clock_synchronised;
    double clock_error_s; /* the kernel's bound on how wrong it is */
    double clock_step_s;  /* how far it jumped while we looked */
    /* the rest */
    uint64_t files; /* descriptors that may be open; KW_DOCTOR_UNLIMITED */
    enum kw_doctor_pages pages;
};

enum kw_verdict { KW_VERDICT_OK, KW_VERDICT_WARN, KW_VERDICT_FAIL };

struct kw_finding {
    const char *check; /* "io_uring" */
    enum kw_verdict verdict;
    char what[640];   /* was seen */
    char advice[320]; /* what to do about it; "" if all is well */
};

#define KW_DOCTOR_FINDINGS 12u

/* kw_doctor_judge() - Out: ret, one finding per check, always in the same order. Returns the worst verdict.
 */
enum kw_verdict kw_doctor_judge(const struct kw_machine *machine, struct kw_finding ret[KW_DOCTOR_FINDINGS]);

/* "ok", "warn", "fail" */
const char *kw_verdict_name(enum kw_verdict verdict);
/* kw_doctor_json() - what was found, and the figures behind it. Returns an object that the caller owns, or
 * NULL: no memory. */
json_t *kw_doctor_json(const struct kw_machine *machine, const struct kw_finding findings[KW_DOCTOR_FINDINGS],
    enum kw_verdict worst);

/* kw_doctor_percentile() - of num ascending samples (num >= 1): the least that at least percent of them do
 * not exceed. */
KW_MUST_CHECK double kw_doctor_percentile(const double *sorted, unsigned num, unsigned percent);
/* kw_doctor_quota() - "MAX PERIOD" of a control group's cpu.max in cores. Returns 0 if there is no bound or
 * it cannot be read. */
KW_MUST_CHECK double kw_doctor_quota(const char *text);

#endif
