// Watch: how a thread waits for a change of one object.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "../base/crash_point.hpp"
#include "../base/deadline.hpp"
#include "../lifecycle/bell.hpp"
#include "../os/alarm_on_death.hpp"
#include "../os/futex.hpp"
#include "../os/pause.hpp"
#include "../os/process.hpp"
#include "../os/refusals.hpp"
#include "watch_point.hpp"

namespace shm::detail {

class watch {
 public:
  explicit watch(const open_place& place) noexcept : point_(place) {}

  /// Blocks until version() is another than `seen`, and returns it. Returns nothing if the deadline
  /// passed. Throws removed.
  template <class Version, class WordsOfChange>
  std::optional<std::uint64_t> wait(std::uint64_t seen, const deadline& until, Version version,
                                    WordsOfChange words) const {
    const sleepers::one here(point_.place().sleeping());
    for (;;) {
      const watch_point::glance before = point_.look(words);
      if (point_.place().is_removed()) refuse_removed(point_.place().about());
      const std::uint64_t now = version();
      if (now != seen) return now;
      if (until.passed()) return std::nullopt;
      crash_point("wait: nothing seen");
      const bool rings = point_.ask_to_ring(before.version) && process::barrier_everywhere();
      // The change may have come before its publisher could see that it is asked.
      if (version() != seen) continue;
      const deadline next_look = until.or_earlier(point_.next_look(rings));
      if (here.may_sleep()) {
        sleep(before, next_look);
      } else {
        pause_for(watch_point::longest_unsure);  // exit() has closed the handle
      }
    }
  }
  /// The same, for what changes with the version in the header.
  std::optional<std::uint64_t> wait(std::uint64_t seen, const deadline& until) const {
    const header& head = point_.place().head();
    return wait(
        seen, until, [&head] { return head.version.load(std::memory_order_acquire); },
        [] { return words_of_change(); });
  }

 private:
  void sleep(const watch_point::glance& before, const deadline& until) const noexcept {
    const header& head = point_.place().head();
    futex_list<2 + watch_point::most_compared> list;
    list.add(point_.bell(before));
    const bool hears_alarm = point_.has_alarm();
    const std::size_t alarm = list.size();
    if (hears_alarm) list.add(point_.alarm());
    point_.add_compared(before, list);
    const alarm_on_death hand_on(head.alarm);
    crash_point("wait: before sleep");
    const result<std::size_t> woken = futex::wait_any(list, until);
    crash_point("wait: woken");
    if (woken.ok() && hears_alarm && woken.value == alarm) {
      ring_for_another(head);
      crash_point("wait: rung for the dead");
    }
    if (futex::is_refused(woken.error_number)) sleep_at_bell(before, until);
  }

  /// Where the kernel cannot sleep at several words, or a sandbox refuses. A publisher that lives
  /// rings; what one has left that died is found by looking again.
  void sleep_at_bell(const watch_point::glance& before, const deadline& until) const noexcept {
    const deadline slice = deadline::after(watch_point::longest_unsure);
    const status slept = futex::wait(point_.bell(before), until.or_earlier(slice));
    if (futex::is_refused(slept.error_number)) pause_for(std::chrono::milliseconds(1));
  }

  watch_point point_;
};

}  // namespace shm::detail
