// Array of any length: its number of elements is given when it is created, and found when opened.
// SPDX-License-Identifier: MIT
#include <array>
#include <chrono>
#include <cstring>
#include <iterator>
#include <limits>
#include <shm.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::code_of;
using support::refusal_of;
using support::telemetry;
using value = support::uniform<16>;

template class shm::array<telemetry>;
template class shm::array<const telemetry>;
template class shm::array<char>;
template class shm::array<value, shm::dynamic>;
template class shm::locked_array<telemetry>;

namespace {

/// Without default constructor and assignment.
struct fixed {
  explicit fixed(int n) : number(n) {}
  const int number;
};

struct other_car {
  BOOST_HANA_DEFINE_STRUCT(other_car, (double, speed), (std::int16_t, gear));
};

struct alignas(128) wide {
  std::uint64_t word;
};

bool is_there(const shm::key& key) {
  return shm::detail::segment::find(key.segment_key()).ok() ||
         shm::detail::semaphore_set::find(key.set_key()).ok();
}

}  // namespace

TEST_CASE("an array gets its length when it is created, and tells it when it is opened") {
  const support::name name;
  std::size_t n = 5;
  shm::array<telemetry> cars(shm::create_only, name, n, {1.5, 2});
  CHECK(cars.size() == 5);
  CHECK(cars.load(4).gear == 2);
  cars.store(3, {9, 9});
  CHECK(cars.update(4, [](telemetry& t) { return t.gear = 8; }) == 8);
  const shm::array<telemetry> same(name);
  CHECK(same.size() == 5);
  CHECK(same.load(3).gear == 9);
  CHECK(shm::array<telemetry>(shm::open_only, name).load(4).gear == 8);
  const shm::array<const telemetry> viewer(name);
  CHECK(viewer.size() == 5);
  CHECK(viewer.load(3).gear == 9);
  CHECK(viewer.name() == name.text());
  const std::vector<telemetry> all = viewer.snapshot();
  REQUIRE(all.size() == 5);
  CHECK(all[4].gear == 8);
  CHECK(cars.snapshot()[0].gear == 2);
  CHECK(shm::array<const telemetry>(shm::open_only, name).size() == 5);
}

TEST_CASE("every open mode makes or finds an array of any length") {
  const support::name name, other, third;
  using numbers = shm::array<int>;
  CHECK(code_of([&] { numbers absent(name); }) == shm::errc::not_found);
  CHECK(code_of([&] { numbers absent(shm::open_only, name); }) == shm::errc::not_found);
  CHECK(code_of([&] { shm::array<const int> absent(name); }) == shm::errc::not_found);
  CHECK_FALSE(is_there(name));
  CHECK(numbers(shm::create_only, name, 3).load(2) == 0);
  CHECK(code_of([&] { numbers again(shm::create_only, name, 3); }) == shm::errc::already_exists);
  CHECK(numbers(shm::open_or_create, name, 3).size() == 3);
  CHECK(numbers(shm::open_or_create, other, 4, 5).load(3) == 5);
  CHECK(numbers(shm::open_or_create, other, 4, 6).load(3) == 5);
  shm::options how;
  how.seats = 2;
  CHECK(numbers(shm::create_only, third, 2, 7, how).load(1) == 7);
  CHECK(shm::list().size() >= 3);
}

TEST_CASE("another length than that of the array is refused, and the message says both") {
  const support::name name;
  const shm::array<int> five(shm::create_only, name, 5);
  const auto refusal = refusal_of([&] { shm::array<int>(shm::open_or_create, name, 7); });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  CHECK_THAT(refusal.what(),
             ContainsSubstring("5 elements in the segment, 7 elements in this program"));
  CHECK(code_of([&] { shm::array<int, 7> seven(name); }) == shm::errc::type_mismatch);
  CHECK(shm::array<int>(shm::open_or_create, name, 5).size() == 5);
}

TEST_CASE("no element, or more than fit into an address space, are refused and nothing is made") {
  const support::name name;
  using numbers = shm::array<double>;
  CHECK_THROWS_AS(numbers(shm::create_only, name, 0), std::invalid_argument);
  CHECK_THROWS_WITH(numbers(shm::open_or_create, name, 0, 1.5),
                    "shm::array: an array has at least one element");
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const std::size_t n : {most, most / 8, most / 8 + 2, std::size_t{1} << 61}) {
    CAPTURE(n);
    const auto refusal = refusal_of([&] { numbers(shm::create_only, name, n); });
    CHECK(refusal.code() == shm::errc::limit_reached);
    CHECK_THAT(refusal.what(), ContainsSubstring(name.text()) &&
                                   ContainsSubstring("larger than an address space") &&
                                   ContainsSubstring(std::to_string(n)));
  }
  // As many as fit into an address space, and more than the kernel gives.
  CHECK(code_of([&] { numbers(shm::create_only, name, std::size_t{1} << 50); }));
  CHECK_FALSE(is_there(name));
}

TEST_CASE("arrays of fixed and of any length are the same in memory, and open each other") {
  const auto check = [](const auto& first, std::size_t n) {
    using T = std::decay_t<decltype(first)>;
    constexpr std::size_t three = 3;
    REQUIRE(n == three);
    const support::name by_type, by_number;
    shm::array<T, three> fixed(shm::create_only, by_type, first);
    shm::array<T> given(shm::create_only, by_number, three, first);
    const support::memory_of one(by_type), other(by_number);
    REQUIRE(one.size() == other.size());
    CHECK(one.head().fixed.payload_offset == other.head().fixed.payload_offset);
    CHECK(one.head().fixed.fingerprint == other.head().fixed.fingerprint);
    const std::size_t payload = one.head().fixed.payload_offset;
    CHECK(std::memcmp(one.bytes() + payload, other.bytes() + payload, one.size() - payload) == 0);
    CHECK(shm::array<T>(by_type).size() == three);
    CHECK(shm::array<const T>(by_type).size() == three);
    shm::array<T, three>(by_number).store(2, first);
    CHECK(std::memcmp(&given.lock()[2], &first, sizeof first) == 0);
    CHECK(shm::array<const T, three>(by_number).version() == given.version());
  };
  static constexpr telemetry car{1.5, 2};  // static, so that its padding is zero
  check(char{'x'}, 3);
  check(car, 3);
  check(value::of(7), 3);
  check(wide{9}, 3);
}

TEST_CASE("another element type is refused by the field, whatever the length") {
  const support::name name, object_name;
  const shm::array<telemetry> cars(shm::create_only, name, 300);
  for (const bool reads : {false, true}) {
    const auto refusal = refusal_of([&] {
      if (reads) shm::array<const other_car> viewer(name);
      shm::array<other_car> mine(name);
    });
    CHECK(refusal.code() == shm::errc::type_mismatch);
    CHECK_THAT(refusal.what(), ContainsSubstring("gear: int32 at byte 8 in the segment, int16"));
    CHECK_THAT(refusal.what(), !ContainsSubstring("elements"));
  }
  CHECK(code_of([&] { shm::array<std::array<char, 16>> bytes(name); }) == shm::errc::type_mismatch);
  CHECK(code_of([&] { shm::array<char> bytes(name); }) == shm::errc::type_mismatch);
  CHECK(code_of([&] { shm::array<std::array<telemetry, 300>> all(name); }) ==
        shm::errc::type_mismatch);
  const shm::object<std::array<int, 3>> object(object_name);
  CHECK(code_of([&] { shm::array<int> numbers(object_name); }) == shm::errc::kind_mismatch);
}

TEST_CASE("elements keep what they mean, whatever the length") {
  using std::chrono::milliseconds, std::chrono::seconds;
  const support::name name;
  shm::array<milliseconds> made(shm::create_only, name, 5, milliseconds(7));
  CHECK(shm::array<milliseconds, 5>(name).load(4) == milliseconds(7));
  CHECK(shm::array<const milliseconds>(name).load(4) == milliseconds(7));
  const auto refusal = refusal_of([&] { shm::array<seconds>{name}; });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  CHECK_THAT(refusal.what(),
             ContainsSubstring("duration in ms") && ContainsSubstring("duration in s"));
  CHECK(shm::const_any_object(name).value().type_in_words() == "duration in ms");
}

TEST_CASE("elements that are arrays themselves are not taken for the array") {
  const support::name name;
  using row = std::array<std::array<int, 2>, 3>;
  shm::array<row> rows(shm::create_only, name, 4);
  rows.update(3, [](row& r) { r[2][1] = 5; });
  CHECK(shm::array<const row>(name).size() == 4);
  CHECK(shm::array<row, 4>(name).load(3)[2][1] == 5);
  CHECK(code_of([&] { shm::array<int> numbers(name); }) == shm::errc::type_mismatch);
}

TEST_CASE("types without default constructor or assignment are elements of any length, too") {
  const support::name name, bool_name;
  shm::array<fixed> numbers(shm::create_only, name, 3, fixed(4));
  numbers.store(1, fixed(5));
  const std::vector<fixed> all = numbers.snapshot();
  CHECK(all[0].number == 4);
  CHECK(all[1].number == 5);
  CHECK(shm::array<const fixed>(name).load(1).number == 5);
  shm::array<bool> flags(shm::create_only, bool_name, 10);
  flags.store(7, true);
  const std::vector<bool> seen = flags.snapshot();
  CHECK(seen.size() == 10);
  CHECK(seen[7]);
  CHECK_FALSE(seen[6]);
}

TEST_CASE("an index beyond the length that was found is out of range, and says of how many") {
  const support::name name;
  const shm::array<int, 3> made(name);
  shm::array<int> numbers(name);
  using namespace std::chrono_literals;
  CHECK_THROWS_WITH(numbers.load(3), "shm::array: index 3 of 3 elements");
  CHECK_THROWS_AS(numbers.store(3, 1), std::out_of_range);
  CHECK_THROWS_AS(numbers.store_for(1ms, 3, 1), std::out_of_range);
  CHECK_THROWS_AS(numbers.update(3, [](int&) {}), std::out_of_range);
  CHECK_THROWS_AS(numbers.update_for(1ms, 3, [](int&) {}), std::out_of_range);
  CHECK_THROWS_AS(shm::array<const int>(name).load(std::numeric_limits<std::size_t>::max()),
                  std::out_of_range);
  auto guard = numbers.lock();
  CHECK(guard.size() == 3);
  CHECK_THROWS_AS(guard[3], std::out_of_range);
  CHECK_THROWS_AS(guard.store(3, 1), std::out_of_range);
}

TEST_CASE("a section of an array of any length stores elements, and edits them in place") {
  const support::name name;
  shm::array<int> numbers(shm::create_only, name, 5);
  {
    auto guard = numbers.lock();
    guard.store(0, 10);
    gsl::span<int> raw = guard.raw();
    CHECK(raw.size() == 5);
    for (int& n : raw) n += 1;
    CHECK(std::distance(guard.begin(), guard.end()) == 5);
    CHECK_FALSE(guard.owner_died());
    CHECK(code_of([&] { static_cast<void>(numbers.load(0)); }) == shm::errc::would_deadlock);
  }
  CHECK(numbers.snapshot() == std::vector<int>{11, 1, 1, 1, 1});
}

// What a kill leaves at each step is tried with arrays of fixed length (crash/crash_points.cpp) and
// through untyped handles: the functions are the same.
TEST_CASE("a death in an array of any length is repaired, or told, as in one of fixed length") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int> numbers(shm::create_only, name, 10, 1);
  const shm::array<const int> viewer(name);
  support::dies([&] {
    shm::array<int> mine(name);
    auto guard = mine.lock();
    guard.raw()[0] = 2;
    support::die();
  });
  CHECK(code_of([&] { static_cast<void>(viewer.load(5)); }) == shm::errc::damaged);
  CHECK(code_of([&] { static_cast<void>(numbers.snapshot()); }) == shm::errc::damaged);
  auto guard = numbers.lock();
  CHECK(guard.owner_died());
  guard.store(0, 3);
  guard.mark_repaired();
  CHECK(viewer.load(0) == 3);
}

TEST_CASE("a handle of any length moves, and the array it moves to tells its own length") {
  const support::name name, other;
  shm::array<int> one(shm::create_only, name, 3, 1), two(shm::create_only, other, 4, 2);
  std::swap(one, two);
  CHECK(one.size() == 4);
  CHECK(one.load(3) == 2);
  CHECK(two.size() == 3);
  shm::array<const int> viewer(name), second(other);
  viewer = std::move(second);
  CHECK(viewer.size() == 4);
  CHECK(viewer.snapshot() == std::vector<int>{2, 2, 2, 2});
  one.update(0, [&](int& n) {
    n = 5;
    std::swap(one, two);
  });
  CHECK(two.load(0) == 5);
  CHECK(one.load(0) == 1);
}

TEST_CASE("an array of any length that is removed under its handles says so") {
  const support::name name;
  shm::array<int> numbers(shm::create_only, name, 3);
  const shm::array<const int> viewer(name);
  shm::remove(name, shm::force);
  CHECK(code_of([&] { static_cast<void>(numbers.load(0)); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(viewer.load(0)); }) == shm::errc::removed);
  CHECK(code_of([&] { numbers.store(0, 1); }) == shm::errc::removed);
}

TEST_CASE(
    "an array until_last_detach that is stale is made anew with the length that is asked for") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options brief;
  brief.lifetime = shm::lifetime::until_last_detach;
  support::dies([&] {
    const shm::array<int> mine(shm::create_only, name, 3, brief);
    support::die();
  });
  CHECK(shm::array<int>(shm::open_or_create, name, 5, brief).size() == 5);
  CHECK_FALSE(is_there(name));
}

TEST_CASE("stores of several processes into an array of any length are not lost", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  shm::array<value> values(shm::create_only, name, 300, value::of(0));
  std::vector<support::child> writers;
  for (std::size_t p = 0; p < 3; ++p) {
    writers.emplace_back([&, p] {
      shm::array<value> mine(name);
      for (std::size_t n = 0; n < 3000; ++n) {
        mine.update((n * 7 + p) % 300, [](value& v) { v = value::of(v.value() + 1); });
        if (!mine.load((n * 7 + p + 256) % 300).is_whole()) return 1;
      }
      return 0;
    });
  }
  const shm::array<const value> viewer(name);
  for (std::size_t n = 0; n < 10000; ++n) REQUIRE(viewer.load(n % 300).is_whole());
  for (auto& writer : writers) CHECK(writer.wait() == 0);
  std::uint64_t sum = 0;
  for (const value& v : values.snapshot()) sum += v.value();
  CHECK(sum == 3 * 3000);
  CHECK(values.version() == 3 * 3000);
}

TEST_CASE("an array of any length is seen by untyped handles, and by the list, as every other") {
  const support::name name;
  shm::array<telemetry> cars(shm::create_only, name, 6);
  cars.store(2, {1, 2});
  const shm::const_any_object any(name.key());
  CHECK(any.kind() == shm::object_kind::array);
  CHECK(any.size() == 6);
  CHECK(any.version() == 1);
  CHECK(any.type() == shm::detail::array_schema_of<telemetry, 6>());
}
