// Seat: identities that outlive nobody, and tokens that pile up when nobody sleeps.
// SPDX-License-Identifier: MIT
#include <sys/sem.h>

#include <shm.hpp>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;

TEST_CASE("a dead owner is dead although somebody else sits on its seat") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  support::child owner([&name]() -> int {
    shm::mutex theirs(name);
    theirs.lock();
    support::die();
  });
  CHECK(owner.wait() == -SIGKILL);
  const shm::mutex newcomer(name);
  REQUIRE(mutex.try_lock());
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("tokens of deaths that woke nobody keep nobody from sitting down or leaving") {
  const support::name name;
  const shm::mutex first(name);
  const auto set = semaphore_set::find(name.key().set_key());
  REQUIRE(set.ok());
  const auto seat = static_cast<unsigned short>(semaphore::first_seat + 1);
  const auto fill_up = [&set] {
    constexpr int most_tokens = 32767;
    return ::semctl(set.value.id(), semaphore::wake, SETVAL, most_tokens) == 0;
  };
  REQUIRE(fill_up());
  {
    const shm::mutex second(name);
    CHECK(set.value.value(seat).value == 1);
    REQUIRE(fill_up());
  }
  CHECK(set.value.value(seat).value == 0);
}
