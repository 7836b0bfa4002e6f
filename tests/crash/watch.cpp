// Watch: whatever step a publisher, a remover or a thread that waits is killed at, others wake.
// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <shm.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/asleep.hpp"
#include "support/at_step.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/held_process.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/steps.hpp"
#include "support/watchdog.hpp"

using support::child;

namespace {

using array_type = shm::array<std::uint64_t, 300>;
using map_type = shm::map<std::uint64_t, std::uint64_t, 10>;

/// A process that waits until the version is another than `seen`.
template <class Handle>
child waiting_process(const shm::key& key, std::uint64_t seen) {
  return child([key, seen] {
    const support::watchdog own_watchdog;
    const Handle handle(key);
    handle.wait(seen);
    return 0;
  });
}

/// Dies at the given one of the steps.
void die_at(const std::string& step, int occurrence) {
  static std::string where;
  static int left;
  where = step;
  left = occurrence;
  shm::detail::crash_point_hook = [](const char* now) {
    if (where == now && --left == 0) support::die();
  };
}

/// So that the steps of a change include those of ringing, though nobody waits.
shm::options each_change_rings() {
  shm::options how;
  how.wake_readers = true;
  return how;
}

/// A way to change what the name leads to.
template <class Handle>
using change = void (*)(Handle&);

/// Kills a publisher at each of its steps while two processes wait, one of them read-only. If its
/// change was made, both must wake.
template <class Handle, class Reader>
int check_each_death_of_publisher(change<Handle> publish) {
  int deaths = 0;
  const auto steps = [&] {
    const support::name name;
    Handle handle(name, each_change_rings());
    return support::steps_of([&] { publish(handle); });
  }();
  for (const support::step& step : steps) {
    CAPTURE(step.name, step.occurrence);
    const support::watchdog watchdog;
    const support::name name;
    const Handle handle(name);
    const std::uint64_t seen = handle.version();
    child first = waiting_process<Reader>(name, seen);
    child second = waiting_process<Handle>(name, seen);
    support::await_waiting(first);
    support::await_waiting(second);
    support::dies([&] {
      Handle theirs(name);
      die_at(step.name, step.occurrence);
      publish(theirs);
    });
    if (handle.version() == seen) continue;
    CHECK(first.wait() == 0);
    CHECK(second.wait() == 0);
    ++deaths;
  }
  return deaths;
}

constexpr std::array<const char*, 3> moments{"wait: nothing seen", "wait: watched raised",
                                             "wait: before sleep"};

/// Stops a waiting process at each of its steps; meanwhile a publisher makes its change, and lives
/// on or is killed at each of its own steps. The waiting process must not sleep beside the change.
template <class Handle, class Reader>
int check_each_moment_of_waiting(change<Handle> publish) {
  int changes = 0;
  auto steps = [&] {
    const support::name name;
    Handle handle(name, each_change_rings());
    return support::steps_of([&] { publish(handle); });
  }();
  steps.push_back({"it lives on", 1});
  for (const char* const moment : moments) {
    for (const support::step& step : steps) {
      CAPTURE(moment, step.name, step.occurrence);
      const support::watchdog watchdog;
      const support::name name;
      const Handle handle(name);
      const std::uint64_t seen = handle.version();
      support::held_process waiting(moment, [&name, seen] {
        const Reader theirs(name);
        theirs.wait(seen);
        return 0;
      });
      REQUIRE(waiting.comes_there());
      child publisher([&]() -> int {
        Handle theirs(name);
        die_at(step.name, step.occurrence);
        publish(theirs);
        return 0;
      });
      static_cast<void>(publisher.wait());
      if (handle.version() == seen) continue;
      CHECK(waiting.finish() == 0);
      ++changes;
    }
  }
  return changes;
}

void store(shm::object<int>& object) {
  object.store(1);
}
void store(array_type& array) {
  array.store(7, 1);
}
void edit(array_type& array) {
  array.lock().raw()[1] = 1;
}
void insert(map_type& map) {
  map.insert(1, 1);
}

/// Blocks until the thread of the one watcher of this process waits for changes.
void await_watcher() {
  for (;;) {
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
      const pid_t id = std::stoi(thread.path().filename().string());
      if (id != ::getpid() &&
          support::call_of_sleeping(::getpid(), id) == support::call_of_waiting()) {
        return;
      }
    }
    ::sched_yield();
  }
}

using viewed_object = shm::object<const int>;
using viewed_array = shm::array<const std::uint64_t, 300>;
using viewed_map = shm::map<std::uint64_t, const std::uint64_t, 10>;

}  // namespace

TEST_CASE("a change wakes all that wait, at whatever step its publisher is killed") {
  CHECK(check_each_death_of_publisher<shm::object<int>, viewed_object>(&store) >= 4);
  CHECK(check_each_death_of_publisher<array_type, viewed_array>(&store) >= 5);
  CHECK(check_each_death_of_publisher<array_type, viewed_array>(&edit) >= 5);
  CHECK(check_each_death_of_publisher<map_type, viewed_map>(&insert) >= 6);
}

TEST_CASE(
    "a change is not missed, whatever step its publisher dies at, and a thread begins to wait") {
  CHECK(check_each_moment_of_waiting<shm::object<int>, viewed_object>(&store) >= 12);
  CHECK(check_each_moment_of_waiting<shm::object<int>, shm::object<int>>(&store) >= 12);
  CHECK(check_each_moment_of_waiting<array_type, viewed_array>(&store) >= 15);
  CHECK(check_each_moment_of_waiting<array_type, array_type>(&edit) >= 15);
  CHECK(check_each_moment_of_waiting<map_type, viewed_map>(&insert) >= 18);
}

TEST_CASE("the repair of an element wakes, whatever step of it the next holder is killed at") {
  const auto die_in_store = [](const shm::key& key) {
    support::dies([&] {
      array_type theirs(key);
      die_at("array: element written", 1);
      theirs.store(7, 1);
    });
  };
  const auto take = [](array_type& array) { static_cast<void>(array.lock()); };
  auto steps = [&] {
    const support::name name;
    array_type array(name, each_change_rings());
    die_in_store(name);
    return support::steps_of([&] { take(array); });
  }();
  steps.push_back({"it lives on", 1});
  int repairs = 0;
  for (const support::step& step : steps) {
    CAPTURE(step.name, step.occurrence);
    const support::watchdog watchdog;
    const support::name name;
    const array_type array(name);
    die_in_store(name);
    const std::uint64_t seen = array.version();
    child waiting = waiting_process<viewed_array>(name, seen);
    support::await_waiting(waiting);
    child next([&]() -> int {
      array_type theirs(name);
      die_at(step.name, step.occurrence);
      take(theirs);
      return 0;
    });
    static_cast<void>(next.wait());
    if (array.version() == seen) continue;
    CHECK(waiting.wait() == 0);
    ++repairs;
  }
  CHECK(repairs >= 4);
}

TEST_CASE(
    "a removal is not missed, whatever step the remover dies at, and a thread begins to wait") {
  auto steps = [] {
    const support::name name;
    const shm::object<int> object(name);
    return support::steps_of([&] { shm::remove(name, shm::force); });
  }();
  steps.push_back({"it lives on", 1});
  int told = 0;
  for (const char* const moment : moments) {
    for (const support::step& step : steps) {
      CAPTURE(moment, step.name, step.occurrence);
      const support::watchdog watchdog;
      const support::name name;
      const shm::object<int> object(name);
      support::held_process waiting(moment, [&name] {
        const shm::object<const int> theirs(name);
        return support::code_of([&] { theirs.wait(0); }) == shm::errc::removed ? 0 : 1;
      });
      REQUIRE(waiting.comes_there());
      child remover([&]() -> int {
        die_at(step.name, step.occurrence);
        shm::remove(name, shm::force);
        return 0;
      });
      static_cast<void>(remover.wait());
      if (support::code_of([&] { object.load(); }) != shm::errc::removed) continue;
      CHECK(waiting.finish() == 0);
      ++told;
    }
  }
  CHECK(told >= 9);
}

TEST_CASE(
    "a thread that a death has woken hands it on, though exit() closes its handle just then") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> made(name);
  const auto exits_when_woken = [](auto open) {
    return child([open]() -> int {
      const support::watchdog own_watchdog;
      static std::optional<std::decay_t<decltype(open())>> closed_by_exit;
      closed_by_exit.emplace(open());
      shm::detail::crash_point_hook = [](const char* step) {
        if (std::string_view(step) != "wait: woken") return;
        std::thread([] { std::exit(5); }).detach();
        for (;;) ::pause();
      };
      closed_by_exit->wait(0);
      return 1;
    });
  };
  child first = exits_when_woken([&] { return shm::object<int>(name); });
  support::await_waiting(first);
  child second = exits_when_woken([&] { return shm::object<const int>(name); });
  support::await_waiting(second);
  child third = waiting_process<viewed_object>(name, 0);
  support::await_waiting(third);
  support::dies([&] {
    shm::object<int> theirs(name);
    die_at("announce: version stored", 1);
    theirs.store(1);
  });
  CHECK(first.wait() == 5);
  CHECK(second.wait() == 5);
  CHECK(third.wait() == 0);
}

TEST_CASE("a watcher that a death has woken rings for all that wait for that object") {
  const support::watchdog watchdog;
  const support::name names[3];
  const shm::object<int> objects[3]{shm::object<int>(names[0]), shm::object<int>(names[1]),
                                    shm::object<int>(names[2])};
  for (const support::name& name : names) {
    CAPTURE(name.text());
    shm::watcher watcher;
    for (const shm::object<int>& object : objects) watcher.add(object);
    await_watcher();
    child waiting = waiting_process<viewed_object>(name, 0);
    support::await_waiting(waiting);
    support::dies([&] {
      shm::object<int> theirs(name);
      die_at("announce: version stored", 1);
      theirs.store(1);
    });
    CHECK(waiting.wait() == 0);
  }
}

TEST_CASE(
    "all that wait on a mutex are notified, or none, at whatever step the notifier is killed") {
  const auto steps = [] {
    const support::name name;
    shm::mutex mutex(name, each_change_rings());
    return support::steps_of([&] { mutex.notify_all(); });
  }();
  int notified = 0;
  for (const support::step& step : steps) {
    CAPTURE(step.name, step.occurrence);
    const support::watchdog watchdog;
    const support::name name;
    const shm::mutex mutex(name);
    const shm::const_any_object notifications(name);
    child waiting([&] {
      const support::watchdog own_watchdog;
      shm::mutex theirs(name);
      shm::unique_lock lock(theirs);
      theirs.wait(lock, [&] { return notifications.version() != 0; });
      return 0;
    });
    support::await_waiting(waiting);
    support::dies([&] {
      shm::mutex theirs(name);
      die_at(step.name, step.occurrence);
      theirs.notify_all();
    });
    if (notifications.version() == 0) continue;
    CHECK(waiting.wait() == 0);
    ++notified;
  }
  CHECK(notified >= 3);
}

TEST_CASE("the process that is woken by a death, and is killed before it has told, hands it on") {
  for (const char* const step : {"wait: woken", "wait: rung for the dead"}) {
    CAPTURE(step);
    const support::watchdog watchdog;
    const support::name name;
    shm::object<int> object(name);
    constexpr int others = 4;
    const support::shared_page<std::atomic<int>> came;
    std::vector<child> waiting;
    for (int i = 0; i < others; ++i) {
      waiting.emplace_back([&] {
        const support::watchdog own_watchdog;
        const shm::object<const int> theirs(name);
        // All but the last that come there die.
        const support::at_step stop(step, [&] {
          if (++*came < others) support::die();
        });
        theirs.wait(0);
        return 0;
      });
      support::await_waiting(waiting.back());
    }
    support::dies([&] {
      shm::object<int> theirs(name);
      die_at("announce: version stored", 1);
      theirs.store(1);
    });
    int killed = 0, woken = 0;
    for (child& one : waiting) {
      const int status = one.wait();
      CHECK((status == 0 || status == -SIGKILL));
      ++(status == 0 ? woken : killed);
    }
    CHECK(woken >= 1);
    CHECK(killed >= 1);
    CHECK(killed + woken == others);
  }
}

TEST_CASE("all that wait are told of a forced removal, at whatever step the remover is killed") {
  int told = 0;
  const auto steps = [] {
    const support::name name;
    const shm::object<int> object(name);
    return support::steps_of([&] { shm::remove(name, shm::force); });
  }();
  for (const support::step& step : steps) {
    CAPTURE(step.name, step.occurrence);
    const support::watchdog watchdog;
    const support::name name;
    const shm::object<int> object(name);
    child waiting([&] {
      const support::watchdog own_watchdog;
      const shm::object<const int> theirs(name);
      return support::code_of([&] { theirs.wait(0); }) == shm::errc::removed ? 0 : 1;
    });
    support::await_waiting(waiting);
    support::dies([&] {
      die_at(step.name, step.occurrence);
      shm::remove(name, shm::force);
    });
    const bool is_removed = support::code_of([&] { object.load(); }) == shm::errc::removed;
    if (!is_removed) continue;
    CHECK(waiting.wait() == 0);
    ++told;
  }
  CHECK(told >= 3);
}

TEST_CASE("the death of a process that was never asked to ring leaves nothing behind") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  support::dies([&] {
    shm::object<int> theirs(name);
    die_at("announce: version stored", 1);
    theirs.store(1);
  });
  CHECK(object.load() == 1);
  child waiting = waiting_process<viewed_object>(name, 1);
  support::await_waiting(waiting);
  object.store(2);
  CHECK(waiting.wait() == 0);
}

TEST_CASE("a scribbled alarm costs no change, and no thread its sleep") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  support::memory_of(name).head().alarm = 7;
  child waiting = waiting_process<viewed_object>(name, 0);
  support::await_waiting(waiting);
  object.store(1);
  CHECK(waiting.wait() == 0);
  int looks = 0;
  const support::at_step count("wait: before sleep", [&looks] { ++looks; });
  CHECK_FALSE(object.wait_for(std::chrono::milliseconds(20), 1));
  CHECK(looks < 10);
}
