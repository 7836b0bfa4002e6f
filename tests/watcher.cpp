// Watcher: a descriptor that becomes readable when objects change, for loops of every kind.
// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <shm.hpp>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/sandbox.hpp"
#include "support/watchdog.hpp"

using support::child;
using numbers = std::vector<std::size_t>;

namespace {

bool is_readable(const shm::watcher& watcher) {
  pollfd waiting{watcher.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

/// Blocks until all of these were reported.
void await_all(shm::watcher& watcher, numbers expected) {
  while (!expected.empty()) {
    pollfd waiting{watcher.fd(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, 60000) == 1);
    for (const std::size_t number : watcher.changed()) {
      expected.erase(std::remove(expected.begin(), expected.end(), number), expected.end());
    }
  }
}

}  // namespace

TEST_CASE("a change makes the descriptor readable, and is reported once") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  shm::watcher watcher;
  const std::size_t number = watcher.add(object);
  CHECK_FALSE(is_readable(watcher));
  CHECK(watcher.changed().empty());
  for (int i = 1; i <= 3; ++i) {
    object.store(i);
    await_all(watcher, {number});
    CHECK(object.load() == i);
  }
  CHECK_FALSE(is_readable(watcher));
  CHECK(watcher.changed().empty());
}

TEST_CASE("changes through every kind of handle are reported, each by its number") {
  const support::watchdog watchdog;
  const support::name one, two, three;
  shm::object<int> object(one);
  shm::array<int, 40> array(two);
  shm::map<int, int, 5> map(three);
  const shm::object<const int> viewer(one);
  const shm::array<const int> elements(two);
  const shm::map<int, const int, 5> entries(three);
  const shm::any_object any(one);
  const shm::const_any_object const_any(three);
  shm::watcher watcher;
  const numbers of_object{watcher.add(object), watcher.add(viewer), watcher.add(any)};
  const numbers of_array{watcher.add(array), watcher.add(elements)};
  const numbers of_map{watcher.add(map), watcher.add(entries), watcher.add(const_any)};
  object.store(1);
  await_all(watcher, of_object);
  array.store(3, 1);
  await_all(watcher, of_array);
  map.insert(1, 1);
  await_all(watcher, of_map);
  CHECK(watcher.changed().empty());
}

TEST_CASE("any number of handles is watched, more than one thread can sleep at") {
  const support::watchdog watchdog;
  constexpr int many = 300;
  std::vector<std::unique_ptr<support::name>> names;
  std::vector<std::unique_ptr<shm::object<int>>> objects;
  shm::watcher watcher;
  numbers all;
  for (int i = 0; i < many; ++i) {
    names.push_back(std::make_unique<support::name>());
    objects.push_back(std::make_unique<shm::object<int>>(*names.back()));
    all.push_back(watcher.add(*objects.back()));
  }
  for (int i : {0, 126, 127, 128, 299}) {
    objects[static_cast<std::size_t>(i)]->store(1);
    await_all(watcher, {all[static_cast<std::size_t>(i)]});
  }
  for (const auto& object : objects) object->store(2);
  await_all(watcher, all);
  for (std::size_t i = 0; i < many; i += 2) watcher.remove(all[i]);
  for (const auto& object : objects) object->store(3);
  numbers odd;
  for (std::size_t i = 1; i < many; i += 2) odd.push_back(all[i]);
  await_all(watcher, odd);
}

TEST_CASE("a handle that was removed from a watcher may be closed, and is not reported") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  shm::watcher watcher;
  auto viewer = std::make_unique<shm::object<const int>>(name);
  const std::size_t number = watcher.add(*viewer);
  object.store(1);
  watcher.remove(number);
  viewer.reset();
  CHECK(watcher.changed().empty());
  object.store(2);
  CHECK(watcher.changed().empty());
  watcher.remove(number);
  watcher.remove(12345);
  const std::size_t again = watcher.add(object);
  CHECK(again != number);
  object.store(3);
  await_all(watcher, {again});
}

TEST_CASE("handles are added and removed by other threads while objects change") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  shm::watcher watcher;
  std::atomic<bool> over{false};
  std::thread stores([&] {
    while (!over) object.update([](int& v) { ++v; });
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        const shm::object<const int> viewer(name);
        watcher.remove(watcher.add(viewer));
      }
    });
  }
  const std::size_t stays = watcher.add(object);
  for (int i = 0; i < 50; ++i) await_all(watcher, {stays});
  for (std::thread& one : threads) one.join();
  over = true;
  stores.join();
}

TEST_CASE("in a callback of an epoll loop handles are added and removed") {
  const support::watchdog watchdog;
  const support::name first, second;
  shm::object<int> one(first), two(second);
  shm::watcher watcher;
  const int loop = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  REQUIRE(::epoll_ctl(loop, EPOLL_CTL_ADD, watcher.fd(), &wanted) == 0);
  std::size_t number = watcher.add(one);
  bool is_done = false;
  one.store(1);
  while (!is_done) {
    epoll_event event{};
    REQUIRE(::epoll_wait(loop, &event, 1, 60000) == 1);
    for (const std::size_t changed : watcher.changed()) {
      if (changed != number) continue;
      if (one.load() == 1 && two.load() == 0) {
        watcher.remove(number);
        number = watcher.add(two);
        two.store(1);
      } else {
        is_done = true;
      }
    }
  }
  ::close(loop);
}

TEST_CASE("a removed object is reported, and its handle says so") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> object(name);
  shm::watcher watcher;
  const std::size_t number = watcher.add(object);
  shm::remove(name, shm::force);
  await_all(watcher, {number});
  CHECK(support::code_of([&] { object.load(); }) == shm::errc::removed);
  CHECK(watcher.changed().empty());
}

TEST_CASE("a watcher reports what a publisher has stored that is killed at once") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  shm::watcher watcher;
  const std::size_t number = watcher.add(object);
  for (int i = 0; i < 50; ++i) {
    support::dies([&] { shm::object<int>(name).store(i); });
    await_all(watcher, {number});
  }
}

TEST_CASE("a forked child cannot use its copy of a watcher, and its parent's goes on") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  auto watcher = std::make_unique<shm::watcher>();
  const std::size_t number = watcher->add(object);
  child forked([&] {
    const auto refused = std::errc::operation_not_permitted;
    if (support::code_of([&] { watcher->add(object); }) != refused) return 1;
    if (support::code_of([&] { watcher->remove(number); }) != refused) return 2;
    if (support::code_of([&] { static_cast<void>(watcher->changed()); }) != refused) return 3;
    watcher.reset();
    return 0;
  });
  CHECK(forked.wait() == 0);
  object.store(1);
  await_all(*watcher, {number});
}

TEST_CASE("a forked child makes a watcher of its own") {
  // ThreadSanitizer knows no threads in the child of a process with threads.
  if (shm::detail::copies_by_atomic_words_only) return;
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  shm::watcher watcher;
  const std::size_t number = watcher.add(object);
  child forked([&] {
    const support::watchdog own_watchdog;
    shm::watcher own;
    const std::size_t mine = own.add(object);
    object.store(1);
    await_all(own, {mine});
    return 0;
  });
  CHECK(forked.wait() == 0);
  await_all(watcher, {number});
}

TEST_CASE("a watcher reports where the kernel cannot sleep at several words", "[seccomp]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  child refused([&] {
    constexpr long waitv = 449;  // which older headers do not name
    if (!support::forbid(waitv, ENOSYS)) return 2;
    const shm::object<const int> viewer(name);
    shm::watcher watcher;
    const std::size_t number = watcher.add(viewer);
    object.store(1);
    await_all(watcher, {number});
    watcher.remove(number);
    return 0;
  });
  CHECK(refused.wait() == 0);
}

TEST_CASE("exit() beside a watcher with static storage ends the process as it should") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> object(name);
  child process([&]() -> int {
    static std::optional<shm::watcher> watcher;
    static std::optional<shm::object<const int>> viewer;
    viewer.emplace(name);
    watcher.emplace();
    watcher->add(*viewer);
    std::exit(5);
  });
  CHECK(process.wait() == 5);
}
