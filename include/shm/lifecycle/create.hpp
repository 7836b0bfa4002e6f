// Create: makes the set and the segment, and constructs the content; a death on the way shows.
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "../base/crash_point.hpp"
#include "../base/options.hpp"
#include "../base/shared_bytes.hpp"
#include "../format/layout.hpp"
#include "../os/key.hpp"
#include "../os/refusals.hpp"
#include "../os/segment.hpp"
#include "door.hpp"
#include "find.hpp"

namespace shm::detail {

/// The seats and the permissions that a set is made with.
struct set_plan {
  unsigned seats;
  unsigned mode;
  bool replaces_lost_set = false;
  ownership segment_owner = {};  ///< of the segment that lost its set

  static set_plan of(const options& how) noexcept { return {how.seats, permissions(how.access)}; }

  /// An object whose set was lost keeps the seats and the permissions that its creator chose.
  /// `seats_if_unknown` is used where the header does not tell a valid number.
  static set_plan replacing_lost_set_of(const attached_segment& found,
                                        unsigned seats_if_unknown) noexcept {
    std::uint32_t seats = 0;
    if (found.before.size >= sizeof(header)) {
      load_shared<4>(&seats, &found.head().fixed.seats, sizeof seats);
    }
    const bool is_known = seats >= 1 && seats <= max_seats;
    return {is_known ? seats : seats_if_unknown, found.before.owner.mode, true, found.before.owner};
  }
};

/// Whether the users of the segment could use a set that this process makes.
inline bool may_serve_all_users_of(const ownership& segment_owner) {
  if (segment_owner.is_uncertain()) return false;  // no number to give the set to
  return segment_owner.creator_group == ::getegid() || ::geteuid() == 0 ||
         segment_owner.is_trusted(access::owner, purpose::read_and_write) ||
         (segment_owner.mode & 0006) != 0;
}

/// Makes a set. Returns nothing if another opener was first. Throws limit_reached, or EPERM.
inline std::optional<found_set> make_set(const key& which, const set_plan& plan, subject& about) {
  if (plan.replaces_lost_set && !may_serve_all_users_of(plan.segment_owner)) {
    refuse_call(
        "semget", EPERM, about,
        "the object's semaphores were removed (ipcrm, or logind's RemoveIPC), and new ones of "
        "this process would belong to another group; let its owner open it first, or a "
        "process whose group is " +
            std::to_string(plan.segment_owner.creator_group));
  }
  const result<semaphore_set> made = semaphore_set::create(which.set_key(), plan.seats, plan.mode);
  switch (made.error_number) {
    case 0: break;
    case EEXIST: return std::nullopt;  // another opener was first
    case ENOSPC:
    case ENOMEM:
      refuse(errc::limit_reached, about,
             "semget: no more semaphore sets; remove what nobody needs (ipcs -s) or raise the "
             "limits: sysctl kernel.sem");
    case EINVAL:
      refuse(errc::limit_reached, about,
             "semget: " + std::to_string(plan.seats) +
                 " seats are more semaphores than a set may have; use fewer options::seats or "
                 "raise the first number of: sysctl kernel.sem");
    default: refuse_set_call("semget", made.error_number, about);
  }
  about.set_id = made.value.id();
  crash_point("open: set made");
  found_set found{made.value, true, ownership::of_new(plan.mode)};
  if (plan.replaces_lost_set) {
    const status given = found.set.give_to(plan.segment_owner);
    if (means_gone(given.error_number)) return std::nullopt;
    if (!given.ok()) refuse_set_call("semctl(IPC_SET)", given.error_number, about);
    crash_point("open: set given to owner");
  }
  return found;
}

/// Removes the set after a refusal, even of another maker, if nobody sits in it and no segment
/// under the key names it. If that cannot be known or done, the set stays for the next opener.
inline void remove_set_if_useless(const door& inside, const key& which) noexcept {
  const result<set_values> now = inside.set().values();
  if (!now.ok() || now.value.somebody_sits(inside.set().semaphores())) return;
  const result<segment> existing = segment::find(which.segment_key());
  if (existing.ok()) {
    const result<segment_status> status = existing.value.stat();
    if (!status.ok()) return;
    const result<attachment> memory =
        attachment::not_inherited(existing.value, attach_mode::read_only, status.value.size);
    if (!memory.ok()) return;
    const life_word word = life_of(header_at(memory.value));
    const bool names_it = word.mark() == inside.set().mark() || word.is_of_layout_1();
    if (!word.is_ours() || names_it) return;
  } else if (existing.error_number != ENOENT) {
    return;
  }
  static_cast<void>(inside.set().remove());
  crash_point("open: useless set removed");
}

/// Huge pages make an object faster, and none make it no less right; so this is a line on stderr,
/// and not an error.
inline void report_ordinary_pages(int error_number, const subject& about) {
  std::fprintf(stderr,
               "%s: no huge pages, using ordinary ones: shmget(SHM_HUGETLB): %s (see: sysctl "
               "vm.nr_hugepages)\n",
               describe(about).c_str(), std::strerror(error_number));
}

/// Returns EEXIST if the key was taken meanwhile. Throws limit_reached.
inline result<segment> make_segment(const key& which, std::size_t size, const options& how,
                                    const subject& about) {
  const unsigned mode = permissions(how.access);
  result<segment> made = segment::create(which.segment_key(), size, mode, how.huge_pages);
  if (how.huge_pages && !made.ok() && made.error_number != EEXIST) {
    report_ordinary_pages(made.error_number, about);
    made = segment::create(which.segment_key(), size, mode, false);
  }
  switch (made.error_number) {
    case 0:
    case EEXIST: return made;
    case EINVAL:
      refuse(errc::limit_reached, about,
             "shmget: " + std::to_string(size) +
                 " bytes are more than a segment may have; raise: sysctl kernel.shmmax");
    case ENOSPC:
      refuse(errc::limit_reached, about,
             "shmget: no more segments, or no more shared memory in all; remove what nobody needs "
             "(ipcs -m) or raise: sysctl kernel.shmmni kernel.shmall");
    default: refuse_segment_call("shmget", made.error_number, about);
  }
}

/// A new segment is all zeros. One that a dead creator left half-made may hold anything.
enum class found_memory { zeroed, half_made };

/// Precondition: this process has set the life word to under construction. The caller sets it to
/// ready when everything else is done.
inline void construct_segment(header& head, found_memory memory_is, const segment_layout& layout,
                              const key& which, const options& how, const blueprint& plan) {
  auto* const memory = static_cast<std::byte*>(static_cast<void*>(&head));
  // Release fence: a process that sees a byte of what follows sees that it is under construction.
  std::atomic_thread_fence(std::memory_order_release);
  crash_point("create: under construction");
  if (memory_is == found_memory::half_made) {
    std::memset(memory + sizeof head.life, 0, layout.total - sizeof head.life);
    crash_point("create: zeroed");
  }

  description& facts = head.fixed;
  facts.layout = layout_number;
  facts.kind = static_cast<std::uint32_t>(plan.kind);
  facts.until_last_detach =
      how.lifetime == lifetime::until_last_detach || which.is_anonymous() ? 1 : 0;
  facts.seats = how.seats;
  facts.name_length = static_cast<std::uint32_t>(which.name().size());
  facts.schema_length = static_cast<std::uint32_t>(plan.type->text().size());
  facts.type_size = plan.type->size();
  facts.type_alignment = plan.type->alignment();
  facts.fingerprint = plan.type->fingerprint();
  facts.payload_size = plan.payload_size;
  facts.payload_offset = layout.payload_offset;
  facts.wake_readers = wakes_readers(how) ? 1 : 0;
  // Relaxed: nobody reads it before the segment is ready. The highest number: each change wakes.
  if (wakes_readers(how)) head.watched.store(~std::uint64_t{0}, std::memory_order_relaxed);
  std::memcpy(facts.name, which.name().data(), which.name().size());
  std::memcpy(memory + layout.schema_offset, plan.type->text().data(), plan.type->text().size());
  crash_point("create: described");

  plan.construct(memory + layout.payload_offset, plan.initial);
  crash_point("create: constructed");
}

}  // namespace shm::detail
