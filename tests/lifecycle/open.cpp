// Open: every refusal with its errc and a message to act on; nothing changed, nothing lost.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <random>
#include <shm.hpp>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/sleeper.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;
using support::exists;
using support::memory_of;
using support::refusal_of;
using support::segment_of;
using support::set_of;
using support::sleeper_is_told;
using support::telemetry;

namespace {

/// Its program has more to say of it than a segment has room for.
struct wordy {
  BOOST_HANA_DEFINE_STRUCT(wordy, (int, n));
};

template <class T>
struct of_twenty {
  BOOST_HANA_DEFINE_STRUCT(of_twenty, (T, first), (T, second), (T, third), (T, fourth), (T, fifth),
                           (T, sixth), (T, seventh), (T, eighth), (T, ninth), (T, tenth),
                           (T, eleventh), (T, twelfth), (T, thirteenth), (T, fourteenth),
                           (T, fifteenth), (T, sixteenth), (T, seventeenth), (T, eighteenth),
                           (T, nineteenth), (T, twentieth));
};

struct telemetry_with_other_gear {
  BOOST_HANA_DEFINE_STRUCT(telemetry_with_other_gear, (double, speed), (std::int16_t, gear));
};

shm::options with_timeout(std::chrono::milliseconds span) {
  shm::options how;
  how.open_timeout = span;
  return how;
}

}  // namespace

template <>
struct shm::notes<wordy> {
  static constexpr auto text = [] {
    std::array<char, 70000> words{};
    for (char& letter : words) letter = 'x';
    return words;
  }();
  static constexpr std::array value{shm::note{"n", "", 0, 1, {text.data(), text.size()}}};
};

TEST_CASE("a changed struct is refused with the field that differs") {
  const support::name name;
  shm::object<telemetry> old(name);
  const auto refusal = refusal_of([&] { shm::object<telemetry_with_other_gear> changed(name); });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  CHECK_THAT(
      refusal.what(),
      ContainsSubstring("gear: int32 at byte 8 in the segment, int16 at byte 8 in this program"));
  CHECK(refusal_of([&] { shm::object<const telemetry_with_other_gear> viewer(name); }).code() ==
        shm::errc::type_mismatch);
  old.store({1, 2});
  CHECK(old.load().gear == 2);
}

TEST_CASE("another number of elements is a type mismatch that says so") {
  const support::name name;
  shm::array<int, 64> numbers(name);
  const auto refusal = refusal_of([&] { shm::array<int, 128> other(name); });
  CHECK(refusal.code() == shm::errc::type_mismatch);
  CHECK_THAT(refusal.what(),
             ContainsSubstring("64 elements in the segment, 128 elements in this program"));
}

TEST_CASE("object, array and mutex are kinds that do not mix") {
  const support::name name;
  shm::array<int, 2> numbers(name);
  const auto refusal = refusal_of([&] { shm::object<int> one(name); });
  CHECK(refusal.code() == shm::errc::kind_mismatch);
  CHECK_THAT(refusal.what(), ContainsSubstring("this is shm::array, not shm::object"));
  CHECK(refusal_of([&] { shm::mutex mutex(name); }).code() == shm::errc::kind_mismatch);
}

TEST_CASE("two names with one key are told apart") {
  const support::name name;
  shm::object<int> one(name);
  // Another name in the segment is what a collision of two hashes looks like.
  memory_of(name).head().fixed.name[0] ^= 1;
  const auto refusal = refusal_of([&] { shm::object<int> other(name); });
  CHECK(refusal.code() == shm::errc::name_collision);
  CHECK_THAT(refusal.what(), ContainsSubstring("belongs to another name"));
  CHECK(refusal_of([&] { shm::remove(name, shm::force); }).code() == shm::errc::name_collision);
  memory_of(name).head().fixed.name[0] ^= 1;
}

TEST_CASE("an object is found by the value of its key, too") {
  const support::name name;
  shm::object<int> one(shm::create_only, name, 5);
  shm::object<int> same(shm::open_only, shm::key::from_value(name.key().segment_key()));
  CHECK(same.load() == 5);
  CHECK(same.name() == name.text());
}

TEST_CASE("another program's segment is refused and stays as it is") {
  const support::watchdog watchdog;
  const shm::key key = shm::key::from_value(0x5eed0000 | (::getpid() & 0xffff));
  const std::size_t size = GENERATE(std::size_t{1}, std::size_t{100}, std::size_t{100000});
  const bool written = GENERATE(false, true);
  const auto foreign = segment::create(key.segment_key(), size, 0600, false);
  const support::removed_at_end<shm::detail::segment> guard(foreign.value);
  const auto memory = attachment::of(foreign.value, attach_mode::read_write);
  if (written) memory.value.address()[0] = std::byte{42};
  const shm::options how = with_timeout(std::chrono::milliseconds(20));
  const auto refusal = refusal_of([&] { shm::object<telemetry> car(key, how); });
  CHECK(refusal.code() == shm::errc::foreign_segment);
  CHECK_THAT(refusal.what(), ContainsSubstring("stays untouched"));
  CHECK(refusal_of([&] { shm::object<const telemetry> car(key, how); }).code() ==
        shm::errc::foreign_segment);
  CHECK(refusal_of([&] { shm::remove(key); }).code() == shm::errc::foreign_segment);
  CHECK(refusal_of([&] { shm::remove(key, shm::force); }).code() == shm::errc::foreign_segment);
  CHECK(memory.value.address()[0] == (written ? std::byte{42} : std::byte{0}));
  CHECK(foreign.value.stat().value.attached == 1);
  CHECK(semaphore_set::find(key.set_key()).error_number == ENOENT);
}

TEST_CASE("a blank segment beside our semaphores is a dead creator's, unless somebody uses it") {
  const support::name name;
  { shm::object<int> one(name); }
  const std::size_t our_size = segment_of(name).stat().value.size;
  REQUIRE(segment_of(name).remove().ok());  // ipcrm -m
  const std::size_t more = GENERATE(0u, 64u * 2000u);
  const auto blank = segment::create(name.key().segment_key(), our_size + more, 0600, false);
  REQUIRE(blank.ok());
  {
    const auto user = attachment::of(blank.value, attach_mode::read_write);
    const shm::options how = with_timeout(std::chrono::milliseconds(20));
    const auto refusal = refusal_of([&] { shm::object<int> mine(name, how); });
    CHECK(refusal.code() == shm::errc::foreign_segment);
    CHECK(segment_of(name).id() == blank.value.id());
  }
  CHECK(shm::object<int>(shm::open_or_create, name, 7).load() == 7);
}

TEST_CASE("a blank segment in whose seats somebody sits is corrupt, and its value stays") {
  const support::name name;
  const shm::object<int> user(shm::create_only, name, 7);
  const auto memory = memory_of(name);
  const std::uint64_t life = memory.head().life.exchange(0);
  const description fixed = memory.head().fixed;
  if (GENERATE(false, true)) memory.head().fixed = {};  // nothing tells whose it is
  const auto refusal = refusal_of([&] { shm::object<int> mine(name); });
  CHECK(refusal.code() == shm::errc::corrupt);
  CHECK_THAT(refusal.what(), ContainsSubstring("scribbled"));
  CHECK(user.load() == 7);
  memory.head().fixed = fixed;
  memory.head().life = life;
  CHECK(shm::object<int>(shm::open_only, name).load() == 7);
}

TEST_CASE("what is half-made is not found by who may not create") {
  const support::name name;
  { shm::object<int> one(name); }
  support::set_state(name, life_state::under_construction);
  for (int n = 0; n < 2; ++n) {
    const auto refusal = refusal_of([&] { shm::object<int> mine(shm::open_only, name); });
    CHECK(refusal.code() == shm::errc::not_found);
    CHECK_THAT(refusal.what(), ContainsSubstring("its creator died"));
    CHECK(refusal_of([&] { shm::object<const int> view(name); }).code() == shm::errc::not_found);
  }
  CHECK(shm::object<int>(shm::create_only, name, 7).load() == 7);
}

TEST_CASE("another program's semaphores are refused and keep their values") {
  const shm::key key = shm::key::from_value(0x5eef0000 | (::getpid() & 0xffff));
  const int count = GENERATE(1, 6, 70);
  const int id = ::semget(key.set_key(), count, IPC_CREAT | IPC_EXCL | 0600);
  const support::removed_at_end<shm::detail::semaphore_set> guard(semaphore_set(id, 0, 0));
  REQUIRE(::semctl(id, 0, SETVAL, 1) == 0);
  const auto refusal = refusal_of([&] { shm::object<telemetry> car(key); });
  CHECK(refusal.code() == shm::errc::foreign_segment);
  CHECK_THAT(refusal.what(), ContainsSubstring("semaphore set"));
  CHECK(refusal_of([&] { shm::remove(key, shm::force); }).code() == shm::errc::foreign_segment);
  CHECK(::semctl(id, 0, GETVAL) == 1);
  CHECK(segment::find(key.segment_key()).error_number == ENOENT);
}

TEST_CASE("what another user made is trusted only as far as options::access says") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  const support::name name;
  support::baton made, checked;
  support::child stranger([&] {
    if (::setuid(65534) != 0) return 1;
    shm::options open_to_all;
    open_to_all.access = shm::access::everyone;
    shm::object<int> theirs(shm::create_only, name, 1, open_to_all);
    made.pass();
    checked.await();
    shm::remove(name, shm::force);  // root may not, without CAP_SYS_ADMIN
    return 0;
  });
  made.await();
  const auto refusal = refusal_of([&] { shm::object<int> mine(name); });
  CHECK(refusal.code() == shm::errc::untrusted_owner);
  CHECK_THAT(refusal.what(), ContainsSubstring("owner uid 65534, group 0, mode 0666"));
  CHECK(refusal_of([&] { shm::object<const int> viewer(name); }).code() ==
        shm::errc::untrusted_owner);
  shm::options trusting;
  trusting.access = shm::access::everyone;
  CHECK(shm::object<int>(name, trusting).load() == 1);
  checked.pass();
  CHECK(stranger.wait() == 0);
}

TEST_CASE("without permission the kernel's refusal comes with whom to ask") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can play another user");
    return;
  }
  const support::watchdog watchdog;
  const support::name name, readable_name, open_name;
  shm::object<int> secret(name);
  shm::options readable, open_to_all;
  readable.access = shm::access::everyone_read;
  open_to_all.access = shm::access::everyone;
  shm::object<int> published(shm::create_only, readable_name, 3, readable);
  { shm::object<int> unused(shm::create_only, open_name, 4, open_to_all); }
  const auto says = [](const shm::error& refusal, const char* words) {
    return std::string(refusal.what()).find(words) != std::string::npos;
  };
  support::child stranger([&] {
    if (::setuid(65534) != 0) return 1;
    try {
      shm::object<const int> viewer(name);
      return 2;
    } catch (const shm::error& refusal) {
      if (refusal.code() != std::errc::permission_denied) return 3;
      if (!says(refusal, "uid 65534) may not") || !says(refusal, "owner uid 0, group 0, mode 0600"))
        return 8;
    }
    try {
      shm::object<int> writer(readable_name, readable);
      return 4;
    } catch (const shm::error& refusal) {
      if (refusal.code() != std::errc::permission_denied) return 5;
      if (!says(refusal, "shm::access") || !says(refusal, "owner uid 0, group 0, mode 0644"))
        return 6;
    }
    try {
      shm::remove(open_name);
      return 9;
    } catch (const shm::error& refusal) {
      if (refusal.code() != std::errc::operation_not_permitted) return 10;
      if (!says(refusal, "IPC_SET") ||
          !says(refusal, "semaphore set, which has owner uid 0, group 0, mode 0666")) {
        return 11;
      }
    }
    return shm::object<const int>(readable_name, readable).load() == 3 ? 0 : 7;
  });
  CHECK(stranger.wait() == 0);
  CHECK(secret.load() == 0);
  CHECK(shm::object<int>(open_name, open_to_all).load() == 4);  // as before
}

TEST_CASE("a segment of another memory layout is refused") {
  const support::name name;
  shm::object<int> one(name);
  memory_of(name).head().fixed.layout += 1;
  const std::string numbers = "memory layout " + std::to_string(layout_number + 1) +
                              ", this program uses layout " + std::to_string(layout_number);
  const auto check = [&numbers](const shm::error& refusal) {
    CHECK(refusal.code() == shm::errc::incompatible_layout);
    CHECK_THAT(refusal.what(), ContainsSubstring(numbers));
  };
  check(refusal_of([&] { shm::object<int> other(name); }));
  check(refusal_of([&] { shm::object<int> other(shm::create_only, name); }));
  check(refusal_of([&] { shm::object<int> other(shm::open_only, name); }));
  check(refusal_of([&] { shm::object<const int> viewer(name); }));
  check(refusal_of([&] { shm::array<const int, 2> viewer(name); }));
  check(refusal_of([&] { shm::mutex mutex(name); }));
  one.store(5);  // it stays as it was
  CHECK(one.load() == 5);
}

TEST_CASE("a segment of another memory layout is refused though it is shorter than our header") {
  const support::name name;
  const auto made = segment::create(name.key().segment_key(), 128, 0600, false);
  const memory_of memory(name);
  memory.head().fixed.layout = layout_number + 1;
  support::set_state(memory.head(), life_state::ready);
  CHECK(code_of([&] { shm::object<int> one(name); }) == shm::errc::incompatible_layout);
  CHECK(code_of([&] { shm::object<const int> one(name); }) == shm::errc::incompatible_layout);
  CHECK(made.value.stat().ok());
}

TEST_CASE("a scribbled header is corrupt, never a crash") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> one(name);
  memory_of memory(name);
  description& facts = memory.head().fixed;
  const auto corrupt = [&](auto& field, auto value) {
    const auto before = field;
    field = value;
    CHECK(refusal_of([&] { shm::object<int> other(name); }).code() == shm::errc::corrupt);
    CHECK(refusal_of([&] { shm::object<const int> other(name); }).code() == shm::errc::corrupt);
    field = before;
  };
  corrupt(facts.seats, 0u);
  corrupt(facts.seats, 0xffffffffu);
  corrupt(facts.name_length, 0u);
  corrupt(facts.name_length, 64u);
  corrupt(facts.schema_length, 0xffffffffu);
  corrupt(facts.fingerprint, std::uint64_t{1});
  corrupt(facts.payload_size, ~std::uint64_t{0});
  corrupt(facts.payload_offset, ~std::uint64_t{0});
  corrupt(facts.payload_offset, std::uint64_t{0});
  corrupt(facts.type_size, std::uint64_t{0});
  facts.seats = 0;
  CHECK_THAT(
      refusal_of([&] { shm::object<int> other(name); }).what(),
      ContainsSubstring("number of seats") && ContainsSubstring("shm::remove(name, shm::force)"));
  facts.seats = 64;
  CHECK(shm::object<int>(name).load() == 0);
}

TEST_CASE("a truncated segment with our mark is corrupt") {
  const support::name name;
  const auto made = segment::create(name.key().segment_key(), 64, 0600, false);
  const auto memory = attachment::of(made.value, attach_mode::read_write);
  REQUIRE(memory.ok());
  support::set_state(header_at(memory.value), life_state::ready);
  const auto refusal = refusal_of([&] { shm::object<int> one(name); });
  CHECK(refusal.code() == shm::errc::corrupt);
  CHECK(made.value.stat().ok());
}

TEST_CASE("a lock word that names a seat that is not there is corrupt") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> one(name);
  memory_of(name).head().lock.store(lock_word(seat_identity(5, 2000), 1).bits());
  CHECK(refusal_of([&] { one.store(1); }).code() == shm::errc::corrupt);
  memory_of(name).head().lock.store(0);
  one.store(1);
}

TEST_CASE("a journal that names an element that is not there is corrupt") {
  const support::watchdog watchdog;
  const support::name name;
  shm::array<int, 4> numbers(name);
  memory_of memory(name);
  auto& array = memory.array<int, 4>();
  array.journal_index.store(1000);
  CHECK(refusal_of([&] { numbers.store(0, 1); }).code() == shm::errc::corrupt);
  array.journal_index.store(0);
  numbers.store(0, 1);
}

TEST_CASE("a scribbler gets errors or nonsense out of the others, never a signal or a hang",
          "[race]") {
  const support::watchdog watchdog(120);
  std::minstd_rand random(42);
  for (int round = 0; round < 300; ++round) {
    const support::name name;
    shm::array<telemetry, 5> cars(name, with_timeout(std::chrono::milliseconds(20)));
    memory_of memory(name);
    const std::size_t size = segment_of(name).stat().value.size;
    for (auto scribbles = 1 + random() % 6; scribbles > 0; --scribbles) {
      const std::size_t where = random() % 3 == 0 ? random() % size : random() % 256;
      memory.bytes()[where] = static_cast<std::byte>(random());
    }
    support::child user([&] {
      const support::watchdog child_watchdog(30);
      const auto attempt = [](auto&& use) {
        try {
          use();
        } catch (const shm::error&) {
        }
      };
      attempt([&] {
        shm::array<telemetry, 5> mine(name, with_timeout(std::chrono::milliseconds(20)));
        static_cast<void>(mine.load(3));
      });
      attempt([&] {
        shm::array<const telemetry, 5> viewer(name);
        static_cast<void>(viewer.load(2));
      });
      attempt([&] { shm::object<int> wrong(name, with_timeout(std::chrono::milliseconds(20))); });
      return 0;
    });
    CHECK(user.wait() == 0);
    support::set_state(memory.head(), life_state::ready);
    memory.head().fixed.name_length = 0;  // so that the name's removal is not taken for a collision
  }
}

TEST_CASE("a number of seats that cannot be is an invalid argument") {
  const support::name name;
  shm::options how;
  how.seats = GENERATE(0u, 2049u, 4000000000u);
  const auto refusal = refusal_of([&] { shm::object<int> one(name, how); });
  CHECK(refusal.code() == std::errc::invalid_argument);
  CHECK_THAT(refusal.what(), ContainsSubstring("from 1 to 2048"));
  CHECK_FALSE(exists(name));
}

TEST_CASE("a type with too long a description is an invalid argument, and nothing is made") {
  const support::name name;
  const auto refusal = refusal_of([&] { shm::object<wordy> x(name); });
  CHECK(refusal.code() == std::errc::invalid_argument);
  CHECK_THAT(refusal.what(), ContainsSubstring("room for 65536"));
  CHECK_FALSE(exists(name));
}

TEST_CASE("a type of too many fields is an invalid argument, and nothing is made") {
  const support::name name;
  const auto refusal =
      refusal_of([&] { shm::object<of_twenty<of_twenty<of_twenty<int>>>> x(name); });
  CHECK(refusal.code() == std::errc::invalid_argument);
  CHECK_THAT(refusal.what(), ContainsSubstring("more than 4096 fields"));
  CHECK_FALSE(exists(name));
}

TEST_CASE("when all seats are taken, the message says by whom, and readers still find a place") {
  const support::name name;
  shm::options how;
  how.seats = 2;
  shm::object<int> one(name, how), two(name);
  const auto refusal = refusal_of([&] { shm::object<int> three(name); });
  CHECK(refusal.code() == shm::errc::no_free_seat);
  CHECK_THAT(refusal.what(), ContainsSubstring("pid " + std::to_string(::getpid())));
  CHECK(shm::object<const int>(name).load() == 0);
  { shm::object<int> leaving = std::move(two); }
  shm::object<int> three(name);
  three.store(3);
  CHECK(one.load() == 3);
}

TEST_CASE("of many who sit, the message names some") {
  const support::name name;
  shm::options how;
  how.seats = 9;
  std::vector<std::unique_ptr<shm::mutex>> all;
  for (unsigned n = 0; n < how.seats; ++n) all.push_back(std::make_unique<shm::mutex>(name, how));
  const auto refusal = refusal_of([&] { shm::mutex one_more(name); });
  CHECK(refusal.code() == shm::errc::no_free_seat);
  CHECK_THAT(refusal.what(), ContainsSubstring("pid " + std::to_string(::getpid()) + ", …;"));
}

TEST_CASE("the most seats that there can be all work") {
  const support::name name;
  shm::options how;
  how.seats = 2048;
  shm::mutex mutex(name, how);
  mutex.lock();
  mutex.unlock();
}

TEST_CASE("the permissions are those that were asked for") {
  const auto [asked, mode] =
      GENERATE(table<shm::access, unsigned>({{shm::access::owner, 0600u},
                                             {shm::access::group, 0660u},
                                             {shm::access::group_read, 0640u},
                                             {shm::access::everyone_read, 0644u},
                                             {shm::access::everyone, 0666u}}));
  const support::name name;
  shm::options how;
  how.access = asked;
  shm::object<int> one(name, how);
  CHECK(segment_of(name).stat().value.owner.mode == mode);
  CHECK(set_of(name).stat().value.owner.mode == mode);
}

TEST_CASE("without a limit to spare, the kernel's refusal comes with the limit to raise") {
  if (::geteuid() != 0) {
    WARN("skipped: only root has an IPC namespace of its own to set limits in");
    return;
  }
  const support::watchdog watchdog;
  support::child limited([&] {
    if (::unshare(CLONE_NEWIPC) != 0) return 0;  // no such namespaces here
    const auto limit = [](const char* file, const char* value) {
      std::ofstream(std::string("/proc/sys/kernel/") + file) << value;
    };
    const auto reached = [](const char* text) {
      try {
        shm::object<int> one("limited");
        return false;
      } catch (const shm::error& refusal) {
        return refusal.code() == shm::errc::limit_reached &&
               std::string(refusal.what()).find(text) != std::string::npos;
      }
    };
    limit("shmmni", "0");
    if (!reached("kernel.shmmni")) return 1;
    limit("shmmni", "4096");
    limit("shmmax", "100");
    if (!reached("kernel.shmmax")) return 2;
    limit("shmmax", "100000000");
    limit("shmall", "0");
    if (!reached("kernel.shmall")) return 3;
    limit("shmall", "100000000");
    limit("sem", "10 32000 500 32000");
    if (!reached("fewer options::seats")) return 4;
    limit("sem", "250 20 500 32000");
    if (!reached("no more semaphore sets")) return 5;
    return exists("limited") ? 6 : 0;
  });
  CHECK(limited.wait() == 0);
}

TEST_CASE("a value too large for the kernel is a limit reached, and nothing is left") {
  const support::name name;
  struct huge {
    std::array<char, std::size_t{1} << 46> bytes;
  };
  const auto refusal = refusal_of([&] { shm::object<huge> one(shm::open_only, name); });
  CHECK(refusal.code() == shm::errc::not_found);
  const shm::schema type("x", 1, 1);
  const blueprint plan{segment_kind::object,           &type,  std::size_t{1} << 62, 64,
                       [](std::byte*, const void*) {}, nullptr};
  const auto too_large =
      refusal_of([&] { connection one(name, open_mode::open_or_create, {}, &plan); });
  CHECK(too_large.code() == shm::errc::limit_reached);
  CHECK_THAT(too_large.what(), ContainsSubstring("shmget"));
  CHECK_FALSE(exists(name));
}

TEST_CASE("where no huge pages are, ordinary ones are used") {
  const support::name name;
  shm::options how;
  how.huge_pages = true;
  how.prefault = true;
  shm::object<int> one(shm::create_only, name, 4, how);
  CHECK(one.load() == 4);
}

TEST_CASE("memory is mapped in advance, by writers and readers") {
  const support::name name;
  shm::options how;
  how.prefault = true;
  shm::array<char, 100000> writer(name, how);
  const shm::array<const char, 100000> reader(name, how);
  writer.store(99999, 'z');
  CHECK(reader.load(99999) == 'z');
}

TEST_CASE("memory is locked, or the kernel's refusal comes with the way out") {
  const support::watchdog watchdog;
  const support::name name;
  support::child limited([&] {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 1;
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 2;
    shm::options how;
    how.lock_in_memory = true;
    try {
      shm::object<int> one(name, how);
      return 3;
    } catch (const shm::error& refusal) {
      if (std::string(refusal.what()).find("ulimit -l") == std::string::npos) return 4;
    }
    return exists(name) ? 5 : 0;  // what the failed creation made is gone
  });
  CHECK(limited.wait() == 0);
}

TEST_CASE("a creator that does not finish is named when the time is over") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> one(name);
  support::baton inside;
  support::child slow([&] {
    if (!set_of(name).enter_door(1, deadline::never()).ok()) return 1;
    inside.pass();
    ::pause();
    return 0;
  });
  inside.await();
  const auto refusal =
      refusal_of([&] { shm::object<int> two(name, with_timeout(std::chrono::milliseconds(20))); });
  CHECK(refusal.code() == shm::errc::timed_out);
  CHECK_THAT(refusal.what(), ContainsSubstring("pid " + std::to_string(slow.pid())));
  CHECK(shm::object<const int>(name).load() == 0);  // it is ready: a reader need not wait
  support::set_state(name, life_state::under_construction);
  const auto reader_refusal = refusal_of(
      [&] { shm::object<const int> reader(name, with_timeout(std::chrono::milliseconds(20))); });
  CHECK(reader_refusal.code() == shm::errc::timed_out);
  CHECK_THAT(reader_refusal.what(), ContainsSubstring("pid " + std::to_string(slow.pid())));
  support::set_state(name, life_state::ready);
  slow.kill();
  shm::object<int> two(name);
}

TEST_CASE("eight processes that create one object at once all get the same", "[race]") {
  const support::watchdog watchdog(120);
  for (int round = 0; round < 40; ++round) {
    const support::name name;
    std::vector<support::child> creators;
    for (int p = 0; p < 8; ++p) {
      creators.emplace_back([&, p] {
        if (p % 4 == 3) {
          // A reader finds nothing, or a ready object; never something half-made or foreign.
          try {
            return shm::object<const int>(name).load() >= 0 ? 0 : 1;
          } catch (const shm::error& refusal) {
            return refusal.code() == shm::errc::not_found ? 0 : 2;
          }
        }
        shm::object<int> counter(name);
        counter.update([](int& n) { ++n; });
        return 0;
      });
    }
    for (auto& creator : creators) REQUIRE(creator.wait() == 0);
    CHECK(shm::object<int>(name).load() == 6);
  }
}

TEST_CASE("exactly one of eight creates with create_only", "[race]") {
  const support::watchdog watchdog(120);
  for (int round = 0; round < 20; ++round) {
    const support::name name;
    std::vector<support::child> creators;
    for (int p = 0; p < 8; ++p) {
      creators.emplace_back([&] {
        try {
          shm::object<int> one(shm::create_only, name);
          return 1;
        } catch (const shm::error& refusal) {
          return refusal.code() == shm::errc::already_exists ? 0 : 2;
        }
      });
    }
    int created = 0;
    for (auto& creator : creators) created += creator.wait();
    CHECK(created == 1);
  }
}

TEST_CASE("semaphores removed by hand are made anew when nobody is attached") {
  const support::name name;
  shm::object<int>(name).store(5);
  REQUIRE(set_of(name).remove().ok());
  shm::object<int> again(name);
  CHECK(again.load() == 5);
  again.store(6);
}

TEST_CASE("an owner whose seat the new semaphores do not have counts as dead") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options many;
  many.seats = 4;
  support::child victim([&]() -> int {
    shm::mutex first(name, many), second(name), third(name), fourth(name);
    fourth.lock();
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  REQUIRE(set_of(name).remove().ok());
  REQUIRE(semaphore_set::create(name.key().set_key(), 1, 0600).ok());
  shm::mutex mutex(name);
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("semaphores removed under attached processes retire the object for all of them") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> old(shm::create_only, name, 5);
  REQUIRE(set_of(name).remove().ok());
  shm::object<int> fresh(name);
  CHECK(fresh.load() == 0);
  CHECK(refusal_of([&] { static_cast<void>(old.load()); }).code() == shm::errc::removed);
}

TEST_CASE("a sleeper whose semaphores are removed by hand is told") {
  const support::watchdog watchdog;
  const support::name name;
  CHECK(sleeper_is_told(name, [&] { REQUIRE(set_of(name).remove().ok()); }));
}

TEST_CASE("a segment removed by hand is made anew, and who sleeps on the old one is told") {
  const support::watchdog watchdog;
  const support::name name;
  CHECK(sleeper_is_told(name, [&] {
    REQUIRE(segment_of(name).remove().ok());
    shm::mutex fresh(name);
    fresh.lock();
    fresh.unlock();
  }));
}

TEST_CASE("an object until the last detach goes with its last handle") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  {
    shm::object<int> one(name, how);
    {
      shm::object<int> two(name);
      two.store(3);
    }
    CHECK(one.load() == 3);
    CHECK(exists(name));
  }
  CHECK_FALSE(exists(name));
}

TEST_CASE("an object until the last detach is made anew when all who had it died") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  support::child victim([&]() -> int {
    shm::object<int> one(shm::create_only, name, 5, how);
    support::die();
  });
  CHECK(victim.wait() == -SIGKILL);
  CHECK(exists(name));
  // Even as another type: nobody has the old one any more.
  shm::object<telemetry> fresh(name, how);
  CHECK(fresh.load().gear == 0);
}

TEST_CASE("a program that exec'd gives back the seats of the program before", "[exec]") {
  const support::watchdog watchdog;
  const support::name name;
  shm::options how;
  how.seats = 1;
  support::child twice([&] {
    if (std::getenv("SHM_TEST_AFTER_EXEC") == nullptr) {
      auto* const kept = new shm::mutex(name, how);  // never closed: the exec takes it away
      kept->lock();
      ::setenv("SHM_TEST_AFTER_EXEC", name.text().c_str(), 1);
      ::execl("/proc/self/exe", "shm_tests", "a program after an exec (child of another test)",
              static_cast<char*>(nullptr));
    }
    return 1;
  });
  CHECK(twice.wait() == 0);
}

TEST_CASE("a program after an exec (child of another test)", "[.]") {
  const char* const name = std::getenv("SHM_TEST_AFTER_EXEC");
  if (name == nullptr) return;
  shm::mutex mutex(shm::open_only, name);
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("a set left over from an object with other seats and permissions is replaced") {
  const support::name name;
  { shm::mutex old(name, shm::options{shm::access::owner, shm::lifetime::persistent, 1}); }
  REQUIRE(segment_of(name).remove().ok());  // ipcrm -m, while nobody has it open
  const shm::options how{shm::access::group, shm::lifetime::persistent, 2};
  shm::mutex first(name, how), second(name, how);
  CHECK(set_of(name).stat().value.owner.mode == 0660);
}

TEST_CASE("a reader never takes a creator at work for a dead one") {
  const support::watchdog watchdog;
  const support::name name;
  const support::child creator([&name] {
    for (;;) {
      try {
        { const shm::object<int> made(name); }
        shm::remove(name);
      } catch (const shm::error&) {
        // The reader is attached: then it stays for another round.
      }
    }
    return 0;
  });
  int opened = 0;
  while (opened < 20000) {
    try {
      const shm::object<const int> reader(name);
      ++opened;
    } catch (const shm::error& refusal) {
      INFO(refusal.what());
      REQUIRE(refusal.code() == shm::errc::not_found);
      REQUIRE_THAT(refusal.what(), !ContainsSubstring("creator died"));
    }
  }
}
