// Ledger: what all processes of a chaos run write down, in memory that no protocol touches.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace chaos {

constexpr unsigned most_processes = 64;

/// Each of these must stay zero.
struct violations {
  std::atomic<std::uint64_t> torn{0};       ///< a value of which parts are from different stores
  std::atomic<std::uint64_t> lost{0};       ///< an update that is not in the value
  std::atomic<std::uint64_t> backwards{0};  ///< a value older than one that was seen before
  std::atomic<std::uint64_t> shared{0};     ///< two at once inside one lock
  std::atomic<std::uint64_t> untold{0};     ///< half-made changes, and owner_died() was false
  std::atomic<std::uint64_t> refused{0};    ///< an error that nothing gave reason for
  std::atomic<std::uint64_t> stalls{0};     ///< a process that does not get on
  std::atomic<std::uint64_t> leaks{0};      ///< an IPC object that outlived the run

  std::uint64_t sum() const {
    return torn + lost + backwards + shared + untold + refused + stalls + leaks;
  }
};

struct ledger {
  violations found;
  std::atomic<std::uint64_t> kills{0}, stops{0}, recoveries{0}, actions{0}, reads{0};
  std::atomic<std::uint64_t> progress[most_processes] = {};

  /// Who is inside the mutex, and two numbers that are equal outside of it.
  std::atomic<int> inside{0};
  std::atomic<std::uint64_t> first{0}, second{0};
};

/// How a process says that something went wrong.
inline void violated(std::atomic<std::uint64_t>& what) {
  what.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace chaos
