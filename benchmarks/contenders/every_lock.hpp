// Every lock: the list of those that are compared, as far as they are installed here.
// SPDX-License-Identifier: MIT
#pragma once

#include "limits.hpp"
#include "ours.hpp"
#include "posix.hpp"
#include "pthread.hpp"
#include "semop.hpp"

namespace bench {

template <class T>
struct type {
  using of = T;
};

template <class... T>
struct types {
  /// f(type<T>) for each.
  template <class F>
  static void each(F f) {
    (f(type<T>()), ...);
  }
};

template <class F>
void for_every_lock(F f) {
  types<shm_mutex, pthread_plain, pthread_adaptive, pthread_robust, pthread_rwlock, futex_lock,
        spin_lock, posix_semaphore, semop_lock<false>, semop_lock<true>>::each(f);
}

}  // namespace bench
