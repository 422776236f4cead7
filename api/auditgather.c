#include "api/auditgather.h"

static void learn(struct kw_auditgather *gather, bool worth)
{
    if (worth) {
        gather->backoff = 0;
        return;
    }
    gather->backoff = gather->backoff == 0 ? 1 : KW_MIN(gather->backoff * 2, KW_AUDIT_GATHER_BACKOFF_MAX);
    gather->skip = gather->backoff;
}

bool kw_auditgather_waits(struct kw_auditgather *gather, size_t num, uint64_t now_ns)
{
    if (gather->until_ns != 0) {
        if (now_ns < gather->until_ns && num < KW_AUDIT_GATHER_MANY)
            return true;
        gather->until_ns = 0;
        /* A batch that is half as large again is a third of its price a record cheaper. */
        learn(gather, num >= gather->had + (gather->had + 1) / 2);
        return false;
    }
    if (num < KW_AUDIT_GATHER_FEW || num >= KW_AUDIT_GATHER_MANY)
        return false;
    if (gather->skip > 0) {
        gather->skip--;
        return false;
    }
    gather->had = num;
    gather->until_ns = now_ns + KW_AUDIT_GATHER_NS;
    return true;
}
