// Wake-ups: an unlock wakes the waiter, whatever tokens are left over and whoever opens meanwhile.
// SPDX-License-Identifier: MIT
#include <sys/sem.h>

#include <shm.hpp>
#include <string>

#include "support/at_step.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/held_process.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::held_process;
using support::set_of;

namespace {

int tokens(const shm::key& key) {
  return set_of(key).value(semaphore::wake).value;
}

/// As deaths and closed handles leave them. (SETVAL would erase the undo of the seats.)
void leave_tokens(const shm::key& key, int number) {
  sembuf change{semaphore::wake, static_cast<short>(number - tokens(key)), 0};
  if (change.sem_op != 0) REQUIRE(::semop(set_of(key).id(), &change, 1) == 0);
}

/// What happens between the waiter's decision to sleep and its sleep, and in which order. The
/// opener comes to a step of its own and stops there.
enum class order { opener_waiter_unlock, waiter_opener_unlock, waiter_unlock_opener };

/// A holder, a waiter and an opener of one mutex. The waiter stops before its sleep.
struct scene {
  unsigned seats;
  int left_over;    ///< tokens, before any of the three goes on
  int still_there;  ///< the waiter stops when no more are left than that
  order how;
  const char* opener_stops_at;
  bool opener_is_killed;

  /// Returns when the waiter has had the lock.
  void play() const {
    const support::name name;
    shm::options seated;
    seated.seats = seats;
    shm::mutex holder(name, seated);
    holder.lock();
    support::baton has_seat, may_lock, about_to_sleep, may_sleep;
    support::child waiter([&] {
      const support::watchdog own_watchdog;
      shm::mutex mutex(name, seated);
      has_seat.pass();
      may_lock.await();
      bool stopped = false;
      const support::at_step stop("lock: before sleep", [&] {
        if (stopped || tokens(name) > still_there) return;
        stopped = true;
        about_to_sleep.pass();
        may_sleep.await();
      });
      mutex.lock();
      mutex.unlock();
      return stopped ? 0 : 1;
    });
    has_seat.await();
    leave_tokens(name, left_over);

    const auto waiter_stops = [&] {
      may_lock.pass();
      about_to_sleep.await();
    };
    std::optional<held_process> opener;
    const auto opener_stops = [&] {
      opener.emplace(opener_stops_at, [&] {
        static_cast<void>(support::code_of([&] { const shm::mutex one(name, seated); }));
        return 0;
      });
      return opener->comes_there();
    };
    bool was_there = false;
    switch (how) {
      case order::opener_waiter_unlock:
        was_there = opener_stops();
        waiter_stops();
        holder.unlock();
        break;
      case order::waiter_opener_unlock:
        waiter_stops();
        was_there = opener_stops();
        holder.unlock();
        break;
      case order::waiter_unlock_opener:
        waiter_stops();
        holder.unlock();
        was_there = opener_stops();
        break;
    }
    if (was_there && opener_is_killed) {
      opener->kill();
    } else if (was_there) {
      CHECK(opener->finish() == 0);
    } else {
      CHECK(opener->wait() == 0);
    }
    may_sleep.pass();
    CHECK(waiter.wait() == 0);
  }
};

constexpr order orders[] = {order::opener_waiter_unlock, order::waiter_opener_unlock,
                            order::waiter_unlock_opener};

}  // namespace

TEST_CASE("an opener that finds no seat takes no wake-up, however many tokens are left over") {
  const support::watchdog watchdog(300);
  for (const int left_over : {0, 1, 2, 3, 9, 20000}) {
    for (const order how : orders) {
      for (const bool killed : {false, true}) {
        for (const int still_there : {0, left_over}) {
          CAPTURE(left_over, how, killed, still_there);
          scene{2, left_over, still_there, how, "door: entered", killed}.play();
        }
      }
    }
  }
}

TEST_CASE("an opener that takes a seat takes no wake-up, wherever it is killed") {
  const support::watchdog watchdog(300);
  for (const int left_over : {0, 2, 3, 9, 300}) {
    for (const order how : orders) {
      for (const char* step : {"door: entered", "seat: taken", "seat: generation stored",
                               "seat: tokens drained", "seat: token posted", "seat: left"}) {
        for (const bool killed : {false, true}) {
          for (const int still_there : {0, left_over}) {
            CAPTURE(left_over, how, step, killed, still_there);
            scene{3, left_over, still_there, how, step, killed}.play();
          }
        }
      }
    }
  }
}

TEST_CASE("an opener that makes room among too many tokens takes no wake-up") {
  const support::watchdog watchdog(300);
  constexpr int most_tokens = 32767;
  for (const bool killed : {false, true}) {
    CAPTURE(killed);
    scene{3, most_tokens, most_tokens, order::waiter_unlock_opener, "seat: room made", killed}
        .play();
  }
}
