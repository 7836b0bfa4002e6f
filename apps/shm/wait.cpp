// wait: blocks until the next change, or until a field has a value.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

#include "commands.hpp"
#include "comparison.hpp"
#include "objects.hpp"
#include "readable.hpp"
#include "sighting.hpp"
#include "target.hpp"
#include "words.hpp"

namespace tool {

namespace {

using clock = std::chrono::steady_clock;

/// What is waited for: another value of the field than at the first look, one that satisfies the
/// comparison, or any change.
class goal {
 public:
  explicit goal(const wait_options& how) : how_(how) {}

  /// From now on the name leads to this object. Throws refusal.
  void begin_life_of(const shm::const_any_object& object) {
    ++lives_;
    if (how_.field.empty()) return;
    if (!has_value(object.kind())) refuse_without_value(how_.name, object.kind());
    what_ = target_named(object, how_.field);
    if (!how_.until.empty()) until_.emplace(what_.where, how_.until);
  }

  bool is_met_by(const shm::const_any_object& now) {
    if (how_.field.empty()) return is_another(first_version_, moment{lives_, now.version()});
    const std::optional<std::vector<std::byte>> bytes = bytes_at(now, what_);
    if (!bytes) {
      note_absence("there is no " + readable(how_.field, 80));
      return false;
    }
    state_ = fmt::format("{} is {}", readable(how_.field, 80), text_of(what_.where, *bytes));
    answer_ = csv_text_of(what_.where, *bytes) + '\n';
    if (until_) return until_->holds_in(*bytes);
    return is_another(first_value_,
                      what_counts(*what_.where.place.what, part(what_.where, *bytes)));
  }

  /// There is no value, or no object, at the moment. Whatever comes later is another one.
  void note_absence(const std::string& state) {
    state_ = state;
    if (!first_version_) first_version_.emplace();
    if (!first_value_) first_value_.emplace();
  }

  /// What there was at the last look.
  const std::string& state() const noexcept { return state_; }
  /// What to print when it is met.
  const std::string& answer() const noexcept { return answer_; }

 private:
  struct moment {
    unsigned life;
    std::uint64_t version;
    bool operator!=(const moment& other) const noexcept {
      return life != other.life || version != other.version;
    }
  };

  template <class T>
  static bool is_another(std::optional<T>& first, const T& now) {
    if (!first) first = now;
    return now != *first;
  }

  const wait_options& how_;
  target what_;
  std::optional<comparison> until_;
  unsigned lives_ = 0;
  std::optional<moment> first_version_;
  std::optional<std::vector<std::byte>> first_value_;
  std::string state_ = "unchanged";
  std::string answer_;
};

class waiter {
 public:
  explicit waiter(const wait_options& how)
      : how_(how),
        end_(how.timeout < 0 ? clock::time_point::max()
                             : clock::now() + std::chrono::milliseconds(how.timeout)),
        goal_(how),
        writers_(how.name) {}

  exit_code run() {
    for (;;) {
      const std::optional<sighting> there = sighting::of(how_.name, patience());
      if (there && is_met_at(*there)) {
        fmt::print("{}", goal_.answer());
        return done;
      }
      if (!there) {
        goal_.note_absence("it does not exist");
        tell_of_nonexistence();
      }
      if (is_over()) {
        fmt::print(stderr, "shm: {}: {} after {} ms\n", readable(how_.name, 64), goal_.state(),
                   how_.timeout);
        return answer_is_no;
      }
      std::this_thread::sleep_for(slice_of(between_sightings));
    }
  }

 private:
  bool is_over() const { return clock::now() >= end_; }

  /// As much of the span as time is left for.
  clock::duration slice_of(std::chrono::milliseconds span) const {
    return std::clamp<clock::duration>(end_ - clock::now(), clock::duration::zero(), span);
  }

  /// For one look: to meet the end, but not to give up over a short edit.
  std::chrono::milliseconds patience() const {
    return std::max(between_sightings, std::chrono::duration_cast<std::chrono::milliseconds>(
                                           slice_of(between_checks)));
  }

  /// Blocks until the goal is met; returns false when the object was removed, or time is over.
  bool is_met_at(const sighting& there) {
    const shm::const_any_object& object = there.object();
    goal_.begin_life_of(object);
    try {
      for (;;) {
        const std::uint64_t seen = object.version();  // before the look
        if (goal_.is_met_by(object)) return true;
        while (!object.wait_for(slice_of(between_checks), seen)) {
          if (!there.is_current() || is_over()) return false;
          tell_of_writers();
        }
      }
    } catch (const shm::error& why) {
      // An array that a program edits for longer than a look waits is looked at again.
      if (why.code() != shm::errc::removed && why.code() != shm::errc::timed_out) throw;
      return false;
    }
  }

  /// Only after a while: the program that makes it may be starting now.
  void tell_of_nonexistence() {
    if (told_of_nonexistence_ || clock::now() < begin_ + between_checks) return;
    told_of_nonexistence_ = true;
    fmt::print(stderr, "shm: {}: waiting for it: {}\n", readable(how_.name, 64),
               nonexistence_of(how_.name));
  }

  void tell_of_writers() {
    if (!writers_.have_changed()) return;
    fmt::print(stderr, "shm: {}: {}\n", readable(how_.name, 64), writers_.in_words());
  }

  const wait_options& how_;
  clock::time_point begin_ = clock::now();
  clock::time_point end_;
  goal goal_;
  writers_of writers_;
  bool told_of_nonexistence_ = false;
};

}  // namespace

exit_code wait(const wait_options& how) {
  return waiter(how).run();
}

}  // namespace tool
