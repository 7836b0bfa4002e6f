// Closed handles: kept for some time, because another thread of the process may still use them.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "../os/fork_guard.hpp"
#include "../os/process.hpp"

namespace shm::detail {

/// How a handle was closed.
enum class closing {
  done,
  beside_thread_inside  ///< a thread holds the lock through it, or waits for the lock
};

/// exit() closes static handles while other threads run. A thread that still uses a closed handle
/// must die of SIGSEGV. It would reach another object instead if the next segment got the same
/// addresses, or the next handle the same memory. So a closed handle is kept, and its addresses
/// with it. A kept handle takes a few hundred bytes.
class closed_handles {
 public:
  using destroy = void (*)(void* handle) noexcept;

  /// Keeps the handle until `most` later handles, or later handles with `most_bytes` of addresses,
  /// have been closed; at least until the next one is closed.
  static void keep(void* handle, std::size_t bytes, destroy end) noexcept {
    const fork_guard one_thread_at_a_time;
    while (number_ == most || (number_ != 0 && bytes_ + bytes > most_bytes)) end_oldest();
    kept_[(first_ + number_++) % most] = {handle, bytes, end};
    bytes_ += bytes;
  }

 private:
  struct closed {
    void* handle;
    std::size_t bytes;
    destroy end;
  };
  static constexpr std::size_t most = 64;
  static constexpr std::size_t most_bytes = std::size_t{1} << 30;

  static void end_oldest() noexcept {
    const closed oldest = kept_[first_];
    first_ = (first_ + 1) % most;
    --number_;
    bytes_ -= oldest.bytes;
    oldest.end(oldest.handle);
  }

  static inline std::array<closed, most> kept_{};  // a queue
  static inline std::size_t first_ = 0;
  static inline std::size_t number_ = 0;
  static inline std::size_t bytes_ = 0;
};

/// Ends the life of what a handle holds.
template <class Handle>
struct closer {
  void operator()(Handle* handle) const noexcept {
    // The thread may use it until the process ends.
    if (handle->close() == closing::beside_thread_inside) return;
    if (!process::may_have_threads()) {
      delete handle;
      return;
    }
    closed_handles::keep(handle, handle->address_bytes(),
                         [](void* kept) noexcept { delete static_cast<Handle*>(kept); });
  }
};

template <class Handle>
using open_handle = std::unique_ptr<Handle, closer<Handle>>;

}  // namespace shm::detail
