// Stored size: the number of elements in a container that lies in shared memory.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace shm::detail {

/// A size that another process may overwrite at any time, with any number: read once for each use,
/// and bounded.
class stored_size {
 public:
  std::size_t at_most(std::size_t limit) const noexcept {
    // Relaxed: nothing is ordered by it; it keeps the compiler from reading twice.
    return std::min<std::size_t>(__atomic_load_n(&size_, __ATOMIC_RELAXED), limit);
  }
  void set(std::size_t size) noexcept {
    // Relaxed: the lock or the guard orders what the caller stores.
    __atomic_store_n(&size_, static_cast<std::uint32_t>(size), __ATOMIC_RELAXED);
  }

 private:
  std::uint32_t size_ = 0;
};

[[noreturn, gnu::cold]] inline void refuse_size(const char* whose, std::size_t count,
                                                const char* what, std::size_t room) {
  throw std::length_error(std::string(whose) + ": " + std::to_string(count) + ' ' + what +
                          " do not fit into " + std::to_string(room));
}

}  // namespace shm::detail
