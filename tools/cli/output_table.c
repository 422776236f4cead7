/* Tables: a section per object or list, titled by its name; scalars are its columns, sorted by their names;
 * what is within follows as sections that are indented by a bar on each side. */
#include "tools/cli/eastwidth.h"
#include "tools/cli/output.h"

#include <math.h>
#include <stdlib.h>

#define PADDING 4u

struct row {
    char **cells;
    size_t num;
};

struct section {
    char *title; /* NULL: none */
    unsigned indent;
    struct row header;
    struct row *rows;
    size_t num_rows, cap_rows;
    size_t *widths; /* of the columns; NULL: no row yet */
    size_t num_columns;
};

struct table {
    const struct kw_output *output;
    struct section *sections;
    size_t num, cap;
    int result;
};

/* ---- widths ---- */

static uint32_t next_character(struct kw_bytes *text)
{
    uint32_t c = text->ptr[0];
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

    c &= len == 1 ? 0x7fu : 0xffu >> (len + 1);
    for (size_t i = 1; i < len && i < text->len; i++)
        c = c << 6 | (text->ptr[i] & 0x3fu);
    len = KW_MIN(len, text->len);
    *text = KW_BYTES(text->ptr + len, text->len - len);
    return c;
}

static bool is_wide(uint32_t c)
{
    size_t low = 0, high = kw_wide_ranges_num;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > kw_wide_ranges[middle].last)
            low = middle + 1;
        else if (c < kw_wide_ranges[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

size_t kw_output_columns(struct kw_bytes text)
{
    size_t columns = 0;

    while (text.len > 0)
        columns += is_wide(next_character(&text)) ? 2 : 1;
    return columns;
}

static size_t columns_of(const char *text)
{
    return text != NULL ? kw_output_columns(kw_bytes_str(text)) : 0;
}

/* ---- sections ---- */

static void fail(struct table *table, int result)
{
    if (table->result == 0)
        table->result = result;
}

static struct section *current(struct table *table)
{
    return &table->sections[table->num - 1];
}

static void new_section(struct table *table, const char *title, unsigned indent)
{
    if (table->num == table->cap) {
        size_t cap = table->cap * 2 + 8;
        struct section *sections = reallocarray(table->sections, cap, sizeof(*sections));

        if (sections == NULL) {
            fail(table, -ENOMEM);
            return;
        }
        table->sections = sections;
        table->cap = cap;
    }
    table->sections[table->num++] = (struct section){.title = strdup(title), .indent = indent};
}

static char *text_of(const json_t *value)
{
    KW_SBUF struct kw_sbuf text = KW_SBUF_INIT(KW_OUTPUT_MAX);
    char *ret;

    if (value != NULL)
        kw_output_python(value, &text);
    ret = kw_sbuf_ok(&text) ? malloc(text.len + 1) : NULL;
    if (ret != NULL) {
        memcpy(ret, text.ptr != NULL ? text.ptr : (const uint8_t *)"", text.len);
        ret[text.len] = '\0';
    }
    return ret;
}

static void widen(struct table *table, struct section *section, const struct row *row)
{
    if (section->widths == NULL) {
        section->widths = calloc(row->num + 1, sizeof(*section->widths));
        section->num_columns = row->num;
    }
    if (section->widths == NULL)
        fail(table, -ENOMEM);
    else if (section->num_columns != row->num)
        fail(table, KW_OUTPUT_RAGGED);
    for (size_t i = 0; i < row->num && i < section->num_columns && section->widths != NULL; i++)
        section->widths[i] = KW_MAX(section->widths[i], columns_of(row->cells[i]));
}

static struct row new_row(struct table *table, size_t num)
{
    struct row row = {.cells = calloc(num + 1, sizeof(char *)), .num = num};

    if (row.cells == NULL) {
        fail(table, -ENOMEM);
        row.num = 0;
    }
    return row;
}

static void free_row(struct row *row)
{
    for (size_t i = 0; i < row->num; i++) {
        if (row->cells[i] != NULL)
            kw_erase(row->cells[i], strlen(row->cells[i]));
        free(row->cells[i]);
    }
    free(row->cells);
}

static void add_row(struct table *table, struct row row)
{
    struct section *section = current(table);

    if (section->num_rows == section->cap_rows) {
        size_t cap = section->cap_rows * 2 + 8;
        struct row *rows = reallocarray(section->rows, cap, sizeof(*rows));

        if (rows == NULL) {
            free_row(&row);
            fail(table, -ENOMEM);
            return;
        }
        section->rows = rows;
        section->cap_rows = cap;
    }
    section->rows[section->num_rows++] = row;
    widen(table, section, &row);
}

/* ---- what a value is made into ---- */

static bool is_scalar(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

/* What Python takes for nothing. */
static bool is_empty(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_number(value) && fpclassify(json_number_value(value)) == FP_ZERO);
}

static void build(struct table *table, const char *title, const json_t *value, unsigned indent);

/* Names of scalars, and of the others, sorted. */
struct split {
    json_t *scalars, *others; /* objects: their members' names count */
    const char **headers, **more;
    size_t num_headers, num_more;
};

static void split_add(struct split *split, const json_t *object)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)(uintptr_t)object, name, member)
    {
        (void)json_object_set_new(is_scalar(member) ? split->scalars : split->others, name, json_null());
    }
}

static struct split split_new(struct table *table, const json_t *value)
{
    struct split split = {.scalars = json_object(), .others = json_object()};

    if (json_is_object(value))
        split_add(&split, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        split_add(&split, json_array_get(value, i));
    if (kw_output_names(split.scalars, &split.headers, &split.num_headers) != 0 ||
        kw_output_names(split.others, &split.more, &split.num_more) != 0)
        fail(table, -ENOMEM);
    return split;
}

static void split_done(struct split *split)
{
    json_decref(split->scalars);
    json_decref(split->others);
    free(split->headers);
    free(split->more);
}

static void add_header(struct table *table, const struct split *split)
{
    struct section *section = current(table);

    free_row(&section->header);
    section->header = new_row(table, split->num_headers);
    for (size_t i = 0; i < section->header.num; i++)
        section->header.cells[i] = strdup(split->headers[i]);
    widen(table, section, &section->header);
}

static void add_members(struct table *table, const struct split *split, const json_t *object)
{
    struct row row = new_row(table, split->num_headers);

    for (size_t i = 0; i < row.num; i++)
        row.cells[i] = text_of(json_object_get(object, split->headers[i]));
    add_row(table, row);
}

static void build_object(struct table *table, const json_t *object, unsigned indent)
{
    struct split split = split_new(table, object);

    if (split.num_headers == 1) {
        struct row row = new_row(table, 2);

        if (row.num == 2) {
            row.cells[0] = strdup(split.headers[0]);
            row.cells[1] = text_of(json_object_get(object, split.headers[0]));
            add_row(table, row);
        }
    } else if (split.num_headers > 1) {
        add_header(table, &split);
        add_members(table, &split, object);
    }
    for (size_t i = 0; i < split.num_more; i++)
        build(table, split.more[i], json_object_get(object, split.more[i]), indent + 1);
    split_done(&split);
}

static void build_objects(struct table *table, const char *title, const json_t *list, unsigned indent)
{
    struct split split = split_new(table, list);

    add_header(table, &split);
    for (size_t i = 0; i < json_array_size(list) && table->result == 0; i++) {
        const json_t *object = json_array_get(list, i);

        if (i > 0 && split.num_more > 0) {
            new_section(table, title, indent);
            if (table->result != 0)
                break;
            add_header(table, &split);
        }
        add_members(table, &split, object);
        for (size_t j = 0; j < split.num_more; j++) {
            const json_t *inner = json_object_get(object, split.more[j]);

            if (inner != NULL)
                build(table, split.more[j], inner, indent + 1);
        }
    }
    split_done(&split);
}

static void build_row(struct table *table, const json_t *item)
{
    struct row row;
    bool flat = true;
    const char *name;
    json_t *member;
    size_t at = 0;

    if (json_is_object(item)) {
        /* Among others than objects it is taken for the list of its names. */
        row = new_row(table, json_object_size(item));
        json_object_foreach((json_t *)(uintptr_t)item, name, member)
        {
            (void)member;
            if (at < row.num)
                row.cells[at++] = strdup(name);
        }
        add_row(table, row);
        return;
    }
    if (is_scalar(item)) {
        row = new_row(table, 1);
        if (row.num == 1)
            row.cells[0] = text_of(item);
        add_row(table, row);
        return;
    }
    for (size_t i = 0; i < json_array_size(item); i++)
        flat = flat && is_scalar(json_array_get(item, i));
    if (!flat) {
        build(table, NULL, item, 0);
        return;
    }
    row = new_row(table, json_array_size(item));
    for (size_t i = 0; i < row.num; i++)
        row.cells[i] = text_of(json_array_get(item, i));
    add_row(table, row);
}

static void build(struct table *table, const char *title, const json_t *value, unsigned indent)
{
    if (is_empty(value) || table->result != 0)
        return;
    if (title != NULL)
        new_section(table, title, indent);
    if (table->result != 0)
        return;
    if (json_is_object(value)) {
        build_object(table, value, indent);
    } else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
        build_objects(table, title != NULL ? title : "", value, indent);
    } else {
        for (size_t i = 0; i < json_array_size(value) && table->result == 0; i++)
            build_row(table, json_array_get(value, i));
    }
}

/* ---- drawing ---- */

static void repeat(struct kw_sbuf *to, const char *text, size_t num)
{
    for (; num > 0; num--)
        kw_sbuf_put_str(to, text);
}

static void bars(const struct table *table, const struct section *section, struct kw_sbuf *to)
{
    repeat(to, table->output->color ? "\033[2m\033[33m|\033[0m" : "|", section->indent);
}

static size_t sum_of(const size_t *numbers, size_t num)
{
    size_t sum = 0;

    for (size_t i = 0; i < num; i++)
        sum += numbers[i];
    return sum;
}

static size_t width_of(const struct section *section)
{
    size_t total = sum_of(section->widths, section->num_columns) + PADDING * section->num_columns + 2 +
                   2 * (size_t)section->indent;

    return KW_MAX(total, columns_of(section->title) + 2 + 2 * (size_t)section->indent);
}

/* The columns' widths, stretched to fill the whole; what rounding leaves over goes one by one. */
static size_t *scaled(const struct section *section, size_t whole)
{
    size_t *widths = calloc(section->num_columns + 1, sizeof(*widths)), num = section->num_columns;
    double factor = (double)whole / (double)(sum_of(section->widths, num) + PADDING * num);
    ssize_t over;

    if (widths == NULL)
        return NULL;
    for (size_t i = 0; i < num; i++)
        widths[i] = (size_t)rint(factor * (double)(section->widths[i] + PADDING));
    over = (ssize_t)sum_of(widths, num) - (ssize_t)whole;
    for (size_t i = 0; over != 0 && num > 0; i = (i + 1) % num) {
        if (over > 0) {
            widths[i]--;
            over--;
        } else {
            widths[num - 1 - i]++;
            over++;
        }
    }
    return widths;
}

static void centered(struct kw_sbuf *to, const char *text, size_t width, const char *left)
{
    size_t len = columns_of(text), half = width / 2, edge = strlen(left);
    size_t before = half > len / 2 + 1 ? half - len / 2 - 1 : 0, used = edge + before + len + 1;

    kw_sbuf_put_str(to, left);
    repeat(to, " ", before);
    kw_sbuf_put_str(to, text);
    repeat(to, " ", width > used ? width - used : 0);
    kw_sbuf_put_str(to, "|");
}

static void draw_rule(
    const struct table *table, const struct section *section, const size_t *widths, struct kw_sbuf *to)
{
    bars(table, section, to);
    for (size_t i = 0; i < section->num_columns; i++) {
        kw_sbuf_put_str(to, i == 0 ? "+" : "");
        repeat(to, "-", widths[i] - (i == 0 ? 2 : 1));
        kw_sbuf_put_str(to, "+");
    }
    bars(table, section, to);
    kw_sbuf_put_str(to, "\n");
}

static void draw_cell(
    const struct table *table, const char *text, size_t width, bool first, struct kw_sbuf *to)
{
    size_t len = columns_of(text), edges = first ? 2 : 1, padding = width >= len + 2 + edges ? 2 : 0;
    size_t used = edges + padding + len;

    kw_sbuf_put_str(to, first ? "|" : "");
    repeat(to, " ", padding);
    kw_sbuf_put_str(to, table->output->color ? "\033[1m\033[34m" : "");
    kw_sbuf_put_str(to, text != NULL ? text : "");
    kw_sbuf_put_str(to, table->output->color ? "\033[0m" : "");
    repeat(to, " ", width > used ? width - used : 0);
    kw_sbuf_put_str(to, "|");
}

static void draw_title(
    const struct table *table, const struct section *section, size_t width, struct kw_sbuf *to)
{
    if (section->title == NULL || section->title[0] == '\0')
        return;
    bars(table, section, to);
    centered(to, section->title, width, "|");
    bars(table, section, to);
    kw_sbuf_put_str(to, "\n");
    if (section->header.num > 0 || section->num_rows > 0)
        return;
    bars(table, section, to);
    kw_sbuf_put_str(to, "+");
    repeat(to, "-", width - 2);
    kw_sbuf_put_str(to, "+");
    bars(table, section, to);
    kw_sbuf_put_str(to, "\n");
}

static void draw_rows(
    const struct table *table, const struct section *section, const size_t *widths, struct kw_sbuf *to)
{
    if (section->num_rows == 0)
        return;
    draw_rule(table, section, widths, to);
    for (size_t i = 0; i < section->num_rows; i++) {
        bars(table, section, to);
        for (size_t j = 0; j < section->num_columns; j++)
            draw_cell(table, section->rows[i].cells[j], widths[j], j == 0, to);
        bars(table, section, to);
        kw_sbuf_put_str(to, "\n");
    }
    draw_rule(table, section, widths, to);
}

static void draw(const struct table *table, const struct section *section, size_t width, struct kw_sbuf *to)
{
    size_t *widths = NULL;

    width -= 2 * (size_t)section->indent;
    draw_title(table, section, width, to);
    if (section->num_columns == 0)
        return;
    widths = scaled(section, width);
    if (widths == NULL) {
        to->failed = true;
        return;
    }
    if (section->header.num > 0) {
        draw_rule(table, section, widths, to);
        bars(table, section, to);
        for (size_t i = 0; i < section->num_columns; i++)
            centered(to, section->header.cells[i], widths[i], i == 0 ? "|" : "");
        bars(table, section, to);
        kw_sbuf_put_str(to, "\n");
    }
    draw_rows(table, section, widths, to);
    free(widths);
}

/* ---- tables that are too wide ---- */

static size_t widest(const struct table *table)
{
    size_t width = 0;

    for (size_t i = 0; i < table->num; i++)
        width = KW_MAX(width, width_of(&table->sections[i]));
    return width;
}

/* A single row becomes two columns: names and values. */
static void turn(struct table *table, struct section *section)
{
    struct row header = section->header, row;
    size_t at = table->num;

    if (section->num_rows != 1 || header.num == 0)
        return;
    row = section->rows[0];
    section->header = (struct row){NULL, 0};
    section->num_rows = 0;
    free(section->widths);
    section->widths = NULL;
    section->num_columns = 0;
    /* add_row() works on the last section. */
    table->num = (size_t)(section - table->sections) + 1;
    for (size_t i = 0; i < row.num; i++) {
        struct row pair = new_row(table, 2);

        if (pair.num == 2) {
            pair.cells[0] = header.cells[i];
            pair.cells[1] = row.cells[i];
        }
        add_row(table, pair);
    }
    table->num = at;
    free(header.cells);
    free(row.cells);
}

static void table_done(struct table *table)
{
    for (size_t i = 0; i < table->num; i++) {
        struct section *section = &table->sections[i];

        free(section->title);
        free_row(&section->header);
        for (size_t j = 0; j < section->num_rows; j++)
            free_row(&section->rows[j]);
        free(section->rows);
        free(section->widths);
    }
    free(table->sections);
}

int kw_output_table(const struct kw_output *output, const json_t *value, struct kw_sbuf *ret)
{
    struct table table = {.output = output};

    build(&table, output->title, value, 0);
    if (table.result == 0 && widest(&table) > output->width) {
        for (size_t i = 0; i < table.num; i++)
            turn(&table, &table.sections[i]);
    }
    if (table.result == 0 && table.num > 0) {
        size_t width = widest(&table);

        repeat(ret, "-", width);
        kw_sbuf_put_str(ret, "\n");
        for (size_t i = 0; i < table.num; i++)
            draw(&table, &table.sections[i], width, ret);
    }
    table_done(&table);
    return table.result;
}
