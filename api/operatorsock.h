/* operatorsock - operator.sock in the data folder: the Unix-domain socket by which the operator administers
 * the server that runs on that folder. Who may connect is up to the file's mode, and up to the listener,
 * which asks the kernel who connected.
 */
#ifndef KW_API_OPERATORSOCK_H
#define KW_API_OPERATORSOCK_H

#include "pool/base.h"

#define KW_OPERATORSOCK_NAME "operator.sock"

/* kw_operatorsock_listen() - makes the socket, 0600, in place of one that a server before left behind. The
 * caller holds the folder's lock, so no other server's is removed.
 * Returns: 0 | -EEXIST (something else has that name) | negative errno */
KW_MUST_CHECK int kw_operatorsock_listen(int dir_fd, int *ret_fd);
void kw_operatorsock_remove(int dir_fd);
/* Connects to the server that runs on folder `dir`; blocking. Returns: 0 | -ENOENT, -ECONNREFUSED (none runs)
 * | negative errno */
KW_MUST_CHECK int kw_operatorsock_connect(const char *dir, int *ret_fd);

#endif
