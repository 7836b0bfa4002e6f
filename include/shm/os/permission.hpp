// Permission: what the kernel's own rules let this process do with a segment or semaphore set.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ownership.hpp"

namespace shm::detail {

/// What a call asks of an object: nothing, as shmget does; or to read it; to read and alter it; or
/// to remove it or give it away, as only its owner may.
enum class right { none, read, alter, own };

inline bool has_capability(unsigned which) noexcept {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &head, data) != 0) return false;
  return (data[which / 32].effective >> (which % 32) & 1u) != 0;
}

/// In a user namespace a process may hold every capability. None of them applies to an object whose
/// owner has no number there.
inline bool has_power_over(const ownership& object, unsigned capability) noexcept {
  return has_capability(capability) && !object.is_uncertain();
}

/// Repeats the rules of ipc(2), so that a refusal by them can be told from a refusal by a sandbox.
inline bool kernel_allows(const ownership& object, right wanted) {
  const uid_t user = ::geteuid();
  const bool is_owner = user == object.owner || user == object.creator;
  switch (wanted) {
    case right::none: return true;
    case right::own: return is_owner || has_power_over(object, CAP_SYS_ADMIN);
    case right::read:
    case right::alter: break;
  }
  const bool is_member =
      is_group_of_process(object.group) || is_group_of_process(object.creator_group);
  const unsigned shift = is_owner ? 6 : is_member ? 3 : 0;
  const unsigned bits = wanted == right::read ? 4 : 6;
  return ((object.mode >> shift) & bits) == bits || has_power_over(object, CAP_IPC_OWNER);
}

}  // namespace shm::detail
