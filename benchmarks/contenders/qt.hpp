// Qt: a QSystemSemaphore as a lock. Compiled apart, because Qt wants all its users to be so in a
// way that slows others. SPDX-License-Identifier: MIT
#pragma once

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
