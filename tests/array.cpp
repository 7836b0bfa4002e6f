// Array: contiguous elements, each whole; sections and bulk edits that tell of a death inside.
// SPDX-License-Identifier: MIT
#include <shm.hpp>
#include <thread>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::code_of;
using support::telemetry;
using value = support::uniform<16>;

template class shm::array<telemetry, 7>;
template class shm::array<const telemetry, 7>;
template class shm::array<char, 1000>;
template class shm::array<value, 600>;
template class shm::locked_array<telemetry, 7>;

TEST_CASE("an array is created with a value in every element, stored, updated and loaded") {
  const support::name name;
  shm::array<telemetry, 7> cars(shm::create_only, name, {1.5, 2});
  STATIC_REQUIRE(cars.size() == 7);
  for (std::size_t i = 0; i < cars.size(); ++i) CHECK(cars.load(i).gear == 2);
  cars.store(3, {9, 9});
  CHECK(cars.update(4, [](telemetry& t) { return t.gear = 8; }) == 8);
  shm::array<const telemetry, 7> viewer(name);
  CHECK(viewer.load(3).gear == 9);
  CHECK(viewer.load(4).gear == 8);
  CHECK(viewer.snapshot()[5].gear == 2);
  CHECK(cars.snapshot()[4].gear == 8);
  CHECK(viewer.name() == name.text());
  CHECK(viewer.size() == cars.size());
}

TEST_CASE("an index beyond the end is out of range, and says of how many") {
  const support::name name;
  shm::array<int, 3> numbers(name);
  CHECK_THROWS_AS(numbers.load(3), std::out_of_range);
  CHECK_THROWS_WITH(numbers.store(7, 1), "shm::array: index 7 of 3 elements");
  CHECK_THROWS_AS(numbers.update(3, [](int&) {}), std::out_of_range);
  CHECK_THROWS_AS((shm::array<const int, 3>(name).load(3)), std::out_of_range);
  auto guard = numbers.lock();
  CHECK_THROWS_AS(guard[3], std::out_of_range);
  CHECK_THROWS_AS(guard.store(3, 1), std::out_of_range);
}

TEST_CASE("an update that throws stores nothing") {
  const support::name name;
  shm::array<int, 3> numbers(name);
  CHECK_THROWS_AS(numbers.update(1,
                                 [](int& n) {
                                   n = 5;
                                   throw std::runtime_error("no");
                                 }),
                  std::runtime_error);
  CHECK(numbers.load(1) == 0);
  numbers.store(1, 2);  // and the lock is free
}

TEST_CASE("a section reads and stores elements, and edits them in bulk") {
  const support::name name;
  shm::array<int, 5> numbers(name);
  {
    auto guard = numbers.lock();
    guard.store(0, 10);
    CHECK(guard[0] == 10);
    CHECK(numbers.load(0) == 10);  // each store is seen at once
    gsl::span<int, 5> raw = guard.raw();
    for (int& n : raw) n += 1;
    CHECK(*guard.begin() == 11);
    CHECK(std::distance(guard.begin(), guard.end()) == 5);
    CHECK(guard.size() == 5);
    CHECK_FALSE(guard.owner_died());
    CHECK(code_of([&] { static_cast<void>(numbers.load(0)); }) == shm::errc::would_deadlock);
  }
  CHECK(numbers.load(0) == 11);
  CHECK(numbers.snapshot() == std::array<int, 5>{11, 1, 1, 1, 1});
}

TEST_CASE("a reader waits for a bulk edit, and sees all of it") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton editing, done;
  shm::array<int, 100> numbers(name);
  support::child reader([&] {
    shm::array<const int, 100> viewer(name);
    editing.await();
    const int seen = viewer.load(99);
    done.pass();
    return seen == 7 ? 0 : 1;
  });
  {
    auto guard = numbers.lock();
    gsl::span<int, 100> raw = guard.raw();
    editing.pass();
    CHECK_FALSE(done.arrives_within(50));
    for (int& n : raw) n = 7;
  }
  CHECK(reader.wait() == 0);
}

TEST_CASE(
    "a death inside a section leaves whole elements, and tells every next holder until repaired") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<telemetry, 7> cars(name);
  support::child victim([&]() -> int {
    shm::array<telemetry, 7> mine(name);
    auto guard = mine.lock();
    guard.store(0, {1, 1});
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  CHECK(cars.load(0).gear == 1);
  CHECK(cars.lock().owner_died());
  {
    auto guard = cars.lock();
    CHECK(guard.owner_died());
    guard.store(1, {1, 1});
    guard.mark_repaired();
    CHECK_FALSE(guard.owner_died());
  }
  CHECK_FALSE(cars.lock().owner_died());
}

TEST_CASE("a death inside raw() damages the array until somebody repairs it and says so") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 10> numbers(shm::create_only, name, 1);
  shm::array<const int, 10> viewer(name);
  support::child victim([&]() -> int {
    shm::array<int, 10> mine(name);
    auto guard = mine.lock();
    guard.raw()[0] = 2;
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  // Else a reader that met the edit would wait for an editor that is gone.
  CHECK(support::set_of(name).value(shm::detail::semaphore::raw).value == 0);
  CHECK(code_of([&] { static_cast<void>(numbers.load(5)); }) == shm::errc::damaged);
  CHECK(code_of([&] { static_cast<void>(viewer.load(5)); }) == shm::errc::damaged);
  CHECK_THROWS_WITH(viewer.load(5), ContainsSubstring("calls mark_repaired()"));
  CHECK(code_of([&] { static_cast<void>(viewer.snapshot()); }) == shm::errc::damaged);
  CHECK(code_of([&] { static_cast<void>(numbers.snapshot()); }) == shm::errc::damaged);
  SECTION("by storing elements") {
    auto guard = numbers.lock();
    CHECK(guard.owner_died());
    guard.store(0, 3);
    CHECK(code_of([&] { static_cast<void>(viewer.load(0)); }) == shm::errc::damaged);
    CHECK(code_of([&] { static_cast<void>(numbers.load(0)); }) == shm::errc::damaged);
    guard.mark_repaired();
    CHECK(viewer.load(0) == 3);
  }
  SECTION("by a bulk edit of its own") {
    {
      auto guard = numbers.lock();
      for (int& n : guard.raw()) n = 4;
      guard.mark_repaired();
    }
    CHECK(viewer.load(9) == 4);
  }
  SECTION("a bulk edit that is not said to repair does not") {
    {
      auto guard = numbers.lock();
      guard.raw()[0] = 5;
    }
    CHECK(code_of([&] { static_cast<void>(viewer.load(0)); }) == shm::errc::damaged);
    numbers.lock().mark_repaired();
    CHECK(viewer.load(0) == 5);
  }
  CHECK_FALSE(numbers.lock().owner_died());
}

TEST_CASE("stores of several processes are not lost, and every element read is whole", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  shm::array<value, 600> values(shm::create_only, name, value::of(0));
  std::vector<support::child> writers;
  for (int p = 0; p < 4; ++p) {
    writers.emplace_back([&, p] {
      shm::array<value, 600> mine(name);
      for (std::size_t n = 0; n < 4000; ++n) {
        const std::size_t i = (n * 7 + static_cast<std::size_t>(p)) % 600;
        mine.update(i, [](value& v) { v = value::of(v.value() + 1); });
        if (!mine.load((i + 256) % 600).is_whole()) return 1;
      }
      return 0;
    });
  }
  shm::array<const value, 600> viewer(name);
  for (std::size_t n = 0; n < 20000; ++n) REQUIRE(viewer.load(n % 600).is_whole());
  for (auto& writer : writers) CHECK(writer.wait() == 0);
  std::uint64_t sum = 0;
  for (const value& v : values.snapshot()) sum += v.value();
  CHECK(sum == 4 * 4000);
}

TEST_CASE("a snapshot shows one moment, from either kind of handle") {
  const support::watchdog watchdog(120);
  const support::name name;
  // A writer keeps the sum at 1000 but for one moment between two stores of a section.
  shm::array<int, 2> accounts(shm::create_only, name, 500);
  support::child writer([&] {
    shm::array<int, 2> mine(name);
    for (int n = 0; n < 20000; ++n) {
      auto guard = mine.lock();
      guard.store(0, guard[0] - 1);
      guard.store(1, guard[1] + 1);
    }
    return 0;
  });
  shm::array<const int, 2> viewer(name, [] {
    shm::options patient;
    patient.open_timeout = std::chrono::seconds(60);
    return patient;
  }());
  for (int n = 0; n < 500; ++n) {
    const auto locked = accounts.snapshot();
    CHECK(locked[0] + locked[1] == 1000);
    const auto seen = viewer.snapshot();
    CHECK((seen[0] + seen[1] == 1000 || seen[0] + seen[1] == 999));
  }
  CHECK(writer.wait() == 0);
}

TEST_CASE("threads share one array handle") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<value, 4> values(shm::create_only, name, value::of(0));
  std::vector<std::thread> threads;
  std::atomic<int> torn{0};
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 500; ++n) {
        values.update(t, [](value& v) { v = value::of(v.value() + 1); });
        torn += values.load((t + 1) % 4).is_whole() ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(torn == 0);
  for (const value& v : values.snapshot()) CHECK(v.value() == 500);
}

TEST_CASE("an array removed under its handles says so") {
  const support::name name;
  shm::array<int, 3> numbers(name);
  shm::array<const int, 3> viewer(name);
  shm::remove(name, shm::force);
  CHECK(code_of([&] { static_cast<void>(numbers.load(0)); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(viewer.load(0)); }) == shm::errc::removed);
  CHECK(code_of([&] { numbers.store(0, 1); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(numbers.lock()); }) == shm::errc::removed);
}

TEST_CASE("every open mode makes or finds an array") {
  const support::name name, other;
  using numbers = shm::array<int, 3>;
  CHECK(code_of([&] { numbers absent(shm::open_only, name); }) == shm::errc::not_found);
  CHECK(numbers(shm::create_only, name, shm::options{}).load(2) == 0);
  CHECK(code_of([&] { numbers again(shm::create_only, name); }) == shm::errc::already_exists);
  const numbers again(shm::open_only, name);
  CHECK(again.name() == name.text());
  CHECK(numbers(shm::open_or_create, other, 5).load(1) == 5);
  CHECK(numbers(shm::open_or_create, other, 6).load(1) == 5);
  CHECK(shm::array<const int, 3>(shm::open_only, other).load(0) == 5);
}

TEST_CASE("an update without a result stores its draft, and a guard of a large element, too") {
  const support::name name;
  shm::array<support::uniform<1000>, 2> large(name);
  large.update(1, [](support::uniform<1000>& element) { element = element.of(4); });
  CHECK(large.load(1).is_whole());
  CHECK(large.load(1).value() == 4);
  CHECK(large.load(0).value() == 0);
}

TEST_CASE("a reader that a writer always laps holds it up for one copy", "[race]") {
  const support::watchdog watchdog(120);
  using large = support::uniform<32 * 1024>;
  const support::name array_name, object_name;
  auto array = std::make_unique<shm::array<large, 1>>(array_name);
  auto object = std::make_unique<shm::object<large>>(object_name);
  support::baton stop;
  support::child writer([&] {
    shm::array<large, 1> elements(array_name);
    shm::object<large> one(object_name);
    const auto even = std::make_unique<large>(large::of(2)),
               odd = std::make_unique<large>(large::of(3));
    while (!stop.arrives_within(0)) {
      for (int n = 0; n < 50; ++n) {
        elements.store(0, n % 2 == 0 ? *even : *odd);
        one.store(n % 2 == 0 ? *even : *odd);
      }
    }
    return 0;
  });
  for (int n = 0; n < 300; ++n) {
    const auto element = std::make_unique<large>(array->load(0));
    const auto whole = std::make_unique<large>(object->load());
    REQUIRE(element->is_whole());
    REQUIRE(whole->is_whole());
  }
  stop.pass();
  CHECK(writer.wait() == 0);
}
