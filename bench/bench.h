/* bench - Google Benchmark for C: an opaque state, a definition, a register. One C++ file (bench.cc) is
 * behind it.
 *
 * A program registers its definitions and calls kw_bench_main(). Each parameter set has a smoke value, with
 * which the benchmark runs as a test, so that it cannot rot.
 */
#ifndef KW_BENCH_BENCH_H
#define KW_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kw_bench_state;

struct kw_bench {
    const char *name;
    /* Runs the benchmark: set up, loop while kw_bench_keep_running(), tear down. Returns 0, or <0 after
     * kw_bench_fail(). */
    int (*run)(struct kw_bench_state *state, void *arg);
    void *arg;
    uint64_t iterations;  /* 0: Google Benchmark chooses */
    unsigned repetitions; /* 0: one */
    unsigned threads;     /* that run it at once, each with a state of its own; 0: one. Their rate is by wall
                             time, for who sleeps on a lock uses none of the processor's */
};

/* Registers; the definition is copied, name and arg must live on. */
void kw_bench_register(const struct kw_bench *bench);
/* True while to go on; batch iterations are counted for each call. */
bool kw_bench_keep_running(struct kw_bench_state *state, uint64_t batch);
/* Time between the two is not counted. */
void kw_bench_pause(struct kw_bench_state *state);
void kw_bench_resume(struct kw_bench_state *state);
/* Bytes handled by one iteration, shown as a rate. */
void kw_bench_set_bytes(struct kw_bench_state *state, uint64_t bytes_per_iteration);
/* Which of the threads this is, from 0. */
unsigned kw_bench_thread(const struct kw_bench_state *state);
enum kw_bench_figure { KW_BENCH_RATE, KW_BENCH_MEAN };
/* Another figure beside the time, of this thread: a sum, shown for a second of all threads, or the mean of
 * the threads. */
void kw_bench_set_figure(
    struct kw_bench_state *state, const char *name, double value, enum kw_bench_figure kind);
/* A line of context in every output: CPU path, OpenSSL version. */
void kw_bench_context(const char *key, const char *value);
/* Ends this benchmark with a message. */
void kw_bench_fail(struct kw_bench_state *state, const char *why);
/* Google Benchmark's command line (--benchmark_filter, --benchmark_format=json, ...). Returns the exit
 * status. */
int kw_bench_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
