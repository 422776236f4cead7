/* NIST P-384: p = 2^384 - 2^128 - 2^96 + 2^32 - 1 (SP 800-186 section 3.2.1.4). */
#include "engine/x86/ec.h"

#define KW_LIMBS   8
#define FIELD_BITS 384

#include "engine/x86/ifma_limbs.h"

static const uint64_t field_prime[KW_LIMBS] = {0xffffffff, 0xff00000000000, 0xffffffeffffff, 0xfffffffffffff,
    0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff, 0xfffff};

/* -1/p = 2^32 + 1 modulo 2^52. The carry of the column that becomes 0 is known before the product of q and
 * the lowest limb of p is. What p lacks at 2^96 and 2^128 is taken away by shifts. */
KW_V_INLINE void field_digit(kw_v *columns)
{
    const kw_v limb0 = _mm512_set1_epi64((1ll << 32) - 1), limb7 = _mm512_set1_epi64(1ll << 20);
    kw_v q = _mm512_madd52lo_epu64(_mm512_setzero_si512(), columns[0], _mm512_set1_epi64((1ll << 32) + 1));
    kw_v taken1 = _mm512_and_si512(_mm512_slli_epi64(q, 44), KW_V_MASK52);
    kw_v taken2 =
        _mm512_add_epi64(_mm512_srli_epi64(q, 8), _mm512_and_si512(_mm512_slli_epi64(q, 24), KW_V_MASK52));

    columns[1] =
        _mm512_add_epi64(columns[1], _mm512_srai_epi64(_mm512_add_epi64(columns[0], KW_V_MASK52), 52));
    columns[1] = _mm512_madd52hi_epu64(columns[1], q, limb0);
    columns[1] = _mm512_sub_epi64(columns[1], taken1);
    columns[2] = _mm512_sub_epi64(columns[2], taken2);
    columns[3] = _mm512_sub_epi64(columns[3], _mm512_srli_epi64(q, 28));
    columns[7] = _mm512_madd52lo_epu64(columns[7], q, limb7);
    columns[8] = _mm512_madd52hi_epu64(columns[8], q, limb7);
}

/* 64 p more. */
KW_V_INLINE void field_positive(kw_v *limb)
{
    limb[0] = _mm512_add_epi64(limb[0], _mm512_set1_epi64((1ll << 38) - (1ll << 6)));
    limb[1] = _mm512_sub_epi64(limb[1], _mm512_set1_epi64(1ll << 50));
    limb[2] = _mm512_sub_epi64(limb[2], _mm512_set1_epi64(1ll << 30));
    limb[7] = _mm512_add_epi64(limb[7], _mm512_set1_epi64(1ll << 26));
}

#define CURVE_A_IS_ZERO 0
#define COMB_WINDOW     7
#define SCALAR_BITS     384
#define KERNEL          kw_ec_kernel_ifma_p384
#define KERNEL_NAME     "p384"
#define KERNEL_SPEC     KW_SPEC_ECC_NIST_P384
#define KERNEL_BATCH    192

#include "engine/x86/ec_weierstrass.h"

#include "engine/x86/ec_check_batch.h"

#include "engine/x86/ec_kernel.h"
