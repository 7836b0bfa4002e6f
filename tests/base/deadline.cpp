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

TEST_CASE("a deadline ahead has time remaining") {
  const auto later = deadline::after(std::chrono::duration<float>(1000.5f));
  CHECK_FALSE(later.passed());
  CHECK(later.remaining() > std::chrono::seconds(900));
  CHECK(later.remaining() <= std::chrono::seconds(1001));
}
