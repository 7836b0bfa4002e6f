// Failed opens: who cannot open takes nothing away that others use, and leaves nothing behind.
// SPDX-License-Identifier: MIT
#include <sys/resource.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <shm.hpp>
#include <string>

#include "support/at_step.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/held_process.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/steps.hpp"
#include "support/users.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;
using support::held_process;

namespace {

struct large {
  std::array<char, 8 << 20> bytes;
};

bool limit(int resource, rlim_t most) {
  const rlimit both{most, most};
  return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both) == 0;
}

/// No room for a large segment; what is there already stays.
bool leave_little_address_space() {
  std::ifstream sizes("/proc/self/statm");
  rlim_t pages = 0;
  sizes >> pages;
  return limit(RLIMIT_AS, pages * 4096 + (4 << 20));
}

shm::options in_locked_memory() {
  shm::options how;
  how.lock_in_memory = true;
  how.access = shm::access::everyone;
  return how;
}
shm::options for_all(unsigned seats = 64) {
  shm::options how;
  how.access = shm::access::everyone;
  how.seats = seats;
  how.open_timeout = std::chrono::seconds(2);
  return how;
}

/// An opening that fails beside an object of the type `large`; some fail without one, too.
struct failing {
  const char* title;
  bool fails_alone;
  void (*open)(const shm::key&);
};

const failing all_failing[] = {
    {"create_only", false,
     [](const shm::key& key) { const shm::object<large> one(shm::create_only, key, for_all()); }},
    {"another type", false,
     [](const shm::key& key) { const shm::object<int> one(key, for_all()); }},
    {"another kind", false, [](const shm::key& key) { const shm::mutex one(key, for_all()); }},
    {"no seat", false,
     [](const shm::key& key) {
       const shm::object<large> one(key, for_all(1)), two(key, for_all(1));
     }},
    {"another type, to read", true,
     [](const shm::key& key) { const shm::object<const int> one(key, for_all()); }},
    {"no address space", true,
     [](const shm::key& key) {
       if (!leave_little_address_space()) throw std::logic_error("no limit");
       const shm::object<large> one(key, for_all());
     }},
    {"no address space, to read", true,
     [](const shm::key& key) {
       if (!leave_little_address_space()) throw std::logic_error("no limit");
       const shm::object<const large> one(key, for_all());
     }},
    {"no memory to lock", true,
     [](const shm::key& key) {
       if (::geteuid() == 0) support::become({65534, 65534});
       if (!limit(RLIMIT_MEMLOCK, 0)) throw std::logic_error("no limit");
       const shm::object<large> one(key, in_locked_memory());
     }},
    {"only to open", true,
     [](const shm::key& key) {
       if (::geteuid() == 0) support::become({65534, 65534});
       shm::options theirs = for_all();
       theirs.access = shm::access::owner;
       const shm::object<int> one(shm::open_only, key, theirs);
     }},
};

int fails(const failing& who, const shm::key& key) {
  return code_of([&] { who.open(key); }) ? 0 : 1;
}

bool is_there(const shm::key& key) {
  return segment::find(key.segment_key()).ok() || semaphore_set::find(key.set_key()).ok();
}

std::unique_ptr<large> large_with(char first) {
  auto made = std::make_unique<large>();
  made->bytes[0] = first;
  return made;
}

}  // namespace

TEST_CASE("an opening that fails leaves neither segment nor semaphores where nothing was") {
  const support::watchdog watchdog(120);
  for (const failing& who : all_failing) {
    if (!who.fails_alone) continue;
    CAPTURE(who.title);
    const support::name name;
    support::child alone([&] { return fails(who, name); });
    CHECK(alone.wait() == 0);
    CHECK_FALSE(is_there(name));
  }
}

TEST_CASE("an opening that fails at any moment takes nothing from those who have the object") {
  const support::watchdog watchdog(300);
  for (const failing& who : all_failing) {
    for (const bool is_made_before : {true, false}) {
      std::vector<support::step> steps;
      {
        const support::name name;
        std::optional<shm::object<large>> user;
        if (is_made_before) user.emplace(name, for_all(1));
        steps = support::steps_of([&] { static_cast<void>(fails(who, name)); });
      }
      for (const support::step& where : steps) {
        if (where.occurrence > 1) continue;
        CAPTURE(who.title, is_made_before, where.name);
        const support::name name;
        std::optional<shm::object<large>> user;
        if (is_made_before) user.emplace(name, for_all(1));
        held_process other(where.name.c_str(), [&] {
          static_cast<void>(fails(who, name));
          return 0;
        });
        const bool is_held = other.comes_there();
        // Where the other one stands inside the door, only those can use the object who have it.
        const bool is_free = !support::set_of(name).value(semaphore::door).value;
        if (!is_made_before && is_free) {
          static_cast<void>(code_of([&] { user.emplace(name, for_all(1)); }));
        }
        if (is_held) other.go_on();
        CHECK(other.wait() == 0);
        if (!user) continue;
        user->store(*large_with('x'));
        CHECK(shm::const_any_object(name.key(), for_all()).load().front() == std::byte{'x'});
        CHECK(support::segment_of(name).stat().value.attached == 1);
        user.reset();
        CHECK(shm::object<large>(shm::open_only, name, for_all()).version() == 1);
      }
    }
  }
}

TEST_CASE("the options of a creator that dies before its object is ready do not count") {
  const support::watchdog watchdog(120);
  const auto choose = [](unsigned seats, shm::access who) {
    shm::options how;
    how.seats = seats;
    how.access = who;
    return how;
  };
  // Segments of one size: seats take 16 bytes each, and are rounded up to a line of the cache.
  const shm::options now = choose(2, shm::access::everyone);
  for (const shm::options& before :
       {choose(1, shm::access::everyone), choose(2, shm::access::owner)}) {
    for (const support::step& where : support::steps_of([&] {
           const support::name name;
           const shm::object<int> one(shm::create_only, name, 1, before);
         })) {
      if (where.name == "create: ready") break;
      CAPTURE(before.seats, where.name, where.occurrence);
      const support::name name;
      support::child dying([&] {
        int left = where.occurrence;
        const support::at_step death(where.name.c_str(), [&left] {
          if (--left == 0) support::die();
        });
        const shm::object<int> one(shm::create_only, name, 1, before);
        return 0;
      });
      CHECK(dying.wait() == -SIGKILL);
      const shm::object<int> first(shm::open_or_create, name, 2, now), second(name, now);
      CHECK(first.load() == 2);
      CHECK(support::segment_of(name).stat().value.owner.mode == 0666);
      CHECK(support::set_of(name).stat().value.owner.mode == 0666);
      CHECK(code_of([&] { const shm::object<int> third(name, now); }) == shm::errc::no_free_seat);
    }
  }
}

TEST_CASE("an opener that may not remove another user's half-made object completes it in place") {
  if (!support::may_play_users()) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  const support::name name;
  support::child dying([&] {  // root, whom everybody trusts
    const support::at_step death("create: constructed", support::die);
    const shm::object<int> one(shm::create_only, name, 1, for_all(1));
    return 0;
  });
  CHECK(dying.wait() == -SIGKILL);
  const int segment_id = support::segment_of(name).id();
  CHECK(support::as_user({65534, 65534}, [&] {
          const shm::object<int> one(shm::open_or_create, name, 2, for_all(2));
          return one.load() == 2 ? 0 : 1;
        }) == 0);
  CHECK(support::segment_of(name).id() == segment_id);
}
