// Cancellation: pthread_cancel ends the thread that opens, closes, removes or lists, and no more.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include <functional>
#include <optional>
#include <shm.hpp>
#include <string_view>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/steps.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::step;

namespace {

/// Where this thread cancels itself: it ends at the next point of cancellation after that.
step cancelled_at;

void hook(const char* now) {
  if (now == cancelled_at.name && --cancelled_at.occurrence == 0)
    ::pthread_cancel(::pthread_self());
}

void* run(void* job) {
  try {
    (*static_cast<const std::function<void()>*>(job))();
  } catch (const shm::error&) {
    // A refusal is as good an end as any.
  }
  ::pthread_testcancel();
  return nullptr;
}

shm::options living(shm::lifetime how_long) {
  shm::options how;
  how.lifetime = how_long;
  return how;
}

struct work {
  const char* title;
  shm::lifetime lifetime;
  bool beside_looker;  ///< somebody is attached without a seat, so that the job has to wait
  bool without_set;    ///< and the semaphores are lost
  void (*job)(const shm::key&);
};

void close_what_goes_with_its_last_handle(const shm::key& key) {
  const shm::object<long> one(key, living(shm::lifetime::until_last_detach));
}

const work works[] = {
    {"creating", shm::lifetime::persistent, false, false,
     [](const shm::key& key) {
       shm::remove(key);
       const shm::object<long> one(key);
     }},
    {"opening", shm::lifetime::persistent, false, false,
     [](const shm::key& key) { const shm::object<long> one(key); }},
    {"opening what others look at", shm::lifetime::until_last_detach, true, false,
     [](const shm::key& key) { const shm::object<long> one(key); }},
    {"opening what others look at, without its set", shm::lifetime::persistent, true, true,
     [](const shm::key& key) { const shm::any_object any(key); }},
    {"opening to read", shm::lifetime::persistent, false, false,
     [](const shm::key& key) { const shm::object<const long> one(key); }},
    {"looking at what is not ready", shm::lifetime::persistent, false, false,
     [](const shm::key& key) {
       support::set_state(key, life_state::removing);
       static_cast<void>(support::set_of(key).enter_door(1, deadline::never()));
       shm::options brief;
       brief.open_timeout = std::chrono::milliseconds(5);
       const shm::const_any_object any(key, brief);
     }},
    {"closing the last handle", shm::lifetime::until_last_detach, false, false,
     close_what_goes_with_its_last_handle},
    {"closing the last handle beside others who look", shm::lifetime::until_last_detach, true,
     false, close_what_goes_with_its_last_handle},
    {"removing", shm::lifetime::persistent, false, false,
     [](const shm::key& key) { shm::remove(key); }},
    {"removing what others look at", shm::lifetime::persistent, true, false,
     [](const shm::key& key) { shm::remove(key); }},
    {"removing what others look at, without its set", shm::lifetime::persistent, true, true,
     [](const shm::key& key) { shm::remove(key); }},
    {"removing by force", shm::lifetime::persistent, true, false,
     [](const shm::key& key) { shm::remove(key, shm::force); }},
    {"listing", shm::lifetime::persistent, true, false,
     [](const shm::key&) { static_cast<void>(shm::list()); }},
};

/// What the job finds; held while the returned handle lives.
std::optional<shm::object<const long>> arrange(const work& what, const shm::key& key) {
  std::optional<shm::object<const long>> looker;
  {
    const shm::object<long> made(key, living(what.lifetime));
    if (what.beside_looker || what.lifetime == shm::lifetime::until_last_detach)
      looker.emplace(key);
  }
  if (!what.beside_looker) looker.reset();
  if (what.without_set) static_cast<void>(support::set_of(key).remove());
  return looker;
}

/// The status of a process one of whose threads does the job and is cancelled there.
int cancelled_in(const work& what, const shm::key& key, const step& where) {
  support::child process([&] {
    const support::watchdog own_watchdog(30);
    cancelled_at = where;
    crash_point_hook = hook;
    const std::function<void()> job = [&] { what.job(key); };
    pthread_t thread{};
    // pthread_create takes what the thread only reads.
    if (::pthread_create(&thread, nullptr, run, const_cast<std::function<void()>*>(&job)) != 0)
      return 1;
    void* ended = nullptr;
    if (::pthread_join(thread, &ended) != 0) return 2;
    return ended == PTHREAD_CANCELED ? 0 : 3;
  });
  return process.wait();
}

}  // namespace

TEST_CASE("a thread that is cancelled at any step ends alone, and the object opens afterwards") {
  const support::watchdog watchdog(300);
  for (const work& what : works) {
    std::vector<step> steps;
    {
      const support::name name;
      const auto looker = arrange(what, name);
      steps = support::steps_of([&] { what.job(name); });
    }
    steps.push_back({"no step: when it has come back", 1});
    for (const step& where : steps) {
      if (where.occurrence > 2) continue;
      CAPTURE(what.title, where.name, where.occurrence);
      const support::name name;
      const auto looker = arrange(what, name);
      const int ended = cancelled_in(what, name, where);
      // 3: it went other ways this time, and never came to that step.
      CHECK((ended == 0 || ended == 3));
      shm::object<long> next(name);
      next.store(3);
      CHECK(next.load() == 3);
    }
  }
}

namespace {

using change = std::function<void(long&)>;

/// How the process ended in which one thread is cancelled inside an update, and another one then
/// adds ten.
int cancelled_inside(const std::function<void(const change&)>& update) {
  support::child process([&] {
    const support::watchdog own_watchdog(30);
    const std::function<void()> job = [&] {
      update([](long& number) {
        number = 7;
        ::pthread_cancel(::pthread_self());
        ::pthread_testcancel();
      });
    };
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, run, const_cast<std::function<void()>*>(&job)) != 0)
      return 1;
    void* ended = nullptr;
    if (::pthread_join(thread, &ended) != 0 || ended != PTHREAD_CANCELED) return 2;
    update([](long& number) { number += 10; });
    return 0;
  });
  return process.wait();
}

}  // namespace

TEST_CASE(
    "a thread that is cancelled inside an update publishes nothing, and gives the lock back") {
  const support::watchdog watchdog;
  const support::name name;
  SECTION("of an object") {
    shm::object<long> made(shm::create_only, name, 3);
    CHECK(cancelled_inside([&](const change& f) { made.update(f); }) == 0);
    CHECK(made.load() == 13);
  }
  SECTION("of an array") {
    shm::array<long, 2> made(shm::create_only, name, 3);
    CHECK(cancelled_inside([&](const change& f) { made.update(1, f); }) == 0);
    CHECK(made.load(1) == 13);
  }
  SECTION("of a map") {
    shm::map<int, long, 2> made(name);
    made.insert(1, 3);
    CHECK(cancelled_inside([&](const change& f) { made.update(1, f); }) == 0);
    CHECK(made.find(1) == 13);
    CHECK(made.version() == 2);
  }
}
