/* datakeys - a service's inner loop with libkeywell: key pairs whose private half only exists encrypted.
 *
 *   cc datakeys.c $(pkg-config --cflags --libs libkeywell) -o datakeys
 */
#include <keywell.h>

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static int fail(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, keywell_strerror(error));
    return 1;
}

/* One request: a fresh pair, its private key wrapped. Returns an enum keywell_error. */
static int serve(struct keywell *engine, const struct keywell_key *key)
{
    const struct keywell_context context[] = {{"tenant", "blue"}, {"purpose", "example"}};
    unsigned char blob[KEYWELL_BLOB_MAX], private_key[KEYWELL_PRIVATE_KEY_MAX];
    char public_text[KEYWELL_PUBLIC_TEXT_MAX];
    size_t blob_len = sizeof(blob), public_len = sizeof(public_text), private_len = sizeof(private_key);
    int r = keywell_pop_wrap(
        engine, KEYWELL_ECC_NIST_P256, key, context, 2, blob, &blob_len, public_text, &public_len);

    if (r != 0)
        return r;
    printf("public key %.*s, private key in a blob of %zu bytes\n", (int)public_len, public_text, blob_len);

    /* Later, elsewhere: with the same key and the same context, in any order. */
    r = keywell_unwrap(engine, key, context, 2, blob, blob_len, private_key, &private_len);
    explicit_bzero(private_key, sizeof(private_key));
    if (r == 0)
        printf("opened: a private key of %zu bytes\n", private_len);
    return r;
}

/* Without wrapping: the pair is looked at where it lies, and wiped with its release. */
static int look_at_one(struct keywell *engine)
{
    struct keywell_pair pair = KEYWELL_PAIR_INIT;
    const unsigned char *private_key;
    size_t len = 0;
    int r = keywell_pop(engine, KEYWELL_RSA_2048, &pair);

    if (r == 0)
        r = keywell_pair_private_key(&pair, &private_key, &len);
    if (r == 0)
        printf("an RSA_2048 pair, PKCS#8 of %zu bytes\n", len);
    keywell_pair_release(&pair);
    return r;
}

static int run(struct keywell *engine)
{
    static const unsigned char key_id[16] = "key of this demo", material_id[32] = "its first generation";
    struct keywell_stats stats = {.size = sizeof(stats)};
    struct keywell_key *key = NULL;
    unsigned char secret[32]; /* yours comes from where you keep such keys */
    int r = keywell_wait(engine, KEYWELL_ECC_NIST_P256, 1, 10000);

    if (r == 0 && getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
        r = KEYWELL_SYSTEM;
    if (r == 0)
        r = keywell_key_new(engine, secret, key_id, material_id, &key);
    explicit_bzero(secret, sizeof(secret));
    for (int i = 0; i < 3 && r == 0; i++)
        r = serve(engine, key);
    keywell_key_free(key);
    if (r == 0)
        r = look_at_one(engine);
    if (r == 0)
        r = keywell_stats(engine, KEYWELL_ECC_NIST_P256, &stats);
    if (r == 0)
        printf(
            "handed out %llu, ready %u of %u\n", (unsigned long long)stats.popped, stats.level, stats.depth);
    return r;
}

int main(void)
{
    static const struct keywell_spec_config specs[] = {
        {.spec = KEYWELL_ECC_NIST_P256, .depth = 1000},
        {.spec = KEYWELL_RSA_2048, .depth = 4, .on_empty = KEYWELL_ON_EMPTY_GENERATE, .wait_ms = 30000},
    };
    struct keywell_config config = KEYWELL_CONFIG_INIT;
    struct keywell *engine = NULL;
    int r;

    config.specs = specs;
    config.num_specs = sizeof(specs) / sizeof(specs[0]);
    r = keywell_open(&engine, &config);
    if (r != 0)
        return fail("open", r);
    r = run(engine);
    if (r != 0)
        fail("run", r);
    if (keywell_close(engine) != 0)
        return 1;
    return r != 0;
}
