/* The table of the KMS documentation, row by row as it is published, against the rules of the operations. */
#include "api/keystate.h"

#include "api/operations.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a cell says: go on, is disabled, is pending deletion, is pending import, is unavailable, is creating,
 * is updating, is not pending deletion; is pending replica deletion, which has no column in the published
 * table. */
enum cell { OK, D, I, IMP, UNA, CRE, UPD, NOT, REP };

static const struct {
    enum kw_error error;
    const char *text;
} meaning[] = {
    [OK] = {KW_ERROR_NONE, NULL},
    [D] = {KW_ERROR_DISABLED, "disabled"},
    [I] = {KW_ERROR_INVALID_STATE, "pending deletion"},
    [IMP] = {KW_ERROR_INVALID_STATE, "pending import"},
    [UNA] = {KW_ERROR_INVALID_STATE, "unavailable"},
    [CRE] = {KW_ERROR_INVALID_STATE, "creating"},
    [UPD] = {KW_ERROR_INVALID_STATE, "updating"},
    [NOT] = {KW_ERROR_INVALID_STATE, "not pending deletion"},
    [REP] = {KW_ERROR_INVALID_STATE, "pending replica deletion"},
};

/* Columns: Enabled, Disabled, PendingDeletion, PendingImport, Unavailable, Creating, Updating, and
 * PendingReplicaDeletion, which is treated as PendingDeletion is. */
static const struct {
    const char *operations;
    enum cell cells[KW_KEY_STATE_NUM];
} rows[] = {
    {"Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair "
     "GenerateDataKeyPairWithoutPlaintext Sign Verify GenerateMac VerifyMac DeriveSharedSecret",
        {OK, D, I, IMP, UNA, CRE, OK, REP}},
    {"CreateGrant", {OK, D, I, IMP, OK, CRE, OK, REP}},
    {"DescribeKey GetKeyPolicy PutKeyPolicy ListKeyPolicies ListGrants ListAliases ListKeys ListKeyRotations "
     "ListResourceTags ListRetirableGrants RetireGrant RevokeGrant DeleteAlias GetKeyLastUsage",
        {OK, OK, OK, OK, OK, OK, OK, OK}},
    /* Of UpdateAlias it is the new key that the rule is for. */
    {"CreateAlias UpdateAlias TagResource UntagResource UpdateKeyDescription",
        {OK, OK, I, OK, OK, OK, OK, REP}},
    {"EnableKey DisableKey", {OK, OK, I, IMP, OK, CRE, UPD, REP}},
    {"ScheduleKeyDeletion", {OK, OK, I, OK, OK, OK, UPD, REP}},
    {"CancelKeyDeletion", {NOT, NOT, OK, NOT, NOT, NOT, NOT, OK}},
};

/* Rows in which a key's origin and spec come before its state; here only what the state says. */
static const struct {
    enum kw_state_rule rule;
    enum cell cells[KW_KEY_STATE_NUM];
} rules[] = {
    {KW_STATES_ANY, {OK, OK, OK, OK, OK, OK, OK, OK}},
    {KW_STATES_USE, {OK, D, I, IMP, UNA, CRE, OK, REP}},
    {KW_STATES_GRANT, {OK, D, I, IMP, OK, CRE, OK, REP}},
    {KW_STATES_NOTE, {OK, OK, I, OK, OK, OK, OK, REP}},
    {KW_STATES_SWITCH, {OK, OK, I, IMP, OK, CRE, UPD, REP}},
    {KW_STATES_ROTATE, {OK, D, I, IMP, UNA, CRE, OK, REP}},
    {KW_STATES_ROTATION_STATUS, {OK, OK, OK, OK, UNA, OK, OK, OK}},
    {KW_STATES_SCHEDULE, {OK, OK, I, OK, OK, OK, UPD, REP}},
    {KW_STATES_CANCEL, {NOT, NOT, OK, NOT, NOT, NOT, NOT, OK}},
};

static void check_cell(const char *what, enum kw_state_rule rule, enum kw_key_state state, enum cell cell)
{
    enum kw_error error = kw_keystate_verdict(rule, state);

    ck_assert_msg(error == meaning[cell].error, "%s in state %s: error %d, not %d", what,
        kw_key_state_name(state), (int)error, (int)meaning[cell].error);
    if (error != KW_ERROR_NONE)
        ck_assert_str_eq(kw_keystate_text(rule, state), meaning[cell].text);
}

static const struct kw_operation *find(struct kw_bytes name)
{
    int index = kw_operation_find(name);

    ck_assert_msg(index >= 0, "%.*s is no operation", (int)name.len, (const char *)name.ptr);
    return kw_operations[index];
}

START_TEST(test_published_table)
{
    for (size_t row = 0; row < KW_ARRAY_LEN(rows); row++) {
        for (const char *at = rows[row].operations; *at != '\0'; at += strspn(at, " ")) {
            struct kw_bytes name = KW_BYTES(at, strcspn(at, " "));
            const struct kw_operation *operation = find(name);

            at += name.len;
            if (operation->run == NULL) /* not there: it has no rule */
                continue;
            for (unsigned state = 0; state < KW_KEY_STATE_NUM; state++)
                check_cell(operation->model->name, operation->states, (enum kw_key_state)state,
                    rows[row].cells[state]);
        }
    }
}
END_TEST

START_TEST(test_rules)
{
    for (size_t i = 0; i < KW_ARRAY_LEN(rules); i++) {
        for (unsigned state = 0; state < KW_KEY_STATE_NUM; state++)
            check_cell("a rule", rules[i].rule, (enum kw_key_state)state, rules[i].cells[state]);
    }
}
END_TEST

static void ask_no_such_rule(void)
{
    (void)kw_keystate_verdict(KW_STATES_NUM, KW_KEY_ENABLED);
}

static void ask_no_such_state(void)
{
    (void)kw_keystate_verdict(KW_STATES_ANY, KW_KEY_STATE_NUM);
}

static void ask_text_of_no_such_state(void)
{
    (void)kw_keystate_text(KW_STATES_ANY, KW_KEY_STATE_NUM);
}

/* The signal that a child process dies of. */
static int death_signal(void (*mistake)(void))
{
    const struct rlimit no_core = {0, 0};
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        close(STDERR_FILENO);
        mistake();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(test_mistakes_of_callers)
{
    ck_assert_int_eq(death_signal(ask_no_such_rule), SIGABRT);
    ck_assert_int_eq(death_signal(ask_no_such_state), SIGABRT);
    ck_assert_int_eq(death_signal(ask_text_of_no_such_state), SIGABRT);
}
END_TEST

static void add(TCase *tcase)
{
    tcase_add_test(tcase, test_published_table);
    tcase_add_test(tcase, test_rules);
    tcase_add_test(tcase, test_mistakes_of_callers);
}

int main(void)
{
    return kw_suite_run("api/keystate", add, 20);
}
