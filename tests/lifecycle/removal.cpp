// Removal: nothing of anybody who is attached, nothing of others, and nothing left behind.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;
using support::exists;
using support::memory_of;

namespace {

std::string in_use_message(const shm::key& key) {
  const shm::error refusal = support::refusal_of([&] { shm::remove(key); });
  return refusal.code() == shm::errc::in_use ? refusal.what() : "another code";
}

}  // namespace

TEST_CASE("removing takes segment and semaphores, and does nothing where nothing is") {
  const support::name name;
  shm::remove(name);
  { shm::object<int> one(name); }
  CHECK(exists(name));
  shm::remove(name);
  CHECK_FALSE(exists(name));
  shm::remove(name.text().c_str());
  shm::remove(name, shm::force);
}

TEST_CASE("what is in use is not removed, and the message says by whom") {
  const support::watchdog watchdog;
  const support::name name;
  {
    shm::object<int> one(name);
    CHECK_THAT(in_use_message(name), ContainsSubstring("pid " + std::to_string(::getpid())));
    one.store(1);  // as before
    CHECK(shm::object<int>(name).load() == 1);
  }
  shm::remove(name);
}

TEST_CASE("an object of another memory layout is removed like any other") {
  const support::watchdog watchdog;
  const support::name name;
  {
    shm::mutex held(name);
    held.lock();
    memory_of(name).head().fixed.layout += 1;
    CHECK(code_of([&] { shm::remove(name); }) == shm::errc::in_use);
    held.unlock();
    held.lock();  // as before
    shm::remove(name, shm::force);
    held.unlock();
    CHECK(code_of([&] { held.lock(); }) == shm::errc::removed);
  }
  CHECK_FALSE(exists(name));
  { shm::object<int> one(name); }
  memory_of(name).head().fixed.layout += 1;
  shm::remove(name);
  CHECK_FALSE(exists(name));
}

TEST_CASE("a read-only handle and a forked child count as attached") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton ready, checked;
  auto one = std::make_unique<shm::object<int>>(name);
  support::child child([&] {
    ready.pass();
    checked.await();
    return 0;
  });
  ready.await();
  one.reset();
  CHECK_THAT(in_use_message(name), ContainsSubstring("in use"));
  checked.pass();
  CHECK(child.wait() == 0);
  {
    shm::object<const int> viewer(name);
    CHECK_THAT(in_use_message(name), ContainsSubstring("nobody with a read-write handle"));
  }
  shm::remove(name);
}

TEST_CASE("what a dead remover left is finished or undone by the next") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> one(shm::create_only, name, 5);
  auto memory =
      attachment::of(segment::find(name.key().segment_key()).value, attach_mode::read_write);
  header& head = header_at(memory.value);
  SECTION("removing: live handles go on, an opener puts ready back") {
    support::set_state(head, life_state::removing);
    one.store(6);
    CHECK(shm::object<const int>(name).load() == 6);
    CHECK(shm::object<int>(name).load() == 6);
    CHECK(life_of(head).state() == life_state::ready);
  }
  SECTION("removed: a reader finds nothing, an opener makes it anew") {
    support::set_state(head, life_state::removed);
    CHECK_THROWS_AS(shm::object<const int>(name), shm::error);
    CHECK(shm::object<int>(name).load() == 0);
  }
  SECTION("removed: a remover finishes it") {
    support::set_state(head, life_state::removed);
    shm::remove(name);
    CHECK_FALSE(exists(name));
  }
}

TEST_CASE("an object in use is not removed, whatever somebody has scribbled over its state") {
  const support::watchdog watchdog;
  const support::name name;
  auto one = std::make_unique<shm::object<int>>(shm::create_only, name, 5);
  const auto life = [&name]() -> std::uint64_t { return memory_of(name).head().life; };
  const auto scribble = [&name](std::uint64_t word) { memory_of(name).head().life = word; };
  const std::uint64_t ready = life();
  SECTION("with what says that it is ours, or nothing") {
    const auto nonsense = GENERATE_COPY(std::uint64_t{0}, ready - 1, ready + 4, ready + 77);
    scribble(nonsense);
    CHECK_THAT(in_use_message(name), ContainsSubstring("pid " + std::to_string(::getpid())));
    CHECK(life() == nonsense);
    one->store(6);
    CHECK(one->load() == 6);
    one.reset();
    shm::remove(name);
    CHECK_FALSE(exists(name));
  }
  SECTION("with what says that it is another's") {
    scribble(ready << 32);
    CHECK(code_of([&] { shm::remove(name); }) == shm::errc::foreign_segment);
    one.reset();
    CHECK(code_of([&] { shm::remove(name); }) == shm::errc::foreign_segment);
    CHECK(code_of([&] { shm::remove(name, shm::force); }) == shm::errc::foreign_segment);
    scribble(ready);
    CHECK(shm::object<int>(name).load() == 5);
  }
}

TEST_CASE("a half-made object is removed, and a half-removed one, too") {
  const support::name name;
  { shm::object<int> one(name); }
  SECTION("under construction") {
    auto memory =
        attachment::of(segment::find(name.key().segment_key()).value, attach_mode::read_write);
    support::set_state(header_at(memory.value), life_state::under_construction);
  }
  SECTION("the segment is gone") {
    REQUIRE(segment::find(name.key().segment_key()).value.remove().ok());
  }
  SECTION("the set is gone") {
    REQUIRE(semaphore_set::find(name.key().set_key()).value.remove().ok());
  }
  shm::remove(name);
  CHECK_FALSE(exists(name));
}

TEST_CASE("openers and removers at once end in an object or in none, never in between", "[race]") {
  const support::watchdog watchdog(120);
  const support::name name;
  std::vector<support::child> processes;
  for (int p = 0; p < 4; ++p) {
    processes.emplace_back([&, p] {
      for (int n = 0; n < 300; ++n) {
        try {
          if (p == 0) {
            shm::remove(name);
          } else if (p == 1) {
            static_cast<void>(shm::object<const int>(name).load());
          } else {
            shm::object<int> one(name);
            one.update([](int& i) { ++i; });
            if (one.load() < 1) return 1;
          }
        } catch (const shm::error& refusal) {
          const bool expected = (p == 0 && refusal.code() == shm::errc::in_use) ||
                                (p == 1 && refusal.code() == shm::errc::not_found);
          if (!expected) {
            std::fprintf(stderr, "%d: %s\n", p, refusal.what());
            return 2;
          }
        }
      }
      return 0;
    });
  }
  for (auto& process : processes) CHECK(process.wait() == 0);
  shm::remove(name);
  CHECK_FALSE(exists(name));
}

namespace {

shm::options until_last_detach() {
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  return how;
}

bool is_refused_as_in_use(const shm::key& key) {
  try {
    shm::remove_if_dead(key);
  } catch (const shm::error& refusal) {
    return refusal.code() == shm::errc::in_use;
  }
  return false;
}

}  // namespace

TEST_CASE("what was made to stay is not dead, although nobody is attached") {
  const support::name name;
  { shm::object<int> made(name); }
  CHECK(is_refused_as_in_use(name));
  CHECK(exists(name));
}

TEST_CASE("what was to live until its last handle closed is dead when all were killed") {
  const support::name name;
  support::child killed([&]() -> int {
    const shm::object<int> made(name, until_last_detach());
    support::die();
  });
  CHECK(killed.wait() == -SIGKILL);
  REQUIRE(exists(name));
  shm::remove_if_dead(name);
  CHECK_FALSE(exists(name));
}

TEST_CASE("what somebody is attached to is not dead, half-made or not") {
  const support::name name;
  shm::object<int> made(name, until_last_detach());
  CHECK(is_refused_as_in_use(name));
  const auto memory =
      attachment::of(segment::find(name.key().segment_key()).value, attach_mode::read_write);
  header& head = header_at(memory.value);
  support::set_state(head, life_state::under_construction);
  CHECK(is_refused_as_in_use(name));
  support::set_state(head, life_state::ready);
  CHECK(made.load() == 0);
}

TEST_CASE("what was never finished is dead") {
  const support::name name;
  { shm::object<int> made(name); }
  {
    const auto memory =
        attachment::of(segment::find(name.key().segment_key()).value, attach_mode::read_write);
    support::set_state(header_at(memory.value), life_state::under_construction);
  }
  shm::remove_if_dead(shm::key::from_value(name.key().segment_key()));
  CHECK_FALSE(exists(name));
}

TEST_CASE("a segment that does not say that it was never finished is not dead") {
  const support::name name;
  { shm::object<int> made(name); }
  SECTION("blank, it may be another program's") {
    const std::size_t size = support::segment_of(name).stat().value.size;
    REQUIRE(support::segment_of(name).remove().ok());
    REQUIRE(segment::create(name.key().segment_key(), size, 0600, false).ok());
  }
  SECTION("scribbled over, it may be of use") {
    const auto memory =
        attachment::of(segment::find(name.key().segment_key()).value, attach_mode::read_write);
    header_at(memory.value).life += 4;  // no state
  }
  CHECK(is_refused_as_in_use(name));
  CHECK(is_refused_as_in_use(shm::key::from_value(name.key().segment_key())));
  shm::remove(name);
  CHECK_FALSE(exists(name));
}

TEST_CASE("a set without its segment is dead, unless somebody sits there") {
  const support::name name;
  auto made = std::make_unique<shm::object<int>>(name);
  REQUIRE(shm::detail::segment::find(name.key().segment_key()).value.remove().ok());
  CHECK(is_refused_as_in_use(name));
  made.reset();
  REQUIRE(exists(name));
  shm::remove_if_dead(name);
  CHECK_FALSE(exists(name));
  shm::remove_if_dead(name);  // nothing is there
}
