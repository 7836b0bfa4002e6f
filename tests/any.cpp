// Any: objects and arrays read and changed by who does not know their type.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <shm.hpp>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/schema_types.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using support::telemetry;

namespace {

template <class T>
T as(const std::vector<std::byte>& bytes, std::size_t at = 0) {
  T value;
  REQUIRE(at + sizeof value <= bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void put(gsl::span<std::byte> bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::optional<shm::object_info> listed(const shm::key& key) {
  for (const shm::object_info& one : shm::list()) {
    if (one.key == key.segment_key()) return one;
  }
  return std::nullopt;
}

struct everything {
  std::vector<std::byte> segment;
  std::vector<unsigned short> semaphores;
  std::vector<int> processes;
  std::time_t last_operation;

  static everything of(const shm::key& key) {
    using namespace shm::detail;
    everything seen;
    const auto where = segment::find(key.segment_key());
    const auto memory = attachment::of(where.value, attach_mode::read_only);
    REQUIRE(memory.ok());
    seen.segment.assign(memory.value.address(),
                        memory.value.address() + where.value.stat().value.size);
    const auto set = semaphore_set::find(key.set_key()).value;
    const unsigned semaphores = set.stat().value.semaphores;
    const set_values values = std::move(set.values().value);
    for (unsigned s = 0; s < semaphores; ++s) seen.semaphores.push_back(values[s]);
    for (unsigned s = 0; s < semaphores; ++s) {
      seen.processes.push_back(set.last_process(static_cast<unsigned short>(s)).value);
    }
    semid_ds data{};
    REQUIRE(::semctl(set.id(), 0, IPC_STAT, &data) == 0);
    seen.last_operation = data.sem_otime;
    return seen;
  }
  friend bool operator==(const everything& a, const everything& b) {
    return a.segment == b.segment && a.semaphores == b.semaphores && a.processes == b.processes &&
           a.last_operation == b.last_operation;
  }
};

}  // namespace

TEST_CASE("an object tells its kind, its fields and its value to who does not know its type") {
  const support::name name;
  shm::object<telemetry> typed(shm::create_only, name, {3.5, 7});
  const shm::const_any_object any(name);
  CHECK(any.kind() == shm::object_kind::object);
  CHECK(any.name() == name.text());
  CHECK(any.type() == shm::schema_of<telemetry>());
  CHECK(any.size() == 1);
  CHECK(any.element_size() == sizeof(telemetry));
  CHECK(any.version() == 0);
  CHECK(as<double>(any.load(), shm::find_field(any.value(), "speed")->offset) == 3.5);
  typed.store({4.5, 8});
  CHECK(any.version() == 1);
  CHECK(as<std::int32_t>(any.snapshot(), shm::find_field(any.value(), "gear")->offset) == 8);
  CHECK_THROWS_AS(any.load(1), std::out_of_range);
}

TEST_CASE("an array tells its elements to who does not know their type") {
  const support::name name;
  shm::array<telemetry, 5> typed(shm::create_only, name, {1.5, 2});
  const shm::const_any_object any(name);
  CHECK(any.kind() == shm::object_kind::array);
  CHECK(any.size() == 5);
  CHECK(any.element_size() == sizeof(telemetry));
  typed.store(3, {9.5, 4});
  CHECK(any.version() == 1);
  CHECK(as<double>(any.load(3)) == 9.5);
  CHECK(as<double>(any.load(4)) == 1.5);
  CHECK(as<double>(any.snapshot(), 3 * sizeof(telemetry)) == 9.5);
  CHECK_THROWS_AS(any.load(5), std::out_of_range);
}

TEST_CASE("an object that holds an array is one value") {
  const support::name name;
  const shm::object<std::array<std::int32_t, 3>> typed(shm::create_only, name, {1, 2, 3});
  const shm::const_any_object any(name);
  CHECK(any.size() == 1);
  CHECK(any.value().type_in_words() == "int32[3]");
  CHECK(as<std::int32_t>(any.load(), shm::find_field(any.value(), "[2]")->offset) == 3);
}

TEST_CASE("a mutex has no value") {
  const support::name name;
  const shm::mutex typed(name);
  const shm::const_any_object any(name);
  CHECK(any.kind() == shm::object_kind::mutex);
  CHECK(any.size() == 0);
  CHECK(any.version() == 0);
  CHECK_THROWS_AS(any.load(), std::out_of_range);
}

TEST_CASE("a field is changed under the lock, and typed handles see it") {
  const support::name name;
  shm::object<telemetry> typed(shm::create_only, name, {3.5, 7});
  shm::any_object any{name.key()};
  const auto gear = *shm::find_field(any.read().value(), "gear");
  CHECK(any.update([&](gsl::span<std::byte> draft) {
    put<std::int32_t>(draft, gear.offset, -1);
    return true;
  }));
  CHECK(typed.load().gear == -1);
  CHECK(typed.load().speed == 3.5);
  CHECK(typed.version() == 1);
  CHECK_FALSE(any.update([&](gsl::span<std::byte> draft) {
    put<std::int32_t>(draft, gear.offset, 5);
    return false;
  }));
  CHECK_THROWS_AS(any.update([](gsl::span<std::byte>) -> bool { throw 1; }), int);
  CHECK(typed.version() == 1);
  CHECK(typed.load().gear == -1);
  any.store(std::vector<std::byte>(sizeof(telemetry)));
  CHECK(typed.load().gear == 0);
  CHECK_THROWS_AS(any.store(std::vector<std::byte>(3)), std::invalid_argument);
}

TEST_CASE("a value whose semaphores were removed by hand is kept by who does not know its type") {
  const support::name name;
  { shm::object<telemetry> typed(shm::create_only, name, {3.5, 7}); }
  REQUIRE(shm::detail::semaphore_set::find(name.key().set_key()).value.remove().ok());
  shm::any_object any{name.key()};
  CHECK(any.update([](gsl::span<std::byte>) { return true; }));
  CHECK(shm::object<telemetry>(name).load().gear == 7);
}

TEST_CASE("an object whose semaphores were removed under its users is left to them") {
  const support::name name;
  const shm::object<telemetry> typed(shm::create_only, name, {3.5, 7});
  REQUIRE(shm::detail::semaphore_set::find(name.key().set_key()).value.remove().ok());
  const auto refusal = support::refusal_of([&] { shm::any_object any(name.key()); });
  CHECK(refusal.code() == shm::errc::in_use);
  CHECK_THAT(refusal.what(), ContainsSubstring("semaphores were removed"));
  CHECK(typed.load().gear == 7);
  CHECK_FALSE(shm::detail::semaphore_set::find(name.key().set_key()).ok());
}

TEST_CASE(
    "a value that only dead processes had is opened as it is, and goes with its last handle") {
  const support::name name;
  shm::options brief;
  brief.lifetime = shm::lifetime::until_last_detach;
  support::dies([&] {
    shm::object<telemetry> theirs(shm::create_only, name, {3.5, 7}, brief);
    support::die();
  });
  {
    shm::any_object any(name.key());
    CHECK(shm::object<const telemetry>(name).load().gear == 7);
    CHECK(any.update([](gsl::span<std::byte>) { return true; }));
  }
  CHECK_FALSE(listed(name).has_value());
}

TEST_CASE("an element is changed under the lock, small and large ones, and the others stay") {
  const support::name small_name;
  const support::name large_name;
  shm::array<std::int16_t, 300> small(shm::create_only, small_name, 1);
  using large_type = support::uniform<512>;
  shm::array<large_type, 3> large(shm::create_only, large_name, large_type::of(1));
  shm::any_object any_small{small_name.key()};
  shm::any_object any_large{large_name.key()};
  const std::int16_t number = 42;
  any_small.store(gsl::as_bytes(gsl::span<const std::int16_t>(&number, 1)), 299);
  CHECK(small.load(299) == 42);
  CHECK(small.load(43) == 1);  // of the same stripe
  any_large.update(
      [](gsl::span<std::byte> draft) {
        const auto next = large_type::of(2);
        std::memcpy(draft.data(), &next, sizeof next);
        return true;
      },
      1);
  CHECK(large.load(1).value() == 2);
  CHECK(large.load(1).is_whole());
  CHECK(large.load(2).value() == 1);
  CHECK(any_large.read().version() == 1);
}

TEST_CASE("typed and untyped writers exclude each other") {
  const support::watchdog watchdog;
  const support::name name;
  const support::name table;
  constexpr int times = 3000;
  shm::object<telemetry> typed(shm::create_only, name, {0, 0});
  shm::array<std::uint64_t, 4> typed_array(shm::create_only, table, 0);
  support::child other([&] {
    shm::any_object any{name.key()};
    shm::any_object any_array{table.key()};
    for (int i = 0; i < times; ++i) {
      any.update([](gsl::span<std::byte> draft) {
        telemetry now;
        std::memcpy(&now, draft.data(), sizeof now);
        now.gear += 1;
        now.speed += 1;
        std::memcpy(draft.data(), &now, sizeof now);
        return true;
      });
      any_array.update(
          [](gsl::span<std::byte> draft) {
            std::uint64_t now = 0;
            std::memcpy(&now, draft.data(), sizeof now);
            ++now;
            std::memcpy(draft.data(), &now, sizeof now);
            return true;
          },
          2);
    }
    return 0;
  });
  const shm::const_any_object reader(name);
  bool whole = true;
  for (int i = 0; i < times; ++i) {
    typed.update([](telemetry& t) { t = {t.speed + 1, t.gear + 1}; });
    typed_array.update(2, [](std::uint64_t& n) { ++n; });
    const auto now = as<telemetry>(reader.load());
    whole = whole && static_cast<int>(now.speed) == now.gear;
  }
  CHECK(other.wait() == 0);
  CHECK(whole);
  CHECK(typed.load().gear == 2 * times);
  CHECK(typed_array.load(2) == 2 * times);
}

TEST_CASE("the lock of any object can be held") {
  const support::name name;
  shm::object<int> typed(shm::create_only, name, 1);
  shm::any_object any{name.key()};
  {
    const auto lock = any.try_lock_for(std::chrono::seconds(1));
    REQUIRE(lock.has_value());
    CHECK_FALSE(typed.try_lock().has_value());
    CHECK(listed(name)->lock == shm::lock_state::held);
    CHECK(listed(name)->lock_process == ::getpid());
  }
  CHECK(typed.try_lock().has_value());
}

TEST_CASE(
    "a holder that died in a mutex is noted, and repaired, by who does not know what it guards") {
  const support::name name;
  shm::mutex mutex(name);
  support::dies([&] {
    shm::mutex theirs(shm::open_only, name);
    theirs.lock();
    support::die();
  });
  shm::any_object any{name.key()};
  CHECK(any.try_lock_for(std::chrono::seconds(1)).has_value());
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
  any.mark_repaired();
  CHECK_FALSE(mutex.owner_died());
}

TEST_CASE("what a dead editor left is looked at and repaired by who does not know its type") {
  const support::name name;
  shm::array<int, 3> typed(shm::create_only, name, 1);
  support::dies([&] {
    shm::array<int, 3> theirs(shm::open_only, name);
    auto guard = theirs.lock();
    guard.raw()[1] = 2;
    support::die();
  });
  shm::any_object any{name.key()};
  CHECK(support::code_of([&] { static_cast<void>(any.read().load(1)); }) == shm::errc::damaged);
  CHECK(as<int>(any.read().load_damaged(1)) == 2);
  CHECK_THROWS_AS(any.read().load_damaged(3), std::out_of_range);
  const int whole = 5;
  any.store(gsl::as_bytes(gsl::span<const int>(&whole, 1)), 1);
  CHECK(typed.lock().owner_died());
  any.mark_repaired();
  CHECK_FALSE(typed.lock().owner_died());
  CHECK(typed.load(1) == 5);
}

TEST_CASE("an update of any object is given up when somebody holds the lock for too long") {
  const support::name name;
  shm::object<int> typed(shm::create_only, name, 1);
  shm::any_object any{name.key()};
  const auto set_to_zero = [](gsl::span<std::byte> draft) {
    std::fill(draft.begin(), draft.end(), std::byte{0});
    return true;
  };
  {
    const auto held = typed.lock();
    CHECK_FALSE(any.try_update_for(std::chrono::milliseconds(1), set_to_zero).has_value());
  }
  CHECK(typed.load() == 1);
  CHECK(any.try_update_for(std::chrono::milliseconds(1), set_to_zero) == std::optional<bool>(true));
  CHECK(typed.load() == 0);
}

TEST_CASE("looking alters no byte, no semaphore and no time") {
  const support::name object;
  const support::name array;
  const support::name mutex;
  { shm::object<every_kind> made(shm::create_only, object); }
  { shm::array<telemetry, 3> made(shm::create_only, array); }
  { shm::mutex made(shm::create_only, mutex); }
  for (const support::name* name : {&object, &array, &mutex}) {
    const shm::key key = *name;
    support::set_mode(key, 0444);
    const everything before = everything::of(key);
    // In another process, whose id would show.
    support::child looker([&] {
      const shm::const_any_object any(key, [] {
        shm::options how;
        how.access = shm::access::everyone;
        return how;
      }());
      if (any.size() != 0) static_cast<void>(any.snapshot());
      return any.name() == name->text() && listed(key).has_value() ? 0 : 1;
    });
    CHECK(looker.wait() == 0);
    CHECK(everything::of(key) == before);
    // An ordinary user could not remove it as it is.
    support::set_mode(key, 0600);
  }
}

TEST_CASE("an object is listed with its name, its type, its users and its lock", "[inherited]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<telemetry> typed(shm::create_only, name);
  support::baton locked;
  support::child holder([&] {
    shm::object<telemetry> theirs(shm::open_only, name);
    const auto guard = theirs.lock();
    locked.pass();
    ::pause();
    return 0;
  });
  locked.await();
  auto info = listed(name);
  REQUIRE(info.has_value());
  CHECK(info->name == name.text());
  CHECK(info->kind == shm::object_kind::object);
  CHECK(info->state == shm::object_state::ready);
  CHECK(info->format == shm::schema_of<telemetry>().format());
  CHECK(info->size == sizeof(telemetry));
  CHECK(info->mode == 0600);
  CHECK(info->owner == ::geteuid());
  CHECK(info->attached == 3);  // ours, which the child has inherited, and its own
  REQUIRE(info->seats.size() == 2);
  CHECK(info->seats[0].process == ::getpid());
  CHECK(info->seats[1].process == holder.pid());
  CHECK(info->lock == shm::lock_state::held);
  CHECK(info->lock_process == holder.pid());
  CHECK(info->lock_thread == static_cast<unsigned>(holder.pid()));
  CHECK(info->problem.empty());
  holder.kill();
  info = listed(name);
  CHECK(info->lock == shm::lock_state::owner_died);
  CHECK(info->seats.size() == 1);
  CHECK(typed.try_lock().has_value());
  CHECK(listed(name)->lock == shm::lock_state::free);
}

TEST_CASE("foreign and half-made segments are told from ours") {
  using namespace shm::detail;
  const support::name foreign;
  const support::name half_made;
  const auto made = segment::create(foreign.key().segment_key(), 100, 0600, false);
  REQUIRE(made.ok());
  CHECK_FALSE(listed(foreign).has_value());
  CHECK_THROWS_MATCHES(shm::const_any_object(foreign.key()), shm::error,
                       Catch::Matchers::Predicate<shm::error>([](const shm::error& e) {
                         return e.code() == shm::errc::foreign_segment;
                       }));
  REQUIRE(made.value.remove().ok());
  { shm::object<int> one(half_made); }
  const auto memory =
      attachment::of(segment::find(half_made.key().segment_key()).value, attach_mode::read_write);
  support::set_state(header_at(memory.value), shm::detail::life_state::under_construction);
  CHECK(listed(half_made)->state == shm::object_state::half_made);
  CHECK_THROWS_MATCHES(shm::const_any_object(half_made.key()), shm::error,
                       Catch::Matchers::Predicate<shm::error>(
                           [](const shm::error& e) { return e.code() == shm::errc::not_found; }));
}

TEST_CASE("an edit in place is waited for, and a dead editor's is damage") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 3> typed(shm::create_only, name, 1);
  support::baton editing;
  support::child editor([&] {
    shm::array<int, 3> theirs(shm::open_only, name);
    auto guard = theirs.lock();
    guard.raw()[0] = 2;
    editing.pass();
    ::pause();
    return 0;
  });
  editing.await();
  shm::options impatient;
  impatient.open_timeout = std::chrono::milliseconds(20);
  CHECK_THROWS_MATCHES(shm::const_any_object(name.key(), impatient).load(0), shm::error,
                       Catch::Matchers::Predicate<shm::error>(
                           [](const shm::error& e) { return e.code() == shm::errc::timed_out; }));
  editor.kill();
  CHECK_THROWS_MATCHES(shm::const_any_object(name.key()).load(0), shm::error,
                       Catch::Matchers::Predicate<shm::error>(
                           [](const shm::error& e) { return e.code() == shm::errc::damaged; }));
}

TEST_CASE("the last to leave an object that lives until then is also one who does not know it") {
  const support::name name;
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  auto typed = std::make_unique<shm::object<int>>(shm::create_only, name, 1, how);
  {
    const shm::any_object any{name.key()};
    typed.reset();
    CHECK(listed(name).has_value());
  }
  CHECK_FALSE(listed(name).has_value());
}
