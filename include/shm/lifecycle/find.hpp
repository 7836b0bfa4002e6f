// Find: looks at what lies under a key before anything is touched, and refuses what is not ours.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../base/crash_point.hpp"
#include "../base/options.hpp"
#include "../format/header.hpp"
#include "../os/attachment.hpp"
#include "../os/key.hpp"
#include "../os/refusals.hpp"
#include "../os/segment.hpp"
#include "../os/semaphore_set.hpp"

namespace shm::detail {

inline void check_trust(const ownership& found, access who, const char* what,
                        const subject& about) {
  if (found.trusted(who)) return;
  const bool lets_in_more = (found.mode & ~permissions(who)) != 0;
  refuse(errc::untrusted_owner, about, distrust(what, found, lets_in_more));
}

struct found_set {
  semaphore_set set;
  unsigned semaphores = 0;
  bool marked = false;  ///< false: new, nobody has used it yet
  unsigned mode = 0;
};

/// Nothing when there is no set. Throws foreign_segment or untrusted_owner.
inline std::optional<found_set> find_set(const key& which, access who, subject& about) {
  const result<semaphore_set> found = semaphore_set::find(which.set_key());
  if (found.error_number == ENOENT) return std::nullopt;
  if (!found.ok()) refuse_set_call("semget", found.error_number, about);
  about.set_id = found.value.id();

  const result<set_status> now = found.value.stat();
  if (means_gone(now.error_number)) return std::nullopt;
  if (!now.ok()) refuse_set_call("semctl(IPC_STAT)", now.error_number, about);
  const auto foreign = [&](const std::string& why) {
    refuse(errc::foreign_segment, about,
           "the semaphore set under key " + hex(which.set_key()) + " is not of this library (" +
               why + "); it stays untouched; choose another name");
  };
  const unsigned semaphores = now.value.semaphores;
  if (semaphores <= semaphore::first_seat) {
    foreign("it has " + std::to_string(semaphores) + " semaphores");
  }
  const result<std::vector<unsigned short>> values = found.value.values(semaphores);
  if (means_gone(values.error_number)) return std::nullopt;
  if (!values.ok()) refuse_set_call("semctl(GETALL)", values.error_number, about);
  const int mark = values.value[semaphore::mark];
  const bool marked = mark == semaphore::mark_value;
  if (!marked) {
    const bool all_zero = std::all_of(values.value.begin(), values.value.end(),
                                      [](unsigned short value) { return value == 0; });
    // Every user of ours marks it first of all; so it has not been used, or not by us.
    if (!all_zero || !now.value.never_used) {
      foreign("its mark is missing");
    }
  }
  check_trust(now.value.owner, who, "semaphore set", about);
  return found_set{found.value, semaphores, marked, now.value.owner.mode};
}

/// Before the set is used in any other way: a used set without the mark is foreign. False: it is
/// gone.
inline bool mark_as_ours(const found_set& found, const subject& about) {
  if (found.marked) return true;
  const status put = found.set.put_mark();
  crash_point("find: set marked");
  // EAGAIN: another opener was first, and what it put is checked by whoever finds the set.
  if (put.ok() || put.error_number == EAGAIN) return true;
  if (means_gone(put.error_number)) return false;
  refuse_set_call("semop(mark)", put.error_number, about);
}

/// When the kernel does not tell, somebody may.
inline bool anybody_sits(const found_set& found) {
  const result<std::vector<unsigned short>> values = found.set.values(found.semaphores);
  if (!values.ok()) return !means_gone(values.error_number);
  return std::any_of(values.value.begin() + semaphore::first_seat, values.value.end(),
                     [](unsigned short taken) { return taken != 0; });
}

/// What the first eight bytes say, or the errno of attaching.
inline result<segment_state> peek_state(const segment& where) {
  const result<attachment> memory = attachment::of(where, attach_mode::read_only);
  if (!memory.ok()) return {segment_state::blank, memory.error_number};
  const auto& head = *static_cast<const header*>(static_cast<const void*>(memory.value.address()));
  return {head.state.load(std::memory_order_seq_cst), 0};
}

[[noreturn]] inline void refuse_foreign_segment(const subject& about) {
  refuse(
      errc::foreign_segment, about,
      "the segment under this key is not of this library; it stays untouched; choose another name, "
      "or look who made it with: ipcs -m -p");
}

[[noreturn]] inline void refuse_not_found(const subject& about) {
  refuse(errc::not_found, about,
         "there is no object of that name; start the program that creates it, or open it with "
         "shm::open_or_create");
}

[[noreturn]] inline void refuse_half_made(const subject& about) {
  refuse(errc::not_found, about,
         "its creator died before it was ready; the next program that opens it read-write with "
         "shm::open_or_create completes it");
}

struct attached_segment {
  segment where;
  segment_status now;  ///< as it was before we attached
  attachment memory;
};

/// Attached read-only, and not yet judged. Nothing: removed meanwhile. Throws not_found.
inline std::optional<attached_segment> attach_to_look(const key& which, subject& about) {
  const result<segment> existing = segment::find(which.segment_key());
  if (existing.error_number == ENOENT) refuse_not_found(about);
  if (!existing.ok()) refuse_segment_call("shmget", existing.error_number, about);
  about.segment_id = existing.value.id();
  const result<segment_status> now = existing.value.stat();
  if (means_gone(now.error_number)) return std::nullopt;
  if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about);
  result<attachment> memory = attachment::of(existing.value, attach_mode::read_only);
  if (means_gone(memory.error_number)) return std::nullopt;
  if (!memory.ok()) refuse_segment_call("shmat", memory.error_number, about);
  return attached_segment{existing.value, now.value, std::move(memory.value)};
}

}  // namespace shm::detail
