// Lost sets: semaphores are removed by hand at any step, and one object stays one.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <functional>
#include <optional>
#include <shm.hpp>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/held_process.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/steps.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;
using support::held_process;
using support::set_of;
using support::step;

namespace {

/// ipcrm -s, or logind's RemoveIPC.
void lose_set(const shm::key& key) {
  const auto found = semaphore_set::find(key.set_key());
  if (found.ok()) static_cast<void>(found.value.remove());
}

shm::options brief(shm::lifetime how_long = shm::lifetime::persistent) {
  shm::options how;
  how.lifetime = how_long;
  how.open_timeout = std::chrono::milliseconds(200);  // of which some openers use all
  return how;
}

/// One of several processes that open one name. The test lets all of them open it, then one of them
/// store, then all of them load.
class user {
 public:
  static constexpr int none = -1;

  int run(const shm::key& key, const shm::options& how) {
    const auto failure = code_of([&] {
      shm::object<int> mine(key, how);
      page_->is_open = true;
      done_.pass();
      may_go_on_.await();
      if (page_->stores) static_cast<void>(code_of([&] { mine.store(77); }));
      done_.pass();
      may_go_on_.await();
      mine.update([](int&) {});
      page_->seen = mine.load();
    });
    if (!page_->is_open) done_.pass();
    return !failure || failure == shm::errc::removed || !page_->is_open ? 0 : 1;
  }

  void await() { done_.await(); }
  bool is_open() const { return page_->is_open; }
  void store_or_not(bool stores) {
    page_->stores = stores;
    may_go_on_.pass();
    done_.await();
  }
  void load() { may_go_on_.pass(); }
  /// None: it was told that the object was removed, or never had it.
  int seen() const { return page_->seen; }

 private:
  struct page {
    std::atomic<bool> is_open{false}, stores{false};
    std::atomic<int> seen{none};
  };
  support::baton done_, may_go_on_;
  support::shared_page<page> page_;
};

/// All have come that will come: one of them stores, and then all of them load.
void store_and_load(const std::vector<user*>& all) {
  const auto storer =
      std::find_if(all.begin(), all.end(), [](const user* one) { return one->is_open(); });
  for (user* one : all) {
    if (one->is_open()) one->store_or_not(one == *storer);
  }
  for (user* one : all) {
    if (one->is_open()) one->load();
  }
}

/// Two processes that are held at a step each, and a third one that comes last and opens first.
struct race {
  const char* first_stops_at;
  const char* second_stops_at;
  bool is_lost_again;  ///< after the second one has stopped
  bool first_goes_first;

  void run() const {
    const support::name name;
    const shm::key key = name;
    user first, second, third;
    held_process first_process(first_stops_at, [&] { return first.run(key, brief()); });
    const bool first_is_held = first_process.comes_there();
    lose_set(key);
    held_process second_process(second_stops_at, [&] { return second.run(key, brief()); });
    const bool second_is_held = second_process.comes_there();
    if (is_lost_again) lose_set(key);
    support::child third_process([&] {
      const support::watchdog own_watchdog;
      return third.run(key, brief());
    });
    third.await();
    const auto let_first = [&] {
      if (first_is_held) first_process.go_on();
      first.await();
    };
    const auto let_second = [&] {
      if (second_is_held) second_process.go_on();
      second.await();
    };
    first_goes_first ? let_first() : let_second();
    first_goes_first ? let_second() : let_first();
    store_and_load({&third, &first, &second});
    CHECK(third_process.wait() == 0);
    CHECK(first_process.wait() == 0);
    CHECK(second_process.wait() == 0);
    std::vector<int> values;
    for (const user* one : {&third, &first, &second}) {
      if (one->seen() != user::none) values.push_back(one->seen());
    }
    CAPTURE(values);
    CHECK(std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end());
    if (!values.empty()) CHECK(shm::object<int>(key, brief()).load() == values.front());
  }
};

constexpr const char* steps_of_creation[] = {
    "door: entered",       "door: mark drawn", "create: segment made", "create: under construction",
    "create: constructed", "seat: taken",      "seat: token posted",   "create: ready",
    "door: left"};
constexpr const char* steps_of_newcomer[] = {"open: set made",
                                             "door: entered",
                                             "door: mark drawn",
                                             "seat: taken",
                                             "create: under construction",
                                             "create: ready"};

}  // namespace

TEST_CASE("a set that is lost while several create leaves one object of a name") {
  const support::watchdog watchdog(600);
  for (const char* first : steps_of_creation) {
    for (const char* second : steps_of_newcomer) {
      for (const bool again : {false, true}) {
        for (const bool first_goes_first : {false, true}) {
          CAPTURE(first, second, again, first_goes_first);
          race{first, second, again, first_goes_first}.run();
        }
      }
    }
  }
}

namespace {

/// What a process does that comes too late, because its set is lost meanwhile.
struct late {
  const char* title;
  shm::lifetime lifetime;
  bool may_take_it;  ///< by the right of force
  void (*act)(const shm::key&);
};

const late late_ones[] = {
    {"an opener", shm::lifetime::persistent, false,
     [](const shm::key& key) { const shm::object<int> one(key, brief()); }},
    {"an opener that would not create", shm::lifetime::persistent, false,
     [](const shm::key& key) { const shm::object<int> one(shm::open_only, key, brief()); }},
    {"an opener of whatever is there", shm::lifetime::persistent, false,
     [](const shm::key& key) { const shm::any_object one(key, brief()); }},
    {"an opener of what goes with its last handle", shm::lifetime::until_last_detach, false,
     [](const shm::key& key) {
       const shm::object<int> one(key, brief(shm::lifetime::until_last_detach));
     }},
    {"a remover", shm::lifetime::persistent, false, [](const shm::key& key) { shm::remove(key); }},
    {"a remover of what is dead", shm::lifetime::until_last_detach, false,
     [](const shm::key& key) { shm::remove_if_dead(key); }},
    {"a remover by force", shm::lifetime::persistent, true,
     [](const shm::key& key) { shm::remove(key, shm::force); }},
};

/// Blank, attached by nobody and without a set, it can as well be another program's: openers refuse
/// it until its creator has gone on.
bool is_nobodys_segment(const step& where) {
  return where.name == "create: segment made";
}

/// An object with value 42, that nobody has open.
void leave_object(const shm::key& key, shm::lifetime lifetime) {
  const auto make = [&] { new shm::object<int>(shm::create_only, key, 42, brief(lifetime)); };
  support::dies([&] {
    make();
    support::die();
  });
}

}  // namespace

TEST_CASE("who comes late, after a loss, takes no live object away") {
  const support::watchdog watchdog(600);
  for (const late& who : late_ones) {
    std::vector<step> steps;
    {
      const support::name name;
      leave_object(name, who.lifetime);
      steps = support::steps_of([&] { who.act(name); });
    }
    REQUIRE(steps.size() > 3);
    for (const step& where : steps) {
      if (is_nobodys_segment(where)) continue;
      CAPTURE(who.title, where.name, where.occurrence);
      const support::name name;
      leave_object(name, who.lifetime);
      held_process late_process(
          where.name.c_str(),
          [&] {
            static_cast<void>(code_of([&] { who.act(name); }));
            return 0;
          },
          where.occurrence);
      const bool is_held = late_process.comes_there();
      lose_set(name);
      shm::object<int> live(name, brief());
      live.store(43);
      if (is_held) late_process.go_on();
      CHECK(late_process.wait() == 0);
      const auto failure = code_of([&] {
        live.update([](int& value) { value = 44; });
        CHECK(live.load() == 44);
      });
      if (who.may_take_it && failure == shm::errc::removed) {
        CHECK(shm::object<int>(name, brief()).load() == 0);
        continue;
      }
      CHECK_FALSE(failure);
      CHECK(shm::object<int>(name, brief()).load() == 44);
      CHECK(shm::object<const int>(name, brief()).load() == 44);
    }
  }
}

TEST_CASE("who is late and attached to nothing costs no value") {
  const support::watchdog watchdog(300);
  for (const late& who : late_ones) {
    if (who.lifetime == shm::lifetime::until_last_detach || who.may_take_it) continue;
    for (const char* where : {"find: set is ours", "door: entered", "door: mark drawn"}) {
      CAPTURE(who.title, where);
      const support::name name;
      leave_object(name, who.lifetime);
      held_process late_process(where, [&] {
        static_cast<void>(code_of([&] { who.act(name); }));
        return 0;
      });
      const bool is_held = late_process.comes_there();
      if (!is_held) continue;
      lose_set(name);
      const shm::object<int> live(name, brief());
      CHECK(live.load() == 42);
      late_process.go_on();
      CHECK(late_process.wait() == 0);
      CHECK(live.load() == 42);
    }
  }
}

TEST_CASE("a last handle that is closing inside the lost door takes no live object away") {
  const support::watchdog watchdog(300);
  const shm::options until_last = brief(shm::lifetime::until_last_detach);
  const auto close = [&](const shm::key& key) { const shm::object<int> last(key, until_last); };
  std::vector<step> steps;
  {
    const support::name name;
    steps = support::steps_of([&] { close(name); });
  }
  const auto leaving = std::find_if(
      steps.begin(), steps.end(), [](const step& now) { return now.name.rfind("leave:", 0) == 0; });
  REQUIRE(leaving != steps.end());
  steps.erase(steps.begin(), leaving);
  for (const step& where : steps) {
    CAPTURE(where.name, where.occurrence);
    const support::name name;
    held_process closing(
        where.name.c_str(),
        [&] {
          close(name);
          return 0;
        },
        where.occurrence);
    const bool is_held = closing.comes_there();
    lose_set(name);
    shm::object<int> live(name, brief());
    live.store(43);
    if (is_held) closing.go_on();
    CHECK(closing.wait() == 0);
    live.update([](int& value) { ++value; });
    CHECK(live.load() == 44);
    CHECK(shm::object<int>(name, brief()).load() == 44);
  }
}

TEST_CASE("a process that died inside the lost door leaves an object that can be opened") {
  const support::watchdog watchdog(600);
  for (const late& who : late_ones) {
    std::vector<step> steps;
    {
      const support::name name;
      leave_object(name, who.lifetime);
      steps = support::steps_of([&] { who.act(name); });
    }
    for (const step& where : steps) {
      if (is_nobodys_segment(where)) continue;
      CAPTURE(who.title, where.name, where.occurrence);
      const support::name name;
      leave_object(name, who.lifetime);
      held_process dying(
          where.name.c_str(),
          [&] {
            static_cast<void>(code_of([&] { who.act(name); }));
            return 0;
          },
          where.occurrence);
      const bool is_held = dying.comes_there();
      lose_set(name);
      is_held ? dying.kill() : static_cast<void>(dying.wait());
      shm::object<int> live(name, brief());
      live.store(43);
      CHECK(shm::object<int>(name, brief()).load() == 43);
    }
  }
}

TEST_CASE("a live handle that finds its semaphores lost throws, and changes nothing") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> mine(shm::create_only, name, 42), holder(name);
  const auto held = holder.lock();
  const auto image = [&name] {
    const support::memory_of memory(name);
    memory.head().waiters = 0;  // that somebody is about to sleep is no change
    return std::vector<std::byte>(memory.bytes(), memory.bytes() + memory.size());
  };
  lose_set(name);
  const std::vector<std::byte> before = image();
  CHECK(code_of([&] { mine.store(1); }) == shm::errc::removed);
  CHECK(image() == before);
  CHECK(code_of([&] { mine.update([](int& value) { ++value; }); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(mine.try_lock()); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(mine.try_lock_for(std::chrono::milliseconds(1))); }) ==
        shm::errc::removed);
  CHECK(mine.load() == 42);
  CHECK(image() == before);
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
  SECTION("and so do its child's") {
    support::child forked([&] {
      const auto told = [](auto use) { return code_of(use) == shm::errc::removed; };
      if (!told([&] { mine.store(1); })) return 1;
      return told([&] { static_cast<void>(mine.try_lock()); }) ? 0 : 2;
    });
    CHECK(forked.wait() == 0);
    CHECK(image() == before);
  }
  SECTION("and is closed without a trace") {
    { const shm::object<int> ends_here = std::move(mine); }
    CHECK(image() == before);
    CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
  }
}

TEST_CASE("a set that was made anew, and is another object's, is not touched by old handles") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex old(name), holder(name);
  holder.lock();
  lose_set(name);
  REQUIRE(support::segment_of(name).remove().ok());
  shm::mutex fresh(name);
  const auto values = [&name] {
    std::vector<int> all;
    const auto now = set_of(name).values();
    for (unsigned s = 0; s < set_of(name).semaphores(); ++s) all.push_back(now.value[s]);
    return all;
  };
  const std::vector<int> before = values();
  CHECK(code_of([&] { old.lock(); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(old.try_lock()); }) == shm::errc::removed);
  holder.unlock();
  { const shm::mutex ends_here = std::move(old); }
  { const shm::mutex ends_here = std::move(holder); }
  CHECK(values() == before);
  fresh.lock();
  fresh.unlock();
}

TEST_CASE("readers see the value across a loss, until the object is retired") {
  const support::watchdog watchdog;
  const support::name name;
  std::optional<shm::object<int>> writer(std::in_place, shm::create_only, name, 42);
  const shm::object<const int> reader(name);
  const shm::const_any_object any(name.key());
  lose_set(name);
  CHECK(reader.load() == 42);
  CHECK(shm::object<const int>(name).load() == 42);  // one that comes now, too
  writer->store(43);
  CHECK(reader.load() == 43);
  CHECK(any.version() == 1);
  writer.reset();
  CHECK(reader.load() == 43);
  shm::object<int> fresh(name);  // beside a reader: it retires the old one
  CHECK(code_of([&] { static_cast<void>(reader.load()); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(any.load()); }) == shm::errc::removed);
  CHECK(shm::object<const int>(name).load() == 0);
}

TEST_CASE("an object whose semaphores are lost keeps its seats, its mode and its owner") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options theirs = brief();
  theirs.access = shm::access::group;
  theirs.seats = 3;
  { const shm::object<int> made(shm::create_only, name, 42, theirs); }
  const ownership before = set_of(name).stat().value.owner;
  lose_set(name);
  shm::options others = brief();
  others.access = shm::access::everyone;
  others.seats = GENERATE(1u, 2000u);
  const shm::object<int> one(shm::open_only, name, others);
  CHECK(one.load() == 42);
  CHECK(set_of(name).seats() == 3);
  const ownership after = set_of(name).stat().value.owner;
  CHECK(after.mode == before.mode);
  CHECK(after.owner == before.owner);
  CHECK(after.group == before.group);
  const shm::object<int> two(name, theirs), three(name, theirs);
  CHECK(code_of([&] { const shm::object<int> four(name, theirs); }) == shm::errc::no_free_seat);
}

TEST_CASE("an opener that may not create leaves an object whose semaphores are lost") {
  const support::watchdog watchdog;
  const support::name name;
  std::optional<shm::object<int>> user(std::in_place, shm::create_only, name, 42);
  lose_set(name);
  CHECK(code_of([&] { const shm::object<int> late(shm::open_only, name); }) == shm::errc::in_use);
  CHECK(code_of([&] { const shm::any_object late(name.key()); }) == shm::errc::in_use);
  CHECK(user->load() == 42);
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
  user.reset();
  CHECK(shm::object<int>(shm::open_only, name).load() == 42);
}
