// World: the objects of one run, what a process does with them, and the hook that kills it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <optional>
#include <shm.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "account.hpp"
#include "support/asleep.hpp"
#include "support/baton.hpp"
#include "support/child.hpp"
#include "support/colliding_keys.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/shared_page.hpp"
#include "support/types.hpp"

namespace crash {

using value = support::uniform<40>;
constexpr std::size_t room = 4;
constexpr unsigned permits = 2;
using map_of_world = shm::map<std::uint64_t, std::uint64_t, room>;

struct world {
  support::name object, array, mutex, map, semaphore, watched, brief, gone, broken;
  support::baton may_hold, held, about_to_sleep, sleeper_may_lock;
  support::shared_page<account> told;
};

/// How a process ends at a step.
enum class end_by { kill, exit };
inline constexpr int exited = 77;  ///< the status of one that calls exit()

/// What the hook does in the one process that is watched, or ends.
struct plan {
  pid_t victim = 0;
  std::string step;    ///< where to die; empty: nowhere
  int occurrence = 1;  ///< the how manieth time
  world* where = nullptr;
  int trace = -1;                    ///< a pipe that is told of every step
  void (*before_death)() = nullptr;  ///< runs at that step, in the process that dies there
  end_by how = end_by::kill;
};
inline plan the_plan;

/// exit() beside a thread that is at that very step, and destroys the handles that it uses.
[[noreturn]] inline void exit_beside_this_thread() {
  the_plan.victim = 0;  // exit passes steps, too
  std::thread([] { std::exit(exited); }).detach();
  for (;;) ::pause();
}

inline void hook(const char* step) {
  if (::getpid() != the_plan.victim) return;
  the_plan.where->told->passed(step);
  if (the_plan.trace != -1) {
    const std::string line = std::string(step) + '\n';
    if (::write(the_plan.trace, line.data(), line.size()) < 0) std::abort();
  }
  if (step == the_plan.step && --the_plan.occurrence == 0) {
    if (the_plan.before_death != nullptr) the_plan.before_death();
    if (the_plan.how == end_by::exit) exit_beside_this_thread();
    support::die();
  }
  if (std::string_view(step) == "lock: before sleep") the_plan.where->about_to_sleep.pass();
}

inline shm::options until_last_detach() {
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  return how;
}

/// A handle with static storage while it is in use: exit() destroys it, and so does its scope.
/// `Number` tells handles of one type apart.
template <class Handle, int Number = 0>
class closed_by_exit {
 public:
  template <class... Arguments>
  explicit closed_by_exit(Arguments&&... arguments) {
    slot().emplace(std::forward<Arguments>(arguments)...);
  }
  closed_by_exit(const closed_by_exit&) = delete;
  closed_by_exit& operator=(const closed_by_exit&) = delete;
  ~closed_by_exit() { slot().reset(); }

  Handle& operator*() { return *slot(); }

 private:
  static std::optional<Handle>& slot() {
    static std::optional<Handle> one;
    return one;
  }
};

inline void use_object(world& w) {
  closed_by_exit<shm::object<value>> handle(w.object);
  shm::object<value>& object = *handle;
  w.told->object_is_ready = true;
  const auto next = object.load().value() + 1;
  w.told->begin_value(next);
  object.store(value::of(next));
  w.told->begin_value(next + 1);
  object.update([](value& v) { v = value::of(v.value() + 1); });
  w.told->begin_value(next + 2);
  closed_by_exit<shm::any_object> any(w.object.key());
  (*any).update([next](gsl::span<std::byte> draft) {
    const value changed = value::of(next + 2);
    std::memcpy(draft.data(), &changed, sizeof changed);
    return true;
  });
  w.told->storing_value = false;
  closed_by_exit<shm::object<const value>> viewer(w.object);
  static_cast<void>((*viewer).load());
}

inline void use_mutex(world& w) {
  w.told->at = account::work::mutex;
  closed_by_exit<shm::mutex> handle(w.mutex);
  shm::mutex& mutex = *handle;
  // Somebody else holds it, until we are about to sleep.
  w.may_hold.pass();
  w.held.await();
  mutex.lock();
  mutex.unlock();
  support::dies([&w] {
    shm::mutex theirs(w.mutex);
    theirs.lock();
    support::die();
  });
  w.told->mutex_orphaned = true;
  mutex.lock();
  mutex.mark_repaired();
  // The sleeper goes to sleep; then it is to be woken.
  w.told->sleeper_called = true;
  w.sleeper_may_lock.pass();
  using namespace shm::detail;
  const auto memory =
      attachment::of(segment::find(w.mutex.key().segment_key()).value, attach_mode::read_only);
  while (header_at(memory.value).waiters.load() == 0) pause_briefly();
  mutex.unlock();
}

inline void use_array(world& w) {
  closed_by_exit<shm::array<value, elements>> handle(w.array);
  shm::array<value, elements>& array = *handle;
  w.told->array_is_ready = true;
  w.told->begin_element(0, 1);
  array.store(0, value::of(1));
  w.told->begin_element(1, 1);
  {
    auto guard = array.lock();
    guard.store(1, value::of(1));
  }
  w.told->begin_element(2, 1);
  const value one = value::of(1);
  closed_by_exit<shm::any_object> any(w.array.key());
  (*any).store(gsl::as_bytes(gsl::span<const value>(&one, 1)), 2);
  w.told->storing_element = false;
  w.told->raw_value = 2;
  {
    auto guard = array.lock();
    for (value& v : guard.raw()) v = value::of(2);
  }
  // Somebody dies in the middle of a store: repaired by the next.
  support::dies([&w] {
    the_plan.victim = ::getpid();
    the_plan.step = "array: element written";
    the_plan.occurrence = 1;
    the_plan.trace = -1;
    the_plan.before_death = nullptr;
    the_plan.how = end_by::kill;
    shm::array<value, elements>(w.array).store(2, value::of(3));
  });
  w.told->begin_element(2, 4);
  array.store(2, value::of(4));
  w.told->storing_element = false;
  // Somebody dies editing in place.
  support::dies([&w] {
    shm::array<value, elements> theirs(w.array);
    auto guard = theirs.lock();
    guard.raw()[0] = value::of(5);
    support::die();
  });
  w.told->section_entered = w.told->bulk_odd = true;
  auto guard = array.lock();
  for (std::size_t i = 0; i < elements; ++i) {
    w.told->begin_element(i, 6);
    guard.store(i, value::of(6));
  }
  w.told->storing_element = false;
  guard.mark_repaired();
  static_cast<void>(shm::array<const value, elements>(w.array).load(0));
}

/// Its keys begin at one slot, so that entries lie beyond it. (What a death leaves: map.cpp.)
inline void use_map(world& w) {
  w.told->at = account::work::map;
  const auto keys = support::keys_at(1, room, 3);
  closed_by_exit<map_of_world> handle(w.map);
  map_of_world& map = *handle;
  for (const std::uint64_t key : keys) map.insert(key, key);
  map.erase(keys[0]);
  map.insert_or_assign(keys[0], 1);
  // Somebody dies before and after the commit of a change: its note tells the size.
  for (const char* const step : {"map: change begun", "array: sequence even"}) {
    support::dies([&] {
      the_plan = {::getpid(), step, 1, &w, -1, nullptr, end_by::kill};
      map_of_world(w.map).erase(keys[1]);
    });
    const std::size_t size = map.size();
    if (size != map.snapshot().size()) throw std::logic_error("the map has another size");
  }
}

/// Waits for a change whose publisher dies before it could wake anybody. Then wakes others, though
/// none wait.
inline void use_watch(world& w) {
  closed_by_exit<shm::object<int>, 3> handle(w.watched);
  shm::object<int>& object = *handle;
  const pid_t waiting = ::getpid();
  support::child publisher([&w, waiting] {
    the_plan = {::getpid(), "announce: version stored", 1, &w, -1, nullptr, end_by::kill};
    shm::object<int> theirs(w.watched);
    support::await_waiting(waiting);
    theirs.store(1);
    return 0;
  });
  object.wait(0);
  if (publisher.wait() != -SIGKILL) throw std::logic_error("the publisher lived on");
  const std::uint64_t seen = object.version();
  if (object.wait_for(std::chrono::milliseconds(1), seen)) throw std::logic_error("who stored?");
  object.store(2);
}

/// Waits for a permit that there is not. (What a death leaves: semaphore.cpp.)
inline void use_semaphore(world& w) {
  w.told->at = account::work::other;
  closed_by_exit<shm::semaphore> handle(w.semaphore, permits);
  shm::semaphore& semaphore = *handle;
  const shm::permit first = semaphore.acquire(), second = semaphore.acquire();
  if (semaphore.try_acquire_for(std::chrono::milliseconds(1))) {
    throw std::logic_error("a permit too many");
  }
}

/// A handle that waits for an object which never comes. (One that comes: await_creation.cpp.)
inline void wait_in_vain(world& w) {
  shm::options how;
  how.await_creation = std::chrono::milliseconds(1);
  try {
    const shm::object<const int> one(w.gone, how);
    throw std::logic_error("an object that nobody has created");
  } catch (const shm::error& refusal) {
    if (refusal.code() != shm::errc::not_found) throw;
  }
}

/// Deaths, and handles closed, beside which nobody slept.
inline void leave_tokens(const shm::key& key, int number) {
  using namespace shm::detail;
  sembuf post{semaphore::wake, static_cast<short>(number), 0};
  if (::semop(support::set_of(key).id(), &post, 1) != 0) throw std::logic_error("no tokens left");
}

inline void open_what_the_dead_left(world& w) {
  using namespace shm::detail;
  { closed_by_exit<shm::object<int>> one(w.broken); }
  leave_tokens(w.broken, 100);
  { closed_by_exit<shm::object<int>> one(w.broken); }
  leave_tokens(w.broken, 32767 - support::set_of(w.broken).value(semaphore::wake).value);
  { closed_by_exit<shm::object<int>> one(w.broken); }
  static_cast<void>(semaphore_set::find(w.broken.key().set_key()).value.remove());
  static_cast<void>(semaphore_set::find(w.broken.key().set_key()).value.remove());
  { shm::object<int> adopted(w.broken); }
  support::set_state(w.broken, life_state::removing);
  { shm::object<int> ready_again(w.broken); }
  support::set_state(w.broken, life_state::under_construction);
  { shm::object<int> finished(w.broken); }
  support::set_state(w.broken, life_state::under_construction);
  { shm::object<value> other_size(w.broken); }
}

/// More than any kernel gives.
inline void create_what_is_too_large(const shm::key& key) {
  using namespace shm::detail;
  const shm::schema type("x", 1, 1);
  const blueprint plan{segment_kind::object,           &type,  std::size_t{1} << 62, 64,
                       [](std::byte*, const void*) {}, nullptr};
  try {
    const connection one(key, open_mode::open_or_create, {}, &plan);
  } catch (const shm::error& refusal) {
    if (refusal.code() != shm::errc::limit_reached) throw;
  }
}

/// Passes through every step at least once.
inline void life(world& w) {
  use_object(w);
  use_mutex(w);
  use_array(w);
  use_map(w);
  w.told->at = account::work::other;
  use_watch(w);
  use_semaphore(w);
  wait_in_vain(w);
  shm::options brief = until_last_detach();
  // exit() waits so long for its own thread inside the door; the others wait longer.
  brief.open_timeout = std::chrono::milliseconds(200);
  {
    closed_by_exit<shm::object<int>, 1> last(w.brief, brief);
    { closed_by_exit<shm::object<int>, 2> not_last(w.brief, brief); }
  }
  {
    std::optional<closed_by_exit<shm::object<int>, 1>> last(std::in_place, w.brief, brief);
    closed_by_exit<shm::object<const int>> viewer(w.brief);
    last.reset();
  }
  { closed_by_exit<shm::object<int>> one(w.gone); }
  shm::remove(w.gone);
  shm::remove(w.gone);  // now there is nothing to remove
  create_what_is_too_large(w.gone);
  { closed_by_exit<shm::object<int>> one(w.gone); }
  shm::remove(w.gone, shm::force);
  open_what_the_dead_left(w);
}

/// What the first one to come after a death does.
inline void recover(world& w) {
  {
    shm::object<value> object(w.object);
    w.told->object_is_ready = true;
    w.told->begin_value(object.load().value() + 1);
    object.update([](value& v) { v = value::of(v.value() + 1); });
    w.told->storing_value = false;
  }
  {
    w.told->at = account::work::mutex;
    shm::mutex mutex(w.mutex);
    mutex.lock();
    mutex.mark_repaired();
    mutex.unlock();
  }
  {
    shm::array<value, elements> array(w.array);
    w.told->array_is_ready = true;
    w.told->at = account::work::array;
    auto guard = array.lock();
    for (std::size_t i = 0; i < elements; ++i) {
      w.told->begin_element(i, 7);
      guard.store(i, value::of(7));
    }
    w.told->storing_element = false;
    guard.mark_repaired();
  }
  w.told->at = account::work::map;
  {
    map_of_world map(w.map);
    for (const std::uint64_t key : support::keys_at(1, room, 3)) map.insert_or_assign(key, 7);
  }
  w.told->at = account::work::other;
  {
    shm::semaphore semaphore(w.semaphore, permits);
    static_cast<void>(semaphore.acquire());
  }
  { shm::object<int> brief(w.brief, until_last_detach()); }
  for (const support::name* name : {&w.gone, &w.broken}) {
    try {
      shm::object<int> one(*name);
    } catch (const shm::error& refusal) {
      if (refusal.code() != shm::errc::type_mismatch) throw;
    }
    shm::remove(*name);
  }
}

}  // namespace crash
