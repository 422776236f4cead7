/* keystate - which states of a KMS key allow which operations: the table of the KMS developer guide ("Key
 * states of AWS KMS keys"), as data. Pure.
 */
#ifndef KW_API_KEYSTATE_H
#define KW_API_KEYSTATE_H

#include "api/entity.h"
#include "api/error.h"

/* One row of that table each; operations.c says which operation has which. */
enum kw_state_rule {
    KW_STATES_ANY,             /* every state, or no key */
    KW_STATES_USE,             /* cryptographic operations */
    KW_STATES_PUBLIC,          /* GetPublicKey: of a disabled key too */
    KW_STATES_GRANT,           /* CreateGrant */
    KW_STATES_NOTE,            /* aliases, tags, description: not a key that will be deleted */
    KW_STATES_SWITCH,          /* EnableKey, DisableKey */
    KW_STATES_ROTATE,          /* what rotates or will rotate */
    KW_STATES_ROTATION_STATUS, /* GetKeyRotationStatus */
    KW_STATES_SCHEDULE,        /* ScheduleKeyDeletion */
    KW_STATES_CANCEL,          /* CancelKeyDeletion */
    KW_STATES_IMPORT,          /* GetParametersForImport, ImportKeyMaterial */
    KW_STATES_REPLICATE,       /* ReplicateKey, UpdatePrimaryRegion */
    KW_STATES_NUM,
};

/* kw_keystate_verdict() - what an operation of that rule gets from a key in that state: KW_ERROR_NONE (go
 * on), KW_ERROR_DISABLED, or KW_ERROR_INVALID_STATE. */
enum kw_error kw_keystate_verdict(enum kw_state_rule rule, enum kw_key_state state);
/* The end of the sentence "<ARN> is ...": "disabled", "pending deletion", "not pending deletion" ... */
const char *kw_keystate_text(enum kw_state_rule rule, enum kw_key_state state);

#endif
