#include "api/siphash.h"

#include <endian.h>

static uint64_t load(const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof(word));
    return le64toh(word);
}

static void store(uint64_t word, uint8_t *to)
{
    word = htole64(word);
    memcpy(to, &word, sizeof(word));
}

static uint64_t rotate(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

static void rounds(uint64_t v[4], unsigned num)
{
    for (unsigned i = 0; i < num; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void compress(struct kw_siphash *hash, uint64_t word)
{
    hash->v[3] ^= word;
    rounds(hash->v, 2);
    hash->v[0] ^= word;
}

void kw_siphash_init(struct kw_siphash *hash, const uint8_t key[16])
{
    uint64_t low = load(key), high = load(key + 8);

    *hash = (struct kw_siphash){.v = {
                                    low ^ 0x736f6d6570736575u,
                                    high ^ 0x646f72616e646f6du ^ 0xee,
                                    low ^ 0x6c7967656e657261u,
                                    high ^ 0x7465646279746573u,
                                }};
}

/* len bytes of word, from the lowest; the others are zero. */
static void add_part(struct kw_siphash *hash, uint64_t word, unsigned len)
{
    unsigned held = (unsigned)(hash->len % 8);

    hash->tail |= word << (8 * held);
    hash->len += len;
    if (held + len < 8)
        return;
    compress(hash, hash->tail);
    hash->tail = held > 0 ? word >> (8 * (8 - held)) : 0;
}

void kw_siphash_add(struct kw_siphash *hash, struct kw_bytes bytes)
{
    size_t i = 0;

    for (; bytes.len - i >= 8; i += 8)
        add_part(hash, load(bytes.ptr + i), 8);
    if (i < bytes.len) {
        uint8_t rest[8] = {0};

        memcpy(rest, bytes.ptr + i, bytes.len - i);
        add_part(hash, load(rest), (unsigned)(bytes.len - i));
    }
}

void kw_siphash_add_nocase(struct kw_siphash *hash, struct kw_bytes bytes)
{
    uint8_t small[64];

    while (bytes.len > 0) {
        size_t num = KW_MIN(bytes.len, sizeof(small));

        for (size_t i = 0; i < num; i++) {
            uint8_t c = bytes.ptr[i];

            small[i] = (uint8_t)(c + (c >= 'A' && c <= 'Z' ? 'a' - 'A' : 0));
        }
        kw_siphash_add(hash, KW_BYTES(small, num));
        bytes = KW_BYTES(bytes.ptr + num, bytes.len - num);
    }
}

void kw_siphash_done(struct kw_siphash *hash, uint8_t ret[KW_SIPHASH_LEN])
{
    uint64_t *v = hash->v;

    compress(hash, hash->tail | hash->len << 56);
    v[2] ^= 0xee;
    rounds(v, 4);
    store(v[0] ^ v[1] ^ v[2] ^ v[3], ret);
    v[1] ^= 0xdd;
    rounds(v, 4);
    store(v[0] ^ v[1] ^ v[2] ^ v[3], ret + 8);
}
