#include "engine/topology.h"

#include <sched.h>

static void cpu_set_free(cpu_set_t **set)
{
    CPU_FREE(*set);
}

static bool bit_get(const uint8_t *bits, unsigned index)
{
    return bits[index / 8] >> (index % 8) & 1;
}

static void bit_set(uint8_t *bits, unsigned index)
{
    bits[index / 8] |= (uint8_t)(1u << (index % 8));
}

/* The kernel wants a mask at least as large as its own, so the first call uses the largest there is. */
int kw_cpus_allowed(struct kw_cpus *ret)
{
    KW_CLEANUP(cpu_set_free) cpu_set_t *set = CPU_ALLOC(KW_CPU_NUMBERS);
    size_t set_len = CPU_ALLOC_SIZE(KW_CPU_NUMBERS);
    unsigned num = 0;

    KW_REQUIRE(set != NULL, -ENOMEM);
    CPU_ZERO_S(set_len, set);
    KW_REQUIRE(sched_getaffinity(0, set_len, set) == 0, -errno);
    for (unsigned i = 0; i < KW_CPU_NUMBERS && num < KW_WORKERS_MAX; i++)
        if (CPU_ISSET_S(i, set_len, set))
            ret->cpu[num++] = i;
    ret->num = num;
    return 0;
}

int kw_cpus_stay(const struct kw_cpus *cpus)
{
    KW_CLEANUP(cpu_set_free) cpu_set_t *set = CPU_ALLOC(KW_CPU_NUMBERS);
    size_t set_len = CPU_ALLOC_SIZE(KW_CPU_NUMBERS);

    KW_REQUIRE(set != NULL, -ENOMEM);
    CPU_ZERO_S(set_len, set);
    for (unsigned i = 0; i < cpus->num; i++)
        CPU_SET_S(cpus->cpu[i], set_len, set);
    return sched_setaffinity(0, set_len, set) < 0 ? -errno : 0;
}

/* Takes a number below KW_CPU_NUMBERS off the front of text. */
static int take_number(struct kw_bytes *text, unsigned *ret)
{
    unsigned value = 0;
    size_t i = 0;

    for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++) {
        value = value * 10 + (unsigned)(text->ptr[i] - '0');
        KW_REQUIRE(value < KW_CPU_NUMBERS, 1);
    }
    KW_REQUIRE(i > 0, 1);
    *text = KW_BYTES(text->ptr + i, text->len - i);
    *ret = value;
    return 0;
}

static bool take_char(struct kw_bytes *text, char c)
{
    if (text->len == 0 || text->ptr[0] != (uint8_t)c)
        return false;
    *text = KW_BYTES(text->ptr + 1, text->len - 1);
    return true;
}

static int take_range(struct kw_bytes *text, uint8_t *seen)
{
    unsigned first, last;

    KW_REQUIRE(take_number(text, &first) == 0, 1);
    last = first;
    if (take_char(text, '-'))
        KW_REQUIRE(take_number(text, &last) == 0, 1);
    KW_REQUIRE(first <= last, 1);
    for (unsigned i = first; i <= last; i++) {
        KW_REQUIRE(!bit_get(seen, i), 1);
        bit_set(seen, i);
    }
    return 0;
}

int kw_cpus_parse(struct kw_bytes text, struct kw_cpus *ret)
{
    uint8_t seen[KW_CPU_NUMBERS / 8] = {0};
    struct kw_cpus cpus = {.num = 0};

    do
        KW_REQUIRE(take_range(&text, seen) == 0, 1);
    while (take_char(&text, ','));
    KW_REQUIRE(text.len == 0, 1);

    for (unsigned i = 0; i < KW_CPU_NUMBERS; i++) {
        if (!bit_get(seen, i))
            continue;
        KW_REQUIRE(cpus.num < KW_WORKERS_MAX, 1);
        cpus.cpu[cpus.num++] = i;
    }
    *ret = cpus;
    return 0;
}

bool kw_cpus_within(const struct kw_cpus *a, const struct kw_cpus *b)
{
    unsigned at = 0;

    for (unsigned i = 0; i < a->num; i++) {
        while (at < b->num && b->cpu[at] < a->cpu[i])
            at++;
        if (at == b->num || b->cpu[at] != a->cpu[i])
            return false;
    }
    return true;
}
