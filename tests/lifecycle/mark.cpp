// Mark: tells a semaphore set from every other one, and says behind which door a state was changed.
// SPDX-License-Identifier: MIT
#include <set>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;
using support::set_of;

namespace {

shm::options impatient() {
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(20);
  return how;
}

life_word word_of(const shm::key& key) {
  return life_of(support::memory_of(key).head());
}
void set_word(const shm::key& key, life_state state, set_mark mark) {
  support::memory_of(key).head().life = life_word(state, mark).bits();
}

}  // namespace

TEST_CASE("the sets of one name have different marks, none of them 0") {
  const support::name name;
  std::set<set_mark> marks;
  constexpr std::size_t times = 200;
  for (std::size_t n = 0; n < times; ++n) {
    { const shm::object<int> one(name); }
    marks.insert(set_of(name).mark());
    if (n % 2 == 0) {
      shm::remove(name);
    } else {
      REQUIRE(set_of(name).remove().ok());
    }
  }
  CHECK(marks.size() == times);
  CHECK(marks.count(0) == 0);
}

TEST_CASE("two sets that are made at the same moment have different marks") {
  const support::watchdog watchdog;
  const support::name one, two;
  support::child first([&] { return shm::object<int>(one).load(); });
  support::child second([&] { return shm::object<int>(two).load(); });
  CHECK(first.wait() == 0);
  CHECK(second.wait() == 0);
  CHECK(set_of(one).mark() != set_of(two).mark());
}

TEST_CASE("the word of a ready object names the set under its key, also after a loss") {
  const support::name name;
  { const shm::object<int> one(shm::create_only, name, 5); }
  const set_mark before = set_of(name).mark();
  CHECK(word_of(name).mark() == before);
  REQUIRE(set_of(name).remove().ok());
  CHECK(word_of(name).mark() == before);
  CHECK(shm::object<int>(name).load() == 5);
  CHECK(word_of(name).mark() == set_of(name).mark());
  CHECK(word_of(name).mark() != before);
}

TEST_CASE("a half-made object of another set is not constructed in place, but made anew") {
  const support::name name;
  { const shm::object<int> one(shm::create_only, name, 5); }
  const int segment_id = support::segment_of(name).id();
  const set_mark here = set_of(name).mark();
  const bool is_of_this_set = GENERATE(true, false);
  set_word(name, life_state::under_construction, is_of_this_set ? here : here ^ 2);
  CHECK(shm::object<int>(shm::open_or_create, name, 7).load() == 7);
  CHECK((support::segment_of(name).id() == segment_id) == is_of_this_set);
  CHECK(word_of(name).mark() == set_of(name).mark());
}

TEST_CASE("an object in use whose word names another set is not opened beside its users") {
  const support::name name;
  const shm::object<int> user(shm::create_only, name, 5);
  const set_mark here = set_of(name).mark();
  const auto state = GENERATE(life_state::ready, life_state::removing);
  set_word(name, state, here ^ 2);
  CHECK(code_of([&] { shm::remove(name); }) == shm::errc::in_use);
  CHECK(code_of([&] { const shm::any_object any(name.key()); }) == shm::errc::in_use);
  CHECK(word_of(name).bits() == life_word(state, here ^ 2).bits());
  CHECK(user.load() == 5);
  CHECK(shm::object<int>(name).load() == 0);  // another one
  CHECK(code_of([&] { static_cast<void>(user.load()); }) == shm::errc::removed);
}

TEST_CASE("a reader believes a word that says ready, and no other of another set") {
  const support::name name;
  const shm::object<int> user(shm::create_only, name, 5);
  const set_mark here = set_of(name).mark();
  set_word(name, life_state::ready, here ^ 2);
  CHECK(shm::object<const int>(name, impatient()).load() == 5);
  set_word(name, life_state::removing, here);
  CHECK(shm::object<const int>(name, impatient()).load() == 5);
  set_word(name, life_state::removing, here ^ 2);
  CHECK(code_of([&] { const shm::object<const int> one(name, impatient()); }) ==
        shm::errc::timed_out);
  set_word(name, life_state::under_construction, here ^ 2);
  CHECK(code_of([&] { const shm::object<const int> one(name, impatient()); }) ==
        shm::errc::not_found);
  set_word(name, life_state::ready, here);
}

TEST_CASE("a holder is not judged dead by the seats of another set") {
  const support::watchdog watchdog;
  const support::name name;
  shm::mutex holder(name), other(name);
  holder.lock();
  const int id = set_of(name).id();
  // The id names a set with another mark by now, in which nobody sits.
  for (int semaphore : {int{semaphore::mark_low}, int{semaphore::mark_high}}) {
    const int before = ::semctl(id, semaphore, GETVAL);
    REQUIRE(::semctl(id, semaphore, SETVAL, before ^ 1) == 0);
    CHECK(code_of([&] { other.lock(); }) == shm::errc::removed);
    CHECK_FALSE(other.try_lock());  // which need not know: it does not sleep
    REQUIRE(::semctl(id, semaphore, SETVAL, before) == 0);
  }
  CHECK_FALSE(other.try_lock());
  holder.unlock();
  CHECK(other.try_lock());
  CHECK_FALSE(other.owner_died());
  other.unlock();
}

TEST_CASE("a word of layout 1 keeps its magic, so that programs of that layout understand it") {
  const life_word old(std::uint64_t{0x53686d21} << 32 | static_cast<unsigned>(life_state::ready));
  const life_word next = old.followed_by(life_state::removed, 77);
  CHECK(next.is_of_layout_1());
  CHECK(next.state() == life_state::removed);
  CHECK(next.mark() == 0);
}

TEST_CASE("an opening that fails beside a segment that was removed by hand leaves its semaphores") {
  const support::name name;
  shm::object<int> user(name);
  static_cast<void>(support::segment_of(name).remove());
  CHECK(code_of([&] { const shm::object<int> other(shm::open_only, name); }) ==
        shm::errc::not_found);
  CHECK(semaphore_set::find(name.key().set_key()).ok());
}
