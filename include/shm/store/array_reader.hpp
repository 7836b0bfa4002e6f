// Array reader: loads elements without a lock, beside stores, bulk edits and the dead.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "../base/deadline.hpp"
#include "../os/refusals.hpp"
#include "../session/open_place.hpp"
#include "journalled_array.hpp"

namespace shm::detail {

[[noreturn]] inline void refuse_damaged(const subject& about) {
  refuse(
      errc::damaged, about,
      "somebody died while editing the array in place through raw(), so elements may be "
      "half-written; a program that can repair them takes lock(), stores whole elements and calls "
      "mark_repaired()");
}

template <class Memory>
class array_reader {
 public:
  array_reader(const open_place& place, Memory& memory) noexcept
      : place_(place), memory_(memory), view_(memory) {}

  /// Never waits. False: lapped, or edited in place. Throws removed.
  bool try_load(std::size_t i, void* to) const {
    if (place_.is_removed()) refuse_removed(place_.about());
    const std::uint64_t bulk = memory_.bulk.load(std::memory_order_acquire);
    // The acquire fence in try_read orders the second look at the bulk sequence, too.
    return !view::is_odd(bulk) && view_.try_read(i, to) &&
           memory_.bulk.load(std::memory_order_relaxed) == bulk;
  }

  /// Blocks while a live process edits in place, at most until the deadline. Throws removed,
  /// damaged, timed_out.
  void wait_while_edited_in_place(const deadline& until) const {
    const std::uint64_t bulk = memory_.bulk.load(std::memory_order_acquire);
    if (!view::is_odd(bulk)) return;
    for (;;) {
      const status waited = place_.wait_a_moment_for_editor(until);
      if (memory_.bulk.load(std::memory_order_acquire) != bulk) return;
      if (place_.is_removed() || means_gone(waited.error_number)) refuse_removed(place_.about());
      // The kernel takes the editor's claim back when it dies: free, and still this odd number,
      // means that it died. After an exec its process keeps the claim, but not the lock.
      if (waited.ok() || (waited.error_number == EAGAIN && !place_.is_locked())) {
        if (memory_.bulk.load(std::memory_order_acquire) != bulk) return;
        refuse_damaged(place_.about());
      }
      if (waited.error_number != EAGAIN) {
        refuse_set_call("semop(raw)", waited.error_number, place_.about());
      }
      if (until.passed()) {
        refuse(errc::timed_out, place_.about(),
               "a live process edits the array in place through raw() and does not finish; look "
               "again later, or wait longer with options::open_timeout");
      }
    }
  }

  /// Copies all elements as they were at one moment. Returns false if any changed meanwhile. Waits
  /// and throws like wait_while_edited_in_place().
  bool try_snapshot(void* to, const deadline& until) const {
    wait_while_edited_in_place(until);
    std::uint64_t before[Memory::most_stripes];
    const std::uint64_t bulk = memory_.bulk.load(std::memory_order_acquire);
    for (std::size_t s = 0; s < memory_.stripes; ++s) before[s] = view_.sequence(s);
    for (std::size_t i = 0; i < memory_.count; ++i) {
      if (!try_load(i, static_cast<std::byte*>(to) + i * memory_.element_size)) return false;
    }
    // try_load ends with an acquire fence: every element was read before this second look.
    for (std::size_t s = 0; s < memory_.stripes; ++s) {
      if (view_.sequence(s) != before[s]) return false;
    }
    return memory_.bulk.load(std::memory_order_relaxed) == bulk;
  }

 private:
  using view = journalled_array_view<Memory>;

  const open_place& place_;
  Memory& memory_;
  view view_;
};

}  // namespace shm::detail
