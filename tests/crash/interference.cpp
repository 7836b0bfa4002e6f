// Interference: somebody is faster at every try; readers take the lock, openers give up in time.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <shm.hpp>

#include "support/at_step.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"
#include "world.hpp"

using namespace shm::detail;
using namespace std::chrono_literals;
using support::at_step;
using support::refusal_of;
using support::set_of;
using support::set_state;

namespace {

shm::options with_timeout(std::chrono::milliseconds span) {
  shm::options how;
  how.open_timeout = span;
  return how;
}

/// So often that a reader of the value before finds its copy used again.
void overtake(shm::object<int>& writer, int value) {
  for (std::size_t n = 0; n < cell_of<int>::copies; ++n) writer.store(value);
}

}  // namespace

TEST_CASE("a reader of an object that is always lapped takes the lock for one copy") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> reader(name), writer(name);
  int tries = 0;
  const at_step lapping("read: copied", [&] { overtake(writer, ++tries); });
  const int seen = reader.load();
  CHECK(tries == 1 + tries_before_locking);
  CHECK(seen == tries);
}

TEST_CASE("a lapped reader of an object goes on trying while somebody holds the lock") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> reader(name), writer(name);
  std::optional<shm::locked<int>> held;
  int tries = 0;
  const at_step lapping("read: copied", [&] {
    ++tries;
    if (tries <= tries_before_locking) overtake(writer, tries);
    if (tries == 1 + tries_before_locking) {
      overtake(writer, tries);
      held.emplace(writer.lock());
    }
  });
  CHECK(reader.load() == 1 + tries_before_locking);
  CHECK(tries == 2 + tries_before_locking);
}

TEST_CASE("a lapped reader without a seat goes on trying", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  constexpr int laps = 3 * tries_before_locking;
  const shm::object<int> inherited(name);
  const shm::array<int, 2> inherited_array(shm::key(name.text() + ".array"),
                                           crash::until_last_detach());
  support::child forked([&] {
    const support::watchdog own_watchdog;
    shm::object<int> writer(name);
    shm::array<int, 2> array_writer(shm::open_only, shm::key(name.text() + ".array"));
    int tries = 0;
    {
      const at_step lapping("read: copied", [&] {
        if (++tries <= laps) overtake(writer, tries);
      });
      if (inherited.load() != laps || tries != laps + 1) return 1;
    }
    tries = 0;
    const at_step lapping("read: copied", [&] {
      if (++tries <= laps) array_writer.store(1, tries);
    });
    return inherited_array.load(1) == laps && tries == laps + 1 ? 0 : 2;
  });
  CHECK(forked.wait() == 0);
}

TEST_CASE("a read-only reader is lapped as often as it pleases the writer") {
  const support::watchdog watchdog;
  const support::name name, array_name;
  shm::object<int> writer(name);
  shm::array<int, 2> array_writer(array_name);
  const shm::object<const int> reader(name);
  const shm::array<const int, 2> array_reader(array_name);
  constexpr int laps = 3 * tries_before_locking;
  int tries = 0;
  {
    const at_step lapping("read: copied", [&] {
      if (++tries <= laps) overtake(writer, tries);
    });
    CHECK(reader.load() == laps);
  }
  tries = 0;
  const at_step lapping("read: copied", [&] {
    if (++tries <= laps) array_writer.store(1, tries);
  });
  CHECK(array_reader.load(1) == laps);
}

TEST_CASE("a reader of an element that is always lapped takes the lock for one copy") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 2> reader(name), writer(name);
  int tries = 0;
  const at_step lapping("read: copied", [&] { writer.store(1, ++tries); });
  const int seen = reader.load(1);
  CHECK(tries == 1 + tries_before_locking);
  CHECK(seen == tries);
}

TEST_CASE("a lapped reader that takes the lock of a dead editor says that the array is damaged") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 2> reader(name), writer(name);
  int tries = 0;
  const at_step lapping("read: copied", [&] {
    writer.store(1, ++tries);
    if (tries < tries_before_locking) return;
    support::dies([&name] {
      shm::array<int, 2> editor(name);
      auto guard = editor.lock();
      guard.raw()[0] = 1;
      support::die();
    });
  });
  CHECK(refusal_of([&] { static_cast<void>(reader.load(1)); }).code() == shm::errc::damaged);
  CHECK(tries == tries_before_locking);
}

TEST_CASE("a read-only snapshot of an array that never stands still is given up in time") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 2> writer(name);
  const shm::array<const int, 2> typed(name, with_timeout(20ms));
  const shm::const_any_object untyped(name, with_timeout(20ms));
  const bool is_typed = GENERATE(true, false);
  const int element = GENERATE(0, 1);  // the one that is being read, or the other
  int stores = 0;
  const at_step lapping("read: copied", [&] {
    writer.store(static_cast<std::size_t>((stores + element) % 2), stores);
    ++stores;
  });
  const auto refusal = refusal_of([&] {
    is_typed ? static_cast<void>(typed.snapshot()) : static_cast<void>(untyped.snapshot());
  });
  CHECK(refusal.code() == shm::errc::timed_out);
  CHECK_THAT(refusal.what(), ContainsSubstring("never stood still"));
  CHECK(stores > 1);
}

TEST_CASE("an opener whose semaphores are removed at every try gives up in time") {
  const support::watchdog watchdog;
  const support::name name;
  int tries = 0;
  const at_step removing("door: mark drawn", [&] {
    ++tries;
    static_cast<void>(set_of(name).remove());
  });
  const auto refusal = refusal_of([&] { const shm::object<int> one(name, with_timeout(20ms)); });
  CHECK(refusal.code() == shm::errc::timed_out);
  CHECK_THAT(refusal.what(), ContainsSubstring("other processes keep creating or removing it"));
  CHECK(tries > 1);
}

TEST_CASE("a reader whose object is being made at every try gives up in time") {
  const support::watchdog watchdog;
  const support::name name;
  { const shm::object<int> made(name); }
  set_state(name, life_state::under_construction);
  int tries = 0;
  // A creator comes in just after the reader saw that the door was free, and is done for now when
  // the reader looks again.
  const at_step making("observe: attached", [&] {
    if (tries++ == 0) REQUIRE(set_of(name).enter_door(1, deadline::never()).ok());
  });
  const auto refusal =
      refusal_of([&] { const shm::object<const int> viewer(name, with_timeout(0ms)); });
  CHECK(refusal.code() == shm::errc::timed_out);
  CHECK_THAT(refusal.what(), ContainsSubstring("pid " + std::to_string(::getpid())));
  CHECK(tries == 1);
  CHECK(set_of(name).leave_door(1).ok());
}

TEST_CASE("a child is told that a remover, which died, took the object away before it sat down",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex inherited(name);
  support::dies([&name] {
    const at_step dying("force: segment gone", [] { support::die(); });
    shm::remove(name, shm::force);
  });
  support::child forked(
      [&] { return refusal_of([&] { inherited.lock(); }).code() == shm::errc::removed ? 0 : 1; });
  CHECK(forked.wait() == 0);
}

TEST_CASE("a child that unlocks what its parent held keeps its hands off when it is free by then",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  support::baton released;
  mutex.lock();
  support::child child([&] {
    released.await();
    bool touched = false;
    const at_step unlocking("unlock: before", [&] { touched = true; });
    mutex.unlock();
    return touched ? 1 : 0;
  });
  mutex.unlock();
  released.pass();
  CHECK(child.wait() == 0);
}
