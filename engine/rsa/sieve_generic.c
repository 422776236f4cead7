#include "engine/rsa/sieve_ops.h"

const struct kw_sieve_ops *const kw_sieve_avx512ifma = NULL;
