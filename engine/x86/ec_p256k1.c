/* secp256k1: p = 2^256 - 2^32 - 977 (SEC 2 section 2.4.1). */
#include "engine/x86/ec.h"

#define KW_LIMBS   5
#define FIELD_BITS 256

#include "engine/x86/ifma_limbs.h"

static const uint64_t field_prime[KW_LIMBS] = {
    0xffffefffffc2f, 0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff, 0xffffffffffff};

/* p = 2^256 - c, c below 2^52: the digit that makes a column 0 is the column over c, and its low half goes.
 */
KW_V_INLINE void field_digit(kw_v *columns)
{
    const kw_v c = _mm512_set1_epi64((1ll << 32) + 977), limb4 = _mm512_set1_epi64(1ll << 48);
    kw_v q = _mm512_madd52lo_epu64(
        _mm512_setzero_si512(), columns[0], _mm512_set1_epi64(0x8091dd2253531)); /* 1/c */
    kw_v high = _mm512_madd52hi_epu64(_mm512_setzero_si512(), q, c);

    columns[1] = _mm512_add_epi64(columns[1], _mm512_sub_epi64(_mm512_srai_epi64(columns[0], 52), high));
    columns[4] = _mm512_madd52lo_epu64(columns[4], q, limb4);
    columns[5] = _mm512_madd52hi_epu64(columns[5], q, limb4);
}

/* Less p times what is above 2^256, and p once more: 0 < result < 2.1 p. */
KW_V_INLINE void field_positive(kw_v *limb)
{
    kw_v above = _mm512_srai_epi64(_mm512_add_epi64(limb[4], _mm512_srai_epi64(limb[3], 52)), 48);
    kw_v times = _mm512_sub_epi64(_mm512_set1_epi64(1), above);

    limb[0] = _mm512_sub_epi64(limb[0],
        _mm512_add_epi64(_mm512_slli_epi64(times, 32), _mm512_mul_epi32(times, _mm512_set1_epi64(977))));
    limb[4] = _mm512_add_epi64(limb[4], _mm512_slli_epi64(times, 48));
}

#define CURVE_A_IS_ZERO 1
#define COMB_WINDOW     7
#define SCALAR_BITS     256
#define KERNEL          kw_ec_kernel_ifma_p256k1
#define KERNEL_NAME     "p256k1"
#define KERNEL_SPEC     KW_SPEC_ECC_SECG_P256K1
#define KERNEL_BATCH    256

#include "engine/x86/ec_weierstrass.h"

#include "engine/x86/ec_check_batch.h"

#include "engine/x86/ec_kernel.h"
