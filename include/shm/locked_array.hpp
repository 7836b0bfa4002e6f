// Locked array: a scoped lock over all elements of an array.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cerrno>
#include <cstddef>
#include <gsl/span>
#include <memory>
#include <utility>

#include "base/extent.hpp"
#include "store/array_core.hpp"
#include "sync/death_note.hpp"

namespace shm {

template <class T, std::size_t N>
class array_access;

/// A scoped lock over all elements of an array. Each store() is crash-atomic; a crash between
/// several leaves every element whole, and owner_died() true for the next ones until
/// mark_repaired(). In a forked child's copy the destructor does nothing, and what writes throws
/// operation_not_permitted.
template <class T, std::size_t N = dynamic>
class locked_array : public extent<N> {
  static_assert(dynamic == gsl::dynamic_extent);

 public:
  /// The lock moves with the guard.
  locked_array(locked_array&& other) noexcept
      : extent<N>(other),
        core_(other.core_),
        lock_(std::move(other.lock_)),
        raw_(std::exchange(other.raw_, raw_edit::none)) {}
  locked_array& operator=(locked_array&&) = delete;

  /// Never throws, never blocks.
  ~locked_array() {
    if (!lock_.is_held()) return;
    end_raw_edit();
    // Release: a process that sees the section left sees all that was stored in it.
    section().fetch_and(~detail::section_bit::entered, std::memory_order_release);
    detail::crash_point("array: section left");
  }

  /// The element itself, unchanged as long as this guard lives. Throws std::out_of_range.
  const T& operator[](std::size_t i) const {
    detail::check_index(i, this->size());
    return begin()[i];
  }

  /// Replaces one element. Never blocks; a crash leaves the element before or the new one. Throws
  /// std::out_of_range.
  void store(std::size_t i, const T& value) {
    detail::check_index(i, this->size());
    lock_.require_held();
    core_->store(i, std::addressof(value));
  }

  /// The elements themselves, unchanged by others as long as this guard lives.
  const T* begin() const noexcept { return core_->elements(); }
  /// Behind the last one.
  const T* end() const noexcept { return begin() + this->size(); }

  /// All elements, to be edited in place until the guard ends: fast, but a crash meanwhile may
  /// leave elements half-written. Then owner_died() is true, and load() throws errc::damaged, until
  /// a holder calls mark_repaired(). Never blocks, but readers wait meanwhile. Throws shm::error:
  /// removed.
  gsl::span<T, N> raw() {
    lock_.require_held();
    if (raw_ == raw_edit::none) begin_raw_edit();
    return gsl::span<T, N>(core_->elements(), this->size());
  }

  /// Whether an earlier holder died inside a locked section and nobody has repaired since. Never
  /// blocks.
  bool owner_died() const noexcept {
    return (section().load(std::memory_order_relaxed) & detail::section_bit::owner_died) != 0;
  }

  /// What the dead one left is in order again: load() works, owner_died() is false. After raw(),
  /// from the end of this guard on. Never blocks; a crash leaves it said or unsaid.
  void mark_repaired() {
    lock_.require_held();
    if (raw_ == raw_edit::of_damaged) {
      raw_ = raw_edit::of_whole;
    } else if (raw_ == raw_edit::none && core_->is_damaged()) {
      detail::make_bulk_even(core_->place.head(), core_->memory());
    }
    detail::note_repair_of_array(core_->place.head());
  }

 private:
  friend class array_access<T, N>;

  enum class raw_edit { none, of_whole, of_damaged };

  locked_array(detail::array_core<T, N>& core, detail::held_lock&& lock) noexcept
      : extent<N>(core.memory().count), core_(&core), lock_(std::move(lock)) {
    section().fetch_or(detail::section_bit::entered, std::memory_order_relaxed);
    // Release fence: whatever of this section is seen, or left behind, is seen with the flag.
    std::atomic_thread_fence(std::memory_order_release);
    detail::crash_point("array: section entered");
  }

  std::atomic<std::uint32_t>& section() const noexcept { return core_->section(); }
  std::atomic<std::uint64_t>& bulk() const noexcept { return core_->memory().bulk; }

  void begin_raw_edit() {
    // First the claim, which the kernel takes back should we die; then the sign for readers.
    const detail::status begun = core_->place.set().begin_raw_edit();
    // EAGAIN: the id names another set by now.
    if (detail::means_gone(begun.error_number) || begun.error_number == EAGAIN) {
      detail::refuse_removed(core_->place.about());
    }
    if (!begun.ok()) {
      detail::refuse_set_call("semop(raw)", begun.error_number, core_->place.about());
    }
    detail::crash_point("raw: claimed");
    raw_ = core_->is_damaged() ? raw_edit::of_damaged : raw_edit::of_whole;
    if (raw_ == raw_edit::of_whole) bulk().fetch_add(1, std::memory_order_relaxed);
    // Release fence: who sees a byte of the edit sees the odd number.
    std::atomic_thread_fence(std::memory_order_release);
    detail::crash_point("raw: bulk odd");
  }

  void end_raw_edit() noexcept {
    if (raw_ == raw_edit::none) return;
    if (raw_ == raw_edit::of_whole) {
      detail::make_bulk_even(core_->place.head(), core_->memory());
    }
    // Fails only when the set is gone, and the claim with it.
    static_cast<void>(core_->place.set().end_raw_edit());
    detail::crash_point("raw: claim given back");
  }

  detail::array_core<T, N>* core_;
  detail::held_lock lock_;
  raw_edit raw_ = raw_edit::none;
};

}  // namespace shm
