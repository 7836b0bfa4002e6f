// Crash points: a process is killed at every step of every protocol, and the others carry on.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>

#include "support/catch.hpp"
#include "support/watchdog.hpp"
#include "witnesses.hpp"

using namespace crash;

namespace {

using steps = std::set<std::string>;

/// Every crash point that there is, read from the source: none can be forgotten.
const steps& points_in_source() {
  static const steps points = [] {
    std::ifstream file(SHM_SOURCES);
    std::stringstream text;
    text << file.rdbuf();
    const std::string source = text.str();
    const std::regex call("(crash_point|crash_points_in_copy|copy_within)\\(\\s*\"([^\"]+)\"");
    steps found;
    for (std::sregex_iterator at(source.begin(), source.end(), call), end; at != end; ++at) {
      found.insert((*at)[2]);
    }
    return found;
  }();
  return points;
}

/// What was seen of deaths at one point.
struct record {
  int kills = 0, pairs = 0;
  steps outcomes;
};
using records = std::map<std::string, record>;

/// The longest that the others took to go on after a death. Shown; what bounds it is the watchdog.
std::chrono::milliseconds slowest{0};

/// Two who live on, whatever happens to the process that they do business with. Not its children:
/// those would die with it.
class bystanders {
 public:
  explicit bystanders(world& w)
      : world_(w),
        holder_([&w] {
          const support::watchdog own_watchdog(30);
          w.may_hold.await();
          shm::mutex mutex(w.mutex);
          mutex.lock();
          w.held.pass();
          w.about_to_sleep.await();
          mutex.unlock();
          return 0;
        }),
        sleeper_([&w] {
          const support::watchdog own_watchdog(30);
          w.sleeper_may_lock.await();
          shm::mutex mutex(w.mutex);
          mutex.lock();
          mutex.unlock();
          w.told->sleeper_finished = true;
          return 0;
        }) {}

  /// The one whom they wait for may be dead.
  void finish() {
    for (support::baton* baton :
         {&world_.may_hold, &world_.about_to_sleep, &world_.sleeper_may_lock}) {
      baton->pass();
    }
    CHECK(holder_.wait() == 0);
    CHECK(sleeper_.wait() == 0);
  }

 private:
  world& world_;
  support::child holder_, sleeper_;
};

steps steps_told(int pipe) {
  std::string all, text(1 << 16, '\0');
  for (ssize_t got; (got = ::read(pipe, text.data(), text.size())) > 0;) {
    all.append(text.data(), static_cast<std::size_t>(got));
  }
  steps told;
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) told.insert(line);
  return told;
}

/// Runs the job in a process of its own; every step that it passes.
template <class Job>
steps trace(world& w, Job job) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  support::child walker([&] {
    ::close(ends[0]);
    the_plan = {::getpid(), "", 1, &w, ends[1], nullptr, end_by::kill};
    job(w);
    return 0;
  });
  ::close(ends[1]);
  steps told = steps_told(ends[0]);
  ::close(ends[0]);
  CHECK(walker.wait() == 0);
  return told;
}

/// Whether the process that runs the job ended there.
template <class Job>
bool is_ended_at(world& w, const std::string& step, int occurrence, void (*before_death)(), Job job,
                 end_by how = end_by::kill) {
  support::child victim([&] {
    const support::watchdog own_watchdog(30);
    the_plan = {::getpid(), step, occurrence, &w, -1, before_death, how};
    job(w);
    return 0;
  });
  const int as_planned = how == end_by::kill ? -SIGKILL : exited;
  const int ended = victim.wait();
  CAPTURE(ended);
  CHECK((ended == 0 || ended == as_planned));
  w.told->died();
  return ended == as_planned;
}

void compare_with(const account& truth, const testimony& said, steps& outcomes) {
  for (const bool told : said.mutex_told) CHECK(told == truth.mutex_tells());
  if (truth.mutex_tells()) outcomes.insert("the next holder of the mutex is told");

  CHECK(said.object_under_lock.how == sight::whole);
  CHECK(said.object_under_lock.number == truth.value);
  if (truth.object_is_ready || said.object_read.how != sight::refused) {
    CHECK(said.object_read.how == sight::whole);
    CHECK(said.object_read.number == truth.value);
  }
  if (truth.storing_value) {
    outcomes.insert(truth.value == truth.next_value ? "the new value" : "the value before");
  }

  CHECK(said.array_told == truth.array_tells());
  if (truth.array_tells()) outcomes.insert("the next holder of the array is told");
  for (std::size_t i = 0; i < elements; ++i) {
    const seen_value& read = said.array_read[i];
    if (truth.bulk_odd) {
      CHECK(read.how == sight::damaged);
      outcomes.insert("load() says damaged until repaired");
      continue;
    }
    CHECK(said.array_under_lock[i].how == sight::whole);
    CHECK(said.array_under_lock[i].number == truth.element[i]);
    if (truth.array_is_ready || read.how != sight::refused) {
      CHECK(read.how == sight::whole);
      CHECK(read.number == truth.element[i]);
    }
  }
  if (truth.storing_element && !truth.bulk_odd) {
    outcomes.insert(truth.element[truth.index] == truth.next_element ? "the new element"
                                                                     : "the element before");
  }
  if (outcomes.empty()) outcomes.insert("nothing amiss");
}

/// Who comes when all is over finds the same, can repair it, and go on.
void check_late_comer(world& w) {
  const account& truth = *w.told;
  shm::object<value> object(w.object);
  CHECK(object.load().is_whole());
  CHECK(object.load().value() == truth.value);
  object.update([](value& v) { v = value::of(v.value() + 1); });
  CHECK(shm::object<const value>(w.object).load().value() == truth.value + 1);

  shm::array<value, elements> array(w.array);
  const shm::array<const value, elements> viewer(w.array);
  {
    auto guard = array.lock();
    CHECK(guard.owner_died() == truth.array_tells());
    for (std::size_t i = 0; i < elements; ++i) guard.store(i, value::of(70 + i));
    guard.mark_repaired();
  }
  for (std::size_t i = 0; i < elements; ++i) CHECK(viewer.load(i).value() == 70 + i);
  CHECK(viewer.snapshot()[2].value() == 72);
  CHECK_FALSE(array.lock().owner_died());

  map_of_world map(w.map);
  for (const std::uint64_t key : support::keys_at(1, room, 3)) map.insert_or_assign(key, 7);
  CHECK(map.size() == 3);
  for (const auto& [key, seven] : map.snapshot()) CHECK(seven == 7);

  shm::mutex mutex(w.mutex);
  mutex.lock();
  CHECK(mutex.owner_died() == truth.mutex_tells());
  mutex.mark_repaired();
  mutex.unlock();
  CHECK(mutex.try_lock());
  CHECK_FALSE(mutex.owner_died());
  mutex.unlock();

  shm::semaphore semaphore(w.semaphore, permits);
  CHECK(semaphore.available() == permits);
  const auto one = semaphore.try_acquire();
  CHECK(one.has_value());
  for (const support::name* name : {&w.brief, &w.gone, &w.broken}) shm::remove(*name);
}

/// After the last death: everybody is heard, and must have seen what the account says.
steps compare_all(world& w, witnesses& others, bystanders& living) {
  const auto death = std::chrono::steady_clock::now();
  living.finish();
  const testimony& said = others.hear();
  slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::steady_clock::now() - death));
  steps outcomes;
  compare_with(*w.told, said, outcomes);
  check_late_comer(w);
  return outcomes;
}

/// Ends one process there. Whether it came there at all.
bool end_at(const std::string& step, int occurrence, record& seen, end_by how) {
  INFO((how == end_by::kill ? "killed" : "exit()")
       << " at \"" << step << "\", occurrence " << occurrence);
  const support::watchdog watchdog(60);
  world w;
  witnesses others(w);
  bystanders living(w);
  const bool killed =
      is_ended_at(w, step, occurrence, &witnesses::call_and_see_them_wait, life, how);
  if (!killed) {
    others.call();
    static_cast<void>(others.hear());
    living.finish();
    return false;
  }
  seen.outcomes.merge(compare_all(w, others, living));
  ++seen.kills;
  return true;
}

/// The steps that a process passes which recovers from a death there.
steps steps_of_recovery_from(const std::string& step) {
  const support::watchdog watchdog(60);
  world w;
  bystanders living(w);
  REQUIRE(is_ended_at(w, step, 1, nullptr, life));
  steps passed = trace(w, recover);
  living.finish();
  return passed;
}

/// Who recovers need not come to a step that another recovery came to: some depend on who is first.
void kill_at_both(const std::string& first, const std::string& second, record& seen) {
  INFO("killed at \"" << first << "\", and who recovers at \"" << second << '"');
  const support::watchdog watchdog(60);
  world w;
  witnesses others(w);
  bystanders living(w);
  REQUIRE(is_ended_at(w, first, 1, nullptr, life));
  const bool killed_again = is_ended_at(w, second, 1, &witnesses::call_and_see_them_wait, recover);
  if (!killed_again) others.call();
  compare_all(w, others, living);
  if (killed_again) ++seen.pairs;
}

std::string table_of(const records& all) {
  std::ostringstream text;
  text
      << "| killed at | times | again during recovery | what the others saw |\n|---|---|---|---|\n";
  record sum;
  for (const auto& [step, seen] : all) {
    std::string outcomes;
    for (const std::string& outcome : seen.outcomes) {
      outcomes += (outcomes.empty() ? "" : "; ") + outcome;
    }
    text << "| " << step << " | " << seen.kills << " | " << seen.pairs << " | " << outcomes
         << " |\n";
    sum.kills += seen.kills;
    sum.pairs += seen.pairs;
  }
  text << "| " << all.size() << " points | " << sum.kills << " | " << sum.pairs << " | |\n";
  return text.str();
}

}  // namespace

TEST_CASE("one life passes through every crash point that the source has") {
  shm::detail::crash_point_hook = hook;
  const support::watchdog watchdog(60);
  world w;
  bystanders living(w);
  const steps reached = trace(w, life);
  living.finish();
  CHECK(points_in_source().size() > 60);
  for (const std::string& point : points_in_source()) {
    INFO(point);
    CHECK(reached.count(point) == 1);
  }
}

TEST_CASE(
    "a process that calls exit() while a thread is at any step leaves what a killed one leaves") {
  shm::detail::crash_point_hook = hook;
  int exits = 0;
  for (const std::string& step : points_in_source()) {
    record seen;
    for (int occurrence = 1; end_at(step, occurrence, seen, end_by::exit); ++occurrence) ++exits;
  }
  CHECK(exits > 300);
}

TEST_CASE(
    "whoever is killed at any step, or recovers and is killed at any step, the others see what is "
    "promised",
    "[pairs]") {
  shm::detail::crash_point_hook = hook;
  records all;
  for (const std::string& step : points_in_source()) {
    record& seen = all[step];
    for (int occurrence = 1; end_at(step, occurrence, seen, end_by::kill); ++occurrence) {
    }
    for (const std::string& second : steps_of_recovery_from(step)) kill_at_both(step, second, seen);
  }
  CHECK(std::accumulate(all.begin(), all.end(), 0,
                        [](int sum, const auto& at) { return sum + at.second.pairs; }) > 2500);
  const std::string table = table_of(all);
  std::fputs(table.c_str(), stdout);
  std::printf("from a death until everybody had gone on: at most %lld ms\n",
              static_cast<long long>(slowest.count()));
  if (const char* path = std::getenv("SHM_CRASH_TABLE")) {
    std::ofstream file(path);
    file << table;
    CHECK(file.flush().good());
  }
}
