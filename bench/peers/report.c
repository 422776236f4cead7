#include "bench/peers/peers.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Above this a reader is told. */
#define WALL_EXCESS 0.05

#define NAME_WIDTH 24
#define CELL_WIDTH 22

/* ---- for people ---- */

/* Decimals that show so many digits that count. */
static int decimals_of(double value, int digits)
{
    return value > 0 ? (int)fmax(0, digits - 1 - floor(log10(value))) : 0;
}

/* "330 +-1.2% (x70.2)" */
static void format_cell(
    const struct kw_peers *peers, unsigned peer, enum kw_spec spec, char ret[CELL_WIDTH + 1])
{
    struct kw_figure rate = kw_peers_rate(peers, peer, spec);
    struct kw_figure multiple = kw_peers_multiple(peers, peer, spec);
    double error = 100 * rate.error / rate.value;
    int len;

    if (isnan(rate.value)) {
        snprintf(ret, CELL_WIDTH + 1, "-");
        return;
    }
    len = snprintf(ret, CELL_WIDTH + 1, "%.*f +-%.*f%%", decimals_of(rate.value, 3), rate.value,
        error < 10 ? 1 : 0, error);
    if (!isnan(multiple.value) && len < CELL_WIDTH)
        snprintf(ret + len, (size_t)(CELL_WIDTH + 1 - len), " (x%.*f)", decimals_of(multiple.value, 3),
            multiple.value);
}

static void print_head(const struct kw_peers *peers)
{
    printf("| %-*s |", NAME_WIDTH, "");
    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++)
        if (peers->specs[spec])
            printf(" %*s |", CELL_WIDTH, kw_spec_info(spec)->name);
    printf("\n|%.*s|", NAME_WIDTH + 2, "--------------------------------");
    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++)
        if (peers->specs[spec])
            printf("%.*s:|", CELL_WIDTH + 1, "--------------------------------");
    putchar('\n');
}

static void print_row(const struct kw_peers *peers, unsigned peer)
{
    printf("| %-*s |", NAME_WIDTH, peers->sides[peer]->title);
    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++) {
        char cell[CELL_WIDTH + 1];

        if (!peers->specs[spec])
            continue;
        format_cell(peers, peer, spec, cell);
        printf(" %*s |", CELL_WIDTH, cell);
    }
    putchar('\n');
}

static void print_note(const struct kw_side *side, const char *version)
{
    bool both = side->note != NULL && version[0] != '\0';

    if (side->note != NULL || version[0] != '\0')
        printf("%s: %s%s%s.\n", side->title, version, both ? "; " : "", side->note != NULL ? side->note : "");
}

static void print_notes(const struct kw_peers *peers)
{
    for (unsigned i = 0; i < peers->num; i++)
        if (peers->present[i])
            print_note(peers->sides[i], peers->versions[i]);
}

static double wall_excess(const struct kw_peers *peers)
{
    double cpu_s = 0, wall_s = 0;

    for (unsigned i = 0; i < peers->num; i++) {
        for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++) {
            cpu_s += peers->cells[i][spec].turns.sum.cpu_s;
            wall_s += peers->cells[i][spec].turns.sum.wall_s;
        }
    }
    return cpu_s > 0 ? wall_s / cpu_s - 1 : 0;
}

void kw_peers_print(const struct kw_peers *peers)
{
    double excess = wall_excess(peers);

    printf("Key pairs per second of CPU time on core %u, %s, path %s%s;\n", peers->cpu, peers->cpu_model,
        kw_cpu_path_name(peers->path), peers->interrupted ? " (interrupted)" : "");
    printf("with the standard error and, in brackets, the multiple of OpenSSL's rate:\n\n");
    print_head(peers);
    for (unsigned i = 0; i < peers->num; i++)
        print_row(peers, i);
    putchar('\n');
    print_notes(peers);
    if (excess > WALL_EXCESS)
        printf("Others used this core: wall time was %.0f %% above CPU time.\n", 100 * excess);
    fflush(stdout);
}

/* ---- for programs ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The value below which that part of the rounds is. */
static double quantile(const struct kw_peers_cell *cell, double part)
{
    double sorted[KW_PEERS_ROUNDS_MAX], place;
    unsigned below;

    if (cell->num_rounds == 0)
        return NAN;
    memcpy(sorted, cell->round_rates, cell->num_rounds * sizeof(*sorted));
    qsort(sorted, cell->num_rounds, sizeof(*sorted), compare);
    place = part * (cell->num_rounds - 1);
    below = (unsigned)place;
    if (below + 1 == cell->num_rounds)
        return sorted[below];
    return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

static json_t *cell_json(const struct kw_peers *peers, unsigned peer, enum kw_spec spec)
{
    const struct kw_peers_cell *cell = &peers->cells[peer][spec];
    struct kw_figure rate = kw_peers_rate(peers, peer, spec);
    struct kw_figure multiple = kw_peers_multiple(peers, peer, spec);

    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "peer",
        peers->sides[peer]->name, "spec", kw_spec_info(spec)->name, "pairs",
        (json_int_t)cell->turns.sum.pairs, "failures", (json_int_t)cell->turns.sum.failures, "cpu_seconds",
        number(cell->turns.sum.cpu_s), "wall_seconds", number(cell->turns.sum.wall_s), "pairs_per_second",
        number(rate.value), "standard_error", number(rate.error), "multiple", number(multiple.value),
        "rounds_lower_quartile", number(quantile(cell, 0.25)), "rounds_median", number(quantile(cell, 0.5)),
        "rounds_upper_quartile", number(quantile(cell, 0.75)), "rounds", (int)cell->num_rounds);
}

static json_t *cells_json(const struct kw_peers *peers)
{
    json_t *cells = json_array();

    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++)
        for (unsigned i = 0; i < peers->num; i++)
            if (peers->cells[i][spec].measured)
                (void)json_array_append_new(cells, cell_json(peers, i, spec));
    return cells;
}

static json_t *peers_json(const struct kw_peers *peers)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < peers->num; i++)
        (void)json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:s?}", "peer", peers->sides[i]->name, "title",
                       peers->sides[i]->title, "version", peers->versions[i], "note", peers->sides[i]->note));
    return array;
}

int kw_peers_write_json(const struct kw_peers *peers, const char *path)
{
    json_t *json =
        json_pack("{s:s, s:i, s:s, s:b, s:s, s:o, s:o}", "cpu", peers->cpu_model, "core", (int)peers->cpu,
            "cpu_path", kw_cpu_path_name(peers->path), "interrupted", (int)peers->interrupted, "baseline",
            peers->sides[peers->baseline]->name, "peers", peers_json(peers), "results", cells_json(peers));
    int r;

    if (json == NULL)
        return -ENOMEM;
    errno = 0;
    r = json_dump_file(json, path, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(json);
    return r == 0 ? 0 : errno != 0 ? -errno : -EIO;
}
