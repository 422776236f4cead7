#include "bench/requeststeps.h"

#include "api/authn.h"
#include "api/callauthz.h"
#include "api/callpair.h"
#include "api/ciphertext.h"
#include "api/service_internal.h"

#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define DEPTH_MAX 8u

static const struct {
    const char *name, *help;
} info[KW_STEP_NUM] = {
    [KW_STEP_RECEIVE] = {"receive", "off the socket through the ring, into the connection's buffer"},
    [KW_STEP_PARSE] = {"parse", "the head of the request"},
    [KW_STEP_IDS] = {"ids", "random bytes for two ids"},
    [KW_STEP_CLAIM] = {"claim", "what the Authorization header says, and whether it covers what it must"},
    [KW_STEP_SIGNATURE] = {"signature", "canonical request, SHA-256, HMAC, comparison"},
    [KW_STEP_AUTHENTICATE] = {"authenticate", "whose access key it is, and who that is"},
    [KW_STEP_JSON] = {"json", "the body, parsed"},
    [KW_STEP_SHAPE] = {"shape", "the body, against the model"},
    [KW_STEP_FIND_KEY] = {"find-key", "the KMS key that is named"},
    [KW_STEP_AUTHORISE] = {"authorise", "key policy, identity policies, grants"},
    [KW_STEP_CONTEXT] = {"context", "the encryption context, in its canonical form"},
    [KW_STEP_POP] = {"pop", "a pair out of the pool"},
    [KW_STEP_RELEASE] = {"release", "the slot, wiped and given back"},
    [KW_STEP_WRAP] = {"wrap", "derivation of the message key, AES-256-GCM"},
    [KW_STEP_ENCODE] = {"encode", "base64 of blob and public key"},
    [KW_STEP_RECORD] = {"record", "the text of the audit record"},
    [KW_STEP_SUBMIT] = {"submit", "the hand-over to the audit log's thread, its wake-up included"},
    [KW_STEP_ANSWER] = {"answer", "headers, counters, the call's end"},
    [KW_STEP_SEND] = {"send", "the head written, head and body through the ring into the socket"},
    [KW_STEP_REST] = {"rest", "what is between the steps"},
};

const char *kw_requeststep_name(enum kw_requeststep step)
{
    return info[step].name;
}

const char *kw_requeststep_help(enum kw_requeststep step)
{
    return info[step].help;
}

/* ---- the clock ---- */

static inline uint64_t ticks(void)
{
#ifdef __x86_64__
    return __rdtsc();
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

double kw_requeststeps_tick_ns(void)
{
    static double tick_ns;
    uint64_t begin, begin_ns = kw_now_ns();

    if (tick_ns > 0)
        return tick_ns;
    begin = ticks();
    while (kw_now_ns() - begin_ns < 20000000)
        continue;
    tick_ns = (double)(kw_now_ns() - begin_ns) / (double)(ticks() - begin);
    return tick_ns;
}

static bool on;
static struct kw_requeststep_time own[KW_STEP_NUM];
static struct {
    enum kw_requeststep step;
    uint64_t since; /* its own time runs since then */
} stack[DEPTH_MAX];
static unsigned depth;
/* Its own time, which has what one look at the clock costs in it. */
static void add(enum kw_requeststep step, uint64_t spent)
{
    own[step].ticks += (uint32_t)spent;
    own[step].looks++;
}

void kw_requeststep_enter(enum kw_requeststep step)
{
    uint64_t now = ticks();

    kw_assert(depth < DEPTH_MAX);
    if (depth > 0)
        add(stack[depth - 1].step, now - stack[depth - 1].since);
    stack[depth].step = step;
    stack[depth++].since = ticks();
}

void kw_requeststep_leave(void)
{
    uint64_t now = ticks();

    kw_assert(depth > 0);
    depth--;
    add(stack[depth].step, now - stack[depth].since);
    if (depth > 0)
        stack[depth - 1].since = ticks();
}

void kw_requeststeps_on(bool wanted)
{
    on = wanted;
}

void kw_requeststeps_take(struct kw_requeststep_time ret[KW_STEP_NUM])
{
    memcpy(ret, own, sizeof(own));
    memset(own, 0, sizeof(own));
}

double kw_requeststeps_look_ticks(void)
{
    const unsigned looks = 4096;
    uint64_t least = UINT64_MAX;

    /* The clock may move in steps: so over many looks, and the time that nobody disturbed. */
    for (unsigned turn = 0; turn < 16; turn++) {
        uint64_t begin = ticks(), end = begin;

        for (unsigned i = 0; i < looks; i++)
            end = ticks();
        least = KW_MIN(least, end - begin);
    }
    return (double)least / looks;
}

/* ---- the wrapped functions ---- */

#define STEP(step, type, name, params, args)                                                                 \
    type __real_##name params;                                                                               \
    type __wrap_##name params;                                                                               \
    type __wrap_##name params                                                                                \
    {                                                                                                        \
        type r;                                                                                              \
                                                                                                             \
        if (!on)                                                                                             \
            return __real_##name args;                                                                       \
        kw_requeststep_enter(step);                                                                          \
        r = __real_##name args;                                                                              \
        kw_requeststep_leave();                                                                              \
        return r;                                                                                            \
    }

#define STEP_VOID(step, name, params, args)                                                                  \
    void __real_##name params;                                                                               \
    void __wrap_##name params;                                                                               \
    void __wrap_##name params                                                                                \
    {                                                                                                        \
        if (!on) {                                                                                           \
            __real_##name args;                                                                              \
            return;                                                                                          \
        }                                                                                                    \
        kw_requeststep_enter(step);                                                                          \
        __real_##name args;                                                                                  \
        kw_requeststep_leave();                                                                              \
    }

STEP(KW_STEP_PARSE, int, kw_http_parse, (struct kw_bytes in, size_t *scanned, struct kw_http_request *ret),
    (in, scanned, ret))
STEP(KW_STEP_IDS, int, kw_wrapper_random, (struct kw_wrapper * wrapper, void *out, size_t len),
    (wrapper, out, len))
STEP(KW_STEP_AUTHENTICATE, int, kw_authenticate,
    (struct kw_call * call, const struct kw_authenticator *authenticator, int64_t now_ms),
    (call, authenticator, now_ms))
STEP(KW_STEP_CLAIM, int, kw_sigv4_parse,
    (const struct kw_http_request *request, struct kw_sigv4_claim *ret, char *why, size_t why_cap),
    (request, ret, why, why_cap))
STEP(KW_STEP_SIGNATURE, int, kw_sigv4_verify,
    (struct kw_sigv4_engine * engine, const struct kw_http_request *request, struct kw_bytes body,
        const struct kw_sigv4_claim *claim, struct kw_bytes secret_access_key, int64_t now_ms, char *why,
        size_t why_cap),
    (engine, request, body, claim, secret_access_key, now_ms, why, why_cap))
STEP(KW_STEP_JSON, int, kw_document_parse,
    (struct kw_document * document, struct kw_bytes text, const struct kw_value **ret_root),
    (document, text, ret_root))
STEP(KW_STEP_SHAPE, int, kw_shape_check,
    (const struct kw_shape *shape, const struct kw_value *input, struct kw_sbuf *message),
    (shape, input, message))
STEP(KW_STEP_FIND_KEY, int, kw_call_find_key, (struct kw_call * call, struct kw_bytes text, bool aliases_too),
    (call, text, aliases_too))
STEP(KW_STEP_AUTHORISE, int, kw_call_authorize_key, (struct kw_call * call, const struct kw_kms_key *key),
    (call, key))
STEP(
    KW_STEP_CONTEXT, int, kw_call_encode_context, (struct kw_call * call, const char *member), (call, member))
STEP(KW_STEP_POP, int, kw_callpair_pop, (struct kw_call * call, struct kw_pair *ret), (call, ret))
STEP_VOID(KW_STEP_RELEASE, kw_pair_release, (struct kw_pair * pair), (pair))
STEP(KW_STEP_WRAP, int, kw_wrap,
    (struct kw_wrapper * wrapper, const uint8_t key_id[KW_KMS_KEY_ID_LEN],
        const uint8_t material_id[KW_MATERIAL_ID_LEN], const uint8_t backing_key[KW_BACKING_KEY_LEN],
        struct kw_bytes context, struct kw_bytes plaintext, struct kw_buf *ret),
    (wrapper, key_id, material_id, backing_key, context, plaintext, ret))
STEP_VOID(KW_STEP_ENCODE, kw_json_base64, (struct kw_json_out * out, struct kw_bytes data), (out, data))
STEP(KW_STEP_RECORD, int, kw_audit_record_write,
    (const struct kw_call *call, const char event_id[37], int64_t now_ms, struct kw_sbuf *out),
    (call, event_id, now_ms, out))
STEP_VOID(KW_STEP_SUBMIT, kw_audit_submit_all, (struct kw_audit * audit, struct kw_inbox_node *first),
    (audit, first))
STEP_VOID(KW_STEP_ANSWER, kw_service_answer, (struct kw_call * call), (call))
