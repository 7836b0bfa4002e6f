// Permits: put into the set of a semaphore behind its door, before anybody can take one.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>

#include "../base/crash_point.hpp"
#include "../format/verify.hpp"
#include "../os/refusals.hpp"
#include "door.hpp"
#include "life.hpp"
#include "seat.hpp"

namespace shm::detail {

// A semaphore keeps its free permits in one System V semaphore. A process that takes one leaves an
// undo record with the kernel, which gives the permit back when the process ends. A process can
// take one only through a handle, and a handle only joins a set that the life word names as ready.
// So the permits are put in before the life word says that, and until then nobody has any.

/// Makes `wanted` permits free; 0 for an object that is no semaphore. If the process is killed
/// before or after this, the next one that completes or adopts the object does it again.
/// Precondition: the caller is inside the door, and the life word does not say ready in this set.
/// Returns false if the set is gone, or was changed by hand.
inline bool put_permits(const door& inside, unsigned wanted, const subject& about) {
  const unsigned free = inside.values()[semaphore::permits];
  if (free == wanted) return true;  // put in by a process that died before it said ready
  const status put = inside.set().put_permits(free, wanted);
  crash_point("permits: put");
  if (put.ok()) return true;
  if (put.error_number == EAGAIN || means_gone(put.error_number)) return false;
  refuse_set_call("semop(permits)", put.error_number, about);
}

/// Makes the set behind whose door the caller stands that of an object which lost its own. A
/// semaphore has all of its permits again: nobody who took one is attached. Precondition: nobody
/// else is. Returns false if the caller has to look again.
inline bool adopt(life& word, unsigned permits, const door& inside, const subject& about) {
  if (!put_permits(inside, permits, about) || !word.change_to(life_state::ready)) return false;
  crash_point("open: set adopted");
  return true;
}

/// Whether a live process, or a handle that was closed beside a thread that used it, holds the lock
/// or has a permit. Asks only what is known inside the door.
inline bool is_held(const header& head, const verified_description& facts,
                    const door& inside) noexcept {
  return seats(head, facts.seats(), inside.set()).is_lock_held(head, inside) ||
         inside.values()[semaphore::permits] < facts.permits();
}

}  // namespace shm::detail
