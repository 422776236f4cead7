/* rsa_a16 - do the searches for known RSA key pairs (FIPS 186-5 A.1.6) end where they must?
 *
 * Auxiliary primes, sieve, progression, filter and rounds are those of key generation on the CPU path asked
 * for; the numbers of the file are public.
 */
#include "tests/support/a16_search.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { EXIT_HOLD = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_SKIP = 77 };

enum {
    FILE_MAX = 64 << 20,
    CASES_MAX = 100000,
    PRIME_BITS_MIN = 128,
    PRIME_BITS_MAX = 2048,
    E_BITS_MIN = 17,
    E_BITS_MAX = 256,
};

static const char help[] =
    "Usage: rsa_a16 [--cpu-path portable|avx512ifma|auto] [--or-skip] FILE\n"
    "\n"
    "Runs every case of a JSON file {\"cases\": [{...}, ...]} of RSA key pairs with auxiliary\n"
    "probable primes (FIPS 186-5 A.1.6): from xp1, xp2 and xp the search must end at exactly p1,\n"
    "p2 and p, from xq1, xq2 and xq at q1, q2 and q, and n and d must be what follows. Numbers are\n"
    "hexadecimal text. e is odd, of 17 to 256 bits; nlen is twice the length of xp. e, xp1, xp2, xp\n"
    "and p must be there; all else may be missing, the part of q as a whole.\n"
    "\n"
    "  --cpu-path PATH  search on this path (default: auto, the best that this machine has)\n"
    "  --or-skip        exit with 77 if FILE does not exist or this machine does not have the path\n"
    "  --help           print this text\n"
    "\n"
    "Exit status: 0 if all of it holds, 1 if some does not, 2 for wrong usage, or a file or a case that "
    "cannot be read.\n";

struct vector {
    size_t number; /* from 1 */
    BIGNUM *e, *n, *d, *found_n, *found_d;
    struct half halves[2];
};

/* ---- what follows ---- */

/* n = p q and d = e^-1 modulo lcm(p - 1, q - 1). */
static void derive(struct vector *vector)
{
    const BIGNUM *p = vector->halves[0].found, *q = vector->halves[1].found;
    BIGNUM *p1 = BN_dup(p), *q1 = BN_dup(q), *gcd = BN_new(), *lcm = BN_new();

    vector->found_n = BN_new();
    kw_assert(BN_mul(vector->found_n, p, q, ctx) && BN_sub_word(p1, 1) && BN_sub_word(q1, 1));
    kw_assert(BN_gcd(gcd, p1, q1, ctx) && BN_mul(lcm, p1, q1, ctx) && BN_div(lcm, NULL, lcm, gcd, ctx));
    vector->found_d = BN_mod_inverse(NULL, vector->e, lcm, ctx);
    kw_assert(vector->found_d != NULL);
    BN_free(p1);
    BN_free(q1);
    BN_free(gcd);
    BN_free(lcm);
}

/* ---- results ---- */

/* Returns whether it holds, or need not. */
static bool report(const char *name, const BIGNUM *expected, const BIGNUM *found)
{
    bool holds = expected == NULL || (found != NULL && BN_cmp(expected, found) == 0);

    printf(" %s %s", name, expected == NULL ? "absent" : holds ? "ok" : "WRONG");
    if (!holds && found != NULL) {
        printf(" (found ");
        BN_print_fp(stdout, found);
        printf(")");
    }
    return holds;
}

static bool report_half(const struct half *half)
{
    const char names[3][3] = {{half->name, '1'}, {half->name, '2'}, {half->name}};
    bool holds = report(names[0], half->expected1, half->found1);

    holds &= report(names[1], half->expected2, half->found2);
    holds &= report(names[2], half->expected, half->found);
    if (half->ended != NULL)
        printf(" (the search for %c %s)", half->name, half->ended);
    return holds;
}

static bool report_vector(const struct vector *vector)
{
    printf("case %zu, %s:", vector->number, kw_cpu_path_name(path));
    bool holds = report_half(&vector->halves[0]);
    holds &= report_half(&vector->halves[1]);
    holds &= report("n", vector->n, vector->found_n);
    holds &= report("d", vector->d, vector->found_d);
    printf("\n");
    return holds;
}

/* Returns: 0 | 1 a complaint was made | <0 */
static int run_vector(struct vector *vector, bool *ret_holds)
{
    for (size_t i = 0; i < 2; i++) {
        struct half *half = &vector->halves[i];
        int r = half->x == NULL ? 0 : search_half(half, vector->e);
        if (r > 0)
            fprintf(stderr, "rsa_a16: case %zu: the auxiliary primes of %c are too long for it.\n",
                vector->number, half->name);
        if (r != 0)
            return r;
    }
    if (vector->halves[0].found != NULL && vector->halves[1].found != NULL)
        derive(vector);
    *ret_holds = report_vector(vector);
    return 0;
}

/* ---- the file ---- */

static bool complain(const struct vector *vector, const char *key, const char *what)
{
    fprintf(stderr, "rsa_a16: case %zu: %s %s.\n", vector->number, key, what);
    return false;
}

/* A number of the case, NULL if it is not there. */
static bool get(
    const struct vector *vector, const json_t *object, const char *key, unsigned bits_max, BIGNUM **ret)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    if (value == NULL)
        return true;
    if (text == NULL || text[0] == '\0')
        return complain(vector, key, "is not hexadecimal text");
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return complain(vector, key, "is not hexadecimal text");
        if (i > PRIME_BITS_MAX)
            return complain(vector, key, "is too long");
    }
    kw_assert(BN_hex2bn(ret, text) > 0);
    return bits_of(*ret) <= bits_max || complain(vector, key, "is too long");
}

static bool get_half(const struct vector *vector, const json_t *object, struct half *half)
{
    const char c = half->name;
    const struct {
        char key[4];
        BIGNUM **ret;
    } numbers[] = {{{'x', c, '1'}, &half->x1}, {{'x', c, '2'}, &half->x2}, {{'x', c}, &half->x},
        {{c, '1'}, &half->expected1}, {{c, '2'}, &half->expected2}, {{c}, &half->expected}};
    size_t num_given = 0;

    for (size_t i = 0; i < KW_ARRAY_LEN(numbers); i++) {
        if (!get(vector, object, numbers[i].key, PRIME_BITS_MAX, numbers[i].ret))
            return false;
        num_given += *numbers[i].ret != NULL;
    }
    if (num_given == 0 && c == 'q')
        return true;
    for (size_t i = 0; i < 3; i++) {
        if (*numbers[i].ret == NULL)
            return complain(vector, numbers[i].key, "is missing");
    }
    if (half->expected == NULL)
        return complain(vector, numbers[5].key, "is missing");
    for (size_t i = 0; i < 2; i++) {
        unsigned bits = bits_of(*numbers[i].ret);
        if (bits < KW_AUXILIARY_BITS_MIN || bits > KW_AUXILIARY_BITS_MAX ||
            BN_is_word(*numbers[i].ret, 65536))
            return complain(vector, numbers[i].key, "is out of range: 2^16 < it < 2^2032");
    }
    return bits_of(half->x) >= PRIME_BITS_MIN || complain(vector, numbers[2].key, "is shorter than 128 bits");
}

static bool get_vector(struct vector *vector, const json_t *object)
{
    if (!get(vector, object, "e", PRIME_BITS_MAX, &vector->e))
        return false;
    if (vector->e == NULL)
        return complain(vector, "e", "is missing");
    if (!BN_is_odd(vector->e) || bits_of(vector->e) < E_BITS_MIN || bits_of(vector->e) > E_BITS_MAX)
        return complain(vector, "e", "is not odd between 2^16 and 2^256");
    if (!get_half(vector, object, &vector->halves[0]) || !get_half(vector, object, &vector->halves[1]))
        return false;
    if (!get(vector, object, "n", 2 * PRIME_BITS_MAX, &vector->n) ||
        !get(vector, object, "d", 2 * PRIME_BITS_MAX, &vector->d))
        return false;
    if (vector->halves[1].x == NULL && (vector->n != NULL || vector->d != NULL))
        return complain(vector, "xq", "is missing, and without it n and d cannot be checked");
    return true;
}

static void vector_done(struct vector *vector)
{
    BIGNUM *numbers[] = {vector->e, vector->n, vector->d, vector->found_n, vector->found_d};

    for (size_t i = 0; i < KW_ARRAY_LEN(numbers); i++)
        BN_free(numbers[i]);
    for (size_t i = 0; i < 2; i++) {
        const struct half *half = &vector->halves[i];
        BIGNUM *of_half[] = {half->x1, half->x2, half->x, half->expected1, half->expected2, half->expected,
            half->found1, half->found2, half->found};
        for (size_t j = 0; j < KW_ARRAY_LEN(of_half); j++)
            BN_free(of_half[j]);
    }
}

static int run_case(size_t number, const json_t *object, size_t *num_hold)
{
    struct vector vector = {.number = number, .halves = {{.name = 'p'}, {.name = 'q'}}};
    bool holds = false;
    int r = 1;

    if (get_vector(&vector, object))
        r = run_vector(&vector, &holds);
    if (r < 0)
        fprintf(stderr, "rsa_a16: case %zu: the search failed (%d).\n", number, r);
    vector_done(&vector);
    *num_hold += holds;
    return r;
}

/* A case that cannot be run does not keep the others from running. */
static int run_cases(const json_t *cases)
{
    size_t num = json_array_size(cases), num_hold = 0;
    bool all_run = true;
    char model[64];

    for (size_t i = 0; i < num; i++) {
        const json_t *object = json_array_get(cases, i);
        if (!json_is_object(object)) {
            fprintf(stderr, "rsa_a16: case %zu is not an object.\n", i + 1);
            all_run = false;
        } else if (run_case(i + 1, object, &num_hold) != 0) {
            all_run = false;
        }
        fflush(stdout);
    }
    kw_cpu_model(model);
    printf("%zu of %zu cases hold; CPU path %s on %s\n", num_hold, num, kw_cpu_path_name(path), model);
    return !all_run ? EXIT_USAGE : num_hold == num ? EXIT_HOLD : EXIT_WRONG;
}

/* NULL after a complaint. */
static json_t *load(const char *name)
{
    json_error_t error;
    FILE *file = fopen(name, "re");
    struct stat status;
    json_t *root = NULL;

    if (file == NULL || fstat(fileno(file), &status) != 0)
        fprintf(stderr, "rsa_a16: cannot read %s: %s.\n", name, strerror(errno));
    else if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
        fprintf(stderr, "rsa_a16: %s is not a file of at most %d MiB.\n", name, FILE_MAX >> 20);
    else if ((root = json_loadf(file, JSON_REJECT_DUPLICATES, &error)) == NULL)
        fprintf(stderr, "rsa_a16: %s:%d: %s.\n", name, error.line, error.text);
    if (file != NULL)
        fclose(file);
    return root;
}

static int run_file(const char *name)
{
    json_t *root = load(name);
    const json_t *cases = json_object_get(root, "cases");
    int status = EXIT_USAGE;

    if (root == NULL)
        return EXIT_USAGE;
    if (!json_is_array(cases) || json_array_size(cases) == 0 || json_array_size(cases) > CASES_MAX)
        fprintf(stderr, "rsa_a16: %s has no list \"cases\" of 1 to %d cases.\n", name, CASES_MAX);
    else
        status = run_cases(cases);
    json_decref(root);
    return status;
}

/* ---- usage ---- */

struct options {
    const char *cpu_path;
    const char *file;
    bool or_skip;
};

static int usage(const char *what, const char *which)
{
    fprintf(stderr, "rsa_a16: %s%s; see rsa_a16 --help.\n", what, which);
    return EXIT_USAGE;
}

/* Returns: 0 | EXIT_USAGE */
static int parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--or-skip") == 0) {
            options->or_skip = true;
        } else if (strcmp(argv[i], "--cpu-path") == 0) {
            if (++i == argc)
                return usage("--cpu-path wants a value", "");
            options->cpu_path = argv[i];
        } else if (argv[i][0] == '-') {
            return usage("unknown option ", argv[i]);
        } else if (options->file != NULL) {
            return usage("more than one file: ", argv[i]);
        } else {
            options->file = argv[i];
        }
    }
    return options->file == NULL ? usage("which file?", "") : 0;
}

static int run(const struct options *options)
{
    int status = EXIT_USAGE;

    if (kw_crypto_init() != 0 || kw_rng_new(&rng) != 0 || (ctx = BN_CTX_new()) == NULL)
        fprintf(stderr, "rsa_a16: OpenSSL or secret memory cannot be set up.\n");
    else
        status = run_file(options->file);
    BN_CTX_free(ctx);
    kw_rng_free(rng);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.cpu_path = "auto"};
    struct stat status;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return EXIT_HOLD;
    }
    if (parse(argc, argv, &options) != 0)
        return EXIT_USAGE;
    int r = kw_cpu_choose(options.cpu_path, &path);
    if (r == KW_CPU_UNKNOWN_NAME)
        return usage("there is no CPU path ", options.cpu_path);
    if (r != 0 && options.or_skip) {
        printf("skipped: this CPU has no %s\n", options.cpu_path);
        return EXIT_SKIP;
    }
    if (r != 0)
        return usage("this CPU does not have the path ", options.cpu_path);
    if (options.or_skip && stat(options.file, &status) != 0 && errno == ENOENT) {
        printf("skipped: there is no %s\n", options.file);
        return EXIT_SKIP;
    }
    return run(&options);
}
