#include "api/datadir.h"

#include "api/datafile.h"
#include "api/principal.h"

#define CREDENTIALS_FILE "credentials"

int kw_datadir_write_credentials(
    const struct kw_datadir *datadir, const struct kw_access_key *key, char *why, size_t why_cap)
{
    struct kw_datafile_dir dir = {.fd = datadir->fd, .path = datadir->path, .why = why, .why_cap = why_cap};
    uint8_t text[1024];
    KW_ERASE_GUARD(text);
    struct kw_buf buf = KW_BUF(text, sizeof(text));

    kw_buf_put_str(&buf, "# keywell: the administrator of account ");
    kw_buf_put_str(&buf, key->account);
    kw_buf_put_str(&buf, "; name the region by --region or AWS_REGION\n[default]\naws_access_key_id = ");
    kw_buf_put_str(&buf, key->id);
    kw_buf_put_str(&buf, "\naws_secret_access_key = ");
    kw_buf_put_str(&buf, key->secret);
    kw_buf_put_str(&buf, "\n");
    kw_assert(kw_buf_ok(&buf));
    return kw_datafile_write(&dir, CREDENTIALS_FILE, 0600, true, kw_buf_bytes(&buf));
}
