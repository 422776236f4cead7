#include "tools/plan/trace.h"

#include "tools/plan/quantity.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

int kw_plan_trace_add(struct kw_plan_trace *trace, enum kw_spec spec, double time_s)
{
    struct kw_plan_times *times = &trace->spec[spec];

    KW_REQUIRE(trace->num < KW_PLAN_TRACE_MAX, -E2BIG);
    if (times->num == times->cap) {
        size_t cap = KW_MAX(2 * times->cap, (size_t)1024);
        double *grown = reallocarray(times->times_s, cap, sizeof(*grown));

        KW_REQUIRE(grown != NULL, -ENOMEM);
        times->times_s = grown;
        times->cap = cap;
    }
    times->times_s[times->num++] = time_s;
    trace->num++;
    return 0;
}

void kw_plan_trace_done(struct kw_plan_trace *trace)
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        free(trace->spec[spec].times_s);
    *trace = (struct kw_plan_trace){.num = 0};
}

/* ---- one line ---- */

/* num digits at text. Returns -1 if they are none. */
static int digits(const uint8_t *text, size_t num)
{
    int value = 0;

    for (size_t i = 0; i < num; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* "2026-01-02T03:04:05" and a fraction, with Z at the end (RFC 3339, UTC only). */
static int parse_moment(struct kw_bytes text, double *ret)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    struct tm tm = {.tm_isdst = 0};
    double fraction = 0;
    time_t seconds;

    KW_REQUIRE(text.len >= strlen(shape) + 1 && text.ptr[text.len - 1] == 'Z', 1);
    for (size_t i = 0; i < strlen(shape); i++)
        KW_REQUIRE(
            shape[i] == 'd' ? text.ptr[i] >= '0' && text.ptr[i] <= '9' : (char)text.ptr[i] == shape[i], 1);
    tm.tm_year = digits(text.ptr, 4) - 1900;
    tm.tm_mon = digits(text.ptr + 5, 2) - 1;
    tm.tm_mday = digits(text.ptr + 8, 2);
    tm.tm_hour = digits(text.ptr + 11, 2);
    tm.tm_min = digits(text.ptr + 14, 2);
    tm.tm_sec = digits(text.ptr + 17, 2);
    KW_REQUIRE(tm.tm_mon >= 0 && tm.tm_mon < 12 && tm.tm_mday >= 1 && tm.tm_mday <= 31 && tm.tm_hour < 24 &&
                   tm.tm_min < 60 && tm.tm_sec <= 60,
        1);
    if (text.len > strlen(shape) + 1)
        KW_REQUIRE(text.ptr[strlen(shape)] == '.' &&
                       kw_quantity_number(
                           KW_BYTES(text.ptr + strlen(shape), text.len - strlen(shape) - 1), &fraction) == 0,
            1);
    seconds = timegm(&tm);
    *ret = (double)seconds + fraction;
    return 0;
}

static struct kw_bytes trim(struct kw_bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t' || text.ptr[0] == '"'))
        text = KW_BYTES(text.ptr + 1, text.len - 1);
    while (
        text.len > 0 && strchr(" \t\r\n\"", text.ptr[text.len - 1]) != NULL && text.ptr[text.len - 1] != '\0')
        text.len--;
    return text;
}

int kw_plan_trace_line(struct kw_bytes line, enum kw_spec *ret_spec, double *ret_time_s, const char **why)
{
    ssize_t comma;
    struct kw_bytes time, spec;

    line = trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return 2;
    *why = "is not TIME,SPEC";
    comma = kw_bytes_find(line, ',');
    KW_REQUIRE(comma >= 0, 1);
    time = trim(KW_BYTES(line.ptr, (size_t)comma));
    spec = trim(KW_BYTES(line.ptr + comma + 1, line.len - (size_t)comma - 1));
    *why = "has a time that is negative";
    KW_REQUIRE(time.len == 0 || time.ptr[0] != '-', 1);
    *why = "has a time that is neither seconds nor like 2026-01-02T03:04:05Z";
    KW_REQUIRE(kw_quantity_number(time, ret_time_s) == 0 || parse_moment(time, ret_time_s) == 0, 1);
    *why = "has a spec that there is not";
    return kw_spec_parse(spec, ret_spec) == 0 ? 0 : 1;
}

static struct kw_bytes text_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return KW_BYTES(json_string_value(value), json_string_length(value));
}

int kw_plan_trace_record(struct kw_bytes line, enum kw_spec *ret_spec, double *ret_time_s)
{
    json_t *record = json_loadb((const char *)line.ptr, line.len, JSON_ALLOW_NUL, NULL);
    struct kw_bytes name = text_of(record, "eventName"),
                    spec = text_of(json_object_get(record, "requestParameters"), "keyPairSpec");
    int r = 1;

    if ((kw_bytes_equal(name, KW_LIT("GenerateDataKeyPair")) ||
            kw_bytes_equal(name, KW_LIT("GenerateDataKeyPairWithoutPlaintext"))) &&
        kw_spec_parse(spec, ret_spec) == 0)
        r = parse_moment(text_of(record, "eventTime"), ret_time_s);
    json_decref(record);
    return r;
}

/* ---- what a demand is made of ---- */

void kw_plan_trace_demands(const struct kw_plan_trace *trace, struct kw_plan_demand demands[KW_SPEC_NUM])
{
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_times *times = &trace->spec[spec];

        if (times->num > 0)
            demands[spec] = (struct kw_plan_demand){.kind = KW_PLAN_TRACE,
                .scale = 1,
                .period_s = trace->period_s,
                .times_s = times->times_s,
                .num_times = times->num};
    }
}
