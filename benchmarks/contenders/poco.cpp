// Poco: where its headers are seen.
// SPDX-License-Identifier: MIT
#include "poco.hpp"

#include <Poco/NamedMutex.h>
#include <sys/sem.h>
#include <unistd.h>

namespace bench {

poco_mutex::owner::owner(const site& where)
    : name_(where.name()), mutex_(std::make_unique<Poco::NamedMutex>(name_)) {}

/// Poco never removes it: the set belongs to the key of a file that it leaves in /tmp.
poco_mutex::owner::~owner() {
  const std::string file = "/tmp/" + name_ + ".mutex";
  const int set = ::semget(::ftok(file.c_str(), 0), 0, 0);
  if (set != -1) ::semctl(set, 0, IPC_RMID);
  ::unlink(file.c_str());
}

poco_mutex::poco_mutex(const site& where)
    : mutex_(std::make_unique<Poco::NamedMutex>(where.name())) {}
poco_mutex::~poco_mutex() = default;

void poco_mutex::lock() {
  mutex_->lock();
}
void poco_mutex::unlock() {
  mutex_->unlock();
}

}  // namespace bench
