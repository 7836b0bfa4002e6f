// Watch group: one thread that waits for changes of several objects, and reports which changed.
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "../lifecycle/bell.hpp"
#include "../os/event.hpp"
#include "../os/futex.hpp"
#include "../os/process.hpp"
#include "../os/quiet_thread.hpp"
#include "watch_point.hpp"
#include "watched_handle.hpp"

namespace shm::detail {

/// The kernel lets a thread sleep at 128 words, so a watcher with many handles has several groups.
class watch_group {
 public:
  static constexpr std::size_t most_words = 128;
  static constexpr std::size_t most_handles = (most_words - 1) / (2 + watch_point::most_compared);

  /// What all groups of a watcher share: a lock over their handles, and the event that is signalled
  /// while one is reported.
  struct shared {
    std::mutex mutex;
    event changes;
  };

  explicit watch_group(shared& all) : all_(all) {
    const result<pthread_t> started = quiet_thread::start(run, this);
    if (!started.ok()) {
      throw std::system_error(started.error_number, std::system_category(),
                              "shm::watcher: pthread_create");
    }
    thread_ = started.value;
  }
  watch_group(const watch_group&) = delete;
  watch_group& operator=(const watch_group&) = delete;
  ~watch_group() {
    if (process::current() != process_) return;  // the thread is the parent's
    {
      const std::lock_guard<std::mutex> guard(all_.mutex);
      is_over_ = true;
      interrupt();
    }
    ::pthread_join(thread_, nullptr);
  }

  // The caller must hold the mutex of all groups, and have the process to itself that made the
  // group.

  bool has_room() const noexcept { return handles_.size() < most_handles; }

  void add(std::unique_ptr<watched_handle> handle) {
    handles_.push_back(std::move(handle));
    interrupt();
  }

  /// Returns false if the group has no handle of that number. Else blocks until the thread is done
  /// with it, and gives the mutex away meanwhile.
  bool remove(std::size_t number, std::unique_lock<std::mutex>& guard) {
    const auto found = std::find_if(handles_.begin(), handles_.end(),
                                    [number](const auto& one) { return one->number() == number; });
    if (found == handles_.end()) return false;
    const std::unique_ptr<watched_handle> removed = std::move(*found);
    handles_.erase(found);
    const std::uint32_t round = round_.load(std::memory_order_relaxed);
    interrupt();
    guard.unlock();
    // Acquire: the thread has looked at the handles without this one.
    while (round_.load(std::memory_order_acquire) == round) {
      static_cast<void>(futex::wait({&round_, round}, deadline::after(longest_sleep)));
    }
    guard.lock();
    return true;
  }

  void collect_reported(std::vector<std::size_t>& numbers) {
    for (const auto& handle : handles_) {
      if (handle->is_reported) numbers.push_back(handle->number());
      handle->is_reported = false;
    }
  }

 private:
  static void* run(void* group) noexcept {
    static_cast<watch_group*>(group)->loop();
    return nullptr;
  }

  void loop() noexcept {
    std::unique_lock<std::mutex> guard(all_.mutex);
    while (!is_over_) {
      // Relaxed: changed with the mutex held only.
      const std::uint32_t interruptions = interruptions_.load(std::memory_order_relaxed);
      // Release: the thread that removed a handle sees that this one is done with it.
      round_.fetch_add(1, std::memory_order_release);
      futex::wake_all(round_);
      const deadline until = prepare();
      if (report()) continue;
      sleep(interruptions, until, guard);
    }
  }

  /// Looks at all handles, reports those that have changed, and asks publishers to ring.
  deadline prepare() noexcept {
    for (const auto& handle : handles_) handle->before = handle->look();
    report();
    std::array<bool, most_handles> is_asked{};
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      is_asked[i] = handles_[i]->point().ask_to_ring(handles_[i]->before.version);
    }
    const bool is_ordered = process::barrier_everywhere();
    deadline until = deadline::after(longest_sleep);
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      if (handles_[i]->is_removed()) continue;
      until = until.or_earlier(handles_[i]->point().next_look(is_asked[i] && is_ordered));
    }
    return until;
  }

  /// Returns whether any has changed.
  bool report() noexcept {
    bool any = false;
    for (const auto& handle : handles_) {
      if (!handle->has_changed()) continue;
      handle->is_reported = any = true;
    }
    if (any) all_.changes.signal();
    return any;
  }

  /// The kernel returns the last word of the list that the thread was woken at. So the alarms come
  /// after all bells; and where one of them rang, those before it may have rung, too.
  ///
  /// The thread can hand on one alarm only, so it says which one when it knows. If the process is
  /// killed before, others find out within a second.
  void sleep(std::uint32_t interruptions, const deadline& until,
             std::unique_lock<std::mutex>& guard) noexcept {
    std::array<const watched_handle*, most_handles> handles{};
    std::size_t number = 0;
    for (const auto& handle : handles_) {
      if (!handle->is_removed() && handle->may_sleep()) handles[number++] = handle.get();
    }
    futex_list<most_words> list;
    list.add({&interruptions_, interruptions});
    for (std::size_t i = 0; i < number; ++i) list.add(handles[i]->point().bell(handles[i]->before));
    const std::size_t first_alarm = list.size();
    std::array<const header*, most_handles> alarms{};
    for (std::size_t i = 0; i < number; ++i) {
      if (!handles[i]->point().has_alarm()) continue;
      alarms[list.size() - first_alarm] = &handles[i]->point().place().head();
      list.add(handles[i]->point().alarm());
    }
    const std::size_t behind_alarms = list.size();
    for (std::size_t i = 0; i < number; ++i) {
      handles[i]->point().add_compared(handles[i]->before, list);
    }
    guard.unlock();
    const result<std::size_t> woken = futex::wait_any(list, until);
    if (woken.ok() && woken.value >= first_alarm && woken.value < behind_alarms) {
      for (std::size_t i = woken.value - first_alarm + 1; i-- > 0;) {
        const alarm_on_death hand_on(alarms[i]->alarm);
        ring_for_another(*alarms[i]);
      }
    }
    if (futex::is_refused(woken.error_number)) {
      // Here nothing but looking again tells.
      const deadline moment = deadline::after(std::chrono::milliseconds(1));
      static_cast<void>(futex::wait({&interruptions_, interruptions}, until.or_earlier(moment)));
    }
    guard.lock();
  }

  void interrupt() noexcept {
    interruptions_.fetch_add(1, std::memory_order_relaxed);
    futex::wake_all(interruptions_);
  }

  shared& all_;
  std::vector<std::unique_ptr<watched_handle>> handles_;
  futex_word interruptions_{0};
  futex_word round_{0};
  bool is_over_ = false;
  process_epoch process_ = process::current();
  pthread_t thread_{};
};

}  // namespace shm::detail
