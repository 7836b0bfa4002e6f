// Hostile map: somebody scribbles over a map; others get errors, nonsense, and an end in any case.
// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <shm.hpp>
#include <thread>

#include "support/at_step.hpp"
#include "support/catch.hpp"
#include "support/colliding_keys.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;

namespace {

constexpr std::size_t room = 8, slots = slots_for(room);
using value = support::uniform<20>;
using map = shm::map<std::uint64_t, value, room>;
using viewer = shm::map<std::uint64_t, const value, room>;
using memory_type = table_memory<std::uint64_t, value, room>;

/// The bookkeeping of a map, as every process that may write finds it.
class scribbler {
 public:
  explicit scribbler(const shm::key& name) : memory_(name) {}

  memory_type& table() const { return *static_cast<memory_type*>(memory_.payload()); }
  void store_head(std::size_t i, std::uint32_t reach, std::uint32_t state) const {
    const slot_head head{reach, static_cast<slot_state>(state)};
    std::memcpy(table().slots.elements + i * table().slots.element_size, &head, sizeof head);
  }

 private:
  support::memory_of memory_;
};

/// All that can be done with it. What it says is worth nothing, but it ends.
void use(map& hand, const viewer& eye, std::uint64_t key) {
  const std::error_code refused = code_of([&] {
    static_cast<void>(eye.find(key));
    const std::size_t size = eye.size();
    REQUIRE(size <= room);
    static_cast<void>(hand.find(key));
    hand.insert_or_assign(key, value::of(key));
    hand.update(key, [](value& v) { v = value::of(1); });
    const std::size_t entries = hand.snapshot().size();  // may be refused
    REQUIRE(entries <= slots);
    hand.erase(key);
    hand.insert(key + 1, value::of(key));
  });
  const bool expected = !refused || refused == shm::errc::corrupt ||
                        refused == shm::errc::limit_reached || refused == shm::errc::timed_out;
  INFO(refused.message());
  REQUIRE(expected);
}

}  // namespace

TEST_CASE("a reach beyond all slots costs a look at each slot, and hides nothing") {
  const support::watchdog watchdog(20);
  const support::name name;
  map hand(name);
  const viewer eye(name);
  const auto keys = support::keys_at(2, room, 3);
  for (const std::uint64_t key : keys) hand.insert(key, value::of(key));
  const scribbler other(name);
  other.store_head(2, ~std::uint32_t{0}, 1);
  for (const std::uint64_t key : keys) CHECK(eye.find(key)->value() == key);
  CHECK_FALSE(eye.contains(0));
  CHECK(hand.erase(keys[2]));  // and the reach is what it has to be again
  slot_head head;
  std::memcpy(&head, other.table().slots.elements + 2 * other.table().slots.element_size,
              sizeof head);
  CHECK(head.reach == 1);
}

TEST_CASE("a slot in a state that there is not holds no entry") {
  const support::name name;
  map hand(name);
  const auto key = support::keys_at(3, room, 1)[0];
  hand.insert(key, value::of(1));
  const scribbler other(name);
  other.store_head(3, 0, 77);
  CHECK_FALSE(hand.contains(key));
  CHECK(hand.snapshot().empty());
  CHECK(hand.insert(key, value::of(2)));
  CHECK(hand.find(key)->value() == 2);
}

TEST_CASE("a note of a change that names no slot is corrupt, and readers pass it by") {
  const support::name name;
  map hand(name);
  const viewer eye(name);
  hand.insert(1, value::of(1));
  const scribbler other(name);
  SECTION("a change") {
    other.table().counts.changing = slots + 1;
  }
  SECTION("the journal") {
    other.table().slots.journal_index = slots + 1;
  }
  CHECK(eye.size() == 1);
  CHECK(eye.find(1)->value() == 1);
  CHECK(code_of([&] { hand.insert(2, value::of(2)); }) == shm::errc::corrupt);
  CHECK(code_of([&] { static_cast<void>(hand.snapshot()); }) == shm::errc::corrupt);
  CHECK(code_of([&] { hand.erase(1); }) == shm::errc::corrupt);
  CHECK_THROWS_WITH(hand.erase(1), ContainsSubstring("shm::remove(name, shm::force)"));
}

TEST_CASE("a wrong size is bounded, and no more entries are taken than there are slots") {
  const support::watchdog watchdog(20);
  const support::name name;
  map hand(name);
  const viewer eye(name);
  const scribbler other(name);
  other.table().counts.size = ~std::uint64_t{0};
  CHECK(eye.size() == room);
  CHECK(hand.snapshot().empty());
  CHECK(code_of([&] { hand.insert(1, value::of(1)); }) == shm::errc::limit_reached);
  std::error_code refused;
  std::uint64_t key = 0;
  for (; !refused && key < 2 * slots; ++key) {
    other.table().counts.size = 0;
    refused = code_of([&] { hand.insert(key, value::of(key)); });
  }
  CHECK(refused == shm::errc::corrupt);
  CHECK(key == slots + 1);
  other.table().counts.size = 0;
  CHECK(hand.erase(0));
  CHECK(hand.size() == 0);
}

TEST_CASE("a lookup and a snapshot end, whatever somebody writes at each of their steps") {
  const support::watchdog watchdog(20);
  const support::name name;
  shm::options brief;
  brief.open_timeout = std::chrono::milliseconds(5);
  map hand(name);
  const viewer eye(name, brief);
  for (std::uint64_t key = 0; key < room; ++key) hand.insert(key, value::of(key));
  const scribbler other(name);
  {
    const support::at_step scribble("read: copied", [&] {
      for (auto& sequence : other.table().slots.sequences) ++sequence;
    });
    CHECK(code_of([&] { static_cast<void>(hand.find(3)); }) == shm::errc::corrupt);
    CHECK(code_of([&] { static_cast<void>(hand.contains(3)); }) == shm::errc::corrupt);
    CHECK(code_of([&] { static_cast<void>(hand.snapshot()); }) == shm::errc::corrupt);
    CHECK(code_of([&] { static_cast<void>(eye.snapshot()); }) == shm::errc::timed_out);
  }
  CHECK(hand.find(3)->value() == 3);  // and nobody is left with the lock
  CHECK(hand.erase(3));
}

TEST_CASE("a lookup that is lapped while another handle has the lock ends when the lapping does") {
  const support::watchdog watchdog(20);
  const support::name name;
  map hand(name), holder(name);
  const viewer eye(name);
  hand.insert(1, value::of(1));
  const scribbler other(name);
  int laps = 0, removal = 0;
  const auto lapped = [&](const auto& reader) {
    std::error_code refused;
    holder.update(1, [&](value&) {
      const support::at_step lap("read: copied", [&] {
        if (++laps == removal) shm::remove(name, shm::force);
        if (laps > 500) return;
        for (auto& sequence : other.table().slots.sequences) sequence += 2;
      });
      refused = code_of([&] {
        const auto found = reader.find(1);
        CHECK(found->value() == 1);
      });
    });
    return refused;
  };
  CHECK(lapped(hand) == std::error_code());
  CHECK(laps == 501);
  laps = 0;
  CHECK(lapped(eye) == std::error_code());
  CHECK(laps == 501);
  laps = 0;
  removal = 300;
  CHECK(lapped(hand) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(eye.find(1)); }) == shm::errc::removed);
}

TEST_CASE("whatever is written over a map, using it ends, and stays inside the segment") {
  const support::watchdog watchdog(120);
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    const support::name name;
    map hand(name);
    const viewer eye(name);
    for (std::uint64_t key = 0; key < room; ++key) hand.insert(key, value::of(key));
    const scribbler other(name);
    auto* const bytes = static_cast<std::byte*>(static_cast<void*>(&other.table()));
    for (int scribble = 0; scribble < 20; ++scribble) {
      // Half of them into the words of the map, the others anywhere.
      const std::size_t end = scribble % 2 == 0 ? 256 : sizeof(memory_type);
      const std::uint64_t word = random() % 3 == 0 ? random() : random() % (2 * slots);
      const std::size_t at = random() % (end / 8) * 8;
      std::memcpy(bytes + at, &word, sizeof word);
      use(hand, eye, random() % 20);
    }
  }
}

TEST_CASE("a map can be used beside a thread that scribbles all the time", "[slow]") {
  const support::watchdog watchdog(120);
  const support::name name;
  shm::options brief;
  brief.open_timeout = std::chrono::milliseconds(5);
  map hand(name);
  const viewer eye(name, brief);
  const scribbler other(name);
  std::atomic<bool> stop{false};
  std::thread thread([&] {
    std::mt19937_64 random(4);
    while (!stop) {
      const std::size_t which = random() % 6;
      auto& table = other.table();
      std::atomic<std::uint64_t>* const words[] = {
          &table.counts.size,         &table.counts.next_size,
          &table.counts.committing,   &table.counts.changing,
          &table.slots.journal_index, &table.slots.sequences[random() % stripes_for(slots)]};
      *words[which] = random() % (2 * slots);
      const std::size_t slot = random() % slots;
      std::atomic_thread_fence(std::memory_order_seq_cst);
      __atomic_store_n(static_cast<std::uint64_t*>(static_cast<void*>(
                           table.slots.elements + slot * table.slots.element_size)),
                       random() % 2 == 0 ? random() : random() % slots | std::uint64_t{1} << 32,
                       __ATOMIC_RELAXED);
      std::this_thread::yield();
    }
  });
  std::mt19937_64 random(5);
  for (int n = 0; n < 20000; ++n) use(hand, eye, random() % 20);
  stop = true;
  thread.join();
}
