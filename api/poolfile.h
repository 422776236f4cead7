/* poolfile - the form of a file of saved key pairs (docs/warm-start.md), sealed and opened as it streams by.
 *
 *   header: magic 24 | name 40 | one-time number 32
 *   then chunks: length of the text 4 | pairs in the file 4 (0 but in the last chunk) | ciphertext | tag 16
 *   the text of a chunk: pairs: public_len 2 | private_len 2 | SubjectPublicKeyInfo | PKCS#8
 *
 * Numbers are big-endian. AES-256-GCM; the key is derived from the root key, the one-time number and the
 * secret on record, so that each file has its own and the chunk's index may be the IV. Additional data is the
 * header, the index of the chunk and its two numbers: no chunk can be altered, dropped, repeated or moved, in
 * its file or to another, and only the last one says how many pairs there are, so that none can be cut off.
 *
 * Knows nothing of where files are and when they may be used: warmstart.h. One owner thread each. What is
 * open is in secret memory only.
 */
#ifndef KW_API_POOLFILE_H
#define KW_API_POOLFILE_H

#include "api/savedpool.h"
#include "pool/pool.h"

#define KW_POOLFILE_KEY_LEN    32
#define KW_POOLFILE_HEADER_LEN (24 + 40 + KW_SAVED_NUMBER_LEN)
#define KW_POOLFILE_CHUNK_HEAD 8
#define KW_POOLFILE_TAG_LEN    16
/* The text of a chunk at most: large enough that a call of OpenSSL costs nothing beside its bytes, small
 * enough for the cache. */
#define KW_POOLFILE_CHUNK_MAX (64u * 1024u)

enum {
    KW_POOLFILE_END = 1,     /* all pairs have come, and all was authentic */
    KW_POOLFILE_FOREIGN = 2, /* not such a file, or of another version */
    KW_POOLFILE_OTHER = 3,   /* its name or number is not the one that is expected */
    KW_POOLFILE_DAMAGED = 4, /* something in it does not authenticate, is missing or too much */
};

/* kw_poolfile_key() - what files are sealed with, from the root key (SP 800-108, label of its own). Secret.
 * Returns: 0 | -EPERM (forked child) */
KW_MUST_CHECK int kw_poolfile_key(const uint8_t root_key[32], uint8_t ret[KW_POOLFILE_KEY_LEN]);

struct kw_poolfile_writer;
/* kw_poolfile_writer_new() - of the empty file fd (borrowed), and writes the header. In: of record, name,
 * number and secret; neither it nor key is kept.
 * Returns: 0 | -ENOMEM | KW_EOPENSSL | negative errno | -EPERM (forked child) */
KW_MUST_CHECK int kw_poolfile_writer_new(struct kw_poolfile_writer **ret,
    const uint8_t key[KW_POOLFILE_KEY_LEN], const struct kw_saved_pool *record, int fd);
/* Adds a pair. Returns: 0 | negative errno | KW_EOPENSSL */
KW_MUST_CHECK int kw_poolfile_put(struct kw_poolfile_writer *writer, const struct kw_pair *pair);
/* Writes what is left and ends the file; at least one pair was put (asserted). Not synced. Out: its size.
 * Returns: as put */
KW_MUST_CHECK int kw_poolfile_finish(struct kw_poolfile_writer *writer, int64_t *ret_size);
/* Wipes and frees. NULL is fine. */
void kw_poolfile_writer_free(struct kw_poolfile_writer *writer);

struct kw_poolfile_reader;
/* kw_poolfile_reader_new() - of the file fd (borrowed) from its beginning, which must be the one that the
 * keystore knows. Returns: 0 | KW_POOLFILE_FOREIGN | KW_POOLFILE_OTHER | -ENOMEM | KW_EOPENSSL | negative
 * errno | -EPERM (forked child) */
KW_MUST_CHECK int kw_poolfile_reader_new(struct kw_poolfile_reader **ret,
    const uint8_t key[KW_POOLFILE_KEY_LEN], const struct kw_saved_pool *expected, int fd);
/* kw_poolfile_next() - Out: the pair in slot, a slot of a pool of that spec (its lengths set, not published);
 * NULL: the pair is only looked at. What has come is worth nothing before KW_POOLFILE_END.
 * Returns: 0 | KW_POOLFILE_END | KW_POOLFILE_DAMAGED | negative errno | KW_EOPENSSL */
KW_MUST_CHECK int kw_poolfile_next(struct kw_poolfile_reader *reader, struct kw_slot *slot);
/* Wipes and frees. NULL is fine. */
void kw_poolfile_reader_free(struct kw_poolfile_reader *reader);

/* The size of a file of that many pairs, at most. */
int64_t kw_poolfile_size_max(enum kw_spec spec, uint32_t pairs);

static inline void kw_poolfile_writer_freep(struct kw_poolfile_writer **writer)
{
    kw_poolfile_writer_free(*writer);
}
static inline void kw_poolfile_reader_freep(struct kw_poolfile_reader **reader)
{
    kw_poolfile_reader_free(*reader);
}
/* Owning locals. */
#define KW_POOLFILE_WRITER KW_CLEANUP(kw_poolfile_writer_freep)
#define KW_POOLFILE_READER KW_CLEANUP(kw_poolfile_reader_freep)

#endif
