// Table: keys and values in journalled slots, found without a lock beside changes and the dead.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../base/crash_point.hpp"
#include "../base/shared_bytes.hpp"
#include "../schema/slot.hpp"
#include "journalled_array.hpp"
#include "key_hash.hpp"

namespace shm::detail {

/// One in three stays free, so that few keys lie far from where their lookup begins. Of each number
/// of slots it is known of how many entries.
constexpr std::size_t slots_for(std::size_t entries) noexcept {
  return entries + entries / 2;
}

/// The number of entries, and the change in progress. Once the slot of the change is committed, the
/// next size is the size, and the next version is the version, whether or not the writer lived to
/// store them.
struct table_counts {
  alignas(cache_line) std::atomic<std::uint64_t> size;
  std::atomic<std::uint64_t> next_size;
  std::atomic<std::uint64_t> next_version;
  std::atomic<std::uint64_t> committing;  ///< the sequence number that commits the change
  std::atomic<std::uint64_t> changing;    ///< 0: no change; else 1 + the slot
};

/// What a map of N entries looks like in the payload. Constant initialised to zero: empty.
template <class Key, class Value, std::size_t N>
struct table_memory {
  table_counts counts;
  array_memory<slot<Key, Value>, slots_for(N)> slots;
};

enum class lookup { found, absent, lapped };

/// Memory: a table_memory, or a run_time_table_memory. Shape: a slot_shape, or a
/// run_time_slot_shape. Never waits.
template <class Memory, class Shape>
class table_view {
 public:
  using array_type = decltype(Memory::slots);
  using slots_view = journalled_array_view<
      std::conditional_t<std::is_const_v<Memory>, const array_type, array_type>>;

  table_view(Memory& memory, const Shape& shape) noexcept
      : memory_(memory), slots_(memory.slots), shape_(shape) {}

  /// Looks at the slots that the key may lie in, and copies the value of that key, unless `to` is
  /// null. Gives up when writers changed slots meanwhile that often.
  lookup find(const std::byte* key, void* to, int most_laps) const noexcept {
    const std::size_t home = home_of(key);
    std::size_t reach = 0;
    for (std::size_t distance = 0; distance <= reach; ++distance) {
      slot_head head{};
      bool matches = false;
      while (!slots_.try_read_by(behind(home, distance), [&](const std::byte* from) {
        head = head_in(from);
        matches = head.state == slot_state::used && has_key(from, key);
        if (matches && to != nullptr) copy_value(to, from);
      })) {
        if (--most_laps == 0) return lookup::lapped;
      }
      if (matches) return lookup::found;
      if (distance == 0) reach = checked_reach(head);
    }
    return lookup::absent;
  }

  /// How many entries there are. False: a change began or ended meanwhile.
  bool try_size(std::uint64_t& size) const noexcept {
    return try_number(memory_.counts.size, memory_.counts.next_size, size);
  }

  /// How many changes there were; `stored` is the version in the header. False: a change began or
  /// ended meanwhile.
  bool try_version(const std::atomic<std::uint64_t>& stored,
                   std::uint64_t& version) const noexcept {
    return try_number(stored, memory_.counts.next_version, version);
  }

  /// The words that a change changes before it is announced, as they are now. To be read before the
  /// version.
  futex_list<3> words_of_change() const noexcept {
    futex_list<3> words;
    // Acquire: the sequence is that of this change, or of a later one.
    const std::uint64_t changing = memory_.counts.changing.load(std::memory_order_acquire);
    words.add(low_half(memory_.counts.changing, changing));
    if (changing != 0 && changing <= slots()) {
      words.add(slots_.seen_sequence(static_cast<std::size_t>(changing - 1)));
    }
    return words;
  }

  /// Calls take(slot) for each entry, whose bytes may change meanwhile. False: some did, so it was
  /// not one moment, and what was taken is worthless.
  template <class Take>
  bool try_take_all(Take take) const {
    std::uint64_t before[array_type::most_stripes];
    for (std::size_t s = 0; s < memory_.slots.stripes; ++s) before[s] = slots_.sequence(s);
    for (std::size_t i = 0; i < memory_.slots.count; ++i) {
      const bool is_whole = slots_.try_read_by(i, [&](const std::byte* from) {
        if (head_in(from).state == slot_state::used) take(from);
      });
      if (!is_whole) return false;
    }
    // try_read_by ends with an acquire fence: every slot was read before this second look.
    for (std::size_t s = 0; s < memory_.slots.stripes; ++s) {
      if (slots_.sequence(s) != before[s]) return false;
    }
    return true;
  }

 protected:
  static constexpr std::size_t alignment = array_type::element_alignment;

  /// Copied once; what it says is not checked.
  static slot_head head_in(const std::byte* slot) noexcept {
    slot_head head;
    load_shared<alignment>(&head, slot, sizeof head);
    return head;
  }

  std::size_t slots() const noexcept { return memory_.slots.count; }
  std::size_t home_of(const std::byte* key) const noexcept {
    return home_of_hash(hash_of_key(key, shape_.key_size), slots());
  }
  /// Behind the last slot comes the first.
  std::size_t behind(std::size_t home, std::size_t distance) const noexcept {
    const std::size_t i = home + distance;
    return i < slots() ? i : i - slots();
  }
  std::size_t checked_reach(slot_head head) const noexcept {
    return std::min<std::size_t>(head.reach, slots() - 1);
  }
  bool has_key(const std::byte* slot, const std::byte* key) const noexcept {
    return equals_shared<Shape::key_alignment>(slot + shape_.key_at, key, shape_.key_size);
  }
  std::uint64_t sequence_of(std::size_t i) const noexcept {
    return slots_.sequence(i % memory_.slots.stripes);
  }

  Memory& memory_;
  slots_view slots_;
  Shape shape_;

 private:
  using number = std::atomic<std::uint64_t>;

  struct change_seen {
    std::uint64_t changing, committing, now, next;

    friend bool operator==(const change_seen& a, const change_seen& b) noexcept {
      return a.changing == b.changing && a.committing == b.committing && a.now == b.now &&
             a.next == b.next;
    }
  };

  change_seen look_at_change(const number& now, const number& next) const noexcept {
    const table_counts& counts = memory_.counts;
    change_seen seen{};
    // Acquire: 0 comes with the number that the change before left; else the other words are of
    // that change, or of a later one.
    seen.changing = counts.changing.load(std::memory_order_acquire);
    seen.committing = counts.committing.load(std::memory_order_relaxed);
    // Acquire: what the caller reads next is not older than the number it was told.
    seen.now = now.load(std::memory_order_acquire);
    seen.next = next.load(std::memory_order_relaxed);
    return seen;
  }

  /// A number that counts from the commit of the slot on, and is stored later.
  bool try_number(const number& now, const number& next, std::uint64_t& found) const noexcept {
    const change_seen before = look_at_change(now, next);
    if (before.changing == 0 || before.changing > memory_.slots.count) {
      found = before.now;
      return true;
    }
    // Committed or not when this was read: the number was the one or the other then.
    const std::uint64_t sequence = sequence_of(static_cast<std::size_t>(before.changing - 1));
    crash_point("map: sequence of the change read");
    found = sequence == before.committing ? before.next : before.now;
    // Acquire fence: were a word of a later change seen above, that change would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    return look_at_change(now, next) == before;
  }

  void copy_value(void* to, const std::byte* slot) const noexcept {
    load_shared<Shape::value_alignment>(to, slot + shape_.value_at, shape_.value_size);
  }
};

}  // namespace shm::detail
