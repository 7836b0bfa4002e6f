// Chaos: processes killed at random under load, and invariants that every survivor checks.
// SPDX-License-Identifier: MIT
#include <chrono>
#include <random>
#include <shm.hpp>

#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using value = support::uniform<64>;

namespace {

constexpr std::size_t elements = 16;

/// Plain memory that only the mutex protects: who is inside, and how many were.
struct guarded {
  std::atomic<int> inside;
  std::atomic<std::uint64_t> entered;
};

struct world {
  support::name object, array, mutex;
  guarded* shared;
};

int contend(world& w, unsigned seed) {
  std::minstd_rand random(seed);
  shm::object<value> object(w.object);
  shm::array<value, elements> array(w.array);
  shm::mutex mutex(w.mutex);
  std::uint64_t last = 0;
  for (;;) {
    object.update([](value& v) { v = value::of(v.value() + 1); });
    const value seen = object.load();
    if (!seen.is_whole()) return 10;
    if (seen.value() < last) return 11;
    last = seen.value();

    const std::size_t i = random() % elements;
    array.update(i, [](value& v) { v = value::of(v.value() + 1); });
    if (!array.load(random() % elements).is_whole()) return 12;

    if (mutex.try_lock_for(std::chrono::microseconds(random() % 300))) {
      if (mutex.owner_died()) {
        w.shared->inside.store(0, std::memory_order_relaxed);
        mutex.mark_repaired();
      }
      if (w.shared->inside.exchange(1, std::memory_order_relaxed) != 0) return 13;
      w.shared->entered.fetch_add(1, std::memory_order_relaxed);
      if (w.shared->inside.exchange(0, std::memory_order_relaxed) != 1) return 14;
      mutex.unlock();
    }
    mutex.lock();  // without a deadline: must never sleep beside a free lock
    if (mutex.owner_died()) {
      w.shared->inside.store(0, std::memory_order_relaxed);
      mutex.mark_repaired();
    }
    mutex.unlock();
  }
}

}  // namespace

TEST_CASE("eight processes killed a thousand times at random tear, lose and hang nothing",
          "[slow]") {
  const support::watchdog watchdog(120);
  world w;
  shm::detail::made_here<shm::detail::segment> guard;
  const auto memory = shm::detail::segment::create(IPC_PRIVATE, sizeof(guarded), 0600, false);
  guard.own(memory.value);
  const auto attached =
      shm::detail::attachment::of(memory.value, shm::detail::attach_mode::read_write);
  REQUIRE(attached.ok());
  w.shared = static_cast<guarded*>(static_cast<void*>(attached.value.address()));

  shm::object<value> object(shm::create_only, w.object, value::of(0));
  shm::array<value, elements> array(shm::create_only, w.array, value::of(0));
  shm::mutex mutex(w.mutex);
  std::minstd_rand random(11);
  unsigned seed = 0;
  std::vector<support::child> processes;
  for (int i = 0; i < 8; ++i) {
    processes.emplace_back([&w, seed] { return contend(w, seed); });
    ++seed;
  }
  std::uint64_t kills = 0, before = 0, stalled_rounds = 0;
  while (kills < 1000) {
    const std::size_t victim = random() % processes.size();
    int status = 0;
    // Whoever has ended by itself has seen an invariant broken.
    if (::waitpid(processes[victim].pid(), &status, WNOHANG) != 0) {
      FAIL("a process ended with "
           << (WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)));
    }
    processes[victim].kill();
    ++kills;
    processes[victim] = support::child([&w, seed] { return contend(w, seed); });
    ++seed;
    REQUIRE(object.load().is_whole());
    const std::uint64_t now = object.version();
    stalled_rounds = now == before ? stalled_rounds + 1 : 0;
    before = now;
    REQUIRE(stalled_rounds < 10000);
  }
  processes.clear();
  CHECK(w.shared->entered > 100);
  CHECK(object.load().is_whole());
  CHECK(object.load().value() == object.version());
  auto all = array.lock();
  CHECK_FALSE(all.owner_died());
  for (const value& v : all) CHECK(v.is_whole());
  mutex.lock();
  mutex.unlock();
}
