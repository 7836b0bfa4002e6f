// Await creation: handles that wait for an object, and what they do not wait for.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/shm.h>

#include <chrono>
#include <functional>
#include <shm.hpp>
#include <string>
#include <vector>

#include "support/asleep.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using support::code_of;
using namespace std::chrono_literals;

namespace {

shm::options awaiting(std::chrono::milliseconds span) {
  shm::options how;
  how.await_creation = span;
  return how;
}

/// How long a job takes.
template <class Job>
std::chrono::nanoseconds time_of(Job job) {
  const auto begin = std::chrono::steady_clock::now();
  job();
  return std::chrono::steady_clock::now() - begin;
}

using object = shm::object<int>;
using array = shm::array<int, 3>;
using array_of_any_length = shm::array<int>;
using map = shm::map<std::uint32_t, int, 4>;

/// A way to open what another one makes.
struct way {
  std::string title;
  std::function<void(const shm::key&)> create;
  std::function<void(const shm::key&, const shm::options&)> open;
};

const auto create_object = [](const shm::key& key) { object(shm::create_only, key, 7); };
const auto create_array = [](const shm::key& key) { array(shm::create_only, key, 7); };
const auto create_map = [](const shm::key& key) { map(shm::create_only, key).insert(1, 7); };
const auto create_mutex = [](const shm::key& key) { shm::mutex(shm::create_only, key); };

const std::vector<way> ways{
    {"object", create_object,
     [](const shm::key& key, const shm::options& how) { object(shm::open_only, key, how); }},
    {"read-only object", create_object,
     [](const shm::key& key, const shm::options& how) { shm::object<const int> one(key, how); }},
    {"array", create_array,
     [](const shm::key& key, const shm::options& how) { array(shm::open_only, key, how); }},
    {"read-only array", create_array,
     [](const shm::key& key, const shm::options& how) { shm::array<const int, 3> one(key, how); }},
    {"array of any length", create_array,
     [](const shm::key& key, const shm::options& how) { array_of_any_length one(key, how); }},
    {"read-only array of any length", create_array,
     [](const shm::key& key, const shm::options& how) { shm::array<const int> one(key, how); }},
    {"map", create_map,
     [](const shm::key& key, const shm::options& how) { map(shm::open_only, key, how); }},
    {"read-only map", create_map,
     [](const shm::key& key, const shm::options& how) {
       shm::map<std::uint32_t, const int, 4> one(key, how);
     }},
    {"mutex", create_mutex,
     [](const shm::key& key, const shm::options& how) { shm::mutex(shm::open_only, key, how); }},
    {"object without its type", create_object,
     [](const shm::key& key, const shm::options& how) { shm::any_object one(key, how); }},
    {"read-only object without its type", create_object,
     [](const shm::key& key, const shm::options& how) { shm::const_any_object one(key, how); }},
};

}  // namespace

TEST_CASE("a handle of each kind waits until its object is created") {
  const support::watchdog watchdog;
  for (const way& one : ways) {
    CAPTURE(one.title);
    const support::name name;
    support::baton begins;
    support::child waiting([&] {
      begins.pass();
      one.open(name, awaiting(1h));
      return 0;
    });
    begins.await();
    support::await_sleep_of(waiting.pid());
    CHECK(waiting.is_alive());
    one.create(name);
    CHECK(waiting.wait() == 0);
  }
}

TEST_CASE("a handle of each kind is refused when its object was not created in time, and says so") {
  const support::watchdog watchdog;
  for (const way& one : ways) {
    CAPTURE(one.title);
    const support::name name;
    std::string said;
    CHECK(time_of([&] {
            const auto refusal = support::refusal_of([&] { one.open(name, awaiting(20ms)); });
            CHECK(refusal.code() == shm::errc::not_found);
            said = refusal.what();
          }) >= 20ms);
    CHECK_THAT(said, ContainsSubstring("waited 20 ms (options::await_creation)"));
    CHECK_THAT(said, ContainsSubstring(name.text()));
    CHECK_FALSE(support::exists(name));
  }
}

TEST_CASE("without the option, or with a negative one, nobody waits") {
  const support::watchdog watchdog;
  const support::name name;
  for (const auto span : {0ms, -1ms, std::chrono::milliseconds::min()}) {
    const auto refusal = support::refusal_of([&] { object(shm::open_only, name, awaiting(span)); });
    CHECK(refusal.code() == shm::errc::not_found);
    CHECK_THAT(refusal.what(), !ContainsSubstring("await_creation"));
  }
}

TEST_CASE("the longest span that there is waits, too") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton begins;
  support::child waiting([&] {
    begins.pass();
    return object(shm::open_only, name, awaiting(std::chrono::milliseconds::max())).load();
  });
  begins.await();
  support::await_sleep_of(waiting.pid());
  create_object(name);
  CHECK(waiting.wait() == 7);
}

TEST_CASE("who may create does not wait") {
  const support::watchdog watchdog(20);
  const support::name name, other_name;
  CHECK(object(name, awaiting(1h)).load() == 0);
  CHECK(object(shm::create_only, other_name, 3, awaiting(1h)).load() == 3);
}

TEST_CASE("an object that is there and refused is refused at once") {
  const support::watchdog watchdog(20);
  const support::name name;
  create_object(name);
  CHECK(code_of([&] { shm::object<const double> one(name, awaiting(1h)); }) ==
        shm::errc::type_mismatch);
  CHECK(code_of([&] { shm::object<double>(shm::open_only, name, awaiting(1h)); }) ==
        shm::errc::type_mismatch);
  CHECK(code_of([&] { shm::mutex(shm::open_only, name, awaiting(1h)); }) ==
        shm::errc::kind_mismatch);
  support::set_mode(name, 0666);
  CHECK(code_of([&] { shm::object<const int> one(name, awaiting(1h)); }) ==
        shm::errc::untrusted_owner);
}

TEST_CASE("another program's segment under the key is refused at once") {
  const support::watchdog watchdog(20);
  const support::name name;
  const int id = ::shmget(name.key().segment_key(), 100, IPC_CREAT | IPC_EXCL | 0600);
  REQUIRE(id != -1);
  void* const memory = ::shmat(id, nullptr, 0);
  *static_cast<char*>(memory) = 'x';
  REQUIRE(::shmdt(memory) == 0);
  CHECK(code_of([&] { shm::object<const int> one(name, awaiting(1h)); }) ==
        shm::errc::foreign_segment);
  CHECK(code_of([&] { object(shm::open_only, name, awaiting(1h)); }) == shm::errc::foreign_segment);
  CHECK(::shmctl(id, IPC_RMID, nullptr) == 0);
}

TEST_CASE("an object of another type that is created meanwhile is refused as soon as it is there") {
  const support::watchdog watchdog;
  const support::name name;
  support::baton begins;
  support::child waiting([&] {
    begins.pass();
    const auto code = code_of([&] { shm::object<const double> one(name, awaiting(1h)); });
    return code == shm::errc::type_mismatch ? 0 : 1;
  });
  begins.await();
  support::await_sleep_of(waiting.pid());
  create_object(name);
  CHECK(waiting.wait() == 0);
}

TEST_CASE("an object that its creator left half-made is waited for until somebody completes it") {
  const support::watchdog watchdog;
  for (const bool only_reads : {false, true}) {
    CAPTURE(only_reads);
    const support::name name;
    create_object(name);
    support::set_state(name, shm::detail::life_state::under_construction);
    support::baton begins;
    support::child waiting([&] {
      begins.pass();
      if (only_reads) return shm::object<const int>(name, awaiting(1h)).load();
      return object(shm::open_only, name, awaiting(1h)).load();
    });
    begins.await();
    support::await_sleep_of(waiting.pid());
    CHECK(object(shm::open_or_create, name, 9).load() == 9);
    CHECK(waiting.wait() == 9);
  }
}
