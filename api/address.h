/* address - HOST:PORT of listeners, and the claim that only one server holds one.
 *
 * SO_REUSEPORT, by which each serving thread has a listening socket of its own, would also let a second
 * server of the same user bind silently to the same port. So a server first claims the address: an abstract
 * socket named after it, held as long as the server lives, and a bind without SO_REUSEPORT that shows whether
 * anything else listens there.
 */
#ifndef KW_API_ADDRESS_H
#define KW_API_ADDRESS_H

#include "pool/bytes.h"

#include <netinet/in.h>

#define KW_ADDRESS_TEXT_MAX 64

struct kw_address {
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    };
    socklen_t len;
};

/* kw_address_parse() - "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; no other names are looked up. Port
 * 0: any free one. Returns: 0 | 1 (malformed) */
KW_MUST_CHECK int kw_address_parse(const char *text, struct kw_address *ret);
void kw_address_format(const struct kw_address *address, char ret[KW_ADDRESS_TEXT_MAX]);
/* Writes the host part alone. */
void kw_address_host(const struct kw_address *address, char ret[KW_ADDRESS_TEXT_MAX]);
KW_MUST_CHECK bool kw_address_is_loopback(const struct kw_address *address);

/* kw_address_claim() - picks the port if it is 0 (address is changed), and claims it. ret_fd holds the claim
 * until closed. Returns: 0 | -EADDRINUSE | negative errno */
KW_MUST_CHECK int kw_address_claim(struct kw_address *address, int *ret_fd);
/* One more listening socket (SO_REUSEPORT, non-blocking) on a claimed address. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_address_listen(const struct kw_address *address, int *ret_fd);

#endif
