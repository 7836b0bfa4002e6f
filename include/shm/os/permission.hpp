// Permission: what the kernel's own rules let this process do with a segment or semaphore set.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/capability.h>
#include <sys/ipc.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace shm::detail {

/// What a call asks of an object: nothing, as shmget does; or to read it; to read and alter it; or
/// to remove it or give it away, as only its owner may.
enum class right { none, read, alter, own };

/// Repeats the rules of ipc(2), so that a refusal by them can be told from a refusal by a sandbox.
struct permission {
  uid_t owner = 0;
  uid_t creator = 0;
  gid_t group = 0;
  gid_t creator_group = 0;
  unsigned mode = 0;

  static permission of(const ipc_perm& from) noexcept {
    return {from.uid, from.cuid, from.gid, from.cgid, from.mode & 0777u};
  }

  bool allows(right wanted) const {
    const uid_t user = ::geteuid();
    const bool is_owner = user == owner || user == creator;
    switch (wanted) {
      case right::none: return true;
      case right::own: return is_owner || has_capability(CAP_SYS_ADMIN);
      case right::read:
      case right::alter: break;
    }
    const unsigned shift = is_owner ? 6 : is_member() ? 3 : 0;
    const unsigned bits = wanted == right::read ? 4 : 6;
    return ((mode >> shift) & bits) == bits || has_capability(CAP_IPC_OWNER);
  }

 private:
  bool is_member() const {
    const auto counts = [this](gid_t one) { return one == group || one == creator_group; };
    const int number = ::getgroups(0, nullptr);
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(number, 0)));
    if (::getgroups(number, groups.data()) < 0) groups.clear();
    return counts(::getegid()) || std::any_of(groups.begin(), groups.end(), counts);
  }

  static bool has_capability(unsigned which) noexcept {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capget, &head, data) != 0) return false;
    return (data[which / 32].effective >> (which % 32) & 1u) != 0;
  }
};

}  // namespace shm::detail
