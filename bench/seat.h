/* seat - where a side works: in this process, or in a child of it, so that neither the memory that this
 * process gives to OpenSSL nor another library disturbs it.
 *
 * A child is the same program, started anew with hidden arguments, on the core that this thread is pinned to;
 * it makes pairs when told to over a socket, and otherwise sleeps. It ends when the socket closes, so it
 * outlives nobody. The program's main() calls kw_seat_main() before anything else. One thread per seat.
 */
#ifndef KW_BENCH_SEAT_H
#define KW_BENCH_SEAT_H

#include "bench/side.h"

#include <sys/types.h>

struct kw_seat {
    const struct kw_side *side;
    char version[64];
    void *state; /* NULL: the side works in a child */
    int socket;
    pid_t child;
};

/* kw_seat_main() - true if this process is such a child: it has done its work, and main() is to return
 * *ret_status. sides: all that children of this program can be. */
KW_MUST_CHECK bool kw_seat_main(
    int argc, char **argv, const struct kw_side *const *sides, size_t num_sides, int *ret_status);

/* kw_seat_open() - apart: in a child. Returns: 0 | <0 */
KW_MUST_CHECK int kw_seat_open(
    struct kw_seat *ret, const struct kw_side *side, enum kw_spec spec, enum kw_cpu_path path, bool apart);
/* kw_seat_turn() - one turn of about so many seconds. Returns: 0 | <0 (-EPIPE: the child is gone) */
KW_MUST_CHECK int kw_seat_turn(struct kw_seat *seat, double seconds, struct kw_turn *ret);
/* kw_seat_warm() - turns that count for nothing, for so many seconds and until a pair has come out, or until
 * interrupted. */
KW_MUST_CHECK int kw_seat_warm(struct kw_seat *seat, double seconds);
/* All zero is fine, and so is twice. */
void kw_seat_close(struct kw_seat *seat);

#endif
