// Quiet thread: a thread of this library's own, with a small stack, that handles no signals.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cstddef>

#include "result.hpp"

namespace shm::detail {

class quiet_thread {
 public:
  using job = void* (*)(void* argument);

  /// The signals of the program are for the program's threads. EAGAIN: there are too many threads.
  static result<pthread_t> start(job run, void* argument) noexcept {
    pthread_attr_t small;
    result<pthread_t> started{};
    started.error_number = ::pthread_attr_init(&small);
    if (!started.ok()) return started;
    ::pthread_attr_setstacksize(&small, stack_size);
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    started.error_number = ::pthread_create(&started.value, &small, run, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&small);
    return started;
  }

 private:
  static constexpr std::size_t stack_size = 256 * 1024;
};

}  // namespace shm::detail
