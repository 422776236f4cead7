/* keywell pool - levels and rates, from the admin listener. */
#include "tools/adminclient.h"
#include "tools/commands.h"
#include "tools/options.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define POOLS_MAX 16
#define BAR_WIDTH 20

struct settings {
    struct kw_address admin;
    bool has_admin;
    const char *data;
    bool json, watch, once;
    uint64_t interval_ms;
};

/* One pool as the server told it. */
struct sample {
    const char *spec; /* in the JSON that it came from */
    double level, capacity, pops, pushes, misses, timeouts, rejects, waiters, make_us;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static const char *set_admin(void *to, const char *value)
{
    struct settings *settings = to;

    settings->has_admin = true;
    return kw_address_parse(value, &settings->admin) == 0 ? NULL
                                                          : "must be HOST:PORT, such as 127.0.0.1:4567";
}

static const char *set_data(void *to, const char *value)
{
    ((struct settings *)to)->data = value;
    return NULL;
}

static const char *set_json(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->json = true;
    return NULL;
}

static const char *set_watch(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->watch = true;
    return NULL;
}

static const char *set_once(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->once = true;
    return NULL;
}

static const char *set_interval(void *to, const char *value)
{
    return kw_number_parse(value, 100, 3600000, &((struct settings *)to)->interval_ms) == 0
               ? NULL
               : "must be 100 to 3600000 milliseconds";
}

static const struct kw_option options[] = {
    {"--admin", "HOST:PORT", "the server's admin listener", set_admin},
    {"--data", "DIR", "the server's data folder: the address is taken from its run.json", set_data},
    {"--json", NULL, "what the server says, as JSON", set_json},
    {"--watch", NULL, "go on until interrupted (what a terminal gets)", set_watch},
    {"--once", NULL, "show once (what a pipe gets)", set_once},
    {"--interval-ms", "N", "between two looks, over which rates are taken (default 1000)", set_interval},
};

static double field(const json_t *pool, const char *name)
{
    return (double)json_integer_value(json_object_get(pool, name));
}

static size_t read_samples(const json_t *answer, struct sample *samples)
{
    const json_t *pools = json_object_get(answer, "pools");
    size_t num = KW_MIN(json_array_size(pools), POOLS_MAX);

    for (size_t i = 0; i < num; i++) {
        const json_t *pool = json_array_get(pools, i);

        samples[i] = (struct sample){
            .spec = json_string_value(json_object_get(pool, "spec")),
            .level = field(pool, "level"),
            .capacity = field(pool, "capacity"),
            .pops = field(pool, "pops"),
            .pushes = field(pool, "pushes"),
            .misses = field(pool, "misses"),
            .timeouts = field(pool, "timeouts"),
            .rejects = field(pool, "rejects"),
            .waiters = field(pool, "waiters"),
            .make_us = field(pool, "make_us"),
        };
    }
    return num;
}

static void print_row(const struct sample *now, const struct sample *before, double seconds)
{
    char bar[BAR_WIDTH + 1], hits[16] = "-", make[32] = "-";
    int filled = now->capacity > 0 ? (int)(now->level / now->capacity * BAR_WIDTH + 0.5) : 0;
    double requests = now->pops + now->timeouts + now->rejects;

    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < KW_MIN(filled, BAR_WIDTH) ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    if (requests > 0)
        snprintf(hits, sizeof(hits), "%.1f%%", KW_MAX(100.0 * (requests - now->misses) / requests, 0.0));
    if (now->make_us > 0)
        snprintf(make, sizeof(make), "%.3f", now->make_us / 1000);
    printf("%-22s %s %7.0f /%7.0f %10.1f %10.1f %9s %7.0f %10s\n", now->spec, bar, now->level, now->capacity,
        (now->pops - before->pops) / seconds, (now->pushes - before->pushes) / seconds, hits, now->waiters,
        make);
}

static void print_table(const json_t *now, const json_t *before, double seconds)
{
    struct sample new_samples[POOLS_MAX], old_samples[POOLS_MAX];
    size_t num = KW_MIN(read_samples(now, new_samples), read_samples(before, old_samples));

    printf("%-22s %-20s %7s /%7s %10s %10s %9s %7s %10s\n", "SPEC", "", "LEVEL", "CAP", "POPS/S", "MADE/S",
        "HITS", "WAITING", "MS/PAIR");
    for (size_t i = 0; i < num; i++)
        print_row(&new_samples[i], &old_samples[i], seconds);
    printf("workers: %.0f, making pairs: %.0f, failed: %.0f\n", field(now, "workers"),
        field(now, "workers_awake"), field(now, "workers_failed"));
}

static int complain(const char *why)
{
    fprintf(stderr, "keywell pool: %s\n", why);
    return 1;
}

static void pause_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&time, NULL); /* an interruption is what ends it early */
}

static int show(const struct settings *settings, bool live)
{
    json_t *before = NULL, *now = NULL;
    char why[512];
    int r = kw_admin_get(&settings->admin, "/pools", &before, why, sizeof(why));

    while (r == 0 && !interrupted) {
        pause_ms(settings->interval_ms);
        if (interrupted)
            break;
        r = kw_admin_get(&settings->admin, "/pools", &now, why, sizeof(why));
        if (r != 0)
            break;
        if (live)
            printf("\033[H\033[J");
        print_table(now, before, (double)settings->interval_ms / 1000);
        fflush(stdout);
        json_decref(before);
        before = now;
        if (!live)
            break;
    }
    json_decref(before);
    return r == 0 ? 0 : complain(why);
}

static int show_json(const struct settings *settings)
{
    json_t *answer = NULL;
    char why[512];

    if (kw_admin_get(&settings->admin, "/pools", &answer, why, sizeof(why)) != 0)
        return complain(why);
    json_dumpf(answer, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(answer);
    return 0;
}

int kw_command_pool(int argc, char **argv)
{
    struct settings settings = {.interval_ms = 1000};
    struct sigaction action = {.sa_handler = on_signal};
    char why[512];
    int rest,
        r = kw_options_parse("keywell pool", options, KW_ARRAY_LEN(options), argc, argv, &settings, &rest);

    if (r == 2) {
        printf("Usage: keywell pool --admin HOST:PORT | --data DIR [OPTION ...]\n\n");
        kw_options_help(options, KW_ARRAY_LEN(options));
        return 0;
    }
    if (r != 0)
        return 2;
    if (settings.watch && settings.once) {
        fprintf(stderr, "keywell pool: --watch and --once exclude each other\nTry 'keywell pool --help'.\n");
        return 2;
    }
    if (rest < argc || settings.has_admin == (settings.data != NULL)) {
        fprintf(stderr,
            "keywell pool: give one of --admin HOST:PORT and --data DIR\nTry 'keywell pool --help'.\n");
        return 2;
    }
    if (!settings.has_admin && kw_admin_find(settings.data, &settings.admin, why, sizeof(why)) != 0)
        return complain(why);
    if (settings.json)
        return show_json(&settings);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return show(&settings, settings.watch || (isatty(STDOUT_FILENO) && !settings.once));
}
