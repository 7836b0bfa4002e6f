// Semaphore: processes are killed at each step, and by chance; no permit is lost, none too many.
// SPDX-License-Identifier: MIT
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <shm.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/held_process.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/steps.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::code_of;

namespace {

constexpr unsigned permits = 3;

shm::options brief() {
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  return how;
}

/// ipcrm -s, or logind's RemoveIPC.
void lose_set(const shm::key& key) {
  const auto found = semaphore_set::find(key.set_key());
  if (found.ok()) static_cast<void>(found.value.remove());
}

/// A creator that died at that step.
void die_creating(const shm::key& key, unsigned number, const char* step) {
  support::held_process dying(step, [&] {
    shm::semaphore mine(key, number);
    return 0;
  });
  if (!dying.comes_there()) throw std::logic_error("there is no such step");
  dying.kill();
}

/// Takes permits, gives one back, and finds that no more are free.
void use(shm::semaphore& semaphore) {
  std::optional<shm::permit> first(semaphore.acquire());
  std::vector<shm::permit> others;
  while (auto one = semaphore.try_acquire()) others.push_back(std::move(*one));
  static_cast<void>(semaphore.try_acquire_for(std::chrono::milliseconds(1)));
  first.reset();
  static_cast<void>(semaphore.available());
}

/// What a process does that is killed at each of its steps.
struct protocol {
  std::string what;
  std::function<void(const shm::key&)> before;
  std::function<void(const shm::key&)> act;
};

void open_and_use(const shm::key& key) {
  shm::semaphore mine(key, permits);
  use(mine);
}

const std::vector<protocol> protocols{
    {"creating and using", [](const shm::key&) {}, open_and_use},
    {"opening and using", [](const shm::key& key) { shm::semaphore(key, permits); }, open_and_use},
    {"creating and closing what its last handle takes along", [](const shm::key&) {},
     [](const shm::key& key) {
       shm::semaphore mine(key, permits, brief());
       use(mine);
     }},
    {"adopting after a loss",
     [](const shm::key& key) {
       shm::semaphore(key, permits);
       lose_set(key);
     },
     open_and_use},
    {"adopting without the type",
     [](const shm::key& key) {
       shm::semaphore(key, permits);
       lose_set(key);
     },
     [](const shm::key& key) { shm::any_object one(key); }},
    {"making anew what all who had it died with, after a loss",
     [](const shm::key& key) {
       support::dies([&] { use(*new shm::semaphore(key, permits, brief())); });
       lose_set(key);
     },
     [](const shm::key& key) {
       shm::semaphore mine(key, permits, brief());
       use(mine);
     }},
    {"completing what a creator of more permits left",
     [](const shm::key& key) { die_creating(key, permits + 4, "permits: put"); }, open_and_use},
    {"completing what a creator of fewer permits left",
     [](const shm::key& key) { die_creating(key, permits - 1, "create: constructed"); },
     open_and_use},
    {"removing", [](const shm::key& key) { shm::semaphore(key, permits); },
     [](const shm::key& key) { shm::remove(key); }},
    {"removing after a loss",
     [](const shm::key& key) {
       shm::semaphore(key, permits);
       lose_set(key);
     },
     [](const shm::key& key) { shm::remove(key); }},
    {"removing by force", [](const shm::key& key) { shm::semaphore(key, permits); },
     [](const shm::key& key) { shm::remove(key, shm::force); }},
};

pid_t victim = 0;
int steps_left = -1;
void die_at_step(const char*) {
  if (::getpid() == victim && steps_left-- == 0) support::die();
}

/// Whether the job was killed at its nth step, and did not end before.
bool is_killed_at(int step, const std::function<void(const shm::key&)>& job, const shm::key& key) {
  support::child process([&] {
    const support::watchdog own_watchdog(30);
    victim = ::getpid();
    steps_left = step;
    crash_point_hook = die_at_step;
    job(key);
    return 0;
  });
  const int ended = process.wait();
  REQUIRE((ended == 0 || ended == -SIGKILL));
  return ended != 0;
}

/// Nobody holds a permit: the next one can take each of them, and no more.
void check_all_are_free(const shm::key& key) {
  shm::semaphore next(key, permits);
  CHECK(next.available() == permits);
  {
    std::vector<shm::permit> all;
    while (auto one = next.try_acquire()) all.push_back(std::move(*one));
    CHECK(all.size() == permits);
  }
  CHECK(next.available() == permits);
}

}  // namespace

TEST_CASE("a process that is killed at any step of a semaphore leaves all permits to the next") {
  int kills = 0;
  for (const protocol& tried : protocols) {
    for (int step = 0;; ++step) {
      INFO(tried.what << ", killed at step " << step);
      const support::watchdog watchdog(60);
      const support::name name;
      tried.before(name);
      if (!is_killed_at(step, tried.act, name)) break;
      check_all_are_free(name);
      ++kills;
    }
  }
  CHECK(kills > 250);
}

TEST_CASE("a process that goes on after such a death may be killed at any step, too", "[pairs]") {
  int kills = 0;
  for (const protocol& tried : protocols) {
    bool died = true;
    for (int step = 0; died; ++step) {
      for (int next_step = 0;; ++next_step) {
        INFO(tried.what << ", killed at step " << step << ", and the next at " << next_step);
        const support::watchdog watchdog(60);
        const support::name name;
        tried.before(name);
        died = is_killed_at(step, tried.act, name);
        const bool again = is_killed_at(next_step, open_and_use, name);
        check_all_are_free(name);
        if (!again) break;
        ++kills;
      }
    }
  }
  CHECK(kills > 5000);
}

TEST_CASE("a process that sleeps for a permit gets the one that a dying holder had, at any step") {
  const auto steps = support::steps_of([] {
    const support::name name;
    open_and_use(name);
  });
  REQUIRE(steps.size() > 20);
  int kills = 0;
  for (const support::step& step : steps) {
    INFO(step.name << ", occurrence " << step.occurrence);
    const support::watchdog watchdog(60);
    const support::name name;
    support::held_process dying(
        step.name.c_str(),
        [&] {
          open_and_use(name);
          return 0;
        },
        step.occurrence);
    if (!dying.comes_there()) continue;  // the wait in it ended in another way
    std::vector<support::child> others;
    for (unsigned i = 0; i < permits; ++i) {
      others.emplace_back([&] {
        const support::watchdog own_watchdog(30);
        shm::semaphore mine(name, permits);
        std::vector<shm::permit> held;
        held.push_back(mine.acquire());
        return 0;
      });
    }
    dying.kill();
    for (support::child& one : others) CHECK(one.wait() == 0);
    check_all_are_free(name);
    ++kills;
  }
  CHECK(kills > 20);
}

TEST_CASE("a set that is lost at any step of an opener gives nobody a permit too many") {
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(200);  // of which some openers use all
  const auto open_and_try = [&how](const shm::key& key) {
    shm::semaphore mine(key, permits, how);
    return mine.try_acquire().has_value();
  };
  const auto steps = support::steps_of([&] {
    const support::name name;
    static_cast<void>(open_and_try(name));
  });
  int losses = 0;
  for (const bool is_there_before : {false, true}) {
    for (const support::step& step : steps) {
      INFO(step.name << ", occurrence " << step.occurrence << ", existing " << is_there_before);
      const support::watchdog watchdog(60);
      const support::name name;
      if (is_there_before) shm::semaphore(name, permits);
      enum result { refused = 1, not_now, taken };
      support::held_process late(
          step.name.c_str(),
          [&]() -> int {
            bool has_one = false;
            const auto refusal = code_of([&] { has_one = open_and_try(name); });
            if (refusal && refusal != shm::errc::removed) return 9;
            return refusal ? refused : has_one ? taken : not_now;
          },
          step.occurrence);
      if (!late.comes_there()) {
        static_cast<void>(late.finish());
        continue;
      }
      lose_set(name);
      // Holds all there are, as long as the late one tries.
      shm::semaphore next(name, permits, how);
      CHECK(next.available() == permits);
      std::vector<shm::permit> all;
      while (auto one = next.try_acquire()) all.push_back(std::move(*one));
      CHECK(all.size() == permits);
      const int ended = late.finish();
      // It may have had its permit before the loss, and gives it back to nobody.
      const bool had_one = step.name.rfind("permit: ", 0) == 0 ||
                           step.name.rfind("leave: ", 0) == 0 || step.name == "seat: left";
      CHECK((ended == refused || ended == not_now || (had_one && ended == taken)));
      CHECK(next.available() == 0);
      all.clear();
      CHECK(next.available() == permits);
      ++losses;
    }
  }
  CHECK(losses > 30);
}

TEST_CASE("a semaphore whose remover was killed half way is removed for all who have it open") {
  const support::watchdog watchdog;
  const support::name name;
  shm::semaphore mine(name, permits);
  support::held_process removing("force: removed", [&] {
    shm::remove(name, shm::force);
    return 0;
  });
  REQUIRE(removing.comes_there());
  removing.kill();
  CHECK(code_of([&] { static_cast<void>(mine.try_acquire()); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(mine.acquire()); }) == shm::errc::removed);
  CHECK(code_of([&] { static_cast<void>(mine.available()); }) == shm::errc::removed);
  check_all_are_free(name);
}

TEST_CASE("kill -9 by chance, while permits are opened, taken, waited for and closed, loses none",
          "[race]") {
  const support::watchdog watchdog(200);
  const support::name name;
  const shm::semaphore keeper(name, permits);
  struct shared {
    std::atomic<std::uint32_t> inside{0};
    std::atomic<unsigned> taken{0};
    std::atomic<bool> is_over{false}, is_exceeded{false};
  };
  constexpr unsigned processes = 8;
  const support::shared_page<shared> page;
  const auto begin = [&](unsigned number) {
    return support::child([&, number] {
      const support::watchdog own_watchdog(200);
      const std::uint32_t bit = 1u << number;
      while (!page->is_over) {
        shm::semaphore mine(name, permits);
        for (int round = 0; round < 20 && !page->is_over; ++round) {
          const auto one = mine.try_acquire_for(std::chrono::microseconds(100 * (round % 4)));
          if (!one) continue;
          const std::uint32_t all = page->inside.fetch_or(bit) | bit;
          // One more: the one that is being killed has its bit until its parent clears it.
          if (__builtin_popcount(all) > static_cast<int>(permits) + 1) page->is_exceeded = true;
          ++page->taken;
          page->inside.fetch_and(~bit);
        }
      }
      return 0;
    });
  };
  std::vector<support::child> all;
  for (unsigned number = 0; number < processes; ++number) all.push_back(begin(number));
  std::minstd_rand chance(20260801);
  for (int kills = 0; kills < 1000; ++kills) {
    const auto chosen = static_cast<unsigned>(chance() % processes);
    for (auto steps = chance() % 40; steps > 0; --steps) ::sched_yield();
    all[chosen].kill();
    page->inside.fetch_and(~(1u << chosen));
    if (keeper.available() > permits) page->is_exceeded = true;
    all[chosen] = begin(chosen);
  }
  page->is_over = true;
  for (support::child& one : all) CHECK(one.wait() == 0);
  CHECK_FALSE(page->is_exceeded);
  CHECK(page->taken > 100);
  check_all_are_free(name);
}
