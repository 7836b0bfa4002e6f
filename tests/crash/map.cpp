// Map: its writer is killed at each step, then the process that repairs; others look in between.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <shm.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/at_step.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/colliding_keys.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/shared_page.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

namespace {

using value = support::uniform<3>;  // a word for each third of a copy
constexpr std::size_t room = 4;     // in six slots
using map = shm::map<std::uint64_t, value, room>;
using viewer = shm::map<std::uint64_t, const value, room>;
using content = std::map<std::uint64_t, std::uint64_t>;

/// Three keys that begin at slot 5, whose entries go round to slot 0, and one that begins at 0.
struct keys {
  std::uint64_t a = support::keys_at(5, room, 3)[0];
  std::uint64_t b = support::keys_at(5, room, 3)[1];
  std::uint64_t c = support::keys_at(5, room, 3)[2];
  std::uint64_t next = support::keys_at(0, room, 1)[0];
};

/// Dies at the nth step that it passes.
struct plan {
  bool committed = false;  ///< by the commit point, which is stated here once more
  bool changing = false;
  int steps_left = -1;
};
support::shared_page<plan>* the_plan = nullptr;
pid_t victim = 0;

void hook(const char* name) {
  if (::getpid() != victim) return;
  plan& now = **the_plan;
  const std::string_view step = name;
  if (step == "map: change begun") now.changing = true;
  if (step == "array: sequence even" && now.changing) now.committed = true;
  if (step == "map: change over") now.changing = false;
  if (now.steps_left >= 0 && now.steps_left-- == 0) support::die();
}

/// Whether the job was killed at its nth step, and did not end before.
template <class Job>
bool is_killed_at(int step, Job job) {
  support::child process([&] {
    const support::watchdog own_watchdog(30);
    (*the_plan)->steps_left = step;
    victim = ::getpid();
    job();
    victim = 0;
    return 0;
  });
  const int ended = process.wait();
  REQUIRE((ended == 0 || ended == -SIGKILL));
  return ended != 0;
}

template <class Handle>
content seen_by_key(const Handle& handle, const keys& all) {
  content seen;
  for (const std::uint64_t key : {all.a, all.b, all.c, all.next}) {
    const auto found = handle.find(key);
    CHECK(handle.contains(key) == found.has_value());
    if (!found) continue;
    CHECK(found->is_whole());
    seen[key] = found->value();
  }
  return seen;
}

template <class Handle>
content seen_at_once(const Handle& handle) {
  content seen;
  for (const auto& [key, one] : handle.snapshot()) {
    CHECK(one.is_whole());
    CHECK(seen.emplace(key, one.value()).second);  // no key twice
  }
  return seen;
}

/// find, size, version and snapshot, of handles that cannot repair and of those that do.
void check_content(const support::name& name, const keys& all, const content& expected,
                   std::uint64_t version) {
  const viewer eye(name);
  const shm::const_any_object any(name);
  const map hand(name);
  CHECK(seen_by_key(eye, all) == expected);
  CHECK(eye.size() == expected.size());
  CHECK(eye.version() == version);
  CHECK(any.version() == version);
  CHECK(seen_at_once(eye) == expected);
  CHECK(seen_by_key(hand, all) == expected);
  CHECK(hand.size() == expected.size());
  CHECK(hand.version() == version);
  CHECK(seen_at_once(hand) == expected);  // takes the lock, and repairs
  CHECK(seen_by_key(eye, all) == expected);
  CHECK(eye.size() == expected.size());
  CHECK(eye.version() == version);
  CHECK(any.version() == version);
  CHECK(seen_at_once(eye) == expected);
}

/// The last process can do everything.
void check_usable(const support::name& name, const keys& all, const content& expected) {
  map hand(name);
  content now = expected;
  for (const std::uint64_t key : {all.next, all.c, all.b, all.a}) {
    hand.insert_or_assign(key, value::of(key));
    now[key] = key;
  }
  CHECK(seen_at_once(hand) == now);
  for (const std::uint64_t key : {all.a, all.b, all.c, all.next}) CHECK(hand.erase(key));
  CHECK(hand.size() == 0);
  CHECK(seen_by_key(hand, all).empty());
}

struct change {
  std::string what;
  std::function<void(map&)> before;
  std::function<void(map&)> change;
};

std::vector<change> changes(const keys& all) {
  const auto add = [](map& m, std::uint64_t key) { m.insert(key, value::of(key + 100)); };
  const auto nothing = [](map&) {};
  const auto two = [=](map& m) { add(m, all.a), add(m, all.b); };
  const auto four = [=](map& m) { add(m, all.a), add(m, all.b), add(m, all.c), add(m, all.next); };
  const auto gap = [=](map& m) { two(m), add(m, all.c), m.erase(all.a); };
  return {
      {"insert at the home", nothing, [=](map& m) { add(m, all.a); }},
      {"insert beyond the reach", two, [=](map& m) { add(m, all.c); }},
      {"insert into a slot that was freed", gap, [=](map& m) { add(m, all.a); }},
      {"insert another's key there", gap, [=](map& m) { add(m, all.next); }},
      {"assign", four, [=](map& m) { m.insert_or_assign(all.c, value::of(9)); }},
      {"update", four, [=](map& m) { m.update(all.b, [](value& v) { v = value::of(8); }); }},
      {"erase the farthest", four, [=](map& m) { m.erase(all.c); }},
      {"erase the first", four, [=](map& m) { m.erase(all.a); }},
      {"erase what lies in the way of another", four, [=](map& m) { m.erase(all.b); }},
      {"erase the only one", [=](map& m) { add(m, all.a); }, [=](map& m) { m.erase(all.a); }},
  };
}

content content_after(const std::function<void(map&)>& first,
                      const std::function<void(map&)>& then) {
  const support::name name;
  map m(name);
  first(m);
  then(m);
  return seen_at_once(m);
}

class killed {
 public:
  killed() {
    the_plan = &page_;
    shm::detail::crash_point_hook = hook;
  }
  killed(const killed&) = delete;
  killed& operator=(const killed&) = delete;
  ~killed() { shm::detail::crash_point_hook = nullptr; }

  /// One death at that step, and one of the first to repair, if that one came so far.
  bool run(const change& tried, int step, std::optional<int> repair_step) {
    const keys all;
    const content before = content_after(tried.before, [](map&) {});
    const content after = content_after(tried.before, tried.change);
    const support::name name;
    std::uint64_t version = 0;
    {
      map m(name);
      tried.before(m);
      version = m.version();
    }
    *page_ = plan();
    const bool died = is_killed_at(step, [&] {
      map m(name);
      tried.change(m);
    });
    const content& expected = page_->committed ? after : before;
    bool again = false;
    if (repair_step) {
      again = is_killed_at(*repair_step, [&] { static_cast<void>(map(name).snapshot()); });
    }
    check_content(name, all, expected, version + (page_->committed ? 1 : 0));
    check_usable(name, all, expected);
    return repair_step ? again : died;
  }

 private:
  support::shared_page<plan> page_;
};

}  // namespace

TEST_CASE("a map whose writer is killed at any step has the change or not, and all agree on it") {
  killed all;
  int kills = 0;
  for (const change& tried : changes(keys())) {
    for (int step = 0;; ++step) {
      INFO(tried.what << ", killed at step " << step);
      const support::watchdog watchdog(30);
      if (!all.run(tried, step, std::nullopt)) break;
      ++kills;
    }
  }
  CHECK(kills > 300);
}

TEST_CASE("a process that repairs a map may be killed at any step, too", "[pairs]") {
  killed all;
  int kills = 0;
  for (const change& tried : changes(keys())) {
    bool died = true;
    for (int step = 0; died; ++step) {
      for (int repair_step = 0;; ++repair_step) {
        INFO(tried.what << ", killed at step " << step << ", and in the repair at " << repair_step);
        const support::watchdog watchdog(30);
        if (!all.run(tried, step, repair_step)) break;
        ++kills;
      }
      const support::watchdog watchdog(30);
      died = all.run(tried, step, std::nullopt);
    }
  }
  CHECK(kills > 3000);
}

TEST_CASE("a lookup finds a key that is there all the time, whatever happens at any of its steps") {
  const keys all;
  const support::name name;
  map m(name);
  viewer eye(name);
  const std::vector<std::pair<std::string, std::function<void(map&)>>> happenings{
      {"the slot before is freed", [&](map& w) { w.erase(all.a); }},
      {"it is freed and taken by another", [&](map& w) { w.erase(all.a), w.insert(all.next, {}); }},
      {"it is freed and taken again", [&](map& w) { w.erase(all.a), w.insert(all.a, {}); }},
      {"the slot behind is freed", [&](map& w) { w.erase(all.c); }},
      {"all others are freed", [&](map& w) { w.erase(all.a), w.erase(all.c), w.erase(all.next); }},
      {"the value changes", [&](map& w) { w.insert_or_assign(all.b, value::of(2)); }}};
  const char* const steps[] = {"read: journal looked up", "read: copied"};
  for (const auto& [what, happen] : happenings) {
    for (const char* const step : steps) {
      for (int passing = 1; passing <= 3; ++passing) {
        INFO(what << " at \"" << step << "\", the " << passing << ". time");
        for (const std::uint64_t key : {all.a, all.b, all.c}) m.insert_or_assign(key, value::of(1));
        m.erase(all.next);
        int passed = 0;
        const support::at_step meanwhile(step, [&, &happening = happen] {
          if (++passed == passing) happening(m);
        });
        const auto found = eye.find(all.b);
        REQUIRE(found);
        CHECK(found->is_whole());
      }
    }
  }
}

TEST_CASE("a snapshot shows one moment, whatever happens at any of its steps") {
  const keys all;
  const support::name name;
  map m(name);
  viewer eye(name);
  for (int passing = 1; passing <= 12; ++passing) {
    INFO("at its step " << passing);
    for (const std::uint64_t key : {all.a, all.b, all.c}) m.insert_or_assign(key, value::of(1));
    int passed = 0;
    {
      // In a snapshot of several moments c would be in two slots, or in none.
      const support::at_step meanwhile("read: copied", [&] {
        if (++passed == passing) m.erase(all.a), m.erase(all.c), m.insert(all.c, value::of(2));
      });
      const content seen = seen_at_once(eye);
      const content one{{all.a, 1}, {all.b, 1}, {all.c, 1}}, other{{all.b, 1}, {all.c, 2}};
      CHECK((seen == one || seen == other));
    }
    m.erase(all.c);
  }
}

TEST_CASE("the size is read anew when the change that it depends on ends meanwhile") {
  const keys all;
  const support::name name;
  map m(name);
  viewer eye(name);
  m.insert(all.a, value::of(1));
  // A writer that dies inside a change leaves the note of it.
  support::dies([&] {
    victim = 0;
    const support::at_step death("map: change begun", [] { support::die(); });
    map(name).insert(all.b, value::of(1));
  });
  int looks = 0;
  const support::at_step meanwhile("map: sequence of the change read", [&] {
    if (++looks == 1) m.insert(all.b, value::of(1)), m.insert(all.c, value::of(1));
  });
  CHECK(eye.size() == 3);
  CHECK(looks == 1);
}

TEST_CASE("a reader that writers lap again and again holds them up for one lookup") {
  const support::watchdog watchdog;
  const keys all;
  const support::name name;
  map m(name), other(name);
  m.insert(all.a, value::of(0));
  int laps = 0;
  const support::at_step lap("read: copied", [&] {
    // Where the reader has the lock, the writer cannot have it.
    if (other.try_update_for(std::chrono::nanoseconds(0), all.a,
                             [&](value& v) { v = value::of(v.value() + 1); })) {
      ++laps;
    }
  });
  const auto found = m.find(all.a);
  REQUIRE(found);
  CHECK(found->value() == static_cast<std::uint64_t>(laps));
  CHECK(laps == shm::detail::tries_before_locking);
  CHECK_FALSE(m.contains(all.b));
}

TEST_CASE("a snapshot without the lock gives up when the map never stands still") {
  const support::watchdog watchdog;
  const keys all;
  const support::name name;
  map m(name);
  shm::options brief;
  brief.open_timeout = std::chrono::milliseconds(1);
  const viewer eye(name, brief);
  m.insert(all.a, value::of(0));
  const support::at_step change("read: copied", [&] { m.insert_or_assign(all.a, value::of(1)); });
  CHECK(support::code_of([&] { static_cast<void>(eye.snapshot()); }) == shm::errc::timed_out);
  CHECK_THROWS_WITH(eye.snapshot(), ContainsSubstring("take it from a read-write handle"));
}
