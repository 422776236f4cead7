#include "tests/stress/ec_counts.h"

#include "tests/stress/keys_counts.h"

static const unsigned small_primes[EC_COUNTS_SMALL] = {3, 5, 7, 11, 13};

static unsigned bit_of(const uint8_t *bytes, unsigned bit)
{
    return bytes[bit / 8] >> bit % 8 & 1;
}

static unsigned remainder_of(const uint8_t *bytes, unsigned len, unsigned m)
{
    unsigned rest = 0;

    while (len-- > 0)
        rest = (256 * rest + bytes[len]) % m;
    return rest;
}

void ec_counts_add(struct ec_counts *counts, const struct ec_judge_numbers *numbers, unsigned bits)
{
    unsigned top = 0;

    for (unsigned i = 0; i < bits; i++) {
        counts->secret[i] += bit_of(numbers->secret, i);
        counts->point[i] += bit_of(numbers->point, i);
        counts->change[i] += bit_of(numbers->secret, i) ^ bit_of(counts->last, i);
    }
    for (unsigned i = 1; i <= 4; i++)
        top = 2 * top + bit_of(numbers->secret, bits - i);
    for (size_t i = 0; i < EC_COUNTS_SMALL; i++)
        counts->small[i][remainder_of(numbers->secret, EC_JUDGE_BYTES_MAX, small_primes[i])]++;
    counts->top[top]++;
    counts->odd += numbers->odd;
    counts->num++;
    memcpy(counts->last, numbers->secret, sizeof(counts->last));
}

static void sum_up(uint64_t *counts, const uint64_t *more, size_t num)
{
    for (size_t i = 0; i < num; i++)
        counts[i] += more[i];
}

void ec_counts_join(struct ec_counts *counts, const struct ec_counts *more)
{
    counts->num += more->num;
    counts->odd += more->odd;
    sum_up(counts->secret, more->secret, EC_COUNTS_BITS_MAX);
    sum_up(counts->change, more->change, EC_COUNTS_BITS_MAX);
    sum_up(counts->point, more->point, EC_COUNTS_BITS_MAX);
    sum_up(counts->top, more->top, EC_COUNTS_CELLS);
    for (size_t i = 0; i < EC_COUNTS_SMALL; i++)
        sum_up(counts->small[i], more->small[i], small_primes[i]);
}

static bool is_fair(uint64_t set, uint64_t num, double alarm)
{
    const uint64_t cells[] = {set, num - set};

    return keys_counts_bound(cells, 2) >= alarm;
}

static bool are_fair(const uint64_t *set, unsigned bits, uint64_t num)
{
    for (unsigned i = 0; i < bits; i++)
        if (!is_fair(set[i], num, KEYS_COUNTS_ALARM_BIT))
            return false;
    return true;
}

const char *ec_counts_judge(const struct ec_counts *counts, unsigned bits)
{
    KW_REQUIRE(are_fair(counts->secret, bits, counts->num), "a bit of secrets is not fair");
    KW_REQUIRE(are_fair(counts->change, bits, counts->num), "a bit of secrets follows the one before");
    KW_REQUIRE(are_fair(counts->point, bits, counts->num), "a bit of points is not fair");
    KW_REQUIRE(is_fair(counts->odd, counts->num, KEYS_COUNTS_ALARM), "the parity of y is not fair");
    KW_REQUIRE(keys_counts_bound(counts->top, EC_COUNTS_CELLS) >= KEYS_COUNTS_ALARM,
        "the leading bits of secrets are not uniform");
    for (size_t i = 0; i < EC_COUNTS_SMALL; i++)
        KW_REQUIRE(keys_counts_bound(counts->small[i], small_primes[i]) >= KEYS_COUNTS_ALARM,
            "secrets modulo a small prime are not uniform");
    return NULL;
}

/* ---- control ---- */

/* Numbers of no meaning, the same in each run. */
static void draw(uint8_t *ret, size_t len)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    for (size_t i = 0; i < len; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ret[i] = (uint8_t)(state >> 32);
    }
}

enum flaw { NO_FLAW, TOP_SET, BIT_CLEAR, COMES_TWICE, EVEN_POINTS, THREES, FLAWS };

static void spoil(struct ec_judge_numbers *numbers, enum flaw flaw, const struct ec_counts *before)
{
    switch (flaw) {
    case TOP_SET: /* every other time */
        numbers->secret[31] |= before->num % 2 == 0 ? 0x80 : 0;
        break;
    case BIT_CLEAR:
        numbers->secret[17] &= 0xf7;
        break;
    case COMES_TWICE: /* half of it, every other time */
        if (before->num % 2 == 1)
            memcpy(numbers->secret, before->last, 16);
        break;
    case EVEN_POINTS:
        numbers->odd = false;
        break;
    case THREES: /* times three, if that fits */
        for (unsigned i = 0, carry = 0; i < 32; i++, carry >>= 8)
            numbers->secret[i] =
                (uint8_t)(carry += 3u * (i == 31 ? numbers->secret[i] / 3 : numbers->secret[i]));
        break;
    default:
        break;
    }
}

void ec_counts_control(void)
{
    for (enum flaw flaw = 0; flaw < FLAWS; flaw++) {
        struct ec_counts counts = {0};
        for (unsigned i = 0; i < 2000; i++) {
            struct ec_judge_numbers numbers = {.odd = i % 2};
            draw(numbers.secret, 32);
            draw(numbers.point, 32);
            spoil(&numbers, flaw, &counts);
            ec_counts_add(&counts, &numbers, 256);
        }
        kw_assert((ec_counts_judge(&counts, 256) == NULL) == (flaw == NO_FLAW));
    }
}
