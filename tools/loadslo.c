#include "tools/loadslo.h"

#include "tools/loadtally.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int parse_name(const char *name, struct kw_load_slo *slo)
{
    static const struct {
        const char *name;
        enum kw_load_slo_kind kind;
    } names[] = {
        {"max", KW_LOAD_SLO_MAXIMUM},
        {"mean", KW_LOAD_SLO_MEAN},
        {"errors", KW_LOAD_SLO_ERRORS},
        {"misses", KW_LOAD_SLO_MISSES},
        {"rate", KW_LOAD_SLO_RATE},
    };
    char *end = NULL;

    for (unsigned i = 0; i < KW_ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i].name) == 0) {
            slo->kind = names[i].kind;
            return 0;
        }
    }
    KW_REQUIRE(name[0] == 'p' && name[1] >= '0' && name[1] <= '9', 1);
    slo->kind = KW_LOAD_SLO_PERCENTILE;
    slo->percent = strtod(name + 1, &end);
    return *end == '\0' && slo->percent > 0 && slo->percent <= 100 ? 0 : 1;
}

static int parse_bound(const char *text, struct kw_load_slo *slo)
{
    static const struct {
        const char *name;
        double factor;
        bool share;
    } units[] = {
        {"ns", 1, false}, {"us", 1e3, false}, {"ms", 1e6, false}, {"s", 1e9, false}, {"%", 0.01, true}};
    bool share = slo->kind >= KW_LOAD_SLO_ERRORS;
    char *end = NULL;

    KW_REQUIRE(text[0] >= '0' && text[0] <= '9', 1);
    slo->bound = strtod(text, &end);
    for (unsigned i = 0; i < KW_ARRAY_LEN(units); i++) {
        if (strcmp(end, units[i].name) == 0 && units[i].share == share) {
            slo->bound *= units[i].factor;
            return isfinite(slo->bound) ? 0 : 1;
        }
    }
    return 1;
}

int kw_load_slo_parse(const char *text, struct kw_load_slo *ret)
{
    struct kw_load_slo slo = {0};
    size_t name_len = strcspn(text, "<>");
    char name[16];

    KW_REQUIRE(name_len < sizeof(name) && text[name_len] != '\0' && strlen(text) < sizeof(slo.text), 1);
    memcpy(name, text, name_len);
    name[name_len] = '\0';
    memcpy(slo.text, text, strlen(text));
    text += name_len;
    slo.at_least = *text++ == '>';
    if (*text == '=') {
        slo.inclusive = true;
        text++;
    }
    KW_REQUIRE(parse_name(name, &slo) == 0 && parse_bound(text, &slo) == 0, 1);
    *ret = slo;
    return 0;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

double kw_load_slo_value(const struct kw_load_slo *slo, const struct kw_load_tally *tally)
{
    uint64_t ns;

    switch (slo->kind) {
    case KW_LOAD_SLO_PERCENTILE:
        ns = kw_hdr_percentile(&tally->latency, slo->percent, tally->failed);
        return ns == UINT64_MAX || tally->due == 0 ? INFINITY : (double)ns;
    case KW_LOAD_SLO_MAXIMUM:
        return tally->failed > 0 || tally->due == 0 ? INFINITY : (double)tally->latency.max_ns;
    case KW_LOAD_SLO_MEAN:
        return tally->failed > 0 || tally->due == 0 ? INFINITY : kw_hdr_mean(&tally->latency);
    case KW_LOAD_SLO_ERRORS:
        return tally->due > 0 ? share(tally->failed, tally->due) : 1;
    case KW_LOAD_SLO_MISSES:
        return share(tally->misses, tally->good);
    default:
        return tally->due > 0 ? kw_load_tally_achieved(tally) / kw_load_tally_asked(tally) : 0;
    }
}

bool kw_load_slo_met(const struct kw_load_slo *slo, const struct kw_load_tally *tally)
{
    double value = kw_load_slo_value(slo, tally);

    if (slo->inclusive && value == slo->bound)
        return true;
    return slo->at_least ? value > slo->bound : value < slo->bound;
}
