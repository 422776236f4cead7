#include "bench/side.h"

int kw_side_turn(const struct kw_side *side, void *state, double seconds, struct kw_turn *ret)
{
    double cpu_began = kw_cpu_seconds(), wall_began = kw_wall_seconds();
    uint64_t deadline_ns = kw_now_ns() + (uint64_t)(seconds * 1e9);
    struct kw_turn turn = {.pairs = 0};

    do {
        int r = side->make(state, deadline_ns);

        KW_TRY(r);
        if (r == KW_SIDE_AGAIN)
            break;
        turn.pairs += r == 0;
        turn.failures += r == KW_SIDE_FAILED;
    } while (kw_now_ns() < deadline_ns);
    turn.cpu_s = kw_cpu_seconds() - cpu_began;
    turn.wall_s = kw_wall_seconds() - wall_began;
    *ret = turn;
    return 0;
}
