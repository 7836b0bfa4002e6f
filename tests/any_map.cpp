// Any map: a map that is listed, read and changed without its type.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <set>
#include <shm.hpp>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using support::code_of;
using support::telemetry;
using cars = shm::map<std::uint64_t, telemetry, 10>;

namespace {

gsl::span<const std::byte> bytes_of(const std::uint64_t& key) {
  return gsl::as_bytes(gsl::span<const std::uint64_t>(&key, 1));
}

telemetry value_in(const shm::const_any_object& map, gsl::span<const std::byte> entry) {
  telemetry value;
  std::memcpy(&value, entry.data() + map.value().members[1].offset, sizeof value);
  return value;
}

}  // namespace

TEST_CASE("a map tells its kind, its room, its fields and its version without its type") {
  const support::name name;
  cars typed(name);
  typed.insert(7, {1.5, 2});
  const shm::const_any_object any(name);
  CHECK(any.kind() == shm::object_kind::map);
  CHECK(any.size() == 10);
  CHECK(any.version() == 1);
  REQUIRE(any.value().members.size() == 2);
  CHECK(any.value().members[0].name == "key");
  CHECK(any.value().members[0].type == shm::field_type::uint64);
  CHECK(any.value().members[1].name == "value");
  CHECK(shm::find_field(any.value(), "value.gear"));
  CHECK_FALSE(shm::find_field(any.value(), "reach"));

  const auto all = shm::list();
  const auto info = std::find_if(all.begin(), all.end(),
                                 [&](const auto& one) { return one.name == name.text(); });
  REQUIRE(info != all.end());
  CHECK(info->kind == shm::object_kind::map);
  CHECK(info->count == 10);
  CHECK(info->entries == 1);
  CHECK(info->version == 1);
  CHECK(info->problem.empty());
}

TEST_CASE("entries are found by the bytes of their key, and all of them taken at once") {
  const support::name name;
  cars typed(name);
  for (std::uint64_t key = 1; key <= 10; ++key) typed.insert(key, {0, static_cast<int>(key)});
  typed.erase(4);
  const shm::const_any_object any(name);
  const auto entry = any.find(bytes_of(7));
  REQUIRE(entry);
  CHECK(entry->size() == any.element_size());
  CHECK(value_in(any, *entry).gear == 7);
  CHECK_FALSE(any.find(bytes_of(4)));
  const auto bytes = any.snapshot();
  REQUIRE(bytes.size() == 9 * any.element_size());
  std::set<int> gears;
  for (std::size_t i = 0; i < 9; ++i) {
    gears.insert(value_in(any, gsl::span<const std::byte>(bytes).subspan(i * any.element_size(),
                                                                         any.element_size()))
                     .gear);
  }
  CHECK(gears == std::set<int>{1, 2, 3, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("an entry is updated without its type, and nothing but its value") {
  const support::name name;
  cars typed(name);
  typed.insert(7, {1.5, 2});
  shm::any_object any(name);
  const auto change = [&](std::uint64_t key, bool commit) {
    return any.try_update_entry_for(1s, bytes_of(key), [&](gsl::span<std::byte> entry) {
      std::fill(entry.begin(), entry.end(), std::byte{0});  // key and all
      return commit;
    });
  };
  CHECK(change(8, true) == false);
  CHECK(change(7, false) == false);
  CHECK(typed.find(7)->gear == 2);
  CHECK(change(7, true) == true);
  CHECK(typed.find(7)->gear == 0);
  CHECK(typed.size() == 1);
  CHECK(typed.version() == 2);
  any.mark_repaired();  // there is nothing to repair, and nothing to refuse
}

TEST_CASE("what a map cannot do without its type is refused") {
  const support::name name, other;
  cars typed(name);
  typed.insert(7, {1.5, 2});
  shm::object<int> object(other);
  shm::any_object any(name), no_map(other);
  CHECK_THROWS_AS(any.read().load(), std::out_of_range);
  CHECK_THROWS_WITH(any.read().load(), ContainsSubstring("look for a key"));
  CHECK_THROWS_AS(any.update([](gsl::span<std::byte>) { return true; }), std::out_of_range);
  const auto keep = [](gsl::span<std::byte>) { return true; };
  const std::array<std::byte, 3> short_key{};
  CHECK_THROWS_WITH(any.read().find(short_key), ContainsSubstring("3 bytes for a key of 8"));
  CHECK_THROWS_AS(any.try_update_entry_for(1s, short_key, keep), std::invalid_argument);
  CHECK_THROWS_WITH(no_map.read().find(bytes_of(7)), ContainsSubstring("only a map has keys"));
  shm::remove(name, shm::force);
  CHECK(code_of([&] { static_cast<void>(any.read().find(bytes_of(7))); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(any.read().snapshot()); }) == shm::errc::removed);
}

TEST_CASE("an update of an entry gives up when somebody holds the lock for so long") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton inside, leave;
  cars typed(name);
  typed.insert(7, {1.5, 2});
  support::child holder([&] {
    cars(name).update(7, [&](telemetry&) {
      inside.pass();
      leave.await();
    });
    return 0;
  });
  inside.await();
  shm::any_object any(name);
  const auto keep = [](gsl::span<std::byte>) { return true; };
  CHECK_FALSE(any.try_update_entry_for(5ms, bytes_of(7), keep));
  leave.pass();
  CHECK(holder.wait() == 0);
  CHECK(any.try_update_entry_for(10s, bytes_of(7), keep) == true);
}

TEST_CASE("changes with and without the type are whole for each other, and none is lost",
          "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  using value = support::uniform<20>;
  using map = shm::map<std::uint64_t, value, 4>;
  constexpr std::uint64_t times = 5000;
  map typed(name);
  for (std::uint64_t key = 0; key < 4; ++key) typed.insert(key, value::of(0));
  support::child with_type([&] {
    map mine(name);
    for (std::uint64_t n = 0; n < times; ++n) {
      mine.update(n % 4, [](value& v) { v = value::of(v.value() + 1); });
    }
    return 0;
  });
  support::child without_type([&] {
    shm::any_object mine(name);
    const auto offset = static_cast<std::size_t>(mine.read().value().members[1].offset);
    for (std::uint64_t n = 0; n < times; ++n) {
      const auto added =
          mine.try_update_entry_for(60s, bytes_of(n % 4), [&](gsl::span<std::byte> entry) {
            value v;
            std::memcpy(&v, entry.data() + offset, sizeof v);
            v = value::of(v.value() + 1);
            std::memcpy(entry.data() + offset, &v, sizeof v);
            return true;
          });
      if (added != true) return 1;
    }
    return 0;
  });
  const shm::map<std::uint64_t, const value, 4> eye(name);
  const shm::const_any_object any(name);
  const auto offset = static_cast<std::size_t>(any.value().members[1].offset);
  while (with_type.is_alive() || without_type.is_alive()) {
    for (std::uint64_t key = 0; key < 4; ++key) {
      REQUIRE(eye.find(key)->is_whole());
      value v;
      std::memcpy(&v, any.find(bytes_of(key))->data() + offset, sizeof v);
      REQUIRE(v.is_whole());
    }
  }
  CHECK(with_type.wait() == 0);
  CHECK(without_type.wait() == 0);
  for (std::uint64_t key = 0; key < 4; ++key) CHECK(eye.find(key)->value() == times / 2);
  CHECK(any.version() == 4 + 2 * times);
}

TEST_CASE("changing a map without its type repairs what a dead writer left") {
  const support::name name;
  cars typed(name);
  typed.insert(7, {1.5, 2});
  support::memory_of memory(name);
  // As a writer that died right after the commit of an erasure leaves it, but for the slot.
  using memory_type = shm::detail::table_memory<std::uint64_t, telemetry, 10>;
  auto& table = *static_cast<memory_type*>(memory.payload());
  table.counts.next_size = 0;
  table.counts.next_version = 2;
  table.counts.committing = table.slots.sequences[0].load();
  table.counts.changing = 1;
  CHECK(typed.size() == 0);
  CHECK(typed.version() == 2);
  for (const shm::object_info& one : shm::list()) {
    if (one.name != name.text()) continue;
    CHECK(one.entries == 0);
    CHECK(one.version == 2);
  }
  shm::any_object any(name);
  CHECK(any.read().version() == 2);
  CHECK(any.try_update_entry_for(1s, bytes_of(9), [](gsl::span<std::byte>) { return true; }) ==
        false);
  CHECK(table.counts.changing == 0);
  CHECK(table.counts.size == 0);
  CHECK(memory.head().version == 2);
  table.counts.changing = 1000;
  CHECK(code_of([&] { any.mark_repaired(); }) == shm::errc::corrupt);
}
