#include "api/chore.h"

#include "pool/bell.h"
#include "pool/secmem.h"

#include <openssl/err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* What OpenSSL needs for the largest key, with room. */
#define THREAD_RESERVE (256u * 1024u)

struct kw_chores {
    struct kw_inbox inbox;
    struct kw_bell bell;
    const struct kw_cpus *cpus;
    pthread_t thread;
    _Atomic bool stop, abandoned;
};

/* ---- one chore ---- */

bool kw_chore_is_slow(const struct kw_chore_order *order)
{
    bool private = order->kind == KW_CHORE_SIGN || order->kind == KW_CHORE_DECRYPT;

    if (order->kind == KW_CHORE_ATTEST || order->kind == KW_CHORE_IMPORT)
        return true;
    switch (order->spec) {
    case KW_KEY_RSA_3072:
    case KW_KEY_RSA_4096:
        return private;
    case KW_KEY_ECC_NIST_P384: /* OpenSSL has no arithmetic of its own for this curve */
        return true;
    default:
        return false;
    }
}

bool kw_chore_is_long(const struct kw_chore_order *order)
{
    return order->kind == KW_CHORE_IMPORT && kw_key_spec_info(order->spec)->kind == KW_KEY_KIND_RSA;
}

static size_t output_max(const struct kw_chore_order *order)
{
    return order->kind == KW_CHORE_IMPORT ? KW_CHORE_IMPORT_MAX : KW_CHORE_OUTPUT_MAX;
}

static int attest(const struct kw_chore_order *order)
{
    struct kw_attestation doc;
    int r = kw_attestation_parse(order->input, &doc);

    return r == 0 ? kw_attestation_verify(&doc, order->trust, order->now_ms) : r;
}

/* What is no material of such a key is wiped. */
static int import(const struct kw_chore_order *order, struct kw_buf *ret)
{
    KW_ASYM struct kw_asym *pair = NULL;
    size_t before = ret->len;
    int r = kw_keywrap_unwrap(order->wrapping, order->material->secret, order->input, ret);

    if (r == 0)
        r = kw_material_check(order->spec, KW_BYTES(ret->ptr + before, ret->len - before), &pair);
    if (r != 0) {
        kw_erase(ret->ptr + before, ret->len - before);
        ret->len = before;
    }
    return r;
}

static int do_with_key(const struct kw_chore_order *order, const struct kw_asym *key, struct kw_buf *ret)
{
    switch (order->kind) {
    case KW_CHORE_SIGN:
        return kw_asym_sign(key, order->algorithm, order->type, order->input, ret);
    case KW_CHORE_VERIFY:
        return kw_asym_verify(key, order->algorithm, order->type, order->input, order->signature);
    case KW_CHORE_DECRYPT:
        return kw_asym_decrypt(key, order->algorithm, order->input, ret);
    case KW_CHORE_DERIVE:
        return kw_asym_derive(key, order->input, ret);
    default:
        kw_assert(false);
        return -EINVAL;
    }
}

int kw_chore_do(const struct kw_chore_order *order, struct kw_buf *ret)
{
    const struct kw_asym *key = NULL;
    int r;

    if (order->kind == KW_CHORE_ATTEST) {
        r = attest(order);
    } else if (order->kind == KW_CHORE_IMPORT) {
        r = import(order, ret);
    } else {
        r = kw_material_asym(order->material, order->spec, &key);
        if (r == 0)
            r = do_with_key(order, key, ret);
    }
    ERR_clear_error();
    return r;
}

int kw_chore_prepare(struct kw_chore *chore, const struct kw_chore_order *order)
{
    size_t len = order->input.len + order->signature.len;
    uint8_t *to;

    kw_chore_done(chore);
    chore->copies = KW_SBUF_INIT(len);
    chore->output = KW_SBUF_INIT(output_max(order));
    to = kw_sbuf_claim(&chore->copies, len);
    if (to == NULL || kw_sbuf_reserve(&chore->output, output_max(order)) != 0)
        return -ENOMEM;
    memcpy(to, order->input.ptr, order->input.len);
    if (order->signature.len > 0)
        memcpy(to + order->input.len, order->signature.ptr, order->signature.len);
    chore->order = *order;
    chore->order.input = KW_BYTES(to, order->input.len);
    chore->order.signature = KW_BYTES(to + order->input.len, order->signature.len);
    if (order->material != NULL)
        kw_material_ref(order->material);
    return 0;
}

bool kw_chore_answers(const struct kw_chore *chore, const struct kw_chore_order *order)
{
    return chore->done && chore->order.kind == order->kind && chore->order.material == order->material;
}

void kw_chore_done(struct kw_chore *chore)
{
    kw_material_unref(chore->order.material);
    kw_sbuf_done(&chore->copies);
    kw_sbuf_done(&chore->output);
    *chore = (struct kw_chore){.done = false};
}

/* ---- the thread ---- */

static void perform(struct kw_chores *chores, struct kw_chore *chore)
{
    size_t max = output_max(&chore->order);
    uint8_t *to = kw_sbuf_claim(&chore->output, max);
    struct kw_buf buf = KW_BUF(to, max);

    if (atomic_load_explicit(&chores->abandoned, memory_order_relaxed))
        chore->outcome = KW_CHORE_ABANDONED;
    else
        chore->outcome = to != NULL ? kw_chore_do(&chore->order, &buf) : -ENOMEM;
    chore->output.len = buf.len;
    chore->done = true;
    /* It is its call's again from here on. */
    kw_mailbox_post(chore->reply, &chore->node);
}

static void perform_all(struct kw_chores *chores, struct kw_inbox_node *list)
{
    while (list != NULL) {
        struct kw_chore *chore = KW_CONTAINER_OF(list, struct kw_chore, node);

        list = list->next;
        perform(chores, chore);
    }
}

/* Wherever the server may run, and as a batch: whoever wakes up on the same core goes first. Neither is
 * needed for chores to be done, so a system that refuses is not an error. */
static void settle(const struct kw_cpus *cpus)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    for (unsigned i = 0; i < cpus->num; i++) {
        if (cpus->cpu[i] < CPU_SETSIZE)
            CPU_SET(cpus->cpu[i], &set);
    }
    (void)sched_setaffinity(0, sizeof(set), &set);
    (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
}

static void *run(void *arg)
{
    struct kw_chores *chores = arg;
    int r = kw_secmem_thread_init(THREAD_RESERVE);

    (void)r; /* without an arena of its own it shares the common one */
    settle(chores->cpus);
    for (;;) {
        /* The ticket first, then the looks: what comes after them has changed the ticket. */
        uint32_t ticket = kw_bell_ticket(&chores->bell);
        bool stop = atomic_load_explicit(&chores->stop, memory_order_acquire); /* C1 */
        struct kw_inbox_node *list = kw_inbox_take(&chores->inbox);

        if (list == NULL && stop)
            break;
        if (list == NULL)
            kw_bell_wait(&chores->bell, ticket, UINT64_MAX);
        perform_all(chores, list);
    }
    kw_secmem_thread_done();
    return NULL;
}

int kw_chores_new(struct kw_chores **ret, const struct kw_cpus *cpus)
{
    struct kw_chores *chores = aligned_alloc(_Alignof(struct kw_chores), sizeof(*chores));
    sigset_t all, old;
    int r;

    KW_REQUIRE(chores != NULL, -ENOMEM);
    kw_inbox_init(&chores->inbox);
    kw_bell_init(&chores->bell);
    chores->cpus = cpus;
    atomic_init(&chores->stop, false);
    atomic_init(&chores->abandoned, false);
    kw_signals_of_threads(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&chores->thread, NULL, run, chores);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0) {
        free(chores);
        return -r;
    }
    pthread_setname_np(chores->thread, "chores");
    *ret = chores;
    return 0;
}

void kw_chores_free(struct kw_chores *chores)
{
    if (chores == NULL)
        return;
    /* C2 pairs with C1: what was submitted before is in the inbox that is taken after C1. */
    atomic_store_explicit(&chores->stop, true, memory_order_release); /* C2 */
    kw_bell_ring(&chores->bell);
    pthread_join(chores->thread, NULL);
    kw_assert(kw_inbox_take(&chores->inbox) == NULL);
    free(chores);
}

void kw_chores_submit(struct kw_chores *chores, struct kw_chore *chore)
{
    if (kw_inbox_push(&chores->inbox, &chore->node))
        kw_bell_ring(&chores->bell);
}

void kw_chores_abandon(struct kw_chores *chores)
{
    atomic_store_explicit(&chores->abandoned, true, memory_order_relaxed);
}
