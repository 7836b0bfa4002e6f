// Account: what must be true of the shared objects, kept step by step by the process that dies.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

namespace crash {

constexpr std::size_t elements = 3;

/// The commit points are stated here once more, apart from the code that is tested: at "announce:
/// version stored" the new value is the value, at "array: sequence even" the new element, and so
/// on.
struct account {
  enum class work { other, object, array, mutex, map };
  work at = work::other;

  bool object_is_ready = false;
  bool storing_value = false;
  std::uint64_t value = 0, next_value = 0;

  bool array_is_ready = false;
  bool storing_element = false;
  std::array<std::uint64_t, elements> element{};
  std::size_t index = 0;
  std::uint64_t next_element = 0, raw_value = 0;
  bool section_entered = false, section_died = false, bulk_odd = false, editing = false;

  bool holds_mutex = false, mutex_orphaned = false, mutex_died = false;
  bool sleeper_called = false;
  std::atomic<bool> sleeper_finished{false};  ///< the one word that is not the victim's

  bool mutex_tells() const { return holds_mutex || mutex_orphaned || mutex_died; }
  bool array_tells() const { return section_entered || section_died; }

  void begin_value(std::uint64_t next) {
    at = work::object;
    next_value = next;
    storing_value = true;
  }
  void begin_element(std::size_t i, std::uint64_t next) {
    at = work::array;
    index = i;
    next_element = next;
    storing_element = true;
  }

  /// By the process that is watched, right after the step.
  void passed(std::string_view step) {
    if (step == "announce: version stored" && at == work::object) value = next_value;
    if (step == "array: sequence even" && at != work::map) element[index] = next_element;

    if (step == "array: section entered") section_entered = true;
    if (step == "array: section left") section_entered = false;
    if (step == "array: death noted") {
      section_entered = false;
      section_died = true;
    }
    if (step == "array: marked repaired") section_died = false;
    if (step == "raw: bulk odd") bulk_odd = editing = true;
    if (step == "array: bulk repaired") bulk_odd = false;
    if (step == "array: bulk even") {
      bulk_odd = false;
      if (std::exchange(editing, false)) element.fill(raw_value);
    }

    if (at != work::mutex) return;
    if (step == "lock: taken" || step == "lock: taken over") holds_mutex = true;
    if (step == "lock: taken over") mutex_orphaned = false;
    if (step == "unlock: released") holds_mutex = false;
    if (step == "mutex: death noted") mutex_died = true;
    if (step == "mutex: marked repaired") mutex_died = false;
  }

  /// The process that kept it has died.
  void died() {
    mutex_orphaned = mutex_orphaned || holds_mutex;
    holds_mutex = editing = false;
    at = work::other;
  }
};

}  // namespace crash
