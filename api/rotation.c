#include "api/rotation.h"

#include "api/related.h"

#include <stdlib.h>

uint32_t kw_rotation_pending(const struct kw_kms_key *key)
{
    for (uint32_t i = 0; i < key->num_generations; i++) {
        if (key->generations[i].pending && key->generations[i].material != NULL)
            return i;
    }
    return key->num_generations;
}

int64_t kw_rotation_next_ms(uint32_t days, int64_t due_ms, int64_t now_ms)
{
    int64_t period_ms = (int64_t)(days != 0 ? days : KW_ROTATION_DAYS_DEFAULT) * KW_DAY_MS;

    return due_ms != 0 && due_ms + period_ms > now_ms ? due_ms + period_ms : now_ms + period_ms;
}

bool kw_rotation_material_complete(const struct kw_kms_key *key)
{
    if (kw_kms_key_current(key) == NULL)
        return false;
    for (uint32_t i = 0; i < key->num_generations; i++) {
        if (!key->generations[i].pending && key->generations[i].material == NULL)
            return false;
    }
    return true;
}

/* One rotation, of a key and all that are related to it. */
struct rotation {
    struct kw_tx *tx;
    const struct kw_material *material; /* NULL: that of the generation `id` */
    uint8_t id[KW_MATERIAL_ID_LEN];
    enum kw_rotation_type type;
    int64_t now_ms;
};

/* The index of the generation that becomes current; num_generations: one more is added. */
static int find_next(const struct rotation *rotation, const struct kw_kms_key *key, uint32_t *ret)
{
    uint32_t next = rotation->material != NULL ? key->num_generations : kw_rotation_pending(key);

    if (rotation->material != NULL && key->num_generations >= KW_GENERATIONS_MAX)
        return KW_ROTATION_FULL;
    if (rotation->material == NULL &&
        (next == key->num_generations ||
            memcmp(key->generations[next].id, rotation->id, KW_MATERIAL_ID_LEN) != 0))
        return KW_ROTATION_NOT_READY;
    *ret = next;
    return 0;
}

static void make_current(
    const struct rotation *rotation, struct kw_generation *generations, uint32_t num, uint32_t next)
{
    struct kw_generation *generation = &generations[next];

    if (next == num) {
        *generation = (struct kw_generation){.material = rotation->material, .created_ms = rotation->now_ms};
        memcpy(generation->id, rotation->id, KW_MATERIAL_ID_LEN);
    }
    generation->pending = false;
    generation->rotated_ms = rotation->now_ms;
    generation->rotation = rotation->type;
}

static int put(const struct rotation *rotation, const struct kw_kms_key *key)
{
    struct kw_kms_key edit = *key;
    struct kw_generation *generations;
    uint32_t next;
    int r = find_next(rotation, key, &next);

    kw_assert(r == 0); /* they were all checked first */
    generations = calloc((size_t)key->num_generations + 1, sizeof(*generations));
    KW_REQUIRE(generations != NULL, -ENOMEM);
    if (key->num_generations > 0)
        memcpy(generations, key->generations, key->num_generations * sizeof(*generations));
    make_current(rotation, generations, key->num_generations, next);
    edit.generations = generations;
    edit.num_generations += next == key->num_generations ? 1 : 0;
    edit.current = next;
    if (rotation->type == KW_ROTATION_ON_DEMAND)
        edit.num_on_demand++;
    else if (key->rotates)
        edit.rotation_next_ms =
            kw_rotation_next_ms(key->rotation_days, key->rotation_next_ms, rotation->now_ms);
    r = kw_tx_put_key(rotation->tx, &edit);
    free(generations);
    kw_assert(r <= 0); /* an entity's own texts are fine */
    return r;
}

static int check_all(const struct rotation *rotation, const struct kw_kms_key *key)
{
    uint32_t next;
    int r = find_next(rotation, key, &next);

    for (uint32_t i = 0; r == 0 && i < key->num_regions; i++) {
        const struct kw_kms_key *other = kw_related_at(rotation->tx->snapshot, key, i);

        r = other != NULL ? find_next(rotation, other, &next) : 0;
    }
    return r;
}

int kw_rotate(struct kw_tx *tx, const struct kw_kms_key *key, const struct kw_material *material,
    enum kw_rotation_type type, int64_t now_ms)
{
    struct rotation rotation = {.tx = tx, .material = material, .type = type, .now_ms = now_ms};
    uint32_t pending = kw_rotation_pending(key);
    int r;

    kw_assert((material != NULL) == (key->origin == KW_ORIGIN_AWS_KMS));
    if (material == NULL && pending == key->num_generations)
        return KW_ROTATION_NOT_READY;
    memcpy(rotation.id, material != NULL ? material->id : key->generations[pending].id, sizeof(rotation.id));
    r = check_all(&rotation, key);
    if (r != 0)
        return r;
    /* The key itself last: when it is replaced, the list of regions may be gone. */
    for (uint32_t i = 0; i < key->num_regions; i++) {
        const struct kw_kms_key *other = kw_related_at(tx->snapshot, key, i);

        if (other != NULL)
            KW_TRY(put(&rotation, other));
    }
    return put(&rotation, key);
}
