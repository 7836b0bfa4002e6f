// Locked: a scoped lock on an object, with a private draft of its value.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <gsl/assert>
#include <utility>

#include "store/object_core.hpp"
#include "sync/held_lock.hpp"

namespace shm {

template <class T>
class object;

/// A scoped lock on an object, with a private draft of its value. The draft is published when the
/// scope ends, unless an exception unwinds it or discard() was called. A thread that is cancelled,
/// or calls pthread_exit(), inside the scope publishes the unfinished draft: use object::update(),
/// which publishes nothing then. A crash inside leaves the value before, and nothing to repair. In
/// a forked child's copy the destructor does nothing.
template <class T>
class locked {
 public:
  /// The lock moves with the guard.
  locked(locked&&) = default;
  locked& operator=(locked&&) = delete;

  /// Never throws, never blocks.
  ~locked() {
    const bool unwinding = std::uncaught_exceptions() > exceptions_before_;
    if (!lock_.is_held() || unwinding || discarded_) return;
    if (published_ && cell().equals(version(), payload(), draft_.bytes())) return;
    cell().publish(core_->place.head(), payload(), draft_.bytes());
  }

  /// The draft: private until it is published.
  T* operator->() noexcept { return draft_.get(); }
  /// The draft.
  T& operator*() noexcept { return *draft_.get(); }
  /// The draft, to look at.
  const T* operator->() const noexcept { return draft_.get(); }
  /// The draft, to look at.
  const T& operator*() const noexcept { return *draft_.get(); }

  /// Publishes the draft now; the lock stays held, and later edits are published when the scope
  /// ends. Never blocks; a crash leaves the value before or the draft. Throws shm::error
  /// (operation_not_permitted) in a forked child's copy. After discard() it must not be called.
  void publish() {
    Expects(!discarded_);
    lock_.require_held();
    cell().publish(core_->place.head(), payload(), draft_.bytes());
    published_ = true;
  }

  /// Nothing of the draft will be published any more; the lock stays held until the scope ends.
  void discard() noexcept { discarded_ = true; }

 private:
  friend class object<T>;
  using cell = detail::cell_of<T>;

  locked(detail::object_core<T>& core, detail::held_lock&& lock)
      : core_(&core), lock_(std::move(lock)), draft_(core.buffer) {
    cell().read(version(), payload(), draft_.bytes());
  }

  std::atomic<std::uint64_t>& version() noexcept { return core_->place.head().version; }
  std::byte* payload() noexcept { return core_->place.payload(); }

  detail::object_core<T>* core_;
  detail::held_lock lock_;
  detail::draft<T> draft_;
  int exceptions_before_ = std::uncaught_exceptions();
  bool published_ = false;
  bool discarded_ = false;
};

}  // namespace shm
