/* Two panels: the share of misses by the depth of the pool, and a pool's level through a burst.
 *
 * No background, and colours that can be read on white and on black alike. Sizes are in pixels.
 */
#include "tools/plan/quantity.h"
#include "tools/plan/report.h"

#include <math.h>

#define WIDTH  960
#define HEIGHT 470
#define TOP    104
#define BOTTOM 390

static const char *const colours[KW_SPEC_NUM] = {
    "#2f81f7", "#d29922", "#3fb950", "#db61a2", "#a371f7", "#f0883e", "#39c5cf", "#8b949e"};

/* Where a panel's numbers are drawn. */
struct axes {
    FILE *file;
    double left, right;
    double x_low, x_high, y_low, y_high; /* numbers, or their logarithms */
};

static double x_of(const struct axes *axes, double x)
{
    return axes->left + (axes->right - axes->left) * (x - axes->x_low) / (axes->x_high - axes->x_low);
}

static double y_of(const struct axes *axes, double y)
{
    double at = BOTTOM - (BOTTOM - TOP) * (y - axes->y_low) / (axes->y_high - axes->y_low);

    return fmin(fmax(at, TOP), BOTTOM);
}

static void put_text(FILE *file, double x, double y, const char *anchor, const char *class, const char *text)
{
    fprintf(file, "<text%s%s%s x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
        class[0] != '\0' ? " class=\"" : "", class, class[0] != '\0' ? "\"" : "", x, y, anchor);
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '&')
            fputs("&amp;", file);
        else
            fputc(*text, file);
    }
    fprintf(file, "</text>\n");
}

static void put_row(const struct axes *axes, double y, const char *label)
{
    fprintf(axes->file, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", axes->left,
        y_of(axes, y), axes->right, y_of(axes, y));
    put_text(axes->file, axes->left - 8, y_of(axes, y) + 4, "end", "", label);
}

static void put_column(const struct axes *axes, double x, const char *label)
{
    fprintf(axes->file, "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", x_of(axes, x),
        TOP, x_of(axes, x), BOTTOM);
    put_text(axes->file, x_of(axes, x), BOTTOM + 20, "middle", "", label);
}

static void put_titles(const struct axes *axes, const char *title, const char *below)
{
    put_text(axes->file, axes->left, 84, "start", "strong", title);
    put_text(axes->file, (axes->left + axes->right) / 2, BOTTOM + 42, "middle", "", below);
}

/* ---- misses by depth ---- */

#define SHARE_LEAST 1e-6

static double log_share(double share)
{
    return log10(fmax(share, SHARE_LEAST));
}

static void scale_misses(const struct kw_plan_report *report, struct axes *axes)
{
    double least = 1, low = INFINITY, high = 0;

    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        const struct kw_plan_miss_plot *plot = &report->miss[spec];

        for (unsigned i = 0; i < plot->num; i++) {
            if (plot->miss[i].value > 0)
                least = fmin(least, plot->miss[i].value);
            low = fmin(low, plot->depth[i]);
            high = fmax(high, plot->depth[i]);
        }
    }
    axes->y_low = floor(log_share(fmax(least, SHARE_LEAST)));
    axes->y_high = 0;
    axes->y_low = fmin(axes->y_low, -2);
    axes->x_low = log2(low);
    axes->x_high = fmax(log2(high), axes->x_low + 1);
}

static void grid_misses(const struct axes *axes)
{
    double step = fmax(1, round((axes->x_high - axes->x_low) / 5));
    char label[KW_QUANTITY_MAX];

    for (int power = (int)axes->y_low; power <= (int)axes->y_high; power++)
        put_row(axes, power, kw_quantity_show_share(pow(10, power), label));
    for (int i = 0; axes->x_low + i * step <= axes->x_high + 1e-9; i++)
        put_column(
            axes, axes->x_low + i * step, kw_quantity_show_rate(round(exp2(axes->x_low + i * step)), label));
}

static void draw_misses(const struct axes *axes, const struct kw_plan_report *report, unsigned spec)
{
    const struct kw_plan_miss_plot *plot = &report->miss[spec];
    uint32_t depth = report->answer->settings.depth[spec];

    fprintf(axes->file, "<polyline class=\"line\" stroke=\"%s\" points=\"", colours[spec]);
    for (unsigned i = 0; i < plot->num; i++)
        fprintf(axes->file, "%.1f,%.1f ", x_of(axes, log2(plot->depth[i])),
            y_of(axes, log_share(plot->miss[i].value)));
    fprintf(axes->file, "\"/>\n");
    for (unsigned i = 0; i < plot->num; i++) {
        double x = x_of(axes, log2(plot->depth[i])), value = plot->miss[i].value, error = plot->miss[i].error;

        if (isfinite(error) && value > 0)
            fprintf(axes->file, "<line stroke=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                colours[spec], x, y_of(axes, log_share(value - error)), x,
                y_of(axes, log_share(value + error)));
        if (plot->depth[i] == depth)
            fprintf(axes->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/>\n", x,
                y_of(axes, log_share(value)), colours[spec]);
    }
}

static void draw_left(const struct kw_plan_report *report, FILE *file)
{
    struct axes axes = {.file = file, .left = 84, .right = 450};
    unsigned num = 0;

    scale_misses(report, &axes);
    grid_misses(&axes);
    put_titles(&axes, "Requests that miss the pool", "depth of the pool, pairs (dot: the settings)");
    for (unsigned spec = 0; spec < KW_SPEC_NUM; spec++) {
        int y = TOP + 16 + (int)num * 20;

        if (report->miss[spec].num == 0)
            continue;
        num++;
        draw_misses(&axes, report, spec);
        fprintf(file, "<line class=\"line\" stroke=\"%s\" x1=\"300\" y1=\"%d\" x2=\"320\" y2=\"%d\"/>",
            colours[spec], y - 4, y - 4);
        put_text(file, 326, y, "start", "small", kw_spec_info((enum kw_spec)spec)->name);
    }
}

/* ---- a burst ---- */

static void draw_burst(const struct axes *axes, const struct kw_plan_level_plot *plot)
{
    double begin = x_of(axes, plot->begin_s), end = x_of(axes, plot->begin_s + plot->burst_s);

    fprintf(axes->file,
        "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"#8b949e\" fill-opacity=\".18\"/>\n",
        begin, TOP, end - begin, BOTTOM - TOP);
    fprintf(axes->file, "<polyline class=\"line\" stroke=\"%s\" points=\"", colours[plot->spec]);
    for (size_t i = 0; i < plot->num; i++)
        fprintf(axes->file, "%.1f,%.1f ", x_of(axes, plot->points[i].time_s),
            y_of(axes, plot->points[i].level[plot->spec]));
    fprintf(axes->file, "\"/>\n");
}

static void draw_right(const struct kw_plan_report *report, FILE *file)
{
    const struct kw_plan_level_plot *plot = &report->level;
    struct axes axes = {.file = file,
        .left = 560,
        .right = 930,
        .x_high = plot->end_s,
        .y_high = fmax(report->answer->settings.depth[plot->spec], 1)};
    char label[KW_QUANTITY_MAX], rate[KW_QUANTITY_MAX], title[160];

    for (unsigned i = 0; i <= 4; i++) {
        put_row(&axes, axes.y_high * i / 4, kw_quantity_show_rate(round(axes.y_high * i / 4), label));
        put_column(&axes, axes.x_high * i / 4, kw_quantity_show_time(axes.x_high * i / 4, label));
    }
    snprintf(title, sizeof(title), "%s pairs through a burst of %s/s", kw_spec_info(plot->spec)->name,
        kw_quantity_show_rate(plot->burst_per_s, rate));
    put_titles(&axes, title, "time (grey: the burst)");
    draw_burst(&axes, plot);
}

void kw_plan_report_svg(FILE *file, const struct kw_plan_report *report)
{
    char sentence[1024], cut[132];

    kw_plan_report_sentence(report, sentence, sizeof(sentence));
    snprintf(cut, sizeof(cut), "%.128s%s", sentence, strlen(sentence) > 128 ? "..." : "");
    fprintf(file,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "role=\"img\" "
        "font-family=\"sans-serif\" font-size=\"13\">\n<title>keywell plan</title>\n"
        "<style>text{fill:#6e7781} .strong{font-weight:bold} .head{font-size:17px;font-weight:bold} "
        ".small{font-size:12px} "
        ".grid{stroke:#8b949e;stroke-opacity:.35}\n.line{fill:none;stroke-width:2}</style>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_text(file, 12, 26, "start", "head", "keywell plan");
    put_text(file, 12, 50, "start", "", cut);
    draw_left(report, file);
    draw_right(report, file);
    fprintf(file, "</svg>\n");
}
