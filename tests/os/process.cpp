// Process: a forked child is told from its parent, a thread from its sibling.
// SPDX-License-Identifier: MIT
#include <shm.hpp>
#include <thread>

#include "support/catch.hpp"
#include "support/child.hpp"

using shm::detail::process;

TEST_CASE("a forked child has a number of its own, and so has its child", "[inherited]") {
  process::prepare();
  const auto mine = process::current();
  CHECK(process::current() == mine);
  support::child forked([mine] {
    const auto childs = process::current();
    if (childs == mine || childs != process::current()) return 1;
    support::child grandchild([&] {
      const auto its = process::current();
      return its == childs || its == mine ? 1 : 0;
    });
    return grandchild.wait();
  });
  CHECK(forked.wait() == 0);
  CHECK(process::current() == mine);
}

TEST_CASE("threads of one process share its number and have ids of their own") {
  process::prepare();
  const auto mine = process::current();
  const auto id = process::thread_id();
  std::thread([&] {
    CHECK(process::current() == mine);
    CHECK(process::thread_id() != id);
  }).join();
}

TEST_CASE("a cached thread id does not survive a fork", "[inherited]") {
  process::prepare();
  const auto id = process::thread_id();
  support::child forked([id] { return process::thread_id() == id ? 1 : 0; });
  CHECK(forked.wait() == 0);
}

TEST_CASE("a process accepts barriers when it has said so, and its child when it has, too",
          "[inherited]") {
  process::prepare();
  process::accept_barriers();
  CHECK(process::accepts_barriers());
  CHECK(process::barrier_everywhere());
  support::child forked([] {
    if (process::accepts_barriers()) return 1;
    process::accept_barriers();
    return process::accepts_barriers() ? 0 : 2;
  });
  CHECK(forked.wait() == 0);
}
