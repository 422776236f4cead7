/* warmstart_rig - a data folder with a keystore and pools of made-up pairs, each of which is like no other;
 * and who was served what. Uses kw_assert(), since programs without a test runner use it too. */
#ifndef KW_TESTS_SUPPORT_WARMSTART_RIG_H
#define KW_TESTS_SUPPORT_WARMSTART_RIG_H

#include "api/datadir.h"
#include "api/warmstart.h"
#include "engine/crypto.h"
#include "pool/fault.h"
#include "pool/secmem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RIG_SPECS = 2, RIG_SERIAL = 16 };
/* The shortest pairs, and some whose file has several chunks. */
static const enum kw_spec rig_specs[RIG_SPECS] = {KW_SPEC_ECC_NIST_EDWARDS25519, KW_SPEC_RSA_4096};

struct rig {
    const char *path;             /* of the data folder */
    uint32_t capacity[RIG_SPECS]; /* 0: switched off */
    uint32_t reserve[RIG_SPECS];
    bool no_save;
    bool no_wait; /* serve while files are loaded, as a server does */
    uint8_t root_key[32];
    uint8_t key[KW_POOLFILE_KEY_LEN];
    struct kw_datadir datadir;
    struct kw_store *store;
    struct kw_pool *pools[KW_SPEC_NUM];
    struct kw_warmstart *warmstart;
    char why[512];
};

static inline void rig_open_pools(struct rig *rig)
{
    for (int i = 0; i < RIG_SPECS; i++) {
        struct kw_pool_config config = {.spec = rig_specs[i], .capacity = rig->capacity[i]};

        rig->pools[rig_specs[i]] = NULL;
        if (rig->capacity[i] > 0)
            kw_assert(kw_pool_new(&rig->pools[rig_specs[i]], &config) == 0);
    }
}

/* As far as a server goes before its workers start; loads what is there. */
static inline void rig_start(struct rig *rig)
{
    char path[4096];
    struct kw_keystore *keystore = NULL;

    kw_assert(kw_datadir_open(&rig->datadir, rig->path, rig->why, sizeof(rig->why)) == 0);
    kw_assert(kw_datadir_root_key(&rig->datadir, rig->root_key, rig->why, sizeof(rig->why)) == 0);
    snprintf(path, sizeof(path), "%s/keystore.db", rig->path);
    kw_assert(kw_keystore_open_sqlite(&keystore, path, rig->root_key, rig->why, sizeof(rig->why)) == 0);
    kw_assert(kw_store_new(&rig->store, keystore) == 0);
    kw_assert(kw_poolfile_key(rig->root_key, rig->key) == 0);
    rig_open_pools(rig);
    struct kw_warmstart_config config = {
        .data_fd = rig->datadir.fd,
        .data_path = rig->datadir.path,
        .key = rig->key,
        .store = rig->store,
        .pools = rig->pools,
        .save = !rig->no_save,
    };
    for (int i = 0; i < RIG_SPECS; i++)
        config.reserve[rig_specs[i]] = rig->reserve[i];
    kw_assert(kw_warmstart_new(&rig->warmstart, &config) == 0);
    kw_warmstart_begin(rig->warmstart);
    if (!rig->no_wait)
        kw_warmstart_wait(rig->warmstart);
}

static inline void rig_stop(struct rig *rig)
{
    kw_warmstart_free(rig->warmstart);
    rig->warmstart = NULL;
    kw_store_free(rig->store);
    for (int i = 0; i < RIG_SPECS; i++)
        kw_pool_free(rig->pools[rig_specs[i]]);
    kw_datadir_close(&rig->datadir);
}

/* A pair like no other, with lengths that differ from pair to pair where the spec lets them. */
static inline void rig_make(struct rig *rig, int i)
{
    const struct kw_spec_info *info = kw_spec_info(rig_specs[i]);
    struct kw_slot slot;
    uint8_t random;

    kw_assert(kw_pool_acquire(rig->pools[rig_specs[i]], &slot) == 0);
    kw_assert(getrandom(slot.public_der, info->public_max, 0) == (ssize_t)info->public_max);
    kw_assert(getrandom(&random, 1, 0) == 1);
    slot.public_len = info->public_max - random % 4;
    slot.private_len = info->private_max - random % 8;
    /* Which public key belongs to it can be told. */
    for (size_t at = 0; at < slot.private_len; at++)
        slot.private_der[at] = slot.public_der[at % RIG_SERIAL] ^ (uint8_t)at;
    kw_pool_publish(rig->pools[rig_specs[i]], &slot);
}

static inline void rig_fill(struct rig *rig)
{
    for (int i = 0; i < RIG_SPECS; i++) {
        while (rig->capacity[i] > 0 && kw_pool_level(rig->pools[rig_specs[i]]) < rig->capacity[i])
            rig_make(rig, i);
    }
}

/* Serves one pair: its serial number, after a look whether the two keys are of one pair. False: the pool is
 * empty. */
static inline bool rig_serve(struct rig *rig, int i, uint8_t serial[RIG_SERIAL])
{
    KW_PAIR struct kw_pair pair = {0};
    uint8_t der[KW_SPEC_PUBLIC_MAX];

    if (kw_pool_pop(rig->pools[rig_specs[i]], &pair) != 0)
        return false;
    struct kw_bytes public_der = kw_pair_public_der(&pair, der);
    memcpy(serial, public_der.ptr, RIG_SERIAL);
    for (size_t at = 0; at < pair.private_der.len; at++)
        kw_assert(pair.private_der.ptr[at] == (uint8_t)(serial[at % RIG_SERIAL] ^ (uint8_t)at));
    return true;
}

#endif
