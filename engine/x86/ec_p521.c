/* NIST P-521: p = 2^521 - 1 (SP 800-186 section 3.2.1.5). */
#include "engine/x86/ec.h"

#define KW_LIMBS   11
#define FIELD_BITS 521

#include "engine/x86/ifma_limbs.h"

static const uint64_t field_prime[KW_LIMBS] = {0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff,
    0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff,
    0xfffffffffffff, 0x1};

/* p = -1 modulo 2^52, so the digit that makes a column 0 is the column, and it comes back 521 bits above. */
KW_V_INLINE void field_digit(kw_v *columns)
{
    kw_v q = _mm512_and_si512(columns[0], KW_V_MASK52);

    columns[1] = _mm512_add_epi64(columns[1], _mm512_srai_epi64(columns[0], 52));
    columns[10] = _mm512_add_epi64(columns[10], _mm512_add_epi64(q, q));
}

/* 64 p more. */
KW_V_INLINE void field_positive(kw_v *limb)
{
    limb[0] = _mm512_sub_epi64(limb[0], _mm512_set1_epi64(1ll << 6));
    limb[10] = _mm512_add_epi64(limb[10], _mm512_set1_epi64(1ll << 7));
}

#define CURVE_A_IS_ZERO 0
#define COMB_WINDOW     7
#define SCALAR_BITS     521
#define KERNEL          kw_ec_kernel_ifma_p521
#define KERNEL_NAME     "p521"
#define KERNEL_SPEC     KW_SPEC_ECC_NIST_P521
#define KERNEL_BATCH    128

#include "engine/x86/ec_weierstrass.h"

#include "engine/x86/ec_check_batch.h"

#include "engine/x86/ec_kernel.h"
