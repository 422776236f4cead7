/* Runs a fuzzer without libFuzzer, as an ordinary test: each seed of a folder, and so many changes of each,
 * the same ones every time.
 *
 *   fuzz_NAME CORPUS-FOLDER CHANGES
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_MAX = 64 * 1024, SEEDS_MAX = 256 };

struct seed {
    uint8_t *bytes;
    size_t len;
};

static struct seed seeds[SEEDS_MAX];
static size_t num_seeds;
static uint64_t state;

/* xorshift64* (Vigna 2016): good enough to pick what to change, and the same on every machine. */
static size_t below(size_t limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (size_t)((state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % limit);
}

static void read_seed(const char *folder, const char *name)
{
    char path[PATH_MAX];

    kw_assert(num_seeds < SEEDS_MAX);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    kw_assert(file != NULL);
    struct seed *seed = &seeds[num_seeds++];
    seed->bytes = malloc(INPUT_MAX);
    kw_assert(seed->bytes != NULL);
    seed->len = fread(seed->bytes, 1, INPUT_MAX, file);
    fclose(file);
}

static int read_seeds(const char *folder)
{
    struct dirent **entries = NULL;
    int num = scandir(folder, &entries, NULL, alphasort);

    for (int i = 0; i < num; i++) {
        if (entries[i]->d_name[0] != '.')
            read_seed(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return num_seeds > 0 ? 0 : 1;
}

/* In a block of its own length, so that AddressSanitizer sees a read beyond it. */
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);

    kw_assert(exact != NULL);
    if (len > 0)
        memcpy(exact, bytes, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static size_t insert(uint8_t *bytes, size_t len, size_t at, const uint8_t *what, size_t what_len)
{
    if (what_len > INPUT_MAX - len)
        return len;
    memmove(bytes + at + what_len, bytes + at, len - at);
    memcpy(bytes + at, what, what_len);
    return len + what_len;
}

static size_t change(uint8_t *bytes, size_t len)
{
    static const char special[] = "\0\t\n\r \"%,/:;=\\{}[]0Z\x7f\x80\xff";
    size_t at = below(len + 1), num = 1 + below(below(8) == 0 ? 64 : 4);
    uint8_t piece[64], byte = (uint8_t)special[below(sizeof(special))];
    const struct seed *other = &seeds[below(num_seeds)];

    switch (at == len ? 4 : below(8)) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << below(8));
        return len;
    case 1:
        bytes[at] = (uint8_t)below(256);
        return len;
    case 2:
        bytes[at] = byte;
        return len;
    case 3:
        num = KW_MIN(num, len - at);
        memmove(bytes + at, bytes + at + num, len - at - num);
        return len - num;
    case 4:
        return insert(bytes, len, at, &byte, 1);
    case 5:
        num = KW_MIN(num, len - at);
        memcpy(piece, bytes + at, num);
        return insert(bytes, len, below(len + 1), piece, num);
    case 6:
        return at;
    default:
        num = below(other->len + 1);
        return insert(bytes, len, at, other->bytes + num, KW_MIN(other->len - num, 1 + below(64)));
    }
}

static void run_changes(const struct seed *seed, size_t num_changes)
{
    static uint8_t bytes[INPUT_MAX];

    for (size_t i = 0; i < num_changes; i++) {
        size_t len = seed->len;

        memcpy(bytes, seed->bytes, len);
        for (size_t k = 1 + below(4); k > 0; k--)
            len = change(bytes, len);
        run(bytes, len);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3 || read_seeds(argv[1]) != 0) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER CHANGES, with at least one seed in the folder\n", argv[0]);
        return 2;
    }
    size_t num_changes = strtoul(argv[2], NULL, 10);

    state = UINT64_C(88172645463325252);
    if (LLVMFuzzerInitialize(&argc, &argv) != 0)
        return 1;
    run(NULL, 0);
    for (size_t i = 0; i < num_seeds; i++)
        run(seeds[i].bytes, seeds[i].len);
    for (size_t i = 0; i < num_seeds; i++)
        run_changes(&seeds[i], num_changes);
    printf("%zu seeds and %zu changes of each\n", num_seeds, num_changes);
    for (size_t i = 0; i < num_seeds; i++)
        free(seeds[i].bytes);
    return 0;
}
