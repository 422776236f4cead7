#include "api/auditgather.h"

#include "tests/support/suite.h"

#include <stdlib.h>

#define FEW  KW_AUDIT_GATHER_FEW
#define MANY KW_AUDIT_GATHER_MANY

/* Asks at a time, and says whether a batch of num waits. */
static bool waits(struct kw_auditgather *gather, size_t num, uint64_t now_ns)
{
    bool answer = kw_auditgather_waits(gather, num, now_ns);

    ck_assert(answer == (gather->until_ns != 0));
    return answer;
}

START_TEST(one_alone_and_many_never_wait)
{
    struct kw_auditgather gather = {0};

    for (uint64_t now = 1; now < 1000; now++) {
        ck_assert(!waits(&gather, 0, now));
        ck_assert(!waits(&gather, 1, now));
        ck_assert(!waits(&gather, MANY, now));
        ck_assert(!waits(&gather, 10 * MANY, now));
    }
}
END_TEST

START_TEST(few_wait_for_a_bounded_time)
{
    struct kw_auditgather gather = {0};

    ck_assert(waits(&gather, FEW, 1000));
    ck_assert_uint_eq(gather.until_ns, 1000 + KW_AUDIT_GATHER_NS);
    ck_assert(waits(&gather, FEW + 5, 1000 + KW_AUDIT_GATHER_NS - 1));
    ck_assert(!waits(&gather, FEW + 5, 1000 + KW_AUDIT_GATHER_NS));
    /* It was worth it: the next one waits, too, and ends early when there are many. */
    ck_assert(waits(&gather, FEW, 2000));
    ck_assert(!waits(&gather, MANY, 2001));
    ck_assert(waits(&gather, FEW, 3000));
}
END_TEST

/* Where waiting brings nothing it is tried ever more rarely, and comes back at once when it does. */
START_TEST(waits_in_vain_get_rare)
{
    struct kw_auditgather gather = {0};
    unsigned tries = 0, asked = 0;
    uint64_t now = 1;

    for (; asked < 20000; asked++, now += 1000000) {
        if (!waits(&gather, 8, now))
            continue;
        tries++;
        ck_assert(!waits(&gather, 8, now + KW_AUDIT_GATHER_NS));
    }
    ck_assert_uint_ge(tries, asked / (KW_AUDIT_GATHER_BACKOFF_MAX + 2));
    ck_assert_uint_le(tries, asked / KW_AUDIT_GATHER_BACKOFF_MAX + 10);
    for (unsigned i = 0; !waits(&gather, 8, now); i++)
        ck_assert_uint_le(i, KW_AUDIT_GATHER_BACKOFF_MAX);
    ck_assert(!waits(&gather, 12, now + KW_AUDIT_GATHER_NS));
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(waits(&gather, 8, now));
        ck_assert(!waits(&gather, 12, now + KW_AUDIT_GATHER_NS));
    }
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, one_alone_and_many_never_wait);
    tcase_add_test(tcase, few_wait_for_a_bounded_time);
    tcase_add_test(tcase, waits_in_vain_get_rare);
}

int main(void)
{
    return kw_suite_run("auditgather", add, 30);
}
