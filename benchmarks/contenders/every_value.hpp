// Every value: the ways to share a value of some size, whole or torn, that ours is compared with.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "every_lock.hpp"

namespace bench {

/// Where the bytes of a value lie in a site, behind whatever guards it: on lines of their own, and
/// where in its page ours has them.
constexpr std::size_t value_offset = site::page + 1344;

template <std::size_t Size>
constexpr std::size_t site_size_for_value = value_offset + Size;

/// The library's own, as it is when sizes are not known: through a pointer that nobody sees
/// through.
inline void copy(void* to, const void* from, std::size_t size) {
  static void* (*volatile const library)(void*, const void*, std::size_t) = &std::memcpy;
  library(to, from, size);
}

/// The limit, and wrong: nothing keeps a reader from the middle of a write.
template <std::size_t Size>
class bare_memcpy {
 public:
  static constexpr const char* name = "memcpy (torn)";
  using owner = nothing_to_own;

  explicit bare_memcpy(const site& where) : bytes_(where.memory() + value_offset) {}
  void read(void* to) const { copy(to, bytes_, Size); }
  void write(const void* from) { copy(bytes_, from, Size); }

 private:
  std::byte* bytes_;
};

/// As textbooks have it, for one writer: the number is odd while it writes, and a reader begins
/// again when the number was odd or has changed.
template <std::size_t Size>
class seqlock {
 public:
  static constexpr const char* name = "seqlock";
  using owner = nothing_to_own;

  explicit seqlock(const site& where)
      : sequence_(where.at_begin<std::atomic<std::uint64_t>>()),
        bytes_(where.memory() + value_offset) {}

  void read(void* to) const {
    for (;;) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      if (before % 2 == 0) {
        copy(to, bytes_, Size);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (sequence_.load(std::memory_order_relaxed) == before) return;
      }
      relax();
    }
  }

  void write(const void* from) {
    const std::uint64_t before = sequence_.load(std::memory_order_relaxed);
    sequence_.store(before + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    copy(bytes_, from, Size);
    sequence_.store(before + 2, std::memory_order_release);
  }

 private:
  std::atomic<std::uint64_t>& sequence_;
  std::byte* bytes_;
};

template <class Lock, class = void>
struct can_share : std::false_type {};
template <class Lock>
struct can_share<Lock, std::void_t<decltype(&Lock::lock_shared)>> : std::true_type {};

/// memcpy under a lock; readers share it where it can be shared.
template <class Lock, std::size_t Size>
class guarded {
 public:
  static constexpr const char* name = Lock::name;
  using owner = typename Lock::owner;

  explicit guarded(const site& where) : lock_(where), bytes_(where.memory() + value_offset) {}

  void read(void* to) {
    if constexpr (can_share<Lock>::value) {
      lock_.lock_shared();
      copy(to, bytes_, Size);
      lock_.unlock_shared();
    } else {
      lock_.lock();
      copy(to, bytes_, Size);
      lock_.unlock();
    }
  }
  void write(const void* from) {
    lock_.lock();
    copy(bytes_, from, Size);
    lock_.unlock();
  }

 private:
  Lock lock_;
  std::byte* bytes_;
};

template <std::size_t Size, class F>
void for_every_value(F f) {
  types<shm_object<Size>, bare_memcpy<Size>, seqlock<Size>, guarded<pthread_plain, Size>,
        guarded<pthread_robust, Size>, guarded<pthread_rwlock, Size>, guarded<boost_sharable, Size>,
        guarded<futex_lock, Size>, guarded<spin_lock, Size>>::each(f);
}

}  // namespace bench
