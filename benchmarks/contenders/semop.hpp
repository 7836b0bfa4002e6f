// semop: a System V semaphore as a lock, given back by the kernel when its holder dies, or not.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/sem.h>

#include <cerrno>

#include "site.hpp"

namespace bench {

template <bool Undo>
class semop_lock {
 public:
  static constexpr const char* name = Undo ? "semop, SEM_UNDO" : "semop";

  class owner {
   public:
    explicit owner(const site& where) : set_(checked(::semget(IPC_PRIVATE, 1, 0600), "semget")) {
      where.at_begin<int>() = set_;
      sembuf free{0, +1, 0};
      checked(::semop(set_, &free, 1), "semop");
    }
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() { ::semctl(set_, 0, IPC_RMID); }

   private:
    int set_;
  };

  explicit semop_lock(const site& where) : set_(where.at_begin<int>()) {}
  void lock() { add(-1); }
  void unlock() { add(+1); }

 private:
  void add(short number) {
    sembuf operation{0, number, Undo ? SEM_UNDO : 0};
    while (::semop(set_, &operation, 1) == -1) {
      if (errno != EINTR) throw std::system_error(errno, std::system_category(), "semop");
    }
  }

  int set_;
};

}  // namespace bench
