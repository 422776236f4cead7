/* request - GenerateDataKeyPairWithoutPlaintext in process: from the bytes of a signed request to its record
 * in the audit log's hands, and from the durable record to the finished answer; and by themselves what
 * connection, ring and kernel take to receive and to send (requestwire.h). The wait for the disk is in none.
 * Beside each step stands its floor, measured in the same run (requestfloors.h).
 *
 * The whole operation is timed undisturbed, and then again with a clock around each step. Figures are in
 * nanoseconds over many single requests: the mean of the middle half (a median that does not show in which
 * steps the clock moves), and beside it the mean of the lowest tenth, which a neighbour on the same core
 * disturbs less. Nothing stands in for anything but the connection: a keystore and
 * an audit log in a folder ($TMPDIR), pools of real pairs, requests signed as boto3 signs them.
 */
#include "bench/requestallocs.h"
#include "bench/requestfloors.h"
#include "bench/requeststeps.h"
#include "bench/requestwire.h"
#include "bench/requestworld.h"
#include "engine/cpu.h"

#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLES_MAX 65536u
#define BATCHES_MAX 1024u /* of receiving and sending, and of each floor */

struct figures {
    double middle, lowest; /* nanoseconds */
};

struct run {
    enum kw_spec spec;
    size_t answer_len;
    double allocs; /* of a request */
    struct figures whole, steps[KW_STEP_NUM], floors[KW_STEP_NUM], sum;
};

static uint32_t samples[KW_STEP_NUM + 1][SAMPLES_MAX];
static unsigned num_samples, looks[KW_STEP_NUM]; /* looks: of each step in one request */

static int by_size(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double mean(const uint32_t *values, unsigned from, unsigned to)
{
    double sum = 0;

    for (unsigned i = from; i < to; i++)
        sum += values[i];
    return sum / (to - from);
}

/* What is not of the step, in ticks, is taken off. */
static struct figures figures_of(uint32_t *values, unsigned num, double beside, double tick_ns)
{
    struct figures figures;

    qsort(values, num, sizeof(*values), by_size);
    figures.middle = (mean(values, num / 4, num / 4 * 3) - beside) * tick_ns;
    figures.lowest = (mean(values, 0, KW_MAX(num / 10, 1u)) - beside) * tick_ns;
    figures.middle = KW_MAX(figures.middle, 0);
    figures.lowest = KW_MAX(figures.lowest, 0);
    return figures;
}

/* ---- one batch ---- */

/* Each answer comes in the order of the requests, since records are durable in their order. */
static void run_whole(struct kw_requestworld *world, struct run *run)
{
    uint64_t spent[KW_REQUESTWORLD_BATCH], allocs = kw_requestallocs();

    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++) {
        uint64_t begin_ns = kw_now_ns();

        kw_requestworld_begin(world, i);
        spent[i] = kw_now_ns() - begin_ns;
    }
    kw_requestworld_wait(world, KW_REQUESTWORLD_BATCH);
    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++) {
        uint64_t begin_ns = kw_now_ns();

        kw_requestworld_end(world);
        spent[i] += kw_now_ns() - begin_ns;
        run->answer_len = kw_requestworld_answer(world);
        samples[KW_STEP_NUM][num_samples + i] = (uint32_t)spent[i];
    }
    run->allocs = (double)(kw_requestallocs() - allocs) / KW_REQUESTWORLD_BATCH; /* of the last batch */
}

static void run_steps(struct kw_requestworld *world)
{
    struct kw_requeststep_time own[KW_REQUESTWORLD_BATCH][KW_STEP_NUM], ended[KW_STEP_NUM];

    kw_requeststeps_on(true);
    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++) {
        kw_requeststep_enter(KW_STEP_REST);
        kw_requestworld_begin(world, i);
        kw_requeststep_leave();
        kw_requeststeps_take(own[i]);
    }
    kw_requestworld_wait(world, KW_REQUESTWORLD_BATCH);
    for (unsigned i = 0; i < KW_REQUESTWORLD_BATCH; i++) {
        kw_requeststep_enter(KW_STEP_REST);
        kw_requestworld_end(world);
        kw_requeststep_leave();
        (void)kw_requestworld_answer(world);
        kw_requeststeps_take(ended);
        for (unsigned step = 0; step < KW_STEP_NUM; step++) {
            samples[step][num_samples + i] = own[i][step].ticks + ended[step].ticks;
            looks[step] = own[i][step].looks + ended[step].looks;
        }
    }
    kw_requeststeps_on(false);
}

/* ---- receive and send, floors ---- */

/* What is given in nanoseconds, in tenths of them for the sake of short ones. */
static struct figures figures_of_ns(const double *values, unsigned num)
{
    static uint32_t tenths[BATCHES_MAX];

    for (unsigned i = 0; i < num; i++)
        tenths[i] = (uint32_t)(KW_MAX(values[i], 0.0) * 10);
    return figures_of(tenths, num, 0, 0.1);
}

static void measure_wire(struct kw_requestworld *world, struct run *run, unsigned num)
{
    static struct kw_requestwire_sample wire[BATCHES_MAX];
    static double values[4][BATCHES_MAX];

    kw_requestwire_measure(kw_requestworld_request(world, 0), run->answer_len, wire, num);
    for (unsigned i = 0; i < num; i++) {
        values[0][i] = wire[i].receive_ns;
        values[1][i] = wire[i].send_ns;
        values[2][i] = wire[i].receive_floor_ns;
        values[3][i] = wire[i].send_floor_ns;
    }
    run->steps[KW_STEP_RECEIVE] = figures_of_ns(values[0], num);
    run->steps[KW_STEP_SEND] = figures_of_ns(values[1], num);
    run->floors[KW_STEP_RECEIVE] = figures_of_ns(values[2], num);
    run->floors[KW_STEP_SEND] = figures_of_ns(values[3], num);
}

static void measure_floors(struct kw_requestworld *world, struct run *run, unsigned num)
{
    static double values[BATCHES_MAX];
    struct kw_bytes text = kw_requestworld_request(world, 0);
    const uint8_t *end = memmem(text.ptr, text.len, "\r\n\r\n", 4);
    size_t head_len = end != NULL ? (size_t)(end - text.ptr) + 4 : text.len;
    const struct kw_requestfloor_sizes sizes = {
        .head = KW_BYTES(text.ptr, head_len),
        .body = KW_BYTES(text.ptr + head_len, text.len - head_len),
        .private_len = kw_requestworld_private_len(world, run->spec),
        .answer_len = run->answer_len,
    };

    for (unsigned step = 0; step < KW_STEP_NUM; step++) {
        if (kw_requestfloor_help((enum kw_requeststep)step) == NULL)
            continue;
        for (unsigned i = 0; i < num; i++)
            values[i] = kw_requestfloor_sample((enum kw_requeststep)step, &sizes);
        run->floors[step] = figures_of_ns(values, num);
    }
}

static void measure(struct kw_requestworld *world, struct run *run, unsigned wanted, unsigned pairs)
{
    double tick_ns = kw_requeststeps_tick_ns(), look = kw_requeststeps_look_ticks();

    kw_requestworld_sign(world, run->spec);
    kw_requestworld_refill(world, run->spec);
    for (num_samples = 0; num_samples < wanted; num_samples += KW_REQUESTWORLD_BATCH) {
        if (num_samples % (pairs / 2 / KW_REQUESTWORLD_BATCH * KW_REQUESTWORLD_BATCH) == 0)
            kw_requestworld_refill(world, run->spec);
        run_whole(world, run);
        run_steps(world);
    }
    run->whole = figures_of(samples[KW_STEP_NUM], num_samples, 0, 1);
    run->sum = (struct figures){0};
    for (unsigned step = 0; step < KW_STEP_NUM; step++) {
        run->steps[step] = figures_of(samples[step], num_samples, looks[step] * look, tick_ns);
        run->sum.middle += run->steps[step].middle;
        run->sum.lowest += run->steps[step].lowest;
    }
    measure_wire(world, run, KW_MIN(wanted / KW_REQUESTWORLD_BATCH, BATCHES_MAX));
    measure_floors(world, run, KW_MIN(wanted / KW_REQUESTWORLD_BATCH, BATCHES_MAX));
}

/* ---- what is said of it ---- */

static void print_step(const struct run *run, enum kw_requeststep step)
{
    const char *help = kw_requestfloor_help(step);
    bool wire = step == KW_STEP_RECEIVE || step == KW_STEP_SEND;
    char floor[16] = "-";

    if (help != NULL || wire)
        snprintf(floor, sizeof(floor), "%.0f", run->floors[step].middle);
    printf("  %-14s %8.0f %8.0f %8s  %s; floor: %s\n", kw_requeststep_name(step), run->steps[step].middle,
        run->steps[step].lowest, floor, kw_requeststep_help(step),
        wire           ? "the same bytes through a bare ring"
        : help != NULL ? help
                       : "not measured");
}

static void print_table(const struct run *run)
{
    printf("\n%s: %zu bytes of answer; nanoseconds: middle half, lowest tenth, floor (middle half)\n",
        kw_spec_info(run->spec)->name, run->answer_len);
    for (unsigned step = 0; step < KW_STEP_NUM; step++)
        print_step(run, (enum kw_requeststep)step);
    printf("  %-14s %8.0f %8.0f           without receive and send\n", "sum of steps", run->sum.middle,
        run->sum.lowest);
    printf("  %-14s %8.0f %8.0f           the same without the clocks around steps\n", "whole",
        run->whole.middle, run->whole.lowest);
    printf("  %.2f allocations\n", run->allocs);
}

static void print_json(const struct run *runs, unsigned num)
{
    char model[64];

    kw_cpu_model(model);
    printf("{\"benchmark\":\"request\",\"unit\":\"ns\",\"cpu\":\"%s\",\"openssl\":\"%s\",\"specs\":{", model,
        OpenSSL_version(OPENSSL_VERSION));
    for (unsigned i = 0; i < num; i++) {
        printf("%s\"%s\":{\"answer_bytes\":%zu,\"allocations\":%.2f,\"whole\":{\"middle\":%.0f,\"lowest\":%."
               "0f},\"steps\":{",
            i > 0 ? "," : "", kw_spec_info(runs[i].spec)->name, runs[i].answer_len, runs[i].allocs,
            runs[i].whole.middle, runs[i].whole.lowest);
        for (unsigned step = 0; step < KW_STEP_NUM; step++)
            printf("%s\"%s\":{\"middle\":%.0f,\"lowest\":%.0f,\"floor\":%.1f}", step > 0 ? "," : "",
                kw_requeststep_name((enum kw_requeststep)step), runs[i].steps[step].middle,
                runs[i].steps[step].lowest, runs[i].floors[step].middle);
        printf("}}");
    }
    printf("}}\n");
}

/* ---- the program ---- */

struct options {
    bool json, smoke;
    bool specs[KW_SPEC_NUM];
    unsigned requests, pairs;
};

static int usage(FILE *to)
{
    fprintf(to, "usage: request [--json] [--smoke] [--specs SPEC,...] [--requests N] [--pairs N]\n"
                "Times GenerateDataKeyPairWithoutPlaintext in process, step by step.\n"
                "  --specs     of the key pairs: ECC_NIST_P256,RSA_2048,RSA_4096 if not said\n"
                "  --requests  timed for each spec, twice over (at most 65536): 16384\n"
                "  --pairs     made for each spec: 1024\n"
                "  --json      one JSON object instead of tables\n"
                "  --smoke     few of everything; fails if a request allocates\n");
    return to == stdout ? 0 : 2;
}

static bool parse_specs(const char *text, bool specs[KW_SPEC_NUM])
{
    memset(specs, 0, KW_SPEC_NUM * sizeof(*specs));
    for (;;) {
        size_t len = strcspn(text, ",");
        enum kw_spec spec;

        if (kw_spec_parse(KW_BYTES(text, len), &spec) != 0)
            return false;
        specs[spec] = true;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

/* At least two batches, in whole ones. */
static unsigned whole_batches(const char *text, unsigned max)
{
    unsigned long wanted = strtoul(text, NULL, 10);

    wanted = KW_MIN(KW_MAX(wanted, 4ul * KW_REQUESTWORLD_BATCH), (unsigned long)max);
    return (unsigned)wanted / KW_REQUESTWORLD_BATCH * KW_REQUESTWORLD_BATCH;
}

static int parse_options(int argc, char **argv, struct options *ret)
{
    static const struct option table[] = {
        {"json", no_argument, NULL, 'j'},
        {"smoke", no_argument, NULL, 's'},
        {"specs", required_argument, NULL, 'k'},
        {"requests", required_argument, NULL, 'r'},
        {"pairs", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *ret = (struct options){.requests = 16384, .pairs = 1024};
    ret->specs[KW_SPEC_ECC_NIST_P256] = ret->specs[KW_SPEC_RSA_2048] = ret->specs[KW_SPEC_RSA_4096] = true;
    while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        if (option == 'j') {
            ret->json = true;
        } else if (option == 's') {
            ret->smoke = true;
            ret->requests = ret->pairs = 4 * KW_REQUESTWORLD_BATCH;
            (void)parse_specs("ECC_NIST_P256", ret->specs);
        } else if (option == 'k' && parse_specs(optarg, ret->specs)) {
            continue;
        } else if (option == 'r') {
            ret->requests = whole_batches(optarg, SAMPLES_MAX);
        } else if (option == 'p') {
            ret->pairs = whole_batches(optarg, KW_POOL_CAPACITY_MAX);
        } else {
            return usage(option == 'h' ? stdout : stderr);
        }
    }
    return optind == argc ? -1 : usage(stderr);
}

int main(int argc, char **argv)
{
    static struct run runs[KW_SPEC_NUM];
    struct options options;
    struct kw_requestworld *world;
    unsigned num = 0;
    int r = parse_options(argc, argv, &options);

    if (r >= 0)
        return r;
    world = kw_requestworld_new(options.specs, options.pairs);
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (!options.specs[spec])
            continue;
        runs[num].spec = (enum kw_spec)spec;
        measure(world, &runs[num++], options.requests, options.pairs);
    }
    if (options.json)
        print_json(runs, num);
    for (unsigned i = 0; !options.json && i < num; i++)
        print_table(&runs[i]);
    kw_requestworld_free(world);
    if (options.smoke && runs[0].allocs > 0) {
        fprintf(stderr, "request: %.2f allocations of a request, once all is warm\n", runs[0].allocs);
        return 1;
    }
    return 0;
}
