// Forked beside: a child that another thread forks between two system calls of the library.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <functional>
#include <optional>
#include <shm.hpp>
#include <string>

#include "faults/system_calls.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;

namespace {

int fork_before = 0;  ///< the how manieth call; 0: none
bool has_handle =
    false;  ///< from here on a child has a copy of an open handle, which may be attached
std::optional<support::child> forked;

/// To attach and to tell the kernel that children do not inherit that are two calls or three: a
/// child that is forked between them cannot be helped.
bool is_between(const std::string& call) {
  return call == "madvise(POPULATE_READ)" || call == "madvise(DONTFORK)";
}

void fork_here(const std::string& call) {
  const bool is_here = --fork_before == 0 && !has_handle && !is_between(call);
  if (call == "madvise(DOFORK)") has_handle = true;
  if (call == "shmdt") has_handle = false;
  if (!is_here) return;
  forked.emplace([] {
    ::pause();
    return 0;
  });
}

/// Whether the work made that many calls.
bool forks_beside(int call, const std::function<void()>& work, bool starts_with_handle = false) {
  fork_before = call;
  has_handle = starts_with_handle;
  faults::the_plan.before = fork_here;
  faults::the_plan.active = true;
  try {
    work();
  } catch (const shm::error& refusal) {
    faults::the_plan.active = false;
    if (refusal.code() != shm::errc::type_mismatch) FAIL_CHECK(refusal.what());
  }
  faults::the_plan.active = false;
  return fork_before <= 0;
}

unsigned long attached(const shm::key& key) {
  return support::segment_of(key).stat().value.attached;
}

struct scene {
  const char* title;
  void (*look)(const shm::key& key);
};

const scene looks[] = {
    {"list()", [](const shm::key&) { static_cast<void>(shm::list()); }},
    {"a read-only object", [](const shm::key& key) { shm::object<const long> one(key); }},
    {"an untyped reader", [](const shm::key& key) { shm::const_any_object one(key); }},
};

}  // namespace

TEST_CASE("a child that is forked beside a look is attached to nothing") {
  const support::watchdog watchdog(120);
  for (const scene& now : looks) {
    const support::name name;
    { const shm::object<long> made(name); }
    for (int call = 1;; ++call) {
      CAPTURE(now.title, call);
      const bool made_the_call = forks_beside(call, [&] { now.look(name); });
      CHECK(attached(name) == 0);
      forked.reset();
      if (!made_the_call) break;
    }
    shm::remove(name);
  }
}

TEST_CASE("a child that is forked beside a look without a set is attached to nothing") {
  const support::watchdog watchdog(120);
  const support::name name;
  { const shm::object<long> made(name); }
  REQUIRE(support::set_of(name).remove().ok());
  for (int call = 1;; ++call) {
    CAPTURE(call);
    const bool made_the_call = forks_beside(call, [] { static_cast<void>(shm::list()); });
    CHECK(attached(name) == 0);
    forked.reset();
    if (!made_the_call) break;
  }
}
