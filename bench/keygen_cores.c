/* keygen_cores - the same generator on one core and on all of them at once, in turns.
 *
 * A thread a core, pinned, each with a generator of its own; a turn is begun and ended for all at a barrier.
 * In every other turn only the first works. The main thread sleeps meanwhile.
 */
#include "bench/console.h"
#include "bench/keygen.h"
#include "pool/secmem.h"

#include <math.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TURN_S 1.0
#define WARM_S 1.0

struct crew {
    const struct kw_keygen_options *options;
    pthread_barrier_t
        barrier; /* passed by all threads and the main one, at the begin and at the end of a turn */
    /* Written by the main thread before the begin of a turn. */
    unsigned active; /* 0: the end */
    double turn_s;
};

struct hand {
    struct crew *crew;
    unsigned index, cpu;
    pthread_t thread;
    struct kw_seat seat;
    /* Read by the main thread after the end of a turn. */
    int result;
    struct kw_turn turn;
};

static int set_up(struct hand *hand)
{
    const struct kw_keygen_options *options = hand->crew->options;

    KW_TRY(kw_pin(hand->cpu));
    KW_TRY(kw_seat_open(&hand->seat, &kw_side_keywell, options->spec, options->path, false));
    return kw_seat_warm(&hand->seat, fmin(WARM_S, options->seconds));
}

static void *work(void *arg)
{
    struct hand *hand = arg;
    struct crew *crew = hand->crew;

    hand->result = set_up(hand);
    for (;;) {
        pthread_barrier_wait(&crew->barrier);
        if (crew->active == 0)
            break;
        if (hand->result == 0 && hand->index < crew->active)
            hand->result = kw_seat_turn(&hand->seat, crew->turn_s, &hand->turn);
        pthread_barrier_wait(&crew->barrier);
    }
    kw_seat_close(&hand->seat);
    OPENSSL_thread_stop();
    kw_secmem_thread_done();
    return NULL;
}

/* ---- the main thread ---- */

struct tally {
    struct kw_turns *each; /* of every core */
    double wall_s;
    uint64_t pairs;
};

static int take_turn(
    struct crew *crew, struct hand *hands, unsigned num, unsigned active, struct tally *tally)
{
    double began;

    crew->active = active;
    pthread_barrier_wait(&crew->barrier);
    began = kw_wall_seconds();
    pthread_barrier_wait(&crew->barrier);
    tally->wall_s += kw_wall_seconds() - began;
    for (unsigned i = 0; i < num; i++)
        KW_TRY(hands[i].result);
    for (unsigned i = 0; i < active; i++) {
        kw_turns_add(&tally->each[i], &hands[i].turn);
        tally->pairs += hands[i].turn.pairs;
    }
    return 0;
}

static struct kw_figure rate_of(const struct tally *tally, unsigned num)
{
    struct kw_figure sum = {0, 0};

    for (unsigned i = 0; i < num; i++) {
        struct kw_figure one = kw_turns_rate(&tally->each[i]);

        sum.value += one.value;
        sum.error = hypot(sum.error, one.error);
    }
    return sum;
}

static int take_turns(
    struct crew *crew, struct hand *hands, unsigned num, struct tally *one, struct tally *all)
{
    while (one->wall_s < crew->options->seconds && !kw_console_interrupted()) {
        kw_console_progress("%s on 1 and on %u cores: %.0f of %.0f s each",
            kw_spec_info(crew->options->spec)->name, num, one->wall_s, crew->options->seconds);
        KW_TRY(take_turn(crew, hands, num, 1, one));
        KW_TRY(take_turn(crew, hands, num, num, all));
    }
    return 0;
}

static int measure(struct crew *crew, struct hand *hands, unsigned num, struct kw_keygen_cores *ret)
{
    struct kw_turns *turns = calloc(num + 1, sizeof(*turns));
    struct tally one = {.each = turns}, all = {.each = turns + 1};
    struct kw_figure of_num;
    int r;

    if (turns == NULL)
        return -ENOMEM;
    r = take_turns(crew, hands, num, &one, &all);
    if (r == 0) {
        ret->num = num;
        ret->one = rate_of(&one, 1);
        ret->all = rate_of(&all, num);
        ret->one_by_wall = (double)one.pairs / one.wall_s;
        ret->all_by_wall = (double)all.pairs / all.wall_s;
        of_num = (struct kw_figure){ret->one.value * num, ret->one.error * num};
        ret->efficiency = kw_figure_ratio(ret->all, of_num);
    }
    free(turns);
    return r;
}

/* Returns the number of threads that run. */
static unsigned start(struct crew *crew, struct hand *hands, const unsigned *cpus, unsigned num)
{
    for (unsigned i = 0; i < num; i++) {
        hands[i] = (struct hand){.crew = crew, .index = i, .cpu = cpus[i]};
        if (pthread_create(&hands[i].thread, NULL, work, &hands[i]) != 0)
            return i;
    }
    return num;
}

static void stop(struct crew *crew, struct hand *hands, unsigned num)
{
    crew->active = 0;
    pthread_barrier_wait(&crew->barrier);
    for (unsigned i = 0; i < num; i++)
        pthread_join(hands[i].thread, NULL);
}

/* A barrier cannot be made smaller: threads that do not all start are a reason to give up. */
static int run(struct crew *crew, struct hand *hands, const unsigned *cpus, struct kw_keygen_cores *ret)
{
    unsigned num = crew->options->cores;
    int r = -pthread_barrier_init(&crew->barrier, NULL, num + 1);

    if (r < 0)
        return r;
    if (start(crew, hands, cpus, num) < num) {
        fprintf(stderr, "keygen: %u threads cannot be started\n", num);
        exit(EXIT_FAILURE);
    }
    r = measure(crew, hands, num, ret);
    stop(crew, hands, num);
    pthread_barrier_destroy(&crew->barrier);
    return r;
}

int kw_keygen_measure_cores(
    const struct kw_keygen_options *options, const unsigned *cpus, struct kw_keygen_cores *ret)
{
    struct crew crew = {.options = options, .turn_s = fmin(TURN_S, options->seconds)};
    struct hand *hands = calloc(options->cores, sizeof(*hands));
    int r = hands != NULL ? run(&crew, hands, cpus, ret) : -ENOMEM;

    kw_console_clear();
    if (r < 0)
        fprintf(stderr, "keygen: the measurement on several cores failed: %s\n", kw_console_why(r));
    free(hands);
    return r;
}
