/* edwards25519: p = 2^255 - 19 (RFC 8032 section 5.1). */
#include "engine/x86/ec.h"

#define KW_LIMBS   5
#define FIELD_BITS 255

#include "engine/x86/ifma_limbs.h"

static const uint64_t field_prime[KW_LIMBS] = {
    0xfffffffffffed, 0xfffffffffffff, 0xfffffffffffff, 0xfffffffffffff, 0x7fffffffffff};

/* p = 2^255 - c, c below 2^52: the digit that makes a column 0 is the column over c, and its low half goes.
 */
KW_V_INLINE void field_digit(kw_v *columns)
{
    const kw_v c = _mm512_set1_epi64(19), limb4 = _mm512_set1_epi64(1ll << 47);
    kw_v q = _mm512_madd52lo_epu64(
        _mm512_setzero_si512(), columns[0], _mm512_set1_epi64(0xca1af286bca1b)); /* 1/c */
    kw_v high = _mm512_madd52hi_epu64(_mm512_setzero_si512(), q, c);

    columns[1] = _mm512_add_epi64(columns[1], _mm512_sub_epi64(_mm512_srai_epi64(columns[0], 52), high));
    columns[4] = _mm512_madd52lo_epu64(columns[4], q, limb4);
    columns[5] = _mm512_madd52hi_epu64(columns[5], q, limb4);
}

/* Less p times what is above 2^255, and p once more: 0 < result < 2.1 p. */
KW_V_INLINE void field_positive(kw_v *limb)
{
    kw_v above = _mm512_srai_epi64(_mm512_add_epi64(limb[4], _mm512_srai_epi64(limb[3], 52)), 47);
    kw_v times = _mm512_sub_epi64(_mm512_set1_epi64(1), above);

    limb[0] = _mm512_sub_epi64(limb[0], _mm512_mul_epi32(times, _mm512_set1_epi64(19)));
    limb[4] = _mm512_add_epi64(limb[4], _mm512_slli_epi64(times, 47));
}

#define COMB_WINDOW  7
#define SCALAR_BITS  255
#define KERNEL       kw_ec_kernel_ifma_ed25519
#define KERNEL_NAME  "ed25519"
#define KERNEL_SPEC  KW_SPEC_ECC_NIST_EDWARDS25519
#define KERNEL_BATCH 256

#include "engine/x86/ec_edwards.h"

#include "engine/x86/ec_check_each.h"

#include "engine/x86/ec_kernel.h"
