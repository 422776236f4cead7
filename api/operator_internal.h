/* operator_internal - one request of the operator on its way, for the files of operator.h.
 *
 * operator.c makes calls of HTTP requests, carries changes to the keystore and answers; operator_record.c
 * writes what they were into the audit log; operator_show.c, operator_principal.c and operator_key.c are the
 * requests about principals and their access keys, operator_explain.c the one about decisions. All on the
 * listener's thread, but for `run` when it changes.
 */
#ifndef KW_API_OPERATOR_INTERNAL_H
#define KW_API_OPERATOR_INTERNAL_H

#include "api/json.h"
#include "api/operator.h"
#include "api/principal.h"
#include "api/principalname.h"
#include "engine/drbg.h"

/* Named like errors of IAM. */
enum kw_operator_error {
    KW_OPERATOR_NONE,
    KW_OPERATOR_INVALID,
    KW_OPERATOR_MALFORMED_POLICY,
    KW_OPERATOR_FOREIGN, /* asked by another user of the machine */
    KW_OPERATOR_NOT_FOUND,
    KW_OPERATOR_NO_REQUEST, /* no request has that name */
    KW_OPERATOR_EXISTS,
    KW_OPERATOR_LIMIT,
    KW_OPERATOR_FAILED,
    KW_OPERATOR_UNAVAILABLE,
    KW_OPERATOR_ERROR_NUM,
};

/* What a request's functions return; <0 is forwarded from tx.h. */
enum { KW_OPERATOR_DONE = 0, KW_OPERATOR_REFUSED = 1 };

struct kw_operator_call;

struct kw_operator_request {
    const char *name;
    const char *const *members; /* that the input may have, NULL at the end */
    /* Once, before the first run: reads what run needs from the input, draws credentials. NULL: nothing. */
    int (*prepare)(struct kw_operator_call *call);
    /* Checks everything against call->snapshot. A request that changes something then writes it if call->tx
     * is there: it is run twice, at first without. One that does not, writes the answer. */
    int (*run)(struct kw_operator_call *call);
    /* After a change that is durable, with call->snapshot: the answer. NULL: it is empty, and nothing is
     * changed. */
    int (*answer)(struct kw_operator_call *call, struct kw_json_out *out);
};
extern const struct kw_operator_request *const kw_operator_principal_requests[];
extern const struct kw_operator_request *const kw_operator_key_requests[];
extern const struct kw_operator_request kw_operator_explain;

struct kw_operator_thread;

struct kw_operator_call {
    struct kw_operator_thread *thread;
    struct kw_exchange *exchange;
    const struct kw_operator_request *request;
    json_t *input; /* owned */
    int64_t now_ms;
    char request_id[37], event_id[37];
    /* valid while run and answer run: */
    const struct kw_snapshot *snapshot;
    struct kw_tx *tx; /* of a change, on the keystore's thread */
    /* what is made or changed */
    struct kw_principal_name target;
    char arn[KW_PRINCIPAL_ARN_MAX]; /* of the target, for the record; empty: not known yet */
    char principal_id[32];          /* of a principal that is made */
    struct kw_access_key *key;      /* that is made; owned, secret memory */
    const struct kw_policy *trust;  /* given in the input; owned */
    size_t num_policies;
    struct kw_named_policy policies[KW_PRINCIPAL_POLICIES_MAX]; /* the same; names are the input's */
    /* how it went */
    enum kw_operator_error error;
    char message[512];
    /* on its way */
    bool intent;
    struct kw_store_request change;
    struct kw_audit_entry audit;
    struct kw_sbuf audit_text;
};

struct kw_operator_thread {
    struct kw_service *service;
    struct kw_drbg *drbg;
    uint32_t reader; /* of the snapshot cell */
    struct kw_mailbox store_mail, audit_mail;
};

/* Sets the error; returns KW_OPERATOR_REFUSED. Never given a secret. */
int kw_operator_refuse(struct kw_operator_call *call, enum kw_operator_error error, const char *format, ...)
    KW_PRINTF(3, 4);
/* Its name ("NoSuchEntity"), and the status of the answer. */
const char *kw_operator_error_name(enum kw_operator_error error);
unsigned kw_operator_error_status(enum kw_operator_error error);

/* Members of the input. A text that is not there is NULL and refused if it is required. Returns:
 * KW_OPERATOR_DONE | KW_OPERATOR_REFUSED */
KW_MUST_CHECK int kw_operator_text(
    struct kw_operator_call *call, const char *member, bool required, const char **ret);
/* Whether a member is there and true; anything but a boolean is refused. */
KW_MUST_CHECK int kw_operator_flag(struct kw_operator_call *call, const char *member, bool *ret);
/* The principal that the members Principal and Account name, into call->target. */
KW_MUST_CHECK int kw_operator_target(struct kw_operator_call *call);
/* It in the snapshot, or refuses. */
KW_MUST_CHECK int kw_operator_find(struct kw_operator_call *call, const struct kw_principal **ret);
/* Reads a policy's text; its sentence, if it is malformed, refuses. ret has one reference. */
KW_MUST_CHECK int kw_operator_policy(struct kw_operator_call *call, enum kw_policy_kind kind,
    const char *what, const char *text, const struct kw_policy **ret);

/* operator_show.c: the requests ListPrincipals and GetPrincipal, and what all that change a principal answer:
 * the principal, with its new access key if one was made. */
KW_MUST_CHECK int kw_operator_run_list(struct kw_operator_call *call);
KW_MUST_CHECK int kw_operator_run_show(struct kw_operator_call *call);
KW_MUST_CHECK int kw_operator_answer_principal(struct kw_operator_call *call, struct kw_json_out *out);

/* Draws call->key for the target. */
KW_MUST_CHECK int kw_operator_make_key(struct kw_operator_call *call);
/* The member AccessKey with its secret. */
void kw_operator_write_made_key(const struct kw_operator_call *call, struct kw_json_out *out);
/* The member AccessKeys of a principal, without secrets. */
void kw_operator_write_keys(
    const struct kw_operator_call *call, const struct kw_principal *principal, struct kw_json_out *out);
/* The access keys of a principal in call->snapshot, oldest first. Returns how many. */
size_t kw_operator_keys_of(const struct kw_operator_call *call, enum kw_principal_kind kind,
    const char *account, const char *name, const struct kw_access_key *ret[KW_ACCESS_KEYS_MAX]);

/* kw_operator_record_write() - one line of the audit log. Returns: 0 | -ENOMEM */
KW_MUST_CHECK int kw_operator_record_write(
    const struct kw_operator_call *call, const char event_id[37], int64_t now_ms, struct kw_sbuf *out);

#endif
