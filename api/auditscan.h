/* auditscan - reads the segments of an audit log in order and follows the chain: for the verifier and for
 * recovery.
 *
 * Reads files only. What follows the last line of a segment is judged too: zeros always may; after an I/O
 * error or a crash (the signed header of the next segment says so) what was not acknowledged may; at the very
 * end of the log, what a torn write can leave may, and nothing else.
 */
#ifndef KW_API_AUDITSCAN_H
#define KW_API_AUDITSCAN_H

#include "api/auditmark.h"

/* A torn write loses whole sectors: runs of zeros that it leaves begin and end at multiples of this. */
#define KW_AUDIT_SECTOR 512u

/* A segment read into memory may not be larger. */
#define KW_AUDIT_SCAN_SEGMENT_MAX (1024u * 1024u * 1024u)

/* One good line. */
struct kw_auditscan_line {
    struct kw_bytes text;              /* without newline, valid during the call */
    const struct kw_auditchain *chain; /* with this line as the last */
    const struct kw_auditmark *mark;   /* NULL: an API record */
};

struct kw_auditscan_config {
    int dir_fd;
    struct kw_auditkey *key;
    size_t newest; /* begin at the header of the newest-th last segment; 0: at the beginning of the log */
    void (*each_line)(void *arg, const struct kw_auditscan_line *line); /* NULL: none */
    void *arg;
};

struct kw_auditscan_result {
    struct kw_auditchain head; /* the last good line */
    uint64_t segments;         /* with content */
    uint64_t quarantined;
    uint64_t last_number; /* of the last segment with content; 0: none */
    uint64_t torn_bytes;  /* after the last good line of the log */
    bool closed;          /* the last line is the checkpoint of a clean close */
    char problem[512];    /* names file and line */
};

/* kw_auditscan_run() - Out: ret, problem on failure too, the counts as far as they came.
 * Returns: 0 | 1 (damaged in a way that neither a crash nor an I/O error leaves) | negative errno (cannot be
 * read) */
KW_MUST_CHECK int kw_auditscan_run(const struct kw_auditscan_config *config, struct kw_auditscan_result *ret);

#endif
