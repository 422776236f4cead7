/* ec_check_each - the pairwise test of Edwards curves: does each secret, read again, give the point again, by
 * another comb?
 *
 * Included after ec_edwards.h. Its table is another one, of other multiples of G, and the digits of a scalar
 * are others, so that nothing that went wrong once goes wrong twice in the same way. The inversion does not
 * go another way: if it is wrong by the same factor each time (a constant in damaged memory), the points are
 * off the curve, and that is looked at. Additions of points are cheap here, and reading encoded points is
 * not: a sum of all pairs (ec_check_batch.h) would cost more, and would miss points that differ by one of the
 * eight of small order.
 */
#include "engine/x86/ec_derive.h"

#define CHECK_WINDOW 6

struct check_base {
    _Alignas(64) uint64_t comb[COMB_LEN(CHECK_WINDOW)];
};

static void check_base_init(struct check_base *base, struct comb_work *work, const struct group *group)
{
    make_comb(base->comb, CHECK_WINDOW, work, group);
}

/* Public. */
struct check_room {
    uint8_t *points;
};

static void check_room_done(struct check_room *room)
{
    free(room->points);
}

static int check_room_init(struct check_room *room, unsigned num_max)
{
    room->points = malloc((size_t)num_max * POINT_LEN);
    return room->points != NULL ? 0 : -ENOMEM;
}

/* The points that were derived last. */
static bool are_on_curve(const struct deriver *deriver, unsigned num)
{
    __mmask8 good = 0xff;

    for (unsigned i = 0; i < VECTORS(num); i++)
        good &= is_on_curve(&deriver->xy[i], deriver->group);
    return good == 0xff;
}

static int check_pairs(struct check_room *room, const struct check_base *base, struct deriver *deriver,
    unsigned num, const uint8_t *secrets, const uint8_t *points, const uint8_t *multipliers, bool *ret_pass)
{
    (void)multipliers;
    KW_TRY(derive_points(deriver, base->comb, CHECK_WINDOW, num, secrets, room->points));
    *ret_pass = are_on_curve(deriver, num) && memcmp(room->points, points, (size_t)num * POINT_LEN) == 0;
    return 0;
}
