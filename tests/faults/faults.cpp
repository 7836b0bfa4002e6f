// Faults: each system call of each protocol fails once in each way; an error, no leak, no hang.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <shm.hpp>
#include <sstream>

#include "faults/system_calls.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/idle_thread.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/shared_page.hpp"
#include "support/types.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;
using support::dies;
using support::segment_of;
using support::set_of;
using support::set_state;
using support::telemetry;

namespace {

/// The objects of one run, and what its two processes tell each other.
struct world {
  support::name object, array, mutex, semaphore;
  support::baton arranged;  ///< the companion has done its part
  support::baton held;      ///< the watched process holds the lock
  support::baton woken;     ///< the companion has slept at the lock, or had no need to
  support::baton release;   ///< the companion may let go, or end
  support::shared_page<std::array<char, 64>> anonymous;  ///< a name that was made, or nothing

  /// All that there may be.
  std::vector<shm::key> keys() const {
    std::vector<shm::key> all{object, array, mutex, semaphore};
    if (anonymous->front() != '\0') all.emplace_back(anonymous->data());
    return all;
  }
};

/// One protocol, done by the watched process beside a companion.
struct protocol {
  std::string title;
  std::function<void(world&)> arrange;
  std::function<void(world&)> act;
  bool creates = false;  ///< when it fails, nothing may be left
};

shm::options options_for_tests() {
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(1000);
  return how;
}

template <class F>
shm::options with(F change) {
  shm::options how = options_for_tests();
  change(how);
  return how;
}
const shm::options plain = options_for_tests();
const shm::options brief =
    with([](shm::options& how) { how.lifetime = shm::lifetime::until_last_detach; });
const shm::options short_of_time =
    with([](shm::options& how) { how.open_timeout = std::chrono::milliseconds(1); });
const shm::options short_of_seats = with([](shm::options& how) { how.seats = 1; });
const shm::options in_locked_memory = with([](shm::options& how) { how.lock_in_memory = true; });
const shm::options in_huge_pages = with([](shm::options& how) { how.huge_pages = true; });

constexpr unsigned permits = 2;

void nothing(world&) {}

/// The companion leaves an object of that T behind, in that state.
template <class T>
auto leave(life_state state, const shm::options& how = plain) {
  return [state, how](world& w) {
    { shm::object<T> one(w.object, how); }
    if (state != life_state::ready) set_state(w.object, state);
  };
}
void leave_objects(world& w) {
  shm::object<int> object(w.object);
  shm::array<int, 3> array(w.array);
  shm::mutex mutex(w.mutex);
}
void keep_object(world& w) {
  shm::object<int> one(w.object, short_of_seats);
  w.arranged.pass();
  w.release.await();
}
void keep_mutex_locked(world& w) {
  shm::mutex mutex(w.mutex);
  mutex.lock();
  w.arranged.pass();
  w.release.await();
  mutex.unlock();
}
void keep_all_permits(world& w) {
  shm::semaphore semaphore(w.semaphore, permits);
  const shm::permit first = semaphore.acquire(), last = semaphore.acquire();
  w.arranged.pass();
  w.release.await();
}
void keep_the_door(world& w) {
  { shm::object<int> one(w.object); }
  if (!set_of(w.object).enter_door(1, deadline::never()).ok()) throw std::logic_error("no door");
  w.arranged.pass();
  w.release.await();
}
void sleep_at_the_mutex(world& w) {
  shm::mutex mutex(w.mutex, plain);
  w.arranged.pass();
  w.held.await();
  try {
    mutex.lock();
    mutex.unlock();
  } catch (const shm::error& refusal) {
    if (refusal.code() != shm::errc::removed) throw;
  }
  w.woken.pass();
}
void edit_in_place(world& w) {
  shm::array<int, 3> array(w.array);
  auto guard = array.lock();
  for (int& element : guard.raw()) element = 1;
  w.arranged.pass();
  w.release.await();
}

/// Lets the companion go on as soon as the watched process is about to sleep.
world* sleeping_in = nullptr;
void release_before_sleep(const std::string& call) {
  if (call == "semop(wake-)" || call == "semop(raw?)") sleeping_in->release.pass();
}
void release_when_asleep(world& w) {
  sleeping_in = &w;
  faults::the_plan.before = release_before_sleep;
}

/// What follows is done by a forked child, to which the plan applies; its parent only waits.
void go_on_in_child() {
  std::fflush(nullptr);
  const pid_t forked = ::fork();
  if (forked == -1) throw std::system_error(errno, std::system_category(), "fork");
  if (forked == 0) {
    support::forget_coverage();
    return;
  }
  int status = 0;
  ::waitpid(forked, &status, 0);
  support::write_coverage();
  if (WIFSIGNALED(status)) ::raise(WTERMSIG(status));
  ::_exit(WEXITSTATUS(status));
}

const std::vector<protocol> protocols{
    {"creating an object", nothing,
     [](world& w) {
       shm::object<int> one(w.object, in_locked_memory);
       one.store(1);
     },
     true},
    {"creating in huge pages", nothing,
     [](world& w) { shm::array<int, 3>(w.array, in_huge_pages).store(1, 1); }, true},
    {"creating what goes with its last handle", nothing,
     [](world& w) { shm::object<int>(w.object, brief).store(1); }, true},
    {"creating an anonymous object", nothing,
     [](world& w) {
       const shm::key key = shm::key::anonymous();
       key.name().copy(w.anonymous->data(), w.anonymous->size() - 1);
       shm::object<int>(key, plain).store(1);
     },
     true},
    {"naming by a path", nothing, [](world&) { shm::key::from_path("/", 1); }},
    {"opening", leave_objects,
     [](world& w) {
       shm::object<int>(shm::open_only, w.object, plain).update([](int& i) { ++i; });
       static_cast<void>(shm::array<int, 3>(shm::open_only, w.array, plain).snapshot());
     }},
    {"finding nothing", nothing,
     [](world& w) { shm::object<int>(shm::open_only, w.object, plain); }},
    {"reading", leave_objects,
     [](world& w) {
       static_cast<void>(shm::object<const int>(w.object, plain).load());
       static_cast<void>(shm::array<const int, 3>(w.array, plain).snapshot());
     }},
    {"reading, and a refused opening, beside a thread", leave_objects,
     [](world& w) {
       const support::idle_thread beside;
       static_cast<void>(shm::object<const int>(w.object, plain).load());
       static_cast<void>(shm::array<const int, 3>(shm::open_only, w.object, plain));
     }},
    {"reading what is half-made", leave<int>(life_state::under_construction),
     [](world& w) { shm::object<const int>(w.object, plain); }},
    {"finding no seat", keep_object, [](world& w) { shm::object<int>(w.object, plain); }},
    {"finding the door taken", keep_the_door,
     [](world& w) { shm::object<int>(w.object, short_of_time); }},
    {"locking what somebody holds", keep_mutex_locked,
     [](world& w) {
       release_when_asleep(w);
       shm::mutex mutex(w.mutex, plain);
       const shm::scoped_lock lock(mutex);
     }},
    {"giving up on what somebody holds", keep_mutex_locked,
     [](world& w) {
       shm::mutex mutex(w.mutex, plain);
       if (mutex.try_lock() || mutex.try_lock_for(std::chrono::milliseconds(1))) mutex.unlock();
     }},
    {"taking over from the dead",
     [](world& w) {
       dies([&w] {
         shm::mutex mutex(w.mutex);
         mutex.lock();
         support::die();
       });
     },
     [](world& w) {
       shm::mutex mutex(w.mutex, plain);
       const shm::scoped_lock lock(mutex);
       mutex.mark_repaired();
     }},
    {"trying the lock of the dead",
     [](world& w) {
       dies([&w] {
         shm::mutex mutex(w.mutex);
         mutex.lock();
         support::die();
       });
     },
     [](world& w) {
       shm::mutex mutex(w.mutex, plain);
       if (mutex.try_lock()) mutex.unlock();
     }},
    {"unlocking beside a sleeper", sleep_at_the_mutex,
     [](world& w) {
       shm::mutex mutex(w.mutex, plain);
       const shm::scoped_lock lock(mutex);
       const auto memory = attachment::of(segment_of(w.mutex), attach_mode::read_only);
       w.held.pass();
       // It does not sleep if this is another object than its own, which was removed.
       const auto asleep = [&] { return header_at(memory.value).waiters.load() != 0; };
       while (memory.ok() && !asleep() && !w.woken.arrives_within(0)) pause_briefly();
     }},
    {"editing in place", leave_objects,
     [](world& w) {
       shm::array<int, 3> array(w.array, plain);
       auto guard = array.lock();
       for (int& element : guard.raw()) element = 2;
     }},
    {"reading beside an edit in place", edit_in_place,
     [](world& w) {
       release_when_asleep(w);
       static_cast<void>(shm::array<const int, 3>(w.array, plain).load(1));
     }},
    {"loading beside an edit in place", edit_in_place,
     [](world& w) {
       release_when_asleep(w);
       static_cast<void>(shm::array<int, 3>(w.array, plain).load(1));
     }},
    {"creating a semaphore", nothing,
     [](world& w) {
       faults::the_plan.is_of_semaphore = true;
       shm::semaphore(w.semaphore, permits, plain);
     },
     true},
    {"taking a permit", nothing,
     [](world& w) {
       faults::the_plan.is_of_semaphore = true;
       shm::semaphore semaphore(w.semaphore, permits, plain);
       const shm::permit one = semaphore.acquire();
       static_cast<void>(semaphore.available());
     }},
    {"giving up on permits that somebody holds", keep_all_permits,
     [](world& w) {
       faults::the_plan.is_of_semaphore = true;
       shm::semaphore semaphore(w.semaphore, permits, plain);
       static_cast<void>(semaphore.try_acquire());
       static_cast<void>(semaphore.try_acquire_for(std::chrono::milliseconds(1)));
     }},
    {"adopting a semaphore whose set was removed by hand",
     [](world& w) {
       { shm::semaphore semaphore(w.semaphore, permits); }
       static_cast<void>(set_of(w.semaphore).remove());
     },
     [](world& w) {
       faults::the_plan.is_of_semaphore = true;
       shm::semaphore semaphore(w.semaphore, permits, plain);
     }},
    {"finding nothing, in spite of waiting", nothing,
     [](world& w) {
       shm::object<int>(shm::open_only, w.object, with([](shm::options& how) {
                          how.await_creation = std::chrono::milliseconds(3);
                        }));
     }},
    {"sitting down in a forked child", leave_objects,
     [](world& w) {
       faults::the_plan.active = false;
       shm::object<int> one(w.object, plain);
       go_on_in_child();
       faults::the_plan.active = true;
       one.store(1);
     }},
    {"removing", leave_objects, [](world& w) { shm::remove(w.object); }},
    {"removing what is in use", keep_object, [](world& w) { shm::remove(w.object); }},
    {"removing by force", keep_object, [](world& w) { shm::remove(w.object, shm::force); }},
    {"removing what somebody else began to remove", leave<int>(life_state::removed),
     [](world& w) { shm::remove(w.object); }},
    {"opening what somebody began to remove", leave<int>(life_state::removing),
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"opening what somebody died removing", leave<int>(life_state::removed),
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"completing what a dead creator left", leave<int>(life_state::under_construction),
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"replacing what a dead creator of another type left",
     leave<telemetry>(life_state::under_construction),
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"making anew what all who had it died with",
     [](world& w) { dies([&w] { new shm::object<int>(w.object, brief); }); },
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"adopting an object whose semaphores were removed by hand",
     [](world& w) {
       { shm::object<int> one(w.object); }
       static_cast<void>(set_of(w.object).remove());
     },
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"retiring an object whose semaphores were removed under its handles",
     [](world& w) {
       shm::object<int> one(w.object);
       static_cast<void>(set_of(w.object).remove());
       w.arranged.pass();
       w.release.await();
     },
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"replacing semaphores whose segment was removed by hand",
     [](world& w) {
       shm::object<int> one(w.object);
       static_cast<void>(segment_of(w.object).remove());
       w.arranged.pass();
       w.release.await();
     },
     [](world& w) { shm::object<int>(w.object, plain); }},
    {"opening, while deaths have left many tokens",
     [](world& w) {
       shm::object<int> one(w.object);
       for (int deaths = 0; deaths < 3; ++deaths) {
         dies([&w] { new shm::object<int>(w.object); });
       }
     },
     [](world& w) { shm::object<int>(w.object, plain); }},
};

/// The call whose failure is tried; the one without a name does not fail.
struct fault {
  std::string call;
  int occurrence = 0;
  int error_number = 0;
};

/// How a run ended for the watched process.
struct outcome {
  int status = 0;
  bool refused = false;
  std::string category;
  int code = 0;
  std::string what;
  std::vector<std::string> calls;
};

bool has_attachments() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/SYSV") != std::string::npos) return true;
  }
  return false;
}

bool sits_in(const shm::key& key) {
  const auto set = semaphore_set::find(key.set_key());
  if (!set.ok()) return false;
  const unsigned semaphores = set.value.stat().value.semaphores;
  const auto values = set.value.values();
  for (unsigned short i = semaphore::first_seat; values.ok() && i < semaphores; ++i) {
    if (values.value[i] != 0 && set.value.last_process(i).value == ::getpid()) return true;
  }
  return false;
}

/// 0, or what is wrong.
int watched_life(const protocol& protocol, const fault& fault, world& w, int log, int report) {
  const support::watchdog watchdog(20);
  // What it says about huge pages is for people.
  static_cast<void>(::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO));
  faults::the_plan = {true, fault.call, fault.occurrence, fault.error_number, false, log, nullptr};
  int status = 0;
  try {
    protocol.act(w);
    faults::the_plan.active = false;
  } catch (const shm::error& refusal) {
    faults::the_plan.active = false;
    std::ostringstream text;
    text << refusal.code().category().name() << ' ' << refusal.code().value() << ' '
         << refusal.what();
    const std::string line = text.str();
    if (::write(report, line.data(), line.size()) < 0) status = 4;
  }
  if (has_attachments()) status = 2;
  for (const shm::key& key : w.keys()) {
    if (sits_in(key)) status = 3;
  }
  return status;
}

std::string drained(int file) {
  std::string all;
  char part[4096];
  for (ssize_t got; (got = ::read(file, part, sizeof part)) > 0;) {
    all.append(part, static_cast<std::size_t>(got));
  }
  ::close(file);
  return all;
}

/// After whatever happened, everything can be opened and used.
int others_carry_on(world& w) {
  const support::watchdog watchdog(20);
  shm::object<int>(w.object).update([](int& i) { ++i; });
  shm::array<int, 3> array(w.array);
  {
    auto guard = array.lock();
    for (int& element : guard.raw()) element = 5;
  }
  shm::mutex mutex(w.mutex);
  const shm::scoped_lock lock(mutex);
  if (shm::semaphore(w.semaphore, permits).available() != permits) return 2;
  return array.load(2) == 5 ? 0 : 1;
}

/// But for what could not be removed, and an empty set: outside the door others may be using it
/// already, so whoever failed there leaves it to the next opener.
void check_nothing_is_left(const world& w, const fault& fault) {
  if (fault.call.find("IPC_RMID") != std::string::npos) return;
  const bool outside_the_door = fault.call == "semop(mark?)" || fault.call == "semop(door?)" ||
                                fault.call == "semctl(GETALL)";
  for (const shm::key& key : w.keys()) {
    CHECK_FALSE(segment::find(key.segment_key()).ok());
    CHECK((outside_the_door || !semaphore_set::find(key.set_key()).ok()));
  }
}

outcome run(const protocol& protocol, const fault& fault) {
  world w;
  outcome seen;
  support::child companion([&] {
    const support::watchdog watchdog(30);
    protocol.arrange(w);
    w.arranged.pass();
    return 0;
  });
  w.arranged.await();
  // One that only arranges has ended before the watched process starts.
  int log[2], report[2];
  if (::pipe2(log, O_CLOEXEC) != 0 || ::pipe2(report, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::system_category(), "pipe");
  }
  support::child watched([&] { return watched_life(protocol, fault, w, log[1], report[1]); });
  ::close(log[1]);
  ::close(report[1]);
  std::istringstream calls(drained(log[0]));
  for (std::string line; std::getline(calls, line);) seen.calls.push_back(line);
  std::istringstream text(drained(report[0]));
  seen.refused = static_cast<bool>(text >> seen.category >> seen.code);
  std::getline(text, seen.what, '\0');
  seen.status = watched.wait();
  if (protocol.creates && seen.refused) check_nothing_is_left(w, fault);
  w.held.pass();
  w.release.pass();
  CHECK(companion.wait() == 0);
  CHECK(support::child([&w] { return others_carry_on(w); }).wait() == 0);
  // What could not be taken away at the end is left to the next opener; one without a name has
  // none.
  for (const shm::key& key : w.keys()) shm::remove(key, shm::force);
  return seen;
}

/// Whether a person can tell from the message which call it was.
bool names_the_call(const std::string& what, const std::string& call) {
  if (call.rfind("semop(", 0) == 0) {
    const std::string which = call.substr(6, call.size() - 8);  // semop(wake-) → wake
    return what.find("op(" + which) != std::string::npos;
  }
  const bool with_command = call.find("ctl(") != std::string::npos;
  return what.find(with_command ? call : call.substr(0, call.find('('))) != std::string::npos;
}

/// Refusals that a system call gives reason for, but is not to blame for.
bool is_about_the_object(const outcome& seen) {
  if (seen.category != "shm") return false;
  const auto code = static_cast<shm::errc>(seen.code);
  return code != shm::errc::limit_reached && code != shm::errc::corrupt;
}

void check_refusal(const outcome& seen, const outcome& without_fault, const fault& fault) {
  const bool as_without =
      seen.category == without_fault.category && seen.code == without_fault.code;
  if (as_without) return;
  const bool state_of_things = fault.error_number == EIDRM || fault.error_number == ENOENT ||
                               fault.error_number == EEXIST || fault.error_number == EAGAIN;
  if (state_of_things && is_about_the_object(seen)) return;
  CHECK(names_the_call(seen.what, fault.call));
  if (seen.category == "system") CHECK(seen.code == fault.error_number);
}

}  // namespace

TEST_CASE("whichever system call fails, it is an error with its name, nothing leaks or hangs") {
  for (const protocol& protocol : protocols) {
    DYNAMIC_SECTION(protocol.title) {
      const outcome without_fault = run(protocol, {});
      CHECK(without_fault.status == 0);
      CHECK(without_fault.calls.size() > 0);
      std::map<std::string, int> occurrences;
      int refused = 0;
      for (const std::string& call : without_fault.calls) {
        const int occurrence = ++occurrences[call];
        for (const int error_number : faults::plausible_errors(call)) {
          INFO(call << ", occurrence " << occurrence << ", fails with "
                    << std::strerror(error_number));
          const fault tried{call, occurrence, error_number};
          const outcome seen = run(protocol, tried);
          INFO(seen.category << ' ' << seen.code << seen.what);
          CHECK(seen.status == 0);
          if (seen.refused) check_refusal(seen, without_fault, tried);
          // An interruption is nobody's business.
          if (error_number == EINTR && call.rfind("semop(", 0) == 0) {
            CHECK(seen.refused == without_fault.refused);
          }
          refused += seen.refused ? 1 : 0;
        }
      }
      CHECK(refused > 0);
    }
  }
}

TEST_CASE("threads that open the first handles at once tell forks by one page") {
  support::child first_to_open([] {
    static bool was_first = false;
    faults::the_plan.before = [](const std::string&) {
      process::prepare();  // as another thread would, which is faster
      was_first = true;
    };
    faults::the_plan.active = true;
    process::prepare();
    faults::the_plan.active = false;
    if (!was_first) return 1;
    std::ifstream mappings("/proc/self/smaps");
    int wiped_on_fork = 0;
    for (std::string line; std::getline(mappings, line);) {
      if (line.rfind("VmFlags:", 0) == 0 && line.find(" wf") != std::string::npos) ++wiped_on_fork;
    }
    return wiped_on_fork == 1 && process::current() != 0 ? 0 : 2;
  });
  CHECK(first_to_open.wait() == 0);
}

TEST_CASE("the protocols whose calls are made to fail make every call that the library has") {
  std::set<std::string> seen;
  for (const protocol& protocol : protocols) {
    for (const std::string& call : run(protocol, {}).calls) seen.insert(call);
  }
  CHECK(seen == faults::known_calls());
}
