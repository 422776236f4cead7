#include "bench/bench.h"

#include <benchmark/benchmark.h>

struct kw_bench_state {
    benchmark::State &state;
    uint64_t bytes;
};

void kw_bench_register(const struct kw_bench *bench)
{
    struct kw_bench copy = *bench;
    auto *registered = benchmark::RegisterBenchmark(copy.name, [copy](benchmark::State &state) {
        struct kw_bench_state wrapped = {state, 0};

        if (copy.run(&wrapped, copy.arg) == 0 && wrapped.bytes > 0)
            state.SetBytesProcessed(
                static_cast<int64_t>(wrapped.bytes * static_cast<uint64_t>(state.iterations())));
    });

    if (copy.iterations > 0)
        registered->Iterations(static_cast<benchmark::IterationCount>(copy.iterations));
    if (copy.threads > 0)
        registered->Threads(static_cast<int>(copy.threads))->UseRealTime();
    if (copy.repetitions > 0)
        registered->Repetitions(static_cast<int>(copy.repetitions));
}

bool kw_bench_keep_running(struct kw_bench_state *state, uint64_t batch)
{
    return state->state.KeepRunningBatch(static_cast<benchmark::IterationCount>(batch));
}

void kw_bench_pause(struct kw_bench_state *state)
{
    state->state.PauseTiming();
}

void kw_bench_resume(struct kw_bench_state *state)
{
    state->state.ResumeTiming();
}

void kw_bench_set_bytes(struct kw_bench_state *state, uint64_t bytes_per_iteration)
{
    state->bytes = bytes_per_iteration;
}

unsigned kw_bench_thread(const struct kw_bench_state *state)
{
    return static_cast<unsigned>(state->state.thread_index());
}

void kw_bench_set_figure(
    struct kw_bench_state *state, const char *name, double value, enum kw_bench_figure kind)
{
    state->state.counters[name] = benchmark::Counter(
        value, kind == KW_BENCH_RATE ? benchmark::Counter::kIsRate : benchmark::Counter::kAvgThreads);
}

void kw_bench_context(const char *key, const char *value)
{
    benchmark::AddCustomContext(key, value);
}

void kw_bench_fail(struct kw_bench_state *state, const char *why)
{
    state->state.SkipWithError(why);
}

int kw_bench_main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
