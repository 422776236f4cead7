/* server - a listening address served by one or more loops.
 *
 * Thread-safety: one owner; the stats may be read by any thread.
 */
#ifndef KW_API_SERVER_H
#define KW_API_SERVER_H

#include "api/loop.h"

struct kw_server_config {
    struct kw_address address; /* port 0: a free one is picked */
    /* Instead of an address: a listening socket, for one loop. The server's from kw_server_start() on, and
     * closed if that fails. */
    bool has_listen_fd;
    int listen_fd;
    const struct kw_handler *handler;
    void *shared;                                /* handed to handler->start on each loop */
    const struct kw_transport_source *transport; /* borrowed; NULL: plain */
    struct kw_loop_stats *stats;                 /* borrowed: may be read after the server has stopped */
    unsigned num_loops;                          /* 1 .. KW_LOOPS_MAX */
    const unsigned *cpus;                        /* a core for each loop; NULL: not pinned */
    uint32_t connections_max;                    /* in all; 0: KW_CONNECTIONS_MAX */
    uint32_t header_timeout_ms;                  /* 0: KW_HEADER_TIMEOUT_MS */
    uint32_t idle_timeout_ms;                    /* 0: KW_IDLE_TIMEOUT_MS */
    const char *name;                            /* of the threads, at most 10 characters */
};

struct kw_server;

/* kw_server_start() - claims the address, opens the sockets, starts the loops; serves when it returns 0.
 * Out on failure: why, a sentence. Returns: 0 | negative errno (-EADDRINUSE: the address is taken) */
KW_MUST_CHECK int kw_server_start(
    struct kw_server **ret, const struct kw_server_config *config, char *why, size_t why_cap);
/* Stops accepting and answers what is in flight, within KW_DRAIN_MS; then frees. NULL is fine. */
void kw_server_stop(struct kw_server *server);
/* The address with the port that was picked. */
const struct kw_address *kw_server_address(const struct kw_server *server);

#endif
