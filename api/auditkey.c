#include "api/auditkey.h"

#include <assert.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <unistd.h>

#define PUBLIC_NAME "audit.pub"
#define PUBLIC_TEMP "audit.pub.tmp"

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define PEM_END   "\n-----END PUBLIC KEY-----\n"
#define RAW_LEN   32 /* RFC 8032: a public key */
#define DER_LEN   44 /* SubjectPublicKeyInfo */
#define PEM_LEN   (sizeof(PEM_BEGIN) - 1 + KW_BASE64_LEN(DER_LEN) + sizeof(PEM_END) - 1)

static_assert(PEM_LEN < KW_AUDIT_PEM_MAX, "the text of a key and its NUL");

/* RFC 8410 section 4: SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 1.3.101.112 } BIT STRING of 32 bytes } */
static const uint8_t der_head[DER_LEN - RAW_LEN] = {
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static void put_pem(struct kw_bytes der, char ret[KW_AUDIT_PEM_MAX])
{
    struct kw_buf buf = KW_BUF(ret, KW_AUDIT_PEM_MAX);

    kw_buf_put_str(&buf, PEM_BEGIN);
    kw_base64_encode(der, (char *)kw_buf_claim(&buf, KW_BASE64_LEN(DER_LEN)));
    kw_buf_put(&buf, PEM_END, sizeof(PEM_END)); /* with its NUL */
    kw_assert(kw_buf_ok(&buf));
}

/* Writes what others know the key by. One direct writer, since OpenSSL's encoders cost more than a signature.
 */
static int describe(struct kw_auditkey *key)
{
    uint8_t der[DER_LEN];
    size_t len = RAW_LEN;

    memcpy(der, der_head, sizeof(der_head));
    KW_SSL(EVP_PKEY_get_raw_public_key(key->pkey, der + sizeof(der_head), &len));
    kw_assert(len == RAW_LEN);
    KW_SSL(EVP_Digest(der, sizeof(der), key->id, NULL, EVP_sha256(), NULL));
    put_pem(KW_BYTES(der, sizeof(der)), key->pem);
    return 0;
}

/* Takes pkey over. */
static int adopt(struct kw_auditkey *ret, EVP_PKEY *pkey)
{
    struct kw_auditkey key = {.pkey = pkey, .ctx = EVP_MD_CTX_new()};
    int rc = key.pkey == NULL || key.ctx == NULL ? KW_EOPENSSL : 0;

    if (rc == 0)
        rc = describe(&key);
    if (rc != 0) {
        kw_auditkey_done(&key);
        return rc;
    }
    *ret = key;
    return 0;
}

int kw_auditkey_from_seed(struct kw_auditkey *ret, const uint8_t seed[32])
{
    return adopt(ret, EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32));
}

int kw_auditkey_from_pem(struct kw_auditkey *ret, struct kw_bytes text)
{
    uint8_t der[KW_BASE64_LEN(DER_LEN) / 4 * 3];
    struct kw_bytes base64;
    struct kw_auditkey key;
    size_t len = 0;

    KW_REQUIRE(text.len == PEM_LEN, 1);
    base64 = KW_BYTES(text.ptr + sizeof(PEM_BEGIN) - 1, KW_BASE64_LEN(DER_LEN));
    KW_REQUIRE(kw_base64_decode(base64, der, sizeof(der), &len) == 0 && len == DER_LEN, 1);
    KW_TRY(adopt(&key, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, der + sizeof(der_head), RAW_LEN)));
    /* Written again it is the same text: so all of it was checked. */
    if (!kw_bytes_equal(text, kw_bytes_str(key.pem))) {
        kw_auditkey_done(&key);
        return 1;
    }
    *ret = key;
    return 0;
}

void kw_auditkey_done(struct kw_auditkey *key)
{
    EVP_MD_CTX_free(key->ctx);
    EVP_PKEY_free(key->pkey);
    *key = (struct kw_auditkey){0};
}

int kw_auditkey_sign(struct kw_auditkey *key, struct kw_bytes message, uint8_t ret[KW_AUDIT_SIGNATURE_LEN])
{
    size_t len = KW_AUDIT_SIGNATURE_LEN;

    KW_SSL(EVP_MD_CTX_reset(key->ctx));
    KW_SSL(EVP_DigestSignInit(key->ctx, NULL, NULL, NULL, key->pkey));
    KW_SSL(EVP_DigestSign(key->ctx, ret, &len, message.ptr, message.len));
    return 0;
}

bool kw_auditkey_verify(
    struct kw_auditkey *key, struct kw_bytes message, const uint8_t signature[KW_AUDIT_SIGNATURE_LEN])
{
    bool good = EVP_MD_CTX_reset(key->ctx) == 1 &&
                EVP_DigestVerifyInit(key->ctx, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestVerify(key->ctx, signature, KW_AUDIT_SIGNATURE_LEN, message.ptr, message.len) == 1;

    if (!good)
        ERR_clear_error();
    return good;
}

/* ---- the file ---- */

static void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Reads audit.pub whole; a longer one is cut to more than any key of ours, so that it cannot match. */
static int read_public(int dir_fd, char text[KW_AUDIT_PEM_MAX], size_t *ret_len)
{
    KW_CLEANUP(closep) int fd = openat(dir_fd, PUBLIC_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len;

    KW_REQUIRE(fd >= 0, -errno);
    len = read(fd, text, KW_AUDIT_PEM_MAX);
    KW_REQUIRE(len >= 0, -errno);
    *ret_len = (size_t)len;
    return 0;
}

int kw_auditkey_load(struct kw_auditkey *ret, int dir_fd)
{
    char text[KW_AUDIT_PEM_MAX];
    size_t len = 0;

    KW_TRY(read_public(dir_fd, text, &len));
    return kw_auditkey_from_pem(ret, KW_BYTES(text, len));
}

static int write_temp(const struct kw_auditkey *key, int dir_fd)
{
    KW_CLEANUP(closep) int fd = -1;
    size_t len = strlen(key->pem);

    unlinkat(dir_fd, PUBLIC_TEMP, 0); /* left by a crash */
    fd = openat(dir_fd, PUBLIC_TEMP, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    KW_REQUIRE(fd >= 0, -errno);
    errno = EIO; /* what a short write becomes */
    KW_REQUIRE(write(fd, key->pem, len) == (ssize_t)len, -errno);
    KW_REQUIRE(fsync(fd) == 0, -errno);
    return 0;
}

int kw_auditkey_publish(const struct kw_auditkey *key, int dir_fd)
{
    char text[KW_AUDIT_PEM_MAX];
    size_t len = 0;
    int rc = read_public(dir_fd, text, &len);

    if (rc == 0)
        return kw_bytes_equal(KW_BYTES(text, len), kw_bytes_str(key->pem)) ? 0 : 1;
    KW_REQUIRE(rc == -ENOENT, rc);
    KW_TRY(write_temp(key, dir_fd));
    KW_REQUIRE(renameat(dir_fd, PUBLIC_TEMP, dir_fd, PUBLIC_NAME) == 0, -errno);
    KW_REQUIRE(fsync(dir_fd) == 0, -errno);
    return 0;
}
