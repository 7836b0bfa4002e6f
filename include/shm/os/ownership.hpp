// Ownership: to whom a kernel object belongs and what its mode allows, as the kernel tells it.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "../base/options.hpp"

namespace shm::detail {

/// What an opener means to do with an object.
enum class purpose { read, read_and_write };

/// Whether a file such as /proc/self/uid_map maps every id to itself.
inline bool gives_all_numbers(const char* map) noexcept {
  std::FILE* const file = std::fopen(map, "re");
  if (file == nullptr) return false;
  unsigned first = 1, outside = 1, number = 0;
  const int found = std::fscanf(file, "%u %u %u", &first, &outside, &number);
  std::fclose(file);
  return found == 3 && first == 0 && outside == 0 && number == static_cast<unsigned>(-1);
}

/// Whether every user and group id has a number in this user namespace, as in the first one. In
/// other namespaces the kernel shows an id without a number as 65534.
inline bool all_ids_have_numbers() noexcept {
  return gives_all_numbers("/proc/self/uid_map") && gives_all_numbers("/proc/self/gid_map");
}

inline bool is_group_of_process(gid_t one) {
  if (one == ::getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int number = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(number, 0)));  // -1: more since then: unknown
  return std::find(groups.begin(), groups.end(), one) != groups.end();
}

struct ownership {
  uid_t owner = 0;
  uid_t creator = 0;
  gid_t group = 0;
  gid_t creator_group = 0;
  unsigned mode = 0;

  static ownership of(const ipc_perm& permissions) noexcept {
    return {permissions.uid, permissions.cuid, permissions.gid, permissions.cgid,
            permissions.mode & 0777u};
  }

  /// The ownership of what this process creates.
  static ownership of_new(unsigned mode) noexcept {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    return {user, user, group, group, mode};
  }

  /// Whether one of its ids may have no number in this user namespace. Two such ids look the same
  /// and can differ.
  bool is_uncertain() const noexcept {
    constexpr unsigned nobody = 65534;
    const bool is_nobodys =
        owner == nobody || creator == nobody || group == nobody || creator_group == nobody;
    return is_nobodys && !all_ids_have_numbers();
  }

  bool lets_in_no_more_than(access who) const noexcept { return (mode & ~permissions(who)) == 0; }

  /// Whether an opener trusts the object. The owner can give it away and keep access as its
  /// creator, so both count. The same goes for the group: the owner can change it, but not the
  /// group of the creator.
  bool is_trusted(access who, purpose why) const {
    if (is_uncertain()) {
      return who == access::everyone || (who == access::everyone_read && why == purpose::read);
    }
    const uid_t user = ::geteuid();
    if ((owner == user || owner == 0) && (creator == user || creator == 0)) return true;
    switch (who) {
      case access::owner: return false;
      case access::group: return is_of_our_group();
      case access::group_read: return why == purpose::read && is_of_our_group();
      case access::everyone_read: return why == purpose::read;
      case access::everyone: return true;
    }
    return false;
  }

  std::string describe() const {
    const char octal[] = {'0', digit(6), digit(3), digit(0), '\0'};
    std::string text = "owner uid " + std::to_string(owner) + ", group " + std::to_string(group);
    if (creator != owner) text += ", created by uid " + std::to_string(creator);
    if (creator_group != group) text += ", created with group " + std::to_string(creator_group);
    return text + ", mode " + octal;
  }

 private:
  bool is_of_our_group() const {
    if (creator == 0) return is_group_of_process(group);
    return creator_group == group && is_group_of_process(group);
  }

  char digit(unsigned shift) const noexcept {
    return static_cast<char>('0' + ((mode >> shift) & 7u));
  }
};

}  // namespace shm::detail
