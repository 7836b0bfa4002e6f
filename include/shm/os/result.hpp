// Result: what a system call gave, or the errno that it failed with.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>

namespace shm::detail {

template <class T>
struct [[nodiscard]] result {
  T value{};
  int error_number = 0;

  bool ok() const noexcept { return error_number == 0; }
};

/// A call that gives nothing but success or errno.
struct [[nodiscard]] status {
  int error_number = 0;

  bool ok() const noexcept { return error_number == 0; }
  static status of(int returned) noexcept { return {returned == -1 ? errno : 0}; }
};

/// The kernel object is gone: removed while we slept, or before we called.
inline bool means_gone(int error_number) noexcept {
  return error_number == EIDRM || error_number == EINVAL;
}

}  // namespace shm::detail
