/* Latency by percentile, a line for each rate (or for each operation, if there is one rate), as SVG.
 *
 * No background, and colours that can be read on white and on black alike. Sizes are in pixels.
 */
#include "tools/loadreport.h"

#include <math.h>

#define WIDTH  860
#define HEIGHT 480
#define LEFT   76
#define RIGHT  640
#define TOP    76
#define BOTTOM 426
#define LINES  8u

struct line {
    const struct kw_hdr *hdr;
    uint64_t failed; /* took for ever: the line leaves the chart above */
    char name[160];
};

struct chart {
    FILE *file;
    struct line lines[LINES];
    unsigned num;
    double nines;  /* at the right end: 3 is 99.9 % */
    int low, high; /* powers of ten of nanoseconds at the ends */
};

static void put_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '&')
            fputs("&amp;", file);
        else
            fputc(*text, file);
    }
}

/* ---- what is shown ---- */

static void add_line(struct chart *chart, const struct kw_load_tally *tally, const char *name)
{
    struct line *line = &chart->lines[chart->num];

    if (chart->num == LINES || tally->latency.total == 0)
        return;
    line->hdr = &tally->latency;
    line->failed = tally->failed;
    snprintf(line->name, sizeof(line->name), "%s", name);
    chart->num++;
}

static void choose_lines(struct chart *chart, const struct kw_load_report *report)
{
    const struct kw_load_plan *plan = report->plan;
    /* Of many rates, so many that lines can be told apart, the last among them. */
    unsigned step = (report->num_results + LINES - 1) / LINES, first = 0;
    char name[160];

    if (report->num_results > 0)
        first = (report->num_results - 1) % KW_MAX(step, 1u);
    if (report->num_results == 1 && plan->num_ops > 1) {
        for (unsigned i = 0; i < plan->num_ops; i++)
            add_line(chart, &report->results[0]->ops[i], plan->ops[i].name);
        return;
    }
    for (unsigned i = first; i < report->num_results; i += step) {
        snprintf(name, sizeof(name), "%.0f/s%s", report->results[i]->rate,
            report->results[i]->valid ? "" : " (invalid)");
        add_line(chart, &report->results[i]->total, name);
    }
}

static void scale(struct chart *chart)
{
    uint64_t least = UINT64_MAX, most = 1, requests = 1;

    for (unsigned i = 0; i < chart->num; i++) {
        least = KW_MIN(least, kw_hdr_percentile(chart->lines[i].hdr, 0, 0));
        most = KW_MAX(most, chart->lines[i].hdr->max_ns);
        requests = KW_MAX(requests, chart->lines[i].hdr->total);
    }
    /* As far right as there is more than a request to tell of. */
    chart->nines = fmin(fmax(floor(log10((double)requests)), 2), 6);
    chart->low = chart->num > 0 ? (int)floor(log10((double)KW_MAX(least, UINT64_C(1)))) : 3;
    chart->high = KW_MAX((int)ceil(log10((double)most)), chart->low + 1);
}

/* ---- drawing ---- */

static double x_of(const struct chart *chart, double nines)
{
    return LEFT + (RIGHT - LEFT) * nines / chart->nines;
}

static double y_of(const struct chart *chart, double ns)
{
    double y = BOTTOM - (BOTTOM - TOP) * (log10(ns) - chart->low) / (double)(chart->high - chart->low);

    return fmin(fmax(y, TOP), BOTTOM);
}

static void draw_head(const struct chart *chart, const struct kw_load_report *report)
{
    const struct kw_load_plan *plan = report->plan;
    char what[512];

    kw_load_describe(plan, what, sizeof(what));
    fprintf(chart->file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "role=\"img\" "
        "font-family=\"sans-serif\" font-size=\"13\">\n<title>Latency by percentile</title>\n"
        "<style>text{fill:#6e7781} .strong{font-weight:bold} .grid{stroke:#8b949e;stroke-opacity:.35}\n"
        ".line{fill:none;stroke-width:2} .objective{stroke:#cf222e;stroke-dasharray:5 4}</style>\n"
        "<text class=\"strong\" x=\"12\" y=\"24\" font-size=\"17\">",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_text(chart->file, report->title != NULL ? report->title : "Latency by percentile");
    fprintf(chart->file, "</text>\n<text x=\"12\" y=\"46\">");
    put_text(chart->file, what);
    fprintf(chart->file, "; %u connections%s%s</text>\n", plan->num_connections,
        report->tls[0] != '\0' ? ", " : "", report->tls);
}

static void draw_grid(const struct chart *chart)
{
    static const char *const units[] = {"1 ns", "10 ns", "100 ns", "1 us", "10 us", "100 us", "1 ms", "10 ms",
        "100 ms", "1 s", "10 s", "100 s"};
    static const char *const percents[] = {"0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"};

    for (int power = chart->low; power <= chart->high && power < (int)KW_ARRAY_LEN(units); power++) {
        double y = y_of(chart, pow(10, power));

        fprintf(chart->file,
            "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            LEFT, y, RIGHT, y, LEFT - 8, y + 4, units[power]);
    }
    for (int nines = 0; nines <= (int)chart->nines; nines++) {
        double x = x_of(chart, nines);

        fprintf(chart->file,
            "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            x, TOP, x, BOTTOM, x, BOTTOM + 20, percents[nines]);
    }
    fprintf(chart->file,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">share of requests that took no longer</text>\n",
        (LEFT + RIGHT) / 2, BOTTOM + 42);
}

static void draw_objectives(const struct chart *chart, const struct kw_load_report *report)
{
    for (unsigned i = 0; i < report->num_slos; i++) {
        const struct kw_load_slo *slo = &report->slos[i];
        double nines = -log10(1 - slo->percent / 100);

        if (slo->kind != KW_LOAD_SLO_PERCENTILE || !(nines <= chart->nines) ||
            slo->bound < pow(10, chart->low) || slo->bound > pow(10, chart->high))
            continue;
        fprintf(chart->file,
            "<line class=\"objective\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
            x_of(chart, nines) - 60, y_of(chart, slo->bound), x_of(chart, nines), y_of(chart, slo->bound),
            x_of(chart, nines) - 64, y_of(chart, slo->bound) + 4);
        put_text(chart->file, slo->text);
        fprintf(chart->file, "</text>\n");
    }
}

static void draw_line(const struct chart *chart, unsigned i)
{
    static const char *const colours[LINES] = {
        "#2f81f7", "#d29922", "#3fb950", "#db61a2", "#a371f7", "#f0883e", "#39c5cf", "#8b949e"};
    const struct line *line = &chart->lines[i];
    double most = fmin(chart->nines, log10((double)(line->hdr->total + line->failed)));
    int y = TOP + 14 + (int)i * 22;

    fprintf(chart->file, "<polyline class=\"line\" stroke=\"%s\" points=\"", colours[i]);
    for (int step = 0; step * 0.02 <= most + 1e-9; step++) {
        double nines = step * 0.02;
        uint64_t ns = kw_hdr_percentile(line->hdr, 100 * (1 - pow(10, -nines)), line->failed);

        fprintf(chart->file, "%.1f,%.1f ", x_of(chart, nines), y_of(chart, KW_MAX((double)ns, 1.0)));
    }
    fprintf(chart->file,
        "\"/>\n<line class=\"line\" stroke=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/><text x=\"%d\" "
        "y=\"%d\">",
        colours[i], RIGHT + 16, y - 4, RIGHT + 40, y - 4, RIGHT + 48, y);
    put_text(chart->file, line->name);
    fprintf(chart->file, "</text>\n");
}

int kw_load_write_svg(const struct kw_load_report *report, const char *path)
{
    struct chart chart = {.file = fopen(path, "we")};
    bool failed;

    if (chart.file == NULL)
        return -errno;
    choose_lines(&chart, report);
    scale(&chart);
    draw_head(&chart, report);
    draw_grid(&chart);
    draw_objectives(&chart, report);
    for (unsigned i = 0; i < chart.num; i++)
        draw_line(&chart, i);
    fprintf(chart.file, "</svg>\n");
    failed = ferror(chart.file) != 0;
    if (fclose(chart.file) != 0)
        return -errno;
    return failed ? -EIO : 0;
}
