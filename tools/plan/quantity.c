#include "tools/plan/quantity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEN_YEARS_S (3652.0 * 86400)

struct unit {
    const char *name;
    double factor;
};

/* ---- from text ---- */

static size_t number_length(struct kw_bytes text)
{
    size_t i = 0, points = 0;

    while (
        i < text.len && ((text.ptr[i] >= '0' && text.ptr[i] <= '9') || (text.ptr[i] == '.' && points == 0)))
        points += text.ptr[i++] == '.';
    return i > points ? i : 0;
}

static int parse(struct kw_bytes text, const struct unit *units, size_t num_units, double most, double *ret)
{
    char number[32] = "";
    size_t len = number_length(text);
    struct kw_bytes unit = KW_BYTES(text.ptr + len, text.len - len);
    double value;

    KW_REQUIRE(len > 0 && len < sizeof(number), 1);
    memcpy(number, text.ptr, len);
    value = strtod(number, NULL);
    for (size_t i = 0; i < num_units; i++) {
        if (!kw_bytes_equal(unit, kw_bytes_str(units[i].name)))
            continue;
        KW_REQUIRE(value * units[i].factor <= most, 1);
        *ret = value * units[i].factor;
        return 0;
    }
    return 1;
}

int kw_quantity_rate(struct kw_bytes text, double *ret)
{
    static const struct unit units[] = {{"", 1}, {"/s", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}};

    return parse(text, units, KW_ARRAY_LEN(units), 1e12, ret);
}

int kw_quantity_time(struct kw_bytes text, double *ret)
{
    static const struct unit units[] = {
        {"", 1}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

    return parse(text, units, KW_ARRAY_LEN(units), TEN_YEARS_S, ret);
}

int kw_quantity_share(struct kw_bytes text, double *ret)
{
    static const struct unit units[] = {{"", 1}, {"%", 0.01}};

    return parse(text, units, KW_ARRAY_LEN(units), 1, ret);
}

int kw_quantity_bytes(struct kw_bytes text, double *ret)
{
    static const struct unit units[] = {{"", 1}, {"K", 0x1p10}, {"KiB", 0x1p10}, {"M", 0x1p20},
        {"MiB", 0x1p20}, {"G", 0x1p30}, {"GiB", 0x1p30}, {"T", 0x1p40}, {"TiB", 0x1p40}};

    return parse(text, units, KW_ARRAY_LEN(units), 0x1p60, ret);
}

int kw_quantity_number(struct kw_bytes text, double *ret)
{
    static const struct unit units[] = {{"", 1}};

    return parse(text, units, KW_ARRAY_LEN(units), 1e15, ret);
}

/* ---- to text ---- */

/* The largest unit that leaves at least 1; units ascend. */
static char *show(double value, const struct unit *units, size_t num_units, char ret[KW_QUANTITY_MAX])
{
    size_t i = 0;
    double shown;
    int digits;

    while (i + 1 < num_units && fabs(value) >= units[i + 1].factor * 0.9995)
        i++;
    shown = value / units[i].factor;
    digits =
        shown == 0 || fabs(shown - round(shown)) < 1e-9 ? 0 : KW_MAX(0, 2 - (int)floor(log10(fabs(shown))));
    snprintf(ret, KW_QUANTITY_MAX, "%.*f%s", KW_MIN(digits, 6), shown, units[i].name);
    return ret;
}

static char *plain(const char *text, char ret[KW_QUANTITY_MAX])
{
    snprintf(ret, KW_QUANTITY_MAX, "%s", text);
    return ret;
}

char *kw_quantity_show_rate(double per_s, char ret[KW_QUANTITY_MAX])
{
    static const struct unit units[] = {{"", 1}, {"k", 1e4}, {"M", 1e6}, {"G", 1e9}};
    static const struct unit thousands[] = {{"k", 1e3}};

    if (!isfinite(per_s))
        return plain("-", ret);
    if (fabs(per_s) >= 1e4 && fabs(per_s) < 1e6 * 0.9995)
        return show(per_s, thousands, 1, ret);
    return show(per_s, units, KW_ARRAY_LEN(units), ret);
}

char *kw_quantity_show_time(double seconds, char ret[KW_QUANTITY_MAX])
{
    static const struct unit units[] = {
        {" ns", 1e-9}, {" us", 1e-6}, {" ms", 1e-3}, {" s", 1}, {" min", 60}, {" h", 3600}, {" days", 86400}};

    if (!isfinite(seconds))
        return plain("never", ret);
    return seconds == 0 ? plain("0", ret) : show(seconds, units, KW_ARRAY_LEN(units), ret);
}

char *kw_quantity_show_share(double share, char ret[KW_QUANTITY_MAX])
{
    if (!isfinite(share))
        return plain("-", ret);
    if (share != 0 && fabs(share) < 5e-6)
        snprintf(ret, KW_QUANTITY_MAX, "%.1e", share);
    else
        snprintf(ret, KW_QUANTITY_MAX, "%.3g %%", share * 100);
    return ret;
}

char *kw_quantity_show_bytes(double bytes, char ret[KW_QUANTITY_MAX])
{
    static const struct unit units[] = {
        {" B", 1}, {" KiB", 0x1p10}, {" MiB", 0x1p20}, {" GiB", 0x1p30}, {" TiB", 0x1p40}, {" PiB", 0x1p50}};

    return isfinite(bytes) ? show(bytes, units, KW_ARRAY_LEN(units), ret) : plain("-", ret);
}
