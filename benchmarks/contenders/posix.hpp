// POSIX: a process-shared sem_t as a lock.
// SPDX-License-Identifier: MIT
#pragma once

#include <semaphore.h>

#include <cerrno>

#include "site.hpp"

namespace bench {

class posix_semaphore {
 public:
  static constexpr const char* name = "sem_t";

  class owner {
   public:
    explicit owner(const site& where) : semaphore_(where.at_begin<sem_t>()) {
      checked(::sem_init(&semaphore_, 1, 1), "sem_init");
    }
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() { ::sem_destroy(&semaphore_); }

   private:
    sem_t& semaphore_;
  };

  explicit posix_semaphore(const site& where) : semaphore_(where.at_begin<sem_t>()) {}
  void lock() {
    while (::sem_wait(&semaphore_) == -1) {
      if (errno != EINTR) throw std::system_error(errno, std::system_category(), "sem_wait");
    }
  }
  void unlock() { checked(::sem_post(&semaphore_), "sem_post"); }

 private:
  sem_t& semaphore_;
};

}  // namespace bench
