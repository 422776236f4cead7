/* 24 bytes become 32 digits. Each half of the vector takes twelve bytes: a shuffle makes words b1 b0 b2 b1 of
 * each group of three, multiplications shift their values into place (there are no shifts by an amount of
 * each 16 bits), and digits are made by compares and a shuffle of offsets: no table in memory.
 */
#include "pool/x86/base64_x86.h"

#include <immintrin.h>

#define BYTES  24u
#define DIGITS 32u

static __m256i values_of(__m256i groups)
{
    /* Values 0 and 2 of a group go down by 10 and 6 bits, which is up by 6 and 10 and the upper half. */
    __m256i even = _mm256_and_si256(groups, _mm256_set1_epi32(0x0fc0fc00));
    __m256i odd = _mm256_and_si256(groups, _mm256_set1_epi32(0x003f03f0));

    even = _mm256_mulhi_epu16(even, _mm256_set1_epi32(0x04000040));
    odd = _mm256_mullo_epi16(odd, _mm256_set1_epi32(0x01000010));
    return _mm256_or_si256(even, odd);
}

static __m256i digits_of(__m256i values)
{
    /* What to add to a value of the range that begins with: 26 (a), 52 (0: ten of them), 62, 63, 0 (A). */
    const __m256i offsets = _mm256_broadcastsi128_si256(_mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52,
        '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
    __m256i range = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);

    range = _mm256_or_si256(range, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(values, _mm256_shuffle_epi8(offsets, range));
}

size_t kw_base64_encode_avx2(const uint8_t *data, size_t len, char *out)
{
    const __m256i spread =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    size_t done = 0;

    /* The second half is read four bytes further than it is used. */
    for (; len - done >= BYTES + 4; done += BYTES, out += DIGITS) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(data + done));
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(data + done + BYTES / 2));
        __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        __m256i values = values_of(_mm256_shuffle_epi8(bytes, spread));

        _mm256_storeu_si256((__m256i *)(void *)out, digits_of(values));
    }
    return done;
}
