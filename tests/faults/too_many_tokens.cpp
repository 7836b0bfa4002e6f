// Too many tokens: an opener that makes room among them takes no wake-up, wherever it is killed.
// SPDX-License-Identifier: MIT
#include <sys/sem.h>

#include <shm.hpp>
#include <string>

#include "faults/system_calls.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::set_of;

namespace {

struct scene {
  support::name name;
  support::baton has_seat, may_lock, waiter_is_there, may_sleep, opener_is_there, may_drain;
  int still_there = 0;  ///< tokens, when the waiter stops before it takes one
  int calls = 0;

  int tokens() const { return set_of(name).value(semaphore::wake).value; }
};
scene* now = nullptr;

void stop_waiter(const std::string& call) {
  if (call != "semop(wake-)" || now->calls != 0 || now->tokens() > now->still_there) return;
  ++now->calls;
  now->waiter_is_there.pass();
  now->may_sleep.await();
}

void stop_opener(const std::string& call) {
  if (now->calls == 0 && call == "semop(wake-)") {
    ++now->calls;
    now->opener_is_there.pass();
    now->may_drain.await();
  } else if (now->calls == 1) {
    support::die();  // at the call after that
  }
}

}  // namespace

TEST_CASE("an opener that is killed after it made room among too many tokens took no wake-up") {
  constexpr int most_tokens = 32767;
  const support::watchdog watchdog(120);
  for (const int still_there : {0, 1, 7, 8, 9, 16}) {
    CAPTURE(still_there);
    scene all;
    now = &all;
    all.still_there = still_there;
    shm::mutex holder(all.name);
    holder.lock();
    support::child waiter([&] {
      const support::watchdog own_watchdog(30);
      shm::mutex mutex(all.name);
      all.has_seat.pass();
      all.may_lock.await();
      faults::the_plan.before = stop_waiter;
      faults::the_plan.active = true;
      mutex.lock();
      faults::the_plan.active = false;
      mutex.unlock();
      return 0;
    });
    all.has_seat.await();
    sembuf fill{semaphore::wake, static_cast<short>(most_tokens - all.tokens()), 0};
    REQUIRE(::semop(set_of(all.name).id(), &fill, 1) == 0);
    support::child opener([&] {
      const support::watchdog own_watchdog(30);
      faults::the_plan.before = stop_opener;
      faults::the_plan.active = true;
      const shm::mutex one(all.name);
      return 0;
    });
    all.opener_is_there.await();
    all.may_lock.pass();
    all.waiter_is_there.await();
    holder.unlock();
    all.may_drain.pass();
    CHECK(opener.wait() == -SIGKILL);
    all.may_sleep.pass();
    CHECK(waiter.wait() == 0);
  }
}
