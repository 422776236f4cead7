#include "api/material.h"

#include "pool/secmem.h"

/* The count stands before what everyone else sees as constant. */
struct box {
    _Atomic uint32_t refs;
    struct kw_material material;
    uint8_t bytes[];
};

static struct box *box_of(const struct kw_material *material)
{
    return KW_CONTAINER_OF((struct kw_material *)(uintptr_t)material, struct box, material);
}

int kw_material_new(struct kw_material **ret, const uint8_t id[KW_MATERIAL_ID_LEN], struct kw_bytes secret,
    struct kw_bytes public_der)
{
    struct box *box;

    KW_REQUIRE(secret.len > 0 && secret.len <= KW_MATERIAL_SECRET_MAX, 1);
    KW_REQUIRE(public_der.len <= KW_MATERIAL_PUBLIC_MAX, 1);
    box = kw_secmem_alloc(sizeof(*box) + secret.len + public_der.len);
    KW_REQUIRE(box != NULL, -ENOMEM);

    atomic_init(&box->refs, 1);
    atomic_init(&box->material.asym, NULL);
    memcpy(box->material.id, id, KW_MATERIAL_ID_LEN);
    memcpy(box->bytes, secret.ptr, secret.len);
    box->material.secret = KW_BYTES(box->bytes, secret.len);
    if (public_der.len > 0) {
        memcpy(box->bytes + secret.len, public_der.ptr, public_der.len);
        box->material.public_der = KW_BYTES(box->bytes + secret.len, public_der.len);
    }
    *ret = &box->material;
    return 0;
}

const struct kw_material *kw_material_ref(const struct kw_material *material)
{
    uint32_t before = atomic_fetch_add_explicit(&box_of(material)->refs, 1, memory_order_relaxed);

    kw_assert(before > 0 && before < UINT32_MAX);
    return material;
}

void kw_material_unref(const struct kw_material *material)
{
    struct box *box;
    uint32_t before;

    if (material == NULL)
        return;
    box = box_of(material);
    before = atomic_fetch_sub_explicit(&box->refs, 1, memory_order_release); /* M1 */
    kw_assert(before > 0);
    if (before > 1)
        return;
    /* M2 pairs with M1: what any holder did with the material happens before it is wiped. */
    (void)atomic_load_explicit(&box->refs, memory_order_acquire);
    kw_asym_unref(atomic_load_explicit(&box->material.asym, memory_order_relaxed));
    kw_secmem_free(box);
}

int kw_material_asym(const struct kw_material *material, enum kw_key_spec spec, const struct kw_asym **ret)
{
    struct kw_material *shared = (struct kw_material *)(uintptr_t)material;
    const struct kw_asym *there = atomic_load_explicit(&shared->asym, memory_order_acquire); /* P2 */
    struct kw_asym *made = NULL;

    if (there == NULL) {
        int r = kw_asym_load(&made, spec, material->secret);

        if (r != 0)
            return r < 0 ? r : -EINVAL;
        /* P1 pairs with P2: who sees the pointer sees the key behind it. */
        if (atomic_compare_exchange_strong_explicit(
                &shared->asym, &there, made, memory_order_acq_rel, memory_order_acquire))
            there = made;
        else
            kw_asym_unref(made);
    }
    *ret = there;
    return 0;
}
