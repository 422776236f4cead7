/* auditsegment - the files of the audit log: their names, making them, setting them aside.
 *
 * A segment is audit-NNNNNN.jsonl (more digits when they are needed), zeroed with real writes and synced
 * together with its folder before it has that name, so that a later write has no metadata to sync and a
 * reader finds zeros behind the last line. Where the file system has direct I/O, that is how it is written:
 * what goes to the disk at once gains nothing from a copy in the page cache. Blocking calls; one thread per
 * object.
 */
#ifndef KW_API_AUDITSEGMENT_H
#define KW_API_AUDITSEGMENT_H

#include "pool/base.h"

#include <stdatomic.h>

#define KW_AUDIT_NAME_MAX 64

/* Direct I/O is of whole blocks of this size, in files and in memory: the largest that disks have. */
#define KW_AUDIT_BLOCK 4096u

struct kw_auditsegment {
    int fd;          /* -1: none */
    uint64_t number; /* from 1 */
    bool direct;     /* written around the page cache, in whole blocks */
};
#define KW_AUDITSEGMENT_NONE ((struct kw_auditsegment){.fd = -1})

void kw_auditsegment_name(uint64_t number, bool quarantined, char ret[KW_AUDIT_NAME_MAX]);
/* Returns: 0 | 1 (not a segment's name) */
KW_MUST_CHECK int kw_auditsegment_parse_name(const char *name, uint64_t *ret_number, bool *ret_quarantined);

/* kw_auditsegment_create() - makes segment number of bytes zeros, durable when this returns. What a failure
 * leaves is removed again. Once *cancel is true (any thread; NULL: never) it gives up within one step of
 * zeros. Returns: 0 | negative errno (-EEXIST: there is one of that number; -ECANCELED) */
KW_MUST_CHECK int kw_auditsegment_create(
    struct kw_auditsegment *ret, int dir_fd, uint64_t number, uint64_t bytes, const _Atomic bool *cancel);
void kw_auditsegment_close(struct kw_auditsegment *segment);
/* Closes and renames to *.quarantined. A failure of the rename is tolerated: the next header says all the
 * same where this one ends. */
void kw_auditsegment_quarantine(struct kw_auditsegment *segment, int dir_fd);
/* Closes and removes a segment in which nothing was ever durable. */
void kw_auditsegment_discard(struct kw_auditsegment *segment, int dir_fd);

struct kw_auditsegment_entry {
    uint64_t number;
    bool quarantined;
};
/* kw_auditsegment_list() - the folder's segments by number. Out: *ret_entries, to be freed.
 * Returns: 0 | 1 (two files of number *ret_twice) | negative errno */
KW_MUST_CHECK int kw_auditsegment_list(
    int dir_fd, struct kw_auditsegment_entry **ret_entries, size_t *ret_num, uint64_t *ret_twice);
/* kw_auditsegment_sweep() - removes what a stopped writer prepared and never wrote to: temporary files and
 * the segments numbered above last, which the caller found blank. Returns: 0 | negative errno */
KW_MUST_CHECK int kw_auditsegment_sweep(int dir_fd, uint64_t last);

#endif
