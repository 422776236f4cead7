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
/* Algorithms are fetched, random sources seeded and tables read at the first pairs. */
#define OTHERS_WARM_S 0.02

struct rig {
    const struct kw_keygen_options *options;
    struct kw_keygen_result *result;
    struct kw_seat seats[KW_ENTRANT_NUM]; /* of those who take part */
    struct kw_ec_parts *parts;
    struct kw_ifma ifma;
};

static void rig_done(struct rig *rig)
{
    for (size_t i = 0; i < KW_ENTRANT_NUM; i++)
        kw_seat_close(&rig->seats[i]);
    kw_ec_parts_close(rig->parts);
}

static int complain(const char *what, int r)
{
    kw_console_clear();
    fprintf(stderr, "keygen: %s: %s\n", what, kw_console_why(r));
    return r;
}

/* ---- turns ---- */

static double turn_seconds(const struct rig *rig)
{
    return fmin(TURN_S, rig->options->seconds);
}

static int parts_turn(struct rig *rig)
{
    struct kw_keygen_result *result = rig->result;
    struct kw_turn parts[KW_EC_PART_NUM], all;

    KW_TRY(kw_ec_parts_turn(rig->parts, turn_seconds(rig), parts, &all));
    kw_turns_add(&result->turns[KW_ENTRANT_PARTS], &all);
    for (size_t i = 0; i < KW_EC_PART_NUM; i++)
        kw_turns_add(&result->ec.parts[i], &parts[i]);
    return 0;
}

/* The instruction's rate is taken right after ours, when the core is as it was. */
static int take_turn(struct rig *rig, enum kw_entrant entrant)
{
    struct kw_turn turn;

    if (entrant == KW_ENTRANT_PARTS)
        return parts_turn(rig);
    KW_TRY(kw_seat_turn(&rig->seats[entrant], turn_seconds(rig), &turn));
    kw_turns_add(&rig->result->turns[entrant], &turn);
    if (entrant == KW_ENTRANT_OURS && kw_ifma_available())
        kw_ifma_turn(&rig->ifma, IFMA_S);
    return 0;
}

static bool takes_part(const struct rig *rig, enum kw_entrant entrant)
{
    return entrant == KW_ENTRANT_PARTS ? rig->parts != NULL : rig->seats[entrant].side != NULL;
}

static bool wants_more(const struct rig *rig, enum kw_entrant entrant)
{
    const struct kw_turn *sum = &rig->result->turns[entrant].sum;

    return takes_part(rig, entrant) && (sum->cpu_s < rig->options->seconds || sum->pairs == 0);
}

/* Who has had the least of the core goes next, so that each turn of OpenSSL's that a long search makes long
 * is answered by several of ours, and all see the same moods of the machine. KW_ENTRANT_NUM: nobody wants
 * more. */
static enum kw_entrant next_entrant(const struct rig *rig)
{
    const struct kw_turns *turns = rig->result->turns;
    enum kw_entrant next = KW_ENTRANT_NUM;

    for (enum kw_entrant i = 0; i < KW_ENTRANT_NUM; i++)
        if (wants_more(rig, i) && (next == KW_ENTRANT_NUM || turns[i].sum.cpu_s < turns[next].sum.cpu_s))
            next = i;
    return next;
}

static void show_progress(const struct rig *rig, enum kw_entrant entrant)
{
    const struct kw_turns *ours = &rig->result->turns[KW_ENTRANT_OURS];
    const struct kw_turns *openssl = &rig->result->turns[KW_ENTRANT_OPENSSL];

    kw_console_progress("%s: %.0f of %.0f s each; ours %llu pairs (%.1f/s), OpenSSL %llu (%.2f/s)",
        kw_spec_info(rig->options->spec)->name, rig->result->turns[entrant].sum.cpu_s, rig->options->seconds,
        (unsigned long long)ours->sum.pairs, kw_turns_rate(ours).value,
        (unsigned long long)openssl->sum.pairs, kw_turns_rate(openssl).value);
}

static int take_turns(struct rig *rig)
{
    enum kw_entrant next;

    while ((next = next_entrant(rig)) != KW_ENTRANT_NUM && !kw_console_interrupted()) {
        show_progress(rig, next);
        KW_TRY(take_turn(rig, next));
    }
    return 0;
}

/* Searches in lanes overlap; of what comes in batches the first ones are enough. */
static double warm_seconds(const struct rig *rig, enum kw_entrant entrant)
{
    if (entrant == KW_ENTRANT_OURS)
        return fmin(WARM_S, rig->options->seconds);
    return OTHERS_WARM_S;
}

static int warm_up(struct rig *rig)
{
    struct kw_turn parts[KW_EC_PART_NUM], all;

    kw_console_progress("%s: warming up", kw_spec_info(rig->options->spec)->name);
    for (enum kw_entrant i = KW_ENTRANT_NUM; i-- > 0;)
        if (i != KW_ENTRANT_PARTS && takes_part(rig, i))
            KW_TRY(kw_seat_warm(&rig->seats[i], warm_seconds(rig, i)));
    if (rig->parts != NULL)
        KW_TRY(kw_ec_parts_turn(rig->parts, OTHERS_WARM_S, parts, &all));
    return 0;
}

static int measure(struct rig *rig)
{
    const struct kw_generator *generator = kw_side_keywell_generator(rig->seats[KW_ENTRANT_OURS].state);
    struct kw_keygen_result *result = rig->result;
    struct kw_rsa_stats mark;

    KW_TRY(warm_up(rig));
    (void)kw_stages_mark(generator, &mark); /* who has no stages says so at the end */
    KW_TRY(take_turns(rig));
    kw_stages_since(generator, &mark, &result->turns[KW_ENTRANT_OURS].sum, &result->stages);
    return 0;
}

/* ---- who takes part ---- */

static bool is_curve(enum kw_spec spec)
{
    return kw_spec_info(spec)->kind != KW_KIND_RSA;
}

/* For RSA the plain call, without OpenSSL's own test and encoders: in its favour. For the others these are
 * most of the time. */
static const struct kw_side *openssl_side(const struct kw_keygen_options *options)
{
    if (options->openssl != NULL)
        return options->openssl;
    return is_curve(options->spec) ? &kw_side_openssl_pair : &kw_side_openssl_keygen;
}

/* Secret memory makes OpenSSL's key generation slower by half for P-256, and by nothing that can be seen for
 * RSA (docs/benchmarks.md): where it matters, OpenSSL gets a process of its own with the C library's memory.
 */
static bool openssl_apart(enum kw_spec spec)
{
    return is_curve(spec);
}

static int seat(struct rig *rig, enum kw_entrant entrant, const struct kw_side *side, bool apart)
{
    const struct kw_keygen_options *options = rig->options;

    return kw_seat_open(&rig->seats[entrant], side, options->spec, options->path, apart);
}

/* Without OpenSSL's. */
static int take_our_seats(struct rig *rig)
{
    const struct kw_keygen_options *options = rig->options;
    struct kw_keygen_ec *ec = &rig->result->ec;
    struct kw_generator *generator;

    KW_TRY(seat(rig, KW_ENTRANT_OURS, &kw_side_keywell, false));
    generator = kw_side_keywell_generator(rig->seats[KW_ENTRANT_OURS].state);
    rig->result->generator = generator->ops->name;
    if (!is_curve(options->spec))
        return 0;
    ec->known = true;
    kw_generator_ec_plan(generator, &ec->plan);
    if (options->path != KW_CPU_PORTABLE)
        KW_TRY(seat(rig, KW_ENTRANT_PORTABLE, &kw_side_keywell_portable, false));
    KW_TRY(seat(rig, KW_ENTRANT_UNTESTED, &kw_side_keywell_untested, false));
    return kw_ec_parts_open(&rig->parts, options->spec, options->path, ec->plan.batch);
}

static int take_openssl_seats(struct rig *rig)
{
    struct kw_keygen_result *result = rig->result;
    enum kw_spec spec = rig->options->spec;

    result->openssl_side = openssl_side(rig->options);
    result->openssl_apart = openssl_apart(spec);
    KW_TRY(seat(rig, KW_ENTRANT_OPENSSL, result->openssl_side, result->openssl_apart));
    memcpy(result->openssl_version, rig->seats[KW_ENTRANT_OPENSSL].version, sizeof(result->openssl_version));
    return is_curve(spec) ? seat(rig, KW_ENTRANT_BARE, &kw_side_openssl_reused, true) : 0;
}

static int take_seats(struct rig *rig)
{
    int r = take_our_seats(rig);

    if (r < 0)
        return complain("the generator cannot be set up", r);
    r = take_openssl_seats(rig);
    return r < 0 ? complain("OpenSSL's side cannot be set up", r) : 0;
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
