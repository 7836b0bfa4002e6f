// Site: where a contender lives: memory that processes share, and a name of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>

namespace bench {

// A contender is a class of which every process makes its own handle out of the site, and which has
// a class `owner`: the measuring process makes one first, and it removes everything at its end.

class site {
 public:
  static constexpr std::size_t page = 4096;

  explicit site(std::size_t size = page)
      : size_(size),
        memory_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    static std::atomic<unsigned> number{0};
    name_ = "bench." + std::to_string(::getpid()) + '.' + std::to_string(number++);
  }
  site(const site&) = delete;
  site& operator=(const site&) = delete;
  ~site() { ::munmap(memory_, size_); }

  /// Zeroed.
  std::byte* memory() const { return static_cast<std::byte*>(memory_); }
  const std::string& name() const { return name_; }

  template <class T>
  T& at_begin() const {
    return *static_cast<T*>(memory_);
  }

 private:
  std::size_t size_;
  void* memory_;
  std::string name_;
};

/// What a call returns that sets errno.
inline int checked(int result, const char* call) {
  if (result == -1) throw std::system_error(errno, std::system_category(), call);
  return result;
}

/// What a call returns that returns its error.
inline void require(int error_number, const char* call) {
  if (error_number != 0) throw std::system_error(error_number, std::system_category(), call);
}

}  // namespace bench
