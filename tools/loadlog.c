/* HdrHistogram's interval log, format 1.3: a line an interval and operation, tagged with its name. */
#include "tools/loadreport.h"

#include <stdlib.h>
#include <time.h>

void kw_load_log_heading(FILE *file, const struct kw_load_report *report, int64_t began_ms)
{
    time_t second = (time_t)(began_ms / 1000);
    char date[64], what[512];
    struct tm utc;

    gmtime_r(&second, &utc);
    strftime(date, sizeof(date), "%a %b %d %H:%M:%S UTC %Y", &utc);
    kw_load_describe(report->plan, what, sizeof(what));
    fprintf(file,
        "#[keywell-load: %s; nanoseconds from the moment at which a request was due]\n"
        "#[Histogram log format version 1.3]\n"
        "#[StartTime: %.3f (seconds since epoch), %s]\n"
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        what, (double)began_ms / 1e3, date);
}

/* A tag ends at a comma or white space. */
static void put_tag(FILE *file, const char *name)
{
    fputs("Tag=", file);
    for (; *name != '\0'; name++)
        fputc(strchr(", \t\r\n", *name) != NULL ? '_' : *name, file);
    fputc(',', file);
}

void kw_load_log_interval(FILE *file, const struct kw_load_report *report, double began_s, double seconds,
    const struct kw_load_tally *ops)
{
    for (unsigned i = 0; i < report->plan->num_ops; i++) {
        char *text = ops[i].latency.total > 0 ? kw_hdr_text(&ops[i].latency) : NULL;

        if (text == NULL)
            continue;
        if (report->plan->num_ops > 1)
            put_tag(file, report->plan->ops[i].name);
        /* The largest in milliseconds, as HdrHistogram's own writer has it. */
        fprintf(file, "%.3f,%.3f,%.3f,%s\n", began_s, seconds, (double)ops[i].latency.max_ns / 1e6, text);
        free(text);
    }
    fflush(file);
}
