// Kill: how long after the kill -9 of a lock's holder somebody who sleeps for it has it.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../contenders/every_lock.hpp"
#include "asleep.hpp"
#include "job.hpp"
#include "worker.hpp"

namespace bench {
namespace {

using clock = std::chrono::steady_clock;

struct nothing {};

struct kill_stage {
  std::atomic<bool> about_to_lock;
};

std::size_t in_pages(std::size_t size) {
  return (size + site::page - 1) / site::page * site::page;
}

/// Holds the lock, with so much memory in its hands, until it is killed.
template <class Lock>
nothing hold(const site& where, std::size_t resident, const line& to_parent) {
  const std::unique_ptr<char[]> memory(new char[in_pages(resident)]);
  std::memset(memory.get(), 1, resident);
  __asm__ volatile("" : : "r"(memory.get()) : "memory");
  Lock lock(where);
  lock.lock();
  to_parent.meet();
  throw std::runtime_error("the holder outlives the measurement");
}

/// When it had the lock.
template <class Lock>
clock::time_point wait_for_it(const site& where, kill_stage& stage, const line& to_parent) {
  Lock lock(where);
  to_parent.meet();
  stage.about_to_lock.store(true, std::memory_order_release);
  lock.lock();
  const auto now = clock::now();
  lock.unlock();
  return now;
}

template <class Lock>
double milliseconds_until_next(std::size_t resident) {
  const site where;
  const site shared(sizeof(kill_stage));
  auto& stage = shared.at_begin<kill_stage>();
  const typename Lock::owner owner(where);
  worker<nothing> holder(
      0, [&](const line& to_parent) { return hold<Lock>(where, resident, to_parent); });
  holder.await_ready();
  worker<clock::time_point> waiter(
      1, [&](const line& to_parent) { return wait_for_it<Lock>(where, stage, to_parent); });
  waiter.await_ready();
  waiter.go();
  // Once it is about to lock, there is nothing else to sleep for.
  while (!stage.about_to_lock.load(std::memory_order_acquire) || !is_asleep(waiter.pid())) {
    waiter.require_running();
  }
  const auto killed = clock::now();
  holder.kill();
  return std::chrono::duration<double, std::milli>(waiter.result() - killed).count();
}

/// As often as there is time for, and at least once.
template <class Lock>
figures measure_kill(std::size_t resident, double seconds) {
  std::vector<double> times;
  const auto end = clock::now() + std::chrono::duration<double>(seconds);
  do {
    times.push_back(milliseconds_until_next<Lock>(resident));
  } while (clock::now() < end);
  std::sort(times.begin(), times.end());
  return {{"value", times[times.size() / 2]},
          {"unit", "ms"},
          {"better", "less"},
          {"kills", times.size()},
          {"least_ms", times.front()},
          {"most_ms", times.back()}};
}

struct holder_size {
  std::size_t bytes;
  const char* name;
};

}  // namespace

void add_kill(std::vector<job>& jobs) {
  constexpr std::size_t mib = 1024 * 1024;
  for (const holder_size& holder : {holder_size{mib, "1MiB"}, holder_size{512 * mib, "512MiB"}}) {
    types<shm_mutex, pthread_robust, semop_lock<true>, boost_file>::each([&](auto contender) {
      using lock = typename decltype(contender)::of;
      jobs.push_back(
          {std::string("kill/") + holder.name, lock::name, "kill",
           [size = holder.bytes](double seconds) { return measure_kill<lock>(size, seconds); }});
    });
  }
}

}  // namespace bench
