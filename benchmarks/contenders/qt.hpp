// Qt: a QSystemSemaphore as a lock.
// SPDX-License-Identifier: MIT
#pragma once

// Compiled apart: Qt makes its users compile in a way that would slow the others.

#include <memory>

#include "site.hpp"

class QSystemSemaphore;

namespace bench {

class qt_semaphore {
 public:
  static constexpr const char* name = "QSystemSemaphore";

  class owner {
   public:
    explicit owner(const site& where);
    ~owner();

   private:
    std::unique_ptr<QSystemSemaphore> semaphore_;  // removes it, because it created it
  };

  explicit qt_semaphore(const site& where);
  ~qt_semaphore();
  void lock();
  void unlock();

 private:
  std::unique_ptr<QSystemSemaphore> semaphore_;
};

}  // namespace bench
