// At step: does something each time this process comes to a named step of a protocol.
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <shm.hpp>
#include <string_view>

namespace support {

/// One at a time. What it does passes through steps of its own, which do not count.
class at_step {
 public:
  at_step(const char* step, std::function<void()> act) {
    step_ = step;
    act_ = std::move(act);
    shm::detail::crash_point_hook = hook;
  }
  at_step(const at_step&) = delete;
  at_step& operator=(const at_step&) = delete;
  ~at_step() { shm::detail::crash_point_hook = nullptr; }

 private:
  static void hook(const char* now) {
    if (std::string_view(now) != step_) return;
    shm::detail::crash_point_hook = nullptr;
    act_();
    shm::detail::crash_point_hook = hook;
  }

  static inline std::string_view step_;
  static inline std::function<void()> act_;
};

}  // namespace support
