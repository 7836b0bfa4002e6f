// Refusals: whatever the kernel answers, the message names the call and the kernel's reason.
// SPDX-License-Identifier: MIT
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <shm.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/sandbox.hpp"
#include "support/shared_page.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;

TEST_CASE("an errno that no manual page names is passed on with the call") {
  for (const auto refuse : {refuse_set_call, refuse_segment_call}) {
    const auto refusal = support::refusal_of([refuse] {
      refuse("call(COMMAND)", EIO, subject{"name", 1});
    });
    CHECK(refusal.code() == std::errc::io_error);
    CHECK_THAT(refusal.what(), ContainsSubstring("call(COMMAND)"));
  }
}

TEST_CASE("a kernel that allows too few operations at once is named with the limit to raise") {
  const auto refusal = support::refusal_of([] {
    refuse_set_call("semop(seat)", E2BIG, subject{"name", 1});
  });
  CHECK(refusal.code() == shm::errc::limit_reached);
  CHECK_THAT(refusal.what(), ContainsSubstring("third number of: sysctl kernel.sem"));
}

TEST_CASE("a process that the kernel does not name is of another container") {
  CHECK(process_name({0, 0}) == "a process of another container");
  CHECK(process_name({0, EACCES}) == "a process of another container");
  CHECK(process_name({7, 0}) == "pid 7");
}

TEST_CASE("an object that is gone by now is refused without its owner") {
  CHECK(owner_in(census::sets(), -1).empty());
}

namespace {

/// What a process is told that may not make that call: "" when it can do without.
std::string told_in_sandbox(long call, int error_number, void (*act)(const shm::key&),
                            const shm::key& key) {
  support::shared_page<std::array<char, 2048>> said;
  support::child boxed([&] {
    if (!support::forbid(call, error_number)) return 1;
    try {
      act(key);
    } catch (const shm::error& refusal) {
      if (refusal.code() != std::error_code(error_number, std::system_category())) return 2;
      std::string(refusal.what()).copy(said->data(), said->size() - 1);
    }
    return 0;
  });
  CHECK(boxed.wait() == 0);
  return said->data();
}

void create(const shm::key& key) {
  shm::object<int>(shm::create_only, key, 1).store(2);
}
void look(const shm::key& key) {
  static_cast<void>(shm::object<const int>(key).load());
}
void use(const shm::key& key) {
  shm::object<int>(shm::open_only, key).store(3);
}
void take_away(const shm::key& key) {
  shm::remove(key);
}
void list_all(const shm::key&) {
  static_cast<void>(shm::list());
}

void take_away_by_hand(const shm::key& key) {
  const auto where = segment::find(key.segment_key());
  if (where.ok()) static_cast<void>(where.value.remove());
  const auto set = semaphore_set::find(key.set_key());
  if (set.ok()) static_cast<void>(set.value.remove());
}

}  // namespace

TEST_CASE("what a sandbox refuses is not put down to permissions", "[seccomp]") {
  const support::watchdog watchdog;
  const support::name name;
  constexpr long calls[] = {SYS_shmget, SYS_shmat,  SYS_shmctl,
                            SYS_semget, SYS_semctl, SYS_semtimedop};
  for (const auto act : {create, look, use, take_away, list_all}) {
    for (const long call : calls) {
      for (const int error_number : {EPERM, EACCES, ENOSYS}) {
        take_away_by_hand(name);
        if (act != create) shm::object<int>(shm::create_only, name, 1);
        const std::string said = told_in_sandbox(call, error_number, act, name);
        CAPTURE(call, error_number, said);
        if (said.empty()) continue;
        CHECK_THAT(said, ContainsSubstring("sandbox"));
        CHECK_THAT(said, ContainsSubstring("allow shmget, shmat"));
        CHECK_THAT(said, !ContainsSubstring("ask the owner"));
      }
    }
  }
}

TEST_CASE("a reader that may not wait at the door is told that a sandbox refuses it", "[seccomp]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> one(name);
  support::set_state(name, life_state::under_construction);
  const auto creating = door::enter(support::set_of(name), deadline::never(), subject{"name", 1});
  CHECK_THAT(told_in_sandbox(SYS_semtimedop, EPERM, look, name), ContainsSubstring("sandbox"));
}

TEST_CASE("a list that a sandbox keeps from being told is an error, not an empty list",
          "[seccomp]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> one(name);
  for (const long call : {SYS_shmget, SYS_shmat, SYS_shmctl}) {
    for (const int error_number : {EPERM, ENOSYS}) {
      CHECK_THAT(told_in_sandbox(call, error_number, list_all, name), ContainsSubstring("sandbox"));
    }
  }
}

TEST_CASE("what permissions refuse is put down to them") {
  if (::geteuid() != 0) {
    WARN("skipped: only root becomes another user");
    return;
  }
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> one(name);
  support::shared_page<std::array<std::array<char, 2048>, 2>> said;
  support::child stranger([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) return 1;
    const auto keep = [&](std::size_t which, void (*act)(const shm::key&)) {
      std::string(support::refusal_of([&] { act(name); }).what())
          .copy((*said)[which].data(), (*said)[which].size() - 1);
    };
    keep(0, look);
    keep(1, take_away);
    return 0;
  });
  REQUIRE(stranger.wait() == 0);
  for (const auto& text : *said) {
    CHECK_THAT(text.data(), ContainsSubstring("this user (uid 65534) may not do that"));
    CHECK_THAT(text.data(), ContainsSubstring("owner uid 0, group 0, mode 0600"));
    CHECK_THAT(text.data(), !ContainsSubstring("sandbox"));
  }
}

TEST_CASE("root is told to become the owner of an object that it does not trust") {
  if (::geteuid() != 0) {
    WARN("skipped: only root becomes another user");
    return;
  }
  const support::watchdog watchdog;
  const support::name name;
  const auto as_owner = [&](auto act) {
    return support::child([&] {
      if (::setuid(65534) != 0) return 1;
      act(name);
      return 0;
    });
  };
  REQUIRE(as_owner(create).wait() == 0);
  const auto refusal = support::refusal_of([&] { use(name); });
  CHECK(refusal.code() == shm::errc::untrusted_owner);
  CHECK_THAT(refusal.what(), ContainsSubstring("sudo -u '#65534', or setpriv --reuid=65534"));
  CHECK(as_owner(use).wait() == 0);
}
