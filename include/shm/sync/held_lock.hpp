// Held lock: releases at the end of its scope, in any thread, but only in the process that took it.
// SPDX-License-Identifier: MIT
#pragma once

#include <gsl/assert>
#include <optional>
#include <utility>

#include "robust_lock.hpp"

namespace shm::detail {

class held_lock {
 public:
  /// Returns nothing if the deadline passed.
  static std::optional<held_lock> acquire(connection& place, const deadline& until) {
    acquisition how;
    return acquire(place, until, how);
  }
  /// Like the function above, and tells how the lock was acquired.
  static std::optional<held_lock> acquire(connection& place, const deadline& until,
                                          acquisition& how) {
    how = robust_lock(place).acquire(until);
    return of(place, how);
  }
  static held_lock acquire(connection& place) { return *acquire(place, deadline::never()); }
  static std::optional<held_lock> try_acquire(connection& place) {
    acquisition how;
    return try_acquire(place, how);
  }
  static std::optional<held_lock> try_acquire(connection& place, acquisition& how) {
    how = robust_lock(place).try_acquire();
    return of(place, how);
  }

  held_lock(held_lock&& other) noexcept
      : place_(std::exchange(other.place_, nullptr)), holder_(other.holder_) {}
  held_lock& operator=(held_lock&&) = delete;
  ~held_lock() {
    if (is_held()) robust_lock(*place_).release();
  }

  /// Returns false in a forked child's copy: the lock belongs to the parent.
  bool is_held() const noexcept { return place_ != nullptr && process::current() == holder_; }

  void require_held() const {
    Expects(place_ != nullptr);
    if (is_held()) return;
    throw error(std::make_error_code(std::errc::operation_not_permitted),
                describe(place_->about()) +
                    ": this lock was taken before fork() and belongs to the parent; the child has "
                    "to take the lock itself");
  }

 private:
  explicit held_lock(connection& place) noexcept : place_(&place), holder_(process::current()) {}

  static std::optional<held_lock> of(connection& place, acquisition how) {
    if (how == acquisition::not_now) return std::nullopt;
    return held_lock(place);
  }

  connection* place_;
  process_epoch holder_;
};

}  // namespace shm::detail
