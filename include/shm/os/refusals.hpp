// Refusals: what the kernel's refusals mean for an object, in words that tell the way out.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "../base/error.hpp"
#include "census.hpp"
#include "permission.hpp"
#include "semaphore_set.hpp"

namespace shm::detail {

/// A process id for people: of another PID namespace the kernel tells only 0.
inline std::string process_name(const result<int>& pid) {
  if (!pid.ok() || pid.value == 0) return "a process of another container";
  return "pid " + std::to_string(pid.value);
}

/// "pid 12, pid 34": who sits in the set now.
inline std::string occupants(const semaphore_set& set, unsigned seats) {
  constexpr unsigned enough = 8;
  std::string names;
  unsigned found = 0;
  for (unsigned seat = 0; seat < seats; ++seat) {
    const auto index = static_cast<unsigned short>(semaphore::first_seat + seat);
    const result<int> taken = set.value(index);
    if (!taken.ok() || taken.value == 0) continue;
    if (++found > enough) return names + ", …";
    if (!names.empty()) names += ", ";
    names += process_name(set.last_process(index));
  }
  return names.empty() ? "nobody with a read-write handle" : names;
}

/// ", which has owner uid 12, mode 0600", from one of the kernel's tables, which may be read
/// without permission for what they tell of; "" where it is not told.
template <class Table>
std::string owner_in(const Table& table, int id) {
  for (const auto& one : table.value) {
    if (one.id == id) return ", which has " + one.owner.describe();
  }
  return "";
}

inline std::string this_user() {
  return "this user (uid " + std::to_string(::geteuid()) + ")";
}

/// Why an object is not trusted, with the way out. `lets_in_more`: its mode does, than the caller's
/// options::access.
inline std::string distrust(const char* what, const ownership& found, bool lets_in_more) {
  const std::string which = std::string("the ") + what + " has " + found.describe();
  if (lets_in_more) {
    return which +
           ", which lets in more than options::access says; if that is meant, open it with the "
           "options::access that it was created with";
  }
  const bool owner_can = found.creator == found.owner || found.creator == 0;
  if (::geteuid() == 0 && owner_can) {
    const std::string uid = std::to_string(found.owner);
    return which +
           ", another user, whom options::access does not trust; root trusts no more than others "
           "do: run this program as that user (sudo -u '#" +
           uid + "', or setpriv --reuid=" + uid + "), or choose another name";
  }
  return which +
         ", another user, whom options::access does not trust; if that is meant, open it with the "
         "options::access that it was created with, or choose another name";
}

/// What a call asks of the object that it is about.
inline right right_for(std::string_view call) noexcept {
  const auto says = [call](const char* word) { return call.find(word) != call.npos; };
  if (says("shmget") || says("semget")) return right::none;
  if (says("IPC_RMID") || says("IPC_SET")) return right::own;
  if (says("STAT") || says("GETVAL") || says("GETALL") || says("GETPID")) return right::read;
  return right::alter;
}

/// Whether the kernel's permissions are why a call was refused. They say EPERM to who is not the
/// owner, and EACCES to who may not read or write; all else is said by a sandbox.
template <class Table>
bool permissions_explain(const char* call, int error_number, const Table& table, int id) {
  const right wanted = right_for(call);
  if (wanted == right::none || (error_number == EPERM) != (wanted == right::own)) return false;
  for (const auto& one : table.value) {
    if (one.id == id) return !kernel_allows(one.owner, wanted);
  }
  return table.ok();  // it is gone; a table that is not told is withheld by a sandbox
}

/// Why a call is refused that the kernel's permissions allow, with the way out.
inline std::string refused_by_sandbox(int error_number) {
  const std::string way_out =
      "allow shmget, shmat, shmdt, shmctl, semget, semctl, semop, semtimedop and membarrier in the "
      "profile of the sandbox or container";
  if (error_number == ENOSYS) {
    return "this kernel, or the sandbox that this program runs in, does not offer the system "
           "call; build the kernel with CONFIG_SYSVIPC, or " +
           way_out;
  }
  return "a sandbox refuses the system call to this program (a seccomp filter, a container's "
         "profile, a security module), and not the permissions of the object; " +
         way_out;
}

/// Of a refusal to find or to attach an object: permissions refuse that with EACCES.
inline bool is_by_sandbox(const error& refusal) noexcept {
  return refusal.code() == std::errc::operation_not_permitted ||
         refusal.code() == std::errc::function_not_supported;
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_removed(const subject& about) {
  refuse(errc::removed, about,
         "the object was removed while this handle was open; close the handle and open it again");
}

/// By the permissions of the object, or by a sandbox.
template <class Table>
[[noreturn]] void refuse_forbidden_call(const char* call, int error_number, const subject& about,
                                        const char* what, const Table& table, int id) {
  if (!permissions_explain(call, error_number, table, id)) {
    refuse_call(call, error_number, about, refused_by_sandbox(error_number));
  }
  refuse_call(call, error_number, about,
              this_user() + " may not do that with the " + what + owner_in(table, id) +
                  "; ask the owner to create the object with another shm::access, or become that "
                  "user");
}

/// A call on the semaphore set failed, and not because the set is gone.
[[noreturn]] inline void refuse_set_call(const char* call, int error_number, const subject& about) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      refuse_forbidden_call(call, error_number, about, "semaphore set", census::sets(),
                            about.set_id);
    case ENOSYS: refuse_call(call, error_number, about, refused_by_sandbox(error_number));
    case ENOSPC:
    case ENOMEM:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 " found no memory for an undo record; raise the limits in "
                 "/proc/sys/kernel/sem or free memory");
    case E2BIG:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 " may not do so many operations at once; raise the third number of: sysctl "
                 "kernel.sem");
    case ERANGE:
      refuse(errc::corrupt, about,
             std::string(call) +
                 " met a semaphore out of range: somebody changed the set by hand; "
                 "remove the object with shm::remove(name, shm::force)");
    default: refuse_call(call, error_number, about, "unexpected");
  }
}

[[noreturn]] inline void refuse_segment_call(const char* call, int error_number,
                                             const subject& about) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      refuse_forbidden_call(call, error_number, about, "segment", census::segments(),
                            about.segment_id);
    case ENOSYS: refuse_call(call, error_number, about, refused_by_sandbox(error_number));
    case ENOMEM:
      refuse(errc::limit_reached, about,
             std::string(call) + " found no memory or address space for the segment");
    case EMFILE:
      refuse(errc::limit_reached, about, std::string(call) + ": too many segments are attached");
    case EFAULT:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 ", madvise(MADV_POPULATE_READ): the kernel has no memory for the segment's pages "
                 "(huge pages that nobody "
                 "reserved); raise: sysctl vm.nr_hugepages");
    default: refuse_call(call, error_number, about, "unexpected");
  }
}

}  // namespace shm::detail
