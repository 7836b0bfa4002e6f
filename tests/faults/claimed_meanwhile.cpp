// Claimed meanwhile: a set that its creator calls ours while somebody looks at it is not foreign.
// SPDX-License-Identifier: MIT
#include <shm.hpp>
#include <string>

#include "faults/system_calls.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;

namespace {

const support::name* name_of_set = nullptr;
const char* claimed_before = nullptr;

/// What a creator does first with a set that it has just made.
void claim(const std::string& call) {
  if (claimed_before == nullptr || call != claimed_before) return;
  claimed_before = nullptr;  // this once
  static_cast<void>(support::set_of(*name_of_set).say_ours());
}

/// Whether the work, in a process of its own, ends with that code.
template <class Work>
bool ends_beside_creator(const support::name& name, const char* call, std::error_code wanted,
                         Work work) {
  REQUIRE(semaphore_set::create(name.key().set_key(), 64, 0600).ok());
  support::child process([&] {
    name_of_set = &name;
    claimed_before = call;
    faults::the_plan.before = claim;
    faults::the_plan.active = true;
    const std::error_code said = support::code_of(work);
    faults::the_plan.active = false;
    return said == wanted ? 0 : 1;
  });
  return process.wait() == 0;
}

}  // namespace

TEST_CASE("a set that a creator claims between two looks is taken for ours") {
  const support::watchdog watchdog;
  for (const char* call : {"semctl(IPC_STAT)", "semctl(GETVAL)", "semctl(GETALL)"}) {
    CAPTURE(call);
    const support::name opened, read, removed;
    CHECK(ends_beside_creator(opened, call, {}, [&] { const shm::object<int> one(opened); }));
    CHECK(ends_beside_creator(read, call, shm::errc::not_found,
                              [&] { const shm::object<const int> one(read); }));
    CHECK(ends_beside_creator(removed, call, {}, [&] { shm::remove(removed); }));
  }
}
