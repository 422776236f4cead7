/* keygen_json - the report for programs. */
#include "bench/keygen.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* JSON has no NAN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static int add_what(
    json_t *json, const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    int r = 0;

    r |= json_object_set_new(json, "spec", json_string(kw_spec_info(options->spec)->name));
    r |= json_object_set_new(json, "cpu_path", json_string(kw_cpu_path_name(options->path)));
    r |= json_object_set_new(json, "cpu", json_string(result->cpu_model));
    r |= json_object_set_new(json, "core", count(options->cpu));
    r |= json_object_set_new(json, "generator", json_string(result->generator));
    r |= json_object_set_new(json, "interrupted", json_boolean(result->interrupted));
    return r;
}

static int add_side(json_t *json, const char *prefix, const struct kw_turns *turns)
{
    struct kw_figure rate = kw_turns_rate(turns);
    const struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"pairs", count(turns->sum.pairs)},
        {"failures", count(turns->sum.failures)},
        {"cpu_seconds", number(turns->sum.cpu_s)},
        {"wall_seconds", number(turns->sum.wall_s)},
        {"pairs_per_second", number(rate.value)},
        {"standard_error", number(rate.error)},
    };
    int r = 0;

    for (size_t i = 0; i < KW_ARRAY_LEN(fields); i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s%s", prefix, fields[i].name);
        r |= json_object_set_new(json, name, fields[i].value);
    }
    return r;
}

static int add_comparison(
    json_t *json, const struct kw_keygen_result *result, const struct kw_keygen_outcome *outcome)
{
    int r = add_side(json, "", &result->turns[KW_ENTRANT_OURS]);

    r |= json_object_set_new(json, "openssl_version", json_string(result->openssl_version));
    r |= json_object_set_new(json, "openssl_side", json_string(result->openssl_side->name));
    r |= json_object_set_new(json, "openssl_same_process", json_boolean(!result->openssl_apart));
    r |= add_side(json, "openssl_", &result->turns[KW_ENTRANT_OPENSSL]);
    r |= json_object_set_new(json, "ratio", number(outcome->ratio.value));
    r |= json_object_set_new(json, "ratio_standard_error", number(outcome->ratio.error));
    r |= json_object_set_new(json, "ifma_per_ns", number(result->ifma_per_ns));
    r |= json_object_set_new(json, "limit_pairs_per_second", number(outcome->limit));
    r |= json_object_set_new(json, "share_of_limit", number(outcome->share_of_limit.value));
    r |= json_object_set_new(json, "share_of_limit_standard_error", number(outcome->share_of_limit.error));
    return r;
}

/* One object for each, null for who did not take part. */
static json_t *side(const struct kw_turns *turns)
{
    json_t *json = turns->num > 0 ? json_object() : json_null();

    if (turns->num > 0)
        (void)add_side(json, "", turns);
    return json;
}

static int add_others(
    json_t *json, const struct kw_keygen_result *result, const struct kw_keygen_outcome *outcome)
{
    const struct kw_turns *keys = &result->ec.parts[KW_EC_PART_DERIVING];
    int r = 0;

    r |= json_object_set_new(json, "portable", side(&result->turns[KW_ENTRANT_PORTABLE]));
    r |= json_object_set_new(json, "untested", side(&result->turns[KW_ENTRANT_UNTESTED]));
    r |= json_object_set_new(json, "openssl_bare", side(&result->turns[KW_ENTRANT_BARE]));
    r |= json_object_set_new(json, "ratio_to_bare", number(outcome->ratio_to_bare.value));
    r |= json_object_set_new(json, "ratio_to_bare_standard_error", number(outcome->ratio_to_bare.error));
    r |= json_object_set_new(json, "public_keys", side(keys));
    r |= json_object_set_new(json, "ifma_per_public_key", number(outcome->ifma_per_key));
    return r;
}

static json_t *shares_of_search(const struct kw_stages *stages)
{
    json_t *json = json_object();

    for (enum kw_stage i = 0; i < KW_STAGE_NUM; i++)
        (void)json_object_set_new(json, kw_stage_name(i), number(stages->share[i]));
    return json;
}

static json_t *shares_of_batch(const struct kw_keygen_outcome *outcome)
{
    json_t *json = json_object();

    for (enum kw_ec_part i = 0; i < KW_EC_PART_NUM; i++)
        (void)json_object_set_new(json, kw_ec_part_name(i), number(outcome->shares[i]));
    (void)json_object_set_new(json, "other", number(outcome->share_other));
    return json;
}

static int add_kernel(json_t *json, const char *kernel, unsigned lanes, json_t *shares)
{
    int r = 0;

    r |= json_object_set_new(json, "kernel", kernel != NULL ? json_string(kernel) : json_null());
    r |= json_object_set_new(json, "lanes", kernel != NULL ? count(lanes) : json_null());
    r |= json_object_set_new(json, "shares", shares);
    return r;
}

static int add_stages(
    json_t *json, const struct kw_keygen_result *result, const struct kw_keygen_outcome *outcome)
{
    const struct kw_stages *stages = &result->stages;
    const struct kw_ec_plan *plan = &result->ec.plan;
    bool known = stages->known;
    int r;

    if (known)
        r = add_kernel(json, stages->plan.kernel, stages->plan.lanes, shares_of_search(stages));
    else if (result->ec.known)
        r = add_kernel(json, plan->kernel, plan->lanes, shares_of_batch(outcome));
    else
        r = add_kernel(json, NULL, 0, json_null());
    r |= json_object_set_new(json, "batch", result->ec.known ? count(plan->batch) : json_null());
    r |= json_object_set_new(json, "lane_use", number(known ? stages->lane_use : NAN));
    r |= json_object_set_new(json, "sieve_bound", known ? count(stages->plan.sieve_bound) : json_null());
    r |= json_object_set_new(json, "tests_per_prime", number(known ? stages->tests_per_prime : NAN));
    r |= json_object_set_new(json, "rounds_per_prime", number(known ? stages->rounds_per_prime : NAN));
    r |= json_object_set_new(json, "test_ns", number(known ? stages->test_ns : NAN));
    return r;
}

static json_t *several(const struct kw_keygen_cores *cores)
{
    if (cores->num == 0)
        return json_null();
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "cores", (int)cores->num,
        "one_pairs_per_second", number(cores->one.value), "one_standard_error", number(cores->one.error),
        "all_pairs_per_second", number(cores->all.value), "all_standard_error", number(cores->all.error),
        "one_pairs_per_wall_second", number(cores->one_by_wall), "all_pairs_per_wall_second",
        number(cores->all_by_wall), "efficiency", number(cores->efficiency.value),
        "efficiency_standard_error", number(cores->efficiency.error));
}

int kw_keygen_print_json(const struct kw_keygen_options *options, const struct kw_keygen_result *result)
{
    struct kw_keygen_outcome outcome;
    json_t *json = json_object();
    int r = add_what(json, options, result);

    kw_keygen_outcome(options, result, &outcome);
    r |= add_comparison(json, result, &outcome);
    r |= add_others(json, result, &outcome);
    r |= add_stages(json, result, &outcome);
    r |= json_object_set_new(json, "several_cores", several(&result->cores));
    if (r == 0)
        r = json_dumpf(json, stdout, JSON_REAL_PRECISION(9));
    putchar('\n');
    fflush(stdout);
    json_decref(json);
    return r == 0 ? 0 : -ENOMEM;
}
