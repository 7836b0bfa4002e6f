// Removal: what happens between two steps of a remover, or after its death between them.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <shm.hpp>
#include <string_view>
#include <thread>
#include <utility>

#include "support/at_step.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/held_process.hpp"
#include "support/refusal.hpp"
#include "support/steps.hpp"
#include "support/watchdog.hpp"
#include "world.hpp"

using namespace crash;
using namespace shm::detail;

TEST_CASE("a half-made object that a dead remover left is made anew, not taken for ready") {
  const support::watchdog watchdog;
  const support::name name;
  { shm::object<int> made(shm::create_only, name, 5); }
  support::set_state(name, life_state::under_construction);
  support::child removing([&name] {
    const support::at_step death("retire: removing", support::die);
    shm::remove(name);
    return 0;
  });
  static_cast<void>(removing.wait());
  CHECK(shm::object<int>(shm::open_or_create, name, 7).load() == 7);
}

TEST_CASE("a remover that comes too late, after its set was lost, changes nothing") {
  const support::watchdog watchdog;
  const support::name name;
  { shm::object<int> made(shm::create_only, name, 7); }
  const shm::object<const int> reader(name);
  const support::at_step losing("retire: counted", [&] {
    // As an opener does that adopts the object behind the door of a new set.
    const support::memory_of memory(name);
    const auto mark = shm::detail::life_of(memory.head()).mark();
    memory.head().life = shm::detail::life_word(shm::detail::life_state::ready, mark ^ 1).bits();
  });
  CHECK(support::code_of([&] { shm::remove(name); }) == shm::errc::in_use);
  CHECK(reader.load() == 7);
}

TEST_CASE("a reader that attaches after a remover has counted does not get the object") {
  const support::watchdog watchdog;
  const support::name name;
  { shm::object<int> made(name); }
  support::held_process removing("retire: counted", [&name] {
    shm::remove(name);
    return 0;
  });
  REQUIRE(removing.comes_there());
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(20);
  CHECK(support::code_of([&] { const shm::object<const int> late(name, how); }) ==
        shm::errc::timed_out);
  removing.go_on();
  CHECK(removing.wait() == 0);
  CHECK_FALSE(support::exists(name));
}

TEST_CASE("a remover that found nothing leaves alone what is opened meanwhile") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton found_nothing, is_open;
  support::child removing([&] {
    const support::watchdog own_watchdog;
    const support::at_step pause("find: no set", [&] {
      found_nothing.pass();
      is_open.await();
    });
    try {
      shm::remove(name);
    } catch (const shm::error& refusal) {
      return refusal.code() == shm::errc::in_use ? 0 : 1;
    }
    return 2;
  });
  found_nothing.await();
  shm::object<int> object(name);
  is_open.pass();
  CHECK(removing.wait() == 0);
  object.store(3);
  CHECK(shm::object<int>(shm::open_only, name).load() == 3);
}

TEST_CASE("a process that only looks for a moment does not count as attached") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  const auto attached = [&name] {
    return std::move(attachment::of(support::segment_of(name), attach_mode::read_only).value);
  };
  attachment look;
  const support::at_step end_of_look("retire: others attached", [&look] { look.detach(); });
  SECTION("the last to leave takes the object along") {
    shm::object<int> last(name, how);
    look = attached();
  }
  SECTION("a removal succeeds") {
    { shm::object<int> one(name); }
    look = attached();
    shm::remove(name);
  }
  SECTION("a value whose semaphores are gone is kept") {
    { shm::object<int> one(shm::create_only, name, 7); }
    look = attached();
    REQUIRE(semaphore_set::find(name.key().set_key()).value.remove().ok());
    CHECK(shm::object<int>(name).load() == 7);
    shm::remove(name);
  }
  CHECK_FALSE(look);
  CHECK_FALSE(support::exists(name));
}

TEST_CASE("an opener beside a reader does not wait for the reader to go") {
  const support::watchdog watchdog;
  const support::name name;
  std::optional<shm::object<int>> creator(std::in_place, shm::create_only, name, 7,
                                          until_last_detach());
  const shm::object<const int> reader(name);
  creator.reset();
  const auto steps = support::steps_of([&] {
    auto* const kept = new shm::object<int>(name, until_last_detach());
    if (kept->load() != 7) throw std::logic_error("another object");
    shm::detail::crash_point_hook("opened");
    support::die();
  });
  const auto passes = [&steps](const char* wanted) {
    return std::any_of(steps.begin(), steps.end(),
                       [wanted](const support::step& now) { return now.name == wanted; });
  };
  CHECK(passes("opened"));
  CHECK_FALSE(passes("retire: others attached"));
}

TEST_CASE("two handles that close at once, the last of their object, leave nothing behind") {
  const support::watchdog watchdog(120);
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  const auto is_closing_inside = [](const char* step) {
    return std::string_view(step) == "leave: inside" || std::string_view(step) == "seat: left";
  };
  for (const char* step :
       {"leave: read-only", "leave: detached", "leave: inside", "seat: left", "door: left"}) {
    CAPTURE(step);
    const support::name name;
    support::baton is_open, may_close;
    support::held_process closing(step, [&] {
      // The steps of opening are not meant.
      auto* const hook = std::exchange(crash_point_hook, nullptr);
      {
        const shm::object<int> mine(name, how);
        is_open.pass();
        may_close.await();
        crash_point_hook = hook;
      }
      return 0;
    });
    is_open.await();
    std::optional<shm::object<int>> other(std::in_place, name, how);  // not before the fork
    may_close.pass();
    REQUIRE(closing.comes_there());
    support::baton is_closed;
    std::thread closes([&] {
      other.reset();
      is_closed.pass();
    });
    if (is_closing_inside(step)) {
      // Until it waits at the door, which the held process is in.
      while (::semctl(support::set_of(name).id(), semaphore::door, GETZCNT) != 1) ::sched_yield();
    } else {
      is_closed.await();
    }
    CHECK(closing.finish() == 0);
    closes.join();
    CHECK_FALSE(segment::find(name.key().segment_key()).ok());
    CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
  }
}

TEST_CASE("an object is removed as dead although a program after an exec keeps a seat") {
  const support::watchdog watchdog;
  const support::name name;
  const support::child process([&] {
    shm::object<int>* const kept = new shm::object<int>(name, until_last_detach());
    kept->store(1);
    return ::execl("/bin/sleep", "sleep", "60", nullptr);
  });
  const auto is_past_exec = [&name] {
    const auto there = segment::find(name.key().segment_key());
    return there.ok() && there.value.stat().value.attached == 0 &&
           support::set_of(name).value(semaphore::first_seat).value == 1;
  };
  while (!is_past_exec()) ::sched_yield();
  shm::remove_if_dead(name);
  CHECK_FALSE(segment::find(name.key().segment_key()).ok());
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
}

TEST_CASE("the last handle takes its object along although a program after an exec keeps a seat") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton is_open, may_exec;
  support::child process([&] {
    shm::object<int>* const kept = new shm::object<int>(name, until_last_detach());
    kept->store(1);
    is_open.pass();
    may_exec.await();
    return ::execl("/bin/sleep", "sleep", "60", nullptr);
  });
  is_open.await();
  {
    const shm::object<int> last(name, until_last_detach());
    may_exec.pass();
    while (support::segment_of(name).stat().value.attached != 1) ::sched_yield();
  }
  CHECK_FALSE(segment::find(name.key().segment_key()).ok());
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
}
