// Jobs: benchmarks are called JOB|CONTENDER, by which the report groups them.
// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace bench {

/// run(state) measures; what it throws is the benchmark's failure.
template <class Run>
benchmark::internal::Benchmark* add(const std::string& job, const std::string& contender, Run run) {
  return benchmark::RegisterBenchmark((job + '|' + contender).c_str(),
                                      [run](benchmark::State& state) {
                                        try {
                                          run(state);
                                        } catch (const std::exception& failure) {
                                          state.SkipWithError(failure.what());
                                        }
                                      });
}

/// Only what step() itself takes counts; before() prepares each, after() cleans up behind it.
template <class Before, class Step, class After>
void measure_between(benchmark::State& state, Before before, Step step, After after) {
  for (auto _ : state) {
    before();
    const auto start = std::chrono::steady_clock::now();
    step();
    const auto end = std::chrono::steady_clock::now();
    after();
    state.SetIterationTime(std::chrono::duration<double>(end - start).count());
  }
}

inline int run_all(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
