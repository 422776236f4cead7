/* keystore - durable keys, aliases, grants and principals behind one interface; SQLite is the embedded
 * default.
 *
 * A store is opened under a root key: every entity is one record (record.h), sealed with AES-256-GCM under it
 * and bound to its kind and name, so that records can neither be read, edited nor swapped. A store whose
 * check value does not open under the root key is refused at open.
 *
 * One owner thread (the keystore thread, store.h); no call here is made on a serving loop.
 */
#ifndef KW_API_KEYSTORE_H
#define KW_API_KEYSTORE_H

#include "api/keystore_seal.h"
#include "api/tx.h"

enum {
    KW_STORE_WRONG_ROOT = 4, /* open: the root key is not the one this store was sealed under */
    KW_STORE_VERSION = 5,    /* open: made by a newer keywell */
    KW_STORE_CORRUPT = 6,    /* open or load: the content does not authenticate or is no keystore */
    KW_STORE_FAILED = 7,     /* a change could not be committed (disk full, I/O error); nothing changed */
};

/* One change (tx.h). */
struct kw_change {
    kw_tx_fn *apply;
    void *arg;
};

struct kw_keystore;

struct kw_keystore_ops {
    const char *name;
    /* Loads everything into a first picture. 0 | KW_STORE_CORRUPT | <0 */
    int (*load)(struct kw_keystore *keystore, struct kw_snapshot **ret);
    /* Applies changes in one durable transaction (commit on return), each judged on its own, in their order:
     * results[i] is what the change returned, 0 or positive; *ret_next is the picture after them, sharing
     * what did not change with `current`, or NULL if nothing changed. Returns 0, KW_STORE_FAILED or <0
     * (nothing changed, results undefined). */
    int (*apply)(struct kw_keystore *keystore, const struct kw_snapshot *current,
        const struct kw_change *const *changes, size_t num_changes, int *results,
        struct kw_snapshot **ret_next);
    void (*close)(struct kw_keystore *keystore);
};

struct kw_keystore {
    const struct kw_keystore_ops *ops;
};

/* kw_keystore_open_sqlite() - opens the database file (WAL, synchronous=FULL, locked against other
 * processes), migrating older schemas, or creates it: 0600, made whole under another name and then renamed,
 * so that an empty file is damage and never a new store. root_key is copied to secret memory. Out on a
 * condition or failure: why, a sentence for the operator. Returns: 0 | KW_STORE_WRONG_ROOT | KW_STORE_VERSION
 * | KW_STORE_CORRUPT | KW_STORE_FAILED | <0 (-EPERM: the file is not a plain file of ours, or open to others;
 * -EBUSY: another process has it open) */
KW_MUST_CHECK int kw_keystore_open_sqlite(struct kw_keystore **ret, const char *path,
    const uint8_t root_key[KW_ROOT_KEY_LEN], char *why, size_t why_cap);

/* A 32-byte secret that belongs to this store (made on first use, sealed), such as the seed of the audit
 * log's signing key. name is of 1 to 64 bytes (asserted). Before the store thread owns the keystore. Returns:
 * 0 | KW_STORE_CORRUPT | KW_STORE_FAILED | <0 */
KW_MUST_CHECK int kw_keystore_secret_sqlite(struct kw_keystore *keystore, const char *name, uint8_t ret[32]);

#endif
