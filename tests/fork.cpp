// Fork: a child has copies of the handles, and neither its parent's seat nor its locks.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <shm.hpp>
#include <thread>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/coverage.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
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

namespace {

/// A process that is stopped inside the door for as long as this lives.
class stopped_at_door {
 public:
  explicit stopped_at_door(const shm::key& key)
      : process_([this, key] {
          const auto set = shm::detail::semaphore_set::find(key.set_key());
          if (!set.value.enter_door(1, shm::detail::deadline::never()).ok()) return 1;
          inside_.pass();
          ::pause();
          return 0;
        }) {
    inside_.await();
  }

 private:
  support::baton inside_;
  support::child process_;
};

/// Whoever waits for the door does not come back before the watchdog bites.
shm::options patient() {
  shm::options how;
  how.open_timeout = std::chrono::hours(1);
  return how;
}

shm::options impatient() {
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(20);
  return how;
}

}  // namespace

TEST_CASE("a child that only tries does not wait for who is stopped inside the door",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name mutex_name, object_name, array_name;
  shm::mutex mutex(mutex_name, patient());
  shm::object<int> object(shm::create_only, object_name, 7, patient());
  shm::array<int, 3> array(shm::create_only, array_name, 7, patient());
  shm::any_object any(object_name.key(), patient());
  const stopped_at_door one(mutex_name), two(object_name), three(array_name);
  const bool is_held = GENERATE(false, true);  // by the parent
  if (is_held) mutex.lock();
  support::child forked([&] {
    using namespace std::chrono_literals;
    const support::watchdog own_watchdog(30);
    if (mutex.try_lock()) return 1;
    if (mutex.try_lock_for(0ms) || mutex.try_lock_for(5ms)) return 2;
    if (mutex.try_lock_until(std::chrono::system_clock::now() + 5ms)) return 3;
    if (object.try_lock().has_value()) return 4;
    if (object.try_lock_for(5ms).has_value()) return 5;
    if (any.try_lock_for(5ms).has_value()) return 6;
    const auto publish = [](gsl::span<std::byte>) { return true; };
    if (any.try_update_for(5ms, publish).has_value()) return 7;
    if (any.try_lock().has_value()) return 11;
    if (array.try_lock().has_value()) return 12;
    if (array.try_lock_for(5ms).has_value()) return 13;
    const auto change = [](int& n) { ++n; };
    if (object.store_for(5ms, 8) || object.update_for(5ms, change)) return 14;
    if (array.store_for(5ms, 1, 8) || array.update_for(5ms, 1, change)) return 15;
    if (object.load() != 7) return 8;
    for (std::size_t i = 0; i < array.size(); ++i) {
      if (array.load(i) != 7) return 9;
    }
    const shm::array<const int, 3> viewer(array_name);
    return viewer.load(1) == 7 && viewer.snapshot()[2] == 7 ? 0 : 10;
  });
  CHECK(forked.wait() == 0);
  if (is_held) mutex.unlock();
}

TEST_CASE("a child that waits for who is stopped inside the door is told when the time is over",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name mutex_name, object_name, array_name;
  shm::mutex mutex(mutex_name, impatient());
  shm::object<int> object(shm::create_only, object_name, 7, impatient());
  shm::array<int, 3> array(shm::create_only, array_name, 7, impatient());
  const stopped_at_door one(mutex_name), two(object_name), three(array_name);
  support::child forked([&] {
    const support::watchdog own_watchdog(30);
    const auto is_late = [](auto use) { return support::code_of(use) == shm::errc::timed_out; };
    if (!is_late([&] { mutex.lock(); })) return 1;
    if (!is_late([&] { object.store(8); })) return 2;
    if (!is_late([&] { object.update([](int& i) { ++i; }); })) return 3;
    if (!is_late([&] { array.store(1, 8); })) return 4;
    if (!is_late([&] { array.update(1, [](int& i) { ++i; }); })) return 5;
    if (!is_late([&] { static_cast<void>(array.lock()); })) return 6;
    if (!is_late([&] { static_cast<void>(array.snapshot()); })) return 8;  // it takes the lock
    return object.load() == 7 && array.load(1) == 7 ? 0 : 7;
  });
  CHECK(forked.wait() == 0);
  object.store(9);  // the parent has its seat, and needs no door
  array.store(1, 9);
  mutex.lock();
  mutex.unlock();
}

TEST_CASE("a child that tried in vain sits down when the door is free", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex mutex(name, patient());
  auto stopped = std::make_unique<stopped_at_door>(name);
  support::baton tried, is_free;
  support::child forked([&] {
    const support::watchdog own_watchdog(30);
    if (mutex.try_lock()) return 1;
    tried.pass();
    is_free.await();
    if (!mutex.try_lock()) return 2;
    mutex.unlock();
    return 0;
  });
  tried.await();
  stopped.reset();
  is_free.pass();
  CHECK(forked.wait() == 0);
}

namespace {

/// Forks inside an update that both processes leave, the child after its parent has published.
template <class Update>
int forked_inside(Update update) {
  support::child parent([&] {
    const support::watchdog own_watchdog(30);
    support::baton published;
    pid_t forked = -1;
    update([&](long& number) {
      forked = ::fork();
      number = 4;
      if (forked != 0) return;
      published.await();
      number = 7;
    });
    if (forked == 0) {
      support::write_coverage();
      ::_exit(0);
    }
    published.pass();
    int status = -1;
    return ::waitpid(forked, &status, 0) == forked && status == 0 ? 0 : 1;
  });
  return parent.wait();
}

}  // namespace

TEST_CASE("a child that is forked inside an update, and leaves it, publishes nothing",
          "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  SECTION("of an object") {
    shm::object<long> one(name);
    CHECK(forked_inside([&](auto f) { one.update(f); }) == 0);
    CHECK(one.load() == 4);
    one.store(1);  // the lock is free
  }
  SECTION("of an array") {
    shm::array<long, 2> two(name);
    CHECK(forked_inside([&](auto f) { two.update(1, f); }) == 0);
    CHECK(two.load(1) == 4);
    two.store(1, 1);
  }
  SECTION("of a map") {
    shm::map<int, long, 2> map(name);
    map.insert(1, 3);
    CHECK(forked_inside([&](auto f) { map.update(1, f); }) == 0);
    CHECK(map.find(1) == 4);
    CHECK(map.version() == 2);
    map.erase(1);
  }
}
