/* chore - what would hold up a serving thread for long: private operations with large keys, the documents of
 * attested recipients, and imported key material.
 *
 * Each serving thread has a thread beside it that does them one after the other, so that the requests of
 * others do not wait behind one. The call goes there with its key's material referenced and its input copied,
 * and comes back through a mailbox, like a change of the keystore; then the operation runs again from its
 * beginning with a fresh snapshot, and finds the outcome here. Slow is what takes longer than about half a
 * millisecond on one core of a server (docs/architecture.md has the figures); the rest is done where it is
 * asked for.
 */
#ifndef KW_API_CHORE_H
#define KW_API_CHORE_H

#include "api/attestation.h"
#include "api/keywrap.h"
#include "api/material.h"
#include "api/store.h"
#include "engine/topology.h"
#include "pool/sbuf.h"

enum kw_chore_kind {
    KW_CHORE_NONE,
    KW_CHORE_SIGN,
    KW_CHORE_VERIFY,
    KW_CHORE_DECRYPT,
    KW_CHORE_DERIVE,
    KW_CHORE_ATTEST, /* outcome: as kw_attestation_verify(), or KW_ATTESTATION_MALFORMED */
    KW_CHORE_IMPORT, /* outcome: as kw_keywrap_unwrap() and then kw_material_check() */
};

/* What is to be done. Borrows everything. */
struct kw_chore_order {
    enum kw_chore_kind kind;
    const struct kw_material *material; /* all but ATTEST; IMPORT: the private half of the wrapping pair */
    enum kw_key_spec spec;              /* IMPORT: of the KMS key that the material is for */
    enum kw_wrapping wrapping;          /* IMPORT */
    enum kw_algorithm algorithm;
    enum kw_message_type type; /* SIGN, VERIFY */
    struct kw_bytes input;     /* message, ciphertext, public key of the peer, document; secret */
    struct kw_bytes signature; /* VERIFY */
    const struct kw_attestation_trust *trust; /* ATTEST; outlives the chore */
    int64_t now_ms;                           /* ATTEST */
};

/* The longest output: a signature, a plaintext under SM2, a shared secret; of IMPORT, the material. */
#define KW_CHORE_OUTPUT_MAX 1024u
#define KW_CHORE_IMPORT_MAX KW_MATERIAL_MAX

/* One chore on its way; embedded in its call. Zeroed: none. */
struct kw_chore {
    struct kw_inbox_node node;   /* first: used on the way there and back */
    struct kw_mailbox *reply;    /* where it comes back */
    struct kw_chore_order order; /* of copies, and with a reference on the material */
    struct kw_sbuf copies;       /* secret memory */
    struct kw_sbuf output;       /* secret memory */
    bool done;                   /* the outcome is there */
    int outcome;                 /* as the function of its kind, or KW_CHORE_ABANDONED */
};

enum { KW_CHORE_ABANDONED = 100 }; /* the server stops: not done */

/* Would it hold others up? */
KW_MUST_CHECK bool kw_chore_is_slow(const struct kw_chore_order *order);
/* Would it hold other chores up? The check of an imported RSA key takes up to 0.3 s. */
KW_MUST_CHECK bool kw_chore_is_long(const struct kw_chore_order *order);
/* Does it here and now. Out: appends to ret (secret memory). Returns: as the function of its kind. */
KW_MUST_CHECK int kw_chore_do(const struct kw_chore_order *order, struct kw_buf *ret);

/* Copies what the order borrows. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_chore_prepare(struct kw_chore *chore, const struct kw_chore_order *order);
/* True if the chore has the outcome of that order (of the same material). The input is not compared: of a
 * call there is one. */
KW_MUST_CHECK bool kw_chore_answers(const struct kw_chore *chore, const struct kw_chore_order *order);
/* Wipes and lets go of everything; a zeroed one is fine. Not while it is on its way. */
void kw_chore_done(struct kw_chore *chore);

/* The thread. Owned by one serving thread, which alone submits. */
struct kw_chores;

/* kw_chores_new() - cpus: where it may run. Returns: 0 | <0 */
KW_MUST_CHECK int kw_chores_new(struct kw_chores **ret, const struct kw_cpus *cpus);
/* All that was submitted has come back (asserted). NULL is fine. */
void kw_chores_free(struct kw_chores *chores);
/* The chore comes back to chore->reply, with its outcome. */
void kw_chores_submit(struct kw_chores *chores, struct kw_chore *chore);
/* From now on every chore that has not been begun comes back at once, KW_CHORE_ABANDONED. */
void kw_chores_abandon(struct kw_chores *chores);

#endif
