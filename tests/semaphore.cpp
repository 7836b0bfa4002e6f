// Semaphore: permits between threads and processes, and where they go when a holder dies.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <shm.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "support/asleep.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/watchdog.hpp"

using support::code_of;
using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<shm::permit> &&
              std::is_nothrow_move_constructible_v<shm::permit> &&
              std::is_nothrow_move_assignable_v<shm::permit> &&
              std::is_nothrow_destructible_v<shm::permit>);
static_assert(!std::is_copy_constructible_v<shm::semaphore> &&
              std::is_nothrow_move_constructible_v<shm::semaphore>);

namespace {

/// How many sleep for a permit.
int waiters_at(const shm::key& key) {
  return ::semctl(support::set_of(key).id(), shm::detail::semaphore::permits, GETNCNT);
}
void await_waiters(const shm::key& key, int number) {
  while (waiters_at(key) != number) ::sched_yield();
}

/// ipcrm -s, or logind's RemoveIPC.
void lose_set(const shm::key& key) {
  if (!support::set_of(key).remove().ok()) throw std::logic_error("there is no set to lose");
}

/// A process that holds so many permits until it is killed, or told to end.
class holder {
 public:
  holder(const shm::key& key, unsigned of, unsigned takes)
      : process_([this, &key, of, takes] {
          const support::watchdog own_watchdog;
          shm::semaphore mine(key, of);
          std::vector<shm::permit> held;
          while (held.size() < takes) held.push_back(mine.acquire());
          holds_.pass();
          may_end_.await();
          return 0;
        }) {
    holds_.await();
  }

  void kill() { process_.kill(); }
  int end() {
    may_end_.pass();
    return process_.wait();
  }

 private:
  support::baton holds_, may_end_;
  support::child process_;
};

}  // namespace

TEST_CASE("a semaphore lets in as many at once as it has permits") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 2);
  CHECK(semaphore.name() == name.text());
  CHECK(semaphore.available() == 2);
  {
    const shm::permit first = semaphore.acquire();
    CHECK(semaphore.available() == 1);
    shm::semaphore other(name, 2);
    const auto second = other.try_acquire();
    REQUIRE(second.has_value());
    CHECK(semaphore.available() == 0);
    CHECK_FALSE(semaphore.try_acquire().has_value());
    CHECK_FALSE(other.try_acquire_for(2ms).has_value());
    CHECK_FALSE(other.try_acquire_for(-2ms).has_value());
    CHECK_FALSE(other.try_acquire_for(std::chrono::hours::min()).has_value());
  }
  CHECK(semaphore.available() == 2);
  CHECK(semaphore.try_acquire_for(-2ms).has_value());
}

TEST_CASE("a timed wait for a permit takes as long as it says") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 1);
  const shm::permit held = semaphore.acquire();
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(semaphore.try_acquire_for(50ms).has_value());
  CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
}

TEST_CASE("a permit is given back once, by whichever thread has it last") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 3);
  shm::permit first = semaphore.acquire();
  first.release();
  CHECK(semaphore.available() == 3);
  first.release();
  CHECK(semaphore.available() == 3);

  shm::permit moved_from = semaphore.acquire();
  shm::permit moved(std::move(moved_from));
  CHECK(semaphore.available() == 2);
  shm::permit assigned = semaphore.acquire();
  assigned = std::move(moved);  // gives back what it had
  CHECK(semaphore.available() == 2);
  shm::semaphore handle_moved(std::move(semaphore));
  std::thread([taken = std::move(assigned)]() mutable { taken.release(); }).join();
  CHECK(handle_moved.available() == 3);
}

TEST_CASE("a semaphore opened with another number of permits is a type mismatch that names both") {
  const support::name name;
  const shm::semaphore semaphore(name, 3);
  const shm::error refusal = support::refusal_of([&] { shm::semaphore(name, 5); });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  CHECK_THAT(refusal.what(), ContainsSubstring("its number of permits is 3"));
  CHECK_THAT(refusal.what(), ContainsSubstring("asks for 5"));
  CHECK(semaphore.available() == 3);
}

TEST_CASE("a semaphore of no permits, or of more than the kernel counts, is an invalid argument") {
  const support::name name;
  for (const unsigned permits : {0u, 32768u, UINT_MAX}) {
    const shm::error refusal = support::refusal_of([&] { shm::semaphore(name, permits); });
    CHECK(refusal.code() == std::errc::invalid_argument);
    CHECK_THAT(refusal.what(), ContainsSubstring(std::to_string(permits)));
    CHECK_THAT(refusal.what(), ContainsSubstring("1 to 32767"));
  }
  CHECK_FALSE(support::exists(name));
}

TEST_CASE("one process can hold every permit of the largest semaphore") {
  const support::watchdog watchdog(120);
  const support::name name;
  shm::semaphore semaphore(name, shm::semaphore::max_permits);
  {
    std::vector<shm::permit> all;
    for (unsigned i = 0; i < shm::semaphore::max_permits; ++i) all.push_back(semaphore.acquire());
    CHECK(semaphore.available() == 0);
    CHECK_FALSE(semaphore.try_acquire().has_value());
  }
  CHECK(semaphore.available() == shm::semaphore::max_permits);
  support::dies([&] {
    std::vector<shm::permit>& all = *new std::vector<shm::permit>;
    while (auto one = semaphore.try_acquire()) all.push_back(std::move(*one));
  });
  CHECK(semaphore.available() == shm::semaphore::max_permits);
}

TEST_CASE("a semaphore is no mutex, no object and no array, nor are they semaphores") {
  const support::name name, other_name;
  const shm::semaphore semaphore(name, 1);
  CHECK(code_of([&] { shm::mutex(shm::open_only, name); }) == shm::errc::kind_mismatch);
  CHECK(code_of([&] { shm::object<int> one(name); }) == shm::errc::kind_mismatch);
  CHECK(code_of([&] { shm::array<const int, 3> one(name); }) == shm::errc::kind_mismatch);
  const shm::mutex mutex(other_name);
  CHECK(code_of([&] { shm::semaphore(other_name, 1); }) == shm::errc::kind_mismatch);
}

TEST_CASE("the permits of a process that is killed come back") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 3);
  holder victim(name, 3, 2);
  const shm::permit mine = semaphore.acquire();
  CHECK(semaphore.available() == 0);
  victim.kill();
  CHECK(semaphore.available() == 2);
}

TEST_CASE("the permits of a program that ends with _exit, or leaks them, come back") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 3);
  support::child careless([&] {
    auto* const leaked = new shm::permit(semaphore.acquire());
    ::_exit(leaked != nullptr ? 7 : 8);
    return 0;
  });
  CHECK(careless.wait() == 7);
  CHECK(semaphore.available() == 3);
}

TEST_CASE("a process that sleeps for a permit is woken by the death of a holder, or by a release") {
  const support::watchdog watchdog;
  for (const bool is_killed : {true, false}) {
    CAPTURE(is_killed);
    const support::name name;
    holder first(name, 2, 2);
    support::child waiting([&] {
      const support::watchdog own_watchdog;
      shm::semaphore mine(name, 2);
      const shm::permit one = mine.acquire();
      return 0;
    });
    await_waiters(name, 1);
    support::await_sleep_of(waiting.pid());
    if (is_killed) {
      first.kill();
    } else {
      CHECK(first.end() == 0);
    }
    CHECK(waiting.wait() == 0);
    CHECK(shm::semaphore(name, 2).available() == 2);
  }
}

TEST_CASE("a process that is killed while it sleeps for a permit takes none along") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 1);
  {
    const shm::permit held = semaphore.acquire();
    support::child waiting([&] {
      static_cast<void>(semaphore.acquire());
      return 0;
    });
    await_waiters(name, 1);
    waiting.kill();
    CHECK(semaphore.available() == 0);
  }
  CHECK(semaphore.available() == 1);
}

TEST_CASE("a forked child gives back nothing of its parent's, and takes permits of its own",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 3);
  std::optional<shm::permit> parents(semaphore.acquire());
  support::child forked([&] {
    parents->release();
    parents.reset();
    if (semaphore.available() != 2) return 1;
    shm::permit own = semaphore.acquire();
    if (semaphore.available() != 1) return 2;
    own.release();
    if (semaphore.available() != 2) return 3;
    static_cast<void>(new shm::permit(semaphore.acquire()));  // and ends with it
    return semaphore.available() == 1 ? 0 : 4;
  });
  CHECK(forked.wait() == 0);
  CHECK(semaphore.available() == 2);
  parents.reset();
  CHECK(semaphore.available() == 3);
}

TEST_CASE("a child that outlives its parent keeps none of the parent's permits", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 2);
  support::baton may_end, forked;
  support::child parent([&]() -> int {
    static_cast<void>(new shm::permit(semaphore.acquire()));
    if (::fork() == 0) {
      forked.pass();
      may_end.await();
      ::_exit(0);
    }
    forked.await();
    support::die();
  });
  CHECK(parent.wait() == -SIGKILL);
  CHECK(semaphore.available() == 2);
  may_end.pass();
}

TEST_CASE("a program keeps its permits over an exec, until it ends", "[exec]") {
  const support::watchdog watchdog;
  for (const shm::lifetime lifetime :
       {shm::lifetime::persistent, shm::lifetime::until_last_detach}) {
    CAPTURE(lifetime);
    const support::name name;
    shm::options how;
    how.lifetime = lifetime;
    support::child executing([&]() -> int {
      static_cast<void>(new shm::permit((new shm::semaphore(name, 2, how))->acquire()));
      ::execlp("sleep", "sleep", "1000", static_cast<char*>(nullptr));
      return 1;
    });
    const auto program_of = [&] {
      std::string text;
      std::getline(std::ifstream("/proc/" + std::to_string(executing.pid()) + "/comm"), text);
      return text;
    };
    while (program_of() != "sleep") ::sched_yield();
    // Nobody is attached, and yet it is in use.
    CHECK(code_of([&] { shm::remove(name); }) == shm::errc::in_use);
    for (int handles = 0; handles < 2; ++handles) {
      CHECK(shm::semaphore(name, 2, how).available() == 1);
    }
    const shm::semaphore semaphore(name, 2, how);
    executing.kill();
    CHECK(semaphore.available() == 2);
  }
}

TEST_CASE("a process that sleeps for a permit beside a removed semaphore is told") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 1);
  shm::permit held = semaphore.acquire();
  support::child waiting([&] {
    shm::semaphore mine(name, 1);
    return code_of([&] { static_cast<void>(mine.acquire()); }) == shm::errc::removed ? 0 : 1;
  });
  await_waiters(name, 1);
  shm::remove(name, shm::force);
  CHECK(waiting.wait() == 0);
  CHECK(code_of([&] { static_cast<void>(semaphore.try_acquire()); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(semaphore.available()); }) == shm::errc::removed);

  shm::semaphore next(name, 2);
  held.release();
  CHECK(next.available() == 2);
}

TEST_CASE("a semaphore that processes have open, or have permits of, is in use") {
  const support::watchdog watchdog;
  const support::name name;
  {
    holder one(name, 1, 1);
    CHECK(code_of([&] { shm::remove(name); }) == shm::errc::in_use);
    one.kill();
  }
  shm::remove(name);
  CHECK_FALSE(support::exists(name));
}

TEST_CASE("a signal does not end the wait for a permit, nor lengthen it") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 1);
  std::optional<shm::permit> held(semaphore.acquire());
  std::atomic<bool> is_over{false};
  static std::atomic<int> signals{0};
  struct sigaction counts {};
  counts.sa_handler = [](int) { ++signals; };
  struct sigaction before {};
  REQUIRE(::sigaction(SIGUSR1, &counts, &before) == 0);
  const auto interrupted = [&](auto job) {
    is_over = false;
    std::atomic<pid_t> thread{0};
    std::thread waiting([&] {
      thread = static_cast<pid_t>(::syscall(SYS_gettid));
      job();
      is_over = true;
    });
    while (waiters_at(name) != 1 && !is_over) ::sched_yield();
    const int enough = signals + 10;
    while (signals < enough && !is_over) {
      ::syscall(SYS_tgkill, ::getpid(), thread.load(), SIGUSR1);
      ::sched_yield();
    }
    return waiting;
  };
  const auto begin = std::chrono::steady_clock::now();
  bool got = true;
  interrupted([&] { got = semaphore.try_acquire_for(200ms).has_value(); }).join();
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK_FALSE(got);
  CHECK(took >= 200ms);
  CHECK(took < 10s);
  CHECK(signals > 0);

  std::thread patient = interrupted([&] { static_cast<void>(semaphore.acquire()); });
  CHECK_FALSE(is_over);
  held.reset();
  patient.join();
  CHECK(::sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("a semaphore whose set is lost while nobody is attached has all its permits again") {
  const support::watchdog watchdog;
  for (const shm::lifetime lifetime :
       {shm::lifetime::persistent, shm::lifetime::until_last_detach}) {
    CAPTURE(lifetime);
    const support::name name;
    shm::options how;
    how.lifetime = lifetime;
    support::dies([&] { static_cast<void>((new shm::semaphore(name, 3, how))->acquire()); });
    lose_set(name);
    if (lifetime == shm::lifetime::persistent) {
      CHECK(code_of([&] { shm::semaphore(name, 4); }) == shm::errc::type_mismatch);
    }
    const shm::semaphore again(name, 3, how);
    CHECK(again.available() == 3);
  }
}

TEST_CASE("an untyped handle that adopts a semaphore without a set puts the permits in, too") {
  const support::name name;
  { const shm::semaphore semaphore(name, 3); }
  lose_set(name);
  { const shm::any_object adopting(name); }
  CHECK(shm::semaphore(name, 3).available() == 3);
}

TEST_CASE("a holder whose set is lost has a removed handle, and the semaphore begins anew") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore old(name, 2);
  shm::permit held = old.acquire();
  support::child waiting([&] {
    shm::semaphore mine(name, 2);
    const shm::permit last = mine.acquire();
    return code_of([&] { static_cast<void>(mine.acquire()); }) == shm::errc::removed ? 0 : 1;
  });
  await_waiters(name, 1);
  lose_set(name);
  CHECK(waiting.wait() == 0);
  CHECK(code_of([&] { static_cast<void>(old.try_acquire()); }) == shm::errc::removed);
  shm::semaphore anew(name, 2);
  CHECK(anew.available() == 2);
  held.release();
  CHECK(anew.available() == 2);
}

TEST_CASE("a set that a semaphore left behind serves the next object, whatever that is") {
  const support::name name;
  const auto leave_set = [&] {
    { const shm::semaphore semaphore(name, 5); }
    REQUIRE(support::segment_of(name).remove().ok());
    REQUIRE(support::set_of(name).value(shm::detail::semaphore::permits).value == 5);
  };
  SECTION("an array") {
    leave_set();
    shm::array<int, 3> array(name);
    CHECK(array.load(1) == 0);  // and takes no permit for an edit in place
    CHECK(shm::array<const int, 3>(name).load(1) == 0);
  }
  SECTION("a semaphore with fewer permits") {
    leave_set();
    CHECK(shm::semaphore(name, 2).available() == 2);
  }
  SECTION("a semaphore with more permits") {
    leave_set();
    CHECK(shm::semaphore(name, 9).available() == 9);
  }
}

TEST_CASE("a semaphore that lives until its last handle closes leaves nothing") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options brief;
  brief.lifetime = shm::lifetime::until_last_detach;
  {
    shm::semaphore semaphore(name, 2, brief);
    const shm::permit one = semaphore.acquire();
  }
  CHECK_FALSE(support::exists(name));
}

TEST_CASE("a permit that outlives its handle by mistake is given back, and counts until then") {
  const support::watchdog watchdog;
  const support::name name;
  auto handle = std::make_unique<shm::semaphore>(name, 2);
  shm::permit late = handle->acquire();
  handle.reset();
  CHECK(code_of([&] { shm::remove(name); }) == shm::errc::in_use);
  const shm::semaphore other(name, 2);
  CHECK(other.available() == 1);
  late.release();
  CHECK(other.available() == 2);
}

TEST_CASE("what is known of a semaphore without its type") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore semaphore(name, 3);
  const shm::permit one = semaphore.acquire();
  bool is_listed = false;
  for (const shm::object_info& info : shm::list()) {
    if (info.name != name.text()) continue;
    is_listed = true;
    CHECK(info.problem.empty());
    CHECK(info.kind == shm::object_kind::semaphore);
    CHECK(info.count == 3);
    CHECK(info.available == 2);
    CHECK(info.size == 0);
    CHECK(info.seats.size() == 1);
  }
  CHECK(is_listed);
  const shm::const_any_object any(name);
  CHECK(any.kind() == shm::object_kind::semaphore);
  CHECK(any.size() == 0);
  CHECK(any.element_size() == 0);
  CHECK(any.type().size() == 0);
  CHECK(any.version() == 0);
  CHECK_THROWS_AS(any.load(), std::out_of_range);
  shm::any_object changing(name);
  CHECK_THROWS_AS(changing.store({}), std::out_of_range);
  CHECK_THROWS_AS(any.snapshot(), std::out_of_range);
}

TEST_CASE("a semaphore whose recorded number of permits makes no sense is corrupt") {
  const support::name name;
  { const shm::semaphore semaphore(name, 3); }
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{32768}, ~std::uint64_t{0}}) {
    support::memory_of(name).head().fixed.type_size = number;
    CHECK(code_of([&] { shm::semaphore(name, 3); }) == shm::errc::corrupt);
    CHECK(code_of([&] { shm::const_any_object any(name); }) == shm::errc::corrupt);
  }
}

TEST_CASE("never are more inside than there are permits, whichever process is killed", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  constexpr unsigned permits = 3;
  constexpr unsigned processes = 6;
  const shm::semaphore semaphore(name, permits);
  // A bit for each process: set after it has a permit, cleared before it gives that back. Somebody
  // who is killed has no permit any more, and a bit until the parent clears it: one at a time.
  struct shared {
    std::atomic<std::uint32_t> inside{0};
    std::atomic<unsigned> dying{0}, most{0};
    std::atomic<bool> is_over{false}, is_exceeded{false};
  };
  const support::shared_page<shared> page;
  const auto begin = [&](unsigned number) {
    return support::child([&, number] {
      const support::watchdog own_watchdog(120);
      shm::semaphore mine(name, permits);
      const std::uint32_t bit = 1u << number;
      while (!page->is_over) {
        const shm::permit one = mine.acquire();
        const std::uint32_t all = page->inside.fetch_or(bit) | bit;
        const auto count = static_cast<unsigned>(__builtin_popcount(all));
        if (count > permits + page->dying) page->is_exceeded = true;
        if (count > page->most) page->most = count;
        ::sched_yield();
        page->inside.fetch_and(~bit);
      }
      return 0;
    });
  };
  std::vector<support::child> all;
  for (unsigned number = 0; number < processes; ++number) all.push_back(begin(number));
  while (page->most < permits) ::sched_yield();  // now all permits are in use
  page->dying = 1;
  for (unsigned kills = 0; kills < 300; ++kills) {
    const unsigned victim = kills % processes;
    for (unsigned steps = 0; steps < kills % 17; ++steps) ::sched_yield();
    all[victim].kill();
    page->inside.fetch_and(~(1u << victim));
    if (semaphore.available() > permits) page->is_exceeded = true;
    all[victim] = begin(victim);
  }
  page->is_over = true;
  for (support::child& one : all) CHECK(one.wait() == 0);
  CHECK_FALSE(page->is_exceeded);
  CHECK(page->most >= permits);
  CHECK(semaphore.available() == permits);
}
