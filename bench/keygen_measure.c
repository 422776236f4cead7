#include "bench/console.h"
#include "bench/keygen.h"
#include "engine/generator.h"

#include <math.h>
#include <stdio.h>

/* Long beside what a change of turns costs (cold caches), short beside the moods of a shared machine. */
#define TURN_S 0.25
#define IFMA_S 0.004
/* Searches in lanes overlap: at first no pair comes out, then too many at once. */
#define WARM_S 1.0
/* Algorithms are fetched and random sources seeded at the first pair. */
#define OPENSSL_WARM_S 0.02

struct rig {
    const struct kw_keygen_options *options;
    struct kw_keygen_result *result;
    struct kw_seat ours, openssl;
    struct kw_ifma ifma;
};

static void rig_done(struct rig *rig)
{
    kw_seat_close(&rig->ours);
    kw_seat_close(&rig->openssl);
}

static int complain(const char *what, int r)
{
    kw_console_clear();
    fprintf(stderr, "keygen: %s: %s\n", what, kw_console_why(r));
    return r;
}

/* ---- turns ---- */

static int take_turn(struct kw_seat *seat, struct kw_turns *turns)
{
    struct kw_turn turn;

    KW_TRY(kw_seat_turn(seat, TURN_S, &turn));
    kw_turns_add(turns, &turn);
    return 0;
}

/* The instruction's rate is taken right after, when the core is as it was. */
static int ours_turn(struct rig *rig)
{
    KW_TRY(take_turn(&rig->ours, &rig->result->ours));
    if (kw_ifma_available())
        kw_ifma_turn(&rig->ifma, IFMA_S);
    return 0;
}

static bool wants_more(const struct kw_turns *turns, double seconds)
{
    return turns->sum.cpu_s < seconds || turns->sum.pairs == 0;
}

static void show_progress(const struct rig *rig)
{
    const struct kw_keygen_result *result = rig->result;

    kw_console_progress("%s: %.0f of %.0f s each; ours %llu pairs (%.1f/s), OpenSSL %llu (%.2f/s)",
        kw_spec_info(rig->options->spec)->name, fmin(result->ours.sum.cpu_s, result->openssl.sum.cpu_s),
        rig->options->seconds, (unsigned long long)result->ours.sum.pairs, kw_turns_rate(&result->ours).value,
        (unsigned long long)result->openssl.sum.pairs, kw_turns_rate(&result->openssl).value);
}

/* Who has had less of the core goes next, so that each turn of OpenSSL's that a long search makes long is
 * answered by several of ours, and both see the same moods of the machine. */
static int take_turns(struct rig *rig)
{
    struct kw_keygen_result *result = rig->result;
    double seconds = rig->options->seconds;

    while ((wants_more(&result->ours, seconds) || wants_more(&result->openssl, seconds)) &&
           !kw_console_interrupted()) {
        bool ours = result->ours.sum.cpu_s <= result->openssl.sum.cpu_s;

        show_progress(rig);
        if (ours ? wants_more(&result->ours, seconds) : !wants_more(&result->openssl, seconds))
            KW_TRY(ours_turn(rig));
        else
            KW_TRY(take_turn(&rig->openssl, &result->openssl));
    }
    return 0;
}

static int measure(struct rig *rig)
{
    const struct kw_generator *generator = kw_side_keywell_generator(rig->ours.state);
    struct kw_rsa_stats mark;

    kw_console_progress("%s: warming up", kw_spec_info(rig->options->spec)->name);
    KW_TRY(kw_seat_warm(&rig->openssl, OPENSSL_WARM_S));
    KW_TRY(kw_seat_warm(&rig->ours, fmin(WARM_S, rig->options->seconds)));
    (void)kw_stages_mark(generator, &mark); /* who has no stages says so at the end */
    KW_TRY(take_turns(rig));
    kw_stages_since(generator, &mark, &rig->result->ours.sum, &rig->result->stages);
    return 0;
}

/* ---- who takes part ---- */

/* For RSA the plain call, without OpenSSL's own test and encoders: in its favour. For the others these are
 * most of the time. */
static const struct kw_side *openssl_side(const struct kw_keygen_options *options)
{
    if (options->openssl != NULL)
        return options->openssl;
    return kw_spec_info(options->spec)->kind == KW_KIND_RSA ? &kw_side_openssl_keygen : &kw_side_openssl_pair;
}

/* Secret memory makes OpenSSL's key generation slower by half for P-256, and by nothing that can be seen for
 * RSA (docs/benchmarks.md): where it matters, OpenSSL gets a process of its own with the C library's memory.
 */
static bool openssl_apart(enum kw_spec spec)
{
    return kw_spec_info(spec)->kind != KW_KIND_RSA;
}

static int take_seats(struct rig *rig)
{
    const struct kw_keygen_options *options = rig->options;
    struct kw_keygen_result *result = rig->result;
    int r = kw_seat_open(&rig->ours, &kw_side_keywell, options->spec, options->path, false);

    if (r < 0)
        return complain("the generator cannot be set up", r);
    result->generator = kw_side_keywell_generator(rig->ours.state)->ops->name;
    result->openssl_side = openssl_side(options);
    result->openssl_apart = openssl_apart(options->spec);
    r = kw_seat_open(
        &rig->openssl, result->openssl_side, options->spec, options->path, result->openssl_apart);
    if (r < 0)
        return complain("OpenSSL's side cannot be set up", r);
    memcpy(result->openssl_version, rig->openssl.version, sizeof(result->openssl_version));
    return 0;
}

int kw_keygen_measure(const struct kw_keygen_options *options, struct kw_keygen_result *ret)
{
    KW_CLEANUP(rig_done) struct rig rig = {.options = options, .result = ret};
    int r;

    *ret = (struct kw_keygen_result){.interrupted = false};
    kw_cpu_model(ret->cpu_model);
    r = kw_pin(options->cpu);
    if (r < 0)
        return complain("this thread cannot be pinned to a core", r);
    KW_TRY(take_seats(&rig));
    r = measure(&rig);
    if (r < 0)
        return complain("the measurement failed", r);
    kw_console_clear();
    ret->ifma_per_ns = kw_ifma_per_ns(&rig.ifma);
    ret->interrupted = kw_console_interrupted();
    return 0;
}
