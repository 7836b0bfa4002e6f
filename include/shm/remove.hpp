// Remove: removes an object: its segment and its semaphores.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include "base/open_mode.hpp"
#include "lifecycle/removal.hpp"
#include "os/key.hpp"

namespace shm {

/// Removes the object. Does nothing if there is none. Blocks while a live process creates, opens or
/// removes it, at most 5 s, and up to 10 ms for processes that only look. A crash leaves the object
/// removed, or as it was.
///
/// Throws shm::error: in_use while any process is attached, or has closed a handle while it held
/// the lock; foreign_segment and name_collision, and then nothing is changed; timed_out; or the
/// kernel's errno if this user may not remove it. An object whose semaphores were lost is removed
/// if nobody else is attached. An object of another memory layout is removed like any other, but
/// its name cannot be read and so is not compared.
inline void remove(const key& which) {
  detail::remover(which, detail::removal_mode::if_unused).remove();
}

/// Removes the object of that name. This overload makes an unqualified remove("x") after `using
/// namespace shm` ambiguous, instead of the C library's remove of a file.
inline void remove(const char* name) {
  remove(key(name));
}

/// Removes the object although processes are attached: they get errc::removed at their next lock,
/// load or wake-up. Nothing changes for them if this user may not remove it. Blocks and throws like
/// remove(key), without in_use.
inline void remove(const key& which, force_t) {
  detail::remover(which, detail::removal_mode::forced).remove();
}

/// Removes the object if it is provably dead: nobody is attached, and it was never finished, or has
/// lifetime::until_last_detach, or only its semaphores are left. Does nothing if there is none.
/// Blocks and throws like remove(key); in_use, too, if the object is alive.
inline void remove_if_dead(const key& which) {
  detail::remover(which, detail::removal_mode::if_dead).remove();
}

}  // namespace shm
