// Alarm on death: the kernel wakes a sleeper at a word if this thread is killed meanwhile.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "futex.hpp"
#include "quiet_thread.hpp"

namespace shm::detail {

/// While it lives, the death of the calling thread, in whatever way, makes the kernel wake one
/// thread that sleeps at the word. The word must be 0, and stay so; the kernel writes nothing.
///
/// The C library registers a list of robust mutexes for each thread. Its head says which mutex the
/// thread is just taking or releasing, and the kernel wakes a sleeper at the word of that mutex
/// when the thread dies. This class lends that member, and gives it back, so it may be used inside
/// the C library's own mutex functions, in signal handlers. Where the C library registers no list
/// (musl), it does nothing.
class alarm_on_death {
 public:
  explicit alarm_on_death(const futex_word& alarm) noexcept
      : list_(list_of_this_thread()), before_(list_.list_op_pending) {
    set(entry_of(alarm, list_.futex_offset));
  }
  alarm_on_death(const alarm_on_death&) = delete;
  alarm_on_death& operator=(const alarm_on_death&) = delete;
  ~alarm_on_death() { set(before_); }

  /// Whether the kernel does so, for this thread. The first call in a process tries it, with a
  /// thread that ends.
  static bool works() noexcept {
    if (&list_of_this_thread() == &no_list_) return false;
    // Relaxed: the answer is the same in every thread, and guards nothing.
    verdict known = known_.load(std::memory_order_relaxed);
    if (known == verdict::unknown) {
      known = trial::hold();
      known_.store(known, std::memory_order_relaxed);
    }
    return known == verdict::works;
  }

 private:
  enum class verdict { unknown, works, fails };

  /// Asked once: the list stays where it is, and fork() registers it again in the child. (A raw
  /// clone() does not: other threads find out within a second what such a child's death leaves.)
  static robust_list_head& list_of_this_thread() noexcept {
    if (list_of_thread_ == nullptr) ask_kernel();
    return *list_of_thread_;
  }

  [[gnu::cold, gnu::noinline]] static void ask_kernel() noexcept {
    robust_list_head* found = nullptr;
    std::size_t size = 0;
    const long asked = ::syscall(SYS_get_robust_list, 0, &found, &size);
    const bool is_there = asked == 0 && found != nullptr && size == sizeof *found;
    list_of_thread_ = is_there ? found : &no_list_;
  }

  /// The kernel looks at the word that lies `offset` bytes behind the entry.
  static robust_list* entry_of(const futex_word& word, long offset) noexcept {
    // NOLINTNEXTLINE: arithmetic beyond the object, which nobody dereferences
    return reinterpret_cast<robust_list*>(reinterpret_cast<std::uintptr_t>(&word) -
                                          static_cast<std::uintptr_t>(offset));
  }

  /// The kernel reads it in this very thread, when that dies: only the compiler has to keep the
  /// order.
  void set(robust_list* entry) const noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    *const_cast<robust_list* volatile*>(&list_.list_op_pending) = entry;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }

  /// A thread ends with the pointer set, and nothing else wakes the sleeper.
  class trial {
   public:
    /// Unknown if no thread can be made now, or a signal came.
    static verdict hold() noexcept {
      // A thread that is cancelled in a function that must not throw takes the program with it.
      int before = 0;
      ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
      const verdict found = hold_uncancelled();
      ::pthread_setcancelstate(before, nullptr);
      return found;
    }

   private:
    static verdict hold_uncancelled() noexcept {
      trial words;
      const result<pthread_t> dying = quiet_thread::start(end_with_alarm, &words);
      if (!dying.ok()) return verdict::unknown;
      const status slept = futex::wait({&words.room_, 0}, deadline::after(longest_trial));
      // Relaxed: only ends the loop of the thread.
      words.is_over_.store(true, std::memory_order_relaxed);
      ::pthread_join(dying.value, nullptr);
      if (slept.ok()) return words.is_refused_ ? verdict::fails : verdict::works;
      return slept.error_number == ETIMEDOUT ? verdict::fails : verdict::unknown;
    }

    static constexpr std::chrono::seconds longest_trial{1};

    static void* end_with_alarm(void* which) noexcept {
      trial& words = *static_cast<trial*>(which);
      // Moves the sleeper to the other word, which tells that it sleeps.
      for (long moved = 0; moved != 1; ::sched_yield()) {
        moved = ::syscall(SYS_futex, &words.room_, FUTEX_CMP_REQUEUE, 0, 1, &words.alarm_, 0);
        words.is_refused_ = moved < 0;
        if (words.is_refused_) futex::wake_all(words.room_);
        if (words.is_over_.load(std::memory_order_relaxed)) return nullptr;
      }
      robust_list_head& list = list_of_this_thread();
      list.list_op_pending = entry_of(words.alarm_, list.futex_offset);
      return nullptr;
    }

    futex_word room_{0};
    futex_word alarm_{0};
    std::atomic<bool> is_over_{false};
    bool is_refused_ = false;  ///< by a sandbox; read after the thread has ended
  };

  static inline std::atomic<verdict> known_{verdict::unknown};
  static inline thread_local robust_list_head* list_of_thread_ = nullptr;  // not known yet
  static inline thread_local robust_list_head no_list_{};  // where the kernel knows of none

  robust_list_head& list_;
  robust_list* before_;
};

}  // namespace shm::detail
