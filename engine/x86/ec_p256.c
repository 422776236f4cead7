/* NIST P-256: p = 2^256 - 2^224 + 2^192 + 2^96 - 1 (SP 800-186 section 3.2.1.3). */
#include "engine/x86/ec.h"

#define KW_LIMBS   5
#define FIELD_BITS 256

#include "engine/x86/ifma_limbs.h"

static const uint64_t field_prime[KW_LIMBS] = {
    0xfffffffffffff, 0x00fffffffffff, 0, 0x0001000000000, 0x0ffffffff0000};

/* p = -1 modulo 2^52, so the digit that makes a column 0 is the column: q p = q (p + 1) - q. */
KW_V_INLINE void field_digit(kw_v *columns)
{
    const kw_v limb1 = _mm512_set1_epi64(1ll << 44), limb3 = _mm512_set1_epi64(1ll << 36),
               limb4 = _mm512_set1_epi64((1ll << 48) - (1ll << 16));
    kw_v q = columns[0];

    columns[1] = _mm512_add_epi64(columns[1], _mm512_srai_epi64(q, 52));
    columns[1] = _mm512_madd52lo_epu64(columns[1], q, limb1);
    columns[2] = _mm512_madd52hi_epu64(columns[2], q, limb1);
    columns[3] = _mm512_madd52lo_epu64(columns[3], q, limb3);
    columns[4] = _mm512_madd52hi_epu64(columns[4], q, limb3);
    columns[4] = _mm512_madd52lo_epu64(columns[4], q, limb4);
    columns[5] = _mm512_madd52hi_epu64(columns[5], q, limb4);
}

/* Less p times what is above 2^256, and p once more: 0 < result < 2.1 p. */
KW_V_INLINE void field_positive(kw_v *limb)
{
    kw_v above = _mm512_srai_epi64(_mm512_add_epi64(limb[4], _mm512_srai_epi64(limb[3], 52)), 48);
    kw_v times = _mm512_sub_epi64(_mm512_set1_epi64(1), above);

    limb[0] = _mm512_sub_epi64(limb[0], times);
    limb[1] = _mm512_add_epi64(limb[1], _mm512_slli_epi64(times, 44));
    limb[3] = _mm512_add_epi64(limb[3], _mm512_slli_epi64(times, 36));
    limb[4] = _mm512_add_epi64(
        limb[4], _mm512_sub_epi64(_mm512_slli_epi64(times, 48), _mm512_slli_epi64(times, 16)));
}

#define CURVE_A_IS_ZERO 0
#define COMB_WINDOW     7
#define SCALAR_BITS     256
#define KERNEL          kw_ec_kernel_ifma_p256
#define KERNEL_NAME     "p256"
#define KERNEL_SPEC     KW_SPEC_ECC_NIST_P256
#define KERNEL_BATCH    256

#include "engine/x86/ec_weierstrass.h"

#include "engine/x86/ec_check_batch.h"

#include "engine/x86/ec_kernel.h"
