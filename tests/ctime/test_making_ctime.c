/* A whole key pair of RSA_2048, made on one path from random numbers that are undefined: what becomes public
 * on the way is what the sources declassify, and nothing else. In the end the public key must be public and
 * the private one must not.
 */
#include "engine/ctime.h"
#include "engine/rsa/generator_rsa.h"
#include "tests/ctime/forbidden.h"
#include "tests/ctime/stand_ins.h"

enum { SKIP = 77, ROOM = 4096 };

static uint8_t public_der[ROOM], private_der[ROOM];
static struct kw_slot slot = {.public_der = public_der, .private_der = private_der};

static int make(enum kw_cpu_path path)
{
    const struct kw_generator_ops *ops =
        path == KW_CPU_AVX512IFMA ? &kw_generator_rsa_avx512ifma : &kw_generator_rsa_portable;
    struct kw_generator *generator;
    int r = ops->new (&generator, KW_SPEC_RSA_2048, stand_in_rng());

    if (r == 0) {
        r = ops->run(generator, UINT64_MAX, &slot);
        ops->free(generator);
    }
    return r;
}

/* The last octets of the private key are those of qInv. */
static int judge(void)
{
    bool lost = !kw_ctime_is_secret(&private_der[slot.private_len - 1], 1);

    if (lost || kw_ctime_is_secret(public_der, slot.public_len)) {
        printf("%s\n", lost ? "the checker has lost the private key" : "the public key is secret");
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    enum kw_cpu_path path;

    if (argc < 2 || !stand_in_path(argv[1], &path))
        return SKIP;
    if (make(path) != 0) {
        printf("no pair was made\n");
        return 1;
    }
    if (argc > 2) {
        forbidden_do(argv[2], &private_der[slot.private_len - 1]);
        return 0;
    }
    return judge();
}
