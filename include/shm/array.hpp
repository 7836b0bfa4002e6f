// Array: N contiguous T in shared memory, each element whole whatever process dies.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <gsl/assert>
#include <gsl/span>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "os/key.hpp"
#include "schema/describe.hpp"
#include "session/observer.hpp"
#include "store/array_reader.hpp"
#include "store/journalled_array.hpp"
#include "store/value.hpp"
#include "sync/held_lock.hpp"

namespace shm {

template <class T, std::size_t N>
class array;

namespace detail {

template <class T, std::size_t N>
blueprint array_blueprint(const T* initial) {
  check_shareable<T>();
  using memory = array_memory<T, N>;
  const auto construct = [](std::byte* payload, const void* from) {
    auto& made = *static_cast<memory*>(static_cast<void*>(payload));
    for (std::size_t i = 0; i < N; ++i) std::memcpy(made.elements + i * sizeof(T), from, sizeof(T));
  };
  return {segment_kind::array, &array_schema_of<T, N>(), sizeof(memory),
          alignof(memory),     construct,                initial};
}

template <std::size_t N>
void check_index(std::size_t i) {
  if (i < N) return;
  throw std::out_of_range("shm::array: index " + std::to_string(i) + " of " + std::to_string(N) +
                          " elements");
}

/// What a read-write handle of an array holds; where a guard finds it although the handle moves.
template <class T, std::size_t N>
struct array_core {
  using memory_type = array_memory<T, N>;
  using view_type = journalled_array_view<T, N, memory_type>;
  using reader_type = array_reader<T, N, connection, const memory_type>;

  array_core(const key& which, open_mode mode, const options& how, const T* initial)
      : place(which, mode, how, array_blueprint<T, N>(initial)) {}

  memory_type& memory() const noexcept {
    return *static_cast<memory_type*>(static_cast<void*>(place.payload()));
  }
  view_type view() const noexcept { return view_type(memory()); }
  reader_type reader() const noexcept { return {place, memory()}; }
  std::atomic<std::uint32_t>& section() const noexcept { return place.head().section; }
  bool is_damaged() const noexcept {
    // Relaxed: for the holder, whom the lock orders.
    return view_type::is_odd(memory().bulk.load(std::memory_order_relaxed));
  }

  /// The lock, after whatever a dead holder left has been put in order or noted.
  held_lock acquire() {
    held_lock lock = held_lock::acquire(place);
    put_in_order();
    return lock;
  }
  std::optional<held_lock> try_acquire() {
    std::optional<held_lock> lock = held_lock::try_acquire(place);
    if (lock) put_in_order();
    return lock;
  }

  connection place;
  draft_buffer<T> buffer;

 private:
  void put_in_order() {
    // Relaxed throughout: only holders change it, and the lock orders them.
    if ((section().load(std::memory_order_relaxed) & section_bit::entered) != 0) {
      section().store(section_bit::owner_died, std::memory_order_relaxed);
      crash_point("array: death noted");
    }
    if (view().repair() == view_type::repair_result::corrupt) {
      refuse(errc::corrupt, place.about(),
             "the journal names an element that there is not: somebody scribbled over the segment; "
             "remove it with shm::remove(name, shm::force)");
    }
  }
};

}  // namespace detail

/// A scoped lock over all elements of an array. Each store() is crash-atomic; a crash between several
/// leaves every element whole, and owner_died() true for the next ones until mark_repaired(). In a
/// forked child's copy the destructor does nothing, and what writes throws operation_not_permitted.
template <class T, std::size_t N>
class locked_array {
 public:
  locked_array(locked_array&& other) noexcept
      : core_(other.core_),
        lock_(std::move(other.lock_)),
        raw_(std::exchange(other.raw_, raw_edit::none)) {}
  locked_array& operator=(locked_array&&) = delete;

  /// Never throws, never blocks.
  ~locked_array() {
    if (!lock_.is_held()) return;
    end_raw_edit();
    // Release: whoever sees the section left sees all that was stored in it.
    section().fetch_and(~detail::section_bit::entered, std::memory_order_release);
    detail::crash_point("array: section left");
  }

  /// The element itself, unchanged as long as this guard lives. Throws std::out_of_range.
  const T& operator[](std::size_t i) const {
    detail::check_index<N>(i);
    return begin()[i];
  }

  /// Replaces one element; crash-atomic. Throws std::out_of_range.
  void store(std::size_t i, const T& value) {
    detail::check_index<N>(i);
    lock_.require_held();
    core_->view().store(i, std::addressof(value));
  }

  static constexpr std::size_t size() noexcept { return N; }
  const T* begin() const noexcept { return core_->view().elements(); }
  const T* end() const noexcept { return begin() + N; }

  /// All elements, to be edited in place until the guard ends: fast, but a crash meanwhile may leave
  /// elements half-written. Then owner_died() is true, and load() throws errc::damaged, until a
  /// holder calls mark_repaired(). Meanwhile readers wait. Throws shm::error: removed.
  gsl::span<T, N> raw() {
    lock_.require_held();
    if (raw_ == raw_edit::none) begin_raw_edit();
    return gsl::span<T, N>(core_->view().elements(), N);
  }

  /// Whether an earlier holder died inside a locked section and nobody has repaired since.
  bool owner_died() const noexcept {
    return (section().load(std::memory_order_relaxed) & detail::section_bit::owner_died) != 0;
  }

  /// What the dead one left is in order again: load() works, owner_died() is false. After raw(),
  /// from the end of this guard on.
  void mark_repaired() {
    lock_.require_held();
    if (raw_ == raw_edit::of_damaged) {
      raw_ = raw_edit::of_whole;
    } else if (raw_ == raw_edit::none && core_->is_damaged()) {
      make_bulk_even();
    }
    detail::crash_point("array: bulk repaired");
    section().fetch_and(~detail::section_bit::owner_died, std::memory_order_release);
    detail::crash_point("array: marked repaired");
  }

 private:
  friend class array<T, N>;

  enum class raw_edit { none, of_whole, of_damaged };

  locked_array(detail::array_core<T, N>& core, detail::held_lock&& lock) noexcept
      : core_(&core), lock_(std::move(lock)) {
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
    if (detail::means_gone(begun.error_number)) core_->place.give_up();
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
    if (raw_ == raw_edit::of_whole) make_bulk_even();
    detail::crash_point("raw: bulk even");
    // Fails only when the set is gone, and the claim with it.
    static_cast<void>(core_->place.set().end_raw_edit());
    detail::crash_point("raw: claim given back");
  }

  void make_bulk_even() noexcept {
    // Release: who sees even sees the edit.
    bulk().fetch_add(1, std::memory_order_release);
  }

  detail::array_core<T, N>* core_;
  detail::held_lock lock_;
  raw_edit raw_ = raw_edit::none;
};

/// N elements T, shared by every process that opens the same name. Movable, not copyable; one handle
/// may be used from several threads at once. A moved-from handle may only be destroyed or assigned
/// to. The handle must outlive its guards.
///
/// Constructors block and throw as those of shm::object; another N is a type_mismatch.
template <class T, std::size_t N>
class array {
  static_assert(N > 0, "shm: an array has at least one element");

 public:
  /// Opens it, or creates it with T{} in every element.
  explicit array(const key& which, const options& how = {})
      : array(detail::open_mode::open_or_create, which, T{}, how) {}

  /// Creates it, with the initial value in every element.
  array(create_only_t, const key& which, const detail::named_type<T>& initial = T{},
        const options& how = {})
      : array(detail::open_mode::create_only, which, initial, how) {}
  array(create_only_t, const key& which, const options& how)
      : array(detail::open_mode::create_only, which, T{}, how) {}

  /// Opens what is there.
  array(open_only_t, const key& which, const options& how = {})
      : core_(std::make_unique<core>(which, detail::open_mode::open_only, how, nullptr)) {}

  /// Opens it, or creates it with the initial value in every element.
  array(open_or_create_t, const key& which, const detail::named_type<T>& initial,
        const options& how = {})
      : array(detail::open_mode::open_or_create, which, initial, how) {}

  /// A whole element: the latest stored. Lock-free beside stores, alive or dead; waits while somebody
  /// alive edits in place through raw(). Throws std::out_of_range; shm::error: removed, damaged,
  /// would_deadlock when this very thread edits in place.
  T load(std::size_t i) const {
    detail::check_index<N>(i);
    Expects(core_ != nullptr);
    return detail::value_from_bytes<T>([this, i](void* to) { read(i, to); });
  }

  /// Replaces one element. Blocks while another holds the lock. A crash leaves the element before or
  /// the new one. Throws std::out_of_range; shm::error: removed, would_deadlock, corrupt.
  void store(std::size_t i, const T& value) {
    detail::check_index<N>(i);
    const detail::held_lock lock = acquire();
    core_->view().store(i, std::addressof(value));
  }

  /// Calls f(T&) on a private draft of one element under the lock, stores the draft when f returns,
  /// and returns what f returns. When f throws, nothing is stored and the exception goes on. Blocks,
  /// throws and survives a crash as store().
  template <class F>
  auto update(std::size_t i, F&& f) {
    detail::check_index<N>(i);
    const detail::held_lock lock = acquire();
    detail::draft<T> draft(core_->buffer);
    std::memcpy(draft.bytes(), core_->view().element(i), sizeof(T));
    if constexpr (std::is_void_v<std::invoke_result_t<F, T&>>) {
      std::forward<F>(f)(*draft.get());
      if (lock.is_held()) core_->view().store(i, draft.bytes());
    } else {
      auto result = std::forward<F>(f)(*draft.get());
      if (lock.is_held()) core_->view().store(i, draft.bytes());
      return result;
    }
  }

  /// One lock over all elements. Blocks while another holds it. Throws shm::error: removed,
  /// would_deadlock, corrupt.
  [[nodiscard]] locked_array<T, N> lock() { return {*core_, acquire()}; }

  /// All elements at one moment. Blocks while another holds the lock. Throws as lock(), and damaged.
  std::array<T, N> snapshot() const {
    Expects(core_ != nullptr);
    const detail::held_lock lock = core_->acquire();
    if (core_->is_damaged()) detail::refuse_damaged(core_->place.about());
    return detail::value_from_bytes<std::array<T, N>>([this](void* to) {
      detail::load_shared<alignof(T)>(to, core_->view().element(0), N * sizeof(T));
    });
  }

  static constexpr std::size_t size() noexcept { return N; }

  /// Valid as long as the handle.
  std::string_view name() const noexcept { return core_->place.name(); }

 private:
  using core = detail::array_core<T, N>;

  array(detail::open_mode mode, const key& which, const T& initial, const options& how)
      : core_(std::make_unique<core>(which, mode, how, std::addressof(initial))) {}

  detail::held_lock acquire() {
    Expects(core_ != nullptr);
    return core_->acquire();
  }

  void read(std::size_t i, void* to) const {
    const auto reader = core_->reader();
    for (;;) {
      for (int tries = 0; tries < detail::tries_before_locking; ++tries) {
        refuse_to_wait_for_oneself();
        if (reader.try_load(i, to)) return;
      }
      // A writer is always faster: hold it up for one copy.
      if (core_->place.identity_bits_if_seated() == 0) continue;
      if (const auto lock = core_->try_acquire()) {
        if (core_->is_damaged()) continue;  // and be told so
        detail::load_shared<alignof(T)>(to, core_->view().element(i), sizeof(T));
        return;
      }
    }
  }

  void refuse_to_wait_for_oneself() const {
    if (!core_->is_damaged() || !detail::robust_lock(core_->place).is_held_by_this_thread()) return;
    detail::refuse(errc::would_deadlock, core_->place.about(),
                   "this thread edits the array in place; read through the guard instead");
  }

  std::unique_ptr<core> core_;
};

/// An array that this program only reads: attached read-only, never created, never altered, and read
/// permission is enough. Throws as object's constructors do.
template <class T, std::size_t N>
class array<const T, N> {
 public:
  explicit array(const key& which, const options& how = {})
      : place_(std::make_unique<detail::observer>(
            which, how, detail::array_blueprint<T, N>(nullptr))) {}
  array(open_only_t, const key& which, const options& how = {}) : array(which, how) {}

  /// As array<T, N>::load().
  T load(std::size_t i) const {
    detail::check_index<N>(i);
    Expects(place_ != nullptr);
    return detail::value_from_bytes<T>([this, i](void* to) {
      const auto reader = this->reader();
      while (!reader.try_load(i, to)) {
      }
    });
  }

  /// All elements at one moment. Throws shm::error: removed, damaged, and timed_out when the array
  /// never stands still for long enough within options::open_timeout.
  std::array<T, N> snapshot() const {
    Expects(place_ != nullptr);
    return detail::value_from_bytes<std::array<T, N>>([this](void* to) {
      const auto reader = this->reader();
      const auto until = detail::deadline::after(place_->open_timeout());
      while (!reader.try_snapshot(static_cast<T*>(to))) {
        if (!until.passed()) continue;
        detail::refuse(errc::timed_out, place_->about(),
                       "the array never stood still for one snapshot within options::open_timeout; "
                       "take it from a read-write handle, which locks");
      }
    });
  }

  static constexpr std::size_t size() noexcept { return N; }

  /// Valid as long as the handle.
  std::string_view name() const noexcept { return place_->name(); }

 private:
  using memory_type = const detail::array_memory<T, N>;
  using reader_type = detail::array_reader<T, N, detail::observer, memory_type>;

  reader_type reader() const noexcept {
    return {*place_, *static_cast<memory_type*>(static_cast<const void*>(place_->payload()))};
  }

  std::unique_ptr<detail::observer> place_;
};

}  // namespace shm
