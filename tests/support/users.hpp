// Users: other users and groups, which only root can play.
// SPDX-License-Identifier: MIT
#pragma once

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "child.hpp"
#include "ipc_namespace.hpp"

namespace support {

inline bool may_play_users() {
  return ::geteuid() == 0;
}

struct user {
  uid_t id;
  gid_t group;
  std::vector<gid_t> more_groups = {};
};

/// For a child: there is no way back.
inline void become(const user& who) {
  if (::setgroups(who.more_groups.size(), who.more_groups.data()) != 0 ||
      ::setresgid(who.group, who.group, who.group) != 0 ||
      ::setresuid(who.id, who.id, who.id) != 0) {
    throw std::runtime_error("cannot become another user");
  }
}

/// The status of a child that does the job as that user.
template <class Job>
int as_user(const user& who, Job job) {
  child other([&] {
    become(who);
    return job();
  });
  return other.wait();
}

constexpr int no_namespace = 77;

/// The same in a new user namespace, where only the ids of `map` have numbers. Returns no_namespace
/// if the kernel does not give this user one.
template <class Job>
int as_user_in_namespace(const user& who, const std::string& map, Job job) {
  return as_user(who, [&]() -> int {
    ::prctl(PR_SET_DUMPABLE, 1);  // or the files of the namespace would be root's
    if (::unshare(CLONE_NEWUSER) != 0) return no_namespace;
    if (!map.empty() && !ipc_namespace::write_file("/proc/self/uid_map", map)) return no_namespace;
    return job();
  });
}

}  // namespace support
