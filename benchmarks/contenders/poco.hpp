// Poco: a NamedMutex as a lock.
// SPDX-License-Identifier: MIT
#pragma once

// Compiled apart: Poco makes its users define macros that change system headers.

#include <memory>
#include <string>

#include "site.hpp"

namespace Poco {
class NamedMutex;
}

namespace bench {

class poco_mutex {
 public:
  static constexpr const char* name = "Poco NamedMutex";

  class owner {
   public:
    explicit owner(const site& where);
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner();

   private:
    std::string name_;
    std::unique_ptr<Poco::NamedMutex> mutex_;
  };

  explicit poco_mutex(const site& where);
  ~poco_mutex();
  void lock();
  void unlock();

 private:
  std::unique_ptr<Poco::NamedMutex> mutex_;
};

}  // namespace bench
