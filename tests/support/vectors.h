/* vectors - finds the public test vectors; a test that finds none says so and is skipped. */
#ifndef KW_TESTS_SUPPORT_VECTORS_H
#define KW_TESTS_SUPPORT_VECTORS_H

#include "pool/bytes.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VECTORS_SKIP = 77 };

/* True if the vectors are there; prints why not. */
static inline bool vectors_found(const char *name)
{
    const char *dir = getenv("KEYWELL_VECTORS");
    char path[PATH_MAX];

    if (dir == NULL) {
        printf("skipped: KEYWELL_VECTORS does not say where the test vectors are\n");
        return false;
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (access(path, R_OK) == 0)
        return true;
    printf("skipped: no test vectors at %s\n", path);
    return false;
}

/* The whole file below the vectors' folder, NUL-terminated; the caller frees it. Aborts if it cannot be read.
 */
static inline char *vectors_read(const char *name, size_t *ret_len)
{
    char path[PATH_MAX];

    int path_len = snprintf(path, sizeof(path), "%s/%s", getenv("KEYWELL_VECTORS"), name);
    kw_assert(path_len > 0 && (size_t)path_len < sizeof(path));
    FILE *file = fopen(path, "re");
    kw_assert(file != NULL && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    kw_assert(size >= 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    kw_assert(text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    text[size] = '\0';
    *ret_len = (size_t)size;
    return text;
}

static inline json_t *vectors_json(const char *name)
{
    size_t len;
    char *text = vectors_read(name, &len);
    json_t *root = json_loadb(text, len, 0, NULL);

    kw_assert(root != NULL);
    free(text);
    return root;
}

static inline const char *vectors_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    kw_assert(text != NULL);
    return text;
}

/* The bytes of a member written as hexadecimal text, in out. */
static inline struct kw_bytes vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t cap)
{
    struct kw_bytes text = kw_bytes_str(vectors_text(object, key));

    kw_assert(text.len / 2 <= cap && kw_hex_decode(text, out, text.len / 2) == 0);
    return KW_BYTES(out, text.len / 2);
}

#endif
