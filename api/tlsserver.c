#include "api/tlsserver.h"

#include "api/datafile.h"
#include "api/log.h"
#include "api/tlsself.h"
#include "api/tlsticket.h"
#include "api/tlstransport.h"
#include "pool/secmem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX         (64u * 1024u)
#define CERTIFICATE_FILE_MAX (256u * 1024u)
#define SELF_CERTIFICATE     "tls.crt"
#define SELF_KEY             "tls.key"

/* What a serving thread has for itself; only it writes here. */
struct thread {
    KW_CACHE_ALIGN struct kw_tls_context *context;
    uint64_t generation;
    struct kw_tls_crowd crowd;
};

struct kw_tls_server {
    struct kw_tls_server_config config;
    struct kw_tls_tickets *tickets;
    struct kw_transport_source source;
    struct kw_tls_stats stats;
    pthread_mutex_t lock;           /* of current */
    struct kw_tls_context *current; /* in force */
    _Atomic uint64_t generation;    /* goes up after current has changed */
    char self_certificate[sizeof(((struct kw_datadir *)0)->path) + sizeof(SELF_CERTIFICATE) + 1];
    struct thread threads[KW_LOOPS_MAX];
};

/* Contents of both files, in secret memory. */
struct files {
    struct kw_sbuf certificates, key;
};

static void files_done(struct files *files)
{
    kw_sbuf_done(&files->certificates);
    kw_sbuf_done(&files->key);
}

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* ---- files ---- */

/* Judged by its descriptor: what is judged is what is read. Links are followed: certificates that renew
 * themselves are kept behind them. */
static int judge_key(int fd, const char *path, char *why, size_t why_cap)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        snprintf(why, why_cap, "%s is not a plain file", path);
        return 1;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        snprintf(why, why_cap, "the key in %s belongs to another user (uid %u)", path, st.st_uid);
        return 1;
    }
    if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        snprintf(why, why_cap, "the key in %s is open to others (mode %04o): chmod 0400 it", path,
            st.st_mode & 07777u);
        return 1;
    }
    return 0;
}

static int read_key(const char *path, struct kw_sbuf *to, char *why, size_t why_cap)
{
    KW_CLEANUP(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ssize_t len;

    if (fd < 0) {
        snprintf(why, why_cap, "the key in %s cannot be read: %s", path, strerror(errno));
        return 1;
    }
    if (judge_key(fd, path, why, why_cap) != 0)
        return 1;
    do {
        if (kw_sbuf_reserve(to, 4096) < 0) {
            snprintf(why, why_cap, "%s is too long for a key", path);
            return 1;
        }
        len = read(fd, to->ptr + to->len, to->cap - to->len);
        to->len += len > 0 ? (size_t)len : 0;
    } while (len > 0 || (len < 0 && errno == EINTR));
    if (len < 0)
        snprintf(why, why_cap, "the key in %s cannot be read: %s", path, strerror(errno));
    return len < 0;
}

static int read_certificates(const char *path, struct kw_sbuf *to, char *why, size_t why_cap)
{
    struct kw_buf buf = {.cap = CERTIFICATE_FILE_MAX};
    int r;

    if (kw_sbuf_reserve(to, CERTIFICATE_FILE_MAX) < 0) {
        snprintf(why, why_cap, "out of memory");
        return 1;
    }
    buf.ptr = to->ptr;
    r = kw_datafile_read_public(path, &buf);
    if (r < 0) {
        snprintf(why, why_cap, "the certificate in %s cannot be read: %s", path,
            r == -EFBIG ? "it is too long" : strerror(-r));
        return 1;
    }
    to->len = buf.len;
    return 0;
}

static int context_of(struct kw_tls_server *server, const struct files *files, struct kw_tls_context **ret,
    char *why, size_t why_cap)
{
    bool self = server->config.certificate_file == NULL;
    struct kw_tls_context_config config = {
        .certificates = kw_sbuf_bytes(&files->certificates),
        .key = kw_sbuf_bytes(&files->key),
        .certificates_name = self ? SELF_CERTIFICATE : server->config.certificate_file,
        .key_name = self ? SELF_KEY : server->config.key_file,
        .min_version = server->config.min_version,
        .tickets = server->tickets,
    };

    return kw_tls_context_new(ret, &config, why, why_cap);
}

/* ---- self-signed ---- */

static int64_t now_s(void)
{
    return kw_wall_ms() / 1000;
}

/* What an earlier start has made, if it is still good. Returns: 0 | 1 */
static int take_old(struct kw_tls_server *server, struct kw_tls_context **ret)
{
    KW_CLEANUP(files_done)
    struct files files = {KW_SBUF_INIT(CERTIFICATE_FILE_MAX), KW_SBUF_INIT(KEY_FILE_MAX)};
    struct kw_buf key = {.cap = KEY_FILE_MAX};
    char why[512];
    struct kw_datafile_dir dir = {server->config.datadir->fd, server->config.datadir->path, why, sizeof(why)};

    KW_REQUIRE(kw_sbuf_reserve(&files.key, KEY_FILE_MAX) == 0, 1);
    key.ptr = files.key.ptr;
    if (kw_datafile_read(&dir, SELF_KEY, &key) != 0 ||
        read_certificates(server->self_certificate, &files.certificates, why, sizeof(why)) != 0)
        return 1;
    files.key.len = key.len;
    if (!kw_tls_self_fits(kw_sbuf_bytes(&files.certificates), server->config.listen, now_s()))
        return 1;
    return context_of(server, &files, ret, why, sizeof(why));
}

static int make_new(struct kw_tls_server *server, struct kw_tls_context **ret, char *why, size_t why_cap)
{
    KW_CLEANUP(files_done)
    struct files files = {KW_SBUF_INIT(CERTIFICATE_FILE_MAX), KW_SBUF_INIT(KEY_FILE_MAX)};
    struct kw_datafile_dir dir = {server->config.datadir->fd, server->config.datadir->path, why, why_cap};

    if (kw_tls_self_make(server->config.listen, now_s(), &files.certificates, &files.key) < 0) {
        snprintf(why, why_cap, "a self-signed certificate cannot be made: OpenSSL failed");
        return 1;
    }
    if (context_of(server, &files, ret, why, why_cap) != 0)
        return 1;
    if (kw_datafile_write(&dir, SELF_KEY, 0400, true, kw_sbuf_bytes(&files.key)) == 0 &&
        kw_datafile_write(&dir, SELF_CERTIFICATE, 0444, true, kw_sbuf_bytes(&files.certificates)) == 0)
        return 0;
    kw_tls_context_unref(*ret);
    *ret = NULL;
    return 1;
}

/* ---- what is in force ---- */

static int load(struct kw_tls_server *server, struct kw_tls_context **ret, char *why, size_t why_cap)
{
    KW_CLEANUP(files_done)
    struct files files = {KW_SBUF_INIT(CERTIFICATE_FILE_MAX), KW_SBUF_INIT(KEY_FILE_MAX)};

    if (server->config.certificate_file == NULL)
        return take_old(server, ret) == 0 ? 0 : make_new(server, ret, why, why_cap);
    if (read_certificates(server->config.certificate_file, &files.certificates, why, why_cap) != 0 ||
        read_key(server->config.key_file, &files.key, why, why_cap) != 0)
        return 1;
    return context_of(server, &files, ret, why, why_cap);
}

static void put_in_force(struct kw_tls_server *server, struct kw_tls_context *context)
{
    struct kw_tls_context *old;

    pthread_mutex_lock(&server->lock);
    old = server->current;
    server->current = context;
    pthread_mutex_unlock(&server->lock);
    atomic_store_explicit(
        &server->stats.not_after_s, kw_tls_context_certificate(context)->not_after_s, memory_order_relaxed);
    atomic_fetch_add_explicit(&server->generation, 1, memory_order_release); /* pairs with the load below */
    kw_tls_context_unref(old);
}

struct kw_tls_context *kw_tls_server_context(struct kw_tls_server *server, unsigned index)
{
    struct thread *thread = &server->threads[index];
    uint64_t generation = atomic_load_explicit(&server->generation, memory_order_acquire);

    if (generation == thread->generation)
        return thread->context;
    kw_tls_context_unref(thread->context);
    pthread_mutex_lock(&server->lock);
    thread->context = kw_tls_context_ref(server->current);
    pthread_mutex_unlock(&server->lock);
    thread->generation = generation;
    return thread->context;
}

static const char *out_of_time(const struct kw_tls_context *context)
{
    const struct kw_tls_certificate *certificate = kw_tls_context_certificate(context);

    return certificate->not_after_s <= now_s()   ? "has expired"
           : certificate->not_before_s > now_s() ? "is not valid yet"
                                                 : NULL;
}

int kw_tls_server_new(
    struct kw_tls_server **ret, const struct kw_tls_server_config *config, char *why, size_t why_cap)
{
    struct kw_tls_server *server = kw_secmem_alloc_aligned(sizeof(*server), KW_CACHE_LINE);
    struct kw_tls_context *context = NULL;

    kw_assert((config->certificate_file == NULL) == (config->key_file == NULL));
    if (server == NULL || kw_tls_tickets_new(&server->tickets) < 0) {
        snprintf(why, why_cap, "TLS cannot be set up: out of memory");
        kw_secmem_free(server);
        return 1;
    }
    server->config = *config;
    server->source = (struct kw_transport_source){kw_tls_transport_open, server};
    pthread_mutex_init(&server->lock, NULL);
    snprintf(server->self_certificate, sizeof(server->self_certificate), "%s/%s", config->datadir->path,
        SELF_CERTIFICATE);
    if (load(server, &context, why, why_cap) != 0) {
        kw_tls_server_free(server);
        return 1;
    }
    put_in_force(server, context);
    *ret = server;
    return 0;
}

int kw_tls_server_reload(struct kw_tls_server *server, char *why, size_t why_cap)
{
    struct kw_tls_context *context = NULL;
    const char *problem;
    int r = load(server, &context, why, why_cap);

    if (r == 0 && (problem = out_of_time(context)) != NULL) {
        snprintf(why, why_cap, "the certificate in %s %s", server->config.certificate_file, problem);
        kw_tls_context_unref(context);
        r = 1;
    }
    if (r == 0)
        put_in_force(server, context);
    atomic_fetch_add_explicit(
        r == 0 ? &server->stats.reloads : &server->stats.reload_failures, 1, memory_order_relaxed);
    return r;
}

void kw_tls_server_free(struct kw_tls_server *server)
{
    if (server == NULL)
        return;
    for (unsigned i = 0; i < KW_LOOPS_MAX; i++)
        kw_tls_context_unref(server->threads[i].context);
    kw_tls_context_unref(server->current);
    kw_tls_tickets_free(server->tickets);
    pthread_mutex_destroy(&server->lock);
    kw_secmem_free(server);
}

/* ---- what is known ---- */

void kw_tls_server_announce(const struct kw_tls_server *server)
{
    const struct kw_tls_certificate *certificate = kw_tls_context_certificate(server->current);
    bool self = server->config.certificate_file == NULL;
    const char *file = self ? server->self_certificate : server->config.certificate_file;
    const char *problem = out_of_time(server->current);
    char subject[300], path[512], until[32];
    time_t end = (time_t)certificate->not_after_s;
    struct tm tm;

    gmtime_r(&end, &tm);
    strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
    kw_log_quote(subject, sizeof(subject), certificate->subject, strlen(certificate->subject));
    kw_log_quote(path, sizeof(path), file, strlen(file));
    kw_log(problem == NULL ? KW_LOG_INFO : KW_LOG_WARN, "tls",
        "certificate=%s self_signed=%s subject=%s key=\"%s\" expires=%s sha256=%s chain=%u least=%s%s%s%s",
        path, self ? "yes" : "no", subject, certificate->key_type, until, certificate->fingerprint,
        certificate->num_chain, server->config.min_version == KW_TLS_1_3 ? "TLSv1.3" : "TLSv1.2",
        problem != NULL ? " problem=\"the certificate " : "", problem != NULL ? problem : "",
        problem != NULL ? "\"" : "");
}

const struct kw_transport_source *kw_tls_server_source(struct kw_tls_server *server)
{
    return &server->source;
}

const struct kw_tls_stats *kw_tls_server_stats(const struct kw_tls_server *server)
{
    return &server->stats;
}

struct kw_tls_stats *kw_tls_server_counters(struct kw_tls_server *server)
{
    return &server->stats;
}

struct kw_tls_crowd *kw_tls_server_crowd(struct kw_tls_server *server, unsigned thread)
{
    return &server->threads[thread].crowd;
}
