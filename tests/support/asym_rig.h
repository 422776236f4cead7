/* asym_rig - key pairs for the tests of asymmetric keys, made with OpenSSL. */
#ifndef KW_TESTS_SUPPORT_ASYM_RIG_H
#define KW_TESTS_SUPPORT_ASYM_RIG_H

#include "api/asym.h"
#include "engine/crypto.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct rig_der {
    size_t len;
    uint8_t ptr[4096];
};
#define RIG_BYTES(der) KW_BYTES((der).ptr, (der).len)

/* A fresh key of the spec. */
static inline EVP_PKEY *rig_key(enum kw_key_spec spec)
{
    const struct kw_key_spec_info *info = kw_key_spec_info(spec);
    EVP_PKEY *pkey = NULL;

    if (info->kind == KW_KEY_KIND_RSA)
        pkey = EVP_RSA_gen(info->bits);
    else if (info->kind == KW_KEY_KIND_EDDSA || info->kind == KW_KEY_KIND_SM2)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, info->curve);
    else
        pkey = EVP_EC_gen(info->curve);
    kw_assert(pkey != NULL);
    return pkey;
}

static inline struct rig_der rig_pkcs8(EVP_PKEY *pkey)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    struct rig_der out;
    unsigned char *at = out.ptr;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);

    kw_assert(len > 0 && (size_t)len <= sizeof(out.ptr));
    out.len = (size_t)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info);
    return out;
}

static inline struct rig_der rig_spki(EVP_PKEY *pkey)
{
    struct rig_der out;
    unsigned char *at = out.ptr;
    int len = i2d_PUBKEY(pkey, NULL);

    kw_assert(len > 0 && (size_t)len <= sizeof(out.ptr));
    out.len = (size_t)i2d_PUBKEY(pkey, &at);
    return out;
}

static inline struct kw_asym *rig_load(enum kw_key_spec spec, struct kw_bytes pkcs8)
{
    struct kw_asym *key = NULL;

    int r = kw_asym_load(&key, spec, pkcs8);
    if (r != 0)
        fprintf(stderr, "%s does not load: %d\n", kw_key_spec_name(spec), r);
    kw_assert(r == 0);
    return key;
}

static inline struct kw_asym *rig_fresh(enum kw_key_spec spec)
{
    EVP_PKEY *pkey = rig_key(spec);
    struct rig_der der = rig_pkcs8(pkey);

    EVP_PKEY_free(pkey);
    return rig_load(spec, RIG_BYTES(der));
}

static inline struct rig_der rig_hex(const char *text)
{
    struct rig_der out = {.len = strlen(text) / 2};

    kw_assert(kw_hex_decode(kw_bytes_str(text), out.ptr, out.len) == 0);
    return out;
}

/* A folder of its own for what a command line reads and writes. */
static inline void rig_write(const char *folder, const char *name, struct kw_bytes bytes)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    kw_assert(file != NULL && fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len && fclose(file) == 0);
}

static inline struct rig_der rig_read(const char *folder, const char *name)
{
    struct rig_der out;
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    kw_assert(file != NULL);
    out.len = fread(out.ptr, 1, sizeof(out.ptr), file);
    fclose(file);
    return out;
}

#endif
