/* Conditions: one operator, one key, its values in the policy and in the request.
 *
 * Source: IAM user guide, "IAM JSON policy elements: Condition operators", "Set operators for multi-valued
 * context keys". */
#include "api/policy_internal.h"

static bool ends_nocase(struct kw_bytes text, struct kw_bytes tail)
{
    return text.len > tail.len &&
           kw_bytes_equal_nocase(KW_BYTES(text.ptr + text.len - tail.len, tail.len), tail);
}

static const struct {
    const char *name;
    enum kw_policy_class class;
    enum kw_policy_relation relation;
    bool negated;
} operators[] = {
    {"StringEquals", KW_CLASS_STRING, KW_RELATION_EQUAL, false},
    {"StringNotEquals", KW_CLASS_STRING, KW_RELATION_EQUAL, true},
    {"StringEqualsIgnoreCase", KW_CLASS_NOCASE, KW_RELATION_EQUAL, false},
    {"StringNotEqualsIgnoreCase", KW_CLASS_NOCASE, KW_RELATION_EQUAL, true},
    {"StringLike", KW_CLASS_LIKE, KW_RELATION_EQUAL, false},
    {"StringNotLike", KW_CLASS_LIKE, KW_RELATION_EQUAL, true},
    {"NumericEquals", KW_CLASS_NUMBER, KW_RELATION_EQUAL, false},
    {"NumericNotEquals", KW_CLASS_NUMBER, KW_RELATION_EQUAL, true},
    {"NumericLessThan", KW_CLASS_NUMBER, KW_RELATION_LESS, false},
    {"NumericLessThanEquals", KW_CLASS_NUMBER, KW_RELATION_LESS_EQUAL, false},
    {"NumericGreaterThan", KW_CLASS_NUMBER, KW_RELATION_GREATER, false},
    {"NumericGreaterThanEquals", KW_CLASS_NUMBER, KW_RELATION_GREATER_EQUAL, false},
    {"DateEquals", KW_CLASS_DATE, KW_RELATION_EQUAL, false},
    {"DateNotEquals", KW_CLASS_DATE, KW_RELATION_EQUAL, true},
    {"DateLessThan", KW_CLASS_DATE, KW_RELATION_LESS, false},
    {"DateLessThanEquals", KW_CLASS_DATE, KW_RELATION_LESS_EQUAL, false},
    {"DateGreaterThan", KW_CLASS_DATE, KW_RELATION_GREATER, false},
    {"DateGreaterThanEquals", KW_CLASS_DATE, KW_RELATION_GREATER_EQUAL, false},
    {"Bool", KW_CLASS_BOOL, KW_RELATION_EQUAL, false},
    {"BinaryEquals", KW_CLASS_BINARY, KW_RELATION_EQUAL, false},
    {"IpAddress", KW_CLASS_IP, KW_RELATION_EQUAL, false},
    {"NotIpAddress", KW_CLASS_IP, KW_RELATION_EQUAL, true},
    {"ArnEquals", KW_CLASS_ARN, KW_RELATION_EQUAL, false},
    {"ArnLike", KW_CLASS_ARN, KW_RELATION_EQUAL, false},
    {"ArnNotEquals", KW_CLASS_ARN, KW_RELATION_EQUAL, true},
    {"ArnNotLike", KW_CLASS_ARN, KW_RELATION_EQUAL, true},
};

static enum kw_policy_set take_set(struct kw_bytes *text)
{
    static const struct kw_bytes prefixes[] = {
        [KW_SET_ALL] = {(const uint8_t *)"ForAllValues:", 13},
        [KW_SET_ANY] = {(const uint8_t *)"ForAnyValue:", 12},
    };

    for (unsigned i = KW_SET_ALL; i <= KW_SET_ANY; i++) {
        if (text->len >= prefixes[i].len &&
            kw_bytes_equal_nocase(KW_BYTES(text->ptr, prefixes[i].len), prefixes[i])) {
            *text = KW_BYTES(text->ptr + prefixes[i].len, text->len - prefixes[i].len);
            return (enum kw_policy_set)i;
        }
    }
    return KW_SET_NONE;
}

/* Null asks whether a key is there itself, so it has no IfExists. */
bool kw_policy_operator_parse(struct kw_bytes text, struct kw_policy_operator *ret)
{
    const struct kw_bytes tail = KW_LIT("IfExists");
    struct kw_policy_operator operator= {.set = take_set(&text)};

    if (kw_bytes_equal_nocase(text, KW_LIT("Null"))) {
        operator.class = KW_CLASS_NULL;
        *ret = operator;
        return true;
    }
    operator.if_exists = ends_nocase(text, tail);
    if (operator.if_exists)
        text.len -= tail.len;
    for (size_t i = 0; i < KW_ARRAY_LEN(operators); i++) {
        if (!kw_bytes_equal_nocase(text, kw_bytes_str(operators[i].name)))
            continue;
        operator.class = operators[i].class;
        operator.relation = operators[i].relation;
        operator.negated = operators[i].negated;
        *ret = operator;
        return true;
    }
    return false;
}

/* ---- one value with another ---- */

/* A value of the request in the form that the operator compares. */
struct subject {
    struct kw_bytes text;
    bool bad;
    int64_t number;
    bool flag;
    struct kw_policy_ip ip;
    struct kw_policy_arn_text arn;
};

/* Every statement may ask for the same address. */
static void read_source(struct kw_policy_eval *eval, struct kw_bytes text, struct subject *ret)
{
    if (!eval->has_source)
        eval->source_bad = !kw_policy_ip(text, false, &eval->source);
    eval->has_source = true;
    ret->bad = eval->source_bad;
    ret->ip = eval->source;
}

static void read_subject(
    struct kw_policy_eval *eval, const struct kw_policy_test *test, struct kw_bytes text, struct subject *ret)
{
    ret->text = text;
    ret->bad = false;
    switch (test->operator.class) {
    case KW_CLASS_NUMBER:
        ret->bad = !kw_policy_number(text, &ret->number);
        break;
    case KW_CLASS_DATE:
        ret->bad = !kw_policy_date(text, &ret->number);
        break;
    case KW_CLASS_BOOL:
        ret->bad = !kw_policy_bool(text, &ret->flag);
        break;
    case KW_CLASS_IP:
        if (test->key == KW_CK_AWS_SOURCE_IP)
            read_source(eval, text, ret);
        else
            ret->bad = !kw_policy_ip(text, false, &ret->ip);
        break;
    case KW_CLASS_ARN:
        ret->arn = kw_policy_arn_cut(text);
        break;
    case KW_CLASS_STRING:
    case KW_CLASS_NOCASE:
    case KW_CLASS_LIKE:
    case KW_CLASS_BINARY:
    case KW_CLASS_NULL:
        break;
    }
}

static bool relates(enum kw_policy_relation relation, int64_t a, int64_t b)
{
    switch (relation) {
    case KW_RELATION_EQUAL:
        return a == b;
    case KW_RELATION_LESS:
        return a < b;
    case KW_RELATION_LESS_EQUAL:
        return a <= b;
    case KW_RELATION_GREATER:
        return a > b;
    case KW_RELATION_GREATER_EQUAL:
        return a >= b;
    }
    return false;
}

static enum kw_policy_truth compare(struct kw_policy_eval *eval, const struct kw_policy_operator *operator,
    const struct subject * subject, const struct kw_policy_value *value)
{
    if (subject->bad || value->bad)
        return KW_POLICY_OPEN;
    switch (operator->class) {
    case KW_CLASS_STRING:
    case KW_CLASS_LIKE:
    case KW_CLASS_BINARY:
        return kw_policy_match(eval, &value->pattern, subject->text, false);
    case KW_CLASS_NOCASE:
        return kw_policy_match(eval, &value->pattern, subject->text, true);
    case KW_CLASS_NUMBER:
    case KW_CLASS_DATE:
        return kw_policy_is(relates(operator->relation, subject->number, value->number));
    case KW_CLASS_BOOL:
        return kw_policy_is(subject->flag == value->flag);
    case KW_CLASS_IP:
        return kw_policy_is(kw_policy_ip_in(&subject->ip, &value->ip));
    case KW_CLASS_ARN:
        return kw_policy_match_arn(eval, &value->arn, &subject->arn);
    case KW_CLASS_NULL:
        break;
    }
    return KW_POLICY_OPEN;
}

/* ---- one value with all of the policy's ---- */

/* Any of them for an operator, none of them for its negation. */
static enum kw_policy_truth compare_all(
    struct kw_policy_eval *eval, const struct kw_policy_test *test, struct kw_bytes text)
{
    enum kw_policy_truth any = KW_POLICY_FALSE;
    struct subject subject;

    read_subject(eval, test, text, &subject);
    for (uint32_t i = 0; i < test->num_values && any != KW_POLICY_TRUE; i++) {
        enum kw_policy_truth one = KW_POLICY_OPEN;

        if (eval->steps > 0) {
            eval->steps--;
            one = compare(eval, &test->operator, & subject, &test->values[i]);
        }
        any = KW_MAX(any, one);
    }
    return test->operator.negated ? kw_policy_not(any) : any;
}

/* ---- all values of the request ---- */

static enum kw_policy_truth without_value(struct kw_policy_eval *eval, const struct kw_policy_test *test)
{
    if (eval->lenient && test->known && kw_condkey_source(test->key) != KW_CONDKEY_ABSENT)
        return KW_POLICY_OPEN;
    if (test->operator.if_exists || test->operator.set == KW_SET_ALL)
        return KW_POLICY_TRUE;
    return kw_policy_is(test->operator.set == KW_SET_NONE && test->operator.negated);
}

static bool take_value(struct kw_policy_eval *eval, const struct kw_policy_test *test, size_t index,
    char own[64], struct kw_bytes *ret)
{
    if (!test->known || !kw_policy_key_value(eval, test->key, test->name, index, ret))
        return false;
    *ret = kw_policy_hold(eval, *ret, own);
    return true;
}

/* Of a key with several values and an operator that says nothing of sets, all must hold to allow, and one is
 * enough to deny. */
static enum kw_policy_truth test_values(
    struct kw_policy_eval *eval, const struct kw_policy_test *test, bool allows)
{
    bool all = test->operator.set == KW_SET_ALL ||(test->operator.set == KW_SET_NONE && allows);
    enum kw_policy_truth sum = all ? KW_POLICY_TRUE : KW_POLICY_FALSE, last = kw_policy_not(sum);
    struct kw_bytes value;
    char own[64];
    size_t i = 0;

    for (; sum != last && take_value(eval, test, i, own, &value); i++) {
        enum kw_policy_truth one = compare_all(eval, test, value);

        sum = all ? KW_MIN(sum, one) : KW_MAX(sum, one);
        if (eval->steps == 0)
            return KW_POLICY_OPEN;
        eval->steps--;
    }
    return i == 0 ? without_value(eval, test) : sum;
}

/* "true": the key is not there. */
static enum kw_policy_truth test_null(struct kw_policy_eval *eval, const struct kw_policy_test *test)
{
    enum kw_policy_truth any = KW_POLICY_FALSE;
    struct kw_bytes value;
    char own[64];
    bool absent = !take_value(eval, test, 0, own, &value);

    if (absent && without_value(eval, test) == KW_POLICY_OPEN)
        return KW_POLICY_OPEN;
    for (uint32_t i = 0; i < test->num_values; i++) {
        const struct kw_policy_value *wanted = &test->values[i];
        enum kw_policy_truth one = wanted->bad ? KW_POLICY_OPEN : kw_policy_is(wanted->flag == absent);

        any = KW_MAX(any, one);
    }
    return any;
}

/* A key that is not known never lets a statement allow, whatever the operator; one that denies takes it for a
 * key that the request does not have. */
enum kw_policy_truth kw_policy_test(
    struct kw_policy_eval *eval, const struct kw_policy_test *test, bool allows)
{
    if (!test->known && allows)
        return KW_POLICY_FALSE;
    if (eval->steps == 0)
        return KW_POLICY_OPEN;
    return test->operator.class == KW_CLASS_NULL ? test_null(eval, test) : test_values(eval, test, allows);
}
