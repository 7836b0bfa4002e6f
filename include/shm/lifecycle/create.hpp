// Create: makes the segment and constructs what lies in it, so that a death on the way shows.
// SPDX-License-Identifier: MIT
#pragma once

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
#include "find.hpp"

namespace shm::detail {

/// A new set; nothing when another opener was first. Throws limit_reached.
inline std::optional<found_set> make_set(const key& which, const options& how, subject& about) {
  const result<semaphore_set> made =
      semaphore_set::create(which.set_key(), how.seats, permissions(how.access));
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
             "semget: " + std::to_string(how.seats) +
                 " seats are more semaphores than a set may have; use fewer options::seats or "
                 "raise the first number of: sysctl kernel.sem");
    default: refuse_set_call("semget", made.error_number, about);
  }
  about.set_id = made.value.id();
  crash_point("open: set made");
  return found_set{made.value, semaphore::first_seat + how.seats, false, permissions(how.access)};
}

/// A fallback that is not silent: huge pages make an object faster, none make it no less right.
inline void report_ordinary_pages(int error_number, const subject& about) {
  std::fprintf(stderr,
               "%s: no huge pages, using ordinary ones: shmget(SHM_HUGETLB): %s (see: sysctl "
               "vm.nr_hugepages)\n",
               describe(about).c_str(), std::strerror(error_number));
}

/// Nothing when the key was taken meanwhile. Throws limit_reached.
inline std::optional<segment> make_segment(const key& which, std::size_t size, const options& how,
                                           const subject& about) {
  const unsigned mode = permissions(how.access);
  result<segment> made = segment::create(which.segment_key(), size, mode, how.huge_pages);
  if (how.huge_pages && !made.ok() && made.error_number != EEXIST) {
    report_ordinary_pages(made.error_number, about);
    made = segment::create(which.segment_key(), size, mode, false);
  }
  switch (made.error_number) {
    case 0: return made.value;
    case EEXIST: return std::nullopt;
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

/// A new segment is all zeros; one that a dead creator left half-made may hold anything.
enum class found_memory { zeroed, half_made };

/// Inside the door. The caller says ready when all else is done, too.
inline void construct_segment(header& head, found_memory memory_is, const segment_layout& layout,
                              const key& which, const options& how, const blueprint& plan,
                              int set_id) {
  auto* const memory = static_cast<std::byte*>(static_cast<void*>(&head));
  // The very first store says both that it is ours and that it is not finished.
  head.state.store(segment_state::under_construction, std::memory_order_release);
  crash_point("create: under construction");
  if (memory_is == found_memory::half_made) {
    std::memset(memory + sizeof head.state, 0, layout.total - sizeof head.state);
    crash_point("create: zeroed");
  }

  head.set_id.store(set_id, std::memory_order_relaxed);
  description& facts = head.fixed;
  facts.layout = layout_number;
  facts.kind = static_cast<std::uint32_t>(plan.kind);
  facts.until_last_detach =
      how.lifetime == lifetime::until_last_detach || which.is_anonymous() ? 1 : 0;
  facts.seats = how.seats;
  facts.name_length = static_cast<std::uint32_t>(which.name().size());
  facts.schema_length = static_cast<std::uint32_t>(plan.type->format().size());
  facts.type_size = plan.type->size();
  facts.type_alignment = plan.type->alignment();
  facts.fingerprint = plan.type->fingerprint();
  facts.payload_size = plan.payload_size;
  facts.payload_offset = layout.payload_offset;
  std::memcpy(facts.name, which.name().data(), which.name().size());
  std::memcpy(memory + layout.schema_offset, plan.type->format().data(),
              plan.type->format().size());
  crash_point("create: described");

  plan.construct(memory + layout.payload_offset, plan.initial);
  crash_point("create: constructed");
}

}  // namespace shm::detail
