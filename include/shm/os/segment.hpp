// Segment: a System V shared memory segment, from shmget to IPC_RMID.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/shm.h>

#include <cstddef>

#include "ownership.hpp"
#include "result.hpp"

namespace shm::detail {

struct segment_status {
  std::size_t size = 0;
  unsigned long attached = 0;  ///< exact, over all processes, forked children and readers included
  ownership owner;
};

/// Names a segment; owns nothing.
class segment {
 public:
  segment() = default;

  static result<segment> find(key_t key) noexcept {
    // Size 0: with our own size the kernel would refuse a smaller segment before we can explain.
    return of(::shmget(key, 0, 0));
  }

  /// Fails with EEXIST when the key is taken.
  static result<segment> create(key_t key, std::size_t size, unsigned mode, bool huge) noexcept {
    const int flags = IPC_CREAT | IPC_EXCL | static_cast<int>(mode) | (huge ? SHM_HUGETLB : 0);
    return of(::shmget(key, size, flags));
  }

  int id() const noexcept { return id_; }

  result<segment_status> stat() const noexcept {
    shmid_ds data{};
    if (::shmctl(id_, IPC_STAT, &data) == -1) return {{}, errno};
    return {{data.shm_segsz, data.shm_nattch, ownership::of(data.shm_perm)}, 0};
  }

  /// Asks the kernel whether this user may remove the segment. EPERM: no. Precondition: this
  /// process is attached to it.
  status may_remove() const noexcept {
    // IPC_SET needs the same right as IPC_RMID. The kernel checks the right first, and then refuses
    // an owner that does not exist, so nothing changes.
    shmid_ds data{};
    data.shm_perm.uid = static_cast<uid_t>(-1);
    data.shm_perm.gid = static_cast<gid_t>(-1);
    const status refused = status::of(::shmctl(id_, IPC_SET, &data));
    return refused.error_number == EINVAL ? status{} : refused;
  }

  status lock_in_memory() const noexcept { return status::of(::shmctl(id_, SHM_LOCK, nullptr)); }

  /// The key is free at once; the memory goes when the last process detaches.
  status remove() const noexcept { return status::of(::shmctl(id_, IPC_RMID, nullptr)); }

 private:
  static result<segment> of(int id) noexcept {
    if (id == -1) return {{}, errno};
    segment found;
    found.id_ = id;
    return {found, 0};
  }

  int id_ = -1;
};

}  // namespace shm::detail
