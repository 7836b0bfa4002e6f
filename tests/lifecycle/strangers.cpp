// Strangers: segments and semaphores of other programs under our keys are refused and left alone.
// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>
#include <shm.hpp>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;

namespace {

shm::options impatient() {
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(20);
  return how;
}

/// What IPC_STAT tells of a segment, but for what the test itself does.
struct stamps {
  std::time_t attached, detached;
  pid_t last;
  unsigned long count;

  static stamps of(int id) {
    shmid_ds now{};
    REQUIRE(::shmctl(id, IPC_STAT, &now) == 0);
    return {now.shm_atime, now.shm_dtime, now.shm_lpid, now.shm_nattch};
  }
  friend bool operator==(const stamps& a, const stamps& b) {
    return a.attached == b.attached && a.detached == b.detached && a.last == b.last &&
           a.count == b.count;
  }
};

std::vector<unsigned short> values_of(int set_id, unsigned semaphores) {
  const auto now = semaphore_set(set_id, semaphores, 0).values();
  std::vector<unsigned short> all;
  for (unsigned s = 0; s < semaphores; ++s) all.push_back(now.value[s]);
  return all;
}

std::size_t our_size() {
  const support::name name;
  const shm::object<long> one(name);
  return support::segment_of(name).stat().value.size;
}

bool is_listed(const shm::key& key) {
  for (const shm::object_info& one : shm::list()) {
    if (one.key == key.segment_key()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("another program's segment that begins with zeros is refused and left unchanged") {
  const support::watchdog watchdog(120);
  const std::size_t ours = our_size();
  const bool only_its_last_byte = GENERATE(false, true);
  for (const std::size_t size : {ours, ours + 64, ours + 1, std::size_t{1}, std::size_t{100000}}) {
    for (const bool beside_our_set : {false, true}) {
      for (const bool is_attached : {false, true}) {
        // All zeros, attached by nobody, beside our own semaphores: a dead creator's.
        if (beside_our_set && !is_attached && size <= 8) continue;
        // Only after five seconds.
        if (only_its_last_byte && is_attached) continue;
        CAPTURE(only_its_last_byte, size, beside_our_set, is_attached);
        const support::name name;
        const shm::key key = name;
        if (beside_our_set) {
          { const shm::object<long> one(name); }
          REQUIRE(support::segment_of(name).remove().ok());
        }
        const auto theirs = segment::create(key.segment_key(), size, 0600, false);
        REQUIRE(theirs.ok());
        const support::removed_at_end<shm::detail::segment> at_end(theirs.value);
        attachment memory = std::move(attachment::of(theirs.value, attach_mode::read_write).value);
        std::vector<std::byte> image(size, std::byte{0});
        if (size > 8) {
          const auto first = only_its_last_byte ? image.end() - 1 : image.begin() + 8;
          std::fill(first, image.end(), std::byte{0x5a});
        }
        std::memcpy(memory.address(), image.data(), size);
        if (!is_attached) memory.detach();
        const auto is_refused = [](auto open) {
          return code_of(open) == shm::errc::foreign_segment;
        };
        CHECK(is_refused([&] { const shm::object<long> one(key, impatient()); }));
        // A reader looks at no more than a header, and cannot tell it from a dead creator's.
        const auto read = code_of([&] { const shm::object<const long> one(key, impatient()); });
        CHECK((read == shm::errc::foreign_segment || read == shm::errc::not_found));
        CHECK(is_refused([&] { const shm::any_object one(key, impatient()); }));
        CHECK(is_refused([&] { const shm::mutex one(shm::create_only, key, impatient()); }));
        CHECK(is_refused([&] { shm::remove(key); }));
        CHECK(is_refused([&] { shm::remove(key, shm::force); }));
        CHECK(code_of([&] { shm::remove_if_dead(key); }).value() != 0);
        CHECK(theirs.value.stat().value.attached == (is_attached ? 1 : 0));
        if (!is_attached)
          memory = std::move(attachment::of(theirs.value, attach_mode::read_only).value);
        CHECK(std::memcmp(memory.address(), image.data(), size) == 0);
        CHECK(semaphore_set::find(key.set_key()).ok() == beside_our_set);
      }
    }
  }
}

TEST_CASE(
    "list() attaches no segment of another program, and lists ours without their semaphores") {
  const support::watchdog watchdog;
  const support::name ours, lost;
  { const shm::object<long> one(ours), two(lost); }
  REQUIRE(support::set_of(lost).remove().ok());
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, std::size_t{1 << 20}}) {
    for (const bool is_attached : {false, true}) {
      // Under the key of our semaphores there can be another program's.
      for (const int semaphores : {0, 1, 70}) {
        CAPTURE(size, is_attached, semaphores);
        const shm::key key = shm::key::from_value(0x5efd0000 | (::getpid() & 0xffff));
        const auto theirs = segment::create(key.segment_key(), size, 0600, false);
        REQUIRE(theirs.ok());
        const support::removed_at_end<shm::detail::segment> at_end(theirs.value);
        std::optional<support::removed_at_end<semaphore_set>> set_at_end;
        int set_id = -1;
        if (semaphores != 0) {
          set_id = ::semget(key.set_key(), semaphores, IPC_CREAT | IPC_EXCL | 0600);
          set_at_end.emplace(semaphore_set(set_id, 0, 0));
          REQUIRE(::semctl(set_id, semaphores - 1, SETVAL, 3) == 0);
        }
        // By another process, whose id stays in the segment.
        support::child user([&] {
          attachment memory =
              std::move(attachment::of(theirs.value, attach_mode::read_write).value);
          memory.address()[0] = std::byte{1};
          return 0;
        });
        CHECK(user.wait() == 0);
        attachment memory;
        if (is_attached) {
          memory = std::move(attachment::of(theirs.value, attach_mode::read_write).value);
          REQUIRE(::madvise(memory.address(), size, MADV_DONTFORK) == 0);
        }
        const stamps before = stamps::of(theirs.value.id());
        const auto values = values_of(set_id, static_cast<unsigned>(semaphores));
        support::child lists(
            [&] { return is_listed(ours) && is_listed(lost) && !is_listed(key) ? 0 : 1; });
        CHECK(lists.wait() == 0);
        CHECK(stamps::of(theirs.value.id()) == before);
        CHECK(values_of(set_id, static_cast<unsigned>(semaphores)) == values);
      }
    }
  }
}

TEST_CASE("list() shows an object beside another program's semaphores, and leaves those alone") {
  const support::name name;
  { const shm::object<long> one(name); }
  REQUIRE(support::set_of(name).remove().ok());
  const int theirs = ::semget(name.key().set_key(), 3, IPC_CREAT | IPC_EXCL | 0600);
  {
    const support::removed_at_end<semaphore_set> at_end(semaphore_set(theirs, 0, 0));
    REQUIRE(::semctl(theirs, 1, SETVAL, 5) == 0);
    const auto before = values_of(theirs, 3);
    CHECK(is_listed(name));
    CHECK(values_of(theirs, 3) == before);
    CHECK(code_of([&] { const shm::object<long> one(name); }) == shm::errc::foreign_segment);
    CHECK(code_of([&] { shm::remove(name, shm::force); }) == shm::errc::foreign_segment);
    CHECK(values_of(theirs, 3) == before);
  }
  CHECK(shm::object<long>(name).load() == 0);
}

TEST_CASE("a segment of huge pages that nobody reserved is an error, and never ends the program",
          "[huge]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  const int id = ::shmget(key.segment_key(), huge_page,
                          IPC_CREAT | IPC_EXCL | SHM_HUGETLB | SHM_NORESERVE | 0600);
  if (id == -1) {
    WARN("skipped: the kernel gives this user no segment of huge pages");
    return;
  }
  const support::removed_at_end<shm::detail::segment> at_end(
      segment::find(key.segment_key()).value);
  const bool beside_our_set = GENERATE(false, true);
  if (beside_our_set) {
    REQUIRE(semaphore_set::create(key.set_key(), 64, 0600).ok());
    REQUIRE(support::set_of(key).say_ours().ok());
  }
  const stamps before = stamps::of(id);
  support::child meets_it([&] {
    const auto is_error = [](auto use) { return code_of(use).value() != 0; };
    if (!is_error([&] { const shm::object<long> one(key, impatient()); })) return 1;
    if (!is_error([&] { const shm::object<const long> one(key, impatient()); })) return 2;
    if (!is_error([&] { const shm::any_object one(key, impatient()); })) return 3;
    if (!is_error([&] { const shm::const_any_object one(key, impatient()); })) return 4;
    if (!is_error([&] { shm::remove_if_dead(key); })) return 5;
    if (!is_error([&] { shm::remove(key); })) return 6;
    if (!is_error([&] { shm::remove(key, shm::force); })) return 7;
    static_cast<void>(shm::list());
    return 0;
  });
  CHECK(meets_it.wait() == 0);
  CHECK(stamps::of(id).count == before.count);
  const auto set = semaphore_set::find(key.set_key());
  if (set.ok()) REQUIRE(set.value.remove().ok());
}

TEST_CASE("a stranger's larger set under an id that we know is read within our own memory") {
  const int large = ::semget(IPC_PRIVATE, 500, 0600);
  const support::removed_at_end<semaphore_set> at_end(semaphore_set(large, 0, 0));
  REQUIRE(::semctl(large, 499, SETVAL, 9) == 0);
  // As if it had come round while a smaller one was looked at.
  const semaphore_set known(large, semaphore::first_seat + 1, 0);
  const auto now = known.values();
  REQUIRE(now.ok());
  CHECK(now.value[499] == 9);
  CHECK_FALSE(now.value.somebody_sits(known.semaphores()));
  CHECK(semaphore_set(large, 500, 5).is_itself().value == false);
}

TEST_CASE(
    "another program's data under the key of an object that goes on without it are left alone") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::key key = name;
  const bool is_forced = GENERATE(false, true);
  const bool is_attached = GENERATE(false, true);
  auto user = std::make_unique<shm::object<long>>(name);
  const std::size_t size = support::segment_of(name).stat().value.size;
  REQUIRE(support::segment_of(name).remove().ok());  // ipcrm -m
  const auto theirs = segment::create(key.segment_key(), size, 0600, false);
  const support::removed_at_end<shm::detail::segment> at_end(theirs.value);
  attachment memory = std::move(attachment::of(theirs.value, attach_mode::read_write).value);
  memory.address()[8] = std::byte{1};
  if (!is_attached) memory.detach();
  CHECK(code_of([&] { is_forced ? shm::remove(key, shm::force) : shm::remove(key); }) ==
        shm::errc::foreign_segment);
  CHECK(code_of([&] { shm::object<long> late(key); }).value() != 0);
  memory = std::move(attachment::of(theirs.value, attach_mode::read_only).value);
  CHECK(life_of(header_at(memory)).bits() == 0);
  CHECK(memory.address()[8] == std::byte{1});
  user.reset();
}
