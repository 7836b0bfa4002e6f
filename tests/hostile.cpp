// Hostile: somebody scribbles over a segment while others work in it; they get errors or nonsense.
// SPDX-License-Identifier: MIT
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <functional>
#include <random>
#include <shm.hpp>

#include "support/at_step.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/exchanged_description.hpp"
#include "support/guarded_attach.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using namespace std::chrono_literals;
using support::at_step;
using support::code_of;
using support::memory_of;
using support::telemetry;
using support::try_it;
using value = support::uniform<20>;

namespace {

constexpr std::size_t elements = 5;

/// A lock word that says: the handle on the first seat, and not this thread.
std::uint64_t live_owner(const header& head) {
  const auto& first = *static_cast<const seat_entry*>(static_cast<const void*>(&head + 1));
  return seat_identity(first.generation.load(), 0).bits() | 2;
}

}  // namespace

TEST_CASE("unlocking is no broken precondition when the lock word was scribbled over meanwhile") {
  const support::name name;
  shm::mutex mutex(name);
  const memory_of memory(name);
  const std::uint64_t scribbled = GENERATE(0u, 1u, ~0u);
  mutex.lock();
  memory.head().lock = scribbled;
  mutex.mark_repaired();
  mutex.unlock();
  CHECK(memory.head().lock == scribbled);
  memory.head().lock = 0;
  mutex.lock();
  mutex.unlock();
}

TEST_CASE("unlocking or repairing what this thread does not hold is a broken precondition") {
  const support::name name;
  shm::mutex mutex(name);
  const bool locked_before = GENERATE(false, true);
  const bool unlocks = GENERATE(false, true);
  support::child careless([&] {
    std::signal(SIGABRT, SIG_DFL);
    shm::mutex mine(name);
    if (locked_before) {
      mine.lock();
      mine.unlock();
    }
    unlocks ? mine.unlock() : mine.mark_repaired();
    return 0;
  });
  CHECK(careless.wait() == -SIGABRT);
}

TEST_CASE("a place that is moved between the check and the use is refused") {
  const support::name name;
  { shm::object<telemetry> car(name); }
  const memory_of memory(name);
  support::set_state(memory.head(),
                     life_state::removing);  // so that the opener passes a step between them
  const std::size_t end = memory.size();
  const at_step scribbler("open: ready again", [&memory, end] {
    memory.head().fixed.payload_size = 0;
    memory.head().fixed.payload_offset = end;
  });
  CHECK(code_of([&] { shm::object<telemetry>(name).store({1, 2}); }) == shm::errc::corrupt);
}

TEST_CASE("a place that is moved while it is made is refused, and nothing is left") {
  const support::name name;
  const at_step scribbler("create: constructed", [&name] {
    const memory_of memory(name);
    memory.head().fixed.payload_size = 0;
    memory.head().fixed.payload_offset = memory.size();
  });
  CHECK(code_of([&] { shm::object<telemetry>(name).store({1, 2}); }) == shm::errc::corrupt);
  CHECK_FALSE(segment::find(name.key().segment_key()).ok());
  CHECK_FALSE(semaphore_set::find(name.key().set_key()).ok());
}

TEST_CASE("a store makes an element's sequence even, and a reader sees whole elements again") {
  const support::name name;
  shm::array<value, elements> array(shm::create_only, name, value::of(1));
  const memory_of memory(name);
  auto& sequence = memory.array<value, elements>().sequences[2];
  sequence = 7;
  bool odd_while_written = false;
  {
    const at_step look("array: element written", [&] { odd_while_written = sequence % 2 == 1; });
    array.store(2, value::of(2));
  }
  CHECK(odd_while_written);
  CHECK(sequence % 2 == 0);
  CHECK(sequence > 7);
  CHECK(array.load(2).value() == 2);
}

TEST_CASE("an edit in place leaves the array readable, although its mark was scribbled over") {
  const support::name name;
  shm::array<value, elements> array(shm::create_only, name, value::of(1));
  const memory_of memory(name);
  auto& bulk = memory.array<value, elements>().bulk;
  {
    auto guard = array.lock();
    guard.raw()[0] = value::of(2);
    bulk = 4;
  }
  CHECK(array.load(0).value() == 2);
}

TEST_CASE("a timed lock keeps its deadline, although its word changes for ever") {
  const support::watchdog watchdog(20);
  const support::name name;
  shm::mutex mutex(name);
  const memory_of memory(name);
  std::uint32_t generation = 1000;
  const auto next_dead_owner = [&] { return seat_identity(++generation, 0).bits(); };
  memory.head().lock = next_dead_owner();
  const at_step scribbler("lock: owner found dead",
                          [&] { memory.head().lock = next_dead_owner(); });
  CHECK_FALSE(mutex.try_lock_for(5ms));
  CHECK_FALSE(mutex.try_lock_for(0ms));
}

namespace {

/// Nobody holds that lock, but its word names somebody alive. `block` waits, until the removal.
template <class Block>
void check_told_of_removal(const shm::key& name, Block block) {
  const memory_of memory(name);
  memory.head().lock = live_owner(memory.head());
  support::baton about_to_sleep;
  support::child waiter([&] {
    const support::watchdog own;
    const at_step tell("lock: before sleep", [&] { about_to_sleep.pass(); });
    return code_of(block) == shm::errc::removed ? 0 : 1;
  });
  about_to_sleep.await();
  shm::remove(name, shm::force);
  CHECK(waiter.wait() == 0);
}

}  // namespace

TEST_CASE("who waits for an owner that was made up is told when the object is removed by force") {
  const support::watchdog watchdog;
  const support::name name;
  SECTION("store of an object") {
    shm::object<value> object(name);
    check_told_of_removal(name, [&] { object.store({}); });
  }
  SECTION("lock of an object") {
    shm::object<value> object(name);
    check_told_of_removal(name, [&] { static_cast<void>(object.lock()); });
  }
  SECTION("store into an array") {
    shm::array<value, elements> array(name);
    check_told_of_removal(name, [&] { array.store(1, {}); });
  }
  SECTION("snapshot of an array") {
    shm::array<value, elements> array(name);
    check_told_of_removal(name, [&] { static_cast<void>(array.snapshot()); });
  }
  SECTION("lock of a mutex") {
    shm::mutex mutex(name);
    check_told_of_removal(name, [&] { mutex.lock(); });
  }
}

namespace {

void use_without_type(const shm::key& key) {
  shm::options how;
  how.open_timeout = 50ms;
  try_it([&] {
    shm::any_object any(key, how);
    const std::vector<std::byte> bytes(any.read().element_size(), std::byte{0x41});
    for (const std::size_t i : {std::size_t{0}, any.read().size() - 1, std::size_t{499}}) {
      try_it([&] { static_cast<void>(any.read().load(i)); });
      try_it([&] { any.store(bytes, i); });
      try_it([&] { static_cast<void>(any.read().load_damaged(i)); });
    }
    try_it([&] { static_cast<void>(any.read().snapshot()); });
    try_it([&] { static_cast<void>(any.read().version()); });
    try_it([&] { any.mark_repaired(); });
  });
  try_it([&] {
    const shm::const_any_object any(key, how);
    static_cast<void>(any.snapshot());
    static_cast<void>(any.version());
  });
  try_it([] { static_cast<void>(shm::list()); });
}

}  // namespace

TEST_CASE("an untyped handle stays in its segment, whenever somebody exchanges the description") {
  const support::watchdog watchdog(100);
  support::exchange_at_every_step(use_without_type);
}

namespace {

// ---- many processes, and one that scribbles at random

constexpr unsigned workers = 3;
constexpr unsigned bursts = 300;
constexpr unsigned scribbles_in_burst = 8;

/// What the processes of one round tell each other.
struct round {
  std::atomic<bool> over;
  std::array<std::atomic<std::uint64_t>, workers> done, refused;

  std::uint64_t attempts() const {
    std::uint64_t sum = 0;
    for (unsigned w = 0; w < workers; ++w) sum += done[w] + refused[w];
    return sum;
  }
};

class scribbler {
 public:
  explicit scribbler(unsigned seed) : random_(seed) {}

  /// A fixed number of times; in between, the workers go on.
  void scribble_over(const shm::key& name, const round& now) {
    for (unsigned n = 0; n < bursts; ++n) {
      const memory_of memory(name);  // maybe another than before, or none
      const std::uint64_t before = now.attempts();
      for (unsigned i = 0; memory && i < scribbles_in_burst; ++i) {
        scribble(memory);
        for (unsigned moment = below(64); moment > 0; --moment) pause_briefly();
      }
      // Those who wait for an owner that was made up do not go on.
      for (int patience = 3; patience > 0 && now.attempts() == before; --patience) ::sched_yield();
    }
  }

 private:
  unsigned below(std::size_t end) { return static_cast<unsigned>(random_() % end); }

  /// Somewhere, and half of the time in the words that everybody uses.
  void scribble(const memory_of& memory) {
    const std::size_t width = below(8) == 0 ? 1 + below(64) : std::size_t{1} << below(4);
    const std::size_t end = std::min(memory.size(), below(2) == 0 ? 64 : memory.size());
    const std::size_t offset = below(end - std::min(end, width) + 1) / width * width;
    const std::size_t room = std::min(width, memory.size() - offset);
    std::array<std::byte, 64> bytes{};
    switch (below(4)) {
      case 0: break;
      case 1: bytes.fill(std::byte{0xff}); break;
      case 2: {  // what already stands elsewhere makes a good lie
        const std::size_t from = below(memory.size() - room + 1);
        load_shared<1>(bytes.data(), memory.bytes() + from, room);
        break;
      }
      default: std::generate(bytes.begin(), bytes.end(), [this] { return std::byte(below(256)); });
    }
    store_shared<1>(memory.bytes() + offset, bytes.data(), room);
  }

  std::minstd_rand random_;
};

/// Refusals are counted; whatever else is thrown ends the process with support::child::threw.
template <class Job>
void attempt(round& now, unsigned who, Job job) {
  try {
    job();
    ++now.done[who];
  } catch (const shm::error&) {
    ++now.refused[who];
  }
}

/// Runs a job that has a deadline of its own, and stops the process when it does not keep it.
template <class Job>
void in_time(Job job) {
  const auto started = std::chrono::steady_clock::now();
  job();
  if (std::chrono::steady_clock::now() - started > 10s) throw std::runtime_error("much too late");
}

void work(shm::object<value>& object, const shm::key& name, unsigned what) {
  switch (what % 8) {
    case 0: return static_cast<void>(object.load());
    case 1: return object.store(value::of(what));
    case 2: return object.update([](value& v) { ++v.words[0]; });
    case 3:
      if (auto guard = object.try_lock()) guard->publish();
      return;
    case 4:
      return in_time([&] {
        if (auto guard = object.try_lock_for(1ms)) (*guard)->words[1] = what;
      });
    case 5: return static_cast<void>(shm::object<const value>(name).load());
    case 6: return static_cast<void>(object.version());
    default: return shm::remove(name);
  }
}

template <std::size_t N>
void work(shm::array<value, N>& array, const shm::key& name, unsigned what) {
  const std::size_t i = what / 8 % elements;
  switch (what % 8) {
    case 0: return static_cast<void>(array.load(i));
    case 1: return array.store(i, value::of(what));
    case 2: return array.update(i, [](value& v) { ++v.words[0]; });
    case 3: return static_cast<void>(array.snapshot());
    case 4: {
      auto guard = array.lock();
      guard.store(i, guard[(i + 1) % elements]);
      if (guard.owner_died()) guard.mark_repaired();
      return;
    }
    case 5: {
      auto guard = array.lock();
      guard.raw()[i] = value::of(what);
      return guard.mark_repaired();
    }
    case 6: return static_cast<void>(shm::array<const value, N>(name).load(i));
    default: return shm::remove(name);
  }
}

void work(shm::mutex& mutex, const shm::key& name, unsigned what) {
  switch (what % 4) {
    case 0:
      mutex.lock();
      if (mutex.owner_died()) mutex.mark_repaired();
      return mutex.unlock();
    case 1:
      if (mutex.try_lock()) mutex.unlock();
      return;
    case 2:
      return in_time([&] {
        if (mutex.try_lock_for(1ms)) mutex.unlock();
      });
    default: return shm::remove(name);
  }
}

/// As a person would: by force, and by ipcrm what no longer looks like ours.
void take_away(const shm::key& name) {
  if (!code_of([&] { shm::remove(name, shm::force); })) return;
  // Somebody else may be first.
  const auto memory = segment::find(name.segment_key());
  if (memory.ok()) static_cast<void>(memory.value.remove());
  const auto set = semaphore_set::find(name.set_key());
  if (set.ok()) static_cast<void>(set.value.remove());
}

template <class Handle>
int keep_working(const shm::key& name, round& now, unsigned who, unsigned seed) {
  const support::watchdog watchdog(100);
  std::minstd_rand random(seed);
  while (!now.over) {
    attempt(now, who, [&] {
      shm::options how;
      how.open_timeout = 100ms;
      Handle handle(name, how);
      for (int n = 0; n < 30 && !now.over; ++n) {
        attempt(now, who, [&] { work(handle, name, static_cast<unsigned>(random())); });
      }
    });
    if (random() % 50 == 0) take_away(name);
  }
  return 0;
}

template <class Handle>
void play_rounds() {
  const support::watchdog watchdog(110);
  std::array<std::uint64_t, workers> done{}, refused{};
  for (unsigned seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    const support::name name;
    const support::shared_page<round> now;
    { const Handle made(name); }
    std::vector<support::child> processes;
    for (unsigned who = 0; who < workers; ++who) {
      processes.emplace_back(
          [&, who] { return keep_working<Handle>(name, *now, who, seed * workers + who); });
    }
    support::child hostile([&] {
      const support::watchdog own(100);
      scribbler(seed).scribble_over(name, *now);
      return 0;
    });
    CHECK(hostile.wait() == 0);
    now->over = true;
    take_away(name);
    for (support::child& process : processes) CHECK(process.wait() == 0);
    take_away(name);
    for (unsigned who = 0; who < workers; ++who) {
      done[who] += now->done[who];
      refused[who] += now->refused[who];
    }
  }
  CHECK(support::attachments() == 0);
  for (unsigned who = 0; who < workers; ++who) {
    CHECK(done[who] > 50);
    CHECK(refused[who] > 50);
  }
}

}  // namespace

TEST_CASE("an object that somebody scribbles over harms nobody who works on it", "[slow]") {
  play_rounds<shm::object<value>>();
}

TEST_CASE("an array that somebody scribbles over harms nobody who works on it", "[slow]") {
  play_rounds<shm::array<value, elements>>();
}

namespace {

struct array_of_any_length : shm::array<value> {
  explicit array_of_any_length(const shm::key& name, const shm::options& how = {})
      : shm::array<value>(shm::open_or_create, name, elements, how) {}
};

}  // namespace

TEST_CASE("an array of any length that somebody scribbles over harms nobody", "[slow]") {
  play_rounds<array_of_any_length>();
}

TEST_CASE("a mutex that somebody scribbles over harms nobody who works on it", "[slow]") {
  play_rounds<shm::mutex>();
}
