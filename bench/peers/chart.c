/* chart - the results as bars, a group of them a spec, on a logarithmic scale, as SVG.
 *
 * It has no background and colours that can be read on white and on black alike. Sizes are in pixels.
 */
#include "bench/peers/peers.h"

#include <math.h>
#include <stdio.h>

#define WIDTH      860
#define BARS_LEFT  190
#define BARS_RIGHT 680
#define HEAD       84 /* title and the scale's numbers */
#define GROUP_HEAD 26
#define ROW        20
#define BAR        14
#define GROUP_FOOT 10
#define FOOT       12

struct chart {
    FILE *file;
    const struct kw_peers *peers;
    int low, high; /* powers of ten at the ends of the scale */
    int height;
};

/* ---- what is shown, and how large ---- */

static bool shown(const struct kw_peers *peers, unsigned peer, enum kw_spec spec)
{
    return peers->specs[spec] && peers->cells[peer][spec].measured;
}

static unsigned rows_of(const struct kw_peers *peers, enum kw_spec spec)
{
    unsigned rows = 0;

    for (unsigned i = 0; i < peers->num; i++)
        rows += shown(peers, i, spec);
    return rows;
}

static void measure(struct chart *chart)
{
    const struct kw_peers *peers = chart->peers;
    double least = INFINITY, most = 0;

    chart->height = HEAD + FOOT;
    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++) {
        unsigned rows = rows_of(peers, spec);

        chart->height += rows > 0 ? GROUP_HEAD + (int)rows * ROW + GROUP_FOOT : 0;
        for (unsigned i = 0; i < peers->num; i++) {
            if (!shown(peers, i, spec))
                continue;
            least = fmin(least, kw_peers_rate(peers, i, spec).value);
            most = fmax(most, kw_peers_rate(peers, i, spec).value);
        }
    }
    /* The slowest has a bar too. */
    chart->low = most > 0 ? (int)floor(log10(least * 0.8)) : 0;
    chart->high = most > 0 ? KW_MAX((int)ceil(log10(most)), chart->low + 1) : 1;
}

static double place(const struct chart *chart, double logarithm)
{
    return BARS_LEFT +
           (BARS_RIGHT - BARS_LEFT) * (logarithm - chart->low) / (double)(chart->high - chart->low);
}

/* ---- drawing ---- */

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

static void draw_head(const struct chart *chart)
{
    fprintf(chart->file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "role=\"img\" font-family=\"sans-serif\" font-size=\"13\">\n"
        "<title>Key pairs per second on one core</title>\n"
        "<style>text{fill:#6e7781} .strong{font-weight:bold} .grid{stroke:#8b949e;stroke-opacity:.35}\n"
        ".ours{fill:#2f81f7} .ours2{fill:#6ea8f5} .base{fill:#d29922} .other{fill:#8b949e}</style>\n"
        "<text class=\"strong\" x=\"12\" y=\"24\" font-size=\"17\">Key pairs per second on one core</text>\n"
        "<text x=\"12\" y=\"44\">",
        WIDTH, chart->height, WIDTH, chart->height);
    put_text(chart->file, chart->peers->cpu_model);
    fprintf(chart->file, "; logarithmic scale; in brackets the multiple of OpenSSL</text>\n");
}

static void draw_scale(const struct chart *chart)
{
    for (int power = chart->low; power <= chart->high; power++) {
        double x = place(chart, power);

        fprintf(chart->file,
            "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
            "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.*f</text>\n",
            x, HEAD - 10, x, chart->height - FOOT, x, HEAD - 16, power < 0 ? -power : 0, pow(10, power));
    }
}

static const char *class_of(const struct kw_peers *peers, unsigned peer)
{
    if (peers->sides[peer] == &kw_side_keywell)
        return "ours";
    if (peers->sides[peer] == &kw_side_keywell_portable || peers->sides[peer] == &kw_side_keywell_untested)
        return "ours2";
    return peer == peers->baseline ? "base" : "other";
}

static void draw_bar(const struct chart *chart, unsigned peer, enum kw_spec spec, int y)
{
    const struct kw_peers *peers = chart->peers;
    double rate = kw_peers_rate(peers, peer, spec).value;
    double multiple = kw_peers_multiple(peers, peer, spec).value, right = place(chart, log10(rate));
    int middle = y + BAR - 3;

    fprintf(chart->file, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", BARS_LEFT - 8, middle);
    put_text(chart->file, peers->sides[peer]->title);
    fprintf(chart->file,
        "</text><rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>"
        "<text x=\"%.1f\" y=\"%d\">%.*f",
        class_of(peers, peer), BARS_LEFT, y, right - BARS_LEFT, BAR, right + 6, middle,
        (int)fmax(0, 2 - floor(log10(rate))), rate);
    if (!isnan(multiple))
        fprintf(chart->file, " (x%.*f)", (int)fmax(0, 2 - floor(log10(multiple))), multiple);
    fprintf(chart->file, "</text>\n");
}

static void draw(const struct chart *chart)
{
    int y = HEAD;

    draw_head(chart);
    draw_scale(chart);
    for (enum kw_spec spec = 0; spec < KW_SPEC_NUM; spec++) {
        if (rows_of(chart->peers, spec) == 0)
            continue;
        fprintf(chart->file, "<text class=\"strong\" x=\"12\" y=\"%d\">%s</text>\n", y + GROUP_HEAD - 10,
            kw_spec_info(spec)->name);
        y += GROUP_HEAD;
        for (unsigned i = 0; i < chart->peers->num; i++) {
            if (!shown(chart->peers, i, spec))
                continue;
            draw_bar(chart, i, spec, y);
            y += ROW;
        }
        y += GROUP_FOOT;
    }
    fprintf(chart->file, "</svg>\n");
}

int kw_peers_write_svg(const struct kw_peers *peers, const char *path)
{
    struct chart chart = {.peers = peers, .file = fopen(path, "we")};
    bool failed;

    if (chart.file == NULL)
        return -errno;
    measure(&chart);
    draw(&chart);
    failed = ferror(chart.file) != 0;
    if (fclose(chart.file) != 0)
        return -errno;
    return failed ? -EIO : 0;
}
