/* call - one API call on its way: authenticated, validated, run, audited, answered. Belongs to one serving
 * thread.
 *
 * An operation's run function may be called more than once (again after a wait for a pair, a chore or a
 * token): all that it does before it takes a pair or submits a change can be done again, and it looks at a
 * fresh snapshot each time.
 */
#ifndef KW_API_CALL_H
#define KW_API_CALL_H

#include "api/audit.h"
#include "api/chore.h"
#include "api/error.h"
#include "api/exchange.h"
#include "api/granttoken.h"
#include "api/identity.h"
#include "api/keystate.h"
#include "api/mac.h"
#include "api/model.h"
#include "api/store.h"
#include "api/token.h"
#include "pool/pool.h"

struct kw_call;
struct kw_service_thread;

/* What an operation's functions return. */
enum {
    KW_CALL_DONE = 0,       /* the answer is written */
    KW_CALL_REFUSED = 1,    /* the error is set */
    KW_CALL_WAIT_POOL = 2,  /* no pair of call->wait_spec is ready; run again when there may be one */
    KW_CALL_WAIT_CHORE = 4, /* call->chore is prepared; run again when it is done */
    KW_CALL_WAIT_TOKEN = 5, /* a token has been asked (tokenkey.h); run again when it has answered */
    KW_CALL_WAIT_STORE = 3, /* all is ready for a change: `apply` runs next, once its intent is on record */
};

/* One row of the table of operations (operations.c). */
struct kw_operation {
    const struct kw_model_operation *model; /* name, input, output, errors */
    enum kw_state_rule states;              /* of the key that KeyId names */
    bool read_only;                         /* as audit records say it */
    /* The first look at a call: all checks, and the whole operation if it changes nothing. */
    int (*run)(struct kw_call *call);
    /* After KW_CALL_WAIT_STORE, on the keystore's thread, with the newest picture in call->snapshot: the
     * checks again, then the change through call->tx. Returns KW_CALL_DONE, KW_CALL_REFUSED (nothing was
     * written) or <0 from kw_tx_*. */
    int (*apply)(struct kw_call *call);
    /* After a change that is durable: the answer. NULL: it is empty. */
    int (*stored)(struct kw_call *call);
    const char *note; /* for the documentation: what differs from AWS, and why; NULL: nothing */
};

/* The operations, in alphabetical order of their names. */
extern const struct kw_operation *const kw_operations[];
extern const size_t kw_num_operations;
/* Index in kw_operations, or -1. */
int kw_operation_find(struct kw_bytes name);

/* A key that a call uses, for its audit record, which outlives the snapshot. */
struct kw_call_resource {
    char arn[128]; /* empty: none */
    char account[KW_ACCOUNT_LEN + 1];
};
#define KW_CALL_RESOURCES_MAX 2u /* ReEncrypt has two */

/* What a call has asked of tokens (tokenkey.h). */
struct kw_call_token {
    struct kw_token_request *asked; /* laid out or on its way; the token's once it is submitted */
    struct kw_token *token;         /* which is asked */
    /* What has come back: of what was opened, and of all else; owned */
    struct kw_token_request *answers[2];
    uint64_t deadline_ns;
    bool made;            /* a key that is nobody's yet */
    struct kw_call *next; /* among those of the thread that wait for tokens */
};

/* How a request for a pair fared. */
enum kw_pool_use {
    KW_POOL_UNUSED,    /* it has asked for none, or still waits */
    KW_POOL_HIT,       /* one was ready */
    KW_POOL_WAITED,    /* one came into the pool while it waited */
    KW_POOL_GENERATED, /* one was made for it */
    KW_POOL_REJECTED,  /* refused at once: by policy, or because too many waited */
    KW_POOL_TIMED_OUT, /* none came before its deadline */
    KW_POOL_ABANDONED, /* its client has gone, the server stops, or it is allowed no more */
    KW_POOL_USES,
};

/* What an operation may carry between its steps, in text. */
#define KW_CALL_TEXT_MAX 256u
/* arn:PARTITION:kms:REGION:ACCOUNT:alias/NAME */
#define KW_ARN_MAX 512u

struct kw_call {
    struct kw_service_thread *thread;
    struct kw_exchange *exchange;
    const struct kw_operation *operation;
    size_t operation_index; /* kw_num_operations: none known */
    struct kw_identity identity;
    char region[KW_REGION_MAX + 1]; /* of the credential scope: where the call is made */
    bool is_sts;                    /* a call of STS's query protocol (sts.h): it has no operation */
    char sts_action[65];            /* of such a call: its Action, as far as it is fit to be recorded */
    /* Of such a call, what its record tells of the request and of the answer; owned, or NULL */
    json_t *sts_request, *sts_response;
    const struct kw_value *input; /* in the document; NULL before it was parsed, or if it could not be */
    bool valid;                   /* the input passed its shape: its members may go into the audit record */
    char request_id[37];
    char event_id[37]; /* of its audit record */
    /* The permission that is asked for, as refusals name it; NULL: the operation's name (ReEncrypt asks for
     * ReEncryptFrom of one key and ReEncryptTo of the other) */
    const char *action;
    /* valid while run, apply and stored run: */
    const struct kw_snapshot *snapshot;
    const struct kw_principal *principal; /* the caller in this picture; NULL: not looked up yet */
    const struct kw_kms_key *key;
    struct kw_bytes alias; /* "alias/NAME", if the key was named by one */
    /* CreateGrant: what is asked for, while it is decided whether a grant lets the caller create it */
    const struct kw_grant *child;
    const struct kw_kms_key *other_key; /* ReEncrypt: the one of the other side, as far as it is there */
    struct kw_tx *tx;                   /* in apply only */
    /* what the audit record says */
    struct kw_call_resource resources[KW_CALL_RESOURCES_MAX];
    uint8_t material_id[KW_MATERIAL_ID_LEN];
    bool has_material;
    uint8_t source_material_id[KW_MATERIAL_ID_LEN]; /* ReEncrypt: material_id is the destination's */
    bool has_source_material;
    /* how it ended */
    enum kw_error error;
    /* waiting for a pair */
    enum kw_spec wait_spec;
    bool waiting; /* has entered the pool's waiters */
    uint64_t wait_since_ns;
    uint64_t wait_deadline_ns;
    bool took_pair; /* a pair was popped for this call (and is used up, whatever follows) */
    bool made_pair; /* it was made for those who waited */
    enum kw_pool_use pool_use;
    struct kw_call *next;  /* among the waiters, or among the free */
    struct kw_chore chore; /* slow work on its way, or its outcome */
    struct kw_call_token token;
    /* a change on its way to the keystore and back */
    struct kw_store_request change;
    int64_t now_ms;                         /* of the change: when it was asked for */
    uint8_t new_id[KW_KMS_KEY_ID_LEN];      /* of a key that the change makes ... */
    const struct kw_material *new_material; /* ... and its material; owned */
    uint8_t new_grant_id[KW_GRANT_ID_LEN];  /* of a grant that is made, or was found to be there */
    uint8_t new_nonce[KW_GRANTTOKEN_NONCE]; /* of its token */
    char new_text[KW_CALL_TEXT_MAX];        /* what an operation carries from apply to stored */
    /* the audit record on its way; of a change there are two: what is about to be done, and how it went */
    bool intent; /* the first of them is on its way */
    struct kw_audit_entry audit;
    /* What stays with the call when another request gets it: memory, which is wiped before. All above is
     * zeroed then. */
    struct kw_document document; /* the request's body, parsed */
    struct kw_sbuf message;      /* of the error */
    struct kw_sbuf context;      /* the canonical encryption context */
    struct kw_sbuf recipient;    /* the attestation document (recipient.h), once verified */
    struct kw_sbuf audit_text;
};

/* Sets the error and its message; returns KW_CALL_REFUSED. Never given a secret. */
int kw_call_refuse(struct kw_call *call, enum kw_error error, const char *format, ...) KW_PRINTF(3, 4);
/* The same without a message. */
int kw_call_refuse_bare(struct kw_call *call, enum kw_error error);
/* The same with a message of prefix, text that came from outside (cut to a bound between characters) and
 * suffix. */
int kw_call_refuse_quoting(
    struct kw_call *call, enum kw_error error, const char *prefix, struct kw_bytes text, const char *suffix);
/* KMSInternalException for what is no fault of the caller; clears OpenSSL's error queue. */
int kw_call_internal(struct kw_call *call);

/* ThrottlingException, for whoever waits where too many wait or has waited too long. */
int kw_call_throttled(struct kw_call *call);

/* kw_call_find_key() - finds the KMS key that text names (all four forms, or key id and key ARN only), checks
 * that the caller may do what it asks for (callauthz.h), and sets call->key and call->alias. ARNs may be
 * those of other accounts. Returns KW_CALL_DONE or KW_CALL_REFUSED.
 */
KW_MUST_CHECK int kw_call_find_key(struct kw_call *call, struct kw_bytes text, bool aliases_too);
/* The same of keys of the caller's own account, without a decision: for what asks for another permission. */
KW_MUST_CHECK int kw_call_find_own_key(struct kw_call *call, struct kw_bytes text, bool aliases_too);
/* The key that text names, or NULL: nothing is checked, noted or refused. */
const struct kw_kms_key *kw_call_peek_key(const struct kw_call *call, struct kw_bytes text);
/* "Alias <ARN> is not found." */
int kw_call_alias_not_found(struct kw_call *call, struct kw_bytes name);
/* The key of member KeyId, and that its state allows the operation (its row's rule). */
KW_MUST_CHECK int kw_call_find_usable_key(struct kw_call *call, bool aliases_too);
/* Makes key the call's, for its audit record too, and checks that the caller may do what it asks for with it.
 */
KW_MUST_CHECK int kw_call_take_key(struct kw_call *call, const struct kw_kms_key *key);
/* The same of a key that a ciphertext names. */
KW_MUST_CHECK int kw_call_take_blob_key(struct kw_call *call, const struct kw_kms_key *key);
/* The same without a decision: after a change, which has been decided. */
void kw_call_show_key(struct kw_call *call, const struct kw_kms_key *key);
/* Refuses unless the state of call->key allows the operation. */
KW_MUST_CHECK int kw_call_require_state(struct kw_call *call);
/* Refuses unless call->key is made for the usage ("... key usage is X which is not valid for <Operation>.").
 */
KW_MUST_CHECK int kw_call_require_usage(struct kw_call *call, enum kw_key_usage usage);
/* UnsupportedOperationException: "... origin is X which is not valid for this operation." */
int kw_call_refuse_origin(struct kw_call *call);
/* Encodes a member that is an encryption context into call->context. */
KW_MUST_CHECK int kw_call_encode_context(struct kw_call *call, const char *member);
/* Refuses unknown grant tokens. */
KW_MUST_CHECK int kw_call_check_grant_tokens(struct kw_call *call);
/* After all checks: DryRunOperationException if asked for. */
KW_MUST_CHECK int kw_call_dry_run(struct kw_call *call);
/* Notes the key material that was used. */
void kw_call_note_material(struct kw_call *call, const struct kw_generation *generation);
/* Notes that call->key was used for its purpose (GetKeyLastUsage). */
void kw_call_note_use(struct kw_call *call);
/* "arn:PARTITION:kms:REGION:ACCOUNT:" + suffix, of the caller's account and the call's region. */
void kw_call_arn(const struct kw_call *call, struct kw_bytes suffix, char *ret, size_t cap);
/* The service's clock: dates of keys, and when things are due. */
int64_t kw_call_clock_ms(const struct kw_call *call);
struct kw_service *kw_call_service(const struct kw_call *call);
struct kw_wrapper *kw_call_wrapper(const struct kw_call *call);
struct kw_mac *kw_call_mac(const struct kw_call *call);

/* kw_call_chore() - does what the order says, here if it is quick, else on the thread for chores: then the
 * operation has to pass KW_CALL_WAIT_CHORE on and gets the outcome when it runs again.
 * Out: appends to ret (secret memory); ret_outcome, as the function of the order's kind.
 * Returns: KW_CALL_DONE | KW_CALL_WAIT_CHORE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_call_chore(
    struct kw_call *call, const struct kw_chore_order *order, struct kw_buf *ret, int *ret_outcome);

/* kw_call_wrap() - wraps plaintext under the current material of call->key with the call's context and writes
 * it as base64 member `name`. Under a key in a token it may return KW_CALL_WAIT_TOKEN. */
KW_MUST_CHECK int kw_call_wrap(
    struct kw_call *call, struct kw_json_out *out, const char *name, struct kw_bytes plaintext);
/* The member KeyMaterialId, if material was noted. */
void kw_call_write_material(struct kw_call *call, struct kw_json_out *out);
/* Writes "name":"value"; text of ours. */
void kw_call_write_text(struct kw_json_out *out, const char *name, const char *value);
/* In apply: writes the edited key; what the store refuses becomes an internal error. Returns as apply does.
 */
KW_MUST_CHECK int kw_call_put_key(struct kw_call *call, const struct kw_kms_key *edit);

#endif
