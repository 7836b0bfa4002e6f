// Removal: what happens between two steps of a remover, or after its death between them.
// SPDX-License-Identifier: MIT
#include <shm.hpp>
#include <string_view>

#include "support/catch.hpp"
#include "support/watchdog.hpp"
#include "world.hpp"

using namespace crash;
using namespace shm::detail;

TEST_CASE("a half-made object that a dead remover left is made anew, not taken for ready") {
  const support::watchdog watchdog;
  const support::name name;
  { shm::object<int> made(shm::create_only, name, 5); }
  support::set_state(name, segment_state::under_construction);
  static pid_t remover = 0;
  crash_point_hook = [](const char* step) {
    if (::getpid() == remover && std::string_view(step).rfind("retire:", 0) == 0) support::die();
  };
  support::child removing([&name] {
    remover = ::getpid();
    shm::remove(name);
    return 0;
  });
  static_cast<void>(removing.wait());
  crash_point_hook = nullptr;
  CHECK(shm::object<int>(shm::open_or_create, name, 7).load() == 7);
}

TEST_CASE("a remover that found nothing leaves alone what is opened meanwhile") {
  const support::watchdog watchdog;
  const support::name name;
  static pid_t remover = 0;
  static support::baton found_nothing, is_open;
  crash_point_hook = [](const char* step) {
    if (::getpid() != remover || std::string_view(step) != "remove: no set") return;
    remover = 0;  // this once
    found_nothing.pass();
    is_open.await();
  };
  support::child removing([&name] {
    const support::watchdog own_watchdog;
    remover = ::getpid();
    try {
      shm::remove(name);
    } catch (const shm::error& refusal) {
      return refusal.code() == shm::errc::in_use ? 0 : 1;
    }
    return 2;
  });
  found_nothing.await();
  shm::object<int> object(name);
  is_open.pass();
  CHECK(removing.wait() == 0);
  crash_point_hook = nullptr;
  object.store(3);
  CHECK(shm::object<int>(shm::open_only, name).load() == 3);
}
