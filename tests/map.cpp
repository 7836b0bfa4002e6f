// Map: entries by their keys, at most so many; each whole, and found without a lock.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <shm.hpp>
#include <thread>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/colliding_keys.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::code_of;
using support::telemetry;
using value = support::uniform<16>;

namespace {

enum class colour : std::uint8_t { red, green };
struct place {
  BOOST_HANA_DEFINE_STRUCT(place, (std::uint32_t, x), (std::uint32_t, y));
};
struct alignas(256) wide {
  std::uint64_t words[32];
};
/// Can be made only from a number.
struct made {
  explicit made(int n) : number(n) {}
  const int number;
};

template <class Key, class Value, std::size_t N>
std::map<Key, Value> sorted(const shm::map<Key, Value, N>& from) {
  const auto entries = from.snapshot();
  return {entries.begin(), entries.end()};
}

/// Of a map from number to number.
template <std::size_t N>
std::vector<std::byte> slots_of(const shm::key& name) {
  const support::memory_of memory(name);
  using table_type = shm::detail::table_memory<std::uint64_t, std::uint64_t, N>;
  const auto& slots = static_cast<const table_type*>(memory.payload())->slots;
  return {std::begin(slots.elements), std::end(slots.elements)};
}

}  // namespace

template class shm::map<std::uint64_t, telemetry, 100>;
template class shm::map<std::uint64_t, const telemetry, 100>;
template class shm::map<std::array<char, 13>, value, 1>;
template class shm::map<colour, std::array<double, 1000>, 3>;
template class shm::map<bool, char, 2>;

TEST_CASE("a map is created empty; entries are inserted, found, assigned, updated and erased") {
  const support::name name;
  shm::map<std::uint64_t, telemetry, 100> cars(name);
  STATIC_REQUIRE(decltype(cars)::capacity() == 100);
  CHECK(cars.capacity() == 100);
  CHECK(cars.name() == name.text());
  CHECK(cars.size() == 0);
  CHECK(cars.version() == 0);
  CHECK(cars.snapshot().empty());
  CHECK_FALSE(cars.find(7));
  CHECK_FALSE(cars.contains(7));

  CHECK(cars.insert(7, {1.5, 2}));
  CHECK_FALSE(cars.insert(7, {9, 9}));
  REQUIRE(cars.find(7));
  CHECK(cars.find(7)->gear == 2);
  CHECK(cars.contains(7));
  CHECK(cars.size() == 1);
  CHECK(cars.version() == 1);

  cars.insert_or_assign(7, {2.5, 3});
  cars.insert_or_assign(8, {3.5, 4});
  CHECK(cars.find(7)->gear == 3);
  CHECK(cars.find(8)->speed == 3.5);
  CHECK(cars.size() == 2);

  CHECK(cars.update(8, [](telemetry& t) { return ++t.gear; }));
  CHECK_FALSE(cars.update(9, [](telemetry&) { FAIL("there is no such entry"); }));
  CHECK(cars.find(8)->gear == 5);
  CHECK(cars.version() == 4);

  CHECK(cars.erase(7));
  CHECK_FALSE(cars.erase(7));
  CHECK_FALSE(cars.find(7));
  CHECK(cars.size() == 1);
  REQUIRE(cars.snapshot().size() == 1);
  CHECK(cars.snapshot()[0].first == 8);
  CHECK(cars.snapshot()[0].second.gear == 5);
  CHECK(cars.version() == 5);
}

TEST_CASE("a read-only map sees what a writer changes, and never creates") {
  const support::name name;
  using viewer = shm::map<int, const telemetry, 10>;
  CHECK(code_of([&] { viewer absent(name); }) == shm::errc::not_found);
  shm::map<int, telemetry, 10> cars(name);
  const viewer eye(shm::open_only, name);
  CHECK(eye.capacity() == 10);
  CHECK(eye.size() == 0);
  cars.insert(3, {1, 2});
  CHECK(eye.find(3)->gear == 2);
  CHECK(eye.contains(3));
  CHECK_FALSE(eye.contains(4));
  CHECK_FALSE(eye.find(4));
  CHECK(eye.size() == 1);
  CHECK(eye.snapshot().at(0).second.speed == 1);
  CHECK(eye.version() == cars.version());
  CHECK(eye.name() == name.text());
}

TEST_CASE("every open mode makes or finds a map") {
  const support::name name, other;
  using numbers = shm::map<int, int, 3>;
  CHECK(code_of([&] { numbers absent(shm::open_only, name); }) == shm::errc::not_found);
  numbers made_now(shm::create_only, name);
  CHECK(code_of([&] { numbers again(shm::create_only, name, shm::options{}); }) ==
        shm::errc::already_exists);
  made_now.insert(1, 2);
  CHECK(numbers(shm::open_only, name).find(1) == 2);
  CHECK(numbers(shm::open_or_create, name).find(1) == 2);
  CHECK(numbers(name, shm::options{}).find(1) == 2);
  CHECK_FALSE(numbers(shm::open_or_create, other, shm::options{}).find(1));
}

TEST_CASE("another key, value or number of entries is a mismatch that names what differs") {
  const support::name name;
  shm::map<std::uint64_t, telemetry, 10> cars(name);
  using other_key = shm::map<place, telemetry, 10>;
  using other_value = shm::map<std::uint64_t, const support::uniform<2>, 10>;
  using other_room = shm::map<std::uint64_t, telemetry, 11>;
  for (const auto& [code, what] : {std::pair(code_of([&] { other_key one(name); }), "key"),
                                   std::pair(code_of([&] { other_value one(name); }), "value"),
                                   std::pair(code_of([&] { other_room one(name); }), "room")}) {
    INFO(what);
    CHECK(code == shm::errc::type_mismatch);
  }
  CHECK_THROWS_WITH(other_key(name), ContainsSubstring("key: only in the segment (uint64"));
  CHECK_THROWS_WITH(other_key(name), ContainsSubstring("key.x: only in this program"));
  CHECK_THROWS_WITH(other_value(name), ContainsSubstring("value.speed: only in the segment"));
  // Of the same size, and with the same bytes for small numbers.
  CHECK_THROWS_WITH((shm::map<std::int64_t, telemetry, 10>(name)),
                    ContainsSubstring("key: uint64 at byte 8 in the segment, int64 at byte 8 in"));
  CHECK_THROWS_WITH(
      (shm::map<std::array<char, 8>, const telemetry, 10>(name)),
      ContainsSubstring("key: uint64 at byte 8 in the segment, char[8] at byte 8 in"));
  CHECK_THROWS_WITH(other_room(name),
                    ContainsSubstring("10 elements in the segment, 11 elements in this program"));
  CHECK(code_of([&] { shm::array<int, 3> one(name); }) == shm::errc::kind_mismatch);
  CHECK_THROWS_WITH((shm::array<int, 3>(name)), ContainsSubstring("this is shm::map"));
}

TEST_CASE("a full map refuses another key, and takes one again when one was erased") {
  const support::name name;
  shm::map<int, int, 5> numbers(name);
  for (int n = 0; n < 5; ++n) CHECK(numbers.insert(n, n));
  CHECK(code_of([&] { numbers.insert(5, 5); }) == shm::errc::limit_reached);
  CHECK(code_of([&] { numbers.insert_or_assign(5, 5); }) == shm::errc::limit_reached);
  CHECK_THROWS_WITH(numbers.insert(5, 5), ContainsSubstring("made for 5 entries; erase one"));
  CHECK_FALSE(numbers.insert(3, 9));  // is there
  numbers.insert_or_assign(3, 9);     // needs no room
  CHECK(numbers.find(3) == 9);
  CHECK(numbers.size() == 5);
  CHECK(numbers.erase(0));
  CHECK(numbers.insert(5, 5));
  CHECK(numbers.size() == 5);
}

TEST_CASE("a map of one entry has room for one") {
  const support::name name;
  shm::map<std::uint64_t, int, 1> one(name);
  CHECK(one.insert(1, 1));
  CHECK_FALSE(one.contains(2));
  CHECK(code_of([&] { one.insert(2, 2); }) == shm::errc::limit_reached);
  CHECK_THROWS_WITH(one.insert(2, 2), ContainsSubstring("made for 1 entry; erase it"));
  CHECK(one.erase(1));
  CHECK(one.insert(2, 2));
  CHECK(one.find(2) == 2);
  CHECK(one.snapshot().size() == 1);
}

TEST_CASE("keys whose lookups all begin at one slot are told apart, and leave no trace") {
  const support::name name;
  constexpr std::size_t room = 64;
  const std::size_t home = GENERATE(0u, 50u, 95u);  // of 96; from the last the entries go round
  const auto keys = support::keys_at(home, room, room + 1);
  shm::map<std::uint64_t, std::uint64_t, room> numbers(name);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < room; ++i) CHECK(numbers.insert(keys[i], keys[i] + 1));
    CHECK(code_of([&] { numbers.insert(keys[room], 0); }) == shm::errc::limit_reached);
    for (std::size_t i = 0; i < room; ++i) CHECK(numbers.find(keys[i]) == keys[i] + 1);
    CHECK_FALSE(numbers.contains(keys[room]));
    // In an order of which each erasure leaves a gap.
    for (std::size_t i = 0; i < room; ++i) CHECK(numbers.erase(keys[i * 37 % room]));
    CHECK(numbers.size() == 0);
    for (const std::uint64_t key : keys) CHECK_FALSE(numbers.contains(key));
  }
  for (const std::byte one : slots_of<room>(name))
    REQUIRE(one == std::byte{0});  // no entry, and no reach
}

TEST_CASE("a map does what std::map does, change by change, full or nearly empty") {
  const support::watchdog watchdog(120);
  const support::name name;
  constexpr std::size_t room = 50;
  shm::map<std::uint32_t, std::uint32_t, room> ours(name);
  const shm::map<std::uint32_t, const std::uint32_t, room> eye(name);
  std::map<std::uint32_t, std::uint32_t> theirs;
  std::mt19937 random(7);
  for (std::uint32_t n = 0; n < 60000; ++n) {
    const auto key = static_cast<std::uint32_t>(random() % 80);
    const bool is_full = theirs.size() == room && theirs.count(key) == 0;
    // Now more are erased, now more are inserted.
    const bool shrinks = n / 2000 % 2 == 0;
    switch (random() % 4) {
      case 0:
        if (is_full) break;
        REQUIRE(ours.insert(key, n) == theirs.insert({key, n}).second);
        break;
      case 1:
        if (is_full) break;
        ours.insert_or_assign(key, n);
        theirs[key] = n;
        break;
      case 2:
        REQUIRE(ours.update(key, [](std::uint32_t& v) { v *= 3; }) == (theirs.count(key) == 1));
        if (theirs.count(key) == 1) theirs[key] *= 3;
        break;
      case 3:
        for (std::uint32_t k = key; k < key + (shrinks ? 4 : 1); ++k) {
          REQUIRE(ours.erase(k) == (theirs.erase(k) == 1));
        }
        break;
    }
    REQUIRE(eye.size() == theirs.size());
    const auto found = theirs.find(key);
    REQUIRE(eye.find(key) ==
            (found == theirs.end() ? std::nullopt : std::optional<std::uint32_t>(found->second)));
    if (n % 500 == 0) REQUIRE(sorted(ours) == theirs);
  }
  REQUIRE(sorted(ours) == theirs);
}

TEST_CASE("after a million erasures a lookup looks at no more slots than before") {
  const support::watchdog watchdog(120);
  const support::name name;
  constexpr std::size_t room = 1000;
  shm::map<std::uint64_t, std::uint64_t, room> numbers(name);
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> keys;
  while (keys.size() < room) {
    keys.push_back(random());
    numbers.insert(keys.back(), 1);
  }
  const auto mean_reach = [&] {
    using namespace shm::detail;
    const std::vector<std::byte> slots = slots_of<room>(name);
    const std::size_t one = slots.size() / slots_for(room);
    std::size_t sum = 0;
    for (std::size_t at = 0; at < slots.size(); at += one) {
      slot_head head;
      std::memcpy(&head, slots.data() + at, sizeof head);
      sum += head.reach;
    }
    return static_cast<double>(sum) / static_cast<double>(slots_for(room));
  };
  const double before = mean_reach();
  for (int n = 0; n < 1'000'000; ++n) {
    std::uint64_t& key = keys[random() % room];
    if (!numbers.erase(key)) FAIL("an entry is lost");
    key = random();
    if (!numbers.insert(key, 1)) FAIL("an entry was there before");
  }
  CAPTURE(before);
  CHECK(before < 2);
  CHECK(mean_reach() < 2);
  for (const std::uint64_t key : keys) CHECK(numbers.erase(key));
  CHECK(mean_reach() == 0);
}

TEST_CASE("keys that follow a pattern lie as near to where their lookups begin as random ones do") {
  using namespace shm::detail;
  constexpr std::size_t room = 10000;
  using key_at = std::uint64_t (*)(std::uint64_t);
  const std::pair<const char*, key_at> patterns[] = {
      {"0, 1, 2", [](std::uint64_t n) { return n; }},
      {"even numbers", [](std::uint64_t n) { return 2 * n; }},
      {"pages", [](std::uint64_t n) { return n << 12; }},
      {"the high half", [](std::uint64_t n) { return n << 32; }},
      {"the highest bits", [](std::uint64_t n) { return n << 50; }},
      {"downwards", [](std::uint64_t n) { return ~n; }},
      {"tens", [](std::uint64_t n) { return 10 * n; }},
      {"two coordinates", [](std::uint64_t n) { return n / 100 << 32 | n % 100; }},
      {"one bit", [](std::uint64_t n) { return n | std::uint64_t{1} << 63; }},
      {"bytes in the order of others", [](std::uint64_t n) { return __builtin_bswap64(n); }}};
  for (const auto& [what, key] : patterns) {
    INFO(what);
    std::vector<unsigned> begin_here(slots_for(room));
    for (std::uint64_t n = 0; n < room; ++n) ++begin_here[support::home_of(key(n), room)];
    // Of random keys the sum of squares is about room + room² / slots, and no slot has ten.
    std::uint64_t squares = 0;
    for (const unsigned number : begin_here) squares += std::uint64_t{number} * number;
    CHECK(squares < 2 * room);
    CHECK(*std::max_element(begin_here.begin(), begin_here.end()) < 12);
  }
}

TEST_CASE("keys and values of large alignment lie where they have to") {
  const support::name name;
  shm::map<wide, wide, 3> wides(name);
  const auto of = [](std::uint64_t n) {
    wide made{};
    made.words[31] = n;
    return made;
  };
  for (std::uint64_t n = 0; n < 3; ++n) CHECK(wides.insert(of(n), of(n + 10)));
  CHECK(wides.find(of(2))->words[31] == 12);
  CHECK(wides.update(of(1), [](wide& w) {
    CHECK(reinterpret_cast<std::uintptr_t>(&w) % alignof(wide) == 0);
    w.words[31] = 77;
  }));
  for (const auto& [key, one] : shm::map<wide, const wide, 3>(name).snapshot()) {
    CHECK(reinterpret_cast<std::uintptr_t>(&key) % alignof(wide) == 0);
    CHECK(one.words[31] == (key.words[31] == 1 ? 77 : key.words[31] + 10));
  }
  CHECK(wides.erase(of(0)));
  CHECK_FALSE(wides.contains(of(0)));
}

TEST_CASE("a map whose semaphores are lost is read on, and changed by nobody") {
  const support::name name;
  shm::map<int, int, 3> numbers(name);
  const shm::map<int, const int, 3> before(name);
  numbers.insert(1, 1);
  REQUIRE(support::set_of(name).remove().ok());
  const shm::map<int, const int, 3> after(name);
  CHECK(numbers.find(1) == 1);
  CHECK(before.find(1) == 1);
  CHECK(after.find(1) == 1);
  CHECK(after.size() == 1);
  CHECK(after.snapshot().size() == 1);
  CHECK(after.version() == 1);
  // The lock is free, and taken without the semaphores.
  numbers.insert(2, 2);
  CHECK(after.find(2) == 2);
}

TEST_CASE("keys are structs, arrays, enumerations or bool; values may be what cannot be assigned") {
  const support::name name, second, third, fourth;
  shm::map<place, made, 4> places(name);
  CHECK(places.insert({1, 2}, made(3)));
  CHECK(places.find({1, 2})->number == 3);
  CHECK_FALSE(places.find({2, 1}));
  CHECK(places.snapshot().at(0).second.number == 3);
  shm::map<std::array<char, 13>, int, 4> texts(second);
  CHECK(texts.insert({"abc"}, 1));
  CHECK(texts.insert({"abcdefghijkl"}, 2));
  CHECK(texts.find({"abcdefghijkl"}) == 2);
  CHECK_FALSE(texts.contains({"abcdefghijkm"}));
  shm::map<colour, int, 4> colours(third);
  CHECK(colours.insert(colour::green, 5));
  CHECK_FALSE(colours.contains(colour::red));
  shm::map<bool, support::uniform<1000>, 2> large(fourth);
  CHECK(large.insert(true, support::uniform<1000>::of(4)));
  CHECK(large.insert(false, support::uniform<1000>::of(5)));
  CHECK(large.update(true, [](auto& v) { v = v.of(6); }));
  CHECK(large.find(true)->is_whole());
  CHECK(large.find(true)->value() == 6);
  CHECK(large.find(false)->value() == 5);
}

TEST_CASE("an update that throws stores nothing, and one that calls the map again is refused") {
  const support::name name;
  shm::map<int, int, 3> numbers(name);
  numbers.insert(1, 1);
  CHECK_THROWS_AS(numbers.update(1,
                                 [](int& n) {
                                   n = 5;
                                   throw std::runtime_error("no");
                                 }),
                  std::runtime_error);
  CHECK(numbers.find(1) == 1);
  const auto inside = [&](auto call) {
    return code_of([&] {
      numbers.update(1, [&](int& n) {
        n = 6;
        call();
      });
    });
  };
  CHECK(inside([&] { numbers.insert(2, 2); }) == shm::errc::would_deadlock);
  CHECK(inside([&] { numbers.erase(1); }) == shm::errc::would_deadlock);
  CHECK(inside([&] { numbers.snapshot(); }) == shm::errc::would_deadlock);
  CHECK(inside([&] { numbers.update(1, [](int&) {}); }) == shm::errc::would_deadlock);
  CHECK(numbers.find(1) == 1);
  // Reading needs no lock.
  CHECK(inside([&] { CHECK((numbers.find(1) == 1 && numbers.size() == 1)); }) == std::error_code());
  CHECK(numbers.find(1) == 6);
}

TEST_CASE("an update gives up, and calls nothing, when somebody holds the lock for so long") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton inside, leave;
  shm::map<int, int, 3> numbers(name);
  numbers.insert(1, 1);
  support::child holder([&] {
    shm::map<int, int, 3>(name).update(1, [&](int& n) {
      n = 2;
      inside.pass();
      leave.await();
    });
    return 0;
  });
  inside.await();
  const auto never = [](int&) { FAIL("the lock is held"); };
  CHECK(numbers.try_update_for(std::chrono::milliseconds(5), 1, never) == std::nullopt);
  CHECK(numbers.try_update_for(std::chrono::milliseconds(0), 7, never) == std::nullopt);
  leave.pass();
  CHECK(holder.wait() == 0);
  const auto add = [](int& n) { ++n; };
  CHECK(numbers.try_update_for(std::chrono::seconds(10), 1, add) == true);
  CHECK(numbers.try_update_for(std::chrono::seconds(10), 7, add) == false);
  CHECK(numbers.find(1) == 3);
}

TEST_CASE("a child that is forked inside an update stores nothing of its parent's", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::map<int, int, 3> numbers(name);
  numbers.insert(1, 1);
  int status = -1;
  numbers.update(1, [&](int& n) {
    n = 2;
    support::child forked([&] {
      n = 3;
      return numbers.find(1) == 1 ? 0 : 1;
    });
    status = forked.wait();
  });
  CHECK(status == 0);
  CHECK(numbers.find(1) == 2);
  support::child later([&] {
    numbers.insert(4, 4);  // takes a seat of its own
    return 0;
  });
  CHECK(later.wait() == 0);
  CHECK(numbers.find(4) == 4);
}

TEST_CASE("an update may move the handle") {
  const support::name name;
  using numbers = shm::map<int, int, 3>;
  numbers first(name);
  first.insert(1, 1);
  std::unique_ptr<numbers> second;
  first.update(1, [&](int& n) {
    n = 2;
    second = std::make_unique<numbers>(std::move(first));
  });
  CHECK(second->find(1) == 2);
}

TEST_CASE("a map removed under its handles says so") {
  const support::name name;
  shm::map<int, int, 3> numbers(name);
  const shm::map<int, const int, 3> eye(name);
  shm::remove(name, shm::force);
  const auto removed = shm::errc::removed;
  CHECK(code_of([&] { static_cast<void>(numbers.find(0)); }) == removed);
  CHECK(code_of([&] { static_cast<void>(numbers.contains(0)); }) == removed);
  CHECK(code_of([&] { static_cast<void>(numbers.size()); }) == removed);
  CHECK(code_of([&] { static_cast<void>(numbers.snapshot()); }) == removed);
  CHECK(code_of([&] { numbers.insert(1, 1); }) == removed);
  CHECK(code_of([&] { numbers.erase(1); }) == removed);
  CHECK(code_of([&] { static_cast<void>(eye.find(0)); }) == removed);
  CHECK(code_of([&] { static_cast<void>(eye.size()); }) == removed);
  CHECK(code_of([&] { static_cast<void>(eye.snapshot()); }) == removed);
}

TEST_CASE("a writer that dies inside an update leaves the value before, and the lock to others") {
  const support::watchdog watchdog;
  const support::name name;
  shm::map<int, telemetry, 3> cars(name);
  cars.insert(1, {1, 1});
  support::dies([&] {
    shm::map<int, telemetry, 3> theirs(name);
    theirs.update(1, [](telemetry& t) {
      t.gear = 2;
      support::die();
    });
  });
  CHECK(cars.find(1)->gear == 1);
  CHECK(cars.update(1, [](telemetry& t) { t.gear = 3; }));
  CHECK(cars.find(1)->gear == 3);
}

TEST_CASE("threads share one map handle") {
  const support::watchdog watchdog;
  const support::name name;
  shm::map<unsigned, value, 8> values(name);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned n = 1; n <= 500; ++n) {
        wrong += values.insert(t, value::of(n)) ? 0 : 1;
        wrong += values.find(t)->value() == n ? 0 : 1;
        if (const auto other = values.find((t + 1) % 4)) wrong += other->is_whole() ? 0 : 1;
        wrong += values.erase(t) ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(values.size() == 0);
}

TEST_CASE("a snapshot shows one moment, from either kind of handle, beside a writer", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  // One key of two is there at each moment but between an erasure and an insert, and all others
  // always.
  using numbers = shm::map<int, int, 12>;
  numbers all(name);
  for (int n = 0; n < 11; ++n) all.insert(n, n);
  support::baton stop;
  support::child writer([&] {
    numbers mine(name);
    for (int n = 0; !stop.arrives_within(0); ++n) {
      for (int i = 0; i < 50; ++i) {
        const int there = i % 2 == 0 ? 10 : 11;
        mine.erase(there);
        mine.insert(21 - there, n);
      }
    }
    return 0;
  });
  shm::options patient;
  patient.open_timeout = std::chrono::seconds(60);
  const shm::map<int, const int, 12> eye(name, patient);
  for (int n = 0; n < 2000; ++n) {
    for (const auto& entries : {eye.snapshot(), all.snapshot()}) {
      std::set<int> keys;
      for (const auto& entry : entries) keys.insert(entry.first);
      REQUIRE(keys.size() == entries.size());
      REQUIRE(keys.count(10) + keys.count(11) <= 1);
      REQUIRE(keys.size() - keys.count(10) - keys.count(11) == 10);
    }
    const std::size_t size = eye.size();
    REQUIRE((size == 10 || size == 11));
    for (int key = 0; key < 10; ++key) REQUIRE(eye.find(key) == key);
  }
  stop.pass();
  CHECK(writer.wait() == 0);
}

TEST_CASE("writers that are killed at random lose no entry, leave none half-made and no wrong size",
          "[race]") {
  const support::watchdog watchdog(300);
  const support::name name;
  constexpr std::size_t writers = 4, keys_each = 8, room = writers * keys_each;
  using values = shm::map<std::uint64_t, value, room>;
  // What each writer has done with each of its keys, and what it is about to do: 0 is no entry.
  struct ledger {
    std::atomic<std::uint64_t> done[writers][keys_each], next[writers][keys_each];
    std::atomic<std::uint64_t> changes;
  };
  support::shared_page<ledger> told;
  values all(name);
  const auto work = [&](std::size_t w, unsigned seed) {
    values mine(name);
    std::mt19937 random(seed);
    for (;;) {
      const std::size_t k = random() % keys_each;
      const std::uint64_t key = w * keys_each + k;
      const std::uint64_t number = random() % 3 == 0 ? 0 : random();
      told->next[w][k] = number;
      if (number == 0) {
        mine.erase(key);
      } else {
        mine.insert_or_assign(key, value::of(number));
      }
      told->done[w][k] = number;
      ++told->changes;
    }
    return 0;
  };
  std::vector<support::child> processes;
  for (std::size_t w = 0; w < writers; ++w) {
    processes.emplace_back([&, w] { return work(w, static_cast<unsigned>(w)); });
  }
  const shm::map<std::uint64_t, const value, room> eye(name);
  std::mt19937 random(99);
  for (unsigned kill = 0; kill < 400; ++kill) {
    const std::size_t w = random() % writers;
    const std::uint64_t enough = told->changes + random() % 50;
    while (told->changes < enough) {
      const auto found = eye.find(random() % room);
      REQUIRE((!found || found->is_whole()));
      REQUIRE(eye.size() <= room);
    }
    processes[w].kill();
    // The others go on; of the dead one's keys nobody else changes any.
    for (std::size_t k = 0; k < keys_each; ++k) {
      const auto found = eye.find(w * keys_each + k);
      const std::uint64_t number = found ? found->value() : 0;
      REQUIRE((number == told->done[w][k] || number == told->next[w][k]));
      REQUIRE((!found || found->is_whole()));
      // Committed or not, it stays so.
      told->done[w][k] = number;
    }
    processes[w] = support::child([&, w, kill] { return work(w, kill + 1000); });
  }
  for (auto& process : processes) process.kill();
  std::size_t found = 0;
  for (std::uint64_t key = 0; key < room; ++key) found += eye.contains(key) ? 1U : 0U;
  CHECK(eye.size() == found);
  CHECK(all.snapshot().size() == found);
  CHECK(eye.snapshot().size() == found);
}

namespace {

/// A map after so many changes, each of which is known by its number.
struct history {
  std::map<std::uint64_t, std::uint64_t> entries;
  std::uint64_t changes = 0;

  /// Makes the next change. Tells its key, and whether the key is there afterwards.
  std::pair<std::uint64_t, bool> change() {
    const std::uint64_t n = ++changes, key = n * n % 7;  // 0, 1, 2 or 4
    const bool erases = n % 3 == 0 && entries.count(key) == 1;
    if (erases) {
      entries.erase(key);
    } else {
      entries[key] = n;
    }
    return {key, !erases};
  }
  void go_on_until(std::uint64_t version) {
    while (changes < version) change();
  }
};

}  // namespace

TEST_CASE("the version tells which changes were made, however often their writer is killed",
          "[race]") {
  const support::watchdog watchdog(300);
  const support::name name;
  using numbers = shm::map<std::uint64_t, std::uint64_t, 4>;
  const numbers made(name);
  const auto work = [&name](history past) {
    numbers mine(name);
    past.go_on_until(mine.version());
    for (;;) {
      const auto [key, stays] = past.change();
      if (stays) {
        mine.insert_or_assign(key, past.changes);
      } else {
        mine.erase(key);
      }
    }
    return 0;
  };
  shm::options patient;
  patient.open_timeout = std::chrono::seconds(60);
  const shm::map<std::uint64_t, const std::uint64_t, 4> eye(name, patient);
  history past;
  const auto check = [&] {
    const std::uint64_t before = eye.version();
    REQUIRE(before >= past.changes);
    past.go_on_until(before);
    const auto entries = eye.snapshot();
    if (eye.version() != before) return false;
    REQUIRE(std::map<std::uint64_t, std::uint64_t>(entries.begin(), entries.end()) == past.entries);
    return true;
  };
  std::mt19937 random(6);
  for (unsigned kill = 0; kill < 200; ++kill) {
    support::child writer([&] { return work(past); });
    const std::uint64_t enough = past.changes + random() % 100;
    while (eye.version() < enough) std::this_thread::yield();
    if (kill % 10 == 0) check();  // beside a writer at full speed
    writer.kill();
    REQUIRE(check());
    REQUIRE(eye.size() == past.entries.size());
  }
}
