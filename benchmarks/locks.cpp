// Locks: lock and unlock alone, by one process, of every contender.
// SPDX-License-Identifier: MIT
#include <benchmark/benchmark.h>

#include <string>

#include "contenders/every_lock.hpp"

namespace {

template <class Lock>
void lock_and_unlock(benchmark::State& state) {
  const bench::site where;
  const typename Lock::owner owner(where);
  Lock lock(where);
  for (auto _ : state) {
    lock.lock();
    benchmark::ClobberMemory();  // what is inside stays inside
    lock.unlock();
  }
}

}  // namespace

int main(int count, char** arguments) {
  bench::for_every_lock([](auto contender) {
    using lock = typename decltype(contender)::of;
    benchmark::RegisterBenchmark((std::string("lock|") + lock::name).c_str(),
                                 &lock_and_unlock<lock>);
  });
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
