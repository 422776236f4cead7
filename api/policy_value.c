/* The forms of values in conditions. */
#include "api/policy_internal.h"

#include <arpa/inet.h>

#define MILLION 1000000

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Takes one byte off the front if it is c. */
static bool skip(struct kw_bytes *rest, uint8_t c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = KW_BYTES(rest->ptr + 1, rest->len - 1);
    return true;
}

/* Takes at least min and at most max digits (12). */
static bool take_digits(struct kw_bytes *rest, size_t min, size_t max, int64_t *ret)
{
    size_t len = 0;

    *ret = 0;
    for (; len < max && len < rest->len && is_digit(rest->ptr[len]); len++)
        *ret = *ret * 10 + (rest->ptr[len] - '0');
    *rest = KW_BYTES(rest->ptr + len, rest->len - len);
    return len >= min;
}

/* What follows a decimal point, in millionths: 1 to 6 digits. */
static bool take_fraction(struct kw_bytes *rest, int64_t *ret)
{
    size_t before = rest->len;

    if (!take_digits(rest, 1, 6, ret))
        return false;
    for (size_t len = before - rest->len; len < 6; len++)
        *ret *= 10;
    return true;
}

bool kw_policy_number(struct kw_bytes text, int64_t *ret)
{
    struct kw_bytes rest = text;
    bool minus = skip(&rest, '-');
    int64_t whole, fraction = 0;

    if (!minus)
        (void)skip(&rest, '+');
    if (!take_digits(&rest, 1, 12, &whole) || (skip(&rest, '.') && !take_fraction(&rest, &fraction)) ||
        rest.len > 0)
        return false;
    *ret = (minus ? -1 : 1) * (whole * MILLION + fraction);
    return true;
}

/* ---- dates ---- */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_day(int64_t year, int64_t month, int64_t day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01, in the Gregorian calendar carried backwards. Years begin in March here, so that the
 * leap day is the last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* Z, +HH:MM or -HH:MM: how far the clock is ahead. */
static bool take_zone(struct kw_bytes *rest, int64_t *ret_s)
{
    int64_t hours, minutes;
    bool east;

    *ret_s = 0;
    if (skip(rest, 'Z'))
        return true;
    east = skip(rest, '+');
    if ((!east && !skip(rest, '-')) || !take_digits(rest, 2, 2, &hours) || !skip(rest, ':') ||
        !take_digits(rest, 2, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_s = (east ? 1 : -1) * (hours * 3600 + minutes * 60);
    return true;
}

/* THH:MM[:SS[.FRACTION]] and the zone. */
static bool take_time(struct kw_bytes *rest, int64_t *ret)
{
    int64_t hours, minutes, seconds = 0, fraction = 0, zone_s;

    if (!take_digits(rest, 2, 2, &hours) || !skip(rest, ':') || !take_digits(rest, 2, 2, &minutes))
        return false;
    if (skip(rest, ':') &&
        (!take_digits(rest, 2, 2, &seconds) || (skip(rest, '.') && !take_fraction(rest, &fraction))))
        return false;
    if (hours > 23 || minutes > 59 || seconds > 60 || !take_zone(rest, &zone_s))
        return false;
    *ret = (hours * 3600 + minutes * 60 + seconds - zone_s) * MILLION + fraction;
    return true;
}

static bool is_number(struct kw_bytes text)
{
    return kw_bytes_find(text, '-') <= 0 && kw_bytes_find(text, 'T') < 0;
}

bool kw_policy_date(struct kw_bytes text, int64_t *ret)
{
    struct kw_bytes rest = text;
    int64_t year, month = 1, day = 1, time = 0;

    if (is_number(text))
        return kw_policy_number(text, ret);
    if (!take_digits(&rest, 4, 4, &year) || !skip(&rest, '-') || !take_digits(&rest, 2, 2, &month))
        return false;
    if (skip(&rest, '-') &&
        (!take_digits(&rest, 2, 2, &day) || (skip(&rest, 'T') && !take_time(&rest, &time))))
        return false;
    if (rest.len > 0 || !is_day(year, month, day))
        return false;
    *ret = days_of(year, month, day) * 86400 * MILLION + time;
    return true;
}

bool kw_policy_bool(struct kw_bytes text, bool *ret)
{
    *ret = kw_bytes_equal_nocase(text, KW_LIT("true"));
    return *ret || kw_bytes_equal_nocase(text, KW_LIT("false"));
}

/* ---- addresses ---- */

static bool parse_address(struct kw_bytes text, struct kw_policy_ip *ret)
{
    char own[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(own) || kw_bytes_find(text, '\0') >= 0)
        return false;
    memcpy(own, text.ptr, text.len);
    own[text.len] = '\0';
    if (inet_pton(AF_INET, own, ret->bytes) == 1)
        ret->len = 4;
    else if (inet_pton(AF_INET6, own, ret->bytes) == 1)
        ret->len = 16;
    else
        return false;
    ret->bits = (uint8_t)(8 * ret->len);
    return true;
}

/* ::ffff:A.B.C.D is how a socket for both families names an IPv4 peer. */
static void unmap(struct kw_policy_ip *ip)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (ip->len != 16 || ip->bits < 96 || memcmp(ip->bytes, mapped, sizeof(mapped)) != 0)
        return;
    memmove(ip->bytes, ip->bytes + 12, 4);
    ip->len = 4;
    ip->bits = (uint8_t)(ip->bits - 96);
}

bool kw_policy_ip(struct kw_bytes text, bool with_prefix, struct kw_policy_ip *ret)
{
    ssize_t slash = with_prefix ? kw_bytes_find(text, '/') : -1;
    struct kw_policy_ip ip = {0};
    int64_t bits;

    if (!parse_address(slash < 0 ? text : KW_BYTES(text.ptr, (size_t)slash), &ip))
        return false;
    if (slash >= 0) {
        struct kw_bytes rest = KW_BYTES(text.ptr + slash + 1, text.len - (size_t)slash - 1);

        if (!take_digits(&rest, 1, 3, &bits) || rest.len > 0 || bits > ip.bits)
            return false;
        ip.bits = (uint8_t)bits;
    }
    unmap(&ip);
    *ret = ip;
    return true;
}

bool kw_policy_ip_in(const struct kw_policy_ip *address, const struct kw_policy_ip *range)
{
    size_t bytes = range->bits / 8u;
    unsigned rest = range->bits % 8u;

    if (address->len != range->len || memcmp(address->bytes, range->bytes, bytes) != 0)
        return false;
    return rest == 0 || ((address->bytes[bytes] ^ range->bytes[bytes]) >> (8 - rest)) == 0;
}
