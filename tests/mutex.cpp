// Mutex: exclusion between threads and processes, and what is left when a holder dies.
// SPDX-License-Identifier: MIT
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <shm.hpp>
#include <thread>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
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

namespace {

/// From now on this process may not call membarrier.
bool forbid_membarrier() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{4, steps};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("processes that may not call membarrier take part, and wait no longer than they should",
          "[race][seccomp]") {
  const support::watchdog watchdog(120);
  const support::name name, counter_name;
  shm::mutex mutex(name);
  shm::array<long, 1> counter(counter_name);
  std::vector<support::child> processes;
  for (int p = 0; p < 4; ++p) {
    processes.emplace_back([&, p] {
      if (p % 2 == 0 && !forbid_membarrier()) return 1;
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
  support::baton closed, tried;
  support::child careless([&] {
    {
      shm::mutex mine(name);
      mine.lock();
    }
    closed.pass();
    tried.await();
    return 0;
  });
  closed.await();
  shm::mutex mutex(name);
  CHECK_FALSE(mutex.try_lock_for(std::chrono::milliseconds(1)));
  tried.pass();
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
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
