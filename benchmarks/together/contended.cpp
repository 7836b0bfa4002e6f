// Contended: N processes lock and unlock as fast as they can, and check that no two are inside.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../contenders/every_lock.hpp"
#include "job.hpp"
#include "worker.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

/// What the lock guards, on a line of its own: two words that only somebody alone inside keeps
/// equal.
struct arena {
  alignas(64) std::atomic<bool> over;
  alignas(64) volatile std::uint64_t first;
  volatile std::uint64_t second;
};

struct tally {
  std::uint64_t count = 0;
  std::uint64_t violations = 0;
  double longest_wait_us = 0;
};

/// Outside the lock: sixteen multiplications, each of which needs the one before.
void work_outside(std::uint64_t& number) {
  for (int i = 0; i < 16; ++i) {
    number = number * 6364136223846793005U + 1442695040888963407U;
    __asm__ volatile("" : "+r"(number));
  }
}

template <class Lock>
tally compete(const site& where, arena& shared, const line& to_parent) {
  constexpr std::uint64_t timed_every = 32;  // looking at the clock takes as long as the lock
  Lock lock(where);
  tally mine;
  std::uint64_t number = 1;
  to_parent.meet();
  // Relaxed: nothing is read that was written before the end.
  for (; !shared.over.load(std::memory_order_relaxed); ++mine.count) {
    if (mine.count % timed_every == 0) {
      const auto before = clock::now();
      lock.lock();
      const std::chrono::duration<double, std::micro> waited = clock::now() - before;
      mine.longest_wait_us = std::max(mine.longest_wait_us, waited.count());
    } else {
      lock.lock();
    }
    const std::uint64_t seen = shared.first;
    if (seen != shared.second) ++mine.violations;
    shared.first = seen + 1;
    shared.second = seen + 1;
    lock.unlock();
    work_outside(number);
  }
  return mine;
}

template <class Lock>
figures measure_contended(unsigned processes, double seconds) {
  const site where;
  const site guarded(sizeof(arena));
  arena& shared = guarded.at_begin<arena>();
  const typename Lock::owner owner(where);

  std::vector<std::unique_ptr<worker<tally>>> workers;
  for (unsigned i = 0; i < processes; ++i) {
    workers.push_back(std::make_unique<worker<tally>>(
        i, [&](const line& to_parent) { return compete<Lock>(where, shared, to_parent); }));
  }
  for (const auto& each : workers) each->await_ready();
  const auto begin = clock::now();
  for (const auto& each : workers) each->go();
  interruption::wait(seconds);
  shared.over.store(true, std::memory_order_relaxed);
  const std::chrono::duration<double> taken = clock::now() - begin;

  tally all;
  std::uint64_t least = UINT64_MAX, most = 0;
  for (const auto& each : workers) {
    const tally one = each->result();
    all.count += one.count;
    all.violations += one.violations;
    all.longest_wait_us = std::max(all.longest_wait_us, one.longest_wait_us);
    least = std::min(least, one.count);
    most = std::max(most, one.count);
  }
  if (all.violations != 0 || shared.first != all.count || shared.second != all.count) {
    throw std::runtime_error("two were inside at once: " + std::to_string(all.violations) +
                             " times seen, " + std::to_string(all.count - shared.first) +
                             " increments lost");
  }
  return {{"value", static_cast<double>(all.count) / taken.count() / 1e6},
          {"unit", "M/s"},
          {"better", "more"},
          {"fairness", most == 0 ? 0 : static_cast<double>(least) / static_cast<double>(most)},
          {"longest_wait_us", all.longest_wait_us},
          {"violations", all.violations},
          {"processes", processes}};
}

template <class Lock>
void add(std::vector<job>& jobs, unsigned processes) {
  jobs.push_back(
      {"contended/" + std::to_string(processes), Lock::name, "lock",
       [processes](double seconds) { return measure_contended<Lock>(processes, seconds); }});
}

}  // namespace

void add_contended(std::vector<job>& jobs) {
  for (const unsigned processes : {2U, 4U, 8U}) {
    for_every_lock([&](auto lock) { add<typename decltype(lock)::of>(jobs, processes); });
  }
  for (const unsigned processes : {1U, 16U, 32U, 64U}) {
    types<shm_mutex, pthread_robust, futex_lock>::each(
        [&](auto lock) { add<typename decltype(lock)::of>(jobs, processes); });
  }
}

}  // namespace bench
