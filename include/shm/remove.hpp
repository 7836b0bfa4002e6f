// Remove: takes an object away: its segment and its semaphores.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include "base/open_mode.hpp"
#include "lifecycle/removal.hpp"
#include "os/key.hpp"

namespace shm {

/// Does nothing when there is nothing. Blocks while somebody alive creates or opens the object, at
/// most 5 s. A crash meanwhile leaves it removed or as before. Throws shm::error: in_use while any
/// process is attached, foreign_segment (which stays untouched), name_collision, timed_out, or the
/// kernel's errno when this user may not remove it. An object of another memory layout is taken
/// away like any other, but for its name, which cannot be read and so is not compared.
inline void remove(const key& which) {
  detail::remover(which, detail::removal_mode::if_unused).remove();
}

/// The same. It is here so that an unqualified remove("x") after `using namespace shm` is
/// ambiguous, and not the C library's remove of a file.
inline void remove(const char* name) {
  remove(key(name));
}

/// Takes the object away under those who are attached: they get errc::removed at their next lock,
/// load or wake-up. Blocks and throws as remove(key), but in_use.
inline void remove(const key& which, force_t) {
  detail::remover(which, detail::removal_mode::forced).remove();
}

/// Takes the object away if it is provably dead: nobody is attached, and it says that it was
/// never finished, or was to live until its last handle closed, or only its semaphores are left.
/// Does nothing when there is nothing. Blocks and throws as remove(key); errc::in_use, too, when it
/// is alive.
inline void remove_if_dead(const key& which) {
  detail::remover(which, detail::removal_mode::if_dead).remove();
}

}  // namespace shm
