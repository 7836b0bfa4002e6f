// Wake: two processes hand a lock to and fro, and each sleeps until it is its turn.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "../contenders/every_lock.hpp"
#include "asleep.hpp"
#include "job.hpp"
#include "worker.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

/// How a turn passes on: the holder sees the other one asleep, notes the time, and unlocks; the
/// other one has the lock, and says so, before the first one asks for it again and falls asleep
/// itself.
struct wake_stage {
  alignas(64) std::atomic<bool> over;
  std::atomic<std::uint64_t> turns;
  std::atomic<clock::duration::rep> unlocked_at;
  std::atomic<pid_t> players[2];
};

struct wake_tally {
  std::uint64_t count = 0;
  double median_us = 0;
  double most_us = 0;
};

clock::duration::rep now() {
  return clock::now().time_since_epoch().count();
}

/// Both play the same; the first has the lock when the game begins.
template <class Lock>
wake_tally play(const site& where, wake_stage& stage, std::size_t me, const line& to_parent) {
  Lock lock(where);
  std::vector<double> latencies;
  latencies.reserve(1U << 16U);
  stage.players[me].store(::getpid(), std::memory_order_relaxed);
  if (me == 0) lock.lock();
  to_parent.meet();
  const pid_t other = stage.players[1 - me].load(std::memory_order_relaxed);
  for (std::uint64_t turn = 0;; ++turn) {
    if (turn % 2 == me) {  // mine: held since its begin
      bool over = false;
      do {
        over = stage.over.load(std::memory_order_relaxed);
      } while (!over && !is_asleep(other));
      stage.unlocked_at.store(over ? 0 : now(), std::memory_order_relaxed);
      lock.unlock();
      if (over) break;
      while (stage.turns.load(std::memory_order_acquire) == turn) relax();
    } else {
      lock.lock();
      const auto taken_at = now();
      const auto unlocked_at = stage.unlocked_at.load(std::memory_order_relaxed);
      if (unlocked_at == 0) {
        lock.unlock();
        break;
      }
      const clock::duration latency(taken_at - unlocked_at);
      if (latencies.size() < latencies.capacity()) {
        latencies.push_back(std::chrono::duration<double, std::micro>(latency).count());
      }
      stage.turns.store(turn + 1, std::memory_order_release);
    }
  }
  std::sort(latencies.begin(), latencies.end());
  if (latencies.empty()) return {};
  return {latencies.size(), latencies[latencies.size() / 2], latencies.back()};
}

/// To and fro: the sum of both ways.
template <class Lock>
figures measure_wake(double seconds) {
  const site where;
  const site shared(sizeof(wake_stage));
  auto& stage = shared.at_begin<wake_stage>();
  const typename Lock::owner owner(where);
  worker<wake_tally> first(
      0, [&](const line& to_parent) { return play<Lock>(where, stage, 0, to_parent); });
  first.await_ready();
  worker<wake_tally> second(
      1, [&](const line& to_parent) { return play<Lock>(where, stage, 1, to_parent); });
  second.await_ready();
  second.go();
  first.go();
  interruption::wait(seconds);
  stage.over.store(true, std::memory_order_relaxed);
  const wake_tally to = second.result();
  const wake_tally fro = first.result();
  if (to.count == 0 || fro.count == 0) throw std::runtime_error("there was no time for one round");
  return {{"value", to.median_us + fro.median_us},
          {"unit", "us"},
          {"better", "less"},
          {"rounds", std::min(to.count, fro.count)},
          {"most_us", std::max(to.most_us, fro.most_us)}};
}

}  // namespace

void add_wake(std::vector<job>& jobs) {
  types<shm_mutex, semop_lock<false>, semop_lock<true>, futex_lock, pthread_plain, pthread_robust,
        pthread_condition, posix_semaphore>::each([&](auto contender) {
    using lock = typename decltype(contender)::of;
    jobs.push_back({"wake/roundtrip", lock::name, "wake",
                    [](double seconds) { return measure_wake<lock>(seconds); }});
  });
}

}  // namespace bench
