// Crash points: a process is killed at every step of every protocol, and the others carry on.
// SPDX-License-Identifier: MIT
#include <fstream>
#include <regex>
#include <set>
#include <shm.hpp>
#include <sstream>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/names.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using value = support::uniform<40>;
constexpr std::size_t elements = 3;

namespace {

/// What the hook does in the one process that is to be watched, or killed.
struct plan {
  pid_t victim = 0;
  std::string step;    ///< where to die; empty: nowhere
  int occurrence = 1;  ///< the how manieth time
  support::baton* about_to_sleep = nullptr;
  int coverage = -1;  ///< a pipe that is told of every step
};
plan the_plan;

void hook(const char* step) {
  if (::getpid() != the_plan.victim) return;
  if (the_plan.coverage != -1) {
    const std::string line = std::string(step) + '\n';
    if (::write(the_plan.coverage, line.data(), line.size()) < 0) std::abort();
  }
  if (step == the_plan.step && --the_plan.occurrence == 0) support::die();
  if (std::string_view(step) == "lock: before sleep" && the_plan.about_to_sleep != nullptr) {
    the_plan.about_to_sleep->pass();
  }
}

/// Every crash point that there is, read from the source: none can be forgotten.
std::set<std::string> points_in_source() {
  std::ifstream file(SHM_SOURCES);
  std::stringstream text;
  text << file.rdbuf();
  const std::string source = text.str();
  const std::regex call("crash_point\\(\"([^\"]+)\"\\)");
  std::set<std::string> points;
  for (std::sregex_iterator at(source.begin(), source.end(), call), end; at != end; ++at) {
    points.insert((*at)[1]);
  }
  return points;
}

shm::options until_last_detach() {
  shm::options how;
  how.lifetime = shm::lifetime::until_last_detach;
  return how;
}

/// The objects of one run, and the process that waits at the mutex meanwhile.
struct world {
  support::name object, array, mutex, brief, gone, broken;
  support::baton bystander_may_lock, about_to_sleep, held;
};

void set_state(const shm::key& key, segment_state state) {
  const auto memory =
      attachment::of(segment::find(key.segment_key()).value, attach_mode::read_write);
  if (!memory.ok()) throw std::runtime_error("no segment");
  header_at(memory.value).state.store(state);
}

/// Another process dies here, with that at hand.
template <class Job>
void dies(Job job) {
  support::child process([&job]() -> int {
    job();
    support::die();
  });
  if (process.wait() != -SIGKILL) throw std::runtime_error("it did not die");
}

void use_mutex(world& w) {
  shm::mutex mutex(w.mutex);
  // Somebody else holds it, until we are about to sleep.
  support::child companion([&w] {
    shm::mutex theirs(w.mutex);
    theirs.lock();
    w.held.pass();
    w.about_to_sleep.await();
    theirs.unlock();
    return 0;
  });
  w.held.await();
  mutex.lock();
  mutex.unlock();
  if (companion.wait() != 0) throw std::runtime_error("companion");
  dies([&w] {
    shm::mutex theirs(w.mutex);
    theirs.lock();
    support::die();
  });
  mutex.lock();
  mutex.mark_repaired();
  // The bystander goes to sleep; then it is to be woken.
  w.bystander_may_lock.pass();
  const auto memory =
      attachment::of(segment::find(w.mutex.key().segment_key()).value, attach_mode::read_only);
  while (header_at(memory.value).waiters.load() == 0) pause_briefly();
  mutex.unlock();
}

void use_array(world& w) {
  shm::array<value, elements> array(w.array);
  array.store(0, value::of(1));
  {
    auto guard = array.lock();
    guard.store(1, value::of(1));
  }
  {
    auto guard = array.lock();
    for (value& v : guard.raw()) v = value::of(2);
  }
  // Somebody dies in the middle of a store: repaired by the next.
  dies([&w] {
    the_plan.victim = ::getpid();
    the_plan.step = "array: element written";
    the_plan.occurrence = 1;
    the_plan.coverage = -1;
    shm::array<value, elements>(w.array).store(2, value::of(3));
  });
  array.store(2, value::of(4));
  // Somebody dies editing in place.
  dies([&w] {
    shm::array<value, elements> theirs(w.array);
    auto guard = theirs.lock();
    guard.raw()[0] = value::of(5);
    support::die();
  });
  auto guard = array.lock();
  for (std::size_t i = 0; i < elements; ++i) guard.store(i, value::of(6));
  guard.mark_repaired();
}

void open_what_the_dead_left(world& w) {
  { shm::object<int> one(w.broken); }
  static_cast<void>(semaphore_set::find(w.broken.key().set_key()).value.remove());
  { shm::object<int> adopted(w.broken); }
  set_state(w.broken, segment_state::removing);
  { shm::object<int> ready_again(w.broken); }
  set_state(w.broken, segment_state::under_construction);
  { shm::object<int> finished(w.broken); }
  set_state(w.broken, segment_state::under_construction);
  { shm::object<value> other_size(w.broken); }
}

/// Passes through every step at least once.
void life(world& w) {
  shm::object<value> object(w.object);
  object.update([](value& v) { v = value::of(v.value() + 1); });
  use_mutex(w);
  use_array(w);
  {
    shm::object<int> last(w.brief, until_last_detach());
    { shm::object<int> not_last(w.brief); }
  }
  { shm::object<int> one(w.gone); }
  shm::remove(w.gone);
  { shm::object<int> one(w.gone); }
  shm::remove(w.gone, shm::force);
  open_what_the_dead_left(w);
}

/// What the table of promises says, seen by a reader, a late comer and the next holder.
void check_promises(world& w, bool killed_in_raw) {
  const auto reader_is_content = [](auto&& read) {
    try {
      read();
    } catch (const shm::error& refusal) {
      return refusal.code() == shm::errc::not_found;
    }
    return true;
  };
  CHECK(reader_is_content([&] {
    const value seen = shm::object<const value>(w.object).load();
    CHECK(seen.is_whole());
    CHECK(seen.value() <= 2);  // the victim added one, and whoever recovered after it
  }));
  shm::object<value> object(w.object);
  CHECK(object.load().is_whole());
  object.update([](value& v) { v = value::of(v.value() + 1); });

  shm::array<value, elements> array(w.array);
  shm::array<const value, elements> viewer(w.array);
  for (std::size_t i = 0; i < elements; ++i) {
    try {
      const value seen = viewer.load(i);
      CHECK(seen.is_whole());
    } catch (const shm::error& refusal) {
      CHECK(refusal.code() == shm::errc::damaged);
      CHECK(killed_in_raw);
      CHECK(array.lock().owner_died());
    }
  }
  {
    auto guard = array.lock();
    for (std::size_t i = 0; i < elements; ++i) guard.store(i, value::of(7));
    guard.mark_repaired();
  }
  CHECK(viewer.snapshot()[2].value() == 7);
  CHECK_FALSE(array.lock().owner_died());

  shm::mutex mutex(w.mutex);
  mutex.lock();
  if (mutex.owner_died()) mutex.mark_repaired();
  mutex.unlock();

  CHECK(reader_is_content([&] { static_cast<void>(shm::object<const int>(w.brief).load()); }));
  CHECK(shm::object<int>(w.brief, until_last_detach()).load() == 0);
  CHECK(shm::object<int>(w.gone).load() == 0);
  try {
    const int seen = shm::object<int>(w.broken).load();
    CHECK(seen == 0);
  } catch (const shm::error& refusal) {
    CHECK(refusal.code() == shm::errc::type_mismatch);  // it has become the other type
  }
  for (const support::name* name : {&w.brief, &w.gone, &w.broken}) shm::remove(*name);
}

/// What the first one to come after a death does.
void recover(world& w) {
  shm::object<value>(w.object).update([](value& v) { v = value::of(v.value() + 1); });
  {
    shm::mutex mutex(w.mutex);
    mutex.lock();
    mutex.mark_repaired();
    mutex.unlock();
  }
  {
    shm::array<value, elements> array(w.array);
    auto guard = array.lock();
    for (std::size_t i = 0; i < elements; ++i) guard.store(i, value::of(7));
    guard.mark_repaired();
  }
  { shm::object<int> brief(w.brief, until_last_detach()); }
  for (const support::name* name : {&w.gone, &w.broken}) {
    try {
      shm::object<int> one(*name);
    } catch (const shm::error& refusal) {
      if (refusal.code() != shm::errc::type_mismatch) throw;
    }
    shm::remove(*name);
  }
}

/// Kills one process at that step and, where a second step is named, the one that recovers there.
/// Whether the last of them was reached at all.
bool kill_at(const std::string& step, int occurrence, const std::string& second_step = "") {
  INFO("killed at \"" << step << "\", occurrence " << occurrence << ", then \"" << second_step
                      << '"');
  const support::watchdog watchdog(30);
  world w;
  support::child bystander([&w] {
    const support::watchdog own_watchdog(30);
    w.bystander_may_lock.await();
    shm::mutex mutex(w.mutex);
    mutex.lock();
    mutex.unlock();
    return 0;
  });
  support::child victim([&] {
    the_plan = {::getpid(), step, occurrence, &w.about_to_sleep, -1};
    life(w);
    return 0;
  });
  const int ended = victim.wait();
  CHECK((ended == 0 || ended == -SIGKILL));
  bool reached = ended == -SIGKILL;
  if (reached && !second_step.empty()) {
    support::child recoverer([&] {
      the_plan = {::getpid(), second_step, 1, nullptr, -1};
      recover(w);
      return 0;
    });
    const int recovered = recoverer.wait();
    CHECK((recovered == 0 || recovered == -SIGKILL));
    reached = recovered == -SIGKILL;
  }
  w.bystander_may_lock.pass();
  CHECK(bystander.wait() == 0);
  const bool in_raw = step.rfind("raw:", 0) == 0 || step.rfind("array:", 0) == 0 ||
                      step.rfind("repair:", 0) == 0 || step.rfind("lock:", 0) == 0 ||
                      step.rfind("unlock:", 0) == 0;
  check_promises(w, in_raw);
  return reached;
}

}  // namespace

TEST_CASE("one life passes through every crash point that the source has") {
  crash_point_hook = hook;
  const support::watchdog watchdog(30);
  world w;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  support::child bystander([&w] {
    w.bystander_may_lock.await();
    shm::mutex mutex(w.mutex);
    mutex.lock();
    mutex.unlock();
    return 0;
  });
  support::child walker([&] {
    the_plan = {::getpid(), "", 1, &w.about_to_sleep, ends[1]};
    life(w);
    return 0;
  });
  CHECK(walker.wait() == 0);
  CHECK(bystander.wait() == 0);
  ::close(ends[1]);
  std::set<std::string> reached;
  std::string text(1 << 20, '\0');
  std::string all;
  for (ssize_t got; (got = ::read(ends[0], text.data(), text.size())) > 0;) {
    all.append(text.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) reached.insert(line);
  const std::set<std::string> points = points_in_source();
  CHECK(points.size() > 40);
  for (const std::string& point : points) {
    INFO(point);
    CHECK(reached.count(point) == 1);
  }
}

TEST_CASE(
    "whoever dies while it recovers from a death, at any pair of steps, the others carry on") {
  crash_point_hook = hook;
  int pairs = 0;
  const std::set<std::string> points = points_in_source();
  for (const std::string& first : points) {
    for (const std::string& second : points) pairs += kill_at(first, 1, second) ? 1 : 0;
  }
  CHECK(pairs > 500);
}

TEST_CASE("whoever is killed at any step, the others see what is promised") {
  crash_point_hook = hook;
  int kills = 0;
  for (const std::string& step : points_in_source()) {
    for (int occurrence = 1; occurrence <= 4; ++occurrence) {
      if (!kill_at(step, occurrence)) break;
      ++kills;
    }
  }
  CHECK(kills > 100);
}
