// Watch: threads that wait for a change are told of it, in time, through every kind of handle.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <future>
#include <optional>
#include <shm.hpp>
#include <thread>
#include <vector>

#include "support/asleep.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using support::child;

namespace {

/// A thread that waits through the handle, and what came of it.
template <class Handle>
class waiting_thread {
 public:
  waiting_thread(const Handle& handle, std::uint64_t seen)
      : thread_([this, &handle, seen] {
          id_ = static_cast<pid_t>(::syscall(SYS_gettid));
          try {
            result_.set_value(handle.wait(seen));
          } catch (...) {
            result_.set_exception(std::current_exception());
          }
        }) {}
  waiting_thread(const waiting_thread&) = delete;
  waiting_thread& operator=(const waiting_thread&) = delete;
  ~waiting_thread() { thread_.join(); }

  void await_sleep() const {
    while (id_ == 0) std::this_thread::yield();
    support::await_waiting_thread(id_);
  }
  pthread_t native() { return thread_.native_handle(); }
  std::uint64_t result() { return result_.get_future().get(); }

 private:
  std::promise<std::uint64_t> result_;
  std::atomic<pid_t> id_{0};
  std::thread thread_;
};

/// change() must wake a thread that waits through the handle.
template <class Handle, class Change>
void check_is_woken(const Handle& handle, Change change) {
  const std::uint64_t seen = handle.version();
  waiting_thread<Handle> waiting(handle, seen);
  waiting.await_sleep();
  change();
  CHECK(waiting.result() == handle.version());
  CHECK(handle.version() != seen);
}

}  // namespace

TEST_CASE("a thread that waits for a change of an object is woken, through every kind of handle") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  const auto change = [&] { object.store(object.load() + 1); };
  check_is_woken(object, change);
  check_is_woken(shm::object<const int>(name), change);
  check_is_woken(shm::any_object(name), change);
  check_is_woken(shm::const_any_object(name), change);
  CHECK(object.load() == 4);
}

TEST_CASE("each way to change an object wakes") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  check_is_woken(object, [&] { CHECK(object.store_for(1s, 1)); });
  check_is_woken(object, [&] { object.update([](int& v) { ++v; }); });
  check_is_woken(object, [&] { CHECK(object.update_for(1s, [](int& v) { ++v; })); });
  check_is_woken(object, [&] { *object.lock() = 7; });
  check_is_woken(object, [&] {
    auto guard = object.lock();
    *guard = 8;
    guard.publish();
    guard.discard();
  });
  const int nine = 9;
  shm::any_object any(name);
  check_is_woken(object, [&] { any.store(gsl::as_bytes(gsl::span<const int>(&nine, 1))); });
}

TEST_CASE("each way to change an array wakes, through every kind of handle") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 300> array(name);
  check_is_woken(array, [&] { array.store(3, 1); });
  check_is_woken(shm::array<const int, 300>(name), [&] { array.update(299, [](int& v) { ++v; }); });
  check_is_woken(shm::array<int>(name), [&] { array.lock().store(7, 1); });
  check_is_woken(shm::array<const int>(name), [&] { array.lock().raw()[1] = 2; });
  const int nine = 9;
  shm::any_object any(name);
  check_is_woken(shm::const_any_object(name),
                 [&] { any.store(gsl::as_bytes(gsl::span<const int>(&nine, 1)), 4); });
  check_is_woken(any, [&] { CHECK(array.store_for(1s, 3, 1)); });
}

TEST_CASE("the repair of an array wakes") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 3> array(name);
  support::dies([&] {
    shm::array<int, 3> theirs(name);
    auto guard = theirs.lock();
    guard.raw()[0] = 1;
    support::die();
  });
  check_is_woken(array, [&] { array.lock().mark_repaired(); });
}

TEST_CASE("each change of a map wakes, through every kind of handle") {
  const support::watchdog watchdog;
  const support::name name;
  using map_type = shm::map<std::uint64_t, int, 10>;
  map_type map(name);
  check_is_woken(map, [&] { map.insert(1, 1); });
  check_is_woken(shm::map<std::uint64_t, const int, 10>(name), [&] { map.insert_or_assign(1, 2); });
  check_is_woken(shm::any_object(name), [&] { map.update(1, [](int& v) { ++v; }); });
  check_is_woken(shm::const_any_object(name), [&] { map.erase(1); });
}

TEST_CASE("waiting returns at once when the version is another already") {
  const support::name name;
  shm::object<int> object(name);
  object.store(1);
  CHECK(object.wait(0) == 1);
  CHECK(object.wait(7) == 1);
  CHECK(object.wait_for(0s, 0));
  CHECK(object.wait_for(-1s, 7));
}

TEST_CASE("waiting with a timeout ends without a change, and not before its time") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  shm::array<int, 3> array{support::names::next()};
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(object.wait_for(30ms, 0));
  CHECK(std::chrono::steady_clock::now() - begin >= 30ms);
  CHECK_FALSE(object.wait_for(0s, 0));
  CHECK_FALSE(object.wait_for(-1s, 0));
  CHECK_FALSE(array.wait_for(2ms, array.version()));
  CHECK_FALSE(shm::object<const int>(name).wait_for(1ms, 0));
  shm::remove(array.name(), shm::force);
}

TEST_CASE("a predicate is asked of each value that is met, and its value is returned") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  CHECK(object.wait([](const int& v) { return v == 0; }) == 0);
  CHECK_FALSE(object.wait_for(5ms, [](int v) { return v == 3; }));
  const shm::object<const int> viewer(name);
  std::atomic<int> asked{0};
  auto three = std::async(std::launch::async, [&] {
    return viewer.wait([&](const int& v) {
      ++asked;
      return v == 3;
    });
  });
  for (int i = 1; i <= 3; ++i) {
    // The predicate has seen the value before.
    while (asked < i) std::this_thread::yield();
    object.store(i);
  }
  CHECK(three.get() == 3);
  CHECK(viewer.wait_for(1s, [](int v) { return v == 3; }) == 3);
  CHECK_THROWS_AS(viewer.wait([](int) -> bool { throw std::runtime_error("no"); }),
                  std::runtime_error);
}

TEST_CASE("a versioned load tells which update it has loaded") {
  const support::name name;
  shm::object<std::array<int, 100>> object(name);
  CHECK(object.load_versioned().version == 0);
  for (int i = 1; i <= 9; ++i) {
    object.store({i});
    const auto seen = object.load_versioned();
    CHECK(seen.value[0] == i);
    CHECK(seen.version == static_cast<std::uint64_t>(i));
  }
  CHECK(shm::object<const std::array<int, 100>>(name).load_versioned().version == 9);
}

TEST_CASE("a forced removal wakes all that wait, and they are told") {
  const support::watchdog watchdog;
  const auto check_removed = [](const auto& handle, const shm::key& key) {
    auto waits =
        std::make_unique<waiting_thread<std::decay_t<decltype(handle)>>>(handle, handle.version());
    waits->await_sleep();
    shm::remove(key, shm::force);
    CHECK(support::code_of([&] { waits->result(); }) == shm::errc::removed);
    CHECK(support::code_of([&] { handle.wait(handle.version()); }) == shm::errc::removed);
  };
  const support::name name;
  check_removed(shm::object<int>(name), name);
  check_removed(shm::array<int, 3>(name), name);
  check_removed(shm::map<int, int, 3>(name), name);
  const shm::object<int> object(name);
  check_removed(shm::object<const int>(name), name);
}

TEST_CASE("several threads wait through one handle, and all are woken by one change") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  std::vector<std::unique_ptr<waiting_thread<shm::object<int>>>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::make_unique<waiting_thread<shm::object<int>>>(object, 0));
  }
  for (const auto& one : all) one->await_sleep();
  object.store(1);
  for (const auto& one : all) CHECK(one->result() == 1);
}

TEST_CASE("a handle that was moved waits") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  const shm::object<int> moved(std::move(object));
  shm::object<int> other(name);
  check_is_woken(moved, [&] { other.store(1); });
  shm::any_object any(name);
  const shm::any_object moved_any(std::move(any));
  check_is_woken(moved_any, [&] { other.store(2); });
}

TEST_CASE("waiting for a value ends in time, although others keep publishing") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  // Each value that is met is replaced before the predicate returns.
  int asked = 0;
  const auto replace = [&](const int& v) {
    object.store(v + 1);
    return ++asked < 0;
  };
  CHECK_FALSE(object.wait_for(5ms, replace));
  CHECK(asked > 0);
}

TEST_CASE("a signal does not end the wait") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  static std::atomic<int> signals;
  signals = 0;
  struct sigaction counting {};
  counting.sa_handler = [](int) { ++signals; };  // without SA_RESTART
  struct sigaction before {};
  REQUIRE(::sigaction(SIGUSR1, &counting, &before) == 0);
  {
    waiting_thread<shm::object<int>> waits(object, 0);
    waits.await_sleep();
    for (int i = 1; i <= 3; ++i) {
      ::pthread_kill(waits.native(), SIGUSR1);
      while (signals < i) std::this_thread::yield();
      waits.await_sleep();
    }
    object.store(1);
    CHECK(waits.result() == 1);
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("a forked child waits through the handle that it inherited, and its parent wakes it") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  const shm::array<const int, 3> viewer = [&] {
    const shm::array<int, 3> made(name.text() + ".array");
    return shm::array<const int, 3>(name.text() + ".array");
  }();
  shm::array<int, 3> array(name.text() + ".array");
  child reads_object([&] {
    const support::watchdog own_watchdog;
    return object.wait(0) == 1 ? 0 : 1;
  });
  child reads_array([&] {
    const support::watchdog own_watchdog;
    return viewer.wait(0) == 1 ? 0 : 1;
  });
  support::await_waiting(reads_object);
  support::await_waiting(reads_array);
  object.store(1);
  array.store(0, 1);
  CHECK(reads_object.wait() == 0);
  CHECK(reads_array.wait() == 0);
  shm::remove(array.name(), shm::force);
}

TEST_CASE("a child that stores through the handle that it inherited wakes its parent") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  waiting_thread<shm::object<int>> waits(object, 0);
  waits.await_sleep();
  child stores([&] {
    object.store(1);
    return 0;
  });
  CHECK(waits.result() == 1);
  CHECK(stores.wait() == 0);
}

TEST_CASE("changes by several at once are noticed by those who keep asking, up to the last") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> object(name);
  constexpr int writers = 3, stores = 2000;
  std::vector<child> all;
  for (int i = 0; i < writers; ++i) {
    all.emplace_back([&] {
      shm::object<int> theirs(name);
      for (int k = 0; k < stores; ++k) theirs.update([](int& v) { ++v; });
      return 0;
    });
  }
  const shm::object<const int> viewer(name);
  std::uint64_t seen = 0;
  while (seen < writers * stores) seen = viewer.wait(seen);
  CHECK(viewer.load() == writers * stores);
  for (child& one : all) CHECK(one.wait() == 0);
}

TEST_CASE("the words of the watch stay as they are agreed on") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  const support::memory_of memory(name);
  CHECK(memory.head().watched == 0);
  CHECK_FALSE(object.wait_for(1ms, 0));
  CHECK(memory.head().watched == 1);
  object.store(1);
  CHECK(memory.head().bell == 1);
  object.store(2);  // nobody waits past this one
  CHECK(memory.head().bell == 1);
  CHECK(memory.head().alarm == 0);
  CHECK_FALSE(object.wait_for(1ms, 2));
  CHECK(memory.head().watched == 3);
}

TEST_CASE("a read-only handle in another IPC namespace leaves the strangers there alone") {
  const support::watchdog watchdog;
  const support::name name;
  child elsewhere([&]() -> int {
    if (::unshare(CLONE_NEWIPC) != 0) return 77;  // not allowed
    // The first segment of each namespace has the same id.
    const shm::object<int> object(name);
    const shm::object<const int> viewer(name);
    const int id = support::segment_of(name).id();
    if (::unshare(CLONE_NEWIPC) != 0) return 77;
    const shm::object<int> stranger(name);
    if (support::segment_of(name).id() != id) return 2;
    if (viewer.wait_for(1ms, 0)) return 3;
    return support::memory_of(name).head().watched == 0 ? 0 : 4;
  });
  const int status = elsewhere.wait();
  CHECK((status == 0 || status == 77));
}

TEST_CASE("a publisher rings also when its change skips versions") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  const support::memory_of memory(name);
  CHECK_FALSE(object.wait_for(1ms, 0));
  shm::detail::announcement(memory.head()).of(5);
  CHECK(memory.head().bell == 1);
}

TEST_CASE("each change wakes in an object that was made for readers who may not write") {
  const support::watchdog watchdog;
  for (const auto access : {shm::access::owner, shm::access::group, shm::access::group_read,
                            shm::access::everyone_read, shm::access::everyone}) {
    const support::name name;
    shm::options how;
    how.access = access;
    shm::object<int> object(name, how);
    object.store(1);
    const support::memory_of memory(name);
    const bool is_for_readers =
        access == shm::access::group_read || access == shm::access::everyone_read;
    CHECK(memory.head().bell == (is_for_readers ? 1u : 0u));
    CHECK(memory.head().fixed.wake_readers == (is_for_readers ? 1u : 0u));
  }
  const support::name name;
  shm::options how;
  how.wake_readers = true;
  shm::object<int> object(name, how);
  object.store(1);
  CHECK(support::memory_of(name).head().bell == 1);
  const support::name other;
  how.wake_readers = false;
  how.access = shm::access::everyone_read;
  shm::object<int> quiet(other, how);
  quiet.store(1);
  CHECK(support::memory_of(other).head().bell == 0);
}
