/* keywell - finished, tested key pairs in your own process, handed out in well below a microsecond.
 *
 * An engine keeps a pool of ready pairs for each spec that you ask for, made by workers at idle priority on
 * the cores that you give. keywell_pop() takes one; keywell_pop_wrap() takes one and encrypts its private key
 * under your wrapping key, which is what a service that hands out data key pairs does.
 *
 * No pair is ever handed out twice: not to two threads, not to a forked child.
 *
 * Auditing is yours. Who was given which key, and whether that may leave before a record of it is durable,
 * the library does not know: the server keywelld does all of that, the library none of it.
 *
 * Threads: after keywell_open() has returned, any thread may call anything on an engine, at the same time,
 * but keywell_close() only when no other call runs. No call but open, close and those that may wait
 * (keywell_pop(), keywell_pop_wrap(), keywell_wait()) blocks. A pair in hand belongs to one thread at a time.
 * Engines do not know of each other; what they share in a process (secret memory that is kept for the next
 * engine, the results of self-tests) cannot be seen through this header.
 *
 * Results: 0, or one of enum keywell_error; keywell_strerror() says it in words. A function that fails writes
 * nothing but what its comment says. Errors never touch OpenSSL's error queue of the calling thread.
 *
 * fork(): a child has no pairs; there, every call returns KEYWELL_FORKED or does nothing. Fork before the
 * first keywell_open() if the child is to have an engine.
 *
 * docs/libkeywell.md has an example, and what protects the secrets here and what does not.
 */
#ifndef KEYWELL_H
#define KEYWELL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEYWELL_VERSION_MAJOR 1
#define KEYWELL_VERSION_MINOR 0
#define KEYWELL_VERSION_PATCH 0

#define KEYWELL_API        __attribute__((visibility("default")))
#define KEYWELL_MUST_CHECK __attribute__((warn_unused_result))

enum keywell_error {
    KEYWELL_OK = 0,
    KEYWELL_EMPTY = -1,     /* no pair is ready, and the policy says not to wait */
    KEYWELL_TIMEOUT = -2,   /* none came in time */
    KEYWELL_BUSY = -3,      /* too many wait, or are in calls, already; close: pairs are still in hand */
    KEYWELL_FORKED = -4,    /* this process is a forked child of the one that first opened an engine */
    KEYWELL_INVALID = -5,   /* an argument that cannot be right */
    KEYWELL_NOT_MADE = -6,  /* this engine does not make that spec */
    KEYWELL_NO_SPACE = -7,  /* the output does not fit; no pair was taken for it */
    KEYWELL_NO_MEMORY = -8, /* or too little secret memory */
    KEYWELL_NOT_AUTHENTIC =
        -9,                 /* no blob, changed, of another key, or with another context; never said which */
    KEYWELL_SELFTEST = -10, /* a known-answer test failed, or pair after pair its consistency test */
    KEYWELL_CRYPTO = -11,   /* OpenSSL failed, or lacks an algorithm */
    KEYWELL_SYSTEM = -12,   /* the system refused something else: threads, an old kernel */
};

enum keywell_spec {
    KEYWELL_RSA_2048,
    KEYWELL_RSA_3072,
    KEYWELL_RSA_4096,
    KEYWELL_ECC_NIST_P256,
    KEYWELL_ECC_NIST_P384,
    KEYWELL_ECC_NIST_P521,
    KEYWELL_ECC_SECG_P256K1,
    KEYWELL_ECC_NIST_EDWARDS25519,
};

/* What becomes of a caller who finds no pair ready. */
enum keywell_on_empty {
    KEYWELL_ON_EMPTY_WAIT,     /* waits, at most wait_ms, for the workers */
    KEYWELL_ON_EMPTY_GENERATE, /* the same, and makes a pair himself if the bound on that allows it */
    KEYWELL_ON_EMPTY_REJECT,   /* gets KEYWELL_EMPTY at once */
};

/* Bytes that hold the longest of all specs. */
#define KEYWELL_PRIVATE_KEY_MAX 2384 /* PKCS#8, DER */
#define KEYWELL_PUBLIC_KEY_MAX  550  /* SubjectPublicKeyInfo, DER */
#define KEYWELL_PUBLIC_TEXT_MAX 736  /* the same as base64, not terminated */
#define KEYWELL_BLOB_OVERHEAD   96   /* a blob is so much longer than what is in it */
#define KEYWELL_BLOB_MAX        (KEYWELL_PRIVATE_KEY_MAX + KEYWELL_BLOB_OVERHEAD)
#define KEYWELL_DEPTH_MAX       1000000u
#define KEYWELL_CONTEXT_MAX     64 /* pairs of a context; as a whole it has at most 8192 bytes */

/* ---- engines ---- */

struct keywell;

struct keywell_spec_config {
    uint32_t spec;          /* enum keywell_spec */
    uint32_t depth;         /* pairs held ready at most: 1 .. KEYWELL_DEPTH_MAX */
    uint32_t low_watermark; /* refilling starts below; 0: seven eighths of depth */
    uint32_t on_empty;      /* enum keywell_on_empty */
    uint32_t wait_ms;       /* how long a caller may wait, at most 60000; 0: 2000 */
    uint32_t reserved[3];   /* 0 */
};

/* Zero, then KEYWELL_CONFIG_INIT: what a later version adds is 0 for programs built with this one. */
struct keywell_config {
    size_t size;      /* of this struct, as the program knows it */
    size_t spec_size; /* of each of specs */
    const struct keywell_spec_config *specs;
    size_t num_specs;      /* 1 .. 8, no spec twice */
    const unsigned *cores; /* a worker is pinned to each; NULL: to each that the calling thread may run on */
    size_t num_cores;      /* at most 256 */
    uint32_t cpu_share;    /* percent of its core that a worker may take; 0 or 100: no bound */
    uint32_t generate_max; /* pairs that callers make at once, 1 .. 64 (KEYWELL_ON_EMPTY_GENERATE); 0: one a
                              core */
};
#define KEYWELL_CONFIG_INIT                                                                                  \
    {                                                                                                        \
        sizeof(struct keywell_config), sizeof(struct keywell_spec_config), NULL, 0, NULL, 0, 0, 0            \
    }

/* keywell_open() - runs the self-tests (0.1 s, once a process and CPU path), sets up the pools and starts the
 * workers; pools fill from then on. The configuration is copied.
 * Returns: 0 | KEYWELL_INVALID | KEYWELL_NO_MEMORY | KEYWELL_SELFTEST | KEYWELL_CRYPTO | KEYWELL_SYSTEM |
 * KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_open(struct keywell **ret, const struct keywell_config *config);

/* keywell_close() - stops the workers (some milliseconds), wipes the pools and frees the engine; keys made
 * with keywell_key_new() must be gone. NULL is fine. Returns: 0 | KEYWELL_BUSY (pairs or keys are still in
 * hand; the engine goes on) | KEYWELL_FORKED (nothing is freed) */
KEYWELL_API int keywell_close(struct keywell *engine);

/* keywell_wait() - until a pool has level pairs (at most its depth): for starts that want to be warm.
 * Returns: 0 | KEYWELL_TIMEOUT | KEYWELL_NOT_MADE | KEYWELL_INVALID (level) | KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_wait(
    struct keywell *engine, enum keywell_spec spec, uint32_t level, uint32_t timeout_ms);

/* ---- pairs ---- */

/* A pair in hand. Where it lies is the caller's business, what is in it the library's; KEYWELL_PAIR_INIT, or
 * all zero, is none. It must not be copied. */
struct keywell_pair {
    uint64_t opaque[8];
};
#define KEYWELL_PAIR_INIT                                                                                    \
    {                                                                                                        \
        {                                                                                                    \
            0                                                                                                \
        }                                                                                                    \
    }

/* keywell_pop() - takes a ready pair, to be released. In: ret, none.
 * Returns: 0 | KEYWELL_EMPTY | KEYWELL_TIMEOUT | KEYWELL_BUSY | KEYWELL_SELFTEST | KEYWELL_NOT_MADE |
 * KEYWELL_CRYPTO | KEYWELL_FORKED | KEYWELL_INVALID (ret holds a pair) */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_pop(
    struct keywell *engine, enum keywell_spec spec, struct keywell_pair *ret);

/* keywell_pair_release() - wipes it; there is no way back into the pool. None is fine. */
KEYWELL_API void keywell_pair_release(struct keywell_pair *pair);

/* The private key as PKCS#8 DER, secret, and the public key as base64 of SubjectPublicKeyInfo (not
 * terminated), where they lie: until the pair is released, and not to be written to. Return 0 |
 * KEYWELL_INVALID (none) | KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_pair_private_key(
    const struct keywell_pair *pair, const unsigned char **ret, size_t *ret_len);
KEYWELL_API KEYWELL_MUST_CHECK int keywell_pair_public_text(
    const struct keywell_pair *pair, const char **ret, size_t *ret_len);
/* The public key as DER, written to der, which has KEYWELL_PUBLIC_KEY_MAX bytes. Returns: as above */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_pair_public_key(
    const struct keywell_pair *pair, unsigned char *der, size_t *ret_len);

/* ---- wrapping ---- */

/* A wrapping key, kept in secret memory. Any number of threads may use one at the same time. */
struct keywell_key;

/* keywell_key_new() - In: key, 32 bytes, secret, copied; key_id, 16 bytes, and material_id, 32 bytes, which
 * every blob names: what wrapped it, and which generation of that (keywell_blob_ids()).
 * Returns: 0 | KEYWELL_INVALID | KEYWELL_NO_MEMORY | KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_key_new(struct keywell *engine, const unsigned char *key,
    const unsigned char *key_id, const unsigned char *material_id, struct keywell_key **ret);
/* Wipes and frees; nobody uses it any more. NULL is fine. */
KEYWELL_API void keywell_key_free(struct keywell_key *key);

/* One pair of an encryption context: text, terminated. No key is there twice; the order does not matter. The
 * same context is to be given when the blob is opened; it is authenticated, not kept in the blob, not secret.
 */
struct keywell_context {
    const char *key;
    const char *value;
};

/* keywell_pop_wrap() - takes a ready pair, encrypts its private key under key, and releases it.
 * In: blob, with room for the longest private key of the spec and KEYWELL_BLOB_OVERHEAD (KEYWELL_BLOB_MAX is
 * enough for all), *blob_len its room; public_text, with room for the spec's longest
 * (KEYWELL_PUBLIC_TEXT_MAX), *public_len its room. Out: the lengths; on KEYWELL_NO_SPACE the room that is
 * needed. Returns: 0 | as keywell_pop() | KEYWELL_NO_SPACE | KEYWELL_NO_MEMORY | KEYWELL_INVALID (context) */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_pop_wrap(struct keywell *engine, enum keywell_spec spec,
    const struct keywell_key *key, const struct keywell_context *context, size_t num_context,
    unsigned char *blob, size_t *blob_len, char *public_text, size_t *public_len);

/* keywell_pair_wrap() - the same for a pair in hand, which stays there. Returns: 0 | KEYWELL_NO_SPACE |
 * KEYWELL_INVALID | KEYWELL_BUSY | KEYWELL_NO_MEMORY | KEYWELL_CRYPTO | KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_pair_wrap(struct keywell *engine, const struct keywell_pair *pair,
    const struct keywell_key *key, const struct keywell_context *context, size_t num_context,
    unsigned char *blob, size_t *blob_len);

/* keywell_unwrap() - In: out, *out_len its room, at least len - KEYWELL_BLOB_OVERHEAD. Out: the plaintext,
 * secret; the caller wipes it. Nothing of what does not authenticate.
 * Returns: 0 | KEYWELL_NOT_AUTHENTIC | KEYWELL_NO_SPACE (with *out_len what is needed) | as
 * keywell_pair_wrap()
 */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_unwrap(struct keywell *engine, const struct keywell_key *key,
    const struct keywell_context *context, size_t num_context, const unsigned char *blob, size_t len,
    unsigned char *out, size_t *out_len);

/* keywell_blob_ids() - which key a blob says it was wrapped under: 16 bytes of key id and 32 of material id,
 * either may be NULL. Nothing is authenticated. Returns: 0 | KEYWELL_NOT_AUTHENTIC (no blob) */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_blob_ids(
    const unsigned char *blob, size_t len, unsigned char *key_id, unsigned char *material_id);

/* ---- looking ---- */

/* Pairs ready now; 0 for a spec that is not made, and in a forked child. */
KEYWELL_API uint32_t keywell_level(const struct keywell *engine, enum keywell_spec spec);

/* Of one spec. Counters only grow; each is exact, together they are of slightly different moments. */
struct keywell_stats {
    size_t size;         /* in: of this struct, as the program knows it */
    uint64_t made;       /* by workers */
    uint64_t generated;  /* by callers */
    uint64_t failed;     /* failed their consistency test, and were wiped */
    uint64_t popped;     /* handed out */
    uint64_t misses;     /* found no pair ready */
    uint64_t rejected;   /* of these, did not wait */
    uint64_t timeouts;   /* of these, waited in vain */
    uint64_t pool_bytes; /* memory of the pool, all in */
    double make_s;       /* CPU time of a worker for a pair, smoothed; 0 before the first */
    uint32_t level;      /* ready now */
    uint32_t depth;
    uint32_t waiting; /* callers that wait now */
    uint32_t reserved;
};
/* Returns: 0 | KEYWELL_NOT_MADE | KEYWELL_INVALID (size) | KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_stats(
    const struct keywell *engine, enum keywell_spec spec, struct keywell_stats *ret);

/* Of the engine, and of what protects secret memory in this process: what the system refused shows here. */
struct keywell_status {
    size_t size;           /* in: of this struct, as the program knows it */
    uint64_t secret_bytes; /* of secret memory in the process */
    uint64_t locked_bytes; /* of these, locked in RAM (RLIMIT_MEMLOCK) */
    uint32_t workers;
    uint32_t workers_awake;
    uint32_t workers_failed; /* ended by an error; the others go on */
    uint32_t pinned;         /* 1: every worker sits on its core */
    uint32_t idle_priority;  /* 1: every worker has SCHED_IDLE */
    uint32_t not_dumped;     /* 1: secret memory is kept out of core dumps */
    const char *cpu_path;    /* "avx512ifma" or "portable" */
};
/* Returns: 0 | KEYWELL_INVALID (size) | KEYWELL_FORKED */
KEYWELL_API KEYWELL_MUST_CHECK int keywell_status(const struct keywell *engine, struct keywell_status *ret);

/* Names as in the KMS API: "RSA_2048". spec_name: NULL if there is no such spec. spec_parse: 0 |
 * KEYWELL_INVALID */
KEYWELL_API const char *keywell_spec_name(enum keywell_spec spec);
KEYWELL_API KEYWELL_MUST_CHECK int keywell_spec_parse(const char *name, enum keywell_spec *ret);
/* A sentence without a full stop, static; for any number. */
KEYWELL_API const char *keywell_strerror(int error);
/* "1.0.0", of the library that is loaded. */
KEYWELL_API const char *keywell_version(void);

#ifdef __cplusplus
}
#endif

#endif
