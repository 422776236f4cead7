#include "api/poolfile.h"

#include "api/hmac.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <assert.h>
#include <openssl/evp.h>
#include <unistd.h>

#define MAGIC_LEN  24
#define NAME_LEN   40
#define IV_LEN     12
#define PAIR_HEAD  4
#define FRAME_MAX  (KW_POOLFILE_CHUNK_HEAD + KW_POOLFILE_CHUNK_MAX + KW_POOLFILE_TAG_LEN)
#define AAD_LEN    (KW_POOLFILE_HEADER_LEN + 4 + KW_POOLFILE_CHUNK_HEAD)
#define CHUNKS_MAX UINT32_MAX

static const char magic[MAGIC_LEN] = "keywell saved pool 1\n";
static_assert(KW_SAVED_FILE_MAX <= NAME_LEN, "the header is laid out so");

/* What writer and reader have in common. In secret memory, for the key in OpenSSL's context is there too. */
struct stream {
    int fd;
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
    uint8_t *text;  /* secret memory, KW_POOLFILE_CHUNK_MAX */
    uint8_t *frame; /* FRAME_MAX: a chunk as it is in the file */
    uint32_t index; /* of the next chunk */
    uint32_t pairs; /* so far */
    int64_t size;   /* bytes written or read */
    uint8_t header[KW_POOLFILE_HEADER_LEN];
};

struct kw_poolfile_writer {
    struct stream stream;
    size_t len; /* of the text so far */
};

struct kw_poolfile_reader {
    struct stream stream;
    enum kw_spec spec;
    uint32_t expected;    /* pairs, by the keystore */
    struct kw_bytes text; /* what is left of the chunk */
    bool last;            /* it is the last one */
};

/* ---- keys ---- */

/* SP 800-108r1 4.1, KDF in counter mode: "K(i) := PRF(K_IN, [i]_2 || Label || 0x00 || Context || [L]_2)",
 * with i and L in four bytes. One block is all that is needed. */
static int derive(
    const uint8_t key[32], struct kw_bytes label, struct kw_bytes context, uint8_t out[KW_HMAC_LEN])
{
    const struct kw_bytes parts[] = {
        KW_LIT("\0\0\0\x01"), label, KW_LIT("\0"), context, KW_LIT("\0\0\x01\0")};

    KW_REQUIRE(kw_secmem_alive(), -EPERM); /* in a forked child the key reads as zeros */
    kw_hmac(KW_BYTES(key, 32), parts, KW_ARRAY_LEN(parts), out);
    return 0;
}

int kw_poolfile_key(const uint8_t root_key[32], uint8_t ret[KW_POOLFILE_KEY_LEN])
{
    return derive(root_key, KW_LIT("keywell saved pools v1"), KW_BYTES(NULL, 0), ret);
}

/* ---- streams ---- */

static void stream_done(struct stream *stream)
{
    EVP_CIPHER_CTX_free(stream->ctx);
    EVP_CIPHER_free(stream->cipher);
    kw_secmem_free(stream->text);
    kw_secmem_free(stream->frame);
}

static void put_header(
    uint8_t header[KW_POOLFILE_HEADER_LEN], struct kw_saved_name name, const uint8_t *number)
{
    char text[KW_SAVED_FILE_MAX] = {0};

    kw_saved_file_name(name, text);
    memset(header, 0, KW_POOLFILE_HEADER_LEN);
    memcpy(header, magic, MAGIC_LEN);
    memcpy(header + MAGIC_LEN, text, sizeof(text));
    memcpy(header + MAGIC_LEN + NAME_LEN, number, KW_SAVED_NUMBER_LEN);
}

/* The key of one file: its whole header is in the context, number and name with it, and the secret that only
 * the keystore has. */
static int derive_file_key(const uint8_t key[KW_POOLFILE_KEY_LEN], const struct kw_saved_pool *record,
    const uint8_t header[KW_POOLFILE_HEADER_LEN], uint8_t out[KW_HMAC_LEN])
{
    uint8_t context[KW_POOLFILE_HEADER_LEN + KW_SAVED_SECRET_LEN];
    KW_ERASE_GUARD(context);

    memcpy(context, header, KW_POOLFILE_HEADER_LEN);
    memcpy(context + KW_POOLFILE_HEADER_LEN, record->secret, KW_SAVED_SECRET_LEN);
    return derive(key, KW_LIT("keywell saved pool file v1"), KW_BYTES(context, sizeof(context)), out);
}

static int stream_init(struct stream *stream, const uint8_t key[KW_POOLFILE_KEY_LEN],
    const struct kw_saved_pool *record, int fd, int encrypt)
{
    uint8_t file_key[KW_HMAC_LEN];
    KW_ERASE_GUARD(file_key);

    stream->fd = fd;
    put_header(stream->header, record->name, record->number);
    stream->text = kw_secmem_alloc(KW_POOLFILE_CHUNK_MAX);
    stream->frame = kw_secmem_alloc(FRAME_MAX);
    KW_REQUIRE(stream->text != NULL && stream->frame != NULL, -ENOMEM);
    stream->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    stream->ctx = EVP_CIPHER_CTX_new();
    KW_REQUIRE(stream->cipher != NULL && stream->ctx != NULL, KW_EOPENSSL);
    KW_TRY(derive_file_key(key, record, stream->header, file_key));
    KW_SSL(EVP_CipherInit_ex2(stream->ctx, stream->cipher, file_key, NULL, encrypt, NULL));
    return 0;
}

static void put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_be32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* The IV is the chunk's index: the key is of this file alone, and a file is written once. */
static int begin_chunk(struct stream *stream, const uint8_t head[KW_POOLFILE_CHUNK_HEAD])
{
    uint8_t iv[IV_LEN] = {0}, aad[AAD_LEN];
    int len;

    put_be32(iv + IV_LEN - 4, stream->index);
    memcpy(aad, stream->header, sizeof(stream->header));
    put_be32(aad + KW_POOLFILE_HEADER_LEN, stream->index);
    memcpy(aad + KW_POOLFILE_HEADER_LEN + 4, head, KW_POOLFILE_CHUNK_HEAD);
    KW_SSL(EVP_CipherInit_ex2(stream->ctx, NULL, NULL, iv, -1, NULL));
    KW_SSL(EVP_CipherUpdate(stream->ctx, NULL, &len, aad, sizeof(aad)));
    return 0;
}

/* ---- writing ---- */

static int write_all(struct stream *stream, const uint8_t *bytes, size_t len)
{
    enum kw_fault_kind fault = kw_fault(KW_FAULT_POOL_WRITE);
    size_t whole = len;

    if (fault == KW_FAULT_SHORT)
        len /= 2;
    else if (fault != KW_FAULT_NONE)
        return fault == KW_FAULT_ENOSPC ? -ENOSPC : -EIO;
    for (size_t done = 0; done < len;) {
        ssize_t n = write(stream->fd, bytes + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        KW_REQUIRE(n >= 0, -errno);
        done += (size_t)n;
    }
    stream->size += (int64_t)len;
    return len == whole ? 0 : -ENOSPC;
}

int kw_poolfile_writer_new(struct kw_poolfile_writer **ret, const uint8_t key[KW_POOLFILE_KEY_LEN],
    const struct kw_saved_pool *record, int fd)
{
    KW_POOLFILE_WRITER struct kw_poolfile_writer *writer = kw_secmem_alloc(sizeof(*writer));

    KW_REQUIRE(writer != NULL, kw_secmem_alive() ? -ENOMEM : -EPERM);
    KW_TRY(stream_init(&writer->stream, key, record, fd, 1));
    KW_TRY(write_all(&writer->stream, writer->stream.header, sizeof(writer->stream.header)));
    *ret = writer;
    writer = NULL;
    return 0;
}

void kw_poolfile_writer_free(struct kw_poolfile_writer *writer)
{
    if (writer == NULL)
        return;
    stream_done(&writer->stream);
    kw_secmem_free(writer);
}

/* total: pairs in the file if this is the last chunk, else 0. */
static int seal_chunk(struct kw_poolfile_writer *writer, uint32_t total)
{
    struct stream *stream = &writer->stream;
    uint8_t *body = stream->frame + KW_POOLFILE_CHUNK_HEAD, *tag = body + writer->len;
    int len;

    kw_assert(stream->index < CHUNKS_MAX && writer->len <= KW_POOLFILE_CHUNK_MAX);
    put_be32(stream->frame, (uint32_t)writer->len);
    put_be32(stream->frame + 4, total);
    KW_TRY(begin_chunk(stream, stream->frame));
    KW_SSL(EVP_EncryptUpdate(stream->ctx, body, &len, stream->text, (int)writer->len));
    KW_SSL(EVP_EncryptFinal_ex(stream->ctx, tag, &len));
    KW_SSL(EVP_CIPHER_CTX_ctrl(stream->ctx, EVP_CTRL_AEAD_GET_TAG, KW_POOLFILE_TAG_LEN, tag));
    stream->index++;
    size_t frame_len = KW_POOLFILE_CHUNK_HEAD + writer->len + KW_POOLFILE_TAG_LEN;
    writer->len = 0;
    return write_all(stream, stream->frame, frame_len);
}

int kw_poolfile_put(struct kw_poolfile_writer *writer, const struct kw_pair *pair)
{
    uint8_t der[KW_SPEC_PUBLIC_MAX];

    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    struct kw_bytes public_der = kw_pair_public_der(pair, der);
    size_t public_len = public_der.len, private_len = pair->private_der.len;
    if (writer->len + PAIR_HEAD + public_len + private_len > KW_POOLFILE_CHUNK_MAX)
        KW_TRY(seal_chunk(writer, 0));
    uint8_t *to = writer->stream.text + writer->len;
    to[0] = (uint8_t)(public_len >> 8);
    to[1] = (uint8_t)public_len;
    to[2] = (uint8_t)(private_len >> 8);
    to[3] = (uint8_t)private_len;
    memcpy(to + PAIR_HEAD, public_der.ptr, public_len);
    memcpy(to + PAIR_HEAD + public_len, pair->private_der.ptr, private_len);
    writer->len += PAIR_HEAD + public_len + private_len;
    writer->stream.pairs++;
    return 0;
}

int kw_poolfile_finish(struct kw_poolfile_writer *writer, int64_t *ret_size)
{
    kw_assert(writer->stream.pairs > 0);
    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    KW_TRY(seal_chunk(writer, writer->stream.pairs));
    *ret_size = writer->stream.size;
    return 0;
}

int64_t kw_poolfile_size_max(enum kw_spec spec, uint32_t pairs)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    size_t pair = PAIR_HEAD + info->public_max + info->private_max;
    size_t chunks = pairs / (KW_POOLFILE_CHUNK_MAX / pair) + 1;

    return (int64_t)(KW_POOLFILE_HEADER_LEN + pairs * pair +
                     chunks * (KW_POOLFILE_CHUNK_HEAD + KW_POOLFILE_TAG_LEN));
}

/* ---- reading ---- */

/* Out: how many bytes there were, fewer than len only at the end of the file. Returns: 0 | negative errno */
static int read_upto(struct stream *stream, uint8_t *out, size_t len, size_t *ret_len)
{
    enum kw_fault_kind fault = kw_fault(KW_FAULT_POOL_READ);
    size_t done = 0;

    if (fault != KW_FAULT_NONE && fault != KW_FAULT_SHORT)
        return -EIO;
    while (done < len) {
        ssize_t n = read(stream->fd, out + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        KW_REQUIRE(n >= 0, -errno);
        if (n == 0)
            break;
        done += (size_t)n;
    }
    stream->size += (int64_t)done;
    *ret_len = fault == KW_FAULT_SHORT ? done / 2 : done;
    return 0;
}

static int judge_header(struct kw_poolfile_reader *reader)
{
    uint8_t header[KW_POOLFILE_HEADER_LEN];
    size_t len;

    KW_TRY(read_upto(&reader->stream, header, sizeof(header), &len));
    KW_REQUIRE(len == sizeof(header) && memcmp(header, magic, MAGIC_LEN) == 0, KW_POOLFILE_FOREIGN);
    return memcmp(header, reader->stream.header, sizeof(header)) == 0 ? 0 : KW_POOLFILE_OTHER;
}

int kw_poolfile_reader_new(struct kw_poolfile_reader **ret, const uint8_t key[KW_POOLFILE_KEY_LEN],
    const struct kw_saved_pool *expected, int fd)
{
    KW_POOLFILE_READER struct kw_poolfile_reader *reader = kw_secmem_alloc(sizeof(*reader));

    KW_REQUIRE(reader != NULL, kw_secmem_alive() ? -ENOMEM : -EPERM);
    reader->spec = expected->name.spec;
    reader->expected = expected->pairs;
    KW_TRY(stream_init(&reader->stream, key, expected, fd, 0));
    int r = judge_header(reader);
    if (r != 0)
        return r;
    *ret = reader;
    reader = NULL;
    return 0;
}

void kw_poolfile_reader_free(struct kw_poolfile_reader *reader)
{
    if (reader == NULL)
        return;
    stream_done(&reader->stream);
    kw_secmem_free(reader);
}

/* Opens body, of len bytes and its tag, into the text. Returns: 0 | KW_POOLFILE_DAMAGED | KW_EOPENSSL */
static int open_body(struct stream *stream, const uint8_t *head, uint8_t *body, size_t body_len)
{
    int len;

    KW_TRY(begin_chunk(stream, head));
    KW_SSL(EVP_DecryptUpdate(stream->ctx, stream->text, &len, body, (int)body_len));
    KW_SSL(EVP_CIPHER_CTX_ctrl(stream->ctx, EVP_CTRL_AEAD_SET_TAG, KW_POOLFILE_TAG_LEN, body + body_len));
    if (EVP_DecryptFinal_ex(stream->ctx, stream->text + body_len, &len) > 0)
        return 0;
    kw_erase(stream->text, body_len);
    return KW_POOLFILE_DAMAGED;
}

/* A last chunk has the end of the file behind it, any other has not. */
static int check_end(struct stream *stream, bool last)
{
    uint8_t byte;
    ssize_t n = pread(stream->fd, &byte, 1, stream->size);

    KW_REQUIRE(n >= 0, -errno);
    return (n == 0) == last ? 0 : KW_POOLFILE_DAMAGED;
}

/* Returns: 0 | KW_POOLFILE_DAMAGED | <0 */
static int open_chunk(struct kw_poolfile_reader *reader)
{
    struct stream *stream = &reader->stream;
    uint8_t head[KW_POOLFILE_CHUNK_HEAD];
    size_t len = 0;

    KW_TRY(read_upto(stream, head, sizeof(head), &len));
    size_t body_len = get_be32(head);
    uint32_t total = get_be32(head + 4);
    KW_REQUIRE(len == sizeof(head) && body_len > 0 && body_len <= KW_POOLFILE_CHUNK_MAX, KW_POOLFILE_DAMAGED);
    KW_TRY(read_upto(stream, stream->frame, body_len + KW_POOLFILE_TAG_LEN, &len));
    KW_REQUIRE(len == body_len + KW_POOLFILE_TAG_LEN, KW_POOLFILE_DAMAGED);
    int r = open_body(stream, head, stream->frame, body_len);
    if (r != 0)
        return r;
    stream->index++;
    reader->text = KW_BYTES(stream->text, body_len);
    reader->last = total != 0;
    KW_REQUIRE(!reader->last || total == reader->expected, KW_POOLFILE_DAMAGED);
    return check_end(stream, reader->last);
}

/* What is authentic is still judged before it is copied: another keywell may have written it. */
static int take_pair(struct kw_poolfile_reader *reader, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(reader->spec);
    struct kw_bytes text = reader->text;

    KW_REQUIRE(text.len >= PAIR_HEAD, KW_POOLFILE_DAMAGED);
    size_t public_len = (size_t)text.ptr[0] << 8 | text.ptr[1];
    size_t private_len = (size_t)text.ptr[2] << 8 | text.ptr[3];
    KW_REQUIRE(public_len >= 1 && public_len <= info->public_max && private_len >= 1 &&
                   private_len <= info->private_max && public_len + private_len <= text.len - PAIR_HEAD,
        KW_POOLFILE_DAMAGED);
    if (slot != NULL) {
        memcpy(slot->public_der, text.ptr + PAIR_HEAD, public_len);
        memcpy(slot->private_der, text.ptr + PAIR_HEAD + public_len, private_len);
        slot->public_len = public_len;
        slot->private_len = private_len;
    }
    size_t used = PAIR_HEAD + public_len + private_len;
    reader->text = KW_BYTES(text.ptr + used, text.len - used);
    reader->stream.pairs++;
    return 0;
}

int kw_poolfile_next(struct kw_poolfile_reader *reader, struct kw_slot *slot)
{
    KW_REQUIRE(kw_secmem_alive(), -EPERM);
    if (reader->text.len == 0) {
        if (reader->last)
            return reader->stream.pairs == reader->expected ? KW_POOLFILE_END : KW_POOLFILE_DAMAGED;
        int r = open_chunk(reader);
        if (r != 0)
            return r;
    }
    return take_pair(reader, slot);
}
