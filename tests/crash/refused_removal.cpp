// Refused removal: who may use an object but not remove it is noticed by nobody when he tries.
// SPDX-License-Identifier: MIT
#include <optional>
#include <shm.hpp>
#include <vector>

#include "support/at_step.hpp"
#include "support/baton.hpp"
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

namespace {

const support::user outsider{65534, 65534};

shm::options for_all(shm::lifetime how_long = shm::lifetime::persistent) {
  shm::options how;
  how.access = shm::access::everyone;
  how.lifetime = how_long;
  return how;
}

struct way {
  const char* title;
  void (*remove)(const shm::key&);
};
const way ways[] = {
    {"by force", [](const shm::key& key) { shm::remove(key, shm::force); }},
    {"plainly", [](const shm::key& key) { shm::remove(key); }},
    {"if dead", [](const shm::key& key) { shm::remove_if_dead(key); }},
};

/// Whether he is refused for want of the right, or because others use the object.
int try_as_outsider(const way& how, const shm::key& key) {
  support::become(outsider);
  const std::error_code said = support::code_of([&] { how.remove(key); });
  return said == std::errc::operation_not_permitted || said == shm::errc::in_use ? 0 : 1;
}

/// As it is for those who have it open, and for those who come.
void check_unnoticed(const shm::key& key, shm::object<int>* user, int value) {
  if (user != nullptr) {
    CHECK(user->load() == value);
    user->update([](int&) {});
  }
  CHECK(shm::object<const int>(key, for_all()).load() == value);
  CHECK(shm::object<int>(shm::open_only, key, for_all()).load() == value);
}

}  // namespace

TEST_CASE("a refused removal is noticed by nobody, nor its death at any step") {
  if (!support::may_play_users()) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog(300);
  for (const way& how : ways) {
    for (const bool in_use : {true, false}) {
      const auto lifetime = in_use ? shm::lifetime::until_last_detach : shm::lifetime::persistent;
      std::vector<support::step> steps;
      {
        const support::name name;
        shm::object<int> user(shm::create_only, name, 42, for_all(lifetime));
        std::optional<shm::object<int>> kept(std::move(user));
        if (!in_use) kept.reset();
        steps = support::steps_of([&] { try_as_outsider(how, name); });
      }
      REQUIRE(steps.size() > 1);
      for (const support::step& where : steps) {
        if (where.occurrence > 2) continue;  // the same once more
        for (const bool killed : {true, false}) {
          CAPTURE(how.title, in_use, where.name, where.occurrence, killed);
          const support::name name;
          std::optional<shm::object<int>> user(std::in_place, shm::create_only, name, 42,
                                               for_all(lifetime));
          if (!in_use) user.reset();
          const int segment_id = support::segment_of(name).id();
          const int set_id = support::set_of(name).id();
          support::held_process refused(
              where.name.c_str(), [&] { return try_as_outsider(how, name); }, where.occurrence);
          if (refused.comes_there()) {
            if (user) {
              CHECK(user->load() == 42);
              user->store(42);
              auto draft = user->try_lock();
              CHECK(draft.has_value());
            }
            if (killed) {
              refused.kill();
            } else {
              CHECK(refused.finish() == 0);
            }
          } else {
            CHECK(refused.wait() == 0);
          }
          CHECK(support::segment_of(name).id() == segment_id);
          CHECK(support::set_of(name).id() == set_id);
          check_unnoticed(name, user ? &*user : nullptr, 42);
        }
      }
    }
  }
}

TEST_CASE("a refused removal of an object whose semaphores are lost changes nothing") {
  if (!support::may_play_users()) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  for (const way& how : ways) {
    CAPTURE(how.title);
    const support::name name;
    { const shm::object<int> made(shm::create_only, name, 42, for_all()); }
    REQUIRE(support::set_of(name).remove().ok());
    const std::uint64_t before = support::memory_of(name).head().life;
    support::child refused([&] { return try_as_outsider(how, name); });
    CHECK(refused.wait() == 0);
    CHECK(support::memory_of(name).head().life == before);
    CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
    check_unnoticed(name, nullptr, 42);
  }
}

TEST_CASE("a removal that its members may not make leaves a group's object to its owner") {
  if (!support::may_play_users()) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  const support::user owner{1000, 2000}, member{1001, 2000};
  shm::options of_team;
  of_team.access = shm::access::group;
  for (const way& how : ways) {
    CAPTURE(how.title);
    const support::name name;
    CHECK(support::as_user(owner, [&] {
            const shm::object<int> made(shm::create_only, name, 42, of_team);
            return 0;
          }) == 0);
    CHECK(support::as_user(
              member, [&] { return support::code_of([&] { how.remove(name); }) ? 0 : 1; }) == 0);
    CHECK(support::as_user(owner, [&] {
            return shm::object<int>(shm::open_only, name, of_team).load() == 42 ? 0 : 1;
          }) == 0);
  }
}

TEST_CASE("in a user namespace of its own, a stranger may remove no more than before") {
  if (!support::may_play_users()) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  const support::user owner{1000, 1000}, stranger{1001, 1001};
  for (const way& how : ways) {
    for (const bool in_use : {true, false}) {
      CAPTURE(how.title, in_use);
      const auto lifetime = in_use ? shm::lifetime::until_last_detach : shm::lifetime::persistent;
      const support::name name;
      support::baton is_made, may_end;
      support::child owning([&] {
        support::become(owner);
        std::optional<shm::object<int>> mine(std::in_place, shm::create_only, name, 42,
                                             for_all(lifetime));
        if (!in_use) mine.reset();
        is_made.pass();
        may_end.await();
        return shm::object<int>(shm::open_only, name, for_all()).load() == 42 ? 0 : 1;
      });
      is_made.await();
      const int status = support::as_user_in_namespace(stranger, "0 1001 1", [&] {
        const std::error_code said = support::code_of([&] { how.remove(name); });
        return said == std::errc::operation_not_permitted || said == shm::errc::in_use ? 0 : 1;
      });
      if (status == support::no_namespace) WARN("skipped: the kernel gives this user no namespace");
      CHECK((status == 0 || status == support::no_namespace));
      may_end.pass();
      CHECK(owning.wait() == 0);
    }
  }
}

TEST_CASE("a user that may remove the segment, but not the set beside it, removes neither") {
  if (!support::may_play_users()) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  const support::user owner{1000, 1000}, other{1001, 1001};
  for (const way& how : ways) {
    CAPTURE(how.title);
    const support::name name;
    CHECK(support::as_user(owner, [&] {
            const shm::object<int> made(shm::create_only, name, 42, for_all());
            return 0;
          }) == 0);
    REQUIRE(support::set_of(name).remove().ok());
    // The other user makes a new set for the owner's object, and dies before giving it away.
    CHECK(support::as_user(other, [&]() -> int {
            const support::at_step death("open: set made", support::die);
            const shm::object<int> late(name, for_all());
            return 1;
          }) == -SIGKILL);
    CHECK(support::as_user(
              owner, [&] { return support::code_of([&] { how.remove(name); }) ? 0 : 1; }) == 0);
    check_unnoticed(name, nullptr, 42);
  }
}
