/* audit - the audit log: one writer thread with its own io_uring, durable before the answer, hash-chained.
 *
 * A serving loop hands over the body of a record (a JSON object without sequence and chain members) and gets
 * the entry back through its mailbox once it is durable, or with an error once it is known that it will not
 * be. Entries complete in chain order. The writer gathers what has come into one write and one fdatasync.
 *
 * File format (docs/audit.md): DIR/audit-NNNNNN.jsonl, JSON Lines, zeroed and synced before use; the reader
 * stops at the zero tail. Each line is an object that begins {"sequence":N,"previousHash":"<64 hex>",...; the
 * hash of a line is the SHA-256 of its bytes without the newline, and the next line carries it. The first
 * line of a segment is a signed header record that repeats where the chain stands, so a segment quarantined
 * after an I/O error (or torn by a crash) ends where the next one says. Signed checkpoints are records of the
 * chain, one within a second of each record, and one at a clean close. The public key is in DIR/audit.pub
 * (PEM).
 *
 * A failed write or fdatasync is never retried on the same file: the segment is renamed *.quarantined and
 * what was not acknowledged is written again into a new one. If that fails as well, the waiting entries fail,
 * the log is unhealthy, and the writer tries a new segment every 250 ms until it can write again.
 *
 * The writer logs audit-quarantined, audit-unhealthy and audit-recovered, each once per change.
 */
#ifndef KW_API_AUDIT_H
#define KW_API_AUDIT_H

#include "api/store.h"
#include "pool/sbuf.h"

struct kw_audit;

struct kw_audit_config {
    const char *dir;             /* made (0700) if it is not there */
    const uint8_t *signing_seed; /* 32 bytes, Ed25519; copied to secret memory */
    uint64_t segment_bytes;      /* 0: KW_AUDIT_SEGMENT */
    uint32_t rotate_s;           /* 0: KW_AUDIT_ROTATE_S */
    uint32_t checkpoint_ms;      /* 0: 1000 */
};

struct kw_audit_entry {
    struct kw_inbox_node node; /* first: used on the way there and back */
    struct kw_bytes body;      /* {"member...} on one line, at most KW_AUDIT_RECORD_MAX; borrowed */
    struct kw_mailbox *reply;  /* where it comes back; lives until kw_audit_close() */
    int result;                /* 0: durable; <0: refused (below) */
    uint64_t sequence;         /* of the record, when durable */
};

struct kw_audit_stats {
    uint64_t records;
    uint64_t commits; /* write + fdatasync pairs */
    uint64_t bytes;
    uint64_t failures;    /* failed writes, syncs and segment creations */
    uint64_t refused;     /* entries that failed */
    uint64_t quarantined; /* segments */
    uint64_t sequence;    /* of the last durable record */
    bool healthy;
    char trouble[128]; /* why not, a sentence; empty if healthy */
};

/* kw_audit_open() - recovers the chain from the folder (after a crash too), starts a new segment and the
 * writer thread; the first header is durable when this returns 0. Follows the chain through the newest 16
 * segments only: older ones may have been moved away, and are the verifier's to check. Out on failure: why, a
 * sentence for the operator. Returns: 0 | 1 (the folder's content is damaged in a way a crash cannot cause,
 * or another key's) | KW_EOPENSSL | negative errno (-EPERM, -EACCES, -ENOSYS: io_uring, or the folder;
 * -EINVAL: the configuration) */
KW_MUST_CHECK int kw_audit_open(
    struct kw_audit **ret, const struct kw_audit_config *config, char *why, size_t why_cap);
/* Commits what was submitted, writes a checkpoint, stops. */
void kw_audit_close(struct kw_audit *audit);
/* kw_audit_submit() - any thread; never blocks and takes no lock. The entry comes back with a result of 0, or
 * -EINVAL or -E2BIG (the body), or the error that keeps the log from being written: then the record is not in
 * the log. One exception: if the process dies before the segment after the failed one has begun, recovery may
 * find the record complete in the failed file and keep it: one too many, never one too few. */
void kw_audit_submit(struct kw_audit *audit, struct kw_audit_entry *entry);
/* The same for a list of entries, linked by their nodes in the order in which they are to be recorded, with
 * one wake-up of the writer for all. NULL is fine. */
void kw_audit_submit_all(struct kw_audit *audit, struct kw_inbox_node *first);
/* One load: can records be written now? Refuse requests at once if not. */
bool kw_audit_healthy(const struct kw_audit *audit);
void kw_audit_stats(struct kw_audit *audit, struct kw_audit_stats *ret);
/* The file now written, for people to look at. */
void kw_audit_path(struct kw_audit *audit, char *ret, size_t cap);

#endif
