#include "bench/seat.h"

#include "bench/console.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_OPTION "--take-turns"
#define CHILD_SOCKET STDIN_FILENO

extern char **environ;

/* What a child says when its side is open. */
struct hello {
    int result;
    char version[64];
};

/* A turn is asked for by its seconds, a double. */
struct answer {
    int result;
    struct kw_turn turn;
};

/* ---- messages ---- */

static int send_all(int fd, const void *from, size_t len)
{
    ssize_t sent;

    do
        sent = send(fd, from, len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)len ? 0 : -EPIPE;
}

static int receive_all(int fd, void *to, size_t len)
{
    ssize_t got;

    do
        got = recv(fd, to, len, MSG_WAITALL);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)len ? 0 : -EPIPE;
}

/* ---- the child ---- */

static int work(const struct kw_side *side, enum kw_spec spec, enum kw_cpu_path path)
{
    struct hello hello = {.result = 0};
    void *state = NULL;
    double seconds;

    hello.result = side->open(&state, spec, path);
    snprintf(hello.version, sizeof(hello.version), "%s", side->version());
    KW_TRY(send_all(CHILD_SOCKET, &hello, sizeof(hello)));
    while (hello.result == 0 && receive_all(CHILD_SOCKET, &seconds, sizeof(seconds)) == 0) {
        struct answer answer = {.result = 0};

        answer.result = kw_side_turn(side, state, seconds, &answer.turn);
        KW_TRY(send_all(CHILD_SOCKET, &answer, sizeof(answer)));
    }
    side->close(state);
    return 0;
}

/* What is typed at the terminal is for the parent, which knows what has been measured. */
bool kw_seat_main(
    int argc, char **argv, const struct kw_side *const *sides, size_t num_sides, int *ret_status)
{
    enum kw_spec spec;
    enum kw_cpu_path path;

    if (argc != 5 || strcmp(argv[1], CHILD_OPTION) != 0)
        return false;
    signal(SIGINT, SIG_IGN);
    *ret_status = EXIT_FAILURE;
    if (kw_spec_parse(KW_BYTES(argv[3], strlen(argv[3])), &spec) != 0 || kw_cpu_choose(argv[4], &path) != 0)
        return true;
    for (size_t i = 0; i < num_sides; i++)
        if (strcmp(sides[i]->name, argv[2]) == 0)
            *ret_status = work(sides[i], spec, path) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    return true;
}

/* ---- the parent ---- */

static int spawn(pid_t *ret, int socket, char **argv)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return -error;
    error = posix_spawn_file_actions_adddup2(&actions, socket, CHILD_SOCKET);
    if (error == 0)
        error = posix_spawn(ret, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* argv wants strings that may be written to; nobody writes. */
static int start_child(struct kw_seat *seat, enum kw_spec spec, enum kw_cpu_path path)
{
    char option[] = CHILD_OPTION, program[] = "bench-side", side_name[32], spec_name[32], path_name[32];
    char *argv[] = {program, option, side_name, spec_name, path_name, NULL};
    int sockets[2], r;

    snprintf(side_name, sizeof(side_name), "%s", seat->side->name);
    snprintf(spec_name, sizeof(spec_name), "%s", kw_spec_info(spec)->name);
    snprintf(path_name, sizeof(path_name), "%s", kw_cpu_path_name(path));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return -errno;
    r = spawn(&seat->child, sockets[1], argv);
    close(sockets[1]);
    if (r < 0) {
        close(sockets[0]);
        return r;
    }
    seat->socket = sockets[0];
    return 0;
}

static int open_apart(struct kw_seat *seat, enum kw_spec spec, enum kw_cpu_path path)
{
    struct hello hello;
    int r;

    KW_TRY(start_child(seat, spec, path));
    r = receive_all(seat->socket, &hello, sizeof(hello));
    if (r == 0)
        r = hello.result;
    if (r == 0)
        memcpy(seat->version, hello.version, sizeof(seat->version));
    else
        kw_seat_close(seat);
    return r;
}

int kw_seat_open(
    struct kw_seat *ret, const struct kw_side *side, enum kw_spec spec, enum kw_cpu_path path, bool apart)
{
    struct kw_seat seat = {.side = side};

    if (apart) {
        KW_TRY(open_apart(&seat, spec, path));
    } else {
        KW_TRY(side->open(&seat.state, spec, path));
        snprintf(seat.version, sizeof(seat.version), "%s", side->version());
    }
    *ret = seat;
    return 0;
}

int kw_seat_turn(struct kw_seat *seat, double seconds, struct kw_turn *ret)
{
    struct answer answer;

    if (seat->state != NULL)
        return kw_side_turn(seat->side, seat->state, seconds, ret);
    KW_TRY(send_all(seat->socket, &seconds, sizeof(seconds)));
    KW_TRY(receive_all(seat->socket, &answer, sizeof(answer)));
    KW_TRY(answer.result);
    *ret = answer.turn;
    return 0;
}

int kw_seat_warm(struct kw_seat *seat, double seconds)
{
    struct kw_turns turns = {.num = 0};

    while ((turns.sum.cpu_s < seconds || turns.sum.pairs == 0) && !kw_console_interrupted()) {
        struct kw_turn turn;

        KW_TRY(kw_seat_turn(seat, KW_MIN(seconds, 0.25), &turn));
        kw_turns_add(&turns, &turn);
    }
    return 0;
}

void kw_seat_close(struct kw_seat *seat)
{
    if (seat->state != NULL)
        seat->side->close(seat->state);
    if (seat->child > 0) {
        close(seat->socket);
        while (waitpid(seat->child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *seat = (struct kw_seat){.side = seat->side};
}
