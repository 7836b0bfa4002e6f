// Open: from a key to a ready, verified, typed place with a seat; creates it where that is allowed.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../base/open_mode.hpp"
#include "../base/options.hpp"
#include "../format/verify.hpp"
#include "../os/made_here.hpp"
#include "create.hpp"
#include "door.hpp"
#include "find.hpp"
#include "judge.hpp"
#include "seat.hpp"

namespace shm::detail {

/// Where an open handle stands.
struct place {
  segment where;
  attachment memory;
  semaphore_set set;
  unsigned semaphores;
  verified_description facts;
  seat_identity seat;
};

class opener {
 public:
  opener(const key& which, open_mode mode, const options& how, const blueprint& plan)
      : which_(which),
        mode_(mode),
        how_(how),
        plan_(plan),
        until_(deadline::after(how.open_timeout)),
        about_{which.name(), which.segment_key()} {}

  place open() {
    if (how_.seats == 0 || how_.seats > max_seats) {
      refuse_argument("options::seats is " + std::to_string(how_.seats) +
                      "; it must be from 1 to " + std::to_string(max_seats));
    }
    if (plan_.type->format().size() > max_schema_length) {
      refuse_argument("the type's description has " + std::to_string(plan_.type->format().size()) +
                      " bytes, and the segment has room for " + std::to_string(max_schema_length) +
                      "; give the type fewer members, or share it as several objects");
    }
    process::prepare();
    process::accept_barriers();
    for (;;) {
      if (std::optional<place> done = attempt()) return std::move(*done);
      // What we had found was removed under us: look again.
      if (until_.passed()) {
        refuse(errc::timed_out, about_, "others keep removing it while it is being opened");
      }
    }
  }

 private:
  using attempt_result = std::optional<place>;

  [[noreturn]] void refuse_argument(const std::string& why) const {
    throw error(std::make_error_code(std::errc::invalid_argument), describe(about_) + ": " + why);
  }

  attempt_result attempt() {
    about_.segment_id = about_.set_id = -1;
    std::optional<found_set> found = find_set(which_, how_.access, about_);
    const bool set_is_new = !found;
    if (set_is_new) {
      peek_segment();
      found = make_set(which_, how_, about_);
      if (!found) return std::nullopt;
    }
    if (!mark_as_ours(*found, about_)) return std::nullopt;
    const std::optional<door> inside = door::enter(found->set, until_, about_);
    if (!inside) return std::nullopt;
    return settle(*found, set_is_new);
  }

  /// Before a set is made: it would be a stray one beside a foreign segment, or beside none.
  void peek_segment() {
    const result<segment> found = segment::find(which_.segment_key());
    if (found.error_number == ENOENT) {
      if (!may_create(mode_)) refuse_not_found(about_);
      return;
    }
    if (!found.ok()) refuse_segment_call("shmget", found.error_number, about_);
    about_.segment_id = found.value.id();
    const result<segment_status> now = found.value.stat();
    if (means_gone(now.error_number)) return;
    if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about_);
    const result<segment_state> state = peek_state(found.value);
    if (means_gone(state.error_number)) return;
    if (!state.ok()) refuse_segment_call("shmat", state.error_number, about_);
    // Blank, with a set beside it after all: a creator is at work.
    const bool creating =
        state.value == segment_state::blank && semaphore_set::find(which_.set_key()).ok();
    if (creating) return;
    if (!is_ours(state.value)) refuse_foreign_segment(about_);
    check_trust(now.value.owner, how_.access, "segment", about_);
  }

  /// Inside the door.
  attempt_result settle(const found_set& found, bool set_is_new) {
    made_here<semaphore_set> set_made_here;
    if (set_is_new) set_made_here.own(found.set);
    for (;;) {
      const result<segment> existing = segment::find(which_.segment_key());
      if (existing.error_number == ENOENT) {
        if (!may_create(mode_)) refuse_not_found(about_);
        attempt_result done = create(found, set_is_new);
        if (done) set_made_here.keep();
        return done;
      }
      if (!existing.ok()) refuse_segment_call("shmget", existing.error_number, about_);
      about_.segment_id = existing.value.id();

      const result<segment_status> now = existing.value.stat();
      if (means_gone(now.error_number)) continue;
      if (!now.ok()) refuse_segment_call("shmctl(IPC_STAT)", now.error_number, about_);
      result<attachment> memory = attachment::of(existing.value, attach_mode::read_write);
      if (means_gone(memory.error_number)) continue;
      if (!memory.ok()) refuse_segment_call("shmat", memory.error_number, about_);
      header& head = header_at(memory.value);
      if (head.set_id.load(std::memory_order_relaxed) == found.set.id()) set_made_here.keep();

      attempt_result done;
      const judge opinion(which_, mode_, how_, plan_, layout().total, about_);
      switch (opinion.of(head, existing.value, now.value, found, set_is_new)) {
        case verdict::usable:
          done = join(existing.value, std::move(memory.value), now.value.size, found);
          if (done) set_made_here.keep();
          return done;
        case verdict::unfinished:
          if (!may_create(mode_)) refuse_half_made(about_);
          done = construct(existing.value, std::move(memory.value), found_memory::half_made, found);
          if (done) set_made_here.keep();
          return done;
        case verdict::finished: remove(existing.value); break;
        case verdict::gone: break;
      }
    }
  }

  attempt_result create(const found_set& found, bool set_is_new) {
    // Their segment was removed by hand (ipcrm -m); who sleeps there is told by this.
    const bool orphaned = !set_is_new && anybody_sits(found);
    // Left over from an object with other permissions or fewer seats.
    if (orphaned || !is_as_we_would_make_it(found)) {
      const status removed = found.set.remove();
      const bool must_serve = !orphaned && removed.error_number == EPERM;  // another user's
      if (!removed.ok() && !means_gone(removed.error_number) && !must_serve) {
        refuse_set_call("semctl(IPC_RMID)", removed.error_number, about_);
      }
      if (!must_serve) return std::nullopt;
    }
    made_here<segment> segment_made_here;
    const std::optional<segment> made = make_segment(which_, layout().total, how_, about_);
    if (!made) return std::nullopt;
    segment_made_here.own(*made);
    about_.segment_id = made->id();
    crash_point("create: segment made");
    result<attachment> memory = attachment::of(*made, attach_mode::read_write);
    if (means_gone(memory.error_number)) return std::nullopt;
    if (!memory.ok()) refuse_segment_call("shmat", memory.error_number, about_);
    attempt_result done = construct(*made, std::move(memory.value), found_memory::zeroed, found);
    if (done) segment_made_here.keep();
    return done;
  }

  attempt_result construct(const segment& where, attachment memory, found_memory memory_is,
                           const found_set& found) {
    header& head = header_at(memory);
    construct_segment(head, memory_is, layout(), which_, how_, plan_, found.set.id());
    attempt_result done = join(where, std::move(memory), layout().total, found);
    if (!done) return std::nullopt;
    // Release: whoever sees ready sees all that was constructed. Last, so that a creation that
    // fails can be taken back without anybody having seen it.
    head.state.store(segment_state::ready, std::memory_order_release);
    crash_point("create: ready");
    return done;
  }

  attempt_result join(const segment& where, attachment memory, std::size_t size,
                      const found_set& found) {
    header& head = header_at(memory);
    if (how_.lock_in_memory) {
      const status locked = where.lock_in_memory();
      if (!locked.ok()) {
        refuse_call(
            "shmctl(SHM_LOCK)", locked.error_number, about_,
            "the kernel does not let this user lock so much memory; raise ulimit -l, or open "
            "it without options::lock_in_memory");
      }
    }
    if (how_.prefault) memory.prefault(size);
    // Judged already, or just made; but what counts is the copy that is used from now on.
    const auto facts = verified_description::read(head, size, which_, about_);
    facts.check_content(head, plan_, about_);
    const std::optional<seat_identity> seat =
        seats(head, facts.seats(), found.set, found.semaphores).sit_down(about_);
    if (!seat) return std::nullopt;
    return place{where, std::move(memory), found.set, found.semaphores, facts, *seat};
  }

  bool is_as_we_would_make_it(const found_set& found) const noexcept {
    return found.semaphores == semaphore::first_seat + how_.seats &&
           found.mode == permissions(how_.access);
  }

  void remove(const segment& old) {
    const status removed = old.remove();
    if (!removed.ok() && !means_gone(removed.error_number)) {
      refuse_segment_call("shmctl(IPC_RMID)", removed.error_number, about_);
    }
    crash_point("open: old segment removed");
  }

  segment_layout layout() const noexcept {
    return segment_layout::of(how_.seats, plan_.type->format().size(), plan_.payload_size,
                              plan_.payload_alignment);
  }

  const key& which_;
  open_mode mode_;
  const options& how_;
  const blueprint& plan_;
  deadline until_;
  subject about_;
};

}  // namespace shm::detail
