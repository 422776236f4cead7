/* savedpool - what the keystore knows of a file with saved key pairs: above all its one-time number.
 *
 * There is such a record from the moment at which the file may be used until the number is used up; a file
 * without one is worth nothing. How files are written and used: warmstart.h. Pure.
 */
#ifndef KW_API_SAVEDPOOL_H
#define KW_API_SAVEDPOOL_H

#include "pool/sbuf.h"
#include "pool/spec.h"

#define KW_SAVED_NUMBER_LEN 32
#define KW_SAVED_SECRET_LEN 32
/* The longest name of a file: "ECC_NIST_EDWARDS25519.reserve". */
#define KW_SAVED_FILE_MAX 40u

enum kw_saved_kind {
    KW_SAVED_POOL,    /* a whole pool, from a clean stop */
    KW_SAVED_RESERVE, /* set aside while the server ran */
    KW_SAVED_KIND_NUM,
};

struct kw_saved_name {
    enum kw_spec spec;
    enum kw_saved_kind kind;
};

struct kw_saved_pool {
    struct kw_saved_name name;
    uint8_t number[KW_SAVED_NUMBER_LEN]; /* the file carries it, too */
    /* Secret; part of the file's key and nowhere else: when the record is gone, nobody can read the file. */
    uint8_t secret[KW_SAVED_SECRET_LEN];
    uint32_t pairs; /* at least 1 */
    int64_t size;   /* of the file, bytes */
    /* Which file on its file system: a copy has another inode and another time of birth, a renamed file has
     * the same. 0: the file system does not say. */
    int64_t inode;
    int64_t born_ns;
    int64_t saved_ms; /* since the epoch; for the operator */
};

/* "RSA_2048.saved", "RSA_2048.reserve" */
void kw_saved_file_name(struct kw_saved_name name, char out[KW_SAVED_FILE_MAX]);
/* The name of the record: field(spec) field("pool" or "reserve"). */
void kw_saved_record_name(struct kw_saved_name name, struct kw_buf *ret);
/* Secret. As the functions of record.h. The name is no part of the text: decode gets it from the record's. */
void kw_saved_record_encode(const struct kw_saved_pool *saved, struct kw_sbuf *out);
/* Returns: 0 | KW_RECORD_BAD */
KW_MUST_CHECK int kw_saved_record_decode(
    struct kw_bytes text, struct kw_saved_name name, struct kw_saved_pool *ret);
/* kw_saved_name_find() - which name a record has that name. Returns: 0 | KW_RECORD_BAD (none) */
KW_MUST_CHECK int kw_saved_name_find(struct kw_bytes record_name, struct kw_saved_name *ret);

#endif
