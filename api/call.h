/* call - one API call on its way: authenticated, validated, run, audited, answered. Belongs to one serving
 * thread.
 *
 * An operation's run function may be called more than once (again after a wait for a pair): everything that
 * it does before it takes a pair or submits a change can be done again, and it looks at a fresh snapshot each
 * time.
 */
#ifndef KW_API_CALL_H
#define KW_API_CALL_H

#include "api/audit.h"
#include "api/error.h"
#include "api/exchange.h"
#include "api/model.h"
#include "api/shape.h"
#include "pool/pool.h"

struct kw_call;
struct kw_service_thread;

/* What an operation's functions return. */
enum {
    KW_CALL_DONE = 0,       /* the answer is written */
    KW_CALL_REFUSED = 1,    /* the error is set */
    KW_CALL_WAIT_POOL = 2,  /* no pair of call->wait_spec is ready; run again when there may be one */
    KW_CALL_WAIT_STORE = 3, /* call->change is ready for the keystore; `stored` comes after it */
};

struct kw_operation {
    const struct kw_model_operation *model;
    bool read_only;                   /* as audit records say it */
    int (*run)(struct kw_call *call); /* NULL: this server does not do it (but checks its input, as of all) */
    int (*stored)(struct kw_call *call); /* after KW_CALL_WAIT_STORE; call->change.result says how it went */
};

/* The operations of the model, one each and in its order. */
extern const struct kw_operation *const kw_operations[];
extern const size_t kw_num_operations;
/* Index in kw_operations, or -1. */
int kw_operation_find(struct kw_bytes name);

/* Who signed; copied, since the snapshot that it was in may be gone when the call ends. */
struct kw_identity {
    char access_key_id[KW_ACCESS_KEY_ID_MAX + 1];
    char account[KW_ACCOUNT_LEN + 1];
    char user_name[65];
    char principal_id[32];
    char arn[160];
    bool administrator;
};

enum kw_pool_use { KW_POOL_UNUSED, KW_POOL_HIT, KW_POOL_WAITED };

struct kw_call {
    struct kw_service_thread *thread;
    struct kw_exchange *exchange;
    const struct kw_operation *operation;
    size_t operation_index; /* kw_num_operations: none known */
    struct kw_identity identity;
    json_t *input; /* owned; NULL before it was parsed, or if it could not be */
    bool valid;    /* the input passed its shape: its members may go into the audit record */
    char request_id[37];
    /* valid while run and stored run: */
    const struct kw_snapshot *snapshot;
    const struct kw_kms_key *key;
    /* what the audit record says about the key */
    char key_arn[128];
    char key_account[KW_ACCOUNT_LEN + 1];
    uint8_t material_id[KW_MATERIAL_ID_LEN];
    bool has_material;
    /* how it ended */
    enum kw_error error;
    struct kw_sbuf message;
    struct kw_sbuf context; /* the canonical encryption context */
    /* waiting for a pair */
    enum kw_spec wait_spec;
    bool waiting; /* has entered the pool's waiters */
    uint64_t wait_since_ns;
    uint64_t wait_deadline_ns;
    bool took_pair; /* a pair was popped for this call (and is used up, whatever follows) */
    enum kw_pool_use pool_use;
    struct kw_call *next; /* among the waiters, or among the free */
    /* a change on its way to the keystore and back */
    struct kw_store_request change;
    struct kw_backing_key *new_backing; /* secret memory; wiped when the call ends */
    /* the audit record on its way; of a change there are two: what is about to be done, and how it went */
    bool intent; /* the first of them is on its way */
    struct kw_audit_entry audit;
    struct kw_sbuf audit_text;
};

/* Sets the error and its message; returns KW_CALL_REFUSED. Never given a secret. */
int kw_call_refuse(struct kw_call *call, enum kw_error error, const char *format, ...) KW_PRINTF(3, 4);
/* The same with a message of prefix, text that came from outside (cut to a bound between characters) and
 * suffix. */
int kw_call_refuse_quoting(
    struct kw_call *call, enum kw_error error, const char *prefix, struct kw_bytes text, const char *suffix);
/* KMSInternalException for what is no fault of the caller; clears OpenSSL's error queue. */
int kw_call_internal(struct kw_call *call);

/* kw_call_find_key() - finds the KMS key that text names (all four forms, or key id and key ARN only), checks
 * that the caller may do this operation with it, and sets call->key. Returns KW_CALL_DONE or KW_CALL_REFUSED.
 */
KW_MUST_CHECK int kw_call_find_key(struct kw_call *call, struct kw_bytes text, bool aliases_too);
/* May the caller use this key at all? Until policies decide, an administrator of the key's account may. */
KW_MUST_CHECK int kw_call_authorize_key(struct kw_call *call, const struct kw_kms_key *key);
/* For operations without a key. resource is the ARN that a refusal names. */
KW_MUST_CHECK int kw_call_authorize(struct kw_call *call, const char *resource);
/* Refuses unless the key's state allows cryptographic operations. */
KW_MUST_CHECK int kw_call_require_enabled(struct kw_call *call);
/* Encodes EncryptionContext into call->context. */
KW_MUST_CHECK int kw_call_encode_context(struct kw_call *call);
/* Refuses what this version does not do: a Recipient, and grant tokens (there are no grants, so none is
 * known). */
KW_MUST_CHECK int kw_call_refuse_extras(struct kw_call *call);
/* After all checks: DryRunOperationException if asked for. */
KW_MUST_CHECK int kw_call_dry_run(struct kw_call *call);
/* Notes the key material that was used. */
void kw_call_note_material(struct kw_call *call, const struct kw_backing_key *backing);
/* "arn:aws:kms:REGION:ACCOUNT:" + suffix, of the caller's account and this server's region. */
void kw_call_arn(const struct kw_call *call, struct kw_bytes suffix, char *ret, size_t cap);

/* kw_call_wrap() - wraps plaintext under call->key with the call's context and writes it as base64 member
 * `name`. */
KW_MUST_CHECK int kw_call_wrap(
    struct kw_call *call, struct kw_json_out *out, const char *name, struct kw_bytes plaintext);
/* The member KeyMaterialId. */
void kw_call_write_material(struct kw_call *call, struct kw_json_out *out);
/* Fills call->change; returns KW_CALL_WAIT_STORE. change->account, region and now_ms are set here. It goes to
 * the keystore once a record of the intent is durable: no change may take effect without a trace. */
int kw_call_prepare_change(struct kw_call *call, const struct kw_change *change);

#endif
