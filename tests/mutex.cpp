// Mutex: exclusion between threads and processes, and what is left when a holder dies.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include <limits>
#include <shm.hpp>
#include <thread>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/sandbox.hpp"
#include "support/sleeper.hpp"
#include "support/watchdog.hpp"

TEST_CASE("a mutex meets Lockable and TimedLockable") {
  const support::watchdog watchdog;
  const support::name name, second_name;
  shm::mutex mutex(name), second(second_name);
  { shm::scoped_lock lock(mutex); }
  {
    shm::unique_lock lock(mutex, std::chrono::milliseconds(1));
    CHECK(lock.owns_lock());
  }
  {
    shm::unique_lock lock(mutex, std::try_to_lock);
    CHECK(lock.owns_lock());
  }
  { std::scoped_lock both(mutex, second); }
  std::lock(mutex, second);
  mutex.unlock();
  second.unlock();
  CHECK(mutex.try_lock_until(std::chrono::system_clock::now()));
  mutex.unlock();
  CHECK(mutex.try_lock_until(std::chrono::steady_clock::now() + std::chrono::hours(1)));
  mutex.unlock();
  CHECK(mutex.name() == name.text());
}

TEST_CASE("not now is false, for try_lock and the timed locks") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex held(name), wanted(name);
  const shm::scoped_lock lock(held);
  CHECK_FALSE(wanted.try_lock());
  CHECK_FALSE(held.try_lock());
  CHECK_FALSE(wanted.try_lock_for(std::chrono::milliseconds(2)));
  CHECK_FALSE(wanted.try_lock_for(std::chrono::milliseconds(-2)));
  CHECK_FALSE(
      wanted.try_lock_until(std::chrono::system_clock::now() + std::chrono::milliseconds(2)));
  CHECK_FALSE(
      wanted.try_lock_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(2)));
}

namespace {

/// A clock of somebody's own, that counts days since a day in the future.
struct days_to_go {
  using rep = int;
  using period = std::ratio<86400>;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<days_to_go>;
  [[maybe_unused]] static constexpr bool is_steady = false;
  static time_point now() { return time_point(duration(std::numeric_limits<int>::min() + 10)); }
};

/// Whether it waits until then, and gets the lock when a holder lets go of it.
template <class Moment>
bool waits_until(Moment moment) {
  const support::name name;
  support::baton held;
  shm::mutex mutex(name);
  support::child holder([&] {
    shm::mutex theirs(name);
    const shm::scoped_lock lock(theirs);
    held.pass();
    const int set_id = support::set_of(name).id();
    while (::semctl(set_id, shm::detail::semaphore::wake, GETNCNT) != 1) ::sched_yield();
    return 0;
  });
  held.await();
  const bool got = mutex.try_lock_until(moment);
  if (got) mutex.unlock();
  return holder.wait() == 0 && got;
}

/// Closes a handle that holds the lock, and lives on until end().
class careless_process {
 public:
  explicit careless_process(const shm::key& key)
      : process_([this, &key] {
          {
            shm::mutex mine(key);
            mine.lock();
          }
          closed_.pass();
          over_.await();
          return 0;
        }) {
    closed_.await();
  }

  /// The status it returned.
  int end() {
    over_.pass();
    return process_.wait();
  }

 private:
  support::baton closed_, over_;
  support::child process_;
};

}  // namespace

TEST_CASE("the last moment of any clock is waited for, and its first has passed") {
  using namespace std::chrono;
  const support::watchdog watchdog;
  CHECK(waits_until(system_clock::time_point::max()));
  CHECK(waits_until(time_point<system_clock, hours>::max()));
  CHECK(waits_until(time_point<steady_clock, seconds>::max()));
  CHECK(waits_until(time_point<steady_clock, duration<double>>::max()));
  CHECK(waits_until(days_to_go::time_point::max()));
  const support::name name;
  shm::mutex held(name), wanted(name);
  const shm::scoped_lock lock(held);
  CHECK_FALSE(wanted.try_lock_until(system_clock::time_point::min()));
  CHECK_FALSE(wanted.try_lock_until(time_point<steady_clock, hours>::min()));
  CHECK_FALSE(wanted.try_lock_until(time_point<system_clock, duration<double>>::min()));
  CHECK_FALSE(wanted.try_lock_until(days_to_go::time_point::min()));
  CHECK_FALSE(wanted.try_lock_for(hours::min()));
  CHECK_FALSE(wanted.try_lock_for(duration<double>(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("four processes count without losing one", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name, counter_name;
  shm::mutex mutex(name);
  // Plain memory, so that only the mutex keeps it right.
  const auto memory = shm::detail::segment::create(IPC_PRIVATE, 4096, 0600, false);
  const support::removed_at_end<shm::detail::segment> guard(memory.value);
  const auto attached =
      shm::detail::attachment::of(memory.value, shm::detail::attach_mode::read_write);
  auto* const counter = static_cast<long*>(static_cast<void*>(attached.value.address()));
  std::vector<support::child> processes;
  for (int p = 0; p < 4; ++p) {
    processes.emplace_back([&] {
      shm::mutex mine(name);
      for (int n = 0; n < 20000; ++n) {
        const shm::scoped_lock lock(mine);
        *counter = *counter + 1;
      }
      return 0;
    });
  }
  for (auto& process : processes) CHECK(process.wait() == 0);
  CHECK(*counter == 80000);
}

TEST_CASE("processes that may not call membarrier take part, and wait no longer than they should",
          "[race][seccomp]") {
  const support::watchdog watchdog(120);
  const support::name name, counter_name;
  shm::mutex mutex(name);
  shm::array<long, 1> counter(counter_name);
  std::vector<support::child> processes;
  for (int p = 0; p < 4; ++p) {
    processes.emplace_back([&, p] {
      if (p % 2 == 0 && !support::forbid(SYS_membarrier)) return 1;
      shm::mutex mine(name);
      for (int n = 0; n < 2000; ++n) {
        const shm::scoped_lock lock(mine);
        counter.store(0, counter.load(0) + 1);
      }
      return 0;
    });
  }
  for (auto& process : processes) CHECK(process.wait() == 0);
  CHECK(counter.load(0) == 8000);
}

TEST_CASE("the next holder is told that one died, until somebody repairs") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  support::child victim([&]() -> int {
    shm::mutex mine(name);
    mine.lock();
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
  mutex.lock();
  CHECK(mutex.owner_died());
  CHECK(shm::mutex(name).owner_died());
  mutex.mark_repaired();
  CHECK_FALSE(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("try_lock and the timed lock take over from a dead holder, too") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  const auto die_holding = [&]() -> int {
    shm::mutex mine(name);
    mine.lock();
    support::die();
  };
  CHECK(support::child(die_holding).wait() == -SIGKILL);
  REQUIRE(mutex.try_lock());
  CHECK(mutex.owner_died());
  mutex.mark_repaired();
  mutex.unlock();
  CHECK(support::child(die_holding).wait() == -SIGKILL);
  REQUIRE(mutex.try_lock_for(std::chrono::hours(1)));
  CHECK(mutex.owner_died());
  mutex.mark_repaired();
  mutex.unlock();
  CHECK(support::child(die_holding).wait() == -SIGKILL);
  REQUIRE(mutex.try_lock_for(std::chrono::seconds(0)));
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("a sleeper is woken by its holder's death") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton held;
  support::child holder([&]() -> int {
    shm::mutex mine(name);
    mine.lock();
    held.pass();
    ::pause();
    return 0;
  });
  held.await();
  support::baton waiting;
  support::child sleeper([&] {
    shm::mutex mine(name);
    waiting.pass();
    mine.lock();
    const bool told = mine.owner_died();
    mine.unlock();
    return told ? 0 : 1;
  });
  waiting.await();
  holder.kill();
  CHECK(sleeper.wait() == 0);
}

TEST_CASE("a sleeper beside a removed mutex is told, and does not hang") {
  const support::watchdog watchdog;
  const support::name name;
  CHECK(support::sleeper_is_told(name, [&] { shm::remove(name, shm::force); }));
}

TEST_CASE("a holder that removes its mutex by force may still unlock it") {
  const support::name name;
  shm::mutex mutex(name);
  mutex.lock();
  shm::remove(name, shm::force);
  CHECK_THROWS_AS(mutex.lock(), shm::error);
  mutex.unlock();
  CHECK_THROWS_AS(mutex.lock(), shm::error);
}

TEST_CASE("a handle that is closed while it holds the lock holds it until its process ends") {
  const support::watchdog watchdog;
  const support::name name;
  careless_process careless(name);
  shm::mutex mutex(name);
  CHECK_FALSE(mutex.try_lock_for(std::chrono::milliseconds(1)));
  careless.end();
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("an object with a contradictory description is removed beside a handle that was closed") {
  const support::watchdog watchdog;
  const support::name name;
  careless_process careless(name);
  CHECK(support::code_of([&] { shm::remove(name); }) == shm::errc::in_use);
  support::memory_of(name).head().fixed.seats = 0;
  shm::remove(name);
  CHECK_FALSE(support::exists(name));
  CHECK(careless.end() == 0);
}

TEST_CASE("a timed waiter that gives up leaves no sleeper behind") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  for (int round = 0; round < 20; ++round) {
    mutex.lock();
    support::child impatient([&] {
      shm::mutex mine(name);
      if (mine.try_lock_for(std::chrono::microseconds(500))) mine.unlock();
      return 0;
    });
    support::child patient([&] {
      shm::mutex mine(name);
      mine.lock();
      mine.unlock();
      return 0;
    });
    mutex.unlock();
    CHECK(impatient.wait() == 0);
    CHECK(patient.wait() == 0);
  }
}

TEST_CASE("a moment long ago is now, for try_lock_until") {
  const support::watchdog watchdog(10);
  const support::name name;
  shm::mutex holder(name), other(name);
  const auto long_ago = std::chrono::steady_clock::time_point::min();
  CHECK(other.try_lock_until(long_ago));
  other.unlock();
  holder.lock();
  CHECK_FALSE(other.try_lock_until(long_ago));
  holder.unlock();
}
