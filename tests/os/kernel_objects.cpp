// Kernel objects: one system call per function, its failure in the result.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"

using namespace shm::detail;

TEST_CASE("a private segment is made, told about, changed and removed") {
  const auto made = segment::create(IPC_PRIVATE, 5000, 0600, false);
  REQUIRE(made.ok());
  made_here<segment> guard;
  guard.own(made.value);
  CHECK(made.value.stat().value.size == 5000);
  CHECK(made.value.stat().value.attached == 0);
  CHECK(made.value.set_mode(0640).ok());
  CHECK(made.value.stat().value.owner.mode == 0640);
  {
    const auto attached = attachment::of(made.value, attach_mode::read_write);
    REQUIRE(attached.ok());
    attached.value.prefault(5000);
    attached.value.address()[4999] = std::byte{7};
    CHECK(made.value.stat().value.attached == 1);
    const auto reader = attachment::of(made.value, attach_mode::read_only);
    CHECK(reader.value.address()[4999] == std::byte{7});
  }
  CHECK(made.value.stat().value.attached == 0);
}

TEST_CASE("what does not exist is a result with errno") {
  const shm::key key = support::names::next();
  CHECK(segment::find(key.segment_key()).error_number == ENOENT);
  CHECK(semaphore_set::find(key.set_key()).error_number == ENOENT);
  const segment none;
  CHECK(means_gone(none.stat().error_number));
  CHECK(means_gone(none.remove().error_number));
}

TEST_CASE("an object made here is removed unless it is kept") {
  int id = -1;
  {
    made_here<segment> guard;
    const auto made = segment::create(IPC_PRIVATE, 1, 0600, false);
    guard.own(made.value);
    id = made.value.id();
  }
  shmid_ds data{};
  CHECK(::shmctl(id, IPC_STAT, &data) == -1);
}

TEST_CASE("the kernel frees the door and the seat of a process that is killed, and posts a token") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 2, 0600);
  REQUIRE(made.ok());
  made_here<semaphore_set> guard;
  guard.own(made.value);
  const semaphore_set set = made.value;
  support::child victim([set]() -> int {
    if (!set.take_seat(1).ok() || !set.enter_door(deadline::never()).ok()) return 1;
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  CHECK(set.value(semaphore::door).value == 0);
  CHECK(set.value(semaphore::first_seat + 1).value == 0);
  CHECK(set.value(semaphore::wake).value == 1);
}

TEST_CASE("a clean leave takes back the token that a death would have posted") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 2, 0600);
  made_here<semaphore_set> guard;
  guard.own(made.value);
  const semaphore_set set = made.value;
  support::child leaver([set] { return set.take_seat(0).ok() && set.leave_seat(0).ok() ? 0 : 1; });
  CHECK(leaver.wait() == 0);
  CHECK(set.value(semaphore::wake).value == 0);
  CHECK(set.take_seat(0).ok());
  CHECK(set.take_seat(0).error_number == EAGAIN);
  CHECK(set.leave_seat(0).ok());
}

TEST_CASE("one wake token is enough, and a deadline ends the wait for one") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 1, 0600);
  made_here<semaphore_set> guard;
  guard.own(made.value);
  CHECK(made.value.post_wake_token().ok());
  CHECK(made.value.post_wake_token().error_number == EAGAIN);
  CHECK(made.value.take_wake_token(deadline::never()).ok());
  CHECK(made.value.take_wake_token(deadline::after(std::chrono::milliseconds(1))).error_number ==
        EAGAIN);
}

TEST_CASE("trust looks at owner, creator and mode") {
  const uid_t me = ::geteuid();
  CHECK(ownership{me, me, 0600}.trusted(shm::access::owner));
  CHECK(ownership{0, 0, 0600}.trusted(shm::access::owner));
  CHECK_FALSE(ownership{me + 1, me, 0600}.trusted(shm::access::owner));
  CHECK_FALSE(ownership{me, me + 1, 0600}.trusted(shm::access::owner));
  CHECK(ownership{me + 1, me + 1, 0660}.trusted(shm::access::group));
  CHECK_FALSE(ownership{me, me, 0660}.trusted(shm::access::owner));
  CHECK_FALSE(ownership{me, me, 0666}.trusted(shm::access::group));
  CHECK(ownership{me, me, 0644}.trusted(shm::access::everyone_read));
  CHECK(ownership{3, 3, 0640}.describe() == "owner uid 3, mode 0640");
  CHECK(ownership{3, 4, 0640}.describe() == "owner uid 3, created by uid 4, mode 0640");
}

TEST_CASE("an access that there is not lets in nobody but the owner") {
  CHECK(permissions(static_cast<shm::access>(99)) == 0600);
}
