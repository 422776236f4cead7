/* side - somebody who makes key pairs, in a comparison: keywell, OpenSSL, another library; one file each.
 *
 * A side has a state per spec, used by the thread that opened it.
 */
#ifndef KW_BENCH_SIDE_H
#define KW_BENCH_SIDE_H

#include "bench/turns.h"
#include "engine/cpu.h"
#include "pool/spec.h"

enum {
    KW_SIDE_AGAIN = 1,  /* make: the deadline passed; the work goes on at the next call */
    KW_SIDE_FAILED = 2, /* make: this pair failed its consistency test */
};

struct kw_side {
    const char *name;  /* a word, without spaces: "openssl" */
    const char *title; /* for people: "OpenSSL" */
    const char *note;  /* how it makes them, and what they come with or lack; NULL: its plain call */
    bool (*supports)(enum kw_spec spec);
    /* open: path is for those who have one. Returns: 0 | <0 */
    int (*open)(void **ret, enum kw_spec spec, enum kw_cpu_path path);
    /* make: one pair. Who cannot stop in the middle takes no notice of the deadline.
     * Returns: 0 | KW_SIDE_AGAIN | KW_SIDE_FAILED | <0 */
    int (*make)(void *state, uint64_t deadline_ns);
    /* Frees; NULL is fine. */
    void (*close)(void *state);
    /* Of the library as it runs, not as it was compiled; "": there is none to tell. */
    const char *(*version)(void);
};

/* kw_side_turn() - makes pairs for about so many seconds; a side that cannot stop in the middle makes one at
 * least. Pairs of a side that makes many at once count when they are handed over. Returns: 0 | <0 */
KW_MUST_CHECK int kw_side_turn(const struct kw_side *side, void *state, double seconds, struct kw_turn *ret);

/* Ours, through the generator interface: tested and encoded as in a worker (side_keywell.c). */
extern const struct kw_side kw_side_keywell;
/* The same on the portable path, whatever path is asked for. */
extern const struct kw_side kw_side_keywell_portable;
/* Curves only: encoded, but not tested, which no engine does. */
extern const struct kw_side kw_side_keywell_untested;
struct kw_generator;
/* The generator of a state of the three above. */
struct kw_generator *kw_side_keywell_generator(void *state);

/* EVP_PKEY_Q_keygen() and nothing else (side_openssl.c). */
extern const struct kw_side kw_side_openssl_keygen;
/* EVP_PKEY_keygen() in one context. */
extern const struct kw_side kw_side_openssl_reused;
/* That, EVP_PKEY_pairwise_check() and its encoders: what a finished pair is here. */
extern const struct kw_side kw_side_openssl_pair;

#endif
