#include "engine/generator.h"

/* The fastest first. The last one takes every spec on every path. */
static const struct kw_generator_ops *const generators[] = {
    &kw_generator_openssl,
};

const struct kw_generator_ops *kw_generator_choose(enum kw_spec spec, enum kw_cpu_path path)
{
    size_t i = 0;

    while (!generators[i]->supports(spec, path))
        kw_assert(++i < KW_ARRAY_LEN(generators));
    return generators[i];
}
