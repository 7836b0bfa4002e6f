// Witnesses: processes that sleep, read or come in at the moment of a death, and say what they see.
// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>
#include <sys/sem.h>

#include <atomic>
#include <vector>

#include "support/shared_page.hpp"
#include "world.hpp"

namespace crash {

enum class sight { nothing, refused, damaged, torn, whole };

struct seen_value {
  sight how = sight::nothing;
  std::uint64_t number = 0;

  static seen_value of(const value& v) {
    return {v.is_whole() ? sight::whole : sight::torn, v.value()};
  }
};

/// What each of them saw, for the test to compare with the account.
struct testimony {
  bool mutex_told[2] = {};
  seen_value object_under_lock, object_read;
  bool array_told = false;
  std::array<seen_value, elements> array_under_lock, array_read;

  static constexpr std::size_t witnesses = 9;
  std::atomic<bool> finished[witnesses] = {};
};

class witnesses {
 public:
  explicit witnesses(world& w) : world_(w) {
    called_here() = this;
    const auto& mutex = w.mutex;
    testify(mutex, [this] { return wait_for_mutex(said_->mutex_told[0]); });
    testify(mutex, [this] { return wait_for_mutex(said_->mutex_told[1]); });
    testify(w.object, [this] { return wait_for_object(); });
    testify(w.array, [this] { return wait_for_array(); });
    testify(w.object, [this] { return read_object(); });
    testify(w.array, [this] { return read_array(); });
    testify(w.brief, [this] { return open_as_int(world_.brief, until_last_detach()); });
    testify(w.gone, [this] { return open_as_int(world_.gone, {}); });
    testify(w.broken, [this] { return open_as_int(world_.broken, {}); });
  }

  /// In the process that is about to die: until each has finished, or sleeps in the kernel.
  static void call_and_see_them_wait() {
    witnesses& all = *called_here();
    all.call();
    while (!all.are_settled()) ::sched_yield();
  }

  void call() {
    for (std::size_t i = 0; i < testimony::witnesses; ++i) called_.pass();
  }

  /// What they say. Throws when one of them failed.
  const testimony& hear() {
    for (support::child& witness : processes_) {
      const int status = witness.wait();
      if (status != 0) throw std::runtime_error("a witness ended with " + std::to_string(status));
    }
    return *said_;
  }

 private:
  static witnesses*& called_here() {
    static witnesses* all = nullptr;
    return all;
  }

  template <class Job>
  void testify(const support::name& name, Job job) {
    const std::size_t number = processes_.size();
    names_.push_back(&name);
    processes_.emplace_back([this, job, number] {
      const support::watchdog own_watchdog(30);
      called_.await();
      const int status = job();
      said_->finished[number] = true;
      return status;
    });
  }

  bool are_settled() const {
    for (const support::name* name : {&world_.object, &world_.array, &world_.mutex, &world_.brief,
                                      &world_.gone, &world_.broken}) {
      if (sleepers_at(name->key()) < unfinished_at(*name)) return false;
    }
    return true;
  }

  int unfinished_at(const support::name& name) const {
    const account& truth = *world_.told;
    const bool one_more = truth.sleeper_called && !truth.sleeper_finished;
    int unfinished = &name == &world_.mutex && one_more ? 1 : 0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == &name && !said_->finished[i]) ++unfinished;
    }
    return unfinished;
  }

  static int sleepers_at(const shm::key& key) {
    using namespace shm::detail;
    const auto set = semaphore_set::find(key.set_key());
    if (!set.ok()) return 0;
    const int id = set.value.id();
    return at_least_none(::semctl(id, semaphore::door, GETZCNT)) +
           at_least_none(::semctl(id, semaphore::wake, GETNCNT)) +
           at_least_none(::semctl(id, semaphore::raw, GETZCNT));
  }
  static int at_least_none(int count) { return count > 0 ? count : 0; }

  int wait_for_mutex(bool& told) {
    shm::mutex mutex(world_.mutex);
    mutex.lock();
    told = mutex.owner_died();
    mutex.unlock();
    return 0;
  }

  int wait_for_object() {
    shm::object<value> object(world_.object);
    auto guard = object.lock();
    said_->object_under_lock = seen_value::of(*guard);
    guard.discard();
    return 0;
  }

  int wait_for_array() {
    shm::array<value, elements> array(world_.array);
    const auto guard = array.lock();
    said_->array_told = guard.owner_died();
    for (std::size_t i = 0; i < elements; ++i)
      said_->array_under_lock[i] = seen_value::of(guard[i]);
    return 0;
  }

  int read_object() {
    said_->object_read = read([this] { return shm::object<const value>(world_.object).load(); });
    return 0;
  }

  int read_array() {
    for (std::size_t i = 0; i < elements; ++i) {
      said_->array_read[i] =
          read([&] { return shm::array<const value, elements>(world_.array).load(i); });
    }
    return 0;
  }

  template <class Read>
  static seen_value read(Read how) {
    try {
      return seen_value::of(how());
    } catch (const shm::error& refusal) {
      if (refusal.code() == shm::errc::damaged) return {sight::damaged, 0};
      if (refusal.code() == shm::errc::not_found) return {sight::refused, 0};
      throw;
    }
  }

  int open_as_int(const support::name& name, const shm::options& how) {
    try {
      return shm::object<int>(name, how).load();  // 0, as every opener makes it
    } catch (const shm::error& refusal) {
      // The last of the objects becomes one of another type on the way.
      if (&name == &world_.broken && refusal.code() == shm::errc::type_mismatch) return 0;
      throw;
    }
  }

  world& world_;
  support::baton called_;
  support::shared_page<testimony> said_;
  std::vector<const support::name*> names_;
  std::vector<support::child> processes_;
};

}  // namespace crash
