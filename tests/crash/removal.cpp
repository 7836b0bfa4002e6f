// Removal: what happens between two steps of a remover, or after its death between them.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <shm.hpp>

#include "support/at_step.hpp"
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
