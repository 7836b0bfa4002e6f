// Deadline: a moment on the monotonic clock until which a call may block, or never.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>

namespace shm::detail {

class deadline {
 public:
  using clock = std::chrono::steady_clock;

  static deadline never() noexcept { return deadline(clock::time_point::max()); }
  static deadline now() noexcept { return deadline(clock::time_point::min()); }

  /// So far in the future that it cannot be represented counts as never; in the past (or not a
  /// number) as now.
  template <class Rep, class Period>
  static deadline after(std::chrono::duration<Rep, Period> span) noexcept {
    using seconds = std::chrono::duration<double>;
    const auto now = clock::now();
    const double wanted = std::chrono::duration_cast<seconds>(span).count();
    if (!(wanted > 0)) return deadline(now);
    if (wanted >= seconds(clock::time_point::max() - now).count() / 2) return never();
    return deadline(now + std::chrono::ceil<clock::duration>(span));
  }

  deadline or_earlier(const deadline& other) const noexcept {
    return deadline(std::min(at_, other.at_));
  }

  bool is_never() const noexcept { return at_ == clock::time_point::max(); }
  bool passed() const noexcept { return !is_never() && clock::now() >= at_; }

  /// Never negative.
  std::chrono::nanoseconds remaining() const noexcept {
    const auto now = clock::now();
    return at_ > now ? std::chrono::nanoseconds(at_ - now) : std::chrono::nanoseconds(0);
  }

 private:
  explicit deadline(clock::time_point at) noexcept : at_(at) {}

  clock::time_point at_;
};

}  // namespace shm::detail
