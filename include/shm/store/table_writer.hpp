// Table writer: how the holder of the lock changes a table, one journalled slot after the other.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "../sync/announcement.hpp"
#include "table.hpp"

namespace shm::detail {

/// For the holder of the lock alone. `draft` is private memory for one slot.
///
/// An entry stays in its slot. A lookup begins at the home of its key and goes as far as the home's
/// reach says. So the reach is raised before an entry is stored beyond it, and lowered only after
/// one was erased: at every step it covers all entries of that home.
template <class Memory, class Shape>
class table_writer : private table_view<Memory, Shape> {
  using base = table_view<Memory, Shape>;

 public:
  static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

  /// The version in the header is the number of changes so far.
  table_writer(Memory& memory, const Shape& shape, header& head) noexcept
      : base(memory, shape), head_(head) {}

  struct place {
    std::size_t home = 0;
    std::size_t slot = nowhere;       ///< where the key lies
    std::size_t free_slot = nowhere;  ///< the nearest within reach, if the key lies nowhere

    bool is_found() const noexcept { return slot != nowhere; }
  };

  place find(const std::byte* key) const noexcept {
    place found{base::home_of(key), nowhere, nowhere};
    const std::size_t reach = reach_of(found.home);
    for (std::size_t distance = 0; distance <= reach; ++distance) {
      const std::size_t i = base::behind(found.home, distance);
      const bool is_used = head_of(i).state == slot_state::used;
      if (!is_used && found.free_slot == nowhere) found.free_slot = i;
      if (is_used && base::has_key(bytes_of(i), key)) {
        found.slot = i;
        break;
      }
    }
    return found;
  }

  std::uint64_t size() const noexcept {
    return base::memory_.counts.size.load(std::memory_order_relaxed);
  }

  void copy_slot(std::size_t i, std::byte* draft) const noexcept {
    load_shared<base::alignment>(draft, bytes_of(i), base::memory_.slots.element_size);
  }

  /// The value of an entry that is there.
  void replace(std::size_t i, const std::byte* draft) noexcept { change(i, draft, size()); }

  /// Precondition: the key lies nowhere. fill(draft) writes key and value. False: no slot is free.
  template <class Fill>
  bool insert(const place& where, std::byte* draft, Fill fill) noexcept {
    std::size_t target = where.free_slot;
    if (target == nowhere) {
      std::size_t distance = reach_of(where.home) + 1;
      while (distance < base::slots() && is_used(base::behind(where.home, distance))) ++distance;
      if (distance >= base::slots()) return false;
      set_reach(where.home, distance, draft);
      target = base::behind(where.home, distance);
    }
    const slot_head head{head_of(target).reach, slot_state::used};
    std::memset(draft, 0, base::memory_.slots.element_size);
    std::memcpy(draft, &head, sizeof head);
    fill(draft);
    change(target, draft, size() + 1);
    return true;
  }

  void erase(const place& where, std::byte* draft) noexcept {
    const slot_head head{head_of(where.slot).reach, slot_state::free};
    std::memset(draft, 0, base::memory_.slots.element_size);
    std::memcpy(draft, &head, sizeof head);
    change(where.slot, draft, std::max<std::uint64_t>(size(), 1) - 1);
    const std::size_t needed = needed_reach(where.home, draft);
    if (needed < reach_of(where.home)) set_reach(where.home, needed, draft);
  }

  /// At every acquisition of the lock. Killed at any step, the next one does it again. False: the
  /// words make no sense.
  bool repair() noexcept {
    // Relaxed: only holders change them, and the lock orders holders.
    const std::uint64_t changing = base::memory_.counts.changing.load(std::memory_order_relaxed);
    if (changing > base::slots()) return false;
    if (changing != 0) {
      const table_counts& counts = base::memory_.counts;
      // The slot is put back afterwards, because that gives it the number of a commit.
      if (base::sequence_of(static_cast<std::size_t>(changing - 1)) ==
          counts.committing.load(std::memory_order_relaxed)) {
        announcement news(head_);
        conclude(counts.next_size.load(std::memory_order_relaxed),
                 counts.next_version.load(std::memory_order_relaxed), news);
      } else {
        forget_change();
      }
    }
    return !base::slots_.needs_repair() ||
           base::slots_.repair([] {}) == base::slots_view::repair_result::done;
  }

 private:
  const std::byte* bytes_of(std::size_t i) const noexcept { return base::slots_.element(i); }
  slot_head head_of(std::size_t i) const noexcept { return base::head_in(bytes_of(i)); }
  bool is_used(std::size_t i) const noexcept { return head_of(i).state == slot_state::used; }
  std::size_t reach_of(std::size_t home) const noexcept {
    return base::checked_reach(head_of(home));
  }

  /// The distance of the farthest entry of that home.
  std::size_t needed_reach(std::size_t home, std::byte* draft) const noexcept {
    for (std::size_t distance = reach_of(home); distance > 0; --distance) {
      copy_slot(base::behind(home, distance), draft);
      const bool is_of_home = base::head_in(draft).state == slot_state::used &&
                              base::home_of(draft + base::shape_.key_at) == home;
      if (is_of_home) return distance;
    }
    return 0;
  }

  /// Changes no entry.
  void set_reach(std::size_t home, std::size_t reach, std::byte* draft) noexcept {
    copy_slot(home, draft);
    const auto stored = static_cast<std::uint32_t>(reach);
    std::memcpy(draft + offsetof(slot_head, reach), &stored, sizeof stored);
    crash_point("map: before reach");
    base::slots_.store(home, draft, [] {});
    crash_point("map: reach stored");
  }

  /// Stores slot, size and version as one: they count from the commit of the slot on.
  void change(std::size_t i, const std::byte* draft, std::uint64_t next_size) noexcept {
    table_counts& counts = base::memory_.counts;
    crash_point("map: before change");
    // Release fence: the change before is over before a word of this one is seen.
    std::atomic_thread_fence(std::memory_order_release);
    counts.next_size.store(next_size, std::memory_order_relaxed);
    crash_point("map: next size stored");
    const std::uint64_t next_version = head_.version.load(std::memory_order_relaxed) + 1;
    counts.next_version.store(next_version, std::memory_order_relaxed);
    crash_point("map: next version stored");
    counts.committing.store(base::slots_view::committing(base::sequence_of(i)),
                            std::memory_order_relaxed);
    crash_point("map: committing number stored");
    // Release: a process that sees the change sees its three words.
    counts.changing.store(i + 1, std::memory_order_release);
    crash_point("map: change begun");
    announcement news(head_);
    base::slots_.store(i, draft, [] {});
    conclude(next_size, next_version, news);
  }

  /// Killed at any step, a repair does it again.
  void conclude(std::uint64_t size, std::uint64_t version, announcement& news) noexcept {
    // Release: the slot is committed.
    base::memory_.counts.size.store(size, std::memory_order_release);
    crash_point("map: size stored");
    news.of(version);
    crash_point("map: version stored");
    forget_change();
  }

  void forget_change() noexcept {
    // Release: no change means that size and version are stored.
    base::memory_.counts.changing.store(0, std::memory_order_release);
    crash_point("map: change over");
  }

  header& head_;
};

}  // namespace shm::detail
