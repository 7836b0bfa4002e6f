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
#include "../session/layout.hpp"

namespace shm::detail {

/// Copy `version mod copies` is the value; the writer works on the next one. Killed at any
/// instruction it leaves the value before or the value after, and nothing to repair.
template <std::size_t Size, std::size_t Alignment>
class versioned_cell {
 public:
  /// With four copies a reader survives two updates while it copies; with two none, which a large
  /// value has to accept for its memory.
  static constexpr std::size_t copies = Size <= 256 * 1024 ? 4 : 2;
  static constexpr std::size_t alignment = std::max(cache_line, Alignment);
  static constexpr std::size_t stride = round_up(Size, alignment);
  static constexpr std::size_t payload_size = copies * stride;

  static std::byte* initial_copy(std::byte* payload) noexcept { return payload; }

  /// False: lapped by a writer meanwhile, the bytes are worthless.
  static bool try_read(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                       void* to) noexcept {
    // Acquire: the copy is seen as it was when this version was published.
    const std::uint64_t before = version.load(std::memory_order_acquire);
    const std::byte* const copy = copy_of(payload, before);
    crash_point("read: version seen");
    crash_points_in_copy("read: a third copied", Size, [&](std::size_t at, std::size_t size) {
      load_shared<alignment>(static_cast<std::byte*>(to) + at, copy + at, size);
    });
    crash_point("read: copied");
    // Acquire fence: were any byte of a later value seen above, its version would be seen below.
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t after = version.load(std::memory_order_relaxed);
    return after - before <= copies - 2;
  }

  /// By the holder of the lock.
  static void read(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                   void* to) noexcept {
    // Relaxed: only holders write the version, and the lock orders holders.
    load_shared<alignment>(to, copy_of(payload, version.load(std::memory_order_relaxed)), Size);
  }

  /// By the holder of the lock.
  static void publish(std::atomic<std::uint64_t>& version, std::byte* payload,
                      const void* from) noexcept {
    const std::uint64_t next = version.load(std::memory_order_relaxed) + 1;
    crash_point("cell: before copy");
    // Release fence: a reader that sees a byte of the new value here also sees every version up to
    // now, and so finds out that it was lapped.
    std::atomic_thread_fence(std::memory_order_release);
    std::byte* const target = payload + index_of(next) * stride;
    crash_points_in_copy("cell: a third copied", Size, [&](std::size_t at, std::size_t size) {
      store_shared<alignment>(target + at, static_cast<const std::byte*>(from) + at, size);
    });
    crash_point("cell: copied");
    // Release: whoever sees the version sees the whole copy.
    version.store(next, std::memory_order_release);
    crash_point("cell: published");
  }

  /// By the holder of the lock.
  static bool equals(const std::atomic<std::uint64_t>& version, const std::byte* payload,
                     const void* value) noexcept {
    return std::memcmp(copy_of(payload, version.load(std::memory_order_relaxed)), value, Size) == 0;
  }

 private:
  static constexpr std::size_t index_of(std::uint64_t version) noexcept {
    return static_cast<std::size_t>(version % copies);
  }
  static const std::byte* copy_of(const std::byte* payload, std::uint64_t version) noexcept {
    return payload + index_of(version) * stride;
  }
};

}  // namespace shm::detail
