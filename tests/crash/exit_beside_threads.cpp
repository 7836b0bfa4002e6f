// Exit beside threads: a process ends, or closes a handle, while one of its threads still uses it.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/sem.h>

#include <atomic>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <shm.hpp>
#include <string_view>
#include <thread>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/shared_page.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::set_of;
using value = support::uniform<40>;

namespace {

/// Stops the worker thread and the main thread of this process, each at a step of its own.
struct stops {
  support::baton worker_is_there, worker_may_go_on, main_is_there, main_may_go_on;
  const char* worker_step;
  const char* main_step;
  const std::atomic<bool>* worker_may_stop = nullptr;  ///< null: from the beginning
};
stops* now = nullptr;
thread_local bool is_worker = false;

void hook(const char* step) {
  const bool worker = is_worker;
  const char*& wanted = worker ? now->worker_step : now->main_step;
  if (wanted == nullptr || std::string_view(step) != wanted) return;
  if (worker && now->worker_may_stop != nullptr && !*now->worker_may_stop) return;
  wanted = nullptr;  // this once
  (worker ? now->worker_is_there : now->main_is_there).pass();
  (worker ? now->worker_may_go_on : now->main_may_go_on).await();
}

/// Static storage: exit() closes it.
template <class Handle>
std::optional<Handle>& handle_of_process() {
  static std::optional<Handle> handle;
  return handle;
}

/// Starts the job in a thread and calls exit() when `started` returns.
template <class Handle, class Job, class Started>
[[noreturn]] int exit_beside(stops& all, const shm::key& key, const shm::options& how, Job job,
                             Started started) {
  const support::watchdog own_watchdog;
  now = &all;
  auto& handle = handle_of_process<Handle>();
  handle.emplace(key, how);
  crash_point_hook = hook;
  std::thread([&handle, job] {
    is_worker = true;
    job(*handle);
  }).detach();
  started();
  std::exit(0);
}

/// A thread that was stopped where the handle's memory is no longer writable dies with its process.
bool is_end_of_process(int status) {
  return status == 0 || status == -SIGSEGV || status == -SIGBUS;
}

shm::options living(shm::lifetime how_long) {
  shm::options how;
  how.lifetime = how_long;
  return how;
}

/// What happens after both threads have stopped.
enum class end_by { process_exits, worker_goes_on };
constexpr end_by endings[] = {end_by::process_exits, end_by::worker_goes_on};
constexpr shm::lifetime lifetimes[] = {shm::lifetime::persistent, shm::lifetime::until_last_detach};
constexpr const char* leaving[] = {"leave: read-only", "leave: detached"};

int end(stops& all, support::child& process, end_by how) {
  if (how == end_by::worker_goes_on) {
    all.worker_may_go_on.pass();
    // Its thread can be slower than exit().
    while (process.is_alive()) ::sched_yield();
  }
  all.main_may_go_on.pass();
  return process.wait();
}

}  // namespace

TEST_CASE("exit() beside a thread that stores an object leaves a whole value and one holder") {
  const support::watchdog watchdog(200);
  for (const char* worker_step : {"lock: taken", "cell: before copy", "cell: a third copied",
                                  "cell: copied", "cell: published", "unlock: before"}) {
    for (const char* main_step : leaving) {
      for (const end_by how : endings) {
        for (const shm::lifetime lifetime : lifetimes) {
          CAPTURE(worker_step, main_step, how, lifetime);
          const support::name name;
          shm::object<value> other(shm::create_only, name, value::of(1), living(lifetime));
          stops all{{}, {}, {}, {}, worker_step, main_step};
          support::child exiting([&]() -> int {
            exit_beside<shm::object<value>>(
                all, name, living(lifetime),
                [](shm::object<value>& mine) { mine.store(value::of(7)); },
                [&all] { all.worker_is_there.await(); });
          });
          all.main_is_there.await();
          CHECK(other.load().is_whole());
          CHECK_FALSE(other.try_lock().has_value());
          CHECK(is_end_of_process(end(all, exiting, how)));
          other.update([](value& v) { v = value::of(v.value() + 1); });
          CHECK(other.load().is_whole());
          CHECK((other.load().value() == 2 || other.load().value() == 8));
          CHECK(shm::object<const value>(name).load().is_whole());
        }
      }
    }
  }
}

namespace {

/// Arrays and maps, for one test of both: a store of 7 over 1.
struct array_of_three {
  using handle = shm::array<value, 3>;
  using viewer = shm::array<const value, 3>;
  static void create(const shm::key& key) { handle(shm::create_only, key, value::of(1)); }
  static void store(handle& into, unsigned n) { into.store(1, value::of(n)); }
  template <class Handle>
  static value stored(const Handle& in) {
    return in.load(1);
  }
  template <class Handle>
  static value beside_it(const Handle& in) {
    return in.load(0);
  }
};

struct map_of_two {
  using handle = shm::map<std::uint32_t, value, 2>;
  using viewer = shm::map<std::uint32_t, const value, 2>;
  static void create(const shm::key& key) {
    handle made(shm::create_only, key);
    for (std::uint32_t entry = 0; entry < 2; ++entry) made.insert(entry, value::of(1));
  }
  static void store(handle& into, unsigned n) { into.insert_or_assign(1, value::of(n)); }
  template <class Handle>
  static value stored(const Handle& in) {
    return in.find(1).value();
  }
  template <class Handle>
  static value beside_it(const Handle& in) {
    return in.find(0).value();
  }
};

template <class Kind>
void check_exit_beside_store(std::initializer_list<const char*> worker_steps) {
  for (const char* worker_step : worker_steps) {
    for (const char* main_step : leaving) {
      for (const end_by how : endings) {
        CAPTURE(worker_step, main_step, how);
        const support::name name;
        Kind::create(name);
        typename Kind::handle other(name);
        const typename Kind::viewer reader(name);
        stops all{{}, {}, {}, {}, worker_step, main_step};
        support::child exiting([&]() -> int {
          exit_beside<typename Kind::handle>(
              all, name, {}, [](typename Kind::handle& mine) { Kind::store(mine, 7); },
              [&all] { all.worker_is_there.await(); });
        });
        all.main_is_there.await();
        CHECK(Kind::beside_it(reader).value() == 1);
        CHECK(Kind::stored(reader).is_whole());
        CHECK(is_end_of_process(end(all, exiting, how)));
        const value left = Kind::stored(reader);
        CHECK(left.is_whole());
        CHECK((left.value() == 1 || left.value() == 7));
        Kind::store(other, 9);  // takes the lock, and repairs
        CHECK(Kind::beside_it(other).value() == 1);
        CHECK(Kind::stored(reader).is_whole());
        CHECK(Kind::stored(reader).value() == 9);
      }
    }
  }
}

}  // namespace

TEST_CASE("exit() beside a thread that stores into an array leaves whole elements and one holder") {
  const support::watchdog watchdog(200);
  check_exit_beside_store<array_of_three>({"array: before journal", "array: a third saved",
                                           "array: index stored", "array: sequence odd",
                                           "array: element written", "array: sequence even"});
}

TEST_CASE("exit() beside a thread that changes a map leaves whole entries and one holder") {
  const support::watchdog watchdog(200);
  check_exit_beside_store<map_of_two>({"lock: taken", "map: before change", "map: change begun",
                                       "array: sequence odd", "array: a third written",
                                       "array: sequence even", "map: size stored",
                                       "map: version stored", "map: change over"});
}

TEST_CASE(
    "exit() beside a thread that holds a mutex gives it to others only with the process' end") {
  const support::watchdog watchdog(200);
  for (const char* main_step : leaving) {
    for (const shm::lifetime lifetime : lifetimes) {
      CAPTURE(main_step, lifetime);
      const support::name name;
      shm::mutex other(name, living(lifetime));
      support::baton locked;
      stops all{{}, {}, {}, {}, nullptr, main_step};
      support::child exiting([&]() -> int {
        exit_beside<shm::mutex>(
            all, name, living(lifetime),
            [&locked](shm::mutex& mine) {
              mine.lock();
              locked.pass();
              ::pause();  // it touches no memory of the mutex
            },
            [&locked] { locked.await(); });
      });
      all.main_is_there.await();
      CHECK_FALSE(other.try_lock());
      CHECK_FALSE(shm::mutex(name).try_lock());
      all.main_may_go_on.pass();
      CHECK(exiting.wait() == 0);
      other.lock();
      CHECK(other.owner_died());
      other.unlock();
    }
  }
}

TEST_CASE(
    "a handle closed beside a thread that holds through it stays held as long as its process") {
  const support::watchdog watchdog;
  for (const shm::lifetime lifetime : lifetimes) {
    CAPTURE(lifetime);
    const support::name name;
    support::baton closed;
    support::child closing([&] {
      const support::watchdog own_watchdog;
      auto mine = std::make_unique<shm::mutex>(name, living(lifetime));
      std::thread([&mine] { mine->lock(); }).join();
      mine.reset();
      closed.pass();
      ::pause();
      return 0;
    });
    closed.await();
    { const shm::mutex passing(name, living(lifetime)); }  // closes while nobody else is attached
    shm::mutex other(name, living(lifetime));
    CHECK_FALSE(other.try_lock());
    closing.kill();
    CHECK(other.try_lock());
    CHECK(other.owner_died());
    other.unlock();
  }
}

TEST_CASE("exit() beside a thread that sleeps for the lock passes its wake-up on") {
  const support::watchdog watchdog(200);
  const auto sleepers = [](const shm::key& key) {
    return ::semctl(set_of(key).id(), semaphore::wake, GETNCNT);
  };
  for (const char* main_step : leaving) {
    for (const shm::lifetime lifetime : lifetimes) {
      for (const bool unlocked_before_exit : {false, true}) {
        CAPTURE(main_step, lifetime, unlocked_before_exit);
        const support::name name;
        shm::mutex holder(name, living(lifetime));
        support::baton may_exit, has_seat, may_lock;
        holder.lock();
        support::child next([&] {
          const support::watchdog own_watchdog;
          shm::mutex mine(name, living(lifetime));
          has_seat.pass();
          may_lock.await();
          mine.lock();
          mine.unlock();
          return 0;
        });
        has_seat.await();
        // The worker stops with the token in its hand, if the unlock comes before the exit.
        const support::shared_page<std::atomic<bool>> may_stop;
        stops all{{},        {},        {}, {}, unlocked_before_exit ? "lock: woken" : nullptr,
                  main_step, &*may_stop};
        support::child exiting([&]() -> int {
          exit_beside<shm::mutex>(
              all, name, living(lifetime), [](shm::mutex& mine) { mine.lock(); },
              [&may_exit] { may_exit.await(); });
        });
        // From here on nobody sits down any more, which would wake the sleepers, too.
        while (sleepers(name) != 1) ::sched_yield();
        may_lock.pass();
        while (sleepers(name) != 2) ::sched_yield();
        *may_stop = true;
        if (unlocked_before_exit) {
          holder.unlock();
          all.worker_is_there.await();
          may_exit.pass();
          all.main_is_there.await();
        } else {
          may_exit.pass();
          all.main_is_there.await();
          holder.unlock();  // the worker slept first, and is woken first
        }
        all.main_may_go_on.pass();
        CHECK(is_end_of_process(exiting.wait()));
        CHECK(next.wait() == 0);
      }
    }
  }
}

TEST_CASE("exit() beside a thread that has just unlocked wakes those whom it would have woken") {
  const support::watchdog watchdog(200);
  for (const char* worker_step : {"unlock: released", "unlock: waiters cleared"}) {
    for (const shm::lifetime lifetime : lifetimes) {
      CAPTURE(worker_step, lifetime);
      const support::name name;
      const shm::mutex keeper(name, living(lifetime));
      support::baton locked, may_unlock;
      stops all{{}, {}, {}, {}, worker_step, nullptr};
      support::child exiting([&]() -> int {
        exit_beside<shm::mutex>(
            all, name, living(lifetime),
            [&](shm::mutex& mine) {
              mine.lock();
              locked.pass();
              may_unlock.await();
              mine.unlock();
            },
            [&all] { all.worker_is_there.await(); });
      });
      locked.await();
      support::child waiter([&] {
        const support::watchdog own_watchdog;
        shm::mutex mine(name, living(lifetime));
        mine.lock();
        mine.unlock();
        return 0;
      });
      while (::semctl(set_of(name).id(), semaphore::wake, GETNCNT) != 1) ::sched_yield();
      may_unlock.pass();
      CHECK(exiting.wait() == 0);
      CHECK(waiter.wait() == 0);
    }
  }
}

namespace {

struct semaphore_of_two : shm::semaphore {
  semaphore_of_two(const shm::key& key, const shm::options& how) : shm::semaphore(key, 2, how) {}
};

/// What becomes of a thread that sleeps for a permit when its process calls exit().
enum class sleeper_of_exit { sleeps_on, gets_a_permit, gives_it_back };

}  // namespace

TEST_CASE("exit() beside a thread that sleeps for a permit, or has one, is an orderly end") {
  const support::watchdog watchdog(200);
  for (const sleeper_of_exit fate : {sleeper_of_exit::sleeps_on, sleeper_of_exit::gets_a_permit,
                                     sleeper_of_exit::gives_it_back}) {
    for (const char* main_step : leaving) {
      for (const shm::lifetime lifetime : lifetimes) {
        CAPTURE(fate, main_step, lifetime);
        const support::name name;
        semaphore_of_two other(name, living(lifetime));
        std::optional<shm::permit> first(other.acquire()), second(other.acquire());
        support::baton may_exit, is_given_back;
        stops all{{}, {}, {}, {}, "permit: taken", main_step};
        support::child exiting([&]() -> int {
          exit_beside<semaphore_of_two>(
              all, name, living(lifetime),
              [&is_given_back](semaphore_of_two& mine) {
                static_cast<void>(mine.acquire());
                is_given_back.pass();
                ::pause();
              },
              [&may_exit] { may_exit.await(); });
        });
        while (::semctl(set_of(name).id(), semaphore::permits, GETNCNT) != 1) ::sched_yield();
        may_exit.pass();
        all.main_is_there.await();
        if (fate != sleeper_of_exit::sleeps_on) {
          first.reset();
          all.worker_is_there.await();
          CHECK(other.available() == 0);
        }
        if (fate == sleeper_of_exit::gives_it_back) {
          all.worker_may_go_on.pass();
          is_given_back.await();
          CHECK(other.available() == 1);
        }
        all.main_may_go_on.pass();
        CHECK(exiting.wait() == 0);
        CHECK(other.available() == (first ? 0 : 1));
        first.reset();
        second.reset();
        CHECK(other.available() == 2);
      }
    }
  }
}

TEST_CASE("a thread that gets a permit after exit() has destroyed the semaphore can give it back") {
  const support::watchdog watchdog;
  const shm::lifetime lifetime =
      GENERATE(shm::lifetime::persistent, shm::lifetime::until_last_detach);
  const support::name name;
  semaphore_of_two other(name, living(lifetime));
  std::optional<shm::permit> first(other.acquire());
  const shm::permit second = other.acquire();
  support::baton may_exit, is_given_back;
  stops all{{}, {}, {}, {}, "permit: taken", nullptr};
  support::child exiting([&]() -> int {
    // Registered before the handle, and so called after its destructor.
    std::atexit([] {
      now->main_is_there.pass();
      now->main_may_go_on.await();
    });
    exit_beside<semaphore_of_two>(
        all, name, living(lifetime),
        [&is_given_back](semaphore_of_two& mine) {
          static_cast<void>(mine.acquire());
          is_given_back.pass();
          ::pause();
        },
        [&may_exit] { may_exit.await(); });
  });
  while (::semctl(set_of(name).id(), semaphore::permits, GETNCNT) != 1) ::sched_yield();
  may_exit.pass();
  all.main_is_there.await();
  first.reset();
  all.worker_is_there.await();
  all.worker_may_go_on.pass();
  CHECK(is_given_back.arrives_within(10000));
  CHECK(other.available() == 1);
  all.main_may_go_on.pass();
  CHECK(exiting.wait() == 0);
}

TEST_CASE("the last handle's exit beside a holding thread leaves no old value to the next opener") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::options brief = living(shm::lifetime::until_last_detach);
  stops all{{}, {}, {}, {}, "cell: published", nullptr};
  support::child exiting([&]() -> int {
    exit_beside<shm::object<value>>(
        all, name, brief, [](shm::object<value>& mine) { mine.store(value::of(7)); },
        [&all] { all.worker_is_there.await(); });
  });
  CHECK(exiting.wait() == 0);
  shm::object<value> next(name, brief);
  CHECK(next.load().value() == 0);
}

TEST_CASE("a thread that is about to lock a handle that exit() closes dies, whatever is attached") {
  const support::watchdog watchdog;
  const shm::lifetime lifetime =
      GENERATE(shm::lifetime::persistent, shm::lifetime::until_last_detach);
  const char* const main_step =
      lifetime == shm::lifetime::persistent ? "leave: detached" : "retire: counted";
  const support::name name;
  support::baton is_warm, may_lock;
  stops all{{}, {}, {}, {}, nullptr, main_step};
  support::child exiting([&]() -> int {
    exit_beside<shm::mutex>(
        all, name, living(lifetime),
        [&](shm::mutex& mine) {
          mine.lock();  // so that the next time takes no system call
          mine.unlock();
          is_warm.pass();
          may_lock.await();
          mine.lock();
          ::_exit(7);
        },
        [&is_warm] { is_warm.await(); });
  });
  all.main_is_there.await();
  may_lock.pass();
  CHECK(exiting.wait() == -SIGSEGV);
}

namespace {

/// Closes the first handle beside a thread that has come to its step or to `ready`, opens many
/// others, and lets the thread go on. They may not get the addresses of the first.
template <class Closed, class Opened, class Job>
int close_and_open_beside(const char* worker_step, std::vector<Opened>& opened,
                          std::vector<support::name>& names, std::unique_ptr<Closed> closing,
                          Job job) {
  const support::watchdog own_watchdog;
  stops all{{}, {}, {}, {}, worker_step, nullptr};
  now = &all;
  support::baton ready, go;
  crash_point_hook = hook;
  std::thread([&, mine = closing.get()] {
    is_worker = true;
    job(*mine, ready, go);
    ::_exit(7);
  }).detach();
  (worker_step != nullptr ? all.worker_is_there : ready).await();
  closing.release()->~Closed();  // as exit() does: the storage of a static handle stays
  for (support::name& name : names) opened.emplace_back(name);
  (worker_step != nullptr ? all.worker_may_go_on : go).pass();
  ::pause();
  return 0;
}

}  // namespace

TEST_CASE("a thread that uses a closed handle does not reach the object that is opened next") {
  const support::watchdog watchdog;
  const support::name name;
  std::vector<support::name> names(8);
  for (support::name& one : names) shm::object<value>(shm::create_only, one, value::of(1));
  // A thread that finds the handle empty breaks a precondition, which ends the program, too.
  const auto dies = [](support::child process) {
    const int status = process.wait();
    return status == -SIGSEGV || status == -SIGABRT;
  };

  SECTION("storing") {
    CHECK(dies(support::child([&] {
      std::vector<shm::object<value>> opened;
      return close_and_open_beside("cell: a third copied", opened, names,
                                   std::make_unique<shm::object<value>>(name),
                                   [](shm::object<value>& mine, support::baton&, support::baton&) {
                                     mine.store(value::of(7));
                                   });
    })));
  }
  SECTION("about to store") {
    CHECK(dies(support::child([&] {
      std::vector<shm::object<value>> opened;
      return close_and_open_beside(
          nullptr, opened, names, std::make_unique<shm::object<value>>(name),
          [](shm::object<value>& mine, support::baton& ready, support::baton& go) {
            mine.store(value::of(7));
            ready.pass();
            go.await();
            mine.store(value::of(8));
          });
    })));
  }
  SECTION("holding a guard, with a draft that is too large for it") {
    const support::name large_name;
    std::vector<support::name> others(8);
    using large = support::uniform<100>;
    CHECK(dies(support::child([&] {
      std::vector<shm::object<large>> opened;
      return close_and_open_beside(
          nullptr, opened, others, std::make_unique<shm::object<large>>(large_name),
          [](shm::object<large>& mine, support::baton& ready, support::baton& go) {
            auto guard = mine.lock();
            ready.pass();
            go.await();
            *guard = large::of(8);
          });
    })));
    CHECK(shm::object<const large>(large_name).load().value() == 0);
  }
  SECTION("changing an entry of a map") {
    const support::name map_name;
    using map = shm::map<std::uint32_t, value, 1>;
    map kept(map_name);
    kept.insert(1, value::of(1));
    CHECK(dies(support::child([&] {
      std::vector<shm::object<value>> opened;
      return close_and_open_beside("array: a third written", opened, names,
                                   std::make_unique<map>(map_name),
                                   [](map& mine, support::baton&, support::baton&) {
                                     mine.insert_or_assign(1, value::of(7));
                                   });
    })));
    CHECK(kept.find(1)->is_whole());
    kept.insert_or_assign(1, value::of(2));
    CHECK(kept.find(1)->value() == 2);
  }
  SECTION("inside an update of a map, whose draft is too large for the stack") {
    const support::name map_name;
    std::vector<support::name> others(8);
    using large = support::uniform<100>;
    using map = shm::map<std::uint32_t, large, 1>;
    map kept(map_name);
    kept.insert(1, large::of(1));
    CHECK(dies(support::child([&] {
      std::vector<shm::object<large>> opened;
      return close_and_open_beside(nullptr, opened, others, std::make_unique<map>(map_name),
                                   [](map& mine, support::baton& ready, support::baton& go) {
                                     mine.update(1, [&](large& draft) {
                                       ready.pass();
                                       go.await();
                                       draft = large::of(8);
                                     });
                                   });
    })));
    CHECK(kept.find(1)->value() == 1);
    for (support::name& one : others) CHECK(shm::object<const large>(one).load().value() == 0);
  }
  SECTION("about to look up a key, through a read-only map") {
    const support::name map_name;
    using map = shm::map<std::uint32_t, const value, 1>;
    const shm::map<std::uint32_t, value, 1> made(map_name);
    CHECK(dies(support::child([&] {
      std::vector<shm::object<value>> opened;
      return close_and_open_beside(nullptr, opened, names, std::make_unique<map>(map_name),
                                   [](const map& mine, support::baton& ready, support::baton& go) {
                                     static_cast<void>(mine.find(1));
                                     ready.pass();
                                     go.await();
                                     static_cast<void>(mine.find(1));
                                   });
    })));
  }
  SECTION("waiting for the lock") {
    shm::object<value> holder(name);
    const auto held = holder.lock();
    support::child waiting([&] {
      std::vector<shm::object<value>> opened;
      return close_and_open_beside("lock: before sleep", opened, names,
                                   std::make_unique<shm::object<value>>(name),
                                   [](shm::object<value>& mine, support::baton&, support::baton&) {
                                     mine.store(value::of(7));
                                   });
    });
    while (waiting.is_alive()) {
      static_cast<void>(set_of(name).post_wake_token());
      ::sched_yield();
    }
    CHECK(dies(std::move(waiting)));
  }
  SECTION("about to load, through a read-only handle") {
    const shm::object<value> made(name);
    CHECK(dies(support::child([&] {
      std::vector<shm::object<value>> opened;
      return close_and_open_beside(
          nullptr, opened, names, std::make_unique<shm::object<const value>>(name),
          [](const shm::object<const value>& mine, support::baton& ready, support::baton& go) {
            static_cast<void>(mine.load());
            ready.pass();
            go.await();
            static_cast<void>(mine.load());
          });
    })));
  }
  for (support::name& one : names) {
    CHECK(shm::object<const value>(one).load().value() == 1);
    shm::object<value> writer(one);
    CHECK(writer.try_lock().has_value());
  }
}
