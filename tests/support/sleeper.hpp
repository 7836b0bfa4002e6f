// Sleeper: somebody who sleeps for a lock while the mutex is taken away.
// SPDX-License-Identifier: MIT
#pragma once

#include <shm.hpp>

#include "baton.hpp"
#include "child.hpp"
#include "refusal.hpp"

namespace support {

/// Whether a process that waits for a held mutex gets errc::removed after take_away().
template <class TakeAway>
bool sleeper_is_told(const shm::key& name, TakeAway take_away) {
  shm::mutex mutex(name);
  mutex.lock();
  baton waiting;
  child sleeper([&] {
    shm::mutex mine(name);
    waiting.pass();
    return code_of([&mine] { mine.lock(); }) == shm::errc::removed ? 0 : 1;
  });
  waiting.await();
  take_away();
  const bool told = sleeper.wait() == 0;
  mutex.unlock();
  return told;
}

}  // namespace support
