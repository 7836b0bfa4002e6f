// Ownership: to whom a kernel object belongs and what its mode allows, as the kernel tells it.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>

#include "../base/options.hpp"

namespace shm::detail {

struct ownership {
  uid_t owner = 0;
  uid_t creator = 0;
  unsigned mode = 0;

  static ownership of(const ipc_perm& permissions) noexcept {
    return {permissions.uid, permissions.cuid, permissions.mode & 0777u};
  }

  /// The owner can give the object away and keep access as its creator, so both count.
  bool trusted(access who) const noexcept {
    const bool ours = is_ours(owner) && is_ours(creator);
    const bool no_more_than_asked = (mode & ~permissions(who)) == 0;
    return (ours || who != access::owner) && no_more_than_asked;
  }

  std::string describe() const {
    const char octal[] = {'0', digit(6), digit(3), digit(0), '\0'};
    std::string text = "owner uid " + std::to_string(owner);
    if (creator != owner) text += ", created by uid " + std::to_string(creator);
    return text + ", mode " + octal;
  }

 private:
  static bool is_ours(uid_t user) noexcept { return user == ::geteuid() || user == 0; }
  char digit(unsigned shift) const noexcept {
    return static_cast<char>('0' + ((mode >> shift) & 7u));
  }
};

}  // namespace shm::detail
