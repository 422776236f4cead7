/* page - one page of a list: where it begins (Marker), how long it is (Limit), and how it ends (NextMarker,
 * Truncated).
 *
 * A marker is the base64 of the name of the last entry shown, with the list that it belongs to and a
 * checksum, so that a damaged or foreign one is told. It is no secret, and a forged one shows nothing that
 * the list would not. Lists follow the order of a map of the snapshot; what changes between two pages shows
 * or does not, but nothing is shown twice.
 */
#ifndef KW_API_PAGE_H
#define KW_API_PAGE_H

#include "api/call.h"

/* A number for each list, so that a marker of one is refused by another. */
enum kw_page_list {
    KW_PAGE_KEYS = 1,
    KW_PAGE_ALIASES = 2,
    KW_PAGE_KEY_ALIASES = 3,
    KW_PAGE_GRANTS = 4,
    KW_PAGE_RETIRABLE_GRANTS = 5,
    KW_PAGE_TAGS = 6,
    KW_PAGE_ROTATIONS = 7,
    KW_PAGE_POLICIES = 8,
    KW_PAGE_KEY_STORES = 9,
};

#define KW_PAGE_POSITION_MAX 512u
/* A page ends when so many entries were looked at, though few or none were shown: a filter that matches
 * nothing must not hold up a serving thread. Twice the longest page that any list allows. */
#define KW_PAGE_LOOKS_MAX 2000u

struct kw_page {
    enum kw_page_list list;
    size_t limit, shown;
    struct kw_map_walk walk;
    size_t left;   /* entries of the place that the walk has not given yet */
    size_t looked; /* how many were looked at */
    const void *last;
    const struct kw_map_type *type;
    bool more;
    uint8_t after[KW_PAGE_POSITION_MAX]; /* the marker's position */
    size_t after_len;
};

/* kw_page_begin() - the entries of a map below a place, behind the Marker of the call's input, at most Limit
 * (default if absent; a larger Limit than max is cut to max). A map's marker is the last part of its place.
 * Returns: KW_CALL_DONE | KW_CALL_REFUSED (InvalidMarkerException) */
KW_MUST_CHECK int kw_page_begin(struct kw_call *call, struct kw_page *page, enum kw_page_list list,
    size_t limit_default, size_t limit_max, const struct kw_map *map, const struct kw_place *place);
/* The next entry to look at; NULL: the page is full or the list is over, or enough was looked at. Call
 * kw_page_show() for each that is shown (filters may skip some). */
const void *kw_page_next(struct kw_page *page);
void kw_page_show(struct kw_page *page);
/* After an entry that is shown: the page ends here if its text has grown long, so that an answer always has
 * room for what its last entry may be. The list goes on behind the marker. */
void kw_page_bound(struct kw_page *page, const struct kw_json_out *out);
/* Writes NextMarker (the place of the last entry that was looked at) and Truncated. */
void kw_page_end(struct kw_page *page, struct kw_json_out *out);

/* The same for lists that are no map: an index is the position. Out: *ret_from, where to begin (0 .. num),
 * *ret_to. Returns: KW_CALL_DONE | KW_CALL_REFUSED */
KW_MUST_CHECK int kw_page_slice(struct kw_call *call, enum kw_page_list list, size_t limit_default,
    size_t limit_max, size_t num, size_t *ret_from, size_t *ret_to);
/* NextMarker if `to` is not the end, and Truncated. */
void kw_page_slice_end(struct kw_json_out *out, enum kw_page_list list, size_t to, size_t num);

/* Pure, for the two above and for tests. Returns 0 | 1 (not one of this list's) */
KW_MUST_CHECK int kw_marker_decode(
    struct kw_bytes text, enum kw_page_list list, uint8_t *out, size_t cap, size_t *ret_len);
void kw_marker_write(struct kw_json_out *out, enum kw_page_list list, struct kw_bytes position);

#endif
