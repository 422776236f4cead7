/* ReplicateKey and UpdatePrimaryRegion: multi-Region keys. */
#include "api/callauthz.h"
#include "api/keymeta.h"
#include "api/operations.h"
#include "api/policydoc.h"
#include "api/region.h"
#include "api/related.h"

#include <stdio.h>
#include <stdlib.h>

static struct kw_bytes bytes(const char *text)
{
    return kw_bytes_str(text);
}

/* The related key of call->key in another region, or NULL. */
static const struct kw_kms_key *relative(const struct kw_call *call, struct kw_bytes region)
{
    return kw_snapshot_key(call->snapshot, bytes(call->key->account), region, call->key->id);
}

static bool is_related(const struct kw_kms_key *key, struct kw_bytes region)
{
    for (uint32_t i = 0; i < key->num_regions; i++) {
        if (kw_bytes_equal(region, bytes(key->regions[i])))
            return true;
    }
    return false;
}

static bool same_partition(const char *a, const char *b)
{
    return strcmp(kw_region_partition(a), kw_region_partition(b)) == 0;
}

/* The member that names the other region; ret holds it with its NUL. */
static int read_region(struct kw_call *call, const char *member, char ret[KW_REGION_MAX + 1])
{
    struct kw_bytes name = kw_input_string(call->input, member);

    if (!kw_region_valid(name))
        return kw_call_internal(call); /* the shape's pattern is the same */
    memcpy(ret, name.ptr, name.len);
    ret[name.len] = '\0';
    if (!kw_region_in(name, kw_call_service(call)->regions))
        return kw_call_refuse(
            call, KW_ERROR_VALIDATION, "The Region %s is not one of those that this server serves.", ret);
    if (!same_partition(ret, call->region))
        return kw_call_refuse(call, KW_ERROR_VALIDATION,
            "The Region %s is not in the AWS partition %s of the primary key.", ret,
            kw_region_partition(call->region));
    return KW_CALL_DONE;
}

/* The primary key that KeyId names, in a state that allows the operation. */
static int find_primary(struct kw_call *call)
{
    int r = kw_call_find_key(call, kw_input_string(call->input, "KeyId"), false);

    if (r != KW_CALL_DONE)
        return r;
    if (!call->key->multi_region || kw_related_is_replica(call->key))
        return kw_call_refuse(
            call, KW_ERROR_UNSUPPORTED, "%s is not a multi-region primary key.", call->key->arn);
    return kw_call_require_state(call);
}

/* The ARN that the related key in a region has, or would have. */
static void relative_arn(const struct kw_kms_key *key, const char *region, char *ret, size_t cap)
{
    snprintf(
        ret, cap, "arn:%s:kms:%s:%s:key/%s", kw_region_partition(region), region, key->account, key->id_text);
}

/* The picture that is being changed lets go of a key when its successor comes; who still reads it holds it.
 */
static struct kw_kms_key *hold(const struct kw_kms_key *key)
{
    return (struct kw_kms_key *)(uintptr_t)kw_kms_key_ref(key);
}

/* Puts edit, and into each key that is related to it the same list of regions and the same primary. What edit
 * borrows from is not in the picture only: the caller holds it. */
static int put_family(struct kw_call *call, const struct kw_kms_key *edit)
{
    int r = kw_call_put_key(call, edit);

    for (uint32_t i = 0; r == KW_CALL_DONE && i < edit->num_regions; i++) {
        const struct kw_kms_key *other = kw_related_at(call->snapshot, edit, i);
        struct kw_kms_key changed;

        if (other == NULL)
            continue;
        changed = *other;
        changed.primary_region = edit->primary_region;
        changed.num_regions = edit->num_regions;
        changed.regions = edit->regions;
        r = kw_call_put_key(call, &changed);
    }
    return r;
}

/* ---- ReplicateKey ---- */

struct replica {
    struct kw_kms_key edit;
    char region[KW_REGION_MAX + 1];
    const char *regions[KW_REGIONS_MAX];
    struct kw_tag tags[KW_TAGS_MAX];
    struct kw_generation *generations; /* owned */
    struct kw_kms_key *primary;        /* held: edit borrows its texts */
};

static void replica_done(struct replica *replica)
{
    free(replica->generations);
    kw_kms_key_unref(replica->primary);
}

static int check_room(struct kw_call *call, const char *region)
{
    struct kw_place place = kw_place_account(bytes(call->key->account), bytes(region));
    char arn[KW_ARN_MAX];

    relative_arn(call->key, region, arn, sizeof(arn));
    if (is_related(call->key, bytes(region)) || relative(call, bytes(region)) != NULL)
        return kw_call_refuse(call, KW_ERROR_ALREADY_EXISTS, "Key %s already exists", arn);
    if (call->key->num_regions >= KW_REGIONS_MAX)
        return kw_call_refuse(
            call, KW_ERROR_LIMIT_EXCEEDED, "%s has as many replicas as it may have.", call->key->arn);
    if (kw_snapshot_count(&call->snapshot->keys, &place) >= KW_KEYS_MAX)
        return kw_call_refuse(
            call, KW_ERROR_LIMIT_EXCEEDED, "This account has as many KMS keys as it may have.");
    return KW_CALL_DONE;
}

/* Each related key gets imported material by itself: the replica knows which, and has none. */
static int forget_imported(struct kw_call *call, struct replica *replica)
{
    struct kw_kms_key *edit = &replica->edit;

    edit->state = KW_KEY_PENDING_IMPORT;
    if (edit->num_generations == 0)
        return KW_CALL_DONE;
    replica->generations = calloc(edit->num_generations, sizeof(*replica->generations));
    if (replica->generations == NULL)
        return kw_call_internal(call);
    for (uint32_t i = 0; i < edit->num_generations; i++) {
        replica->generations[i] = edit->generations[i];
        replica->generations[i].material = NULL;
        replica->generations[i].valid_to_ms = 0;
        replica->generations[i].description = NULL;
    }
    edit->generations = replica->generations;
    return KW_CALL_DONE;
}

/* What related keys share is the primary's: id, spec, usage, origin, material, rotation. All else is new. */
static int derive_replica(struct kw_call *call, struct replica *replica, struct kw_policy **ret_policy)
{
    struct kw_kms_key *edit = &replica->edit;

    replica->primary = hold(call->key);
    *edit = *replica->primary;
    edit->region = replica->region;
    edit->created_ms = call->now_ms;
    edit->description = NULL;
    edit->tags = replica->tags;
    edit->num_tags = 0;
    edit->lastuse = NULL;
    memcpy(replica->regions, edit->regions, edit->num_regions * sizeof(*replica->regions));
    replica->regions[edit->num_regions++] = replica->region;
    edit->regions = replica->regions;
    if (kw_keymeta_read_description(call, edit) != KW_CALL_DONE ||
        kw_keymeta_read_tags(call, replica->tags, &edit->num_tags) != KW_CALL_DONE ||
        kw_keymeta_read_policy(call, NULL, ret_policy) != KW_CALL_DONE)
        return KW_CALL_REFUSED;
    edit->policy = *ret_policy;
    return edit->origin == KW_ORIGIN_EXTERNAL ? forget_imported(call, replica) : KW_CALL_DONE;
}

/* The replica is a key that is made in its Region. */
static int authorize_replica(struct kw_call *call)
{
    int r = kw_call_authorize_as(call, "CreateKey", "*");

    if (r == KW_CALL_DONE && kw_value_num(kw_input_array(call->input, "Tags")) > 0)
        r = kw_call_authorize_as(call, "TagResource", "*");
    return r;
}

static int check_replicate(struct kw_call *call, struct replica *replica, struct kw_policy **ret_policy)
{
    int r = find_primary(call);

    if (r == KW_CALL_DONE)
        r = read_region(call, "ReplicaRegion", replica->region);
    if (r == KW_CALL_DONE)
        r = authorize_replica(call);
    if (r == KW_CALL_DONE)
        r = check_room(call, replica->region);
    return r == KW_CALL_DONE ? derive_replica(call, replica, ret_policy) : r;
}

#define REPLICA KW_CLEANUP(replica_done)

static int run_replicate(struct kw_call *call)
{
    KW_POLICY struct kw_policy *policy = NULL;
    REPLICA struct replica replica = {.primary = NULL};
    int r = check_replicate(call, &replica, &policy);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_replicate(struct kw_call *call)
{
    KW_POLICY struct kw_policy *policy = NULL;
    REPLICA struct replica replica = {.primary = NULL};
    int r = check_replicate(call, &replica, &policy);

    return r == KW_CALL_DONE ? put_family(call, &replica.edit) : r;
}

static int write_policy(struct kw_call *call, struct kw_json_out *out, const struct kw_kms_key *key)
{
    KW_SBUF struct kw_sbuf policy = KW_SBUF_INIT(KW_POLICYDOC_PRINTED_MAX);

    if (key->policy != NULL)
        kw_sbuf_put_bytes(&policy, kw_policy_text(key->policy));
    else
        kw_policydoc_default(key->account, kw_region_partition(key->region), &policy);
    if (!kw_sbuf_ok(&policy))
        return kw_call_internal(call);
    kw_json_key(out, "ReplicaPolicy");
    kw_json_string(out, kw_sbuf_bytes(&policy));
    return KW_CALL_DONE;
}

static void write_tags(struct kw_json_out *out, const struct kw_kms_key *key)
{
    if (key->num_tags == 0)
        return;
    kw_json_key(out, "ReplicaTags");
    kw_json_begin_array(out);
    for (uint32_t i = 0; i < key->num_tags; i++) {
        kw_json_begin_object(out);
        kw_call_write_text(out, "TagKey", key->tags[i].key);
        kw_call_write_text(out, "TagValue", key->tags[i].value);
        kw_json_end_object(out);
    }
    kw_json_end_array(out);
}

/* AWS answers before the replica is ready, so clients wait until it is; it is already. */
static int write_replica(struct kw_call *call, const struct kw_kms_key *key)
{
    struct kw_json_out out = KW_JSON_OUT(&call->exchange->answer);
    struct kw_kms_key shown = *key;
    int r;

    shown.state = KW_KEY_CREATING;
    kw_json_begin_object(&out);
    kw_keymeta_write(call, &out, "ReplicaKeyMetadata", &shown);
    r = write_policy(call, &out, key);
    write_tags(&out, key);
    kw_json_end_object(&out);
    return r;
}

static int stored_replicate(struct kw_call *call)
{
    const struct kw_kms_key *key = NULL;

    call->key = kw_call_peek_key(call, kw_input_string(call->input, "KeyId"));
    if (call->key != NULL)
        key = relative(call, kw_input_string(call->input, "ReplicaRegion"));
    if (key == NULL)
        return kw_call_internal(call);
    kw_call_show_key(call, key);
    return write_replica(call, key);
}

const struct kw_operation kw_op_replicate_key = {
    .model = &kw_model_replicate_key,
    .states = KW_STATES_REPLICATE,
    .run = run_replicate,
    .apply = apply_replicate,
    .stored = stored_replicate,
    .note =
        "The answer says Creating, as AWS's does; the replica is Enabled (with imported key material: "
        "PendingImport) at the next look. ReplicaRegion must be among the Regions that the server serves.",
};

/* ---- UpdatePrimaryRegion ---- */

static int find_next_primary(struct kw_call *call, const char *region, const struct kw_kms_key **ret)
{
    const struct kw_kms_key *key =
        is_related(call->key, bytes(region)) ? relative(call, bytes(region)) : NULL;
    enum kw_error verdict;
    char arn[KW_ARN_MAX];
    int r;

    if (key == NULL) {
        relative_arn(call->key, region, arn, sizeof(arn));
        return kw_call_refuse(call, KW_ERROR_NOT_FOUND, "Key '%s' does not exist", arn);
    }
    r = kw_call_authorize_key(call, key);
    if (r != KW_CALL_DONE)
        return r;
    verdict = kw_keystate_verdict(call->operation->states, key->state);
    if (verdict != KW_ERROR_NONE)
        return kw_call_refuse(
            call, verdict, "%s is %s.", key->arn, kw_keystate_text(call->operation->states, key->state));
    *ret = key;
    return KW_CALL_DONE;
}

static int check_primary(struct kw_call *call, const struct kw_kms_key **ret)
{
    char region[KW_REGION_MAX + 1];
    int r = find_primary(call);

    if (r == KW_CALL_DONE)
        r = read_region(call, "PrimaryRegion", region);
    if (r == KW_CALL_DONE && strcmp(region, call->region) == 0)
        return kw_call_refuse(call, KW_ERROR_UNSUPPORTED,
            "%s is already the primary key; PrimaryRegion must be the Region of a replica.", call->key->arn);
    return r == KW_CALL_DONE ? find_next_primary(call, region, ret) : r;
}

static int run_primary(struct kw_call *call)
{
    const struct kw_kms_key *next;
    int r = check_primary(call, &next);

    return r == KW_CALL_DONE ? KW_CALL_WAIT_STORE : r;
}

static int apply_primary(struct kw_call *call)
{
    const struct kw_kms_key *next = NULL;
    KW_KMS_KEY struct kw_kms_key *held = NULL;
    struct kw_kms_key edit;
    int r = check_primary(call, &next);

    if (r != KW_CALL_DONE)
        return r;
    kw_assert(next != NULL);
    held = hold(next);
    edit = *held;
    edit.primary_region = held->region;
    return put_family(call, &edit);
}

const struct kw_operation kw_op_update_primary_region = {
    .model = &kw_model_update_primary_region,
    .states = KW_STATES_REPLICATE,
    .run = run_primary,
    .apply = apply_primary,
    .note = "All related keys change in one step, so none is ever seen in the state Updating.",
};
