#include "api/token.h"

#include "api/log.h"
#include "pool/secmem.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)
/* Reopening a token that is lost and stays so is tried at most so often: it may take long, and fail for long.
 */
#define REOPEN_NS   (SECOND_NS / 5)
#define STOP_WAIT_S 1
#define RESERVE     (256u * 1024u)

struct kw_token {
    struct kw_inbox inbox;
    struct kw_bell bell;
    _Atomic uint32_t status;  /* state, and the condition above it */
    _Atomic uint32_t pending; /* requests submitted and not yet done */
    _Atomic bool stop;
    pthread_t thread;
    char label[KW_TOKEN_LABEL_MAX + 1];
    /* the thread's: */
    struct kw_pkcs11 *pkcs11;
    struct kw_sbuf pin;
    uint64_t reopened_ns; /* when it was last tried, if that was in vain; else 0 */
};

/* Of kw_token_request.waited_for. Who comes second, the token with a result or the caller who gives up, has
 * the request. */
enum { WAITED_FOR, GIVEN_UP, FINISHED };

/* ---- the state ---- */

const char *kw_token_state_name(enum kw_token_state state)
{
    static const char *const names[KW_TOKEN_STATE_NUM] = {
        [KW_TOKEN_DISCONNECTED] = "DISCONNECTED",
        [KW_TOKEN_CONNECTING] = "CONNECTING",
        [KW_TOKEN_CONNECTED] = "CONNECTED",
        [KW_TOKEN_FAILED] = "FAILED",
        [KW_TOKEN_DISCONNECTING] = "DISCONNECTING",
    };

    kw_assert((unsigned)state < KW_TOKEN_STATE_NUM);
    return names[state];
}

const char *kw_token_error_name(int condition)
{
    switch (condition) {
    case KW_PKCS11_NO_TOKEN:
        return "CLUSTER_NOT_FOUND";
    case KW_PKCS11_WRONG_PIN:
        return "INVALID_CREDENTIALS";
    case KW_PKCS11_LOCKED:
        return "USER_LOCKED_OUT";
    case KW_PKCS11_NO_USER:
        return "USER_NOT_FOUND";
    case KW_PKCS11_USER_BUSY:
        return "USER_LOGGED_IN";
    case KW_PKCS11_GONE:
        return "NETWORK_ERRORS";
    default:
        return "INTERNAL_ERROR";
    }
}

struct kw_token_status kw_token_status(const struct kw_token *token)
{
    uint32_t status = atomic_load_explicit(&token->status, memory_order_acquire);

    return (struct kw_token_status){.state = status & 0xff, .condition = (int)(status >> 8)};
}

static void set_status(struct kw_token *token, enum kw_token_state state, int condition)
{
    atomic_store_explicit(
        &token->status, (uint32_t)state | (uint32_t)KW_MAX(condition, 0) << 8, memory_order_release);
}

static bool move_status(struct kw_token *token, uint32_t from, enum kw_token_state to)
{
    return atomic_compare_exchange_strong(&token->status, &from, to);
}

/* ---- requests ---- */

struct kw_token_request *kw_token_request_new(enum kw_token_job job)
{
    struct kw_token_request *request = kw_secmem_alloc(sizeof(*request));

    if (request == NULL)
        return NULL;
    request->job = job;
    request->aad = KW_SBUF_INIT(2 * KW_ENC_CONTEXT_BYTES_MAX);
    request->in = KW_SBUF_INIT(2 * KW_CIPHERTEXT_MAX);
    request->out = KW_SBUF_INIT(2 * KW_CIPHERTEXT_MAX);
    atomic_init(&request->waited_for, WAITED_FOR);
    return request;
}

void kw_token_request_free(struct kw_token_request *request)
{
    if (request == NULL)
        return;
    kw_sbuf_done(&request->aad);
    kw_sbuf_done(&request->in);
    kw_sbuf_done(&request->out);
    kw_secmem_free(request);
}

static void push(struct kw_token *token, struct kw_token_request *request)
{
    atomic_fetch_add_explicit(&token->pending, 1, memory_order_relaxed);
    if (kw_inbox_push(&token->inbox, &request->node))
        kw_bell_ring(&token->bell);
}

int kw_token_submit(struct kw_token *token, struct kw_token_request *request)
{
    if (atomic_load_explicit(&token->pending, memory_order_relaxed) >= KW_TOKEN_REQUESTS_MAX)
        return KW_TOKEN_BUSY;
    push(token, request);
    return 0;
}

bool kw_token_abandon(struct kw_token_request *request)
{
    int expected = WAITED_FOR;

    return atomic_compare_exchange_strong(&request->waited_for, &expected, GIVEN_UP);
}

int kw_token_connect(struct kw_token *token, struct kw_bytes pin)
{
    struct kw_token_request *request = kw_token_request_new(KW_TOKEN_CONNECT);

    KW_REQUIRE(request != NULL, -ENOMEM);
    kw_sbuf_put_bytes(&request->in, pin);
    if (!kw_sbuf_ok(&request->in)) {
        kw_token_request_free(request);
        return -ENOMEM;
    }
    if (move_status(token, KW_TOKEN_DISCONNECTED, KW_TOKEN_CONNECTING))
        push(token, request);
    else
        kw_token_request_free(request);
    return 0;
}

/* Whoever turns the state to DISCONNECTING submits the request; the thread alone turns it on from there. */
int kw_token_disconnect(struct kw_token *token)
{
    struct kw_token_request *request = kw_token_request_new(KW_TOKEN_DISCONNECT);
    uint32_t status = atomic_load_explicit(&token->status, memory_order_acquire);

    KW_REQUIRE(request != NULL, -ENOMEM);
    do {
        enum kw_token_state state = status & 0xff;

        if (state == KW_TOKEN_DISCONNECTED || state == KW_TOKEN_DISCONNECTING) {
            kw_token_request_free(request);
            return 0;
        }
    } while (!atomic_compare_exchange_weak(&token->status, &status, KW_TOKEN_DISCONNECTING));
    push(token, request);
    return 0;
}

void kw_token_discard(struct kw_token *token, const char *label)
{
    struct kw_token_request *request = kw_token_request_new(KW_TOKEN_DISCARD);

    if (request == NULL) {
        kw_log(KW_LOG_WARN, "token-object-left", "token=\"%s\" key=%s why=\"out of memory\"", token->label,
            label);
        return;
    }
    snprintf(request->label, sizeof(request->label), "%s", label);
    push(token, request);
}

/* ---- the thread ---- */

static void fail(struct kw_token *token, int condition)
{
    uint32_t connected = KW_TOKEN_CONNECTED, connecting = KW_TOKEN_CONNECTING;
    uint32_t failed = KW_TOKEN_FAILED | (uint32_t)KW_MAX(condition, 0) << 8;

    kw_pkcs11_close(token->pkcs11);
    kw_sbuf_reset(&token->pin, 0);
    /* Somebody may have asked to disconnect since; then that is what comes next. */
    if (!atomic_compare_exchange_strong(&token->status, &connecting, failed))
        (void)atomic_compare_exchange_strong(&token->status, &connected, failed);
    kw_log(KW_LOG_WARN, "token-failed", "token=\"%s\" error=%s why=\"%s\"", token->label,
        kw_token_error_name(condition), kw_pkcs11_condition(condition));
}

static void connect_token(struct kw_token *token, struct kw_token_request *request)
{
    int r = kw_pkcs11_open(token->pkcs11, kw_sbuf_bytes(&request->in));

    if (r != 0) {
        fail(token, r);
        return;
    }
    kw_sbuf_reset(&token->pin, 0);
    kw_sbuf_put_bytes(&token->pin, kw_sbuf_bytes(&request->in));
    if (!kw_sbuf_ok(&token->pin)) {
        fail(token, -ENOMEM);
        return;
    }
    if (move_status(token, KW_TOKEN_CONNECTING, KW_TOKEN_CONNECTED))
        kw_log(KW_LOG_INFO, "token-connected", "token=\"%s\"", token->label);
}

static void disconnect_token(struct kw_token *token)
{
    kw_pkcs11_close(token->pkcs11);
    kw_sbuf_reset(&token->pin, 0);
    set_status(token, KW_TOKEN_DISCONNECTED, 0);
    kw_log(KW_LOG_INFO, "token-disconnected", "token=\"%s\"", token->label);
}

static int do_job(struct kw_token *token, struct kw_token_request *request)
{
    struct kw_bytes aad = kw_sbuf_bytes(&request->aad), in = kw_sbuf_bytes(&request->in);

    kw_sbuf_reset(&request->out, KW_CIPHERTEXT_MAX);
    switch (request->job) {
    case KW_TOKEN_MAKE:
        return kw_pkcs11_make_key(token->pkcs11, request->label);
    case KW_TOKEN_DISCARD:
        return kw_pkcs11_destroy_key(token->pkcs11, request->label);
    case KW_TOKEN_SEAL:
        return kw_pkcs11_seal(token->pkcs11, request->label, request->iv, aad, in, &request->out);
    case KW_TOKEN_UNSEAL:
        return kw_pkcs11_unseal(token->pkcs11, request->label, request->iv, aad, in, &request->out);
    case KW_TOKEN_RANDOM:
        return kw_pkcs11_random(token->pkcs11, request->len, &request->out);
    default:
        kw_assert(false);
        return -EINVAL;
    }
}

/* A token that was lost (its session, its login, the whole device) is opened again, with the same PIN; one
 * that does not take the PIN any more is not asked a second time, since it counts. */
static int reopen(struct kw_token *token)
{
    uint64_t now_ns = kw_now_ns();
    int r;

    if (token->reopened_ns != 0 && now_ns - token->reopened_ns < REOPEN_NS)
        return KW_PKCS11_GONE;
    token->reopened_ns = now_ns;
    r = kw_pkcs11_open(token->pkcs11, kw_sbuf_bytes(&token->pin));
    if (r == KW_PKCS11_WRONG_PIN || r == KW_PKCS11_LOCKED || r == KW_PKCS11_NO_USER || r == KW_PKCS11_NO_GCM)
        fail(token, r);
    else
        kw_log(r == 0 ? KW_LOG_INFO : KW_LOG_WARN, "token-reopened", "token=\"%s\" outcome=\"%s\"",
            token->label, kw_pkcs11_condition(r));
    return r == 0 ? 0 : KW_PKCS11_GONE;
}

static int work(struct kw_token *token, struct kw_token_request *request)
{
    int r;

    if (kw_token_status(token).state != KW_TOKEN_CONNECTED)
        return KW_TOKEN_NOT_CONNECTED;
    r = do_job(token, request);
    if (r != KW_PKCS11_GONE)
        return r;
    r = reopen(token);
    if (r == 0)
        r = do_job(token, request);
    if (r != KW_PKCS11_GONE)
        token->reopened_ns = 0;
    return r;
}

static bool is_awaited(struct kw_token_request *request)
{
    int expected = WAITED_FOR;

    return request->reply != NULL &&
           atomic_compare_exchange_strong(&request->waited_for, &expected, FINISHED);
}

/* A key that nobody waits for any more is one that nobody will ever know. */
static void discard_unknown(struct kw_token *token, struct kw_token_request *request)
{
    if (request->job == KW_TOKEN_MAKE && request->result == 0) {
        request->job = KW_TOKEN_DISCARD;
        request->result = work(token, request);
    }
    if (request->job == KW_TOKEN_DISCARD && request->result != 0)
        kw_log(KW_LOG_WARN, "token-object-left", "token=\"%s\" key=%s why=\"%s\"", token->label,
            request->label,
            request->result == KW_TOKEN_NOT_CONNECTED ? "it is not connected"
                                                      : kw_pkcs11_condition(request->result));
    kw_token_request_free(request);
}

static void handle(struct kw_token *token, struct kw_token_request *request)
{
    bool given_up = atomic_load_explicit(&request->waited_for, memory_order_relaxed) == GIVEN_UP;

    atomic_fetch_sub_explicit(&token->pending, 1, memory_order_relaxed);
    if (request->job == KW_TOKEN_CONNECT)
        connect_token(token, request);
    else if (request->job == KW_TOKEN_DISCONNECT)
        disconnect_token(token);
    else
        request->result = given_up ? -ECANCELED : work(token, request);
    if (is_awaited(request))
        kw_mailbox_post(request->reply, &request->node);
    else
        discard_unknown(token, request);
}

static void *run(void *arg)
{
    struct kw_token *token = arg;

    /* Modules may use OpenSSL as well, whose memory is secret memory here. */
    (void)!kw_secmem_thread_init(RESERVE);
    for (;;) {
        uint32_t ticket = kw_bell_ticket(&token->bell);
        bool stop = atomic_load_explicit(&token->stop, memory_order_acquire); /* S1 */
        struct kw_inbox_node *list = kw_inbox_take(&token->inbox);

        if (list == NULL && stop)
            break;
        if (list == NULL)
            kw_bell_wait(&token->bell, ticket, UINT64_MAX);
        while (list != NULL) {
            struct kw_token_request *request = KW_CONTAINER_OF(list, struct kw_token_request, node);

            list = list->next;
            handle(token, request);
        }
    }
    kw_pkcs11_close(token->pkcs11);
    kw_secmem_thread_done();
    return NULL;
}

/* ---- life cycle ---- */

static void release(struct kw_token *token)
{
    kw_sbuf_done(&token->pin);
    kw_pkcs11_free(token->pkcs11);
    free(token);
}

static int start_thread(struct kw_token *token)
{
    sigset_t all, old;
    int r;

    kw_signals_of_threads(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&token->thread, NULL, run, token);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r == 0)
        pthread_setname_np(token->thread, "token");
    return -r;
}

int kw_token_new(struct kw_token **ret, const char *module, const char *label, char *why, size_t why_cap)
{
    struct kw_token *token = aligned_alloc(_Alignof(struct kw_token), sizeof(*token));
    int r;

    snprintf(why, why_cap, "out of memory");
    KW_REQUIRE(token != NULL, -ENOMEM);
    memset(token, 0, sizeof(*token));
    kw_inbox_init(&token->inbox);
    kw_bell_init(&token->bell);
    token->pin = KW_SBUF_INIT(1024);
    snprintf(token->label, sizeof(token->label), "%s", label);
    r = kw_pkcs11_new(&token->pkcs11, module, label, why, why_cap);
    if (r == 0)
        r = start_thread(token);
    if (r != 0) {
        release(token);
        return r;
    }
    *ret = token;
    return 0;
}

void kw_token_free(struct kw_token *token)
{
    struct timespec until;

    if (token == NULL)
        return;
    /* S2 pairs with S1: what was submitted before is in the inbox that is taken after S1. */
    atomic_store_explicit(&token->stop, true, memory_order_release); /* S2 */
    kw_bell_ring(&token->bell);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    if (pthread_timedjoin_np(token->thread, NULL, &until) != 0) {
        kw_log(KW_LOG_WARN, "token-hangs", "token=\"%s\" note=\"its module does not return\"", token->label);
        return;
    }
    release(token);
}
