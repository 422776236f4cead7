/* The kernels of one path with every modulus, base and exponent undefined. What they return must be undefined
 * too, or the checker has lost the secret on the way and the test says nothing; then the test makes it
 * public.
 */
#include "engine/ctime.h"
#include "engine/rsa/primality.h"
#include "tests/ctime/forbidden.h"
#include "tests/ctime/stand_ins.h"

enum { SKIP = 77, OPERANDS = 3 };

static uint64_t numbers[OPERANDS][KW_LANES_MAX][KW_WORDS_MAX], results[KW_LANES_MAX][KW_WORDS_MAX];
static struct kw_lane lanes[KW_LANES_MAX];

/* A number of exactly that many bits. */
static void draw(uint64_t *ret, unsigned bits)
{
    memset(ret, 0, sizeof(numbers[0][0]));
    stand_in_draw(ret, KW_WORDS_OF_BITS(bits) * sizeof(*ret));
    if (bits % 64 != 0)
        ret[bits / 64] &= ((uint64_t)1 << bits % 64) - 1;
    ret[(bits - 1) / 64] |= (uint64_t)1 << (bits - 1) % 64;
}

/* The last lane is idle, if it is not the only one. */
static void draw_lanes(const struct kw_kernel *kernel, unsigned bits, unsigned twos)
{
    for (unsigned i = 0; i < kernel->lanes; i++) {
        draw(numbers[0][i], bits);
        draw(numbers[1][i], bits - 1);
        draw(numbers[2][i], bits - 1);
        numbers[0][i][0] = (numbers[0][i][0] & ~(((uint64_t)1 << twos) - 1)) | 1;
        lanes[i] = (struct kw_lane){
            .modulus = numbers[0][i], .base = numbers[1][i], .exponent = numbers[2][i], .result = results[i]};
    }
    if (kernel->lanes > 1)
        lanes[kernel->lanes - 1].modulus = NULL;
    kw_ctime_secret(numbers, sizeof(numbers));
    memset(results, 0, sizeof(results));
}

static int fail(const struct kw_kernel *kernel, unsigned bits, const char *what)
{
    printf("%s, %u bits: %s\n", kernel->name, bits, what);
    return 1;
}

static int run_size(const struct kw_kernel *kernel, void *scratch, unsigned bits)
{
    uint32_t pass = 0, unsure = 0;
    bool passes;

    draw_lanes(kernel, bits, 1);
    if (kernel->filter(kernel, scratch, bits, lanes, &pass) != 0 || !kw_ctime_is_secret(&pass, sizeof(pass)))
        return fail(kernel, bits, "filter");
    draw_lanes(kernel, bits, 1);
    if (kernel->round(kernel, scratch, bits, lanes, &pass, &unsure) != 0 ||
        !kw_ctime_is_secret(&pass, sizeof(pass)) || !kw_ctime_is_secret(&unsure, sizeof(unsure)))
        return fail(kernel, bits, "round");
    draw_lanes(kernel, bits, 1);
    if (kernel->power(kernel, scratch, bits, lanes) != 0 ||
        !kw_ctime_is_secret(results[0], KW_WORDS_OF_BITS(bits) * sizeof(uint64_t)))
        return fail(kernel, bits, "power");
    draw_lanes(kernel, bits, KW_ROUND_TWOS + 4);
    if (kw_primality_settle(kernel, scratch, bits, &lanes[0], &passes) != 0)
        return fail(kernel, bits, "settle");
    return 0;
}

/* The lengths that key generation uses (auxiliary primes count with the bit that may be carried into) up to
 * those of RSA_2048, and before them one whose numbers often have nothing in their highest word. The kernels
 * for longer ones run the same code for more limbs: a modulus of 1024 bits does for them. */
static int run_kernel(const struct kw_kernel *kernel)
{
    static const unsigned sizes[] = {130, 130, 130, 130, 130, 130, 142, 172, 202, 1024};
    void *scratch = NULL;
    int r = kernel->scratch_new(&scratch, kernel, NULL);

    for (size_t i = 0; i < KW_ARRAY_LEN(sizes) && r == 0; i++)
        if (sizes[i] <= kernel->bits_max)
            r = run_size(kernel, scratch, sizes[i]);
    if (r == 0) {
        kernel->scratch_wipe(scratch);
        kernel->scratch_free(scratch);
    }
    return r;
}

static int run_all(enum kw_cpu_path path)
{
    const struct kw_kernel *kernel;
    int r = 0;

    for (size_t i = 0; (kernel = kw_kernel_at(i)) != NULL && r == 0; i++)
        if (kernel->path == path)
            r = run_kernel(kernel);
    return r;
}

static int run_forbidden(enum kw_cpu_path path, const char *what)
{
    const struct kw_kernel *kernel = kw_kernel_choose(path, 142);
    void *scratch = NULL;
    uint32_t pass = 0;

    draw_lanes(kernel, 142, 1);
    if (kernel->scratch_new(&scratch, kernel, NULL) == 0 &&
        kernel->filter(kernel, scratch, 142, lanes, &pass) == 0)
        forbidden_do(what, &pass);
    kernel->scratch_free(scratch);
    return 0;
}

int main(int argc, char **argv)
{
    enum kw_cpu_path path;

    if (argc < 2 || !stand_in_path(argv[1], &path))
        return SKIP;
    return argc > 2 ? run_forbidden(path, argv[2]) : run_all(path);
}
