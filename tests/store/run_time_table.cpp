// Run-time table: its parts lie where the compiler puts them, and a key begins at the same slot.
// SPDX-License-Identifier: MIT
#include <array>
#include <memory>
#include <set>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/types.hpp"

using namespace shm::detail;

namespace {

struct alignas(128) wide {
  std::uint64_t words[16];
};
struct inner {
  BOOST_HANA_DEFINE_STRUCT(inner, (std::uint16_t, a), (std::uint16_t, b));
};
struct outer {
  BOOST_HANA_DEFINE_STRUCT(outer, (std::uint32_t, number), (inner, both));
};

template <class Key, class Value, std::size_t N>
void check_places() {
  using memory = table_memory<Key, Value, N>;
  using shape = slot_shape<Key, Value>;
  const auto& type = array_schema_of<slot<Key, Value>, N>();
  INFO(type.format());
  const auto parsed = format_parser::parse(type.format());
  REQUIRE(parsed);
  const auto found_shape = run_time_slot_shape::of(parsed->value);
  REQUIRE(found_shape);
  CHECK(found_shape->key_at == shape::key_at);
  CHECK(found_shape->key_size == shape::key_size);
  CHECK(found_shape->value_at == shape::value_at);
  CHECK(found_shape->value_size == shape::value_size);
  const run_time_table_shape table(N, sizeof(slot<Key, Value>), type.alignment());
  const auto typed = std::make_unique<memory>();
  auto* const start = static_cast<std::byte*>(static_cast<void*>(typed.get()));
  const run_time_table_memory<std::byte> found(start, table);
  CHECK(table.payload_size == sizeof(memory));
  CHECK(&found.counts == &typed->counts);
  CHECK(found.slots.count == slots_for(N));
  CHECK(found.slots.elements == typed->slots.elements);
  CHECK(found.slots.journal == typed->slots.journal);
}

}  // namespace

TEST_CASE("a run-time table has its parts where the compiler puts them") {
  check_places<std::uint64_t, support::telemetry, 1>();
  check_places<std::uint64_t, support::telemetry, 300>();
  check_places<bool, char, 3>();
  check_places<std::array<char, 13>, double, 64>();
  check_places<outer, std::array<short, 5>, 7>();
  check_places<std::uint16_t, wide, 10>();
  check_places<wide, char, 10>();
}

TEST_CASE("what is no slot of a map is not taken for one") {
  for (const char* const format :
       {"T{<I:reach:<I:state:<q:key:}", "T{<I:reach:<I:state:<q:value:<q:key:}",
        "T{<I:state:<I:reach:<q:key:<q:value:}", "T{<H:reach:2x<I:state:<q:key:<q:value:}",
        "T{>I:reach:<I:state:<q:key:<q:value:}", "T{(1)<I:reach:<I:state:<q:key:<q:value:}",
        "T{<I:reach:4x<I:state:<q:key:<q:value:}", "T{<I:reach:<I:state:(0)<q:key:8x<q:value:}",
        "<q"}) {
    INFO(format);
    const auto parsed = format_parser::parse(format);
    REQUIRE(parsed);
    CHECK_FALSE(run_time_slot_shape::of(parsed->value));
  }
}

TEST_CASE("numbers of slots tell numbers of entries apart") {
  std::set<std::size_t> seen;
  for (std::size_t entries = 1; entries < 1000; ++entries) {
    CHECK(seen.insert(slots_for(entries)).second);
    CHECK(slots_for(entries) >= entries);
  }
}

TEST_CASE("the hash of a key is part of the memory layout") {
  const auto hash = [](const char* text, std::size_t size) {
    return hash_of_key(static_cast<const std::byte*>(static_cast<const void*>(text)), size);
  };
  // Other figures would be another layout: programs would miss each other's entries.
  CHECK(hash("a", 1) == 0x86725bdf173ea0c6);
  CHECK(hash("abcdefgh", 8) == 0x4c54552b1cd18d46);
  CHECK(hash("abcdefghi", 9) == 0x34321d8e074f5b45);
  CHECK(home_of_hash(0, 1500) == 0);
  CHECK(home_of_hash(~std::uint64_t{0}, 1500) == 1499);
}
