// Refusal: what the library threw, for a test to look at.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>
#include <stdexcept>
#include <system_error>

namespace support {

template <class F>
shm::error refusal_of(F&& f) {
  try {
    f();
  } catch (const shm::error& refusal) {
    return refusal;
  }
  throw std::logic_error("not refused");
}

/// No error when it is not refused.
template <class F>
std::error_code code_of(F&& f) {
  try {
    f();
  } catch (const shm::error& refusal) {
    return refusal.code();
  }
  return {};
}

}  // namespace support
