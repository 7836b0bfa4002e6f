// Object: one value shared by processes: whole, crash-atomic, and told about when it is gone.
// SPDX-License-Identifier: MIT
#include <array>
#include <memory>
#include <shm.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::refusal_of;
using support::telemetry;

template class shm::object<telemetry>;
template class shm::object<const telemetry>;
template class shm::object<int>;
template class shm::object<support::uniform<1000>>;
template class shm::locked<telemetry>;

namespace {

/// A T that cannot be default-constructed or assigned.
struct fixed {
  explicit fixed(int n) : number(n) {}
  const int number;
};

}  // namespace

TEST_CASE("an object is created with a value, opened, stored, updated and loaded") {
  const support::name name;
  shm::object<telemetry> car(name);
  CHECK(car.load().gear == 0);
  CHECK(car.version() == 0);
  CHECK(car.name() == name.text());
  car.store({88.5, 4});
  CHECK(shm::object<telemetry>(shm::open_only, name).load().speed == 88.5);
  CHECK(car.update([](telemetry& t) { return t.gear += 1; }) == 5);
  const shm::object<const telemetry> viewer(shm::open_only, name);
  CHECK(viewer.load().gear == 5);
  CHECK(viewer.version() == 2);
  CHECK(viewer.name() == name.text());
  CHECK(car.version() == 2);
  const auto guard = car.lock();
  CHECK(guard->gear == 5);
  CHECK((*guard).gear == 5);
}

TEST_CASE("open modes create, open, or refuse") {
  const support::name name;
  const auto absent = refusal_of([&] { shm::object<int>(shm::open_only, name); });
  CHECK(absent.code() == shm::errc::not_found);
  CHECK_THAT(absent.what(), ContainsSubstring("start the program that creates it"));
  CHECK(refusal_of([&] { shm::object<const int> reader(name); }).code() == shm::errc::not_found);
  shm::object<int> made(shm::create_only, name, 7);
  CHECK(made.load() == 7);
  const auto refusal = refusal_of([&] { shm::object<int>(shm::create_only, name, 8); });
  CHECK(refusal.code() == shm::errc::already_exists);
  CHECK_THAT(refusal.what(), ContainsSubstring(name.text()) && ContainsSubstring("key 0x"));
  CHECK(shm::object<int>(shm::open_or_create, name, 9).load() == 7);
  const support::name other;
  CHECK(shm::object<int>(shm::open_or_create, other, 9).load() == 9);
  const support::name third;
  CHECK(shm::object<int>(shm::create_only, third, shm::options{}).load() == 0);
}

TEST_CASE("a value outlives its handles, and a restart just opens it") {
  const support::name name;
  shm::object<int>(name).store(5);
  CHECK(shm::object<int>(name).load() == 5);
}

TEST_CASE("types without default constructor or assignment are shared, too") {
  const support::name name;
  shm::object<fixed> one(shm::open_or_create, name, fixed(3));
  CHECK(one.load().number == 3);
  one.store(fixed(4));
  CHECK(one.load().number == 4);
}

TEST_CASE("a guard publishes when its scope ends, and not before") {
  const support::name name;
  shm::object<telemetry> car(name);
  {
    auto draft = car.lock();
    draft->gear = 3;
    CHECK(car.load().gear == 0);
    (*draft).speed = 1;
  }
  CHECK(car.load().gear == 3);
  CHECK(car.version() == 1);
}

TEST_CASE("publish() publishes at once, and again at the end only what was edited since") {
  const support::name name;
  shm::object<telemetry> car(name);
  {
    auto draft = car.lock();
    draft->gear = 1;
    draft.publish();
    CHECK(car.load().gear == 1);
    CHECK_FALSE(car.try_lock().has_value());
  }
  CHECK(car.version() == 1);
  {
    auto draft = car.lock();
    draft->gear = 2;
    draft.publish();
    draft->gear = 3;
  }
  CHECK(car.load().gear == 3);
  CHECK(car.version() == 3);
}

TEST_CASE("a draft is dropped by discard() and by an exception") {
  const support::name name;
  shm::object<telemetry> car(name);
  {
    auto draft = car.lock();
    draft->gear = 9;
    draft.discard();
  }
  CHECK_THROWS_AS(car.update([](telemetry& t) {
    t.gear = 9;
    throw std::runtime_error("changed my mind");
  }),
                  std::runtime_error);
  const auto change_and_throw = [&car] {
    auto draft = car.lock();
    draft->gear = 9;
    throw std::runtime_error("changed my mind");
  };
  CHECK_THROWS_AS(change_and_throw(), std::runtime_error);
  CHECK(car.load().gear == 0);
  CHECK(car.version() == 0);
  car.store({1, 1});  // and the lock is free
}

TEST_CASE("a handle moves while its update runs") {
  const support::name first_name, second_name;
  shm::object<int> first(shm::create_only, first_name, 1), second(shm::create_only, second_name, 2);
  first.update([&](int& value) {
    value = 100;
    std::swap(first, second);
  });
  CHECK(second.load() == 100);
  CHECK(first.load() == 2);
  std::vector<shm::object<int>> several;
  several.emplace_back(first_name);
  several[0].update([&](int& value) {
    value = 101;
    several.emplace_back(second_name);
  });
  CHECK(several[0].load() == 101);
  CHECK(several[1].load() == 2);
}

TEST_CASE("an update returns in place what cannot be moved") {
  struct fixed {
    explicit fixed(int n) : number(n) {}
    fixed(const fixed&) = delete;
    fixed& operator=(const fixed&) = delete;
    int number;
  };
  const support::name name, array_name;
  shm::object<int> object(shm::create_only, name, 1);
  shm::array<int, 2> array(shm::create_only, array_name, 1);
  const auto raise = [](int& value) { return fixed(++value); };
  const fixed seen = object.update(raise);
  const fixed seen_element = array.update(1, raise);
  CHECK(seen.number == 2);
  CHECK(seen_element.number == 2);
  CHECK(object.load() == 2);
  CHECK(array.load(1) == 2);
}

TEST_CASE("a large draft lies in the handle, and a handle moves while it is open") {
  const support::name name;
  using large = support::uniform<100000>;
  shm::object<large> first(shm::create_only, name, large::of(1));
  shm::object<large> second = std::move(first);
  second.update([](large& value) { value.words.fill(2); });
  const auto seen = std::make_unique<large>(second.load());
  CHECK(seen->is_whole());
  CHECK(seen->value() == 2);
}

TEST_CASE("using a handle that was moved from ends the program, as a broken precondition does") {
  const support::name name;
  shm::object<telemetry> car(name);
  support::child careless([&] {
    shm::object<telemetry> taken = std::move(car);
    static_cast<void>(car.load());
    return 0;
  });
  CHECK(careless.wait() == -SIGABRT);
}

TEST_CASE("try_lock and try_lock_for say not now while somebody alive holds the lock") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name), same(name);
  auto held = car.try_lock();
  REQUIRE(held.has_value());
  CHECK_FALSE(same.try_lock().has_value());
  CHECK_FALSE(same.try_lock_for(std::chrono::milliseconds(5)).has_value());
  held.reset();
  CHECK(same.try_lock_for(std::chrono::milliseconds(5)).has_value());
}

TEST_CASE("locking twice through one handle in one thread is refused, not a hang") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name);
  const auto held = car.lock();
  const auto refusal = refusal_of([&] { car.store({}); });
  CHECK(refusal.code() == shm::errc::would_deadlock);
  CHECK_THAT(refusal.what(), ContainsSubstring("release it first"));
  CHECK(refusal_of([&] { static_cast<void>(car.try_lock_for(std::chrono::hours(1))); }).code() ==
        shm::errc::would_deadlock);
}

TEST_CASE("a forked reader and writer see each other's values") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton written;
  shm::object<telemetry> car(name);
  support::child writer([&] {
    shm::object<telemetry>(name).update([](telemetry& t) { t.gear = 6; });
    written.pass();
    return 0;
  });
  written.await();
  CHECK(car.load().gear == 6);
  CHECK(writer.wait() == 0);
}

TEST_CASE("no update of eight processes is lost, and every value is whole", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  constexpr int processes = 8, updates = 3000;
  using value = support::uniform<32>;
  shm::object<value> counter(shm::create_only, name, value::of(0));
  std::vector<support::child> writers;
  for (int i = 0; i < processes; ++i) {
    writers.emplace_back([&] {
      shm::object<value> mine(shm::open_only, name);
      for (int n = 0; n < updates; ++n) {
        mine.update([](value& v) { v = value::of(v.value() + 1); });
        if (!mine.load().is_whole()) return 1;
      }
      return 0;
    });
  }
  for (auto& writer : writers) CHECK(writer.wait() == 0);
  CHECK(counter.load().value() == processes * updates);
  CHECK(counter.version() == processes * updates);
}

TEST_CASE("readers beside a writer at full speed see whole values that never go back", "[race]") {
  const support::watchdog watchdog(120);
  using value = support::uniform<1024>;
  const support::name name;
  shm::object<value> object(shm::create_only, name, value::of(0));
  support::child writer([&] {
    shm::object<value> mine(name);
    for (std::uint64_t n = 1;; ++n) mine.store(value::of(n));
    return 0;
  });
  shm::object<const value> reader(name);
  std::uint64_t last = 0;
  for (int reads = 0; reads < 20000; ++reads) {
    const value seen = reads % 2 == 0 ? reader.load() : object.load();
    REQUIRE(seen.is_whole());
    REQUIRE(seen.value() >= last);
    last = seen.value();
  }
  writer.kill();
  CHECK(object.load().is_whole());
}

TEST_CASE("threads of one process share one handle") {
  const support::watchdog watchdog;
  const support::name name;
  using value = support::uniform<100>;
  shm::object<value> object(shm::create_only, name, value::of(0));
  std::vector<std::thread> threads;
  std::atomic<int> torn{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        object.update([](value& v) { v = value::of(v.value() + 1); });
        torn += object.load().is_whole() ? 0 : 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(torn == 0);
  CHECK(object.load().value() == 2000);
}

TEST_CASE("a writer killed in the middle of an update leaves the value before") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(shm::create_only, name, {10, 1});
  support::child victim([&]() -> int {
    shm::object<telemetry>(name).update([](telemetry& t) {
      t.gear = 99;
      support::die();
    });
    return 0;
  });
  CHECK(victim.wait() == -SIGKILL);
  CHECK(car.load().gear == 1);
  car.update([](telemetry& t) { t.gear += 1; });  // the lock was taken over
  CHECK(car.load().gear == 2);
}

TEST_CASE("an object removed under its handles says so at the next use") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name);
  shm::object<const telemetry> viewer(name);
  shm::remove(name, shm::force);
  CHECK(refusal_of([&] { static_cast<void>(car.load()); }).code() == shm::errc::removed);
  CHECK(refusal_of([&] { static_cast<void>(viewer.load()); }).code() == shm::errc::removed);
  const auto refusal = refusal_of([&] { car.store({}); });
  CHECK(refusal.code() == shm::errc::removed);
  CHECK_THAT(refusal.what(), ContainsSubstring("open it again"));
  CHECK(refusal_of([&] { static_cast<void>(car.try_lock()); }).code() == shm::errc::removed);
  shm::object<telemetry> anew(name);
  CHECK(anew.load().gear == 0);
}

TEST_CASE("a guard that was moved to another thread publishes and releases there") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> car(name), other(name);
  auto guard = car.lock();
  guard->gear = 3;
  std::thread([moved = std::move(guard)] {}).join();
  CHECK(other.load().gear == 3);
  CHECK(other.try_lock().has_value());
}

TEST_CASE("an object larger than the stack is made and opened") {
  using large = std::array<unsigned char, 32 * 1024 * 1024>;
  const support::name name, array_name;
  shm::object<large> frame(shm::create_only, name);
  shm::object<large> again(name);
  frame.update([](large& value) { value.back() = 7; });
  const std::unique_ptr<const large> seen(new large(again.load()));
  CHECK(seen->back() == 7);
  CHECK(seen->front() == 0);
  shm::array<large, 2> frames(array_name);
  CHECK(frames.name() == array_name.text());
}

namespace {

/// Its operator & tells the address of another one.
struct misleading {
  BOOST_HANA_DEFINE_STRUCT(misleading, (long, number));
  const misleading* operator&() const {
    static const misleading other{-1};
    return std::addressof(other);
  }
};

/// Its operator & tells nothing.
struct hidden {
  BOOST_HANA_DEFINE_STRUCT(hidden, (int, number));
  void operator&() const = delete;
};
struct with_hidden_member {
  BOOST_HANA_DEFINE_STRUCT(with_hidden_member, (long, before), (hidden, inner));
};

}  // namespace

TEST_CASE("a type with an operator & of its own is shared as any other") {
  const support::watchdog watchdog;
  const support::name name, array_name, member_name;
  shm::object<misleading> object(shm::create_only, name, misleading{4});
  CHECK(object.load().number == 4);
  object.store(misleading{5});
  CHECK(object.load().number == 5);
  object.update([](misleading& draft) { draft.number = 6; });
  { object.lock()->number += 1; }
  CHECK(shm::object<const misleading>(name).load().number == 7);
  shm::array<misleading, 2> array(array_name);
  array.store(1, misleading{8});
  CHECK(array.load(1).number == 8);
  array.update(1, [](misleading& draft) { draft.number = 9; });
  CHECK(array.snapshot()[1].number == 9);
  array.lock().store(0, misleading{10});
  CHECK(array.lock()[0].number == 10);

  shm::object<with_hidden_member> whole(member_name);
  whole.store({1, {2}});
  CHECK(whole.load().inner.number == 2);
  CHECK(shm::schema_of<with_hidden_member>().format() == "T{<q:before:T{<i:number:}:inner:4x}");
}
