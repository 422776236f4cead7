#include "api/callquota.h"

#include "api/service.h"

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Ids are the same in all partitions, and sessions have that of their role before a colon. */
static struct kw_bytes principal_of(const struct kw_call *call)
{
    struct kw_bytes id = kw_bytes_str(call->identity.user_id);
    ssize_t colon = kw_bytes_find(id, ':');

    return colon < 0 ? id : KW_BYTES(id.ptr, (size_t)colon);
}

enum kw_callquota kw_callquota_of_principal(struct kw_call *call)
{
    struct kw_service *service = kw_call_service(call);
    struct kw_bytes principal = principal_of(call);
    uint64_t now_ns = kw_now_ns();

    if (service->quotas == NULL || kw_quota_take_principal(service->quotas, principal, now_ns))
        return KW_CALLQUOTA_WITHIN;
    count(&service->metrics->throttled_by_principal);
    if (call->is_sts)
        kw_call_refuse(call, KW_ERROR_THROTTLING, "Rate exceeded");
    else
        kw_call_throttled(call);
    if (kw_quota_take_record(service->quotas, principal, now_ns))
        return KW_CALLQUOTA_THROTTLED;
    count(&service->metrics->throttled_unrecorded);
    return KW_CALLQUOTA_UNRECORDED;
}

/* What tells the kind of key before the key is looked up: a request whose algorithm is not its key's fails.
 */
static struct kw_bytes spec_of(const struct kw_call *call)
{
    static const char *const members[] = {
        "KeyPairSpec", "SigningAlgorithm", "EncryptionAlgorithm", "DestinationEncryptionAlgorithm"};

    for (size_t i = 0; i < KW_ARRAY_LEN(members); i++) {
        struct kw_bytes value = kw_input_string(call->input, members[i]);

        if (value.ptr != NULL)
            return value;
    }
    return KW_BYTES(NULL, 0);
}

int kw_callquota_of_account(struct kw_call *call)
{
    struct kw_service *service = kw_call_service(call);

    if (service->quotas == NULL ||
        kw_quota_take(service->quotas, kw_bytes_str(call->identity.account), kw_bytes_str(call->region),
            call->operation->model->name, spec_of(call), kw_now_ns()))
        return KW_CALL_DONE;
    count(&service->metrics->throttled_by_quota);
    return kw_call_throttled(call);
}
