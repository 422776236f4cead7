/* datafile - small files of the data folder: written whole or not at all, read with suspicion.
 *
 * All by a descriptor of the folder, so that nobody can put another folder in its place in between. Sentences
 * for the operator name file and folder, never content.
 */
#ifndef KW_API_DATAFILE_H
#define KW_API_DATAFILE_H

#include "pool/bytes.h"

#include <sys/types.h>

enum {
    KW_DATAFILE_ABSENT = 1,
    KW_DATAFILE_BAD =
        2, /* unreadable, no plain file, another user's, open to others, too long; cannot be written */
};

/* The folder and where to say what is wrong. */
struct kw_datafile_dir {
    int fd;
    const char *path; /* for sentences only */
    char *why;
    size_t why_cap;
};

/* kw_datafile_read() - In: buf, room for the longest allowed content. A file that others may read is BAD.
 * Out: content appended to buf (maybe secret); wiped on failure. Returns: 0 | KW_DATAFILE_ABSENT |
 * KW_DATAFILE_BAD */
KW_MUST_CHECK int kw_datafile_read(const struct kw_datafile_dir *dir, const char *name, struct kw_buf *buf);

/* kw_datafile_read_public() - a file of the operator's that anyone may read and that may be anywhere; content
 * appended to buf as above. Returns: 0 | -EFBIG (longer than the room of buf) | negative errno */
KW_MUST_CHECK int kw_datafile_read_public(const char *path, struct kw_buf *buf);

/* kw_datafile_write() - writes content (maybe secret) to NAME.tmp, syncs it, renames it, syncs the folder. A
 * file that is there is replaced if replace says so. On failure the old state stands, unless only the
 * folder's sync failed. The caller holds the folder's lock. Returns: 0 | KW_DATAFILE_BAD */
KW_MUST_CHECK int kw_datafile_write(
    const struct kw_datafile_dir *dir, const char *name, mode_t mode, bool replace, struct kw_bytes content);

/* kw_datafile_exists() - whatever it is, a dangling link too. Returns: 0 | KW_DATAFILE_ABSENT |
 * KW_DATAFILE_BAD */
KW_MUST_CHECK int kw_datafile_exists(const struct kw_datafile_dir *dir, const char *name);

/* Writes a sentence into why; returns KW_DATAFILE_BAD. */
int kw_datafile_bad(const struct kw_datafile_dir *dir, const char *format, ...) KW_PRINTF(2, 3);

#endif
