// Options: how an object is opened: for whom, for how long, for how many, in which memory.
// SPDX-License-Identifier: MIT
#pragma once

#include "requirements.hpp"

#include <chrono>
#include <optional>

namespace shm {

/// Who may read and write. When creating: the permissions. When opening: whom this process trusts.
/// An object whose permissions allow more is refused, and so is one that another user or group
/// made, as far as the value says. Objects of this user and of root are always trusted.
enum class access {
  owner,          ///< 0600: this user alone
  group,          ///< 0660: the group reads and writes; trusts a creator of our groups
  group_read,     ///< 0640: the group reads; the same trust, for reading
  everyone_read,  ///< 0644: everybody reads; trusts everybody, for reading
  everyone        ///< 0666: everybody reads and writes; trusts everybody
};

/// How long an object stays. The creator's choice holds; that of later openers is ignored.
enum class lifetime {
  persistent,         ///< until remove() or a reboot
  until_last_detach,  ///< until the last handle closes, if its user may remove it
};

/// How an object is opened. Each member says whose choice holds if two processes differ.
struct options {
  /// Each opener's choice counts for that opener: it refuses an object that it does not trust.
  shm::access access = access::owner;
  /// The creator's holds.
  shm::lifetime lifetime = lifetime::persistent;
  /// How many read-write handles may be open at once, over all processes; 1 to 2048. The creator's
  /// choice holds, also after the semaphores were lost.
  unsigned seats = 64;
  /// How long to wait for a live process that is creating, opening or removing the same object, or
  /// for one that does not finish an edit in place. Also how long a blank segment that another
  /// program is attached to is taken for one that is being created.
  std::chrono::milliseconds open_timeout{5000};
  /// Creator: lay the segment in huge pages. Where the kernel refuses, ordinary pages are used, and
  /// one line on stderr says why.
  bool huge_pages = false;
  /// Keep the segment out of swap (SHM_LOCK). Where the kernel refuses, opening fails with its
  /// errno.
  bool lock_in_memory = false;
  /// Map every page when opening, so that no later access has to fault.
  bool prefault = false;
  /// Each change wakes the threads that wait for one, even if no waiting thread could ask for it.
  /// Read-only handles of users who may not write cannot ask: without this they look again every
  /// millisecond. It costs each change a system call. The creator's choice holds; by default it is
  /// on where others may read and not write (access::group_read and access::everyone_read).
  std::optional<bool> wake_readers = std::nullopt;
  /// How long shm::open_only and read-only handles wait for an object that does not exist yet. The
  /// moment that it is ready, it is opened, or refused, as if it had been there. Comes in addition
  /// to open_timeout, which begins anew with every try. 0: errc::not_found at once.
  std::chrono::milliseconds await_creation{0};
};

namespace detail {

constexpr unsigned permissions(access who) noexcept {
  switch (who) {
    case access::owner: return 0600;
    case access::group: return 0660;
    case access::group_read: return 0640;
    case access::everyone_read: return 0644;
    case access::everyone: return 0666;
  }
  return 0600;
}

/// Whether each change is to wake, in an object that is created with these options.
constexpr bool wakes_readers(const options& how) noexcept {
  return how.wake_readers.value_or(how.access == access::group_read ||
                                   how.access == access::everyone_read);
}

inline constexpr unsigned max_seats = 2048;  // a seat's number has 11 bits in the lock word

}  // namespace detail
}  // namespace shm
