// Exec: a process replaces its program while it edits, holds, sits, or is inside the door.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <cstdlib>
#include <shm.hpp>
#include <thread>

#include "support/at_step.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using four = shm::array<long, 4>;
using reader_of_four = shm::array<const long, 4>;

namespace {

shm::options with_seats(unsigned seats) {
  shm::options how;
  how.seats = seats;
  return how;
}

/// What the program after the exec does; it is this one, told by its environment.
struct next_program {
  const char* test;
  const shm::key& key;
  const support::baton& is_there;
  const support::baton& may_go_on;

  [[noreturn]] void start() const {
    ::setenv("SHM_TEST_NAME", std::string(key.name()).c_str(), 1);
    ::setenv("SHM_TEST_IS_THERE", is_there.ends().c_str(), 1);
    ::setenv("SHM_TEST_MAY_GO_ON", may_go_on.ends().c_str(), 1);
    ::execl("/proc/self/exe", "crash_tests", test, static_cast<char*>(nullptr));
    std::abort();
  }
};

const char* in_environment(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) throw std::logic_error(std::string("no ") + variable);
  return text;
}

/// Whether this program was started by a test, and not by somebody who names a part of it.
bool is_next_program() {
  return std::getenv("SHM_TEST_NAME") != nullptr;
}

/// Whether the process that was killed had done what it was to do.
bool ends_well(support::child& process, support::baton& may_go_on) {
  may_go_on.pass();
  return process.wait() == 0;
}

}  // namespace

TEST_CASE("after an exec inside raw(): edits again (part of another test)", "[.]") {
  if (!is_next_program()) return;
  const support::watchdog watchdog;
  support::baton is_there(in_environment("SHM_TEST_IS_THERE"));
  support::baton may_go_on(in_environment("SHM_TEST_MAY_GO_ON"));
  four mine(in_environment("SHM_TEST_NAME"));
  {
    auto guard = mine.lock();
    CHECK(guard.owner_died());
    for (std::size_t i = 0; i < 4; ++i) guard.store(i, 2);
    guard.mark_repaired();
  }
  CHECK(mine.load(0) == 2);
  {
    auto guard = mine.lock();
    guard.raw()[0] = 3;
    is_there.pass();
    may_go_on.await();
  }
  is_there.pass();
  may_go_on.await();
}

TEST_CASE("after an exec inside raw(): lives on (part of another test)", "[.]") {
  if (!is_next_program()) return;
  const support::watchdog watchdog;
  support::baton is_there(in_environment("SHM_TEST_IS_THERE"));
  is_there.pass();
  support::baton(in_environment("SHM_TEST_MAY_GO_ON")).await();
}

TEST_CASE("an exec inside an edit in place holds readers up only as long as later edits last",
          "[exec]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  four keeper(shm::create_only, name, 1);
  support::baton is_there, may_go_on, meets_edit;
  support::child executing([&]() -> int {
    four mine(name);
    auto guard = mine.lock();
    guard.raw()[0] = 9;
    next_program{"after an exec inside raw(): edits again (part of another test)", key, is_there,
                 may_go_on}
        .start();
  });
  is_there.await();
  std::vector<support::child> readers;
  for (const bool only_reads : {false, true}) {
    readers.emplace_back([&, only_reads] {
      const support::watchdog own_watchdog;
      if (only_reads) {
        const reader_of_four mine(name);
        meets_edit.pass();
        return mine.load(0) == 3 ? 0 : 1;
      }
      const four mine(name);
      meets_edit.pass();
      return mine.load(0) == 3 ? 0 : 1;
    });
  }
  meets_edit.await();
  meets_edit.await();
  may_go_on.pass();
  is_there.await();
  // The edit is over, and the program that made it goes on.
  for (support::child& reader : readers) CHECK(reader.wait() == 0);
  CHECK(keeper.load(0) == 3);
  CHECK(ends_well(executing, may_go_on));
}

TEST_CASE("what an exec inside an edit in place left is repaired by another process", "[exec]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  four other(shm::create_only, name, 1);
  support::baton is_there, may_go_on;
  support::child executing([&]() -> int {
    four mine(name);
    auto guard = mine.lock();
    guard.raw()[0] = 9;
    next_program{"after an exec inside raw(): lives on (part of another test)", key, is_there,
                 may_go_on}
        .start();
  });
  is_there.await();
  SECTION("while the program lives on, its process still counts as the holder") {
    shm::any_object any(key);
    CHECK_FALSE(any.try_lock_for(std::chrono::milliseconds(1)).has_value());
    CHECK(support::code_of([&] {
            shm::options brief;
            brief.open_timeout = std::chrono::milliseconds(20);
            static_cast<void>(shm::const_any_object(key, brief).load(0));
          }) == shm::errc::timed_out);
  }
  SECTION("when it has ended, its death is told") {}
  CHECK(ends_well(executing, may_go_on));
  CHECK(support::code_of([&] { static_cast<void>(other.load(0)); }) == shm::errc::damaged);
  {
    auto guard = other.lock();
    CHECK(guard.owner_died());
    for (std::size_t i = 0; i < 4; ++i) guard.store(i, 5);
    guard.mark_repaired();
  }
  CHECK(reader_of_four(name).load(0) == 5);
}

TEST_CASE("after an exec inside the door: opens (part of another test)", "[.]") {
  if (!is_next_program()) return;
  const support::watchdog watchdog;
  support::baton is_there(in_environment("SHM_TEST_IS_THERE"));
  shm::mutex mine(in_environment("SHM_TEST_NAME"), with_seats(2));
  mine.lock();
  mine.unlock();
  is_there.pass();
  support::baton(in_environment("SHM_TEST_MAY_GO_ON")).await();
}

TEST_CASE("an exec while another thread is inside the door leaves the door to the next program",
          "[exec]") {
  const support::watchdog watchdog;
  for (const char* const step :
       {"door: entered", "create: segment made", "create: under construction", "create: described",
        "create: constructed", "seat: taken", "seat: process stored", "seat: generation stored",
        "create: ready"}) {
    CAPTURE(step);
    const support::name name;
    const shm::key key = name;
    support::baton is_inside, is_there, may_go_on;
    support::child executing([&]() -> int {
      const support::at_step inside(step, [&] {
        is_inside.pass();
        ::pause();
      });
      std::thread([&] { const shm::mutex never(name, with_seats(2)); }).detach();
      is_inside.await();
      next_program{"after an exec inside the door: opens (part of another test)", key, is_there,
                   may_go_on}
          .start();
    });
    is_there.await();
    // One of the two seats is the living program's, and no other one is taken.
    shm::mutex other(name, with_seats(2));
    CHECK(other.try_lock());
    other.unlock();
    CHECK(ends_well(executing, may_go_on));
    shm::mutex another(name);
  }
}

TEST_CASE("after an exec with seats: opens (part of another test)", "[.]") {
  if (!is_next_program()) return;
  const support::watchdog watchdog;
  support::baton is_there(in_environment("SHM_TEST_IS_THERE"));
  {
    shm::mutex first(in_environment("SHM_TEST_NAME")), second(in_environment("SHM_TEST_NAME"));
    shm::mutex third(in_environment("SHM_TEST_NAME"));
    first.lock();
    CHECK(first.owner_died());
    first.mark_repaired();
    first.unlock();
    CHECK(third.try_lock());
    third.unlock();
    is_there.pass();
    support::baton(in_environment("SHM_TEST_MAY_GO_ON")).await();
  }
}

TEST_CASE("an exec with all seats and the lock leaves both to the next program", "[exec]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  support::baton is_there, may_go_on;
  support::child executing([&]() -> int {
    shm::mutex first(name, with_seats(3)), second(name), third(name);
    second.lock();
    next_program{"after an exec with seats: opens (part of another test)", key, is_there, may_go_on}
        .start();
  });
  is_there.await();
  CHECK(support::code_of([&] { const shm::mutex other(name); }) == shm::errc::no_free_seat);
  CHECK(shm::list().size() == 1);
  CHECK(shm::list().front().lock == shm::lock_state::free);
  CHECK(ends_well(executing, may_go_on));
  shm::mutex first(name), second(name), third(name);
  CHECK(first.try_lock());
  CHECK_FALSE(first.owner_died());
  first.unlock();
}

TEST_CASE("an exec while holding keeps others out only until the process ends or opens again",
          "[exec]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  shm::object<long> other(shm::create_only, name, 4);
  support::baton is_there, may_go_on;
  support::child executing([&]() -> int {
    shm::object<long> mine(name);
    auto draft = mine.lock();
    *draft = 5;
    next_program{"after an exec inside raw(): lives on (part of another test)", key, is_there,
                 may_go_on}
        .start();
  });
  is_there.await();
  CHECK(shm::object<const long>(name).load() == 4);
  CHECK(shm::object<long>(name).load() == 4);
  CHECK_FALSE(other.try_lock_for(std::chrono::milliseconds(1)).has_value());
  CHECK(ends_well(executing, may_go_on));
  other.update([](long& value) { ++value; });
  CHECK(other.load() == 5);
}
