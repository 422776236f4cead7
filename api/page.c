#include "api/page.h"

/* ---- markers: version, list, position, and a check sum (FNV-1a over all before it) ---- */

#define MARKER_VERSION 1
#define MARKER_CHECK   4u

static uint32_t marker_check(struct kw_bytes bytes)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.ptr[i]) * 16777619u;
    return hash;
}

static bool marker_holds(struct kw_bytes raw)
{
    uint8_t want[MARKER_CHECK];
    struct kw_buf buf = KW_BUF(want, sizeof(want));

    kw_buf_put_be32(&buf, marker_check(KW_BYTES(raw.ptr, raw.len - MARKER_CHECK)));
    return memcmp(want, raw.ptr + raw.len - MARKER_CHECK, MARKER_CHECK) == 0;
}

int kw_marker_decode(struct kw_bytes text, enum kw_page_list list, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint8_t raw[1024];
    size_t len = 0;

    KW_REQUIRE(kw_base64_decode(text, raw, sizeof(raw), &len) == 0 && len > 2 + MARKER_CHECK, 1);
    KW_REQUIRE(raw[0] == MARKER_VERSION && raw[1] == list && marker_holds(KW_BYTES(raw, len)), 1);
    len -= 2 + MARKER_CHECK;
    KW_REQUIRE(len <= cap, 1);
    memcpy(out, raw + 2, len);
    *ret_len = len;
    return 0;
}

void kw_marker_write(struct kw_json_out *out, enum kw_page_list list, struct kw_bytes position)
{
    uint8_t raw[KW_PAGE_POSITION_MAX + 8];
    struct kw_buf buf = KW_BUF(raw, sizeof(raw));

    kw_buf_put_u8(&buf, MARKER_VERSION);
    kw_buf_put_u8(&buf, (uint8_t)list);
    kw_buf_put_bytes(&buf, position);
    kw_buf_put_be32(&buf, marker_check(kw_buf_bytes(&buf)));
    kw_assert(kw_buf_ok(&buf));
    kw_json_key(out, "NextMarker");
    kw_json_base64(out, kw_buf_bytes(&buf));
}

static int read_marker(
    struct kw_call *call, enum kw_page_list list, uint8_t *out, size_t cap, size_t *ret_len, bool *ret_has)
{
    struct kw_bytes marker = kw_input_string(call->input, "Marker");

    *ret_has = marker.ptr != NULL;
    *ret_len = 0;
    if (marker.ptr == NULL || kw_marker_decode(marker, list, out, cap, ret_len) == 0)
        return KW_CALL_DONE;
    return kw_call_refuse(call, KW_ERROR_INVALID_MARKER, "The marker is not valid.");
}

static size_t read_limit(const struct kw_call *call, size_t limit_default, size_t limit_max)
{
    return KW_MIN((size_t)kw_input_integer(call->input, "Limit", (int64_t)limit_default), limit_max);
}

/* ---- maps ---- */

int kw_page_begin(struct kw_call *call, struct kw_page *page, enum kw_page_list list, size_t limit_default,
    size_t limit_max, const struct kw_map *map, const struct kw_place *place)
{
    struct kw_place from = *place, end = *place;
    size_t begin, stop;
    bool has_marker;
    int r = read_marker(call, list, page->after, sizeof(page->after), &page->after_len, &has_marker);

    if (r != KW_CALL_DONE)
        return r;
    kw_assert(place->num < KW_PLACE_PARTS);
    if (has_marker)
        from.part[from.num++] = KW_BYTES(page->after, page->after_len);
    from.after = has_marker;
    end.after = true;
    begin = kw_map_rank(map, &from);
    stop = kw_map_rank(map, &end);
    page->list = list;
    page->limit = read_limit(call, limit_default, limit_max);
    page->shown = 0;
    page->looked = 0;
    page->left = stop - KW_MIN(begin, stop);
    page->last = NULL;
    page->more = false;
    page->type = map->type;
    kw_map_walk_init(&page->walk, map, begin);
    return KW_CALL_DONE;
}

const void *kw_page_next(struct kw_page *page)
{
    if (page->left == 0)
        return NULL;
    if (page->shown == page->limit || page->looked == KW_PAGE_LOOKS_MAX) {
        page->more = true;
        return NULL;
    }
    page->left--;
    page->looked++;
    page->last = kw_map_walk_next(&page->walk);
    return page->last;
}

void kw_page_show(struct kw_page *page)
{
    page->shown++;
}

void kw_page_bound(struct kw_page *page, const struct kw_json_out *out)
{
    if (page->shown > 0 && out->sbuf->len >= KW_ANSWER_MAX / 4)
        page->limit = page->shown;
}

void kw_page_end(struct kw_page *page, struct kw_json_out *out)
{
    uint64_t room[KW_MAP_KEY_ROOM / 8];

    if (page->more) {
        const struct kw_place *place = page->type->key_of(page->last, room);

        kw_marker_write(out, page->list, place->part[place->num - 1]);
    }
    kw_json_key(out, "Truncated");
    kw_json_bool(out, page->more);
}

/* ---- slices ---- */

static size_t position_of(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

int kw_page_slice(struct kw_call *call, enum kw_page_list list, size_t limit_default, size_t limit_max,
    size_t num, size_t *ret_from, size_t *ret_to)
{
    uint8_t bytes[4];
    size_t len, from = 0;
    bool has_marker;
    int r = read_marker(call, list, bytes, sizeof(bytes), &len, &has_marker);

    if (r != KW_CALL_DONE)
        return r;
    if (has_marker && len != sizeof(bytes))
        return kw_call_refuse(call, KW_ERROR_INVALID_MARKER, "The marker is not valid.");
    if (has_marker)
        from = KW_MIN(position_of(bytes), num);
    *ret_from = from;
    *ret_to = from + KW_MIN(num - from, read_limit(call, limit_default, limit_max));
    return KW_CALL_DONE;
}

void kw_page_slice_end(struct kw_json_out *out, enum kw_page_list list, size_t to, size_t num)
{
    uint8_t bytes[4];
    struct kw_buf buf = KW_BUF(bytes, sizeof(bytes));

    if (to < num) {
        kw_buf_put_be32(&buf, (uint32_t)to);
        kw_marker_write(out, list, kw_buf_bytes(&buf));
    }
    kw_json_key(out, "Truncated");
    kw_json_bool(out, to < num);
}
