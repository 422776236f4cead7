/* credentialsout - new credentials, told once: as a profile of the AWS shared-credentials format, on standard
 * output or into a new file.
 */
#ifndef KW_TOOLS_CREDENTIALSOUT_H
#define KW_TOOLS_CREDENTIALSOUT_H

#include "pool/base.h"

#include <jansson.h>

/* Makes the file, 0600, before there is a secret to lose. Out on failure: why. Returns: 0 | 1 (it is there
 * already, or cannot be made) */
KW_MUST_CHECK int kw_credentials_open(const char *path, int *ret_fd, char *why, size_t why_cap);
/* Removes it again, if fd is not -1. */
void kw_credentials_abandon(const char *path, int fd);
/* The AccessKey of an answer of the operator's socket, to fd (synced and closed) or, if that is -1, to
 * standard output. Returns: 0 | 1 */
KW_MUST_CHECK int kw_credentials_write(const json_t *answer, const char *profile, int fd);

#endif
