// IPC namespace: one for this test program alone, so that it neither meets nor disturbs another.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

namespace support {

namespace ipc_namespace {

inline bool write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

/// A new user namespace grants every capability. Tests of permissions need a user who has none.
inline bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return ::syscall(SYS_capset, &header, none) == 0;
}

/// An ordinary user gets an IPC namespace only together with a user namespace, and keeps its ids
/// there. The caller cannot go back if this fails half way.
inline bool enter_with_user_namespace() {
  const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
  return ::unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0 &&
         write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", user + " " + user + " 1") &&
         write_file("/proc/self/gid_map", group + " " + group + " 1") && drop_capabilities();
}

/// Some kernels grant the namespaces and then refuse the ids, so a child tries first.
inline bool may_enter_with_user_namespace() {
  const pid_t child = ::fork();
  if (child == -1) throw std::system_error(errno, std::system_category(), "fork");
  if (child == 0) ::_exit(enter_with_user_namespace() ? 0 : 1);
  int status = 0;
  if (::waitpid(child, &status, 0) == -1)
    throw std::system_error(errno, std::system_category(), "waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ipc_namespace

/// Moves the calling process to a new IPC namespace. Returns false, with nothing changed, if the
/// kernel allows none, or if a test program in its own namespace executed this program.
inline bool enter_ipc_namespace() {
  using namespace ipc_namespace;
  static constexpr char inherited[] = "SHM_TEST_IPC_NAMESPACE";
  if (std::getenv(inherited) != nullptr) return false;
  // Root could not become other users in a user namespace that holds one id.
  const bool entered = ::geteuid() == 0
                           ? ::unshare(CLONE_NEWIPC) == 0
                           : may_enter_with_user_namespace() && enter_with_user_namespace();
  if (entered) ::setenv(inherited, "entered", 1);
  return entered;
}

}  // namespace support
