// Options: how an object is opened: for whom, for how long, for how many, in which memory.
// SPDX-License-Identifier: MIT
#pragma once

#include "requirements.hpp"

#include <chrono>

namespace shm {

/// Who may read and write. When creating: the permissions. When opening: whom we trust, that is,
/// how much the permissions found may allow, and whether somebody else may own the object.
enum class access {
  owner,          ///< 0600: this user alone
  group,          ///< 0660: the group reads and writes
  group_read,     ///< 0640: the group reads
  everyone_read,  ///< 0644: everybody reads
  everyone        ///< 0666: everybody reads and writes
};

/// How long an object stays. The creator's choice holds; later openers' is ignored.
enum class lifetime {
  persistent,         ///< until remove() or a reboot
  until_last_detach,  ///< until the last handle closes
};

/// How an object is opened. Where two processes differ, each member says whose word holds.
struct options {
  /// Each opener's own: it refuses an object that lets in more than this.
  shm::access access = access::owner;
  /// The creator's holds.
  shm::lifetime lifetime = lifetime::persistent;
  /// How many read-write handles may be open at once, over all processes; 1 to 2048. The creator's
  /// number holds.
  unsigned seats = 64;
  /// How long to wait for somebody alive who is creating, opening or removing the same object.
  std::chrono::milliseconds open_timeout{5000};
  /// Creator: lay the segment in huge pages. Where the kernel refuses, ordinary pages are used, and
  /// one line on stderr says why.
  bool huge_pages = false;
  /// Keep the segment out of swap (SHM_LOCK). Where the kernel refuses, opening fails with its
  /// errno.
  bool lock_in_memory = false;
  /// Map every page when opening, so that no later access has to fault.
  bool prefault = false;
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

inline constexpr unsigned max_seats = 2048;  // a seat's number has 11 bits in the lock word

}  // namespace detail
}  // namespace shm
