// Find: what lies under a key, and whether it is ours and trusted; attaches, but joins nothing.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/options.hpp"
#include "../base/shared_bytes.hpp"
#include "../format/header.hpp"
#include "../format/layout.hpp"
#include "../format/verify.hpp"
#include "../os/attachment.hpp"
#include "../os/key.hpp"
#include "../os/refusals.hpp"
#include "../os/segment.hpp"
#include "../os/semaphore_set.hpp"
#include "life.hpp"

namespace shm::detail {

/// The user and the purpose that an object is looked up for.
struct search {
  const key& which;
  access who;
  purpose why;
};

inline void check_trust(const ownership& found, const search& wanted, const char* what,
                        const subject& about) {
  const bool lets_in_more = !found.lets_in_no_more_than(wanted.who);
  if (!lets_in_more && found.is_trusted(wanted.who, wanted.why)) return;
  refuse(errc::untrusted_owner, about, distrust(what, found, lets_in_more));
}

struct found_set {
  semaphore_set set;    ///< without its mark, which is certain only inside the door
  bool is_new = false;  ///< nobody has marked it as a set of this library yet
  ownership owner;
};

/// Returns nothing if there is no set. Throws foreign_segment or untrusted_owner.
inline std::optional<found_set> find_set(const search& wanted, subject& about) {
  const result<semaphore_set> found = semaphore_set::find(wanted.which.set_key());
  if (found.error_number == ENOENT) return std::nullopt;
  if (!found.ok()) refuse_set_call("semget", found.error_number, about);
  about.set_id = found.value.id();

  const result<set_status> now = found.value.stat();
  if (means_gone(now.error_number)) return std::nullopt;
  if (!now.ok()) refuse_set_call("semctl(IPC_STAT)", now.error_number, about);
  const auto foreign = [&](const std::string& why) {
    refuse(errc::foreign_segment, about,
           "the semaphore set under key " + hex(wanted.which.set_key()) +
               " is not of this library (" + why + "); it stays untouched; choose another name");
  };
  const unsigned semaphores = now.value.semaphores;
  if (semaphores <= semaphore::first_seat || semaphores > semaphore::first_seat + max_seats) {
    foreign("it has " + std::to_string(semaphores) + " semaphores");
  }
  const result<int> ours = found.value.value(semaphore::ours);
  if (means_gone(ours.error_number)) return std::nullopt;
  if (!ours.ok()) refuse_set_call("semctl(GETVAL)", ours.error_number, about);
  bool is_new = ours.value != semaphore::ours_value;
  if (is_new) {
    const result<set_values> values = found.value.with_semaphores(semaphores).values();
    if (means_gone(values.error_number)) return std::nullopt;
    if (!values.ok()) refuse_set_call("semctl(GETALL)", values.error_number, about);
    // Another opener may have been first since: only these values are of one moment.
    is_new = values.value[semaphore::ours] != semaphore::ours_value;
    bool all_zero = true;
    for (unsigned i = 0; i < semaphores; ++i) all_zero = all_zero && values.value[i] == 0;
    // Every user of ours says first of all that it is ours; so it has not been used, or not by us.
    if (is_new && !(all_zero && now.value.never_used)) foreign("its mark is missing");
  }
  check_trust(now.value.owner, wanted, "semaphore set", about);
  return found_set{found.value.with_semaphores(semaphores), is_new, now.value.owner};
}

/// Says that the set is ours, before it is used in any other way: a used set that does not say so
/// is foreign. Returns false if the set is gone.
inline bool mark_as_ours(const found_set& found, const subject& about) {
  if (!found.is_new) return true;
  const status said = found.set.say_ours();
  crash_point("find: set is ours");
  // EAGAIN: another opener was first. The next process that looks checks what it stored.
  if (said.ok() || said.error_number == EAGAIN) return true;
  if (means_gone(said.error_number)) return false;
  refuse_set_call("semop(mark)", said.error_number, about);
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

[[noreturn]] inline void refuse_scribbled_life(const subject& about) {
  refuse(errc::corrupt, about,
         "its first bytes are zero although it holds an object: somebody scribbled over the "
         "segment; end the processes that use it, and remove it with shm::remove(name, "
         "shm::force)");
}

struct attached_segment {
  segment where;
  segment_status before;  ///< as it was before this process attached
  attachment memory;

  header& head() const noexcept { return header_at(memory); }
};

enum class looking { there, nothing, changed };

/// Attaches the segment under the key without judging it. Returns `nothing` if there is no segment,
/// and `changed` if it was removed meanwhile: then the caller looks again.
inline looking attach_segment(const key& which, attach_mode mode, attached_segment& found,
                              subject& about) {
  const result<segment> existing = segment::find(which.segment_key());
  if (existing.error_number == ENOENT) return looking::nothing;
  if (!existing.ok()) refuse_segment_call("shmget", existing.error_number, about);
  found.where = existing.value;
  about.segment_id = existing.value.id();
  const result<segment_status> now = existing.value.stat();
  if (means_gone(now.error_number)) return looking::changed;
  if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about);
  found.before = now.value;
  result<attachment> memory = attachment::not_inherited(existing.value, mode, now.value.size);
  if (means_gone(memory.error_number)) return looking::changed;
  if (!memory.ok()) refuse_segment_call("shmat", memory.error_number, about);
  found.memory = std::move(memory.value);
  return looking::there;
}

/// The same, read-only.
inline looking look_at_segment(const key& which, attached_segment& found, subject& about) {
  return attach_segment(which, attach_mode::read_only, found, about);
}

/// Whether the first `size` bytes of the segment are zero. Reading them allocates their pages. A
/// creator that comes meanwhile is seen in the life word, if the caller reads it afterwards.
inline bool holds_only_zeros(const attached_segment& found, std::size_t size) {
  std::array<std::byte, 4096> copy;
  bool is_zero = true;
  for (std::size_t at = 0; is_zero && at < size; at += copy.size()) {
    const std::size_t length = std::min(size - at, copy.size());
    load_shared<8>(copy.data(), found.memory.address() + at, length);
    const auto end = copy.begin() + static_cast<std::ptrdiff_t>(length);
    is_zero = std::all_of(copy.begin(), end, [](std::byte one) { return one == std::byte{0}; });
  }
  // Acquire fence: were any byte of a creator's seen above, its life word would be seen below.
  std::atomic_thread_fence(std::memory_order_acquire);
  return is_zero;
}

/// Whether a segment that begins with zeros may be of this library. A creator makes its set first,
/// and says there that it is ours; then the segment, which is all zeros until it is attached and
/// under construction. The creator may have died in between, or be just there; and the set can be
/// lost meanwhile. Returns false if the caller has to look again. Throws foreign_segment, or
/// corrupt.
inline bool may_be_blank_of_ours(const attached_segment& found, const key& which,
                                 bool beside_our_set, bool others_attached, bool is_last_try,
                                 const subject& about) {
  const bool begins_with_zeros =
      holds_only_zeros(found, std::min(found.before.size, sizeof(header)));
  if (!life_of(found.head()).is_blank()) return false;
  if (!begins_with_zeros &&
      verified_description::makes_sense(found.head(), found.before.size, which, about)) {
    refuse_scribbled_life(about);
  }
  if (!begins_with_zeros || !segment_layout::has_size_of_ours(found.before.size)) {
    refuse_foreign_segment(about);
  }
  if (beside_our_set && !others_attached) return true;
  if (!is_last_try) return false;
  if (others_attached) refuse_foreign_segment(about);
  return true;
}

/// How many are attached now, this process included.
inline unsigned long count_attached(const segment& where, const subject& about) {
  const result<segment_status> now = where.stat();
  if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about);
  return now.value.attached;
}

/// Like may_be_blank_of_ours(), for a segment that the caller will construct in or remove: another
/// program's data may begin further on, so all bytes must be zero. Precondition: this process has
/// attached the segment once.
inline bool is_blank_of_ours(const attached_segment& found, const key& which, bool beside_our_set,
                             bool is_last_try, const subject& about) {
  const auto others_attached = [&] { return count_attached(found.where, about) > 1; };
  if (!may_be_blank_of_ours(found, which, beside_our_set, others_attached(), is_last_try, about)) {
    return false;
  }
  const bool is_zero = holds_only_zeros(found, found.before.size);
  // The scan takes time. A process that has attached meanwhile may be about to write.
  if (!life_of(found.head()).is_blank() || others_attached()) return false;
  if (!is_zero) refuse_foreign_segment(about);
  return true;
}

/// What lies under a key that has no set: a segment of ours whose set was lost, or nothing. Asked
/// before a set is made, which would be a stray one beside another program's segment. Throws
/// foreign_segment.
inline looking look_without_set(const search& wanted, bool is_last_try, attached_segment& found,
                                subject& about) {
  const looking seen = look_at_segment(wanted.which, found, about);
  if (seen != looking::there) return seen;
  const life_word word = life_of(found.head());
  if (word.is_blank()) {
    // A creator makes its set before the segment, maybe after we looked for it.
    if (semaphore_set::find(wanted.which.set_key()).ok()) return looking::changed;
    if (!is_blank_of_ours(found, wanted.which, false, is_last_try, about)) {
      return looking::changed;
    }
  } else if (!word.is_ours()) {
    refuse_foreign_segment(about);
  }
  return looking::there;
}

}  // namespace shm::detail
