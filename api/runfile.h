/* runfile - run.json in the data folder: where the server that runs on it listens, for tools and scripts. */
#ifndef KW_API_RUNFILE_H
#define KW_API_RUNFILE_H

#include "pool/base.h"

#define KW_VERSION "0.1.0"

/* dir_fd: the data folder. tls: of listen. admin: NULL without an admin listener. Replaces the file whole.
 * Returns: 0 | negative errno */
KW_MUST_CHECK int kw_runfile_write(int dir_fd, const char *listen, bool tls, const char *admin);
void kw_runfile_remove(int dir_fd);

#endif
