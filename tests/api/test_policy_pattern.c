/* Wildcards and ARNs, also against a matcher that is too simple to be wrong. */
#include "api/policy_internal.h"

#include "tests/support/suite.h"

static struct kw_policy_request no_request;

static struct kw_policy_eval fresh(void)
{
    return (struct kw_policy_eval){.request = &no_request, .steps = KW_POLICY_STEPS_MAX};
}

static enum kw_policy_truth match(const char *pattern, const char *text, bool nocase)
{
    struct kw_policy_pattern compiled = {.text = kw_bytes_str(pattern), .wild = true};
    struct kw_policy_eval eval = fresh();

    return kw_policy_match(&eval, &compiled, kw_bytes_str(text), nocase);
}

static const struct {
    const char *pattern, *text;
    bool matches;
} cases[] = {
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"**", "", true},
    {"?", "", false},
    {"*?", "", false},
    {"a", "", false},
    {"a*", "a", true},
    {"*a", "ba", true},
    {"*a", "ab", false},
    {"*a*b*", "xxaxxbxx", true},
    {"*a*b*", "xxbxxaxx", false},
    {"a*a", "a", false},
    {"a*a", "aa", true},
    {"*aab", "aaaab", true},
    {"*ab*ab", "abab", true},
    {"*ab*ab", "aab", false},
    {"[a]", "a", false},
    {"\\*", "\\x", true},
    {"A", "a", false},
    /* '?' is a character, however many bytes it has */
    {"?", "\xc3\xa9", true},
    {"??", "\xc3\xa9", false},
    {"*?", "\xc3\xa9", true},
    {"*??", "\xc3\xa9", false},
    {"*??", "e\xc3\xa9", true},
    {"?x", "\xe2\x82\xacx", true},
    {"?", "\xf0\x9f\x98\x80", true},
    {"?", "\xa9", false},
};

START_TEST(test_wildcards)
{
    ck_assert_msg(match(cases[_i].pattern, cases[_i].text, false) == kw_policy_is(cases[_i].matches), "%s %s",
        cases[_i].pattern, cases[_i].text);
}
END_TEST

static bool simple(const char *pattern, const char *text)
{
    if (*pattern == '*')
        return simple(pattern + 1, text) || (*text != '\0' && simple(pattern, text + 1));
    if (*pattern == '\0' || *text == '\0')
        return *pattern == *text;
    return (*pattern == '?' || *pattern == *text) && simple(pattern + 1, text + 1);
}

static void fill(char *text, unsigned number, const char *letters)
{
    size_t num = strlen(letters), len = 0;

    for (; number > 0; number /= (unsigned)num)
        text[len++] = letters[--number % num];
    text[len] = '\0';
}

/* All patterns of up to six of four letters, with all texts of up to five of two. */
START_TEST(test_all_short_ones)
{
    char pattern[16], text[16];

    for (unsigned p = 0; p < 5461; p++) {
        fill(pattern, p, "ab*?");
        for (unsigned t = 0; t < 63; t++) {
            fill(text, t, "ab");
            ck_assert_msg(
                match(pattern, text, false) == kw_policy_is(simple(pattern, text)), "%s %s", pattern, text);
        }
    }
}
END_TEST

START_TEST(test_case_of_letters)
{
    ck_assert_int_eq(match("KMS:en*T", "kms:ENCRYPt", true), KW_POLICY_TRUE);
    ck_assert_int_eq(match("KMS:en*T", "kms:ENCRYPt", false), KW_POLICY_FALSE);
}
END_TEST

/* When the steps are used up, it is open, and stays so. */
START_TEST(test_steps)
{
    struct kw_policy_pattern wild = {.text = KW_LIT("*ab"), .wild = true}, plain = {.text = KW_LIT("x")};
    struct kw_policy_eval eval = fresh();
    struct kw_bytes text = KW_LIT("aaaaaaaaaaaaaaaaaaaa");
    uint32_t used;

    ck_assert_int_eq(kw_policy_match(&eval, &wild, text, false), KW_POLICY_FALSE);
    used = KW_POLICY_STEPS_MAX - eval.steps;
    ck_assert_uint_gt(used, 20);
    ck_assert_uint_le(used, 3 * 20 + 8);
    eval.steps = used / 2;
    ck_assert_int_eq(kw_policy_match(&eval, &wild, text, false), KW_POLICY_OPEN);
    ck_assert_uint_eq(eval.steps, 0);
    ck_assert_int_eq(kw_policy_match(&eval, &plain, KW_LIT("x"), false), KW_POLICY_OPEN);
}
END_TEST

START_TEST(test_arn_cut)
{
    struct kw_policy_arn_text arn = kw_policy_arn_cut(KW_LIT("arn:aws:kms:r:a:alias/x:y"));

    ck_assert_uint_eq(arn.num, 6);
    ck_assert(kw_bytes_equal(arn.part[0], KW_LIT("arn")));
    ck_assert(kw_bytes_equal(arn.part[4], KW_LIT("a")));
    ck_assert(kw_bytes_equal(arn.part[5], KW_LIT("alias/x:y")));
    arn = kw_policy_arn_cut(KW_LIT(":::"));
    ck_assert_uint_eq(arn.num, 4);
    arn = kw_policy_arn_cut(KW_LIT(""));
    ck_assert_uint_eq(arn.num, 1);
    ck_assert(
        kw_bytes_equal(kw_policy_after_partition(KW_LIT("arn:aws:iam::1:root")), KW_LIT(":iam::1:root")));
    ck_assert(kw_bytes_equal(kw_policy_after_partition(KW_LIT("arn:aws")), KW_LIT("arn:aws")));
    ck_assert(kw_bytes_equal(kw_policy_after_partition(KW_LIT("")), KW_LIT("")));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, test_wildcards, 0, KW_ARRAY_LEN(cases));
    tcase_add_test(tests, test_all_short_ones);
    tcase_add_test(tests, test_case_of_letters);
    tcase_add_test(tests, test_steps);
    tcase_add_test(tests, test_arn_cut);
}

int main(void)
{
    return kw_suite_run("policy_pattern", add, 30);
}
