// Open: from a key to a ready, verified, typed place with a seat; creates it where that is allowed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "../base/crash_point.hpp"
#include "../base/open_mode.hpp"
#include "../base/options.hpp"
#include "../format/verify.hpp"
#include "create.hpp"
#include "door.hpp"
#include "find.hpp"
#include "judge.hpp"
#include "permits.hpp"
#include "seat.hpp"
#include "visit.hpp"

namespace shm::detail {

/// What an open handle refers to.
struct place {
  segment where;
  attachment memory;
  std::size_t size;  ///< of the segment
  semaphore_set set;
  verified_description facts;
  seat_identity seat = {};  ///< without a seat in a read-only handle
};

class opener : private visitor {
 public:
  /// A null `plan` opens whatever is there, and creates nothing.
  opener(const key& which, open_mode mode, const options& how, const blueprint* plan)
      : visitor({which, how.access, purpose::read_and_write}, how.open_timeout),
        mode_(mode),
        how_(how),
        plan_(plan) {}

  place open() {
    if (how_.seats == 0 || how_.seats > max_seats) {
      refuse_argument("options::seats is " + std::to_string(how_.seats) +
                      "; it must be from 1 to " + std::to_string(max_seats));
    }
    if (plan_ != nullptr && plan_->type->text().size() > max_schema_length) {
      refuse_argument("the type's description has " + std::to_string(plan_->type->text().size()) +
                      " bytes, and the segment has room for " + std::to_string(max_schema_length) +
                      "; give the type fewer members, or share it as several objects");
    }
    process::prepare();
    process::accept_barriers();
    return *repeat([this] {
      return inside_door(
          [this] { return plan_set(); },
          [this](const found_set& set, const door& inside) { return settle(set, inside); });
    });
  }

 private:
  using attempt_result = std::optional<place>;

  segment_layout layout() const noexcept {
    return segment_layout::of(how_.seats, plan_->type->text().size(), plan_->payload_size,
                              plan_->payload_alignment);
  }

  [[noreturn]] void refuse_argument(const std::string& why) const {
    throw error(std::make_error_code(std::errc::invalid_argument), describe(about_) + ": " + why);
  }

  /// Comes before a set is made, which would be a stray one beside a foreign segment, or beside
  /// none where nothing may be created. Returns nothing if the caller has to look again.
  std::optional<set_plan> plan_set() {
    attached_segment found;
    switch (look_without_set(wanted_, is_last_try_, found, about_)) {
      case looking::changed: return std::nullopt;
      case looking::nothing:
        if (!may_create(mode_)) refuse_not_found(about_);
        return set_plan::of(how_);
      case looking::there: break;
    }
    check_trust(found.before.owner, wanted_, "segment", about_);
    const life_state state = life_of(found.head()).state();
    if (state == life_state::ready || state == life_state::removing) {
      verified_description::read(found.head(), found.before.size, wanted_.which, about_);
    }
    return set_plan::replacing_lost_set_of(found, how_.seats);
  }

  attempt_result settle(const found_set& set, const door& inside) {
    attached_segment found;
    switch (attach_segment(wanted_.which, attach_mode::read_write, found, about_)) {
      case looking::changed: return std::nullopt;
      case looking::nothing:
        if (!may_create(mode_)) refuse_not_found(about_);
        return create(set, inside);
      case looking::there: break;
    }
    life word(found.head(), inside.set().mark());
    const expectation expected{
        wanted_,
        mode_,
        plan_,
        plan_ == nullptr ? 0 : layout().total,
        has_planned_options(set) && found.before.owner.mode == permissions(how_.access),
        is_last_try_};
    const judge opinion(expected, found, inside, !set.is_new, lookers_, about_);
    switch (opinion.of(word)) {
      case verdict::usable: return join(found, inside);
      case verdict::unfinished: return construct(word, found, found_memory::half_made, inside);
      case verdict::again: break;
    }
    return std::nullopt;
  }

  /// If not, the set is left over from an object with other permissions or another number of seats.
  bool has_planned_options(const found_set& set) const noexcept {
    return set.set.seats() == how_.seats && set.owner.mode == permissions(how_.access);
  }

  attempt_result create(const found_set& set, const door& inside) {
    // The segment was removed by hand (ipcrm -m). Removing the set wakes the processes that sleep
    // there.
    const bool orphaned = inside.somebody_sat();
    if (orphaned || !has_planned_options(set)) {
      const status removed = inside.set().remove();
      const bool must_serve = !orphaned && removed.error_number == EPERM;  // another user's
      if (!removed.ok() && !means_gone(removed.error_number) && !must_serve) {
        refuse_set_call("semctl(IPC_RMID)", removed.error_number, about_);
      }
      if (!must_serve) return std::nullopt;
    }
    const std::size_t size = layout().total;
    const result<segment> made = make_segment(wanted_.which, size, how_, about_);
    if (!made.ok()) return std::nullopt;
    about_.segment_id = made.value.id();
    crash_point("create: segment made");
    attached_segment found;
    found.where = made.value;
    found.before.size = size;
    found.before.owner = ownership::of_new(permissions(how_.access));
    result<attachment> memory =
        attachment::not_inherited(made.value, attach_mode::read_write, size);
    if (means_gone(memory.error_number)) return std::nullopt;
    if (!memory.ok()) refuse_unattachable(made.value, memory.error_number, inside);
    found.memory = std::move(memory.value);
    life word(found.head(), inside.set().mark());
    if (!word.seen().is_blank() || !word.change_to(life_state::under_construction)) {
      return std::nullopt;
    }
    return construct(word, found, found_memory::zeroed, inside);
  }

  /// Takes back the segment that this call made. Not attached, it cannot be marked as removed; but
  /// while this process holds the door, no other process makes an object of it.
  [[noreturn]] void refuse_unattachable(const segment& made, int error_number,
                                        const door& inside) const {
    try {
      refuse_segment_call("shmat", error_number, about_);
    } catch (...) {
      if (inside.is_held(about_)) static_cast<void>(made.remove());
      throw;
    }
  }

  attempt_result construct(life& word, attached_segment& found, found_memory memory_is,
                           const door& inside) {
    attempt_result done;
    try {
      construct_segment(found.head(), memory_is, layout(), wanted_.which, how_, *plan_);
      if (put_permits(inside, plan_->permits(), about_)) done = join(found, inside);
    } catch (...) {
      // If that is not possible either, the next opener finds the segment half-made, as after a
      // death.
      static_cast<void>(discard(word, found.where));
      throw;
    }
    if (!done) return std::nullopt;
    // Last, so that a failed creation can be taken back before any process has seen it.
    if (word.change_to(life_state::ready)) {
      crash_point("create: ready");
      return done;
    }
    seats::leave(inside.set(), done->seat.seat());
    return std::nullopt;
  }

  attempt_result join(attached_segment& found, const door& inside) {
    if (how_.lock_in_memory) {
      const status locked = found.where.lock_in_memory();
      if (!locked.ok()) {
        refuse_call(
            "shmctl(SHM_LOCK)", locked.error_number, about_,
            "the kernel does not let this user lock so much memory; raise ulimit -l, or open "
            "it without options::lock_in_memory");
      }
    }
    if (how_.prefault) found.memory.prefault(found.before.size);
    header& head = found.head();
    // Judged already, or just made; but what counts is the copy that is used from now on.
    const auto facts = verified_description::read(head, found.before.size, wanted_.which, about_);
    if (plan_ != nullptr) facts.check_content(head, *plan_, about_);
    const seat_identity seat =
        seats(head, facts.seats(), inside.set()).sit_down(head, inside, about_);
    if (!seat.has_seat()) return std::nullopt;
    found.memory.let_children_inherit(found.before.size);
    return place{found.where, std::move(found.memory), found.before.size, inside.set(), facts,
                 seat};
  }

  open_mode mode_;
  const options& how_;
  const blueprint* plan_;
};

}  // namespace shm::detail
