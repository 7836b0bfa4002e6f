// Watched handle: a handle of any type that a watcher looks after, and what it saw there last.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "../session/open_place.hpp"
#include "watch_point.hpp"

namespace shm::detail {

/// A handle that a watcher looks after.
class watched_handle {
 public:
  watched_handle(std::size_t number, const open_place& place) noexcept
      : number_(number), point_(place), counted_(place.sleeping()) {}
  watched_handle(const watched_handle&) = delete;
  watched_handle& operator=(const watched_handle&) = delete;
  virtual ~watched_handle() = default;

  std::size_t number() const noexcept { return number_; }
  const watch_point& point() const noexcept { return point_; }
  /// False: exit() has closed the handle.
  bool may_sleep() const noexcept { return counted_.may_sleep(); }
  bool is_removed() const noexcept { return point_.place().is_removed(); }

  /// Returns whether the version is another than at the look before, or the object has just been
  /// found to be removed.
  bool has_changed() noexcept {
    const bool was_removed = std::exchange(was_removed_, is_removed());
    const std::uint64_t seen_before = std::exchange(seen_, version());
    return seen_ != seen_before || was_removed_ != was_removed;
  }

  virtual watch_point::glance look() const noexcept = 0;

  watch_point::glance before{};
  bool is_reported = false;  ///< and nobody has asked since

 protected:
  void begin_with(std::uint64_t version) noexcept { seen_ = version; }

 private:
  virtual std::uint64_t version() const noexcept = 0;

  std::size_t number_;
  watch_point point_;
  sleepers::one counted_;
  std::uint64_t seen_ = 0;
  bool was_removed_ = false;
};

template <class Version, class WordsOfChange>
class watched_handle_of final : public watched_handle {
 public:
  watched_handle_of(std::size_t number, const open_place& place, Version version,
                    WordsOfChange words) noexcept
      : watched_handle(number, place), version_(std::move(version)), words_(std::move(words)) {
    begin_with(version_());
  }

  watch_point::glance look() const noexcept override { return point().look(words_); }

 private:
  std::uint64_t version() const noexcept override { return version_(); }

  Version version_;
  WordsOfChange words_;
};

}  // namespace shm::detail
