#include "pool/slots.h"

#include <stdlib.h>

static uint32_t round_up(size_t size, size_t multiple)
{
    return (uint32_t)((size + multiple - 1) / multiple * multiple);
}

struct layout {
    uint32_t size;
    uint32_t private_offset;
};

static struct layout layout_of(enum kw_spec spec)
{
    const struct kw_spec_info *info = kw_spec_info(spec);
    uint32_t private_offset = round_up(KW_BASE64_LEN(info->public_max), 16);

    return (struct layout){round_up(private_offset + info->private_max, KW_CACHE_LINE), private_offset};
}

int kw_slots_init(struct kw_slots *slots, enum kw_spec spec, uint32_t num)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    kw_assert(num >= 1 && info->public_max <= UINT16_MAX && info->private_max <= UINT16_MAX);
    struct layout layout = layout_of(spec);
    struct kw_slots made = {.num = num, .size = layout.size, .private_offset = layout.private_offset};
    /* Zero is KW_SLOT_FREE. */
    made.infos = calloc(num, sizeof(*made.infos));
    if (made.infos == NULL || kw_secmem_map(&made.map, (size_t)num * made.size) < 0) {
        free(made.infos);
        return -ENOMEM;
    }
    made.memory = made.map.ptr;
    *slots = made;
    return 0;
}

void kw_slots_done(struct kw_slots *slots)
{
    for (uint32_t i = 0; slots->infos != NULL && i < slots->num; i++) {
        /* Relaxed: the caller says that no other call runs. */
        uint32_t state = atomic_load_explicit(&slots->infos[i].state, memory_order_relaxed);
        kw_assert(state == KW_SLOT_FREE || state == KW_SLOT_READY);
    }
    kw_secmem_unmap(&slots->map);
    free(slots->infos);
    *slots = (struct kw_slots){0};
}

size_t kw_slots_bytes_of(enum kw_spec spec, size_t num)
{
    return kw_secmem_map_len(num * layout_of(spec).size) + num * sizeof(struct kw_slot_info);
}

size_t kw_slots_bytes(const struct kw_slots *slots)
{
    return slots->map.len + slots->num * sizeof(*slots->infos);
}

void kw_slots_encode_public(struct kw_slots *slots, uint32_t index, size_t len)
{
    uint8_t der[KW_SPEC_PUBLIC_MAX];
    uint8_t *text = kw_slots_public(slots, index);

    kw_assert(index < slots->num && len <= sizeof(der) && KW_BASE64_LEN(len) <= slots->private_offset);
    memcpy(der, text, len);
    kw_base64_encode(KW_BYTES(der, len), (char *)text);
    slots->infos[index].public_len = (uint16_t)KW_BASE64_LEN(len);
}

void kw_slots_turn(struct kw_slots *slots, uint32_t index, enum kw_slot_state from, enum kw_slot_state to)
{
    kw_assert(index < slots->num);
    /* Relaxed: what orders the slot's bytes is the push and pop of its index (L1 to L3 in idlist.c). */
    uint32_t was = atomic_exchange_explicit(&slots->infos[index].state, to, memory_order_relaxed);
    kw_assert(was == from);
}

void kw_slots_prefetch(const struct kw_slots *slots, uint32_t index)
{
    const uint8_t *slot = kw_slots_public(slots, index);

    /* For writing: the slot is wiped after it was read. */
    for (uint32_t at = 0; at < slots->size; at += KW_CACHE_LINE)
        __builtin_prefetch(slot + at, 1, 2);
}

void kw_slots_wipe(struct kw_slots *slots, uint32_t index)
{
    kw_assert(index < slots->num);
    kw_erase(kw_slots_public(slots, index), slots->size);
    slots->infos[index].public_len = 0;
    slots->infos[index].private_len = 0;
}
