/* duty - one thing that falls due by itself and is done to a key: what it is, what the audit log says of it,
 * and the change of the keystore. The keeper (keeper.h) sees to it that it is done.
 */
#ifndef KW_API_DUTY_H
#define KW_API_DUTY_H

#include "api/audit.h"
#include "engine/drbg.h"

enum {
    KW_DUTY_NONE = 1, /* begin: nothing of that key is due */
    KW_DUTY_VOID = 2, /* the change: it is due no more, somebody was quicker; nothing was changed */
};

enum kw_duty_kind { KW_DUTY_DELETE, KW_DUTY_ROTATE, KW_DUTY_EXPIRE };

/* Which key; a copy, since no snapshot is held while a duty is on its way. */
struct kw_duty_key {
    char account[KW_ACCOUNT_LEN + 1];
    char region[KW_REGION_MAX + 1];
    uint8_t id[KW_KMS_KEY_ID_LEN];
};
void kw_duty_key_set(struct kw_duty_key *name, const struct kw_kms_key *key);
/* The key of that name in a snapshot, or NULL. */
const struct kw_kms_key *kw_duty_key_find(const struct kw_duty_key *name, const struct kw_snapshot *snapshot);

struct kw_duty {
    enum kw_duty_kind kind;
    struct kw_duty_key key;
    char arn[128];
    char id_text[37];
    char cluster[KW_CLUSTER_ID_MAX + 1]; /* of a key in a token; else empty */
    int64_t now_ms;                      /* by the service's clock, when it was seen to be due */
    uint8_t
        material_id[KW_MATERIAL_ID_LEN]; /* of the material that goes (expiry), or was current (rotation) */
    const struct kw_material *material;  /* of a rotation: the new one; owned */
    struct kw_sbuf text;                 /* the audit record on its way */
    struct kw_audit_entry audit;
    struct kw_store_request change;
};

/* kw_duty_begin() - what is due of that key now; if several things are, the first of them. Draws the new
 * material of a rotation. Out: duty, written on 0; the caller ends it with kw_duty_end().
 * Returns: 0 | KW_DUTY_NONE | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_duty_begin(
    struct kw_duty *duty, const struct kw_kms_key *key, int64_t now_ms, struct kw_drbg *drbg);
void kw_duty_end(struct kw_duty *duty);

/* kw_duty_record() - writes its audit record into duty->text: that it is about to be done, or, with error,
 * why it was not done after all. Returns: 0 | -ENOMEM | KW_EOPENSSL */
KW_MUST_CHECK int kw_duty_record(struct kw_duty *duty, const char *error, struct kw_drbg *drbg);
/* The name of the event: DeleteKey, RotateKey, DeleteExpiredKeyMaterial. */
const char *kw_duty_name(const struct kw_duty *duty);

/* The change, for tx.h; arg is the duty. Returns: 0 | KW_DUTY_VOID | <0 */
int kw_duty_apply(struct kw_tx *tx, void *arg);

#endif
