#include "api/keystate.h"

#define OK KW_ERROR_NONE
#define D  KW_ERROR_DISABLED
#define I  KW_ERROR_INVALID_STATE

/* In the order of enum kw_key_state: Enabled, Disabled, PendingDeletion, PendingImport, Unavailable,
 * Creating, Updating, PendingReplicaDeletion. */
static const enum kw_error verdicts[KW_STATES_NUM][KW_KEY_STATE_NUM] = {
    [KW_STATES_ANY] = {OK, OK, OK, OK, OK, OK, OK, OK},
    [KW_STATES_USE] = {OK, D, I, I, I, I, OK, I},
    [KW_STATES_PUBLIC] = {OK, OK, I, I, I, I, OK, I},
    [KW_STATES_GRANT] = {OK, D, I, I, OK, I, OK, I},
    [KW_STATES_NOTE] = {OK, OK, I, OK, OK, OK, OK, I},
    [KW_STATES_SWITCH] = {OK, OK, I, I, OK, I, I, I},
    [KW_STATES_ROTATE] = {OK, D, I, I, I, I, OK, I},
    [KW_STATES_ROTATION_STATUS] = {OK, OK, OK, OK, I, OK, OK, OK},
    [KW_STATES_SCHEDULE] = {OK, OK, I, OK, OK, OK, I, I},
    [KW_STATES_CANCEL] = {I, I, OK, I, I, I, I, OK},
    [KW_STATES_IMPORT] = {OK, OK, I, OK, OK, I, I, I},
    [KW_STATES_REPLICATE] = {OK, D, I, I, I, I, I, I},
};

static const char *const texts[KW_KEY_STATE_NUM] = {
    [KW_KEY_ENABLED] = "enabled",
    [KW_KEY_DISABLED] = "disabled",
    [KW_KEY_PENDING_DELETION] = "pending deletion",
    [KW_KEY_PENDING_IMPORT] = "pending import",
    [KW_KEY_UNAVAILABLE] = "unavailable",
    [KW_KEY_CREATING] = "creating",
    [KW_KEY_UPDATING] = "updating",
    [KW_KEY_PENDING_REPLICA_DELETION] = "pending replica deletion",
};

enum kw_error kw_keystate_verdict(enum kw_state_rule rule, enum kw_key_state state)
{
    kw_assert((unsigned)rule < KW_STATES_NUM && (unsigned)state < KW_KEY_STATE_NUM);
    return verdicts[rule][state];
}

const char *kw_keystate_text(enum kw_state_rule rule, enum kw_key_state state)
{
    kw_assert((unsigned)state < KW_KEY_STATE_NUM);
    return rule == KW_STATES_CANCEL ? "not pending deletion" : texts[state];
}
