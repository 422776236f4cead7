/* The kernels of one path for curves with every secret undefined, from the drawing on. The points that they
 * derive and their verdict must be undefined, when they are handed over or when the kernel makes them public,
 * or the checker has lost the secret on the way and the test says nothing; then the test makes them public.
 * What is public, points and multipliers, decides branches and addresses of the check as it likes.
 */
#include "engine/ctime.h"
#include "engine/ec/kernel.h"
#include "engine/ec/secret.h"
#include "tests/ctime/forbidden.h"
#include "tests/ctime/stand_ins.h"

/* Two groups of lanes, the second not full. */
enum { SKIP = 77, NUM = 11 };

static uint8_t secrets[NUM * KW_CURVE_SECRET_MAX], points[NUM * KW_CURVE_POINT_MAX];
static uint8_t multipliers[NUM * KW_EC_MULTIPLIER];

/* In hand now, or when it was made public. */
static bool was_secret(const void *ptr, size_t len)
{
    return kw_ctime_is_secret(ptr, len) || kw_ctime_is_secret(&kw_ctime_last, 1);
}

static int fail(const struct kw_ec_kernel *kernel, const char *what)
{
    printf("%s: %s\n", kernel->name, what);
    return 1;
}

static int derive(const struct kw_ec_kernel *kernel, void *state, const struct kw_curve *curve)
{
    kw_ctime_last = 0;
    if (kw_secret_draw(stand_in_rng(), curve, NUM, secrets) != 0 ||
        !kw_ctime_is_secret(secrets, (size_t)NUM * curve->secret_len))
        return fail(kernel, "drawing");
    kw_ctime_last = 0;
    if (kernel->derive(state, NUM, secrets, points) != 0 || !was_secret(points, NUM * curve->point_len))
        return fail(kernel, "deriving");
    kw_ctime_public(points, sizeof(points));
    return 0;
}

static int check(const struct kw_ec_kernel *kernel, void *state, bool expected)
{
    bool pass = !expected;

    kw_ctime_last = 0;
    if (kernel->check(state, NUM, secrets, points, multipliers, &pass) != 0 ||
        !was_secret(&pass, sizeof(pass)))
        return fail(kernel, "checking");
    kw_ctime_public(&pass, sizeof(pass));
    return pass == expected ? 0 : fail(kernel, "verdict");
}

static int run_opened(const struct kw_ec_kernel *kernel, void *state, const struct kw_curve *curve)
{
    int r;

    stand_in_draw(multipliers, sizeof(multipliers));
    if ((r = derive(kernel, state, curve)) != 0 || (r = check(kernel, state, true)) != 0)
        return r;
    secrets[5 * curve->secret_len - 1] ^= 2;
    return check(kernel, state, false);
}

static int run_kernel(const struct kw_ec_kernel *kernel)
{
    const struct kw_curve *curve = kw_curve_of(kernel->spec);
    void *state = NULL;
    int r = kernel->open(&state, kernel, curve, NUM, NULL);

    if (r == 0)
        r = run_opened(kernel, state, curve);
    if (state != NULL) {
        kernel->wipe(state);
        kernel->close(state);
    }
    return r;
}

static int run_all(enum kw_cpu_path path)
{
    const struct kw_ec_kernel *kernel;
    int r = 0;

    for (size_t i = 0; (kernel = kw_ec_kernel_at(i)) != NULL && r == 0; i++)
        if (kernel->path == path)
            r = run_kernel(kernel);
    return r;
}

/* With a byte of a point. */
static int run_forbidden(enum kw_cpu_path path, const char *what)
{
    const struct kw_ec_kernel *kernel = kw_ec_kernel_choose(path, KW_SPEC_ECC_NIST_P256);
    const struct kw_curve *curve = kw_curve_of(kernel->spec);
    void *state = NULL;

    if (kernel->open(&state, kernel, curve, NUM, NULL) != 0 ||
        kw_secret_draw(stand_in_rng(), curve, NUM, secrets) != 0)
        return 0;
    kw_ctime_last = 0;
    if (kernel->derive(state, NUM, secrets, points) == 0)
        forbidden_do(what, kw_ctime_is_secret(points, 1) ? points : &kw_ctime_last);
    kernel->close(state);
    return 0;
}

int main(int argc, char **argv)
{
    enum kw_cpu_path path;

    if (argc < 2 || !stand_in_path(argv[1], &path))
        return SKIP;
    return argc > 2 ? run_forbidden(path, argv[2]) : run_all(path);
}
