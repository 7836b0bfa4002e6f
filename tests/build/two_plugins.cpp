// Two plugins: the lock that one holds is not free for the other.
// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <shm.hpp>
#include <string>

namespace {

using try_lock_function = bool(const char*);

try_lock_function* plugin(const char* path) {
  void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return nullptr;
  }
  return reinterpret_cast<try_lock_function*>(::dlsym(library, "try_lock"));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  try_lock_function* const first = plugin(arguments[1]);
  try_lock_function* const second = plugin(arguments[2]);
  if (first == nullptr || second == nullptr) return 2;
  const std::string name = "test.plugins." + std::to_string(::getpid());
  const bool taken = first(name.c_str());
  const bool taken_twice = second(name.c_str());
  shm::remove(name, shm::force);
  return taken && !taken_twice ? 0 : 1;
}
