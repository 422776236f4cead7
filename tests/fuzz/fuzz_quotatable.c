#include "api/quotatable.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* What a bucket may count on: no room is less than a call or so wide that times overflow. */
static void check_rate(struct kw_quota_rate rate)
{
    kw_assert(rate.interval_ns == 0 || rate.interval_ns >= 1000);
    kw_assert(rate.interval_ns <= UINT64_C(10000000000000) && rate.room_ns >= rate.interval_ns);
    kw_assert(rate.room_ns <= 1000000 * UINT64_C(10000000000000));
}

/* A text that is refused changes nothing. One that is accepted says the same the second time, names classes
 * one by one as * does all, and a last line wins. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct kw_quotatable table, before, again;
    struct kw_quota_rate rate;
    char why[256] = "";
    struct kw_bytes text = KW_BYTES(data, len);

    kw_quotatable_init(&table, true);
    before = table;
    if (kw_quotatable_change(&table, text, why, sizeof(why)) != 0) {
        kw_assert(memcmp(&table, &before, sizeof(table)) == 0 && why[0] != '\0');
    } else {
        again = table;
        for (unsigned i = 0; i < KW_QUOTA_CLASSES_MAX; i++)
            check_rate(table.rate[i]);
        kw_assert(kw_quotatable_change(&again, text, why, sizeof(why)) == 0);
        kw_assert(memcmp(&table, &again, sizeof(table)) == 0);
        kw_assert(kw_quotatable_change(&again, KW_LIT("* unlimited"), why, sizeof(why)) == 0);
        for (unsigned i = 0; i < KW_QUOTA_CLASSES_MAX; i++)
            kw_assert(again.rate[i].interval_ns == 0);
    }
    if (kw_quota_rate_parse(text, KW_BYTES(NULL, 0), &rate) == 0)
        check_rate(rate);
    return 0;
}
