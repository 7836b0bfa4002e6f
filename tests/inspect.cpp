// Inspect: what list() says of objects in every state, whole or scribbled over.
// SPDX-License-Identifier: MIT
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"

using namespace shm::detail;

namespace {

shm::object_info told_of(const shm::key& key) {
  for (const shm::object_info& one : shm::list()) {
    if (one.key == key.segment_key()) return one;
  }
  FAIL("list() does not show it");
  return {};
}

}  // namespace

TEST_CASE("list() tells the state that a remover or a death left an object in") {
  const support::name name;
  const shm::object<int> object(shm::open_or_create, name, 5);
  CHECK(told_of(name).state == shm::object_state::ready);
  support::set_state(name, life_state::removing);
  CHECK(told_of(name).state == shm::object_state::removing);
  CHECK(told_of(name).version == 0);
  support::set_state(name, life_state::removed);
  CHECK(told_of(name).state == shm::object_state::removed);
  support::set_state(name, life_state::under_construction);
  CHECK(told_of(name).state == shm::object_state::half_made);
  support::set_state(name, static_cast<life_state>(7));
  CHECK_THAT(told_of(name).problem, ContainsSubstring("its state makes no sense"));
  support::memory_of(name).head().life = 0;
  CHECK_THAT(told_of(name).problem, ContainsSubstring("nothing is written in it"));
}

TEST_CASE("list() does not say who holds the lock of an object whose semaphores were lost") {
  const support::name name;
  shm::mutex mutex(name);
  mutex.lock();
  CHECK(told_of(name).lock == shm::lock_state::held);
  static_cast<void>(support::set_of(name).remove());
  CHECK(told_of(name).lock == shm::lock_state::unknown);
  CHECK(told_of(name).set_id == -1);
  const auto stray = semaphore_set::create(name.key().set_key(), 64, 0600);
  REQUIRE(stray.ok());
  CHECK(stray.value.say_ours().ok());
  CHECK(told_of(name).lock == shm::lock_state::unknown);
}

TEST_CASE("list() shows an object with a contradictory description, and says what to do") {
  const support::name name;
  const shm::object<int> object(name);
  support::memory_of(name).head().fixed.payload_size -= 4;
  CHECK(told_of(name).name == name.key().name());
  CHECK_THAT(told_of(name).problem, ContainsSubstring("makes no sense"));
  support::memory_of(name).head().fixed.payload_size += 4;
  support::memory_of(name).head().fixed.kind = static_cast<std::uint32_t>(segment_kind::array);
  CHECK_THAT(told_of(name).problem, ContainsSubstring("makes no sense"));
}
