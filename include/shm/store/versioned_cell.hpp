// Versioned cell: a value kept in several copies, so that readers and crashes meet only whole ones.
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
#include "../sync/announcement.hpp"

namespace shm::detail {

/// With four copies a reader survives two updates while it copies; with three, as a large value has
/// for its memory's sake, one. With two it would survive none, and seldom get through beside a fast
/// writer.
constexpr std::size_t copies_for(std::size_t size) noexcept {
  return size <= 256 * 1024 ? 4 : 3;
}

/// Where the copies of a T lie, as the compiler knows it.
template <std::size_t Size, std::size_t Alignment>
struct cell_shape {
  static constexpr std::size_t size = Size;
  static constexpr std::size_t copies = copies_for(Size);
  static constexpr std::size_t alignment = std::max(cache_line, Alignment);
  static constexpr std::size_t stride = round_up(Size, alignment);
  static constexpr std::size_t payload_size = copies * stride;
};

/// The same, of a type that only the segment's schema tells.
struct run_time_cell_shape {
  run_time_cell_shape(std::size_t size_of_type, std::size_t alignment_of_type) noexcept
      : size(size_of_type),
        copies(copies_for(size)),
        alignment(std::max(cache_line, alignment_of_type)),
        stride(round_up(size, alignment)),
        payload_size(copies * stride) {}

  std::size_t size;
  std::size_t copies;
  std::size_t alignment;
  std::size_t stride;
  std::size_t payload_size;
};

/// Copy `version mod copies` is the value; the writer works on the next one. Killed at any
/// instruction it leaves the value before or the value after, and nothing to repair.
template <class Shape>
class versioned_cell : public Shape {
 public:
  using Shape::copies;
  using Shape::size;
  using Shape::stride;

  versioned_cell() = default;
  explicit versioned_cell(const Shape& shape) noexcept : Shape(shape) {}

  static std::byte* initial_copy(std::byte* payload) noexcept { return payload; }

  /// False: lapped by a writer meanwhile, the bytes are worthless.
  bool try_read(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                void* to) const noexcept {
    return try_read_by(version, payload,
                       [&](const std::byte* from, std::uint64_t) { copy_out(from, to); });
  }

  /// Like try_read(), for a caller that needs only a part of the value: copy(from, version) takes
  /// it, and does not believe it before this returned true.
  template <class Copy>
  bool try_read_by(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                   const Copy& copy) const noexcept {
    // Acquire: the copy is seen as it was when this version was published.
    const std::uint64_t before = version.load(std::memory_order_acquire);
    const std::byte* const from = copy_of(payload, before);
    crash_point("read: version seen");
    copy(from, before);
    crash_point("read: copied");
    // Acquire fence: were any byte of a later value seen above, its version would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t after = version.load(std::memory_order_relaxed);
    return after - before <= copies - 2;
  }

  /// The whole value, out of one of its copies.
  void copy_out(const std::byte* from, void* to) const noexcept {
    crash_points_in_copy("read: a third copied", size, [&](std::size_t at, std::size_t part) {
      load_shared<cache_line>(static_cast<std::byte*>(to) + at, from + at, part);
    });
  }

  /// The copy that is the value. By the holder of the lock.
  const std::byte* current(const std::atomic<std::uint64_t>& version,
                           const std::byte* payload) const noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    return copy_of(payload, version.load(std::memory_order_relaxed));
  }

  /// By the holder of the lock.
  void read(const std::atomic<std::uint64_t>& version, const std::byte* payload,
            void* to) const noexcept {
    load_shared<cache_line>(to, current(version, payload), size);
  }

  /// By the holder of the lock. Wakes all that wait for a change.
  void publish(header& head, std::byte* payload, const void* from) const noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    const std::uint64_t next = head.version.load(std::memory_order_relaxed) + 1;
    crash_point("cell: before copy");
    // Release fence: a reader that sees a byte of the new value here also sees every version up to
    // now, and so finds out that it was lapped.
    std::atomic_thread_fence(std::memory_order_release);
    std::byte* const target = payload + index_of(next) * stride;
    crash_points_in_copy("cell: a third copied", size, [&](std::size_t at, std::size_t part) {
      store_shared<cache_line>(target + at, static_cast<const std::byte*>(from) + at, part);
    });
    crash_point("cell: copied");
    announcement(head).of(next);
    crash_point("cell: published");
  }

  /// By the holder of the lock.
  bool equals(const std::atomic<std::uint64_t>& version, const std::byte* payload,
              const void* value) const noexcept {
    return std::memcmp(current(version, payload), value, size) == 0;
  }

 private:
  constexpr std::size_t index_of(std::uint64_t version) const noexcept {
    return static_cast<std::size_t>(version % copies);
  }
  const std::byte* copy_of(const std::byte* payload, std::uint64_t version) const noexcept {
    return payload + index_of(version) * stride;
  }
};

}  // namespace shm::detail
