#include "tools/poolview.h"

#include "tools/terminal.h"

#include <stdio.h>

/* The line without its bar, and bars that are worth looking at. */
#define FIXED   96u
#define BAR_MIN 8u
#define BAR_MAX 40u

static double number(const json_t *pool, const char *name)
{
    return json_number_value(json_object_get(pool, name));
}

struct kw_pool_look kw_pool_look(const json_t *pool)
{
    const char *spec = json_string_value(json_object_get(pool, "spec"));

    return (struct kw_pool_look){
        .spec = spec != NULL ? spec : "?",
        .level = number(pool, "level"),
        .capacity = number(pool, "capacity"),
        .pops = number(pool, "pops"),
        .pushes = number(pool, "pushes"),
        .misses = number(pool, "misses"),
        .timeouts = number(pool, "timeouts"),
        .rejects = number(pool, "rejects"),
        .waiters = number(pool, "waiters"),
        .demand = number(pool, "demand_per_1000_s") / 1000,
        .make_us = number(pool, "make_us"),
    };
}

double kw_pool_hits(const struct kw_pool_look *now, const struct kw_pool_look *before)
{
    double requests =
        now->pops + now->timeouts + now->rejects - before->pops - before->timeouts - before->rejects;
    double hits = requests - (now->misses - before->misses);

    /* A request is a miss when it begins to wait, and counts when it ends. */
    return requests > 0 ? KW_MIN(KW_MAX(hits / requests, 0.0), 1.0) : -1;
}

static unsigned bar_width(unsigned columns)
{
    return columns < FIXED + BAR_MIN ? 0 : KW_MIN(columns - FIXED, BAR_MAX);
}

/* Cuts to so many columns; the text has nothing but ASCII. */
static void cut(char *text, unsigned columns)
{
    if (strlen(text) > columns)
        text[columns] = '\0';
}

/* Out: ret, with a space behind it; "" for a width of 0. */
static void draw_bar(double share, unsigned width, bool colours, char ret[BAR_MAX + 24])
{
    unsigned filled = (unsigned)(share * width + 0.5);
    const char *paint = share > 0.5     ? KW_TERMINAL_GREEN
                        : share > 0.125 ? KW_TERMINAL_YELLOW
                                        : KW_TERMINAL_RED;
    size_t len = 0;

    ret[0] = '\0';
    if (width == 0)
        return;
    if (colours)
        len = (size_t)snprintf(ret, BAR_MAX + 24, "%s", paint);
    for (unsigned i = 0; i < width; i++)
        ret[len++] = i < filled ? '#' : '.';
    snprintf(ret + len, BAR_MAX + 24 - len, "%s ", colours ? KW_TERMINAL_PLAIN : "");
}

void kw_poolview_head(unsigned columns, char ret[KW_POOLVIEW_LINE_MAX])
{
    unsigned width = bar_width(columns);

    snprintf(ret, KW_POOLVIEW_LINE_MAX, "%-22s %*s%7s /%7s %9s %9s %9s %7s %7s %9s", "SPEC",
        width > 0 ? (int)width + 1 : 0, "", "LEVEL", "DEPTH", "TAKEN/S", "MADE/S", "DEMAND/S", "HITS",
        "WAITING", "MS/PAIR");
    cut(ret, columns);
}

void kw_poolview_line(const struct kw_pool_look *now, const struct kw_pool_look *before, double seconds,
    unsigned columns, bool colours, char ret[KW_POOLVIEW_LINE_MAX])
{
    double share = now->capacity > 0 ? KW_MIN(KW_MAX(now->level / now->capacity, 0.0), 1.0) : 0;
    double hits = kw_pool_hits(now, before);
    char bar[BAR_MAX + 24], hit_text[16] = "-", make[32] = "-", left[40], right[KW_POOLVIEW_LINE_MAX];
    unsigned width = bar_width(columns), used;

    draw_bar(share, width, colours, bar);
    if (hits >= 0)
        snprintf(hit_text, sizeof(hit_text), "%.1f%%", 100 * hits);
    if (now->make_us > 0)
        snprintf(make, sizeof(make), "%.3f", now->make_us / 1000);
    snprintf(left, sizeof(left), "%-22.22s ", now->spec);
    snprintf(right, sizeof(right), "%7.0f /%7.0f %9.1f %9.1f %9.1f %7s %7.0f %9s", now->level, now->capacity,
        (now->pops - before->pops) / seconds, (now->pushes - before->pushes) / seconds, now->demand, hit_text,
        now->waiters, make);
    cut(left, columns);
    used = (unsigned)strlen(left) + (width > 0 ? width + 1 : 0);
    cut(right, columns > used ? columns - used : 0);
    snprintf(ret, KW_POOLVIEW_LINE_MAX, "%s%s%s", left, bar, right);
}
