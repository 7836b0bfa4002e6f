// Users: other users and groups, which only root can play.
// SPDX-License-Identifier: MIT
#pragma once

#include <grp.h>
#include <sys/types.h>
#include <unistd.h>

#include <initializer_list>
#include <stdexcept>
#include <vector>

#include "child.hpp"

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

}  // namespace support
