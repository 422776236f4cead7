/* registry - meson says which peers this build has: KW_PEERS is PEER(gmp) PEER(nettle) ... */
#include "bench/peers/peers.h"

#define PEER(name) extern const struct kw_side kw_side_##name;
KW_PEERS
#undef PEER

#define PEER(name) &kw_side_##name,
/* clang-format off */
static const struct kw_side *const sides[] = {
    &kw_side_keywell,
    &kw_side_keywell_portable,
    &kw_side_keywell_untested,
    &kw_side_openssl_reused,
    &kw_side_openssl_pair,
    KW_PEERS
};
/* clang-format on */
#undef PEER

_Static_assert(KW_ARRAY_LEN(sides) <= KW_PEERS_MAX, "a table has room for all");

const struct kw_side *const *kw_peers_registry(size_t *ret_num)
{
    *ret_num = KW_ARRAY_LEN(sides);
    return sides;
}
