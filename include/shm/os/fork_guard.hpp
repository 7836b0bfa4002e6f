// Fork guard: while it lives, no other thread's fork() goes on; for what a child must not inherit.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

namespace shm::detail {

/// Between attaching a segment and keeping it from children there is a moment, and a fork that
/// waits for the memory map gets in just then. (_Fork and clone run no handlers: they can still do
/// so.)
class fork_guard {
 public:
  fork_guard() noexcept {
    // Where it cannot be registered, for lack of memory, the moment stays.
    static const int registered = ::pthread_atfork(lock, unlock, start_anew);
    static_cast<void>(registered);
    lock();
  }
  fork_guard(const fork_guard&) = delete;
  fork_guard& operator=(const fork_guard&) = delete;
  ~fork_guard() { unlock(); }

 private:
  static void lock() noexcept { ::pthread_mutex_lock(&mutex_); }
  static void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }
  /// The parent's thread locked it, which the child's is not. So unlocking fails; it tells only
  /// tools that keep account of locks.
  static void start_anew() noexcept {
    unlock();
    mutex_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  }

  // Recursive, because a signal handler may fork.
  static inline pthread_mutex_t mutex_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
};

}  // namespace shm::detail
