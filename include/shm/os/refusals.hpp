// Refusals: what the kernel's refusals mean for an object, in words that tell the way out.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string>

#include "../base/error.hpp"
#include "census.hpp"
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

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_removed(const subject& about) {
  refuse(errc::removed, about,
         "the object was removed while this handle was open; close the handle and open it again");
}

/// A call on the semaphore set failed, and not because the set is gone.
[[noreturn]] inline void refuse_set_call(const char* call, int error_number, const subject& about) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      refuse_call(
          call, error_number, about,
          this_user() + " may not do that with the semaphore set" +
              owner_in(census::sets(), about.set_id) +
              "; ask the owner to create the object with another shm::access, or become that user");
    case ENOSPC:
    case ENOMEM:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 " found no memory for an undo record; raise the limits in "
                 "/proc/sys/kernel/sem or free memory");
    case E2BIG:
      refuse(errc::limit_reached, about,
             std::string(call) +
                 " may not do four operations at once; raise the third number of: sysctl "
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
      refuse_call(call, error_number, about,
                  this_user() + " may not do that with the segment" +
                      owner_in(census::segments(), about.segment_id) +
                      "; ask the owner to create the object with another shm::access, or become "
                      "that user");
    case ENOMEM:
      refuse(errc::limit_reached, about,
             std::string(call) + " found no memory or address space for the segment");
    case EMFILE:
      refuse(errc::limit_reached, about, std::string(call) + ": too many segments are attached");
    default: refuse_call(call, error_number, about, "unexpected");
  }
}

}  // namespace shm::detail
