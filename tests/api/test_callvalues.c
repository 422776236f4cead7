/* What any call says to policies: dates at the ends of their range, addresses, tags whose keys differ in
 * case. The values of whole calls are test_callauthz's and test_sts's. */
#include "api/callvalues.h"

#include "tests/support/suite.h"

static const struct {
    int64_t ms;
    const char *text;
} dates[] = {
    {0, "1970-01-01T00:00:00Z"},
    {999, "1970-01-01T00:00:00Z"},
    {-1, "1969-12-31T23:59:59Z"},
    {951782399000, "2000-02-28T23:59:59Z"},
    {951782400000, "2000-02-29T00:00:00Z"},
    {951868800000, "2000-03-01T00:00:00Z"},
    {4107542400000, "2100-03-01T00:00:00Z"}, /* the day after 28 February */
    {-62135596800000, "0001-01-01T00:00:00Z"},
    {253402300799999, "9999-12-31T23:59:59Z"},
};

START_TEST(test_date)
{
    struct kw_policy_request request = {.resource_account = KW_LIT("")};
    struct kw_bytes value = KW_LIT("");

    ck_assert(kw_callvalues_date(&request, 0, dates[_i].ms, &value));
    ck_assert_msg(kw_bytes_equal(value, kw_bytes_str(dates[_i].text)), "%.*s is not %s", (int)value.len,
        value.ptr, dates[_i].text);
    ck_assert(!kw_callvalues_date(&request, 1, dates[_i].ms, &value));
}
END_TEST

static const struct {
    const char *peer, *address;
} peers[] = {
    {"192.0.2.7", "192.0.2.7"},
    {"::ffff:192.0.2.7", "192.0.2.7"},
    {"::ffff:c000:207", "::ffff:c000:207"},
    {"2001:db8::7", "2001:db8::7"},
};

START_TEST(test_address)
{
    struct kw_policy_request request = {.resource_account = KW_LIT("111122223333")};
    struct kw_exchange exchange = {.request.num_headers = 0};
    struct kw_call call = {.exchange = &exchange, .region = "eu-central-1"};

    snprintf(exchange.peer, sizeof(exchange.peer), "%s", peers[_i].peer);
    kw_callvalues_put(&request, &call);
    ck_assert(kw_bytes_equal(request.value[KW_CK_AWS_SOURCE_IP], kw_bytes_str(peers[_i].address)));
    ck_assert(kw_bytes_equal(request.value[KW_CK_AWS_REQUESTED_REGION], KW_LIT("eu-central-1")));
    ck_assert(kw_bytes_equal(request.value[KW_CK_AWS_RESOURCE_ACCOUNT], KW_LIT("111122223333")));
    ck_assert(kw_bytes_equal(request.value[KW_CK_AWS_SECURE_TRANSPORT], KW_LIT("false")));
    ck_assert_ptr_null(request.value[KW_CK_AWS_USER_AGENT].ptr);
    ck_assert_ptr_null(request.value[KW_CK_AWS_MFA_PRESENT].ptr);
}
END_TEST

START_TEST(test_tag)
{
    static const struct kw_tag tags[] = {{"Team", "red"}, {"team", "blue"}, {"Teams", "none"}};
    struct kw_bytes value = KW_LIT("as it was");

    ck_assert(kw_callvalues_tag(tags, KW_ARRAY_LEN(tags), KW_LIT("TEAM"), 0, &value));
    ck_assert(kw_bytes_equal(value, KW_LIT("red")));
    ck_assert(kw_callvalues_tag(tags, KW_ARRAY_LEN(tags), KW_LIT("TEAM"), 1, &value));
    ck_assert(kw_bytes_equal(value, KW_LIT("blue")));
    ck_assert(!kw_callvalues_tag(tags, KW_ARRAY_LEN(tags), KW_LIT("TEAM"), 2, &value));
    ck_assert(!kw_callvalues_tag(NULL, 0, KW_LIT("TEAM"), 0, &value));
    ck_assert(kw_bytes_equal(value, KW_LIT("blue")));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_date, 0, KW_ARRAY_LEN(dates));
    tcase_add_loop_test(tests, test_address, 0, KW_ARRAY_LEN(peers));
    tcase_add_test(tests, test_tag);
}

int main(void)
{
    return kw_suite_run("callvalues", add, 30);
}
