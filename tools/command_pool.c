/* keywell pool - levels and rates, from the admin listener. */
#include "tools/adminclient.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/poolview.h"
#include "tools/terminal.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct settings {
    struct kw_address admin;
    bool has_admin;
    const char *data;
    bool json, watch, once, no_color;
    uint64_t interval_ms;
};

static volatile sig_atomic_t resized;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        resized = 1;
    else
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

static const char *set_no_color(void *to, const char *value)
{
    (void)value;
    ((struct settings *)to)->no_color = true;
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
    {"--json", NULL, "what the server says, as JSON (what a pipe gets)", set_json},
    {"--watch", NULL, "go on until interrupted (what a terminal gets)", set_watch},
    {"--once", NULL, "show the table once", set_once},
    {"--no-color", NULL, "no colours on a terminal; so does NO_COLOR", set_no_color},
    {"--interval-ms", "N", "between two looks, over which rates are taken (default 1000)", set_interval},
};

static const json_t *pool_at(const json_t *answer, size_t i)
{
    return json_array_get(json_object_get(answer, "pools"), i);
}

static long count(const json_t *answer, const char *name)
{
    return (long)json_integer_value(json_object_get(answer, name));
}

/* Live, each line is written over the one that stands there, and what is left of that is wiped: nothing
 * flickers, and what a resized terminal has broken is mended. */
static void print_line(const char *text, bool live)
{
    printf("%s%s\n", text, live ? "\033[K" : "");
}

static void print_table(const struct settings *settings, const json_t *now, const json_t *before, bool live)
{
    bool colours = kw_terminal_colours_here(settings->no_color);
    char line[KW_POOLVIEW_LINE_MAX];
    unsigned columns = UINT_MAX, rows;
    size_t num = json_array_size(json_object_get(now, "pools"));

    if (isatty(STDOUT_FILENO) == 1)
        kw_terminal_size(&columns, &rows);
    if (live)
        printf("\033[H");
    kw_poolview_head(columns, line);
    print_line(line, live);
    for (size_t i = 0; i < num; i++) {
        struct kw_pool_look look = kw_pool_look(pool_at(now, i)), old = kw_pool_look(pool_at(before, i));

        kw_poolview_line(&look, &old, (double)settings->interval_ms / 1000, columns, colours, line);
        print_line(line, live);
    }
    snprintf(line, sizeof(line), "workers: %ld, making pairs: %ld, failed: %ld", count(now, "workers"),
        count(now, "workers_awake"), count(now, "workers_failed"));
    print_line(line, live);
    if (live)
        printf("\033[J");
    fflush(stdout);
}

static int complain(const char *why)
{
    fprintf(stderr, "keywell pool: %s\n", why);
    return 1;
}

static uint64_t left_ms(uint64_t until_ns)
{
    uint64_t now_ns = kw_now_ns();

    return now_ns < until_ns ? (until_ns - now_ns + 999999) / 1000000 : 0;
}

/* A resized terminal is drawn anew at once, from the looks that there are. */
static void pause_until(
    const struct settings *settings, uint64_t until_ns, const json_t *now, const json_t *before)
{
    uint64_t ms;

    while (!interrupted && (ms = left_ms(until_ns)) > 0) {
        struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

        (void)nanosleep(&time, NULL); /* an interruption is what ends it early */
        if (resized && before != NULL)
            print_table(settings, now, before, true);
        resized = 0;
    }
}

/* In: live, go on until interrupted. On a terminal the table stays in its place, elsewhere they follow one
 * another. */
static int show(const struct settings *settings, bool live)
{
    json_t *before = NULL, *now = NULL, *next = NULL;
    bool in_place = live && isatty(STDOUT_FILENO) == 1;
    char why[512];
    int r = kw_admin_get(&settings->admin, "/pools", &now, why, sizeof(why));

    if (in_place && r == 0)
        printf("\033[H\033[J");
    while (r == 0 && !interrupted) {
        pause_until(settings, kw_now_ns() + settings->interval_ms * 1000000, now, before);
        if (interrupted)
            break;
        r = kw_admin_get(&settings->admin, "/pools", &next, why, sizeof(why));
        if (r != 0)
            break;
        json_decref(before);
        before = now;
        now = next;
        print_table(settings, now, before, in_place);
        if (!live)
            break;
    }
    json_decref(before);
    json_decref(now);
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
    if (settings.json || (!settings.watch && !settings.once && isatty(STDOUT_FILENO) != 1))
        return show_json(&settings);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    return show(&settings, settings.watch || !settings.once);
}
