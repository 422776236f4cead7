/* datadir - the data folder: its lock, the root key, the administrator's credentials file.
 *
 * Layout: root.key (0400, 64 hex digits and a newline), keystore.db, credentials (0600), audit/, lock. The
 * folder itself is 0700 when made here. Every file is created with O_EXCL|O_NOFOLLOW|O_CLOEXEC in a temporary
 * name, synced, renamed, and the folder synced.
 */
#ifndef KW_API_DATADIR_H
#define KW_API_DATADIR_H

#include "api/keystore.h"

enum {
    KW_DATADIR_IN_USE = 1, /* another process holds the lock */
    KW_DATADIR_BAD = 2,    /* something in it is missing, unreadable, malformed or open to others */
};

struct kw_datadir {
    char path[3072]; /* as given, without a trailing slash */
    int fd;          /* the folder: all files are opened from it */
    int lock_fd;     /* holds an flock() on `lock` */
    bool fresh;      /* there was no root key and no keystore: a first start */
};

/* kw_datadir_open() - makes the folder (not the ones above it) if it is not there, takes the lock, and only
 * then looks what is in it. A folder of another user, or writable by others, is KW_DATADIR_BAD. Out on
 * failure: why, a sentence for the operator. Returns: 0 | KW_DATADIR_IN_USE | KW_DATADIR_BAD */
KW_MUST_CHECK int kw_datadir_open(struct kw_datadir *ret, const char *path, char *why, size_t why_cap);
/* Gives the lock back. A second call does nothing. */
void kw_datadir_close(struct kw_datadir *datadir);
/* kw_datadir_root_key() - reads root.key, or makes it when fresh. A root key that others may read, that is
 * not exactly 64 hex digits, or that is missing beside an existing keystore is KW_DATADIR_BAD. Out: ret,
 * secret. Returns: 0 | KW_DATADIR_BAD */
KW_MUST_CHECK int kw_datadir_root_key(
    const struct kw_datadir *datadir, uint8_t ret[KW_ROOT_KEY_LEN], char *why, size_t why_cap);
/* kw_datadir_write_credentials() - writes (or replaces) the file `credentials` in the AWS shared-credentials
 * format: a comment that speaks of account and region, and the profile [default]. Write it before the
 * principal is committed: a crash between the two then leaves a keystore without principals, for which the
 * next start makes new ones, and not an administrator whose secret nobody has. Returns: 0 | KW_DATADIR_BAD */
KW_MUST_CHECK int kw_datadir_write_credentials(
    const struct kw_datadir *datadir, const struct kw_access_key *key, char *why, size_t why_cap);

#endif
