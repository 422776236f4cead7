/* warmstart_server - one life of what a server is to its saved pools: starts on a data folder, serves pairs
 * and writes down which, sets a reserve aside, and stops. It is killed on the way by its fault hooks, or by
 * whoever started it: test_warmstart.py.
 *
 * Usage: warmstart_server DATA-FOLDER SERVED-FILE [no-save]
 */
#include "tests/support/warmstart_rig.h"

static int served_fd;

/* Down on paper with one write, which a kill does not undo: what was popped and is not there was served to
 * nobody. */
static bool serve_one(struct rig *rig, int i)
{
    uint8_t serial[RIG_SERIAL];
    char line[2 * RIG_SERIAL + 1];

    if (rig->pools[rig_specs[i]] == NULL || !rig_serve(rig, i, serial))
        return false;
    kw_hex_encode(serial, sizeof(serial), line);
    line[sizeof(line) - 1] = '\n';
    kw_assert(write(served_fd, line, sizeof(line)) == sizeof(line));
    return true;
}

static void serve(struct rig *rig, int num)
{
    for (int n = 0; n < num; n++) {
        for (int i = 0; i < RIG_SPECS; i++)
            (void)serve_one(rig, i);
    }
}

/* As soon as there is anything, while files are loaded still. */
static void serve_early(struct rig *rig)
{
    int left = 8;

    for (uint64_t end = kw_now_ns() + 20000000; left > 0 && kw_now_ns() < end;) {
        bool any = false;
        for (int i = 0; i < RIG_SPECS; i++)
            any |= serve_one(rig, i);
        left -= any;
    }
    kw_warmstart_wait(rig->warmstart);
}

static void wait_for_reserves(struct rig *rig)
{
    struct kw_warmstart_stats stats;

    for (int turn = 0; turn < 100; turn++) {
        kw_warmstart_stats(rig->warmstart, &stats);
        if (stats.reserve[rig_specs[0]] > 0 && stats.reserve[rig_specs[1]] > 0)
            return;
        rig_fill(rig);
        usleep(500);
    }
}

int main(int argc, char **argv)
{
    struct rig rig = {.capacity = {24, 24}, .reserve = {6, 6}};

    kw_assert(argc >= 3);
    rig.path = argv[1];
    rig.no_save = argc > 3;
    kw_assert(kw_crypto_init() == 0);
    served_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    kw_assert(served_fd >= 0);
    rig.no_wait = true;
    rig_start(&rig);
    serve_early(&rig);
    rig_fill(&rig);
    serve(&rig, 4);
    wait_for_reserves(&rig);
    serve(&rig, 4);
    rig_stop(&rig);
    close(served_fd);
    return 0;
}
