/* A token's thread: requests there and back, connections, and who gives up. */
#include "api/token.h"

#include "engine/crypto.h"
#include "tests/support/softtoken.h"

#include <poll.h>

static struct softtoken soft;

static struct kw_token *new_token(void)
{
    struct kw_token *token = NULL;
    char why[256] = "";

    ck_assert_msg(kw_token_new(&token, soft_module(), SOFT_LABEL, why, sizeof(why)) == 0, "%s", why);
    ck_assert_int_eq(kw_token_status(token).state, KW_TOKEN_DISCONNECTED);
    return token;
}

static void await(struct kw_token *token, enum kw_token_state state)
{
    for (int i = 0; i < 5000 && kw_token_status(token).state != state; i++)
        usleep(1000);
    ck_assert_int_eq(kw_token_status(token).state, state);
}

static struct kw_token *connected(void)
{
    struct kw_token *token = new_token();

    ck_assert_int_eq(kw_token_connect(token, KW_LIT(SOFT_PIN)), 0);
    await(token, KW_TOKEN_CONNECTED);
    return token;
}

/* The request as it comes back; its maker has it again. */
static int ask(struct kw_token *token, struct kw_token_request *request)
{
    struct kw_mailbox mailbox;
    struct pollfd pollfd;
    struct kw_inbox_node *node;
    uint64_t count;

    ck_assert_int_eq(kw_mailbox_init(&mailbox), 0);
    request->reply = &mailbox;
    ck_assert_int_eq(kw_token_submit(token, request), 0);
    pollfd = (struct pollfd){.fd = mailbox.eventfd, .events = POLLIN};
    ck_assert_int_eq(poll(&pollfd, 1, 10000), 1);
    ck_assert_int_eq(read(mailbox.eventfd, &count, sizeof(count)), sizeof(count));
    node = kw_inbox_take(&mailbox.inbox);
    ck_assert_ptr_eq(node, &request->node);
    kw_mailbox_done(&mailbox);
    ck_assert(!kw_token_abandon(request)); /* it has come: too late to give up */
    return request->result;
}

static int simple(struct kw_token *token, enum kw_token_job job, const char *label)
{
    struct kw_token_request *request = kw_token_request_new(job);
    int r;

    ck_assert_ptr_nonnull(request);
    snprintf(request->label, sizeof(request->label), "%s", label);
    request->len = 16;
    kw_sbuf_put_str(&request->in, "text");
    r = ask(token, request);
    kw_token_request_free(request);
    return r;
}

START_TEST(there_and_back)
{
    struct kw_token *token = connected();
    struct kw_token_request *seal = kw_token_request_new(KW_TOKEN_SEAL);
    struct kw_token_request *unseal = kw_token_request_new(KW_TOKEN_UNSEAL);

    ck_assert_int_eq(simple(token, KW_TOKEN_MAKE, "one"), 0);
    snprintf(seal->label, sizeof(seal->label), "one");
    seal->iv[3] = 9;
    kw_sbuf_put_str(&seal->aad, "aad");
    kw_sbuf_put_str(&seal->in, "text");
    ck_assert_int_eq(ask(token, seal), 0);
    snprintf(unseal->label, sizeof(unseal->label), "one");
    memcpy(unseal->iv, seal->iv, sizeof(seal->iv));
    kw_sbuf_put_str(&unseal->aad, "aad");
    kw_sbuf_put_bytes(&unseal->in, kw_sbuf_bytes(&seal->out));
    ck_assert_int_eq(ask(token, unseal), 0);
    ck_assert(kw_bytes_equal(kw_sbuf_bytes(&unseal->out), KW_LIT("text")));
    kw_token_request_free(seal);
    kw_token_request_free(unseal);
    ck_assert_int_eq(simple(token, KW_TOKEN_RANDOM, ""), 0);
    kw_token_discard(token, "one");
    ck_assert_int_eq(simple(token, KW_TOKEN_SEAL, "one"), KW_PKCS11_NO_KEY); /* behind the discard */
    kw_token_discard(token, "one"); /* it is not there: logged, no more */
    kw_token_free(token);
    kw_token_request_free(NULL);
    kw_token_free(NULL);
}
END_TEST

START_TEST(connections)
{
    struct kw_token *token = new_token();

    ck_assert_int_eq(simple(token, KW_TOKEN_RANDOM, ""), KW_TOKEN_NOT_CONNECTED);
    ck_assert_int_eq(kw_token_disconnect(token), 0);
    ck_assert_int_eq(kw_token_status(token).state, KW_TOKEN_DISCONNECTED);
    ck_assert_int_eq(kw_token_connect(token, KW_LIT("wrong-pin-1")), 0);
    await(token, KW_TOKEN_FAILED);
    ck_assert_int_eq(kw_token_status(token).condition, KW_PKCS11_WRONG_PIN);
    ck_assert_int_eq(simple(token, KW_TOKEN_RANDOM, ""), KW_TOKEN_NOT_CONNECTED);
    /* It has failed until somebody disconnects it. */
    ck_assert_int_eq(kw_token_connect(token, KW_LIT(SOFT_PIN)), 0);
    ck_assert_int_eq(kw_token_status(token).state, KW_TOKEN_FAILED);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kw_token_disconnect(token), 0);
        await(token, KW_TOKEN_DISCONNECTED);
        ck_assert_int_eq(kw_token_connect(token, KW_LIT(SOFT_PIN)), 0);
        if (i > 0)
            await(token, KW_TOKEN_CONNECTED); /* the first time it is disconnected again at once */
    }
    ck_assert_int_eq(simple(token, KW_TOKEN_RANDOM, ""), 0);
    kw_token_free(token);
}
END_TEST

START_TEST(who_gives_up)
{
    struct kw_token *token = connected();
    struct kw_token_request *requests[50];
    struct kw_mailbox mailbox;
    unsigned came = 0, given_up = 0;
    uint64_t count;

    ck_assert_int_eq(kw_mailbox_init(&mailbox), 0);
    for (size_t i = 0; i < KW_ARRAY_LEN(requests); i++) {
        requests[i] = kw_token_request_new(KW_TOKEN_MAKE);
        snprintf(requests[i]->label, sizeof(requests[i]->label), "many %zu", i);
        requests[i]->reply = &mailbox;
        ck_assert_int_eq(kw_token_submit(token, requests[i]), 0);
    }
    /* Those that are not done yet are the token's from here on. */
    for (size_t i = KW_ARRAY_LEN(requests); i-- > 0;)
        given_up += kw_token_abandon(requests[i]);
    ck_assert_int_eq(simple(token, KW_TOKEN_RANDOM, ""), 0); /* behind them all */
    for (struct kw_inbox_node *node = kw_inbox_take(&mailbox.inbox), *next; node != NULL; node = next) {
        struct kw_token_request *request = KW_CONTAINER_OF(node, struct kw_token_request, node);
        next = node->next;
        ck_assert_int_eq(request->result, 0);
        kw_token_discard(token, request->label);
        kw_token_request_free(request);
        came++;
    }
    ck_assert_uint_eq(came + given_up, KW_ARRAY_LEN(requests));
    ck_assert_uint_gt(given_up, 0);
    (void)!read(mailbox.eventfd, &count, sizeof(count));
    kw_mailbox_done(&mailbox);
    /* No key of theirs is left. */
    for (size_t i = 0; i < KW_ARRAY_LEN(requests); i++) {
        char label[16];
        snprintf(label, sizeof(label), "many %zu", i);
        ck_assert_int_eq(simple(token, KW_TOKEN_SEAL, label), KW_PKCS11_NO_KEY);
    }
    kw_token_free(token);
}
END_TEST

START_TEST(names)
{
    for (unsigned i = 0; i < KW_TOKEN_STATE_NUM; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(
                kw_token_state_name((enum kw_token_state)i), kw_token_state_name((enum kw_token_state)j));
    ck_assert_str_eq(kw_token_error_name(KW_PKCS11_LOCKED), "USER_LOCKED_OUT");
    ck_assert_str_eq(kw_token_error_name(-ENOMEM), "INTERNAL_ERROR");
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, there_and_back);
    tcase_add_test(tcase, connections);
    tcase_add_test(tcase, who_gives_up);
    tcase_add_test(tcase, names);
}

int main(void)
{
    if (kw_crypto_init() != 0)
        return EXIT_FAILURE;
    if (soft_module() == NULL) {
        printf("skipped: softhsm2 is not installed\n");
        return 77;
    }
    softtoken_init(&soft);
    int r = kw_suite_run("token", add, 30);
    softtoken_done(&soft);
    return r;
}
