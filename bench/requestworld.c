#include "bench/requestworld.h"

#include "api/json.h"
#include "api/keystore.h"
#include "api/log.h"
#include "api/loop.h"
#include "api/principal.h"
#include "api/sigv4.h"
#include "engine/crypto.h"
#include "engine/drbg.h"
#include "pool/secmem.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNT   "000000000000"
#define REGION    "us-east-1"
#define HOST      "127.0.0.1:8443"
#define OPERATION "GenerateDataKeyPairWithoutPlaintext"
#define MAILBOXES KW_LOOP_MAILBOXES

struct pair {
    size_t public_len, private_len;
    uint8_t der[KW_PUBLIC_KEY_MAX + KW_PRIVATE_KEY_MAX];
};

struct text {
    char bytes[4096];
    size_t len;
};

struct mail {
    struct kw_mailbox *mailbox;
    void (*run)(void *arg, struct kw_inbox_node *node);
    void *arg;
};

struct kw_requestworld {
    char dir[64];
    uint32_t num_pairs;
    struct pair *pairs[KW_SPEC_NUM]; /* secret memory */
    struct kw_service service;
    struct kw_metrics metrics;
    struct kw_cpus cpus;
    uint8_t secrets[3][32];
    struct kw_access_key key;
    struct kw_sigv4_engine *signer;
    char key_arn[256];
    struct kw_loop loop; /* nothing but its mailboxes is used, and those are taken over */
    void *ctx;           /* the service's */
    struct mail mail[MAILBOXES];
    unsigned num_mail;
    struct kw_inbox_node *arrived; /* records that are durable */
    struct text text[KW_REQUESTWORLD_BATCH];
    struct kw_exchange exchange[KW_REQUESTWORLD_BATCH];
    struct kw_exchange *finished;
};

static struct kw_requestworld *the_world;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "request: %s\n", what);
    abort();
}

/* ---- in the place of connections ---- */

void __wrap_kw_exchange_finish(struct kw_exchange *exchange);
void __wrap_kw_exchange_finish(struct kw_exchange *exchange)
{
    the_world->finished = exchange;
}

void __wrap_kw_loop_add_mailbox(struct kw_loop *loop, struct kw_mailbox *mailbox,
    void (*mail)(void *, struct kw_inbox_node *), void *arg);
void __wrap_kw_loop_add_mailbox(
    struct kw_loop *loop, struct kw_mailbox *mailbox, void (*mail)(void *, struct kw_inbox_node *), void *arg)
{
    (void)loop;
    must(the_world->num_mail < MAILBOXES, "too many mailboxes");
    the_world->mail[the_world->num_mail++] = (struct mail){mailbox, mail, arg};
}

/* ---- requests ---- */

/* As boto3 1.26 sends them: these headers in this order, JSON with a space after colons and commas. */
static void write_request(
    struct kw_requestworld *world, const char *operation, const char *body, struct text *ret)
{
    static const char signed_headers[] = "content-type;host;x-amz-date;x-amz-target";
    char stamp[KW_SIGV4_STAMP_LEN + 1], hex[65] = "";
    uint8_t canonical[2048], to_sign[512], signature[32];
    struct kw_buf canonical_buf = KW_BUF(canonical, sizeof(canonical));
    struct kw_buf to_sign_buf = KW_BUF(to_sign, sizeof(to_sign));
    struct kw_http_request request;
    struct kw_sigv4_claim claim = {
        .region = KW_LIT(REGION), .service = KW_LIT("kms"), .signed_at_ms = kw_wall_ms()};

    kw_sigv4_stamp_format(claim.signed_at_ms, stamp);
    claim.scope_date = KW_BYTES(stamp, 8);
    for (int with = 0; with < 2; with++) {
        size_t scanned = 0;

        ret->len = (size_t)snprintf(ret->bytes, sizeof(ret->bytes),
            "POST / HTTP/1.1\r\nAccept-Encoding: identity\r\nX-Amz-Target: TrentService.%s\r\n"
            "Content-Type: application/x-amz-json-1.1\r\nUser-Agent: Boto3/1.26.27 Python/3.11.2 "
            "Linux/6.1.0-26-amd64 awscrt/1.0.0.dev0 Botocore/1.29.27\r\nhost: " HOST "\r\nX-Amz-Date: %s\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/" REGION "/kms/aws4_request, "
            "SignedHeaders=%s, Signature=%s\r\n"
            "amz-sdk-invocation-id: e1efd0ab-d527-406a-a474-ec2e1da3b29c\r\namz-sdk-request: attempt=1\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            operation, stamp, world->key.id, stamp, signed_headers, hex, strlen(body), body);
        must(ret->len < sizeof(ret->bytes), "a request is too long");
        must(
            kw_http_parse(KW_BYTES(ret->bytes, ret->len), &scanned, &request) == 0, "a request is malformed");
        canonical_buf.len = to_sign_buf.len = 0;
        must(kw_sigv4_canonical_request(world->signer, &request, kw_bytes_str(body),
                 kw_bytes_str(signed_headers), true, &canonical_buf) == 0 &&
                 kw_sigv4_string_to_sign(world->signer, &claim, kw_buf_bytes(&canonical_buf), &to_sign_buf) ==
                     0 &&
                 kw_sigv4_sign(world->signer, &claim, kw_bytes_str(world->key.secret),
                     kw_buf_bytes(&to_sign_buf), signature) == 0,
            "a request cannot be signed");
        kw_hex_encode(signature, sizeof(signature), hex);
    }
}

void kw_requestworld_sign(struct kw_requestworld *world, enum kw_spec spec)
{
    char body[512];

    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++) {
        snprintf(body, sizeof(body),
            "{\"KeyId\": \"%s\", \"KeyPairSpec\": \"%s\", \"EncryptionContext\": {\"tenant\": \"t%u\", "
            "\"department\": \"it\"}}",
            world->key_arn, kw_spec_info(spec)->name, i);
        write_request(world, OPERATION, body, &world->text[i]);
    }
}

struct kw_bytes kw_requestworld_request(const struct kw_requestworld *world, unsigned i)
{
    return KW_BYTES(world->text[i].bytes, world->text[i].len);
}

size_t kw_requestworld_private_len(const struct kw_requestworld *world, enum kw_spec spec)
{
    return world->pairs[spec][0].private_len;
}

/* ---- a request's way ---- */

void kw_requestworld_begin(struct kw_requestworld *world, unsigned i)
{
    struct kw_exchange *exchange = &world->exchange[i];
    struct kw_bytes text = KW_BYTES(world->text[i].bytes, world->text[i].len);
    size_t scanned = 0;

    must(kw_http_parse(text, &scanned, &exchange->request) == 0, "a request is malformed");
    exchange->body = KW_BYTES(text.ptr + exchange->request.head_len, exchange->request.content_length);
    exchange->status = 200;
    exchange->headers_len = 0;
    exchange->started_ns = kw_now_ns();
    kw_service_handler.request(world->ctx, exchange);
    kw_service_handler.end_turn(world->ctx);
}

/* One that comes back from the log is kept; any other mail is handled. */
static void take_mail(struct kw_requestworld *world, unsigned *ret_arrived)
{
    for (unsigned i = 0; i < world->num_mail; i++) {
        struct mail *mail = &world->mail[i];
        struct kw_inbox_node *node, *next;
        struct kw_inbox_node **end = &world->arrived;
        uint64_t count;

        if (read(mail->mailbox->eventfd, &count, sizeof(count)) < 0)
            continue;
        while (*end != NULL)
            end = &(*end)->next;
        for (node = kw_inbox_take(&mail->mailbox->inbox); node != NULL; node = next) {
            next = node->next;
            if (i == 1 && ret_arrived != NULL) {
                node->next = NULL;
                *end = node;
                end = &node->next;
                ++*ret_arrived;
            } else {
                mail->run(mail->arg, node);
            }
        }
    }
    kw_service_handler.end_turn(world->ctx);
}

void kw_requestworld_wait(struct kw_requestworld *world, unsigned num)
{
    struct pollfd fds[MAILBOXES];
    unsigned arrived = 0;

    for (unsigned i = 0; i < world->num_mail; i++)
        fds[i] = (struct pollfd){.fd = world->mail[i].mailbox->eventfd, .events = POLLIN};
    while (arrived < num) {
        must(poll(fds, world->num_mail, 5000) > 0, "a record does not come back");
        take_mail(world, &arrived);
    }
}

void kw_requestworld_end(struct kw_requestworld *world)
{
    struct kw_inbox_node *node = world->arrived;

    world->arrived = node->next;
    world->mail[1].run(world->mail[1].arg, node);
}

size_t kw_requestworld_answer(struct kw_requestworld *world)
{
    struct kw_exchange *exchange = world->finished;
    size_t len;

    must(exchange != NULL && exchange->status == 200, "a request was refused");
    len = exchange->answer.len;
    kw_sbuf_reset(&exchange->answer, 64 * 1024);
    world->finished = NULL;
    return len;
}

/* ---- what is behind it ---- */

static void make_key(struct kw_requestworld *world)
{
    static const char member[] = "\"Arn\":\"";
    struct pollfd fds[MAILBOXES];
    const char *at, *end;

    write_request(world, "CreateKey", "{\"Description\": \"benchmark\"}", &world->text[0]);
    kw_requestworld_begin(world, 0);
    for (unsigned i = 0; i < world->num_mail; i++)
        fds[i] = (struct pollfd){.fd = world->mail[i].mailbox->eventfd, .events = POLLIN};
    while (world->finished == NULL) {
        must(poll(fds, world->num_mail, 5000) > 0, "no key is made");
        take_mail(world, NULL);
    }
    at = memmem(world->finished->answer.ptr, world->finished->answer.len, member, sizeof(member) - 1);
    must(world->finished->status == 200 && at != NULL, "no key was made");
    at += sizeof(member) - 1;
    end = strchr(at, '"');
    snprintf(world->key_arn, sizeof(world->key_arn), "%.*s", (int)(end - at), at);
    (void)kw_requestworld_answer(world);
}

static int put_administrator(struct kw_tx *tx, void *arg)
{
    const struct kw_requestworld *world = arg;
    struct kw_principal *user = NULL;
    KW_DRBG struct kw_drbg *drbg = NULL;

    must(kw_drbg_new(&drbg, NULL) == 0, "no random source");
    must(kw_principal_make_admin(drbg, KW_LIT(ACCOUNT), kw_wall_ms(), &user) == 0, "no administrator");
    must(kw_access_key_make(drbg, user, kw_wall_ms(), (struct kw_access_key *)(uintptr_t)&world->key) == 0,
        "no access key");
    int r = kw_tx_put_principal(tx, user);
    kw_principal_unref(user);
    return r != 0 ? r : kw_tx_put_access_key(tx, &world->key);
}

static void open_folder(struct kw_requestworld *world)
{
    static const uint8_t root_key[KW_ROOT_KEY_LEN] = "a root key that protects nothing";
    const struct kw_change change = {.apply = put_administrator, .arg = world};
    struct kw_keystore *keystore = NULL;
    char path[128], why[512] = "", *dir = world->dir;
    struct kw_audit_config audit = {.dir = path, .signing_seed = world->secrets[0]};
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(world->dir), "%.40s/keywell-request-XXXXXX", tmp != NULL ? tmp : "/tmp");
    must(mkdtemp(dir) != NULL, "no folder");
    snprintf(path, sizeof(path), "%s/keystore.db", dir);
    must(kw_keystore_open_sqlite(&keystore, path, root_key, why, sizeof(why)) == 0, why);
    must(kw_store_new(&world->service.store, keystore) == 0, "no store");
    must(kw_store_apply(world->service.store, &change) == 0, "no administrator");
    snprintf(path, sizeof(path), "%s/audit", dir);
    must(kw_audit_open(&world->service.audit, &audit, why, sizeof(why)) == 0, why);
}

static void remove_folder(const char *path)
{
    char below[320];
    struct dirent *entry;
    DIR *dir = opendir(path);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(below, sizeof(below), "%.60s/%.255s", path, entry->d_name);
        if (unlink(below) < 0)
            remove_folder(below);
    }
    if (dir != NULL)
        closedir(dir);
    (void)rmdir(path);
}

/* Pairs as the engine makes them; they are kept, so that the pool can be filled again at once. */
static void make_pairs(struct kw_requestworld *world, enum kw_spec spec)
{
    struct kw_bell bell;
    struct kw_pool_config config = {.spec = spec, .capacity = world->num_pairs, .bell = &bell};
    struct kw_engine_config engine_config = {.cpus = world->cpus, .bell = &bell};
    struct kw_engine *engine = NULL;
    struct kw_pool *pool = NULL;

    kw_bell_init(&bell);
    must(kw_pool_new(&pool, &config) == 0, "no pool");
    must(kw_cpu_choose(NULL, &engine_config.cpu_path) == 0, "no CPU path");
    engine_config.pools[spec] = pool;
    world->pairs[spec] = kw_secmem_alloc(world->num_pairs * sizeof(struct pair));
    must(world->pairs[spec] != NULL, "out of memory");
    must(kw_engine_new(&engine, &engine_config) == 0 && kw_engine_start(engine) == 0, "no engine");
    for (uint32_t i = 0; i < world->num_pairs; i++) {
        KW_PAIR struct kw_pair pair = {.pool = NULL};
        struct pair *to = &world->pairs[spec][i];
        uint8_t der[KW_SPEC_PUBLIC_MAX];

        must(kw_pool_pop_wait(pool, 60000, &pair) == 0, "no pair");
        to->public_len = kw_pair_public_der(&pair, der).len;
        to->private_len = pair.private_der.len;
        memcpy(to->der, der, to->public_len);
        memcpy(to->der + to->public_len, pair.private_der.ptr, to->private_len);
    }
    kw_engine_free(engine);
    kw_pool_free(pool);
    config.bell = NULL;
    must(kw_pool_new(&world->service.pools[spec], &config) == 0, "no pool");
}

void kw_requestworld_refill(struct kw_requestworld *world, enum kw_spec spec)
{
    struct kw_slot slot;

    for (uint32_t i = 0; kw_pool_acquire(world->service.pools[spec], &slot) == 0; i++) {
        const struct pair *pair = &world->pairs[spec][i % world->num_pairs];

        memcpy(slot.public_der, pair->der, pair->public_len);
        memcpy(slot.private_der, pair->der + pair->public_len, pair->private_len);
        slot.public_len = pair->public_len;
        slot.private_len = pair->private_len;
        kw_pool_publish(world->service.pools[spec], &slot);
    }
}

static void drain_pool(struct kw_pool *pool)
{
    struct kw_pair pair;

    while (pool != NULL && kw_pool_pop(pool, &pair) == 0)
        kw_pair_release(&pair);
    kw_pool_free(pool);
}

struct kw_requestworld *kw_requestworld_new(const bool specs[KW_SPEC_NUM], uint32_t num)
{
    struct kw_requestworld *world = NULL;
    char why[256] = "";

    must(kw_crypto_init() == 0 && kw_secmem_thread_init(4u << 20) == 0, "no secret memory");
    kw_json_init();
    must(posix_memalign((void **)&world, KW_CACHE_LINE, sizeof(*world)) == 0, "out of memory");
    memset(world, 0, sizeof(*world));
    the_world = world;
    world->num_pairs = num;
    must(kw_cpus_allowed(&world->cpus) == 0 && kw_sigv4_engine_new(&world->signer) == 0, "cannot set up");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++)
        if (specs[spec])
            make_pairs(world, (enum kw_spec)spec);
    open_folder(world);
    world->service.metrics = &world->metrics;
    world->service.cpus = &world->cpus;
    memcpy(world->service.account, ACCOUNT, sizeof(ACCOUNT));
    world->service.grant_secret = world->secrets[0];
    world->service.import_secret = world->secrets[1];
    world->service.session_secret = world->secrets[2];
    world->service.pool_wait_ms = KW_POOL_WAIT_MS;
    must(kw_service_handler.start(&world->service, &world->loop, &world->ctx, why, sizeof(why)) == 0, why);
    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++) {
        world->exchange[i].answer = KW_SBUF_INIT(KW_ANSWER_MAX);
        world->exchange[i].uid = -1;
        snprintf(world->exchange[i].peer, sizeof(world->exchange[i].peer), "127.0.0.1");
    }
    make_key(world);
    return world;
}

void kw_requestworld_free(struct kw_requestworld *world)
{
    kw_service_handler.stop(world->ctx);
    kw_audit_close(world->service.audit);
    kw_store_free(world->service.store);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        drain_pool(world->service.pools[spec]);
        kw_secmem_free(world->pairs[spec]);
    }
    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++)
        kw_sbuf_done(&world->exchange[i].answer);
    kw_sigv4_engine_free(world->signer);
    remove_folder(world->dir);
    free(world);
}
