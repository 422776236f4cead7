#include "pool/base64.h"
#include "tests/pool/death.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE    4096u
#define LEN_MAX 700u

/* Room that ends where the next byte faults. */
static uint8_t *before_a_fault(void)
{
    uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(mprotect(map + PAGE, PAGE, PROT_NONE), 0);
    return map + PAGE;
}

/* Digit by digit, with a table: what RFC 4648 section 4 says. */
static size_t by_the_book(const uint8_t *data, size_t len, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;

    for (size_t i = 0; i < len; i += 3) {
        unsigned v = (unsigned)data[i] << 16, left = (unsigned)KW_MIN(len - i, 3);

        v |= left > 1 ? (unsigned)data[i + 1] << 8 : 0;
        v |= left > 2 ? data[i + 2] : 0;
        for (unsigned k = 0; k < 4; k++)
            out[at++] = k > left ? '=' : alphabet[v >> (18 - 6 * k) & 63];
    }
    return at;
}

static void fill(uint8_t *to, size_t len, unsigned kind)
{
    for (size_t i = 0; i < len; i++)
        to[i] = kind == 0 ? 0 : kind == 1 ? 0xff : kind == 2 ? (uint8_t)i : (uint8_t)rand();
}

static void check(enum kw_base64_path path, const uint8_t *in, size_t len, uint8_t *out_end)
{
    char expected[KW_BASE64_LEN(LEN_MAX)];
    size_t text_len = by_the_book(in, len, expected);
    uint8_t *out = out_end - text_len;
    uint8_t margin[64];

    memset(margin, 0xa5, sizeof(margin));
    memcpy(out - sizeof(margin), margin, sizeof(margin));
    kw_base64_encode_by(path, KW_BYTES(in, len), (char *)out);
    /* Check writes a line for each assert. */
    bool good = text_len == KW_BASE64_LEN(len) && memcmp(out, expected, text_len) == 0 &&
                memcmp(out - sizeof(margin), margin, sizeof(margin)) == 0;
    if (!good)
        ck_abort_msg("path %d, %zu bytes", (int)path, len);
}

/* Every length and every path, on extreme and random bytes, with input and output that end where the next
 * byte faults. */
START_TEST(test_paths)
{
    enum kw_base64_path path = (enum kw_base64_path)_i;
    uint8_t *in_end = before_a_fault(), *out_end = before_a_fault();

    if (!kw_base64_supports(path)) {
        printf("skipped: this machine has no path %d\n", (int)path);
        return;
    }
    for (size_t len = 0; len <= LEN_MAX; len++) {
        for (unsigned kind = 0; kind < 5; kind++) {
            fill(in_end - len, len, kind);
            check(path, in_end - len, len, out_end);
        }
    }
}
END_TEST

/* Every value of every digit, at every place in a vector. */
START_TEST(test_all_values)
{
    enum kw_base64_path path = (enum kw_base64_path)_i;
    uint8_t *out_end = before_a_fault(), in[96];

    for (unsigned value = 0; value < 256 && kw_base64_supports(path); value++) {
        for (size_t at = 0; at < sizeof(in); at++) {
            memset(in, 0x55, sizeof(in));
            in[at] = (uint8_t)value;
            check(path, in, sizeof(in), out_end);
        }
    }
}
END_TEST

START_TEST(test_dispatch)
{
    uint8_t in[301];
    char ours[KW_BASE64_LEN(sizeof(in))], expected[KW_BASE64_LEN(sizeof(in))];

    ck_assert(kw_base64_supports(KW_BASE64_PORTABLE));
    ck_assert(!kw_base64_supports(KW_BASE64_PATHS));
    fill(in, sizeof(in), 2);
    by_the_book(in, sizeof(in), expected);
    kw_base64_encode(KW_BYTES(in, sizeof(in)), ours);
    ck_assert_mem_eq(ours, expected, sizeof(ours));
    kw_base64_encode(KW_BYTES(NULL, 0), NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base64");
    TCase *tcase = tcase_create("base64");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_paths, 0, KW_BASE64_PATHS);
    tcase_add_loop_test(tcase, test_all_values, 0, KW_BASE64_PATHS);
    tcase_add_test(tcase, test_dispatch);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
