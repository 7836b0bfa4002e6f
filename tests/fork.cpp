// Fork: a child has copies of the handles, and neither its parent's seat nor its locks.
// SPDX-License-Identifier: MIT
#include <memory>
#include <shm.hpp>
#include <thread>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::telemetry;

TEST_CASE("a forked child uses the handle that it inherited", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name);
  support::child forked([&] {
    car.update([](telemetry& t) { t.gear = 4; });
    return car.load().gear == 4 ? 0 : 1;
  });
  CHECK(forked.wait() == 0);
  CHECK(car.load().gear == 4);
  car.store({1, 5});
}

TEST_CASE("a child's copy of a guard neither publishes nor unlocks", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name);
  {
    auto draft = car.lock();
    draft->gear = 7;
    support::child forked([&] {
      try {
        draft.publish();
        return 1;
      } catch (const shm::error& refusal) {
        if (refusal.code() != std::errc::operation_not_permitted) return 2;
      }
      { auto ended_here = std::move(draft); }
      if (car.load().gear != 0) return 3;
      return car.try_lock().has_value() ? 4 : 0;
    });
    CHECK(forked.wait() == 0);
    CHECK(car.load().gear == 0);
  }
  CHECK(car.load().gear == 7);
}

TEST_CASE("a child's copy of a held mutex is not the child's", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  mutex.lock();
  support::child forked([&] {
    mutex.unlock();  // the copy of a guard would do that
    return mutex.try_lock() ? 1 : 0;
  });
  CHECK(forked.wait() == 0);
  CHECK_FALSE(shm::mutex(name).try_lock());
  mutex.unlock();
  CHECK_FALSE(mutex.owner_died());
}

TEST_CASE("a child's copy of a held mutex does not unlock what another thread of the child holds",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  support::baton released;
  mutex.lock();
  support::child forked([&] {
    support::baton held, looked;
    released.await();
    std::thread holder([&] {
      mutex.lock();
      held.pass();
      looked.await();
      mutex.unlock();
    });
    held.await();
    mutex.unlock();  // the copy of a guard would do that
    const bool was_free = shm::mutex(name).try_lock();
    looked.pass();
    holder.join();
    return was_free ? 1 : 0;
  });
  mutex.unlock();
  released.pass();
  CHECK(forked.wait() == 0);
}

TEST_CASE("a child that ends with the handle leaves its parent's seat alone", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  auto inherited = std::make_unique<shm::mutex>(name);
  support::child forked([&] {
    inherited.reset();
    return 0;
  });
  CHECK(forked.wait() == 0);
  inherited->lock();
  CHECK_FALSE(mutex.try_lock());  // the holder still counts as alive
  inherited->unlock();
}

TEST_CASE("a child dies with the lock it took through an inherited handle, and its parent is told",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name);
  support::child forked([&]() -> int {
    mutex.lock();
    support::die();
  });
  CHECK(forked.wait() == -SIGKILL);
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("a child's copy of an array's guard can only read", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 4> numbers(name);
  {
    auto guard = numbers.lock();
    guard.store(0, 1);
    support::child forked([&] {
      if (guard[0] != 1) return 1;
      try {
        guard.store(0, 2);
        return 2;
      } catch (const shm::error&) {
      }
      { auto ended_here = std::move(guard); }
      return numbers.load(0) == 1 ? 0 : 3;
    });
    CHECK(forked.wait() == 0);
    CHECK_FALSE(guard.owner_died());
  }
  CHECK_FALSE(numbers.lock().owner_died());
}

TEST_CASE("threads of a child sit down together, and no update is lost", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> counter(name);
  support::child forked([&] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int n = 0; n < 100; ++n) counter.update([](int& c) { ++c; });
      });
    }
    for (auto& thread : threads) thread.join();
    return 0;
  });
  CHECK(forked.wait() == 0);
  CHECK(counter.load() == 400);
}

TEST_CASE(
    "a child whose segment was removed by hand does not sit down with the next object's users",
    "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton is_another;
  auto before = std::make_unique<shm::object<int>>(shm::create_only, name, 1);
  support::child forked([&] {
    is_another.await();
    try {
      before->store(5);
    } catch (const shm::error& refusal) {
      return refusal.code() == shm::errc::removed ? 0 : 1;
    }
    return 2;
  });
  REQUIRE(shm::detail::segment::find(name.key().segment_key()).value.remove().ok());
  before.reset();
  shm::object<int> another(shm::create_only, name, 2);
  is_another.pass();
  CHECK(forked.wait() == 0);
  CHECK(another.load() == 2);
  another.store(3);
}

TEST_CASE("an anonymous object is shared with children, and gone with its last handle",
          "[inherited]") {
  const support::watchdog watchdog;
  int segment_id = -1;
  {
    shm::object<telemetry> shared(shm::key::anonymous());
    const shm::key key(shared.name());
    segment_id = shm::detail::segment::find(key.segment_key()).value.id();
    support::child forked([&] {
      shared.store({1, 2});
      return 0;
    });
    CHECK(forked.wait() == 0);
    CHECK(shared.load().gear == 2);
  }
  shmid_ds data{};
  CHECK(::shmctl(segment_id, IPC_STAT, &data) == -1);
}
