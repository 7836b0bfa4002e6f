// Deadline: spans of any size and kind become a moment, without overflow.
// SPDX-License-Identifier: MIT
#include <limits>
#include <shm.hpp>

#include "support/catch.hpp"

using shm::detail::deadline;

TEST_CASE("a deadline of no time, negative time or no number has passed") {
  CHECK(deadline::after(std::chrono::seconds(0)).passed());
  CHECK(deadline::after(std::chrono::seconds(-5)).passed());
  CHECK(deadline::after(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()))
            .passed());
  CHECK(deadline::after(std::chrono::seconds(-5)).remaining() == std::chrono::nanoseconds(0));
}

TEST_CASE("a deadline too far to be represented is never") {
  CHECK(deadline::after(std::chrono::hours::max()).is_never());
  CHECK(deadline::after(std::chrono::milliseconds::max()).is_never());
  CHECK(deadline::after(std::chrono::duration<double>(1e300)).is_never());
  CHECK_FALSE(deadline::never().passed());
}

TEST_CASE("a span in any unit becomes a deadline") {
  using std::chrono::duration;
  CHECK(
      deadline::after(duration<std::int64_t, std::ratio<1, 3>>(std::int64_t{1} << 33)).remaining() >
      std::chrono::hours(700000));
  CHECK(deadline::after(duration<std::int64_t, std::ratio<1, 3>>::max()).is_never());
  CHECK(deadline::after(duration<std::int64_t, std::exa>(1)).is_never());
  CHECK(deadline::after(duration<unsigned, std::milli>(5)).remaining() <=
        std::chrono::milliseconds(5));
  CHECK(deadline::after(duration<std::int64_t, std::atto>(1)).remaining() <=
        std::chrono::nanoseconds(2));
  CHECK(deadline::after(duration<double>(-std::numeric_limits<double>::infinity())).passed());
  CHECK(deadline::after(duration<float>(std::numeric_limits<float>::infinity())).is_never());
}

TEST_CASE("a moment on any clock is ahead or past, however far") {
  using namespace std::chrono;
  const auto left = [](auto moment) { return deadline::left_until(moment).count(); };
  CHECK(left(time_point<system_clock, hours>::max()) > 0);
  CHECK(left(time_point<system_clock, hours>::min()) < 0);
  CHECK(left(system_clock::time_point::max()) > 0);
  CHECK(left(system_clock::time_point::min()) < 0);
  CHECK(left(time_point<steady_clock, duration<double>>::max()) > 0);
  CHECK(left(time_point<steady_clock, duration<int, std::ratio<86400>>>::max()) > 0);
  const double nowhere = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(left(time_point<steady_clock, duration<double>>(duration<double>(nowhere))) > 0);
  const auto soon = left(steady_clock::now() + milliseconds(100));
  CHECK(soon > 0.0L);
  CHECK(soon <= 0.1001L);
}

TEST_CASE("a deadline ahead has time remaining") {
  const auto later = deadline::after(std::chrono::duration<float>(1000.5f));
  CHECK_FALSE(later.passed());
  CHECK(later.remaining() > std::chrono::seconds(900));
  CHECK(later.remaining() <= std::chrono::seconds(1001));
}
