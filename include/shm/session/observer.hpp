// Observer: an open read-only handle; it changes neither segment nor semaphores.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "../base/crash_point.hpp"
#include "../lifecycle/await_creation.hpp"
#include "closed_handles.hpp"
#include "open_place.hpp"

namespace shm::detail {

class observer : public open_place {
 public:
  /// Blocks while a live process creates or removes the object, at most options::open_timeout. A
  /// null `plan` opens whatever is there. Throws not_found, kind_mismatch, type_mismatch,
  /// foreign_segment, untrusted_owner, incompatible_layout, name_collision, corrupt, timed_out, or
  /// the kernel's errno.
  observer(const key& which, const options& how, const blueprint* plan, waiting how_to_wait)
      : open_place(await_creation(which, how,
                                  [&] { return search_for(which, how, plan, how_to_wait).open(); }),
                   attach_mode::read_only, which.segment_key(), how, how_to_wait) {}

  closing close() noexcept {
    withdraw_memory();
    if (sleeping().close()) return keep();
    if (!place_.memory.vacate()) place_.memory.detach();
    return closing::done;
  }

 private:
  class search_for : private visitor {
   public:
    search_for(const key& which, const options& how, const blueprint* plan,
               waiting how_to_wait) noexcept
        : visitor({which, how.access, purpose::read}, how.open_timeout),
          how_(how),
          plan_(plan),
          how_to_wait_(how_to_wait) {}

    place open() {
      process::prepare();
      return *repeat([this] { return attempt(); });
    }

   private:
    /// Returns nothing if the caller has to look again: the object changed meanwhile.
    std::optional<place> attempt() {
      const std::optional<found_set> found = find_set(wanted_, about_);
      crash_point("observe: set found");
      attached_segment here;
      switch (look_at_segment(wanted_.which, here, about_)) {
        case looking::changed: return std::nullopt;
        case looking::nothing: refuse_not_found(about_);
        case looking::there: break;
      }
      crash_point("observe: attached");
      const life_word word = life_of(here.head());
      if (word.is_blank()) {
        refuse_foreign_blank(here, found);
      } else if (!word.is_ours()) {
        refuse_foreign_segment(about_);
      }
      if (word.is_ours()) check_trust(here.before.owner, wanted_, "segment", about_);
      if (word.state() != life_state::ready && !is_as_good_as_ready(word, here.head(), found)) {
        here = attached_segment{};  // somebody inside the door may be counting who is attached
        wait_at_door(found);
        if (is_last_try_) refuse_unready(word);
        return std::nullopt;
      }
      const auto facts =
          verified_description::read(here.head(), here.before.size, wanted_.which, about_);
      if (plan_ != nullptr) facts.check_content(here.head(), *plan_, about_);
      if (how_.prefault) here.memory.prefault(here.before.size);
      here.memory.let_children_inherit(here.before.size);
      return place{here.where, std::move(here.memory), here.before.size, set_of(word, found),
                   facts};
    }

    void refuse_foreign_blank(const attached_segment& here,
                              const std::optional<found_set>& found) const {
      // A creator makes its set before the segment, maybe after we looked for it.
      const bool beside_our_set =
          found ? !found->is_new : semaphore_set::find(wanted_.which.set_key()).ok();
      // Ours or not known yet: either way it is not ready.
      static_cast<void>(may_be_blank_of_ours(here, wanted_.which, beside_our_set,
                                             here.before.attached > 0, is_last_try_, about_));
    }

    /// Whether the remover died. If the door is free now, the next remover counts this attachment,
    /// too. Only the door of the set that the word names tells.
    bool is_as_good_as_ready(const life_word& word, const header& head,
                             const std::optional<found_set>& found) const {
      if (!is_left_alone(word, found)) return false;
      const life_word again = life_of(head);
      if (again.state() == life_state::ready) return true;
      if (again.bits() != word.bits()) return false;
      if (word.state() == life_state::removing) return true;
      refuse_unready(word);
    }

    /// Whether nobody creates or removes it: the word names the set under the key, and nobody is
    /// inside the door of that set.
    bool is_left_alone(const life_word& word, const std::optional<found_set>& found) const {
      if (!found || found->is_new) return false;
      const result<set_values> now = found->set.values();
      if (means_gone(now.error_number)) return false;
      if (!now.ok()) refuse_set_call("semctl(GETALL)", now.error_number, about_);
      const bool names_it = word.is_blank() || word.mark() == now.value.mark();
      return names_it && now.value[semaphore::door] == 0;
    }

    [[noreturn]] void refuse_unready(const life_word& word) const {
      switch (word.state()) {
        case life_state::removed: refuse_not_found(about_);
        case life_state::blank:
        case life_state::under_construction: refuse_half_made(about_);
        case life_state::ready:
        case life_state::removing: break;
      }
      refuse(errc::timed_out, about_,
             "others keep creating or removing it while it is being opened");
    }

    /// Does not wait at an unmarked set: nobody is inside its door, and waiting would use it.
    /// Without a set, or beside one that the word does not name, an opener has to adopt the object
    /// first.
    void wait_at_door(const std::optional<found_set>& found) const {
      if (!found || found->is_new) return;
      const status waited =
          open_place::wait_until_zero(found->set, how_to_wait_, semaphore::door, until_);
      if (waited.error_number == EAGAIN) door::refuse_timed_out(found->set, about_);
      if (!waited.ok() && !means_gone(waited.error_number)) {
        refuse_set_call("semtimedop(door)", waited.error_number, about_);
      }
    }

    /// With the mark that the word names: of another set the semaphores tell nothing about this
    /// object.
    static semaphore_set set_of(const life_word& word, const std::optional<found_set>& found) {
      return found ? found->set.with_mark(word.mark()) : semaphore_set();
    }

    const options& how_;
    const blueprint* plan_;
    waiting how_to_wait_;
  };
};

/// Opens for reading, and waits in the kernel. Blocks and throws like the constructor.
inline open_handle<observer> observe(const key& which, const options& how, const blueprint& plan) {
  return open_handle<observer>(new observer(which, how, &plan, waiting::in_kernel));
}

}  // namespace shm::detail
