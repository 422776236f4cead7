#include "engine/generator.h"

#include "engine/ec/generator_ec.h"
#include "engine/rsa/generator_rsa.h"

/* The fastest first. The last one takes every spec on every path. */
static const struct kw_generator_ops *const generators[] = {
    &kw_generator_rsa_avx512ifma,
    &kw_generator_rsa_portable,
    &kw_generator_ec_avx512ifma,
    &kw_generator_ec_portable,
    &kw_generator_openssl,
};

const struct kw_generator_ops *kw_generator_choose(enum kw_spec spec, enum kw_cpu_path path)
{
    size_t i = 0;

    while (!generators[i]->supports(spec, path))
        kw_assert(++i < KW_ARRAY_LEN(generators));
    return generators[i];
}

void kw_generator_wipe_slot(enum kw_spec spec, struct kw_slot *slot)
{
    const struct kw_spec_info *info = kw_spec_info(spec);

    kw_erase(slot->public_der, info->public_max);
    kw_erase(slot->private_der, info->private_max);
    slot->public_len = 0;
    slot->private_len = 0;
}
