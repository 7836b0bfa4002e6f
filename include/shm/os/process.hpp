// Process: which process and thread is running, told apart after fork and exec without pids.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/membarrier.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "../base/error.hpp"

/// @cond
// Of glibc 2.32 and newer: whether no other thread runs. Weak, because other C libraries lack it.
extern "C" [[gnu::weak]] char __libc_single_threaded;
/// @endcond

namespace shm::detail {

/// A number that every process in a line of forks has for itself; 23 bits, never 0.
using process_epoch = std::uint32_t;
inline constexpr process_epoch process_epoch_mask = (1u << 23) - 1;

/// Tells a forked child from its parent by a page that the kernel wipes in the child. (Handlers of
/// pthread_atfork are skipped by _Fork and by clone; getpid is a system call at every lock.)
class process {
 public:
  /// Call once, when a handle opens, before current().
  static void prepare() {
    if (page_.load(std::memory_order_acquire) != nullptr) return;
    void* const memory =
        ::mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw error(std::error_code(errno, std::system_category()), "shm: fork detection: mmap");
    }
    if (::madvise(memory, page_size, MADV_WIPEONFORK) != 0) {
      const int why = errno;
      ::munmap(memory, page_size);
      throw error(std::error_code(why, std::system_category()),
                  "shm: fork detection: madvise(MADV_WIPEONFORK) needs Linux 4.14");
    }
    epoch_word* expected = nullptr;
    // Release: a thread that sees the page sees it mapped and zero.
    if (!page_.compare_exchange_strong(expected, static_cast<epoch_word*>(memory),
                                       std::memory_order_release, std::memory_order_relaxed)) {
      ::munmap(memory, page_size);  // another thread was first
    }
  }

  /// 0 in a forked child that has not asked before, which is no process's number.
  static process_epoch current_or_zero() noexcept {
    // Relaxed: a thread that has a handle was given it after prepare(), and the number guards
    // nothing else.
    return page_.load(std::memory_order_relaxed)->load(std::memory_order_relaxed);
  }

  static process_epoch current() noexcept {
    const process_epoch epoch = current_or_zero();
    return epoch != 0 ? epoch : first_look();
  }

  /// Whether another thread may run in this process. Where the C library does not tell: yes.
  static bool may_have_threads() noexcept {
    return &__libc_single_threaded == nullptr || __libc_single_threaded == 0;
  }

  /// The kernel's id of the calling thread; cached, because asking is a system call.
  static std::uint32_t thread_id() noexcept {
    const process_epoch epoch = current();
    if (cached_thread_.epoch != epoch) {
      cached_thread_ = {epoch, static_cast<std::uint32_t>(::syscall(SYS_gettid))};
    }
    return cached_thread_.id;
  }

  /// The cached id, or 0 where thread_id() would have to ask.
  static std::uint32_t thread_id_if_cached(process_epoch epoch) noexcept {
    return cached_thread_.epoch == epoch ? cached_thread_.id : 0;
  }

  /// From now on a barrier_everywhere() of any process orders the memory accesses of this one, too.
  /// Where the kernel refuses, accepts_barriers() stays false, and this process orders its own.
  static void accept_barriers() noexcept {
    if (accepted_in_.load(std::memory_order_relaxed) == current()) return;
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0) {
      // Relaxed: a thread that reads the old value only orders its own accesses.
      accepted_in_.store(current(), std::memory_order_relaxed);
    }
  }
  static bool accepts_barriers() noexcept {
    return accepted_in_.load(std::memory_order_relaxed) == current_or_zero();
  }

  /// What this thread has stored comes before what it loads next, as a thread sees it that calls
  /// barrier_everywhere() between its own store and its own load.
  static void order_store_before_load() noexcept {
    if (accepts_barriers()) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }

  /// A full memory barrier in every process that accepts them, wherever it is just then. False:
  /// this process may not ask for one.
  static bool barrier_everywhere() noexcept {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
  }

  /// A random number that this program has had since it started: an exec ends it. The kernel's, not
  /// our own, because a program may hold several copies of this library, in plugins that hide their
  /// symbols, and they are all this program. Where the kernel gives none it is the same for all,
  /// and no seat is taken for a leftover.
  static std::uint64_t incarnation() noexcept {
    std::uint64_t random[2] = {};
    // NOLINTNEXTLINE: the kernel's way to hand over an address
    const auto* const given = reinterpret_cast<const void*>(::getauxval(AT_RANDOM));
    if (given != nullptr) std::memcpy(random, given, sizeof random);
    // The C library draws its stack canary and pointer guard from these bytes: of either one alone,
    // 64 bits mixed of both tell nothing.
    std::uint64_t mixed = (random[0] ^ random[0] >> 32) * 0x9e3779b97f4a7c15 + random[1];
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9;
    return mixed ^ mixed >> 32;
  }

  /// The same as a number that a semaphore can be raised by: 2 to 32767.
  static short short_incarnation() noexcept {
    return static_cast<short>(2 + incarnation() % 32766);
  }

 private:
  using epoch_word = std::atomic<process_epoch>;
  static_assert(epoch_word::is_always_lock_free);
  static constexpr std::size_t page_size = 4096;

  struct thread_identity {
    process_epoch epoch;
    std::uint32_t id;
  };

  /// In a child the counter still holds its parent's number, so the next one is the child's own.
  [[gnu::cold, gnu::noinline]] static process_epoch first_look() noexcept {
    epoch_word& word = *page_.load(std::memory_order_relaxed);
    process_epoch next = 0;
    while (next == 0)
      next = (counter_.fetch_add(1, std::memory_order_relaxed) + 1) & process_epoch_mask;
    process_epoch found = 0;
    return word.compare_exchange_strong(found, next, std::memory_order_relaxed) ? next : found;
  }

  static inline std::atomic<epoch_word*> page_{nullptr};
  static inline std::atomic<process_epoch> counter_{0};
  static inline std::atomic<process_epoch> accepted_in_{~process_epoch{0}};  // no process's number
  static inline thread_local thread_identity cached_thread_{0, 0};
};

}  // namespace shm::detail
