#include "bench/side.h"

#include <gcrypt.h>
#include <stdlib.h>

#define SECURE_BYTES 65536

struct gcrypt {
    gcry_sexp_t parameters;
};

static bool supports(enum kw_spec spec)
{
    return (unsigned)spec < KW_SPEC_NUM;
}

static gcry_error_t parameters_of(enum kw_spec spec, gcry_sexp_t *ret)
{
    switch (spec) {
    case KW_SPEC_ECC_NIST_P256:
        return gcry_sexp_build(ret, NULL, "(genkey (ecc (curve \"NIST P-256\")))");
    case KW_SPEC_ECC_NIST_P384:
        return gcry_sexp_build(ret, NULL, "(genkey (ecc (curve \"NIST P-384\")))");
    case KW_SPEC_ECC_NIST_P521:
        return gcry_sexp_build(ret, NULL, "(genkey (ecc (curve \"NIST P-521\")))");
    case KW_SPEC_ECC_SECG_P256K1:
        return gcry_sexp_build(ret, NULL, "(genkey (ecc (curve secp256k1)))");
    case KW_SPEC_ECC_NIST_EDWARDS25519:
        return gcry_sexp_build(ret, NULL, "(genkey (ecc (curve Ed25519) (flags eddsa)))");
    default:
        return gcry_sexp_build(ret, NULL, "(genkey (rsa (nbits %u)))", kw_spec_info(spec)->bits);
    }
}

static void gcrypt_close(void *state)
{
    struct gcrypt *self = state;

    if (self == NULL)
        return;
    gcry_sexp_release(self->parameters);
    free(self);
}

/* The numbers are its interface's: the library may be newer than its header, not older. */
static bool set_up(void)
{
    if (gcry_check_version(GCRYPT_VERSION) == NULL)
        return false;
    /* If the memory cannot be locked it goes on without; its warning would only be in the way. */
    gcry_control(GCRYCTL_DISABLE_SECMEM_WARN);
    gcry_control(GCRYCTL_INIT_SECMEM, SECURE_BYTES, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return true;
}

static int gcrypt_open(void **ret, enum kw_spec spec, enum kw_cpu_path path)
{
    struct gcrypt *self = calloc(1, sizeof(*self));

    (void)path;
    if (self == NULL)
        return -ENOMEM;
    if (!set_up() || parameters_of(spec, &self->parameters) != 0) {
        gcrypt_close(self);
        return -EIO;
    }
    *ret = self;
    return 0;
}

static int gcrypt_make(void *state, uint64_t deadline_ns)
{
    gcry_sexp_t key;

    (void)deadline_ns;
    if (gcry_pk_genkey(&key, ((struct gcrypt *)state)->parameters) != 0)
        return -EIO;
    gcry_sexp_release(key);
    return 0;
}

static const char *version(void)
{
    return gcry_check_version(NULL);
}

const struct kw_side kw_side_libgcrypt = {
    .name = "libgcrypt",
    .title = "libgcrypt",
    .note = "each pair tested",
    .supports = supports,
    .open = gcrypt_open,
    .make = gcrypt_make,
    .close = gcrypt_close,
    .version = version,
};
