// Hostile array: the segment lies about its length, and no handle leaves the segment.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <shm.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/exchanged_description.hpp"
#include "support/guarded_attach.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using namespace std::chrono_literals;
using support::code_of;
using support::memory_of;
using support::try_it;
using word = std::int64_t;

namespace {

constexpr std::size_t made = 20;
constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

/// What somebody writes into the description, with a fingerprint that is right.
struct lie {
  std::string text;
  std::size_t type_size;
  std::size_t payload_size;
};

void tell(const memory_of& memory, const lie& told) {
  description& facts = memory.head().fixed;
  facts.schema_length = static_cast<std::uint32_t>(told.text.size());
  facts.type_size = told.type_size;
  facts.fingerprint = shm::schema(told.text, told.type_size, alignof(word)).fingerprint();
  facts.payload_size = told.payload_size;
  const std::size_t at = sizeof(header) + facts.seats * sizeof(seat_entry);
  std::memcpy(memory.bytes() + at, told.text.data(), told.text.size());
}

std::size_t payload_of(std::size_t elements) {
  return run_time_array_shape::of<word>(elements).payload_size;
}

lie of_count(const std::string& count, std::size_t elements) {
  return {'(' + count + ")<q", elements * sizeof(word), payload_of(elements)};
}

/// A program that believes what the segment tells of its length.
void use_any_length(const shm::key& key) {
  shm::options how;
  how.open_timeout = 50ms;
  try_it([&] {
    shm::array<word> array(key, how);
    for (const std::size_t i : {std::size_t{0}, array.size() - 1, std::size_t{499}}) {
      try_it([&] { static_cast<void>(array.load(i)); });
      try_it([&] { array.store(i, 0x4141414141414141); });
      try_it([&] { array.update(i, [](word& n) { ++n; }); });
    }
    try_it([&] { static_cast<void>(array.snapshot()); });
    try_it([&] {
      auto guard = array.try_lock_for(50ms);
      if (!guard) return;
      for (word& n : guard->raw()) n = 5;
      guard->mark_repaired();
    });
    static_cast<void>(array.version());
  });
  try_it([&] {
    const shm::array<const word> array(key, how);
    static_cast<void>(array.load(array.size() - 1));
    static_cast<void>(array.snapshot());
    static_cast<void>(array.version());
  });
}

}  // namespace

TEST_CASE("a length that is not that of the memory is refused, whatever else agrees with it") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options one_seat;
  one_seat.seats = 1;
  { const shm::array<word> array(shm::create_only, name, made, one_seat); }
  const memory_of memory(name);
  const lie truth = of_count(std::to_string(made), made);
  const std::size_t wraps_to_20 = (std::size_t{1} << 61) + made;  // times 8
  const lie lies[] = {
      of_count("25", 25),
      of_count("19", made),
      of_count("21", made),
      of_count("2000", 2000),
      of_count("0", 0),
      of_count("0", made),
      of_count("", made),
      of_count("020", made),
      of_count("+20", made),
      of_count("-1", made),
      of_count(" 20", made),
      of_count("20,1", made),
      of_count(std::to_string(wraps_to_20), made),
      of_count(std::to_string(most), most),
      of_count(std::to_string(most), made),
      of_count(std::to_string(most) + "0", made),
      of_count(std::to_string(most / 8), most / 8),
      of_count(std::string(40, '9'), made),
      {"(20<q", truth.type_size, truth.payload_size},
      {"(20", truth.type_size, truth.payload_size},
      {"(", truth.type_size, truth.payload_size},
      {"", truth.type_size, truth.payload_size},
      {"<q", sizeof(word), truth.payload_size},
      {"(20)<d", truth.type_size, truth.payload_size},
      {"(40)<i", truth.type_size, truth.payload_size},
      {truth.text, truth.type_size + 1, truth.payload_size},
      {truth.text, 0, truth.payload_size},
      {truth.text, truth.type_size, 0},
      {truth.text, truth.type_size, truth.payload_size + 64},
      {truth.text, truth.type_size, truth.payload_size - 64},
  };
  for (const lie& told : lies) {
    CAPTURE(told.text, told.type_size, told.payload_size);
    tell(memory, told);
    const auto is_refused = [](std::error_code code) {
      return code == shm::errc::type_mismatch || code == shm::errc::corrupt;
    };
    CHECK(is_refused(code_of([&] { shm::array<word> mine(name, one_seat); })));
    CHECK(is_refused(code_of([&] { shm::array<const word> viewer(name, one_seat); })));
    CHECK(is_refused(
        code_of([&] { shm::array<word> mine(shm::open_or_create, name, made, one_seat); })));
  }
  tell(memory, truth);
  CHECK(shm::array<word>(name).size() == made);
  CHECK(shm::array<const word>(name).size() == made);
}

TEST_CASE(
    "a handle of any length stays in its segment, whenever somebody exchanges its description") {
  const support::watchdog watchdog(100);
  support::exchange_at_every_step(use_any_length);
}

TEST_CASE("a length is not read a second time, after the array was opened") {
  const support::name name;
  shm::array<word> array(shm::create_only, name, made, 3);
  const shm::array<const word> viewer(name);
  const memory_of memory(name);
  tell(memory, of_count("99", 99));
  CHECK(array.size() == made);
  CHECK(viewer.size() == made);
  CHECK(array.snapshot().size() == made);
  CHECK_THROWS_AS(viewer.load(made), std::out_of_range);
  CHECK(array.lock().size() == made);
}
