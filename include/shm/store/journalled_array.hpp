// Journalled array: contiguous elements, each changed as a whole although there is but one copy.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../base/crash_point.hpp"
#include "../base/shared_bytes.hpp"
#include "../format/layout.hpp"
#include "../os/futex.hpp"

namespace shm::detail {

/// A power of two.
constexpr std::size_t stripes_for(std::size_t elements) noexcept {
  constexpr std::size_t most = 256;  // 2 KiB of counters
  std::size_t stripes = 1;
  while (stripes < elements && stripes < most) stripes *= 2;
  return stripes;
}

/// What a journalled array of N elements T looks like in the payload. Constant initialised to zero.
template <class T, std::size_t N>
struct array_memory {
  static constexpr std::size_t count = N;
  static constexpr std::size_t element_size = sizeof(T);
  static constexpr std::size_t element_alignment = alignof(T);
  static constexpr std::size_t stripes = stripes_for(N);
  static constexpr std::size_t most_stripes = stripes;

  alignas(cache_line) std::atomic<std::uint64_t> bulk;  ///< odd while edited in place, or damaged
  std::atomic<std::uint64_t> journal_index;             ///< 0: empty; else 1 + the element's index
  alignas(cache_line) std::atomic<std::uint64_t> sequences[stripes];  ///< odd while one is written
  alignas(std::max(cache_line, alignof(T))) std::byte journal[sizeof(T)];
  alignas(std::max(cache_line, alignof(T))) std::byte elements[N * sizeof(T)];
};

/// Memory: an array_memory, or a run_time_array_memory. The writing functions are for the holder of
/// the lock alone.
template <class Memory>
class journalled_array_view {
 public:
  explicit journalled_array_view(Memory& memory) noexcept : memory_(memory) {}

  /// False: the element was changed meanwhile, the bytes are worthless.
  bool try_read(std::size_t i, void* to) const noexcept {
    return try_read_by(i, [&](const std::byte* from) {
      crash_points_in_copy(
          "read: a third copied", memory_.element_size, [&](std::size_t at, std::size_t size) {
            load_shared<alignment>(static_cast<std::byte*>(to) + at, from + at, size);
          });
    });
  }

  /// Like try_read(), for a caller that needs only parts of the element: copy(from) takes them,
  /// each once, and believes none of them before this returned true.
  template <class Copy>
  bool try_read_by(std::size_t i, Copy copy) const {
    const auto& sequence = sequence_of(i);
    // Acquire: even, the element is seen as that store left it; odd, the journal as it was filled
    // before and the index that was stored before.
    const std::uint64_t before = sequence.load(std::memory_order_acquire);
    const bool in_journal =
        is_odd(before) && memory_.journal_index.load(std::memory_order_relaxed) == i + 1;
    const std::byte* const from = in_journal ? memory_.journal : element(i);
    crash_point("read: journal looked up");
    copy(from);
    crash_point("read: copied");
    // Acquire fence: were any byte of a later change seen above, its sequence would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    return sequence.load(std::memory_order_relaxed) == before;
  }

  const std::byte* element(std::size_t i) const noexcept {
    return memory_.elements + i * memory_.element_size;
  }

  /// Returns how many elements were stored and edits in place made so far.
  std::uint64_t stores() const noexcept {
    // Acquire: what the caller reads next is not older than the number it was told.
    std::uint64_t sum = memory_.bulk.load(std::memory_order_acquire) / 2;
    for (std::size_t s = 0; s < memory_.stripes; ++s) sum += sequence(s) / 2;
    return sum;
  }

  std::uint64_t sequence(std::size_t stripe) const noexcept {
    return memory_.sequences[stripe].load(std::memory_order_acquire);
  }

  /// The words that a store or an edit in place changes before it is announced, as they are now. To
  /// be read before stores().
  futex_list<3> words_of_change() const noexcept {
    futex_list<3> words;
    // Acquire: the sequence is that of this store, or of a later one.
    const std::uint64_t index = memory_.journal_index.load(std::memory_order_acquire);
    words.add(low_half(memory_.journal_index, index));
    if (index != 0 && index <= memory_.count) {
      words.add(seen_sequence(static_cast<std::size_t>(index - 1)));
    }
    // Acquire: what is read next is not older.
    words.add(low_half(memory_.bulk, memory_.bulk.load(std::memory_order_acquire)));
    return words;
  }

  /// The sequence that a store of element i changes, as it is now.
  futex_seen seen_sequence(std::size_t i) const noexcept {
    const auto& word = sequence_of(i);
    // Acquire: what is read next is not older.
    return low_half(word, word.load(std::memory_order_acquire));
  }

  /// The number that commits a store of element i which begins with that sequence.
  static constexpr std::uint64_t committing(std::uint64_t sequence) noexcept {
    // Even it is, unless somebody scribbled; then a store makes it so again.
    return ((sequence + 1) & ~std::uint64_t{1}) + 2;
  }

  /// Each step in this order, and each release, keeps a reader or a repair from a half-made
  /// element. committed() is called while the journal still names the element.
  template <class Committed>
  void store(std::size_t i, const void* from, Committed committed) const noexcept {
    auto& sequence = sequence_of(i);
    const std::uint64_t even = committing(sequence.load(std::memory_order_relaxed));
    // Release fence: who sees the journal change sees the sequence of the store before it.
    std::atomic_thread_fence(std::memory_order_release);
    crash_point("array: before journal");
    copy_within("array: a third saved", memory_.journal, element(i));
    crash_point("array: journal filled");
    memory_.journal_index.store(i + 1, std::memory_order_relaxed);
    crash_point("array: index stored");
    // Release: who sees odd sees the index and the journal, and so does a repair.
    sequence.store(even - 1, std::memory_order_release);
    crash_point("array: sequence odd");
    // Release fence: who sees a byte of the new element sees that the sequence became odd.
    std::atomic_thread_fence(std::memory_order_release);
    std::byte* const target = memory_.elements + i * memory_.element_size;
    crash_points_in_copy(
        "array: a third written", memory_.element_size, [&](std::size_t at, std::size_t size) {
          store_shared<alignment>(target + at, static_cast<const std::byte*>(from) + at, size);
        });
    crash_point("array: element written");
    // Release: even commits, for readers and for a repair alike.
    sequence.store(even, std::memory_order_release);
    crash_point("array: sequence even");
    committed();
    // Release: an empty index means that the sequence is even, and that committed() has returned.
    memory_.journal_index.store(0, std::memory_order_release);
    crash_point("array: index cleared");
  }

  enum class repair_result { done, corrupt };

  /// Whether a holder died in a store. By the holder of the lock.
  bool needs_repair() const noexcept {
    return memory_.journal_index.load(std::memory_order_relaxed) != 0;
  }

  /// Precondition: needs_repair(). Killed at any step, the next one does it again. committed() is
  /// called for the element, whether it was stored or put back.
  template <class Committed>
  repair_result repair(Committed committed) const noexcept {
    const std::uint64_t index = memory_.journal_index.load(std::memory_order_relaxed);
    if (index > memory_.count) return repair_result::corrupt;
    const auto i = static_cast<std::size_t>(index - 1);
    auto& sequence = sequence_of(i);
    const std::uint64_t found = sequence.load(std::memory_order_relaxed);
    if (is_odd(found)) {
      crash_point("repair: before element");
      // Release fence: who sees a byte put back sees that the sequence became odd.
      std::atomic_thread_fence(std::memory_order_release);
      copy_within("repair: a third put back", memory_.elements + i * memory_.element_size,
                  memory_.journal);
      crash_point("repair: element put back");
      sequence.store(found + 1, std::memory_order_release);
      crash_point("repair: sequence even");
    }
    committed();
    memory_.journal_index.store(0, std::memory_order_release);
    crash_point("repair: index cleared");
    return repair_result::done;
  }

  static constexpr bool is_odd(std::uint64_t number) noexcept { return (number & 1) != 0; }

 private:
  static constexpr std::size_t alignment = Memory::element_alignment;

  void copy_within(const char* step, std::byte* to, const std::byte* from) const noexcept {
    crash_points_in_copy(step, memory_.element_size, [&](std::size_t at, std::size_t size) {
      move_shared<alignment>(to + at, from + at, size);
    });
  }

  auto& sequence_of(std::size_t i) const noexcept {
    return memory_.sequences[i & (memory_.stripes - 1)];
  }

  Memory& memory_;
};

}  // namespace shm::detail
