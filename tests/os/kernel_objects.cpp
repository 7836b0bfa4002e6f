// Kernel objects: one system call per function, its failure in the result.
// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <sys/shm.h>

#include <shm.hpp>
#include <utility>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"

using namespace shm::detail;

TEST_CASE("a private segment is made, told about, changed and removed") {
  const auto made = segment::create(IPC_PRIVATE, 5000, 0600, false);
  REQUIRE(made.ok());
  const support::removed_at_end<shm::detail::segment> guard(made.value);
  CHECK(made.value.stat().value.size == 5000);
  CHECK(made.value.stat().value.attached == 0);
  CHECK(made.value.stat().value.owner.mode == 0600);
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

TEST_CASE("the kernel frees the door and the seat of a process that is killed, and posts a token") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 2, 0600);
  REQUIRE(made.ok());
  const support::removed_at_end<shm::detail::semaphore_set> guard(made.value);
  const semaphore_set set = made.value;
  support::child victim([set]() -> int {
    if (!set.take_seat(1).ok() || !set.enter_door(1, deadline::never()).ok()) return 1;
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  CHECK(set.value(semaphore::door).value == 0);
  CHECK(set.value(semaphore::first_seat + 1).value == 0);
  CHECK(set.value(semaphore::wake).value == 1);
}

TEST_CASE("leaving a seat posts the token that a death would have posted, and no second one") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 2, 0600);
  const support::removed_at_end<semaphore_set> guard(made.value);
  const semaphore_set set = made.value;
  support::child leaver([set] { return set.take_seat(0).ok() && set.leave_seat(0).ok() ? 0 : 1; });
  CHECK(leaver.wait() == 0);
  CHECK(set.value(semaphore::wake).value == 1);
  CHECK(set.take_seat(0).ok());
  CHECK(set.take_seat(0).error_number == EAGAIN);
  CHECK(set.leave_seat(0).ok());
  CHECK(set.value(semaphore::wake).value == 2);
}

TEST_CASE("a set that has another mark by now is not changed") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 2, 0600);
  const support::removed_at_end<semaphore_set> guard(made.value);
  REQUIRE(made.value.put_mark(0x12345).ok());
  CHECK(made.value.put_mark(0x54321).error_number == EAGAIN);
  const semaphore_set own = made.value.with_mark(0x12345), another = made.value.with_mark(0x12346);
  CHECK(own.is_itself().value);
  CHECK_FALSE(another.is_itself().value);
  CHECK(another.take_seat(0).error_number == EAGAIN);
  CHECK(another.post_wake_token().error_number == EAGAIN);
  CHECK(another.begin_raw_edit().error_number == EAGAIN);
  REQUIRE(own.try_enter_door(7).ok());
  CHECK(another.leave_door(7).error_number == EAGAIN);
  CHECK(own.leave_door(8).error_number == EAGAIN);  // another program is inside
  CHECK(own.value(semaphore::door).value == 7);
  CHECK(own.leave_door(7).ok());
  CHECK(own.take_seat(0).ok());
  CHECK(own.leave_seat(0).ok());
  CHECK(own.is_itself().value);
}

TEST_CASE("one wake token is enough, and a deadline ends the wait for one") {
  const auto made = semaphore_set::create(IPC_PRIVATE, 1, 0600);
  const support::removed_at_end<shm::detail::semaphore_set> guard(made.value);
  CHECK(made.value.post_wake_token().ok());
  CHECK(made.value.post_wake_token().error_number == EAGAIN);
  CHECK(made.value.take_wake_token(deadline::never()).ok());
  CHECK(made.value.take_wake_token(deadline::after(std::chrono::milliseconds(1))).error_number ==
        EAGAIN);
}

TEST_CASE("trust looks at owner, creator and mode") {
  const uid_t me = ::geteuid();
  const gid_t us = ::getegid();
  const auto trusted = [](const ownership& one, shm::access who, purpose why = purpose::read) {
    return one.lets_in_no_more_than(who) && one.is_trusted(who, why);
  };
  CHECK(trusted({me, me, us, us, 0600}, shm::access::owner));
  CHECK(trusted({0, 0, us, us, 0600}, shm::access::owner));
  CHECK_FALSE(trusted({me + 1, me, us, us, 0600}, shm::access::owner));
  CHECK_FALSE(trusted({me, me + 1, us, us, 0600}, shm::access::owner));
  CHECK_FALSE(trusted({me, me, us, us, 0660}, shm::access::owner));
  CHECK_FALSE(trusted({me, me, us, us, 0666}, shm::access::group));
  CHECK(ownership{3, 3, 4, 4, 0640}.describe() == "owner uid 3, group 4, mode 0640");
  CHECK(ownership{3, 4, 5, 6, 0640}.describe() ==
        "owner uid 3, group 5, created by uid 4, created with group 6, mode 0640");
}

TEST_CASE("a group trusts what a process of the group made, not what was given to it") {
  const uid_t other = ::geteuid() + 1;
  const gid_t us = ::getegid(), stranger = us + 4242;
  const auto both = purpose::read_and_write;
  for (const shm::access who : {shm::access::group, shm::access::group_read}) {
    CHECK(ownership{other, other, us, us, 0640}.is_trusted(who, purpose::read));
    CHECK_FALSE(ownership{other, other, us, stranger, 0640}.is_trusted(who, purpose::read));
    CHECK_FALSE(ownership{other, other, stranger, stranger, 0640}.is_trusted(who, purpose::read));
    CHECK_FALSE(ownership{other, other, stranger, us, 0640}.is_trusted(who, purpose::read));
    CHECK(ownership{other, 0, us, stranger, 0640}.is_trusted(who, purpose::read));
  }
  CHECK(ownership{other, other, us, us, 0660}.is_trusted(shm::access::group, both));
  CHECK_FALSE(ownership{other, other, us, us, 0640}.is_trusted(shm::access::group_read, both));
}

TEST_CASE("what everyone may read is written by its owner alone") {
  const uid_t me = ::geteuid(), other = me + 1;
  const auto who = shm::access::everyone_read;
  CHECK(ownership{other, other, 7, 7, 0644}.is_trusted(who, purpose::read));
  CHECK_FALSE(ownership{other, other, 7, 7, 0644}.is_trusted(who, purpose::read_and_write));
  CHECK(ownership{me, me, 7, 7, 0644}.is_trusted(who, purpose::read_and_write));
  CHECK(ownership{other, other, 7, 7, 0666}.is_trusted(shm::access::everyone,
                                                       purpose::read_and_write));
}

TEST_CASE("an access that there is not lets in nobody but the owner") {
  const auto none = static_cast<shm::access>(99);
  CHECK(permissions(none) == 0600);
  const ownership other{::geteuid() + 1, ::geteuid() + 1, ::getegid(), ::getegid(), 0600};
  CHECK_FALSE(other.is_trusted(none, purpose::read));
}

TEST_CASE("the addresses of withdrawn memory are reserved as long as the attachment lives") {
  constexpr std::size_t size = 5000;
  const auto made = segment::create(IPC_PRIVATE, size, 0600, false);
  const support::removed_at_end<shm::detail::segment> at_end(made.value);
  const auto is_free = [](void* address) {
    void* const mapped =
        ::mmap(address, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (mapped == MAP_FAILED) return false;
    ::munmap(mapped, 4096);
    return mapped == address;  // an old kernel takes the address for a wish
  };
  attachment memory = std::move(attachment::of(made.value, attach_mode::read_write).value);
  void* const first = memory.address();
  CHECK_FALSE(memory.vacate());  // not withdrawn
  CHECK(made.value.stat().value.attached == 1);
  REQUIRE(memory.withdraw(size).ok());
  CHECK(memory.vacate());
  CHECK(made.value.stat().value.attached == 0);
  attachment moved = std::move(memory);
  CHECK_FALSE(is_free(first));
  moved.detach();
  CHECK(is_free(first));
}

TEST_CASE("the right to remove a segment is asked without changing it") {
  const auto made = segment::create(IPC_PRIVATE, 5000, 0600, false);
  const support::removed_at_end<shm::detail::segment> guard(made.value);
  const auto memory = attachment::of(made.value, attach_mode::read_write);
  shmid_ds before{}, after{};
  REQUIRE(::shmctl(made.value.id(), IPC_STAT, &before) == 0);
  before.shm_perm.mode = 0400;
  REQUIRE(::shmctl(made.value.id(), IPC_SET, &before) == 0);
  CHECK(made.value.may_remove().ok());
  REQUIRE(::shmctl(made.value.id(), IPC_STAT, &after) == 0);
  CHECK((after.shm_perm.mode & 0777) == 0400);
  CHECK(after.shm_perm.uid == before.shm_perm.uid);
  CHECK(after.shm_perm.gid == before.shm_perm.gid);
}
