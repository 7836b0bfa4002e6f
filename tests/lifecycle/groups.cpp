// Groups: objects that several users share, and those who only pretend to.
// SPDX-License-Identifier: MIT
#include <sys/sem.h>
#include <sys/shm.h>

#include <memory>
#include <shm.hpp>
#include <string>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/users.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::as_user;
using support::as_user_in_namespace;
using support::code_of;
using support::no_namespace;
using support::segment_of;
using support::set_of;
using support::user;

namespace {

constexpr gid_t team = 2000;
const user founder{1000, team}, member{1001, team}, colleague{1002, team};
const user by_second_group{1003, 3000, {team}};
const user stranger{6666, 6666};

shm::options with(shm::access who, shm::lifetime how_long = shm::lifetime::persistent) {
  shm::options how;
  how.access = who;
  how.lifetime = how_long;
  return how;
}
const shm::options team_for_now = with(shm::access::group, shm::lifetime::until_last_detach);

bool skipped() {
  if (support::may_play_users()) return false;
  WARN("skipped: only root can play other users");
  return true;
}

/// IPC_SET by the calling user: segment, set or both get other ids.
template <class Change>
bool give(const shm::key& key, bool gives_segment, bool gives_set, Change change) {
  shmid_ds memory{};
  semid_ds semaphores{};
  union {
    int number;
    semid_ds* status;
  } where{};
  where.status = &semaphores;
  const int segment = segment_of(key).id(), set = set_of(key).id();
  if (::shmctl(segment, IPC_STAT, &memory) != 0 || ::semctl(set, 0, IPC_STAT, where) != 0) {
    return false;
  }
  change(memory.shm_perm);
  change(semaphores.sem_perm);
  return (!gives_segment || ::shmctl(segment, IPC_SET, &memory) == 0) &&
         (!gives_set || ::semctl(set, 0, IPC_SET, where) == 0);
}

void make(const shm::key& key, const user& who, int value, const shm::options& how) {
  REQUIRE(as_user(who, [&] {
            const shm::object<int> made(shm::create_only, key, value, how);
            return 0;
          }) == 0);
}

enum class opened { read_write, read_only, not_at_all };

/// What that user may do with it.
opened opened_by(const user& who, const shm::key& key, shm::access access) {
  const int status = as_user(who, [&] {
    if (!code_of([&] { const shm::object<int> one(shm::open_only, key, with(access)); })) return 0;
    return code_of([&] { const shm::object<const int> one(key, with(access)); }) ? 2 : 1;
  });
  return status == 0 ? opened::read_write : status == 1 ? opened::read_only : opened::not_at_all;
}

}  // namespace

TEST_CASE(
    "a group's object until the last detach begins anew for every member, whoever left last") {
  if (skipped()) return;
  const support::watchdog watchdog(120);
  for (const user& last : {founder, member, by_second_group}) {
    for (const user& next : {founder, member, colleague, by_second_group}) {
      CAPTURE(last.id, next.id);
      const support::name name;
      support::baton is_open, joined;
      support::child owner([&] {
        support::become(founder);
        const shm::object<int> mine(shm::create_only, name, 7, team_for_now);
        is_open.pass();
        joined.await();
        return 0;
      });
      is_open.await();
      CHECK(as_user(last, [&] {
              shm::object<int> mine(name, team_for_now);
              if (mine.load() != 7) return 1;
              joined.pass();
              while (segment_of(name).stat().value.attached != 1) ::sched_yield();
              mine.store(5);
              return 0;
            }) == 0);
      CHECK(owner.wait() == 0);
      CHECK(as_user(next, [&] {
              shm::object<int> mine(name, team_for_now);
              if (mine.load() != 0) return 1;  // 5 is nobody's any more
              mine.update([](int& value) { ++value; });
              return mine.load() == 1 ? 0 : 2;
            }) == 0);
      // And so it goes on.
      CHECK(as_user(colleague, [&] {
              return shm::object<int>(shm::open_or_create, name, 3, team_for_now).load() == 3 ? 0
                                                                                              : 1;
            }) == 0);
    }
  }
}

TEST_CASE("a group's object that begins anew in place is not taken from a member who has it") {
  if (skipped()) return;
  const support::watchdog watchdog;
  const support::name name;
  make(name, founder, 7, team_for_now);
  CHECK_FALSE(support::exists(name));  // its last handle was its owner's
  support::baton is_open, is_used;
  support::child owner([&] {
    support::become(founder);
    const shm::object<int> mine(shm::create_only, name, 7, team_for_now);
    is_open.pass();
    is_used.await();
    return 0;
  });
  is_open.await();
  support::child reader([&] {
    support::become(member);
    const shm::object<const int> mine(name, team_for_now);
    is_used.pass();
    ::pause();
    return 0;
  });
  CHECK(owner.wait() == 0);
  // A reader is attached: one more opener finds the same object, and changes nothing.
  CHECK(as_user(colleague,
                [&] { return shm::object<int>(name, team_for_now).load() == 7 ? 0 : 1; }) == 0);
  reader.kill();
  CHECK(as_user(colleague,
                [&] { return shm::object<int>(name, team_for_now).load() == 0 ? 0 : 1; }) == 0);
}

TEST_CASE("what a stranger made and gave to the group is refused, what a member made opens") {
  if (skipped()) return;
  const support::watchdog watchdog(120);
  for (const shm::access access : {shm::access::group, shm::access::group_read}) {
    CAPTURE(access);
    const support::name honest;
    make(honest, member, 11, with(access));
    CHECK(opened_by(colleague, honest, access) ==
          (access == shm::access::group ? opened::read_write : opened::read_only));
    for (const int given : {1, 2, 3}) {
      CAPTURE(given);
      const support::name name;
      CHECK(as_user(stranger, [&] {
              const shm::object<int> theirs(shm::create_only, name, 666, with(access));
              const auto to_team = [](ipc_perm& permissions) { permissions.gid = team; };
              return give(name, (given & 1) != 0, (given & 2) != 0, to_team) ? 0 : 1;
            }) == 0);
      CHECK(opened_by(colleague, name, access) == opened::not_at_all);
      CHECK(opened_by(by_second_group, name, access) == opened::not_at_all);
    }
  }
}

TEST_CASE("what a stranger made and gave to its victim is refused") {
  if (skipped()) return;
  const support::watchdog watchdog(120);
  for (const shm::access access : {shm::access::owner, shm::access::group, shm::access::group_read,
                                   shm::access::everyone_read}) {
    for (const int given : {1, 2, 3}) {
      CAPTURE(access, given);
      const support::name name;
      CHECK(as_user(stranger, [&] {
              const shm::object<int> theirs(shm::create_only, name, 666, with(access));
              const auto to_victim = [](ipc_perm& permissions) {
                permissions.uid = founder.id;
                permissions.gid = team;
              };
              return give(name, (given & 1) != 0, (given & 2) != 0, to_victim) ? 0 : 1;
            }) == 0);
      // What everyone may read is not trusted any further than that.
      CHECK(opened_by(founder, name, access) ==
            (access == shm::access::everyone_read ? opened::read_only : opened::not_at_all));
    }
  }
}

TEST_CASE("what its owner alone writes is opened read-write by nobody else, root included") {
  if (skipped()) return;
  const support::watchdog watchdog;
  const user root{0, 0};
  for (const shm::access access : {shm::access::group_read, shm::access::everyone_read}) {
    CAPTURE(access);
    const support::name name;
    make(name, founder, 7, with(access));
    CHECK(opened_by(founder, name, access) == opened::read_write);
    CHECK(opened_by(member, name, access) == opened::read_only);
    const bool is_public = access == shm::access::everyone_read;
    CHECK(opened_by(stranger, name, access) ==
          (is_public ? opened::read_only : opened::not_at_all));
    // Root may do everything, but it is not to believe a stranger's bytes.
    CHECK(opened_by(root, name, access) == (is_public ? opened::read_only : opened::not_at_all));
    CHECK(shm::object<const int>(name, with(shm::access::everyone)).load() == 7);
  }
}

TEST_CASE("what root made opens for its group, read-write as far as the access says") {
  if (skipped()) return;
  const support::watchdog watchdog;
  const user root_of_team{0, team};
  for (const shm::access access :
       {shm::access::group, shm::access::group_read, shm::access::everyone_read}) {
    CAPTURE(access);
    const support::name name;
    make(name, root_of_team, 7, with(access));
    CHECK(opened_by(member, name, access) ==
          (access == shm::access::group ? opened::read_write : opened::read_only));
  }
}

TEST_CASE("semaphores that a member, root or the owner makes anew serve the whole group") {
  if (skipped()) return;
  const support::watchdog watchdog(120);
  const user root{0, 0};
  for (const user& first : {founder, member, root}) {
    CAPTURE(first.id);
    const support::name name;
    shm::options how = with(shm::access::group);
    how.seats = 5;
    make(name, founder, 7, how);
    const ownership before = set_of(name).stat().value.owner;
    REQUIRE(set_of(name).remove().ok());
    shm::options of_first = with(first.id == 0 ? shm::access::everyone : shm::access::group);
    CHECK(as_user(first, [&] {
            return shm::object<int>(shm::open_only, name, of_first).load() == 7 ? 0 : 1;
          }) == 0);
    const ownership after = set_of(name).stat().value.owner;
    CHECK(set_of(name).seats() == 5);
    CHECK(after.owner == before.owner);
    CHECK(after.group == before.group);
    CHECK(after.mode == before.mode);
    for (const user& next : {founder, member, colleague, by_second_group}) {
      CAPTURE(next.id);
      CHECK(opened_by(next, name, shm::access::group) == opened::read_write);
    }
  }
}

TEST_CASE("a process whose group is another one makes no semaphores that shut the others out") {
  if (skipped()) return;
  const support::watchdog watchdog;
  const support::name name;
  make(name, founder, 7, with(shm::access::group));
  REQUIRE(set_of(name).remove().ok());
  CHECK(as_user(by_second_group, [&] {
          const auto refusal = support::refusal_of(
              [&] { const shm::object<int> one(name, with(shm::access::group)); });
          const bool says_group =
              std::string(refusal.what()).find(std::to_string(team)) != std::string::npos;
          return refusal.code() == std::errc::operation_not_permitted && says_group ? 0 : 1;
        }) == 0);
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
  CHECK(opened_by(stranger, name, shm::access::group) == opened::not_at_all);
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
  CHECK(opened_by(member, name, shm::access::group) == opened::read_write);
  CHECK(opened_by(by_second_group, name, shm::access::group) == opened::read_write);
  CHECK(as_user(founder, [&] {
          return shm::object<int>(name, with(shm::access::group)).load() == 7 ? 0 : 1;
        }) == 0);
}

TEST_CASE("in a user namespace, an object whose owner or group has no number is not trusted") {
  if (skipped()) return;
  const support::watchdog watchdog;
  const shm::access who = GENERATE(shm::access::owner, shm::access::group);
  const support::name name;
  // Made by a stranger, and given away: to the user, or to the user's group.
  CHECK(as_user(stranger, [&] {
          const shm::object<int> made(shm::create_only, name, 42, with(who));
          const user& to = who == shm::access::owner ? founder : stranger;
          return give(name, true, true,
                      [&](ipc_perm& one) {
                        one.uid = to.id;
                        one.gid = team;
                      })
                     ? 0
                     : 1;
        }) == 0);
  const int status = as_user_in_namespace(who == shm::access::owner ? founder : by_second_group,
                                          who == shm::access::owner ? "" : "1003 1003 1", [&] {
                                            return code_of([&] {
                                                     shm::object<int> theirs(name, with(who));
                                                   }) == shm::errc::untrusted_owner
                                                       ? 0
                                                       : 1;
                                          });
  if (status == no_namespace) WARN("skipped: the kernel gives this user no namespace");
  CHECK((status == 0 || status == no_namespace));

  // Nor are semaphores made there for an object whose owner has no number.
  const support::name lost;
  CHECK(as_user(founder, [&] {
          const shm::object<int> made(shm::create_only, lost, 42, with(shm::access::everyone));
          return 0;
        }) == 0);
  REQUIRE(set_of(lost).remove().ok());
  const int refused = as_user_in_namespace(stranger, "6666 6666 1", [&] {
    return code_of([&] { shm::object<int> theirs(lost, with(shm::access::everyone)); }) ==
                   std::errc::operation_not_permitted
               ? 0
               : 1;
  });
  CHECK((refused == 0 || refused == no_namespace));
  CHECK(as_user(founder, [&] {
          return shm::object<int>(shm::open_only, lost, with(shm::access::everyone)).load() == 42
                     ? 0
                     : 1;
        }) == 0);
}
