// pthread: process-shared mutexes plain, adaptive and robust, a read-write lock, and a condition.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <cerrno>

#include "site.hpp"

namespace bench {

inline void init_shared(pthread_mutex_t& mutex, int type, int robustness) {
  pthread_mutexattr_t attributes;
  require(::pthread_mutexattr_init(&attributes), "pthread_mutexattr_init");
  require(::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), "setpshared");
  require(::pthread_mutexattr_settype(&attributes, type), "settype");
  require(::pthread_mutexattr_setrobust(&attributes, robustness), "setrobust");
  require(::pthread_mutex_init(&mutex, &attributes), "pthread_mutex_init");
  ::pthread_mutexattr_destroy(&attributes);
}

template <int Type, int Robustness>
class pthread_lock {
 public:
  static constexpr const char* name = Robustness == PTHREAD_MUTEX_ROBUST  ? "pthread robust"
                                      : Type == PTHREAD_MUTEX_ADAPTIVE_NP ? "pthread adaptive"
                                                                          : "pthread mutex";

  // Never destroyed: with a dead or killed holder that has no defined meaning, and it owns nothing
  // but its bytes.
  class owner {
   public:
    explicit owner(const site& where) {
      init_shared(where.at_begin<pthread_mutex_t>(), Type, Robustness);
    }
  };

  explicit pthread_lock(const site& where) : mutex_(where.at_begin<pthread_mutex_t>()) {}
  void lock() {
    const int error_number = ::pthread_mutex_lock(&mutex_);
    if (error_number == 0) return;
    if (error_number != EOWNERDEAD) require(error_number, "pthread_mutex_lock");
    require(::pthread_mutex_consistent(&mutex_), "pthread_mutex_consistent");
  }
  void unlock() { require(::pthread_mutex_unlock(&mutex_), "pthread_mutex_unlock"); }

 private:
  pthread_mutex_t& mutex_;
};

using pthread_plain = pthread_lock<PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED>;
using pthread_adaptive = pthread_lock<PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED>;
using pthread_robust = pthread_lock<PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST>;

class pthread_rwlock {
 public:
  static constexpr const char* name = "pthread rwlock";

  class owner {
   public:
    explicit owner(const site& where) {
      pthread_rwlockattr_t attributes;
      require(::pthread_rwlockattr_init(&attributes), "pthread_rwlockattr_init");
      require(::pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), "setpshared");
      require(::pthread_rwlock_init(&where.at_begin<pthread_rwlock_t>(), &attributes),
              "pthread_rwlock_init");
      ::pthread_rwlockattr_destroy(&attributes);
    }
  };

  explicit pthread_rwlock(const site& where) : lock_(where.at_begin<pthread_rwlock_t>()) {}
  void lock() { require(::pthread_rwlock_wrlock(&lock_), "pthread_rwlock_wrlock"); }
  void unlock() { require(::pthread_rwlock_unlock(&lock_), "pthread_rwlock_unlock"); }
  void lock_shared() { require(::pthread_rwlock_rdlock(&lock_), "pthread_rwlock_rdlock"); }
  void unlock_shared() { unlock(); }

 private:
  pthread_rwlock_t& lock_;
};

/// A lock made of a mutex and a condition, so that a waiter sleeps in pthread_cond_wait.
class pthread_condition {
 public:
  static constexpr const char* name = "pthread cond";

  class owner {
   public:
    explicit owner(const site& where) {
      auto& shared = where.at_begin<state>();
      init_shared(shared.mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
      pthread_condattr_t attributes;
      require(::pthread_condattr_init(&attributes), "pthread_condattr_init");
      require(::pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), "setpshared");
      require(::pthread_cond_init(&shared.released, &attributes), "pthread_cond_init");
      ::pthread_condattr_destroy(&attributes);
    }
  };

  explicit pthread_condition(const site& where) : shared_(where.at_begin<state>()) {}
  void lock() {
    require(::pthread_mutex_lock(&shared_.mutex), "pthread_mutex_lock");
    while (shared_.held) {
      require(::pthread_cond_wait(&shared_.released, &shared_.mutex), "pthread_cond_wait");
    }
    shared_.held = true;
    require(::pthread_mutex_unlock(&shared_.mutex), "pthread_mutex_unlock");
  }
  void unlock() {
    require(::pthread_mutex_lock(&shared_.mutex), "pthread_mutex_lock");
    shared_.held = false;
    require(::pthread_mutex_unlock(&shared_.mutex), "pthread_mutex_unlock");
    require(::pthread_cond_signal(&shared_.released), "pthread_cond_signal");
  }

 private:
  struct state {
    pthread_mutex_t mutex;
    pthread_cond_t released;
    bool held;
  };
  state& shared_;
};

}  // namespace bench
