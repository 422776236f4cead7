#include "api/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct kw_server {
    struct kw_server_config config;
    int claim_fd;
    unsigned num_loops;
    struct kw_loop *loops[KW_LOOPS_MAX];
    char names[KW_LOOPS_MAX][16];
};

#define RESERVED_DESCRIPTORS 256u

/* Each connection is a descriptor; some are needed beside them. */
static uint32_t connections_limit(uint32_t wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return wanted;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur =
            KW_MIN(limit.rlim_max, KW_MAX(limit.rlim_cur, (rlim_t)wanted + RESERVED_DESCRIPTORS));
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    /* What is not for connections: files, rings, event counters, listening sockets. */
    return limit.rlim_cur > 2 * RESERVED_DESCRIPTORS
               ? KW_MIN(wanted, (uint32_t)KW_MIN(limit.rlim_cur, UINT32_MAX) - RESERVED_DESCRIPTORS)
               : KW_MAX((uint32_t)limit.rlim_cur / 4, 1);
}

static int start_loop(struct kw_server *server, unsigned index, char *why, size_t why_cap)
{
    const struct kw_server_config *config = &server->config;
    struct kw_loop_config loop = {
        .handler = config->handler,
        .shared = config->shared,
        .transport = config->transport,
        .stats = config->stats,
        .index = index,
        .listen_fd = -1,
        .cpu = config->cpus == NULL ? -1 : (int)config->cpus[index],
        .connections_max = KW_MAX(config->connections_max / config->num_loops, 1),
        .header_timeout_ms = config->header_timeout_ms,
        .idle_timeout_ms = config->idle_timeout_ms,
        .name = server->names[index],
    };
    int r = 0;

    if (config->has_listen_fd)
        loop.listen_fd = config->listen_fd;
    else
        r = kw_address_listen(&config->address, &loop.listen_fd);
    if (r < 0) {
        snprintf(why, why_cap, "cannot listen: %s", strerror(-r));
        return r;
    }
    snprintf(server->names[index], sizeof(server->names[index]), "%.10s-%u", config->name, index % 1000u);
    r = kw_loop_start(&server->loops[index], &loop, why, why_cap);
    if (r < 0) {
        close(loop.listen_fd);
        return r;
    }
    server->num_loops++;
    return 0;
}

static int claim(struct kw_server *server, char *why, size_t why_cap)
{
    char text[KW_ADDRESS_TEXT_MAX];
    int r;

    if (server->config.has_listen_fd)
        return 0;
    r = kw_address_claim(&server->config.address, &server->claim_fd);
    if (r == 0)
        return 0;
    kw_address_format(&server->config.address, text);
    snprintf(why, why_cap,
        r == -EADDRINUSE ? "%s is in use by another server (%s)" : "cannot listen on %s: %s", text,
        strerror(-r));
    return r;
}

int kw_server_start(struct kw_server **ret, const struct kw_server_config *config, char *why, size_t why_cap)
{
    struct kw_server *server = calloc(1, sizeof(*server));
    struct kw_server_config *own;
    int r;

    kw_assert(config->num_loops >= 1 && config->num_loops <= (config->has_listen_fd ? 1 : KW_LOOPS_MAX));
    if (server == NULL) {
        if (config->has_listen_fd)
            close(config->listen_fd);
        return -ENOMEM;
    }
    own = &server->config;
    *own = *config;
    own->connections_max =
        connections_limit(own->connections_max ? own->connections_max : KW_CONNECTIONS_MAX);
    own->header_timeout_ms = own->header_timeout_ms ? own->header_timeout_ms : KW_HEADER_TIMEOUT_MS;
    own->idle_timeout_ms = own->idle_timeout_ms ? own->idle_timeout_ms : KW_IDLE_TIMEOUT_MS;
    server->claim_fd = -1;
    r = claim(server, why, why_cap);
    for (unsigned i = 0; r == 0 && i < config->num_loops; i++)
        r = start_loop(server, i, why, why_cap);
    if (r < 0) {
        kw_server_stop(server);
        return r;
    }
    *ret = server;
    return 0;
}

void kw_server_stop(struct kw_server *server)
{
    if (server == NULL)
        return;
    for (unsigned i = 0; i < server->num_loops; i++)
        kw_loop_drain(server->loops[i]);
    for (unsigned i = 0; i < server->num_loops; i++)
        kw_loop_join(server->loops[i]);
    if (server->claim_fd >= 0)
        close(server->claim_fd);
    free(server);
}

const struct kw_address *kw_server_address(const struct kw_server *server)
{
    return &server->config.address;
}
