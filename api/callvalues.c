#include "api/callvalues.h"

#include <stdio.h>

static void put(struct kw_policy_request *request, enum kw_condkey key, struct kw_bytes value)
{
    request->value[key] = value;
}

static void put_str(struct kw_policy_request *request, enum kw_condkey key, const char *value)
{
    put(request, key, kw_bytes_str(value));
}

static void put_caller(struct kw_policy_request *request, const struct kw_identity *identity)
{
    const struct kw_caller *caller = &identity->caller;
    bool session = caller->kind == KW_CALLER_SESSION;

    put(request, KW_CK_AWS_PRINCIPAL_ACCOUNT, caller->account);
    put(request, KW_CK_AWS_PRINCIPAL_ARN, session ? caller->role_arn : caller->arn);
    put(request, KW_CK_AWS_PRINCIPAL_IS_SERVICE, KW_LIT("false"));
    put(request, KW_CK_AWS_VIA_SERVICE, KW_LIT("false"));
    put_str(request, KW_CK_AWS_USERID, identity->user_id);
    if (caller->kind == KW_CALLER_ROOT)
        put(request, KW_CK_AWS_PRINCIPAL_TYPE, KW_LIT("Account"));
    else
        put(request, KW_CK_AWS_PRINCIPAL_TYPE, session ? KW_LIT("AssumedRole") : KW_LIT("User"));
    if (caller->kind == KW_CALLER_USER)
        put_str(request, KW_CK_AWS_USERNAME, identity->principal_name);
    if (identity->source_identity[0] != '\0')
        put_str(request, KW_CK_AWS_SOURCE_IDENTITY, identity->source_identity);
    if (identity->temporary) /* of others AWS does not say it either */
        put(request, KW_CK_AWS_MFA_PRESENT, KW_LIT("false"));
}

/* An IPv4 client of a listener for both is known by its own address. */
static struct kw_bytes plain_address(const char *peer)
{
    struct kw_bytes text = kw_bytes_str(peer), mapped = KW_LIT("::ffff:");

    if (kw_bytes_starts(text, mapped) && kw_bytes_find(text, '.') >= 0)
        return KW_BYTES(text.ptr + mapped.len, text.len - mapped.len);
    return text;
}

static void put_connection(struct kw_policy_request *request, const struct kw_call *call)
{
    put_str(request, KW_CK_AWS_REQUESTED_REGION, call->region);
    put(request, KW_CK_AWS_SECURE_TRANSPORT,
        call->exchange != NULL && call->exchange->transport != NULL ? KW_LIT("true") : KW_LIT("false"));
    put(request, KW_CK_AWS_RESOURCE_ACCOUNT, request->resource_account);
    if (call->exchange == NULL)
        return;
    put(request, KW_CK_AWS_SOURCE_IP, plain_address(call->exchange->peer));
    put(request, KW_CK_AWS_USER_AGENT, kw_http_header(&call->exchange->request, "user-agent"));
    put(request, KW_CK_AWS_REFERER, kw_http_header(&call->exchange->request, "referer"));
}

void kw_callvalues_put(struct kw_policy_request *request, const struct kw_call *call)
{
    put_caller(request, &call->identity);
    put_connection(request, call);
}

/* The clock of keys, so that what a policy allows until some day can be seen to end. */
static int64_t now_ms(const struct kw_call *call)
{
    return call->thread != NULL ? kw_call_clock_ms(call) : kw_wall_ms();
}

/* Years 0001 to 9999 of the proleptic Gregorian calendar, as ISO 8601 has them. The C library's own would
 * take a lock. Days are counted in years that begin in March: so a leap day is a year's last. */
static struct kw_bytes write_date(struct kw_policy_request *request, int64_t ms)
{
    const int64_t era_days = 146097; /* 400 years */
    int64_t days = ms / KW_DAY_MS - (ms % KW_DAY_MS < 0), seconds = (ms - days * KW_DAY_MS) / 1000;
    int64_t since = days + 719468; /* from 0000-03-01 */
    int64_t era = (since >= 0 ? since : since - (era_days - 1)) / era_days, of_era = since - era * era_days;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    int64_t day = of_year - (153 * month + 2) / 5 + 1;
    int len;

    month += month < 10 ? 3 : -9;
    year += era * 400 + (month <= 2);
    len = snprintf(request->scratch, sizeof(request->scratch), "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year,
        (int)month, (int)day, (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
    return KW_BYTES(request->scratch, (size_t)len);
}

bool kw_callvalues_date(struct kw_policy_request *request, size_t index, int64_t ms, struct kw_bytes *ret)
{
    if (index > 0)
        return false;
    *ret = write_date(request, ms);
    return true;
}

static bool give_epoch(struct kw_policy_request *request, size_t index, int64_t ms, struct kw_bytes *ret)
{
    int len;

    if (index > 0)
        return false;
    len = snprintf(request->scratch, sizeof(request->scratch), "%lld", (long long)(ms / 1000));
    *ret = KW_BYTES(request->scratch, (size_t)len);
    return true;
}

bool kw_callvalues_tag(
    const struct kw_tag *tags, uint32_t num, struct kw_bytes name, size_t index, struct kw_bytes *ret)
{
    for (uint32_t i = 0; i < num; i++) {
        if (!kw_bytes_equal_nocase(kw_bytes_str(tags[i].key), name) || index-- > 0)
            continue;
        *ret = kw_bytes_str(tags[i].value);
        return true;
    }
    return false;
}

bool kw_callvalues_at(struct kw_policy_request *request, const struct kw_call *call, enum kw_condkey key,
    struct kw_bytes name, size_t index, struct kw_bytes *ret)
{
    const struct kw_identity *identity = &call->identity;

    switch (key) {
    case KW_CK_AWS_CURRENT_TIME:
        return kw_callvalues_date(request, index, now_ms(call), ret);
    case KW_CK_AWS_EPOCH_TIME:
        return give_epoch(request, index, now_ms(call), ret);
    case KW_CK_AWS_TOKEN_ISSUE_TIME:
        return identity->temporary && kw_callvalues_date(request, index, identity->issued_ms, ret);
    case KW_CK_AWS_PRINCIPAL_TAG:
        return kw_callvalues_tag(call->principal->tags, call->principal->num_tags, name, index, ret);
    default:
        return false;
    }
}
