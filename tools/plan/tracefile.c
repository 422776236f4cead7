#include "api/auditverify.h"
#include "tools/plan/trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double first_of(const struct kw_plan_trace *trace)
{
    double first = INFINITY;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (trace->spec[spec].num > 0)
            first = fmin(first, trace->spec[spec].times_s[0]);
    return first;
}

/* Times that were kept in whole seconds, ascending: those of a second are spread over it evenly. */
static void spread(struct kw_plan_times *times)
{
    size_t next;

    for (size_t first = 0; first < times->num; first = next) {
        next = first;
        while (next < times->num && times->times_s[next] == times->times_s[first])
            next++;
        for (size_t i = next; i-- > first;)
            times->times_s[i] += ((double)(i - first) + 0.5) / (double)(next - first);
    }
}

/* Sorted, from 0 on; it begins again a mean gap after its last request. */
static int finish(
    struct kw_plan_trace *trace, bool whole_seconds, const char *path, char *why, size_t why_cap)
{
    double first, last = 0;

    if (trace->num == 0) {
        snprintf(why, why_cap, "%s: the trace is empty: nobody asks for a key pair in it", path);
        return 1;
    }
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (trace->spec[spec].num > 0)
            qsort(trace->spec[spec].times_s, trace->spec[spec].num, sizeof(double), compare);
    for (unsigned spec = 0; spec < KW_SPEC_NUM && whole_seconds; spec++)
        spread(&trace->spec[spec]);
    first = first_of(trace);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        struct kw_plan_times *times = &trace->spec[spec];

        for (size_t i = 0; i < times->num; i++)
            times->times_s[i] -= first;
        if (times->num > 0)
            last = fmax(last, times->times_s[times->num - 1]);
    }
    if (!(last > 0)) {
        snprintf(why, why_cap, "%s: all requests of the trace are at one moment: that is no rate", path);
        return 1;
    }
    trace->period_s = last * (double)trace->num / (double)(trace->num - 1);
    return 0;
}

static int complain(int r, const char *path, char *why, size_t why_cap)
{
    if (r == -E2BIG)
        snprintf(why, why_cap, "%s: more than %u requests", path, KW_PLAN_TRACE_MAX);
    else
        snprintf(why, why_cap, "%s: %s", path, strerror(-r));
    return 1;
}

/* ---- CSV ---- */

static bool is_heading(const char *line, size_t len)
{
    return len >= 4 && kw_bytes_alike((const uint8_t *)line, (const uint8_t *)"time", 4);
}

static int read_lines(struct kw_plan_trace *trace, FILE *file, const char *path, char *why, size_t why_cap)
{
    char line[256];
    const char *problem = NULL;
    enum kw_spec spec;
    double time_s;
    unsigned long number = 0;

    while (fgets(line, sizeof(line), file) != NULL) {
        size_t len = strlen(line);
        int r = kw_plan_trace_line(KW_BYTES(line, len), &spec, &time_s, &problem);

        number++;
        if (len == sizeof(line) - 1 && line[len - 1] != '\n') {
            problem = "is longer than 254 bytes";
            r = 1;
        }
        if (r == 2 || (number == 1 && r == 1 && is_heading(line, len)))
            continue;
        if (r == 1) {
            snprintf(why, why_cap, "%s:%lu: the line %s", path, number, problem);
            return 1;
        }
        r = kw_plan_trace_add(trace, spec, time_s);
        if (r < 0)
            return complain(r, path, why, why_cap);
    }
    return ferror(file) ? complain(-EIO, path, why, why_cap) : 0;
}

int kw_plan_trace_read_csv(struct kw_plan_trace *trace, const char *path, char *why, size_t why_cap)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    int r;

    if (file == NULL)
        return complain(-errno, path, why, why_cap);
    r = read_lines(trace, file, path, why, why_cap);
    if (!standard)
        fclose(file);
    return r != 0 ? r : finish(trace, false, path, why, why_cap);
}

/* ---- audit log ---- */

struct reading {
    struct kw_plan_trace *trace;
    int result;
};

static void read_record(void *arg, struct kw_bytes line)
{
    struct reading *reading = arg;
    enum kw_spec spec;
    double time_s;

    if (reading->result == 0 && kw_plan_trace_record(line, &spec, &time_s) == 0)
        reading->result = kw_plan_trace_add(reading->trace, spec, time_s);
}

int kw_plan_trace_read_audit(struct kw_plan_trace *trace, const char *dir, char *why, size_t why_cap)
{
    struct kw_audit_verdict verdict = {.problem = ""};
    struct reading reading = {.trace = trace};
    struct stat about;
    char folder[4096];
    int r;

    snprintf(folder, sizeof(folder), "%s/audit", dir);
    if (stat(folder, &about) < 0 || !S_ISDIR(about.st_mode))
        snprintf(folder, sizeof(folder), "%s", dir);
    r = kw_audit_verify(folder, 0, NULL, read_record, &reading, &verdict);
    if (r != 0) {
        snprintf(why, why_cap, "%s: %s", folder, verdict.problem);
        return 1;
    }
    if (reading.result < 0)
        return complain(reading.result, folder, why, why_cap);
    return finish(trace, true, folder, why, why_cap);
}
