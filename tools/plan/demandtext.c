#include "tools/plan/demandtext.h"

#include "tools/plan/quantity.h"

#include <stdio.h>

static int wrong(char *why, size_t why_cap, const char *what)
{
    snprintf(why, why_cap, "%s", what);
    return 1;
}

/* Takes what is before the next delimiter off the text, and the delimiter. */
static struct kw_bytes take(struct kw_bytes *text, uint8_t delimiter)
{
    ssize_t end = kw_bytes_find(*text, delimiter);
    struct kw_bytes part = KW_BYTES(text->ptr, end >= 0 ? (size_t)end : text->len);
    size_t used = end >= 0 ? (size_t)end + 1 : text->len;

    *text = KW_BYTES(text->ptr + used, text->len - used);
    return part;
}

static int parse_curve(struct kw_bytes text, struct kw_plan_demand *ret)
{
    ret->kind = KW_PLAN_DAILY;
    while (text.len > 0) {
        KW_REQUIRE(ret->num_curve < KW_PLAN_CURVE_MAX, 1);
        KW_REQUIRE(kw_quantity_number(take(&text, ':'), &ret->curve[ret->num_curve]) == 0, 1);
        ret->num_curve++;
    }
    return ret->num_curve > 0 ? 0 : 1;
}

static const char *parse_member(struct kw_bytes name, struct kw_bytes value, struct kw_plan_demand *ret)
{
    if (kw_bytes_equal(name, KW_LIT("burst"))) {
        ret->kind = KW_PLAN_BURSTS;
        return kw_quantity_rate(value, &ret->burst_per_s) == 0 ? NULL
                                                               : "burst= must be a rate, such as 5000 or 5k";
    }
    if (kw_bytes_equal(name, KW_LIT("on")))
        return kw_quantity_time(value, &ret->burst_s) == 0 ? NULL : "on= must be a time, such as 2s";
    if (kw_bytes_equal(name, KW_LIT("off")))
        return kw_quantity_time(value, &ret->quiet_s) == 0 ? NULL : "off= must be a time, such as 30s";
    if (kw_bytes_equal(name, KW_LIT("daily")))
        return parse_curve(value, ret) == 0
                   ? NULL
                   : "daily= must be 1 to 288 numbers with colons between, such as 1:1:4:2";
    if (kw_bytes_equal(name, KW_LIT("period")))
        return kw_quantity_time(value, &ret->period_s) == 0 ? NULL : "period= must be a time, such as 24h";
    if (kw_bytes_equal(name, KW_LIT("regular")) && value.len == 0) {
        ret->regular = true;
        return NULL;
    }
    return "after the rate may come burst=, on=, off= and regular, or daily= and period=";
}

static const char *check_whole(const struct kw_plan_demand *demand, bool bursts, bool curve)
{
    if (bursts && curve)
        return "bursts and a daily curve exclude each other";
    if (!bursts && (demand->burst_s > 0 || demand->quiet_s > 0 || demand->regular))
        return "on=, off= and regular need burst=";
    if (!curve && demand->period_s > 0)
        return "period= needs daily=";
    return NULL;
}

static const char *parse_members(struct kw_bytes text, struct kw_plan_demand *ret)
{
    bool bursts = false, curve = false;
    const char *problem = NULL;

    while (problem == NULL && text.len > 0) {
        struct kw_bytes value = take(&text, ','), name = take(&value, '=');

        problem = parse_member(name, value, ret);
        bursts |= kw_bytes_equal(name, KW_LIT("burst"));
        curve |= kw_bytes_equal(name, KW_LIT("daily"));
    }
    if (problem == NULL)
        problem = check_whole(ret, bursts, curve);
    if (problem == NULL && curve && ret->period_s <= 0)
        ret->period_s = 86400;
    return problem;
}

int kw_plan_demand_parse(
    struct kw_bytes text, enum kw_spec *ret_spec, struct kw_plan_demand *ret, char *why, size_t why_cap)
{
    struct kw_plan_demand demand = {.kind = KW_PLAN_POISSON, .scale = 1};
    struct kw_bytes name, rate;
    const char *problem;

    if (kw_bytes_find(text, '=') < 0)
        return wrong(why, why_cap, "it must be SPEC=RATE, such as RSA_2048=1200");
    name = take(&text, '=');
    if (kw_spec_parse(name, ret_spec) != 0) {
        snprintf(
            why, why_cap, "there is no spec %.*s", (int)KW_MIN(name.len, (size_t)40), (const char *)name.ptr);
        return 1;
    }
    rate = take(&text, ',');
    if (rate.len > 0 && rate.ptr[0] == '-')
        return wrong(why, why_cap, "the rate is negative");
    if (kw_quantity_rate(rate, &demand.rate_per_s) != 0)
        return wrong(why, why_cap, "the rate must be requests a second, such as 1200, 0.5 or 1.2k");
    problem = parse_members(text, &demand);
    if (problem == NULL)
        problem = kw_plan_demand_check(&demand);
    if (problem != NULL)
        return wrong(why, why_cap, problem);
    *ret = demand;
    return 0;
}

void kw_plan_demand_text(const struct kw_plan_demand *demand, char *ret, size_t cap)
{
    char a[KW_QUANTITY_MAX], b[KW_QUANTITY_MAX], c[KW_QUANTITY_MAX];

    switch (demand->kind) {
    case KW_PLAN_NONE:
        snprintf(ret, cap, "none");
        break;
    case KW_PLAN_POISSON:
        snprintf(ret, cap, "at random");
        break;
    case KW_PLAN_BURSTS:
        snprintf(ret, cap, "in %s bursts of %s/s for %s, every %s", demand->regular ? "regular" : "random",
            kw_quantity_show_rate(demand->burst_per_s * demand->scale, a),
            kw_quantity_show_time(demand->burst_s, b),
            kw_quantity_show_time(demand->burst_s + demand->quiet_s, c));
        break;
    case KW_PLAN_DAILY:
        snprintf(ret, cap, "along a curve of %s, %s/s at its top", kw_quantity_show_time(demand->period_s, a),
            kw_quantity_show_rate(kw_plan_demand_peak(demand), b));
        break;
    case KW_PLAN_TRACE:
        snprintf(ret, cap, "as recorded: %zu requests in %s", demand->num_times,
            kw_quantity_show_time(demand->period_s, a));
        break;
    }
}
