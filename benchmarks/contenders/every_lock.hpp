// Every lock: the list of those that are compared, as far as they are installed here.
// SPDX-License-Identifier: MIT
#pragma once

#include "boost.hpp"
#include "limits.hpp"
#include "ours.hpp"
#include "posix.hpp"
#include "pthread.hpp"
#include "semop.hpp"
#ifdef SHM_BENCH_POCO
#include "poco.hpp"
#endif
#ifdef SHM_BENCH_QT
#include "qt.hpp"
#endif

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
  types<shm_mutex, pthread_plain, pthread_adaptive, pthread_robust, pthread_rwlock, boost_mutex,
        boost_sharable, boost_named, boost_file, futex_lock, spin_lock, posix_semaphore,
        semop_lock<false>, semop_lock<true>>::each(f);
#ifdef SHM_BENCH_QT
  f(type<qt_semaphore>());
#endif
#ifdef SHM_BENCH_POCO
  f(type<poco_mutex>());
#endif
}

}  // namespace bench
