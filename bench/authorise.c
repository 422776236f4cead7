/* authorise - what a decision costs: may this user have a data key pair under this key? By how much policies
 * say, and by how many grants of what shape the key has.
 *
 * Timed is what a request does for it: its values are laid out for conditions, policies evaluated, grants
 * looked up (kw_call_authorize_key); where it is refused, the sentence that says so is written, too. The
 * grants that are asked for change from call to call. At the end, what quotas cost. KEYWELL_BENCH_GRANTS sets
 * the larger number of grants (a small one is the smoke size of the tests).
 */
#include "api/quota.h"
#include "bench/authworld.h"
#include "bench/bench.h"
#include "engine/cpu.h"
#include "engine/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define GRANTS_SOME 1000u
#define GRANTS_MANY 50000u /* the most that a key may have */

struct scenario {
    struct kw_authworld_plan plan;
    const char *name;
    bool adds;
    char full_name[96];
};

static int run(struct kw_bench_state *state, void *arg)
{
    const struct scenario *scenario = arg;
    struct kw_authworld *world = kw_authworld_new(&scenario->plan);
    bool wanted = !scenario->plan.refused, right = true;

    while (kw_bench_keep_running(state, 1)) {
        if (scenario->adds)
            kw_authworld_add_grant(world);
        else
            right &= kw_authworld_decide(world) == wanted;
    }
    kw_authworld_free(world);
    if (!right)
        kw_bench_fail(state, "a decision was wrong");
    return right ? 0 : -EINVAL;
}

/* A call that both kinds of limits count. */
static int run_quotas(struct kw_bench_state *state, void *arg)
{
    struct kw_quotas *quotas = NULL;
    struct kw_quotatable table;
    struct kw_quota_rate principal;
    uint64_t now_ns = kw_now_ns();
    bool taken = true;

    (void)arg;
    kw_quotatable_init(&table, true);
    if (kw_quota_rate_parse(KW_LIT("1000"), KW_LIT(""), &principal) != 0 ||
        kw_quotas_new(&quotas, &table, principal) != 0) {
        kw_bench_fail(state, "quotas cannot be set up");
        return -EIO;
    }
    while (kw_bench_keep_running(state, 1)) {
        now_ns += 1000000000; /* so that each call finds its buckets full */
        taken &= kw_quota_take_principal(quotas, KW_LIT("AIDAAAAAAAAAAAAAAAAAA"), now_ns) &&
                 kw_quota_take(quotas, KW_LIT("000000000000"), KW_LIT("us-east-1"),
                     "GenerateDataKeyPairWithoutPlaintext", KW_LIT("RSA_2048"), now_ns);
    }
    kw_quotas_free(quotas);
    if (!taken)
        kw_bench_fail(state, "a call was throttled");
    return taken ? 0 : -EINVAL;
}

static void add(struct scenario *scenario)
{
    if (scenario->plan.num_grants > 0)
        snprintf(scenario->full_name, sizeof(scenario->full_name), "%s/%u%s", scenario->name,
            scenario->plan.num_grants, scenario->plan.refused ? "/refused" : "");
    else
        snprintf(scenario->full_name, sizeof(scenario->full_name), "%s%s", scenario->name,
            scenario->plan.refused ? "/refused" : "");
    kw_bench_register(&(struct kw_bench){.name = scenario->full_name, .run = run, .arg = scenario});
}

static struct scenario by_policy[] = {
    {.name = "identity_policy/1", .plan = {.identity_statements = 1}},
    {.name = "identity_policy/20", .plan = {.identity_statements = 20}},
    {.name = "identity_policy/100", .plan = {.identity_statements = 100}},
    {.name = "key_policy/1", .plan = {.key_statements = 1}},
    {.name = "key_policy/20", .plan = {.key_statements = 20}},
    {.name = "key_policy/100", .plan = {.key_statements = 100}},
    {.name = "key_policy/100", .plan = {.key_statements = 100, .refused = true}},
    {.name = "key_policy/100_of_others", .plan = {.key_statements = 100, .of_others = true}},
    {.name = "no_policy_and_no_grant", .plan = {.refused = true}},
};

static struct scenario by_grants[] = {
    {.name = "grants/of_many_users", .plan = {.grants = KW_GRANTS_OF_MANY}},
    {.name = "grants/of_many_users", .plan = {.grants = KW_GRANTS_OF_MANY, .refused = true}},
    {.name = "grants/context_equals", .plan = {.grants = KW_GRANTS_EQUALS}},
    {.name = "grants/context_equals", .plan = {.grants = KW_GRANTS_EQUALS, .refused = true}},
    {.name = "grants/context_subset", .plan = {.grants = KW_GRANTS_SUBSET}},
    {.name = "grants/context_subset", .plan = {.grants = KW_GRANTS_SUBSET, .refused = true}},
    {.name = "grants/two_pairs_of_eight", .plan = {.grants = KW_GRANTS_PAIRS}},
    {.name = "grants/two_pairs_of_eight", .plan = {.grants = KW_GRANTS_PAIRS, .refused = true}},
    {.name = "grants/same_subset", .plan = {.grants = KW_GRANTS_OPERATIONS}},
    {.name = "grants/same_subset", .plan = {.grants = KW_GRANTS_OPERATIONS, .refused = true}},
    {.name = "grants/add_one", .plan = {.grants = KW_GRANTS_EQUALS}, .adds = true},
};

int main(int argc, char **argv)
{
    static struct scenario with_grants[2 * KW_ARRAY_LEN(by_grants)];
    const char *setting = getenv("KEYWELL_BENCH_GRANTS");
    uint32_t many = setting != NULL ? (uint32_t)strtoul(setting, NULL, 10) : GRANTS_MANY;
    char model[64];

    if (kw_crypto_init() != 0 || many < 2) {
        fprintf(stderr, "authorise: cannot set up\n");
        return 1;
    }
    kw_json_init();
    kw_cpu_model(model);
    kw_bench_context("cpu", model);
    for (size_t i = 0; i < KW_ARRAY_LEN(by_policy); i++)
        add(&by_policy[i]);
    for (size_t i = 0; i < KW_ARRAY_LEN(with_grants); i++) {
        with_grants[i] = by_grants[i / 2];
        with_grants[i].plan.num_grants = i % 2 == 0 ? KW_MIN(GRANTS_SOME, many / 2) : many;
        add(&with_grants[i]);
    }
    kw_bench_register(&(struct kw_bench){.name = "quotas/taken", .run = run_quotas});
    return kw_bench_main(argc, argv);
}
