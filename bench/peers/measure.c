#include "bench/console.h"
#include "bench/peers/peers.h"

#include <math.h>
#include <stdio.h>

#define TURN_S 0.25
#define WARM_S 1.0
/* Who has no searches that overlap needs only its tables and a seeded random source. */
#define OTHERS_WARM_S 0.02

/* One spec. */
struct table {
    struct kw_peers *peers;
    enum kw_spec spec;
    struct kw_seat seats[KW_PEERS_MAX];
    bool seated[KW_PEERS_MAX];
};

static void table_done(struct table *table)
{
    for (unsigned i = 0; i < table->peers->num; i++)
        if (table->seated[i])
            kw_seat_close(&table->seats[i]);
}

static bool is_ours(const struct kw_side *side)
{
    return side == &kw_side_keywell || side == &kw_side_keywell_portable || side == &kw_side_keywell_untested;
}

/* A peer that fails is left out of this spec; ours and OpenSSL, without which nothing compares, are not. */
static int leave_out(struct table *table, unsigned i, int r)
{
    const struct kw_side *side = table->peers->sides[i];

    kw_console_clear();
    fprintf(stderr, "peers: %s, %s: %s\n", side->title, kw_spec_info(table->spec)->name, kw_console_why(r));
    if (table->seated[i])
        kw_seat_close(&table->seats[i]);
    table->seated[i] = false;
    table->peers->cells[i][table->spec].measured = false;
    return is_ours(side) || i == table->peers->baseline ? r : 0;
}

/* For RSA the plain call is the mark: the test, which looks at the primes once more, costs a fifth, and
 * saying so is enough (docs/benchmarks.md). */
static bool takes_part(const struct kw_side *side, enum kw_spec spec)
{
    if (side == &kw_side_openssl_pair && kw_spec_info(spec)->kind == KW_KIND_RSA)
        return false;
    return side->supports(spec);
}

static int seat(struct table *table, unsigned i)
{
    struct kw_peers *peers = table->peers;
    const struct kw_side *side = peers->sides[i];
    int r;

    if (!takes_part(side, table->spec))
        return 0;
    kw_console_progress("%s: warming up %s", kw_spec_info(table->spec)->name, side->title);
    r = kw_seat_open(&table->seats[i], side, table->spec, peers->path, true);
    if (r == 0) {
        table->seated[i] = peers->present[i] = true;
        memcpy(peers->versions[i], table->seats[i].version, sizeof(peers->versions[i]));
        r = kw_seat_warm(&table->seats[i], is_ours(side) ? fmin(WARM_S, peers->seconds) : OTHERS_WARM_S);
    }
    return r < 0 ? leave_out(table, i, r) : 0;
}

static int take_turn(struct table *table, unsigned i, double seconds)
{
    struct kw_peers_cell *cell = &table->peers->cells[i][table->spec];
    struct kw_turn turn;
    int r = kw_seat_turn(&table->seats[i], seconds, &turn);

    if (r < 0)
        return leave_out(table, i, r);
    kw_turns_add(&cell->turns, &turn);
    if (cell->num_rounds < KW_PEERS_ROUNDS_MAX)
        cell->round_rates[cell->num_rounds++] = (double)turn.pairs / turn.cpu_s;
    cell->measured = cell->turns.sum.pairs > 0;
    return 0;
}

/* Everybody takes part in every round, so that the machine's moods are the same for all; to make a pair may
 * take longer than a turn, so the rounds are counted, not the seconds. */
static int take_rounds(struct table *table)
{
    struct kw_peers *peers = table->peers;
    double seconds = fmin(TURN_S, peers->seconds);
    unsigned rounds = (unsigned)ceil(peers->seconds / seconds);

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < peers->num; i++) {
            if (kw_console_interrupted())
                return 0;
            kw_console_progress("%s: round %u of %u, %s", kw_spec_info(table->spec)->name, round + 1, rounds,
                peers->sides[i]->title);
            if (table->seated[i])
                KW_TRY(take_turn(table, i, seconds));
        }
    }
    return 0;
}

/* Ours can end a short run with every search half done. */
static int finish_a_pair(struct table *table)
{
    struct kw_peers *peers = table->peers;

    for (unsigned i = 0; i < peers->num; i++)
        while (table->seated[i] && !peers->cells[i][table->spec].measured && !kw_console_interrupted())
            KW_TRY(take_turn(table, i, TURN_S));
    return 0;
}

static int measure_spec(struct kw_peers *peers, enum kw_spec spec)
{
    KW_CLEANUP(table_done) struct table table = {.peers = peers, .spec = spec};

    for (unsigned i = 0; i < peers->num && !kw_console_interrupted(); i++)
        KW_TRY(seat(&table, i));
    KW_TRY(take_rounds(&table));
    return finish_a_pair(&table);
}

int kw_peers_measure(struct kw_peers *peers)
{
    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM && !kw_console_interrupted(); spec++)
        if (peers->specs[spec])
            KW_TRY(measure_spec(peers, spec));
    kw_console_clear();
    peers->interrupted = kw_console_interrupted();
    return 0;
}

struct kw_figure kw_peers_rate(const struct kw_peers *peers, unsigned peer, enum kw_spec spec)
{
    const struct kw_peers_cell *cell = &peers->cells[peer][spec];

    if (!cell->measured)
        return (struct kw_figure){NAN, NAN};
    return kw_turns_rate(&cell->turns);
}

struct kw_figure kw_peers_multiple(const struct kw_peers *peers, unsigned peer, enum kw_spec spec)
{
    struct kw_figure rate = kw_peers_rate(peers, peer, spec);
    struct kw_figure multiple = kw_figure_ratio(rate, kw_peers_rate(peers, peers->baseline, spec));

    /* Of itself exactly 1. */
    if (peer == peers->baseline)
        multiple.error = isnan(rate.value) ? NAN : 0;
    return multiple;
}
