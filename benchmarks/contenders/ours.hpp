// Ours: the mutex and the object that everything else is compared with.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <shm.hpp>

#include "site.hpp"

namespace bench {

inline shm::options for_many_processes() {
  shm::options how;
  how.seats = 128;
  return how;
}

class shm_remover {
 public:
  explicit shm_remover(const site& where) : name_(where.name()) {}
  shm_remover(const shm_remover&) = delete;
  shm_remover& operator=(const shm_remover&) = delete;
  ~shm_remover() {
    try {
      shm::remove(name_, shm::force);
    } catch (const shm::error& problem) {
      std::fprintf(stderr, "%s\n", problem.what());
    }
  }

 private:
  std::string name_;
};

class shm_mutex {
 public:
  static constexpr const char* name = "shm::mutex";

  class owner {
   public:
    explicit owner(const site& where) : removed_(where) {
      shm::mutex(shm::create_only, where.name(), for_many_processes());
    }

   private:
    shm_remover removed_;
  };

  explicit shm_mutex(const site& where) : mutex_(shm::open_only, where.name()) {}
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  shm::mutex mutex_;
};

template <std::size_t Size>
class shm_object {
 public:
  static constexpr const char* name = "shm::object";
  using value = std::array<std::uint64_t, Size / sizeof(std::uint64_t)>;

  class owner {
   public:
    explicit owner(const site& where) : removed_(where) {
      shm::object<value>(shm::create_only, where.name());
    }

   private:
    shm_remover removed_;
  };

  explicit shm_object(const site& where) : object_(shm::open_only, where.name()) {}
  void read(void* to) const { ::new (to) value(object_.load()); }
  void write(const void* from) { object_.store(*static_cast<const value*>(from)); }

 private:
  shm::object<value> object_;
};

}  // namespace bench
