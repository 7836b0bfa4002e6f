// Newcomer: whoever sits down on a dead owner's seat wakes those who take the owner for alive.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/sem.h>

#include <shm.hpp>
#include <string_view>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;

namespace {

struct scene {
  support::name mutex;
  support::baton sleeper_is_awake, newcomer_has_the_seat;
  int set_id = -1;
  pid_t sleeper = 0, newcomer = 0;
};
scene* the_scene = nullptr;

/// Lets the sleeper look at the owner just when the newcomer has the seat and not yet its
/// generation.
void hook(const char* step) {
  scene& now = *the_scene;
  const std::string_view at = step;
  if (::getpid() == now.sleeper && at == "lock: woken") {
    now.sleeper = 0;  // this once
    now.sleeper_is_awake.pass();
    now.newcomer_has_the_seat.await();
  }
  if (::getpid() == now.newcomer && at == "seat: taken") {
    now.newcomer_has_the_seat.pass();
    while (::semctl(now.set_id, semaphore::wake, GETNCNT) != 1) ::sched_yield();
  }
}

}  // namespace

TEST_CASE("a newcomer that never locks wakes who took it for the dead owner of the lock") {
  const support::watchdog watchdog;
  crash_point_hook = hook;
  scene now;
  the_scene = &now;
  const shm::mutex seat_zero(now.mutex);
  now.set_id = semaphore_set::find(now.mutex.key().set_key()).value.id();

  support::baton held;
  support::child owner([&] {
    shm::mutex mutex(now.mutex);  // seat 1
    mutex.lock();
    held.pass();
    ::pause();
    return 0;
  });
  held.await();
  support::child sleeper([&] {
    const support::watchdog own_watchdog;
    shm::mutex mutex(now.mutex);  // seat 2
    // Nothing that is left from sitting down shall wake it.
    static_cast<void>(
        semaphore_set(now.set_id, 0, 0).take_wake_token(deadline::after(std::chrono::seconds(0))));
    now.sleeper = ::getpid();
    mutex.lock();
    const int told = mutex.owner_died() ? 0 : 1;
    mutex.unlock();
    return told;
  });
  while (::semctl(now.set_id, semaphore::wake, GETNCNT) != 1) ::sched_yield();
  owner.kill();
  now.sleeper_is_awake.await();
  support::child newcomer([&] {
    const support::watchdog own_watchdog;
    now.newcomer = ::getpid();
    const shm::mutex mutex(now.mutex);  // seat 1 again
    return ::semctl(now.set_id, semaphore::first_seat + 1, GETVAL) == 1 ? 0 : 1;
  });
  CHECK(newcomer.wait() == 0);
  CHECK(sleeper.wait() == 0);
  crash_point_hook = nullptr;
}
