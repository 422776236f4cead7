#include "api/sigv4.h"

#define DAY_S INT64_C(86400)

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar. The year is taken to begin in March, so
 * that the leap day is its last; 153 days are the five months from March on. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 + 400 : year + 400;
    int64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + (day - 1) - 719468 - 146097;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    return month == 12 ? 31 : days_from_date(year, month + 1, 1) - days_from_date(year, month, 1);
}

static int64_t number_at(struct kw_bytes text, size_t from, size_t digits)
{
    int64_t value = 0;

    for (size_t i = from; i < from + digits; i++)
        value = value * 10 + (text.ptr[i] - '0');
    return value;
}

int kw_sigv4_stamp_parse(struct kw_bytes text, int64_t *ret_ms)
{
    KW_REQUIRE(text.len == KW_SIGV4_STAMP_LEN && text.ptr[8] == 'T' && text.ptr[15] == 'Z', 1);
    for (size_t i = 0; i < 15; i++)
        KW_REQUIRE(i == 8 || (text.ptr[i] >= '0' && text.ptr[i] <= '9'), 1);

    int64_t year = number_at(text, 0, 4), month = number_at(text, 4, 2), day = number_at(text, 6, 2);
    int64_t hour = number_at(text, 9, 2), minute = number_at(text, 11, 2), second = number_at(text, 13, 2);
    KW_REQUIRE(month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month), 1);
    KW_REQUIRE(hour < 24 && minute < 60 && second < 60, 1);
    *ret_ms = (days_from_date(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second) * 1000;
    return 0;
}

static void put_number(char *to, unsigned digits, unsigned value)
{
    while (digits-- > 0) {
        to[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

void kw_sigv4_stamp_format(int64_t ms, char ret[KW_SIGV4_STAMP_LEN + 1])
{
    const uint32_t era_days = 146097; /* 400 years */
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);
    unsigned rest = (unsigned)(seconds - days * DAY_S);

    kw_assert(days >= days_from_date(0, 1, 1) && days < days_from_date(10000, 1, 1));
    /* Since 0000-03-01, or -0400-03-01 for what is before: years begin in March here, too. */
    uint32_t since = (uint32_t)(days + 719468 + era_days);
    uint32_t era = since / era_days, of_era = since % era_days;
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    uint32_t day = of_year - (153 * month + 2) / 5 + 1;

    month += month < 10 ? 3 : (uint32_t)-9;
    year += era * 400 + (month <= 2);
    put_number(ret, 4, year - 400);
    put_number(ret + 4, 2, month);
    put_number(ret + 6, 2, day);
    ret[8] = 'T';
    put_number(ret + 9, 2, rest / 3600);
    put_number(ret + 11, 2, rest / 60 % 60);
    put_number(ret + 13, 2, rest % 60);
    ret[15] = 'Z';
    ret[16] = '\0';
}
