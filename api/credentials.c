#include "api/datadir.h"

#include "api/datafile.h"
#include "api/entity.h"
#include "engine/drbg.h"

#include <stdio.h>

#define CREDENTIALS_FILE "credentials"

int kw_datadir_write_credentials(
    const struct kw_datadir *datadir, const struct kw_principal *principal, char *why, size_t why_cap)
{
    struct kw_datafile_dir dir = {.fd = datadir->fd, .path = datadir->path, .why = why, .why_cap = why_cap};
    uint8_t text[1024];
    KW_ERASE_GUARD(text);
    struct kw_buf buf = KW_BUF(text, sizeof(text));

    kw_buf_put_str(&buf, "# keywell: the administrator of account ");
    kw_buf_put_str(&buf, principal->account);
    kw_buf_put_str(&buf, "; name the region by --region or AWS_REGION\n[default]\naws_access_key_id = ");
    kw_buf_put_str(&buf, principal->access_key_id);
    kw_buf_put_str(&buf, "\naws_secret_access_key = ");
    kw_buf_put_str(&buf, principal->secret_access_key);
    kw_buf_put_str(&buf, "\n");
    kw_assert(kw_buf_ok(&buf));
    return kw_datafile_write(&dir, CREDENTIALS_FILE, 0600, true, kw_buf_bytes(&buf));
}

/* Fills out with len characters of the alphabet, each as likely as another: bytes from the last, incomplete,
 * round of the alphabet are thrown away. NUL-terminated. */
static int random_text(struct kw_drbg *drbg, char *out, size_t len, const char *alphabet)
{
    size_t size = strlen(alphabet);
    unsigned limit = 256 - 256 % (unsigned)size;
    uint8_t bytes[64];
    KW_ERASE_GUARD(bytes);

    for (size_t done = 0; done < len;) {
        KW_TRY(kw_drbg_bytes(drbg, bytes, sizeof(bytes)));
        for (size_t i = 0; i < sizeof(bytes) && done < len; i++) {
            if (bytes[i] < limit)
                out[done++] = alphabet[bytes[i] % size];
        }
    }
    out[len] = '\0';
    return 0;
}

#define ID_ALPHABET     "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define SECRET_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int kw_principal_make_admin(struct kw_principal *ret, struct kw_bytes account)
{
    char access_key_id[4 + 16 + 1] = "AKIA", principal_id[4 + 17 + 1] = "AIDA", secret[40 + 1];
    KW_ERASE_GUARD(secret);
    KW_DRBG struct kw_drbg *drbg = NULL;

    kw_assert(account.len == KW_ACCOUNT_LEN);
    KW_TRY(kw_drbg_new(&drbg, NULL));
    KW_TRY(random_text(drbg, access_key_id + 4, 16, ID_ALPHABET));
    KW_TRY(random_text(drbg, principal_id + 4, 17, ID_ALPHABET));
    KW_TRY(random_text(drbg, secret, 40, SECRET_ALPHABET));

    memset(ret, 0, sizeof(*ret));
    memcpy(ret->access_key_id, access_key_id, sizeof(access_key_id));
    memcpy(ret->principal_id, principal_id, sizeof(principal_id));
    memcpy(ret->secret_access_key, secret, sizeof(secret));
    memcpy(ret->account, account.ptr, account.len);
    snprintf(ret->user_name, sizeof(ret->user_name), "admin");
    kw_principal_set_arn(ret);
    ret->administrator = ret->enabled = true;
    return 0;
}
