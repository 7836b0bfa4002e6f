// Open place: what reading needs of an open handle, read-write or read-only.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "../base/deadline.hpp"
#include "../lifecycle/life.hpp"
#include "../lifecycle/open.hpp"
#include "../os/fork_guard.hpp"
#include "../os/pause.hpp"
#include "../os/process.hpp"
#include "closed_handles.hpp"
#include "sleepers.hpp"

namespace shm::detail {

/// How a handle waits for a semaphore to become 0.
enum class waiting {
  in_kernel,        ///< woken at once; leaves its process id and the time in the set
  by_looking_again  ///< every millisecond; leaves nothing in the set
};

class open_place {
 public:
  open_place(place&& where, attach_mode mode, key_t key_value, const options& how,
             waiting how_to_wait) noexcept
      : place_(std::move(where)),
        may_write_(mode == attach_mode::read_write),
        head_(&header_at(place_.memory)),
        payload_(place_.memory.address() + place_.facts.payload_offset()),
        key_value_(key_value),
        open_timeout_(how.open_timeout),
        how_to_wait_(how_to_wait) {}

  open_place(const open_place&) = delete;
  open_place& operator=(const open_place&) = delete;

  const header& head() const noexcept { return *head_; }
  const std::byte* payload() const noexcept { return payload_; }
  const semaphore_set& set() const noexcept { return place_.set; }
  const verified_description& facts() const noexcept { return place_.facts; }
  std::string_view name() const noexcept { return place_.facts.name(); }
  std::chrono::milliseconds open_timeout() const noexcept { return open_timeout_; }
  bool is_removed() const noexcept { return detail::is_removed(head()); }
  std::size_t address_bytes() const noexcept { return place_.size; }
  subject about() const noexcept {
    return {name(), key_value_, place_.where.id(), place_.set.id()};
  }

  /// Whether a live process holds the lock. Throws corrupt, removed.
  bool is_locked() const {
    // Relaxed: a hint; a holder that comes or goes since is met at the next look.
    const std::uint64_t word = head().lock.load(std::memory_order_relaxed);
    return word != 0 && is_alive(seat_identity::in(word));
  }
  /// Whether a process died that held the lock, and nobody has taken it over. Throws corrupt,
  /// removed.
  bool is_abandoned() const {
    // Relaxed: like is_locked().
    const std::uint64_t word = head().lock.load(std::memory_order_relaxed);
    return word != 0 && !is_alive(seat_identity::in(word));
  }

  /// Never blocks. Throws corrupt, removed.
  bool is_alive(seat_identity who) const {
    switch (seats(head(), facts().seats(), set()).judge(who, about())) {
      case seat_verdict::alive: return true;
      case seat_verdict::dead: return false;
      case seat_verdict::set_is_gone: break;
    }
    refuse_removed(about());
  }

  /// Throws removed where the id names another set by now, or in this IPC namespace.
  void require_own_set() const {
    const result<bool> same_set = set().is_itself();
    if (same_set.ok() && same_set.value) return;
    if (same_set.ok() || means_gone(same_set.error_number)) refuse_removed(about());
    refuse_set_call("semctl(GETVAL)", same_set.error_number, about());
  }

  /// Blocks while somebody edits in place, at most for a moment: then the caller has to look again
  /// whether the edit that it met is over. An exec inside an edit leaves the claim with the
  /// process. EAGAIN: not yet. EIDRM, EINVAL: the set is gone.
  status wait_a_moment_for_editor(const deadline& until) const {
    const deadline moment = until.or_earlier(deadline::after(std::chrono::milliseconds(100)));
    const status waited = wait_until_zero(set(), how_to_wait_, semaphore::raw, moment);
    if (!waited.ok() && waited.error_number != EAGAIN) return waited;
    // In another IPC namespace the id can name a set whose semaphore is never 0.
    const result<bool> same_set = set().is_itself();
    if (!same_set.ok()) return {same_set.error_number};
    return {same_set.value ? waited.error_number : EIDRM};
  }

  bool may_write() const noexcept { return may_write_; }

  /// Calls edit(header&). A read-only handle attaches the segment for writing meanwhile. Returns
  /// false if this user may not write.
  template <class Edit>
  bool edit_header(Edit edit) const {
    if (may_write_) {
      edit(*head_);
      return true;
    }
    // Relaxed: only spares the attempt.
    if (is_refused_.load(std::memory_order_relaxed)) return false;
    // In another IPC namespace the id can name a stranger's segment.
    const result<segment_status> now = place_.where.stat();
    if (!now.ok() || now.value.size != place_.size) return false;
    const result<attachment> memory =
        attachment::not_inherited(place_.where, attach_mode::read_write, place_.size);
    if (!memory.ok()) {
      const bool is_lasting = memory.error_number == EACCES || memory.error_number == EPERM;
      is_refused_.store(is_lasting, std::memory_order_relaxed);
      return false;
    }
    header& again = header_at(memory.value);
    if (life_of(again).bits() != life_of(*head_).bits()) return false;
    edit(again);
    return true;
  }

  /// The threads that sleep through this handle.
  sleepers& sleeping() const noexcept { return sleeping_; }

  static status wait_until_zero(const semaphore_set& set, waiting how, unsigned short which,
                                const deadline& until) {
    if (how == waiting::in_kernel) return set.wait_until_zero(which, until);
    for (;;) {
      const result<int> now = set.value(which);
      if (!now.ok()) return {now.error_number};
      if (now.value == 0) return {};
      if (until.passed()) return {EAGAIN};
      pause_for(std::chrono::milliseconds(1));
    }
  }

 protected:
  ~open_place() = default;

  /// Another thread of this process may still use the handle that is being closed. Returns false if
  /// the kernel refuses to take the memory from it.
  bool withdraw_memory() noexcept {
    return !process::may_have_threads() || place_.memory.withdraw(place_.size).ok();
  }

  /// For a handle that a thread uses until the process ends. In a list: leak checkers find it
  /// reachable.
  closing keep() noexcept {
    const fork_guard one_thread_at_a_time;
    kept_before_ = std::exchange(last_kept_, this);
    return closing::beside_thread_inside;
  }

  place place_;
  bool may_write_;
  header* head_;
  std::byte* payload_;
  key_t key_value_;
  std::chrono::milliseconds open_timeout_;
  waiting how_to_wait_;

 private:
  mutable sleepers sleeping_;
  mutable std::atomic<bool> is_refused_{false};  ///< this user may not write

  const open_place* kept_before_ = nullptr;
  static inline const open_place* last_kept_ = nullptr;
};

}  // namespace shm::detail
