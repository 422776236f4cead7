#include "api/generations.h"

static void copy_one(
    struct kw_generation *to, const struct kw_generation *from, const struct kw_generation *own)
{
    *to = own != NULL ? *own : *from;
    to->pending = from->pending;
    if (own != NULL)
        return;
    to->material = NULL;
    to->valid_to_ms = 0;
    to->description = NULL;
}

int kw_generations_copy(
    struct kw_generations *to, const struct kw_kms_key *key, const struct kw_kms_key *primary)
{
    const struct kw_kms_key *from = primary != NULL ? primary : key;

    KW_REQUIRE(from->num_generations <= KW_GENERATIONS_IMPORTED_MAX, KW_GENERATIONS_FULL);
    to->num = from->num_generations;
    to->current = from->current;
    for (uint32_t i = 0; i < to->num; i++)
        copy_one(&to->item[i], &from->generations[i], kw_kms_key_generation(key, from->generations[i].id));
    return 0;
}

struct kw_generation *kw_generations_find(struct kw_generations *in, const uint8_t id[KW_MATERIAL_ID_LEN])
{
    for (uint32_t i = 0; i < in->num; i++) {
        if (memcmp(in->item[i].id, id, KW_MATERIAL_ID_LEN) == 0)
            return &in->item[i];
    }
    return NULL;
}

struct kw_generation *kw_generations_pending(struct kw_generations *in)
{
    for (uint32_t i = 0; i < in->num; i++) {
        if (in->item[i].pending)
            return &in->item[i];
    }
    return NULL;
}

void kw_generations_drop(struct kw_generations *in, const struct kw_generation *generation)
{
    uint32_t index = (uint32_t)(generation - in->item);

    kw_assert(index < in->num && index != in->current);
    memmove(&in->item[index], &in->item[index + 1], (in->num - index - 1) * sizeof(in->item[0]));
    in->num--;
    in->current -= in->current > index ? 1 : 0;
}

int kw_generations_add(struct kw_generations *in, const struct kw_generation *added)
{
    struct kw_generation *pending = kw_generations_pending(in);

    KW_REQUIRE(kw_generations_find(in, added->id) == NULL, KW_GENERATIONS_KNOWN);
    KW_REQUIRE(pending == NULL || pending->material == NULL, KW_GENERATIONS_PENDING);
    KW_REQUIRE(pending != NULL || in->num < KW_GENERATIONS_IMPORTED_MAX, KW_GENERATIONS_FULL);
    if (pending != NULL)
        kw_generations_drop(in, pending);
    in->item[in->num] = *added;
    in->item[in->num].pending = in->num > 0;
    in->current += in->num > 0 && in->current == in->num ? 1 : 0; /* none is current, and that stays */
    in->num++;
    return 0;
}

void kw_generations_put(const struct kw_generations *in, struct kw_kms_key *edit)
{
    edit->generations = in->item;
    edit->num_generations = in->num;
    edit->current = in->current;
}

void kw_generations_forget(struct kw_generations *in, uint32_t index, struct kw_kms_key *edit)
{
    kw_assert(index < in->num);
    in->item[index].material = NULL;
    in->item[index].valid_to_ms = 0;
    kw_generations_put(in, edit);
    if (!in->item[index].pending && (edit->state == KW_KEY_ENABLED || edit->state == KW_KEY_DISABLED))
        edit->state = KW_KEY_PENDING_IMPORT;
}
