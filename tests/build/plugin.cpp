// Plugin: a shared library with a copy of the library of its own.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

extern "C" [[gnu::visibility("default")]] bool try_lock(const char* name);

bool try_lock(const char* name) {
  static shm::mutex mutex(name);
  return mutex.try_lock();
}
