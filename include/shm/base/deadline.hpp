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

  /// A span too long to be represented counts as never; a negative one, or one that is not a
  /// number, as now. Rounds up.
  template <class Rep, class Period>
  static deadline after(std::chrono::duration<Rep, Period> span) noexcept {
    const auto now = clock::now();
    const long double wanted = seconds(span).count();
    if (!(wanted > 0)) return deadline(now);
    if (wanted >= seconds(clock::time_point::max() - now).count() / 2) return never();
    // From floating seconds: between two units of integers std::chrono may overflow.
    return deadline(now + std::chrono::ceil<std::chrono::nanoseconds>(seconds(wanted)));
  }

  /// How long it is from now to a moment on any clock; negative or not a number when it has
  /// passed. Floating, because with integers the extreme moments of a clock overflow as soon as
  /// they are compared with now.
  template <class Clock, class Duration>
  static std::chrono::duration<long double> left_until(
      std::chrono::time_point<Clock, Duration> moment) {
    const auto now = Clock::now();
    return seconds(moment.time_since_epoch()) - seconds(now.time_since_epoch());
  }

  deadline or_earlier(const deadline& other) const noexcept {
    return deadline(std::min(at_, other.at_));
  }

  bool is_later_than(const deadline& other) const noexcept { return at_ > other.at_; }
  bool is_never() const noexcept { return at_ == clock::time_point::max(); }
  bool passed() const noexcept { return !is_never() && clock::now() >= at_; }

  /// Never negative.
  std::chrono::nanoseconds remaining() const noexcept {
    const auto now = clock::now();
    return at_ > now ? std::chrono::nanoseconds(at_ - now) : std::chrono::nanoseconds(0);
  }

 private:
  using seconds = std::chrono::duration<long double>;

  explicit deadline(clock::time_point at) noexcept : at_(at) {}

  clock::time_point at_;
};

}  // namespace shm::detail
