/* 48 bytes become 64 digits: a permutation of bytes puts the three bytes b0 b1 b2 of each group into a word
 * of 32 bits as b1 b0 b2 b1, from which one instruction takes eight unaligned bytes of each 64-bit half, so
 * that the lower six bits of each byte are a value; a second permutation, of the alphabet, makes them digits
 * (it minds six bits of each index only).
 */
#include "pool/x86/base64_x86.h"

#include <immintrin.h>

#define BYTES  48u
#define DIGITS 64u

static const uint8_t spread[64] __attribute__((aligned(64))) = {1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11,
    10, 13, 12, 14, 13, 16, 15, 17, 16, 19, 18, 20, 19, 22, 21, 23, 22, 25, 24, 26, 25, 28, 27, 29, 28, 31,
    30, 32, 31, 34, 33, 35, 34, 37, 36, 38, 37, 40, 39, 41, 40, 43, 42, 44, 43, 46, 45, 47, 46};
static const char alphabet[] __attribute__((aligned(64))) =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static __m512i digits_of(__m512i bytes)
{
    /* In b1 b0 b2 b1, lowest first, the values begin at bits 10, 4, 22 and 16. */
    const __m512i shifts = _mm512_set1_epi64(0x3036242a1016040a);
    __m512i groups = _mm512_permutexvar_epi8(_mm512_load_si512(spread), bytes);

    return _mm512_permutexvar_epi8(_mm512_multishift_epi64_epi8(shifts, groups), _mm512_load_si512(alphabet));
}

size_t kw_base64_encode_avx512vbmi(const uint8_t *data, size_t len, char *out)
{
    size_t done = 0, whole = len / 3 * 3;

    for (; whole - done >= BYTES; done += BYTES, out += DIGITS) {
        __m512i bytes = _mm512_maskz_loadu_epi8((UINT64_C(1) << BYTES) - 1, data + done);
        _mm512_storeu_si512(out, digits_of(bytes));
    }
    size_t rest = whole - done;
    if (rest > 0) {
        __m512i bytes = _mm512_maskz_loadu_epi8((UINT64_C(1) << rest) - 1, data + done);
        _mm512_mask_storeu_epi8(out, (UINT64_C(1) << rest / 3 * 4) - 1, digits_of(bytes));
    }
    return whole;
}
