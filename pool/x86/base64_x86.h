/* base64_x86 - the vector bodies of base64.h; each in a file, and a library, with its own instruction set's
 * flags. Callers have asked kw_base64_supports() before.
 */
#ifndef KW_POOL_X86_BASE64_X86_H
#define KW_POOL_X86_BASE64_X86_H

#include <stddef.h>
#include <stdint.h>

/* Both: as kw_base64_encode_bulk(). */
size_t kw_base64_encode_avx2(const uint8_t *data, size_t len, char *out);
size_t kw_base64_encode_avx512vbmi(const uint8_t *data, size_t len, char *out);

#endif
