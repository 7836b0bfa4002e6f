// IPC namespaces: a handle used in another namespace harms nobody, neither here nor there.
// SPDX-License-Identifier: MIT
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <memory>
#include <optional>
#include <shm.hpp>
#include <vector>

#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/watchdog.hpp"

using namespace shm::detail;

namespace {

bool may_make_namespaces() {
  support::child tries([] { return ::unshare(CLONE_NEWIPC) == 0 ? 0 : 1; });
  return tries.wait() == 0;
}

/// The kernel gives out indexes one after the other, begins again after the 64th, and counts how
/// often: so the ids of a new namespace are known beforehand.
template <class Make, class Remove>
void let_the_next_one_be(int wanted, Make make, Remove remove) {
  constexpr int indexes = 64, one_round = 1 << 15;
  for (int next = 0; next != wanted;) {
    const int made = make();
    if (made == -1 || made > wanted) return;  // the caller sees that it is another one
    remove(made);
    const bool is_last = made % one_round == indexes - 1;
    next = is_last ? (made / one_round + 1) * one_round : made + 1;
  }
}

void let_the_next_set_be(int id) {
  let_the_next_one_be(
      id, [] { return ::semget(IPC_PRIVATE, 1, 0600); },
      [](int made) { ::semctl(made, 0, IPC_RMID); });
}
void let_the_next_segment_be(int id) {
  let_the_next_one_be(
      id, [] { return ::shmget(IPC_PRIVATE, 1, 0600); },
      [](int made) { ::shmctl(made, IPC_RMID, nullptr); });
}

/// What an observer of a set can tell: the values, and that nobody was there meanwhile.
struct set_image {
  std::vector<unsigned short> values;
  std::vector<int> processes;

  static set_image of(int id, unsigned semaphores) {
    set_image seen;
    const semaphore_set set(id, semaphores, 0);
    const auto values = set.values();
    for (unsigned short s = 0; s < semaphores; ++s) {
      seen.values.push_back(values.value[s]);
      seen.processes.push_back(set.last_process(s).value);
    }
    return seen;
  }
};

/// What lies in the new namespace under the id of the set that the handle knows.
enum class there { nothing, of_a_stranger, of_a_stranger_in_use, of_our_library };
constexpr there everything_there[] = {there::nothing, there::of_a_stranger,
                                      there::of_a_stranger_in_use, there::of_our_library};

/// In a new namespace: a set with that id, until the end of the process.
class neighbour {
 public:
  neighbour(there what, int set_id, int segment_id) : what_(what), id_(set_id) {
    if (what == there::nothing) return;
    let_the_next_set_be(set_id);
    let_the_next_segment_be(segment_id);
    if (what == there::of_our_library) {
      handle_.emplace(shm::create_only, shm::key("somebody else's"), 11);
      semaphores_ = semaphore::first_seat + shm::options().seats;
      is_there_ = support::set_of(shm::key("somebody else's")).id() == set_id;
    } else {
      semaphores_ = 70;
      is_there_ = ::semget(0x5eed, 70, IPC_CREAT | IPC_EXCL | 0600) == set_id;
      const int segment = ::shmget(0x5eed, 100, IPC_CREAT | IPC_EXCL | 0600);
      is_there_ = is_there_ && segment == segment_id;
      if (what == there::of_a_stranger_in_use) {
        for (int s = 0; s < 70; ++s) {
          if (s != semaphore::door) ::semctl(set_id, s, SETVAL, 1 + s % 5);
        }
      }
    }
    before_ = set_image::of(set_id, semaphores_);
  }

  bool is_there() const { return what_ == there::nothing || is_there_; }
  bool is_untouched() {
    if (what_ == there::nothing) return true;
    if (handle_ && handle_->load() != 11) return false;
    return set_image::of(id_, semaphores_).values == before_.values;
  }

 private:
  there what_;
  int id_;
  unsigned semaphores_ = 0;
  bool is_there_ = false;
  set_image before_;
  std::optional<shm::object<int>> handle_;
};

/// Whatever it throws: what somebody is told in a namespace where the object is not does not matter
/// to others.
template <class Use>
void attempt(Use use) {
  try {
    use();
  } catch (const shm::error&) {
    // removed, mostly
  }
}

shm::options impatient() {
  shm::options how;
  how.open_timeout = std::chrono::milliseconds(50);
  return how;
}

struct handles {
  explicit handles(const support::name (&names)[3], shm::lifetime lifetime)
      : object(names[0], with(lifetime)),
        array(names[1], with(lifetime)),
        mutex(names[2], with(lifetime)),
        reader(names[0]) {}

  static shm::options with(shm::lifetime lifetime) {
    shm::options how = impatient();
    how.lifetime = lifetime;
    return how;
  }

  void use() {
    attempt([this] { object.store(43); });
    attempt([this] { object.update([](long& value) { value = 43; }); });
    attempt([this] { static_cast<void>(object.load()); });
    attempt([this] { static_cast<void>(object.try_lock()); });
    attempt([this] { static_cast<void>(object.try_lock_for(std::chrono::milliseconds(1))); });
    attempt([this] { static_cast<void>(reader.load()); });
    attempt([this] { array.store(1, 43); });
    attempt([this] { static_cast<void>(array.load(1)); });
    attempt([this] { static_cast<void>(array.snapshot()); });
    attempt([this] {
      auto guard = array.lock();
      guard.raw()[1] = 43;
    });
    attempt([this] {
      if (mutex.try_lock_for(std::chrono::milliseconds(1))) mutex.unlock();
    });
    attempt([this] {
      mutex.lock();
      mutex.unlock();
    });
  }

  shm::object<long> object;
  shm::array<long, 4> array;
  shm::mutex mutex;
  shm::object<const long> reader;
};

/// Those who stayed go on: with old handles and with new ones.
void check_that_all_is_well(const support::name (&names)[3], handles& stayed) {
  const auto is_one_of_both = [](long value) { return value == 42 || value == 43; };
  CHECK(is_one_of_both(stayed.object.load()));
  CHECK(is_one_of_both(stayed.array.load(1)));
  stayed.object.update([](long&) {});
  stayed.array.store(1, 42);
  stayed.mutex.lock();
  stayed.mutex.unlock();
  CHECK(is_one_of_both(shm::object<long>(names[0]).load()));
  CHECK(shm::array<long, 4>(names[1]).load(1) == 42);
  shm::mutex next(names[2]);
  CHECK(next.try_lock());
  next.unlock();
}

int id_of_set(const shm::key& key) {
  return support::set_of(key).id();
}
int id_of_segment(const shm::key& key) {
  return support::segment_of(key).id();
}

}  // namespace

TEST_CASE("a child that uses inherited handles in another IPC namespace harms nobody",
          "[inherited][slow]") {
  if (!may_make_namespaces()) {
    WARN("skipped: this user may not make an IPC namespace");
    return;
  }
  const support::watchdog watchdog(200);
  for (const there what : everything_there) {
    for (const bool has_sat : {false, true}) {
      for (std::size_t same_id_as = 0; same_id_as < 3; ++same_id_as) {
        CAPTURE(what, has_sat, same_id_as);
        const support::name names[3];
        handles all(names, shm::lifetime::persistent);
        all.object.store(42);
        all.array.store(1, 42);
        const int set_id = id_of_set(names[same_id_as]);
        const int segment_id = id_of_segment(names[same_id_as]);
        support::child elsewhere([&] {
          const support::watchdog own_watchdog;
          if (has_sat) all.use();
          if (::unshare(CLONE_NEWIPC) != 0) return 1;
          neighbour beside(what, set_id, segment_id);
          if (!beside.is_there()) return 2;
          all.use();
          return beside.is_untouched() ? 0 : 3;
        });
        CHECK(elsewhere.wait() == 0);
        check_that_all_is_well(names, all);
      }
    }
  }
}

TEST_CASE("a child that enters another IPC namespace while it holds or edits is as good as dead",
          "[inherited][slow]") {
  if (!may_make_namespaces()) {
    WARN("skipped: this user may not make an IPC namespace");
    return;
  }
  const support::watchdog watchdog(120);
  for (const there what : everything_there) {
    CAPTURE(what);
    const support::name mutex_name, array_name;
    shm::mutex mutex(mutex_name);
    shm::array<long, 4> array(shm::create_only, array_name, 1);
    const int set_id = id_of_set(mutex_name), segment_id = id_of_segment(mutex_name);
    support::baton is_there, may_end;
    support::child elsewhere([&]() -> int {
      const support::watchdog own_watchdog;
      mutex.lock();
      auto guard = array.lock();
      guard.raw()[0] = 9;
      if (::unshare(CLONE_NEWIPC) != 0) return 1;
      neighbour beside(what, set_id, segment_id);
      if (!beside.is_there()) return 2;
      is_there.pass();
      may_end.await();
      mutex.unlock();
      { const auto ends_here = std::move(guard); }
      return beside.is_untouched() ? 0 : 3;
    });
    is_there.await();
    mutex.lock();
    CHECK(mutex.owner_died());
    {
      auto guard = array.lock();
      CHECK(guard.owner_died());
      for (std::size_t i = 0; i < 4; ++i) guard.store(i, 5);
      guard.mark_repaired();
    }
    may_end.pass();
    CHECK(elsewhere.wait() == 0);
    CHECK_FALSE(shm::mutex(mutex_name).try_lock());  // the unlock over there was not this holder's
    mutex.unlock();
    CHECK(array.load(1) == 5);
    CHECK_FALSE(array.lock().owner_died());
  }
}

TEST_CASE(
    "a permit that is taken into another IPC namespace is given back here, and to nobody there",
    "[inherited][slow]") {
  if (!may_make_namespaces()) {
    WARN("skipped: this user may not make an IPC namespace");
    return;
  }
  const support::watchdog watchdog(120);
  for (const there what : everything_there) {
    for (const bool has_sat : {false, true}) {
      CAPTURE(what, has_sat);
      const support::name name;
      shm::semaphore semaphore(name, 2);
      const int set_id = id_of_set(name), segment_id = id_of_segment(name);
      support::child elsewhere([&] {
        const support::watchdog own_watchdog(30);
        std::optional<shm::permit> taken_along;
        if (has_sat) taken_along.emplace(semaphore.acquire());
        if (::unshare(CLONE_NEWIPC) != 0) return 1;
        neighbour beside(what, set_id, segment_id);
        if (!beside.is_there()) return 2;
        taken_along.reset();
        const auto is_told = [](auto use) { return support::code_of(use) == shm::errc::removed; };
        if (!is_told([&] { static_cast<void>(semaphore.try_acquire()); })) return 3;
        if (!is_told([&] { static_cast<void>(semaphore.acquire()); })) return 4;
        if (!is_told([&] { static_cast<void>(semaphore.available()); })) return 5;
        return beside.is_untouched() ? 0 : 6;
      });
      CHECK(elsewhere.wait() == 0);
      CHECK(semaphore.available() == 2);
    }
  }
}

TEST_CASE("a reader in another IPC namespace neither hangs nor sees a torn edit",
          "[inherited][slow]") {
  if (!may_make_namespaces()) {
    WARN("skipped: this user may not make an IPC namespace");
    return;
  }
  const support::watchdog watchdog(120);
  for (const there what : everything_there) {
    CAPTURE(what);
    const support::name name;
    shm::array<long, 4> array(shm::create_only, name, 1);
    const shm::array<const long, 4> reader(name);
    const int set_id = id_of_set(name), segment_id = id_of_segment(name);
    auto guard = array.lock();
    guard.raw()[0] = 9;
    support::child elsewhere([&] {
      const support::watchdog own_watchdog(30);
      if (::unshare(CLONE_NEWIPC) != 0) return 1;
      neighbour beside(what, set_id, segment_id);
      if (!beside.is_there()) return 2;
      const auto is_told = [](auto read) { return support::code_of(read) == shm::errc::removed; };
      if (!is_told([&] { static_cast<void>(reader.load(0)); })) return 3;
      if (!is_told([&] { static_cast<void>(array.load(0)); })) return 4;
      return beside.is_untouched() ? 0 : 5;
    });
    CHECK(elsewhere.wait() == 0);
  }
}

TEST_CASE("a process that enters another IPC namespace and closes its handles there harms nobody",
          "[slow]") {
  if (!may_make_namespaces()) {
    WARN("skipped: this user may not make an IPC namespace");
    return;
  }
  const support::watchdog watchdog(200);
  for (const there what : everything_there) {
    for (const shm::lifetime lifetime :
         {shm::lifetime::persistent, shm::lifetime::until_last_detach}) {
      for (const bool uses : {false, true}) {
        for (std::size_t same_id_as = 0; same_id_as < 3; ++same_id_as) {
          CAPTURE(what, lifetime, uses, same_id_as);
          const support::name names[3];
          handles all(names, lifetime);
          all.object.store(42);
          all.array.store(1, 42);
          support::child elsewhere([&] {
            const support::watchdog own_watchdog;
            auto mine = std::make_unique<handles>(names, lifetime);
            const int set_id = id_of_set(names[same_id_as]);
            const int segment_id = id_of_segment(names[same_id_as]);
            if (::unshare(CLONE_NEWIPC) != 0) return 1;
            neighbour beside(what, set_id, segment_id);
            if (!beside.is_there()) return 2;
            if (uses) mine->use();
            mine.reset();
            return beside.is_untouched() ? 0 : 3;
          });
          CHECK(elsewhere.wait() == 0);
          check_that_all_is_well(names, all);
        }
      }
    }
  }
}

TEST_CASE("an opener in another IPC namespace has an object of its own", "[slow]") {
  if (!may_make_namespaces()) {
    WARN("skipped: this user may not make an IPC namespace");
    return;
  }
  const support::watchdog watchdog;
  const support::name name;
  shm::object<long> here(shm::create_only, name, 42);
  support::child elsewhere([&] {
    if (::unshare(CLONE_NEWIPC) != 0) return 1;
    shm::object<long> there(shm::create_only, name, 1);
    there.store(2);
    attempt([&] { here.store(43); });
    return there.load() == 2 ? 0 : 2;
  });
  CHECK(elsewhere.wait() == 0);
  CHECK((here.load() == 42 || here.load() == 43));
}
