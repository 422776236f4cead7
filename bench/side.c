#include "bench/side.h"

/* A pair can take three microseconds: the time is asked for about this often, not after each one. */
#define LOOK_NS    50000u
#define STRIDE_MAX 4096u

/* Makes as many pairs as the stride says. Returns: 0 | KW_SIDE_AGAIN | <0 */
static int make_some(
    const struct kw_side *side, void *state, unsigned stride, uint64_t deadline_ns, struct kw_turn *turn)
{
    for (unsigned i = 0; i < stride; i++) {
        int r = side->make(state, deadline_ns);

        KW_TRY(r);
        if (r == KW_SIDE_AGAIN)
            return r;
        turn->pairs += r == 0;
        turn->failures += r == KW_SIDE_FAILED;
    }
    return 0;
}

/* Who is slow, or slow for once, has the time asked for after each pair. */
static unsigned next_stride(unsigned stride, uint64_t spent_ns)
{
    if (spent_ns >= LOOK_NS)
        return KW_MAX(stride / 2, 1);
    return spent_ns < LOOK_NS / 2 ? KW_MIN(2 * stride, STRIDE_MAX) : stride;
}

int kw_side_turn(const struct kw_side *side, void *state, double seconds, struct kw_turn *ret)
{
    double cpu_began = kw_cpu_seconds(), wall_began = kw_wall_seconds();
    uint64_t now_ns = kw_now_ns(), deadline_ns = now_ns + (uint64_t)(seconds * 1e9);
    struct kw_turn turn = {.pairs = 0};
    unsigned stride = 1;
    int r;

    do {
        uint64_t looked_ns = now_ns;

        r = make_some(side, state, stride, deadline_ns, &turn);
        KW_TRY(r);
        now_ns = kw_now_ns();
        stride = next_stride(stride, now_ns - looked_ns);
    } while (r != KW_SIDE_AGAIN && now_ns < deadline_ns);
    turn.cpu_s = kw_cpu_seconds() - cpu_began;
    turn.wall_s = kw_wall_seconds() - wall_began;
    *ret = turn;
    return 0;
}
