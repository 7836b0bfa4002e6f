// Shared page: memory that the processes of a test share and no protocol touches.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace support {

template <class T>
class shared_page {
 public:
  shared_page()
      : address_(
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (address_ == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    new (address_) T();
  }
  shared_page(const shared_page&) = delete;
  shared_page& operator=(const shared_page&) = delete;
  ~shared_page() { ::munmap(address_, sizeof(T)); }

  T* operator->() const { return static_cast<T*>(address_); }
  T& operator*() const { return *static_cast<T*>(address_); }

 private:
  void* address_;
};

}  // namespace support
