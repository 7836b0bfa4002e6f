// Refusals: whatever the kernel answers, the message names the call and the kernel's reason.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/refusal.hpp"

using namespace shm::detail;

TEST_CASE("an errno that no manual page names is passed on with the call") {
  for (const auto refuse : {refuse_set_call, refuse_segment_call}) {
    const auto refusal = support::refusal_of([refuse] {
      refuse("call(COMMAND)", EIO, subject{"name", 1});
    });
    CHECK(refusal.code() == std::errc::io_error);
    CHECK_THAT(refusal.what(), ContainsSubstring("call(COMMAND)"));
  }
}

TEST_CASE("a kernel that allows too few operations at once is named with the limit to raise") {
  const auto refusal = support::refusal_of([] {
    refuse_set_call("semop(seat)", E2BIG, subject{"name", 1});
  });
  CHECK(refusal.code() == shm::errc::limit_reached);
  CHECK_THAT(refusal.what(), ContainsSubstring("third number of: sysctl kernel.sem"));
}

TEST_CASE("a process that the kernel does not name is of another container") {
  CHECK(process_name({0, 0}) == "a process of another container");
  CHECK(process_name({0, EACCES}) == "a process of another container");
  CHECK(process_name({7, 0}) == "pid 7");
}
