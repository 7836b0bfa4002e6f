// Watch refused: waiting where the kernel, a sandbox or the permissions refuse what it is built on.
// SPDX-License-Identifier: MIT
#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <shm.hpp>
#include <string>
#include <thread>

#include "support/asleep.hpp"
#include "support/baton.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/kernel_view.hpp"
#include "support/names.hpp"
#include "support/refusal.hpp"
#include "support/sandbox.hpp"
#include "support/shared_page.hpp"
#include "support/users.hpp"
#include "support/watchdog.hpp"

using namespace std::chrono_literals;
using shm::detail::alarm_on_death;
using shm::detail::futex_word;
using support::child;

namespace {

constexpr long waitv = 449;  // which older headers do not name

/// A child that follows an object up to the version 3, each change of which is made when the one
/// before was noticed.
template <class Handle, class Prepare>
void check_follows(shm::object<int>& object, const shm::key& key, Prepare prepare) {
  const support::watchdog watchdog;
  support::baton ready, noticed;
  child follower([&] {
    const support::watchdog own_watchdog;
    if (!prepare()) return 2;
    int status = 1;
    // A new thread, which knows nothing that an older one was told before.
    std::thread([&] {
      const Handle handle(key);
      std::uint64_t seen = handle.version();
      ready.pass();
      for (int i = 0; i < 3; ++i) {
        seen = handle.wait(seen);
        noticed.pass();
      }
      if (handle.load() == 3) status = 0;
    }).join();
    return status;
  });
  ready.await();
  for (int i = 1; i <= 3; ++i) {
    object.store(i);
    noticed.await();
  }
  CHECK(follower.wait() == 0);
}

template <class Prepare>
void check_both_follow(Prepare prepare) {
  const support::name one, other;
  shm::object<int> first(one), second(other);
  check_follows<shm::object<int>>(first, one, prepare);
  check_follows<shm::object<const int>>(second, other, prepare);
}

}  // namespace

TEST_CASE("changes are noticed where the kernel cannot sleep at several words", "[seccomp]") {
  check_both_follow([] { return support::forbid(waitv, ENOSYS); });
  check_both_follow([] { return support::forbid(waitv, EPERM); });
}

TEST_CASE("changes are noticed where barriers are refused", "[seccomp]") {
  check_both_follow([] { return support::forbid(SYS_membarrier); });
}

TEST_CASE("changes are noticed where the C library registers no robust list", "[seccomp]") {
  check_both_follow([] { return support::forbid(SYS_get_robust_list, ENOSYS); });
}

TEST_CASE("a publisher without barriers of its own wakes", "[seccomp]") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> object(name);
  child publisher([&] {
    if (!support::forbid(SYS_membarrier)) return 2;
    shm::object<int> theirs(name);
    support::await_waiting(::getppid());
    theirs.store(1);
    return 0;
  });
  CHECK(object.wait(0) == 1);
  CHECK(publisher.wait() == 0);
}

TEST_CASE("a read-only handle asks to be woken for many versions at once") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  const shm::object<const int> viewer(name);
  CHECK_FALSE(viewer.wait_for(1ms, 0));
  const support::memory_of memory(name);
  const std::uint64_t asked = memory.head().watched;
  CHECK(asked >= 100);
  object.store(1);
  CHECK_FALSE(viewer.wait_for(1ms, 1));
  CHECK(memory.head().watched == asked);
}

TEST_CASE("a reader who may not write is told, by looking again or because the object is made so") {
  if (!support::may_play_users()) return;
  for (const bool wakes : {false, true}) {
    CAPTURE(wakes);
    const support::name name;
    shm::options how;
    how.access = shm::access::everyone_read;
    how.wake_readers = wakes;
    shm::object<int> object(name, how);
    const support::watchdog watchdog;
    support::baton ready, noticed;
    child reader([&] {
      const support::watchdog own_watchdog;
      support::become({1001, 1001});
      const shm::object<const int> theirs(name, how);
      ready.pass();
      std::uint64_t seen = 0;
      for (int i = 0; i < 3; ++i) {
        seen = theirs.wait(seen);
        noticed.pass();
      }
      return theirs.load() == 3 ? 0 : 1;
    });
    ready.await();
    for (int i = 1; i <= 3; ++i) {
      object.store(i);
      noticed.await();
    }
    CHECK(reader.wait() == 0);
    // A reader who may not write leaves no wish.
    CHECK(support::memory_of(name).head().watched == (wakes ? ~std::uint64_t{0} : 0));
  }
}

TEST_CASE("the kernel wakes a sleeper at the alarm of a thread that dies") {
  const support::watchdog watchdog;
  if (!alarm_on_death::works()) return;  // as under an emulator
  const support::shared_page<futex_word> alarm;
  child dying([&alarm] {
    const alarm_on_death if_killed(*alarm);
    support::await_waiting_at_futex(::getppid());
    support::die();
    return 0;
  });
  const auto minute = shm::detail::deadline::after(60s);
  shm::detail::status slept;
  do {
    slept = shm::detail::futex::wait({&*alarm, 0}, minute);
  } while (slept.error_number == EINTR);  // the child's death is a signal, too
  CHECK(slept.ok());
  CHECK(*alarm == 0);
  CHECK(dying.wait() == -SIGKILL);
}

TEST_CASE("an alarm inside an alarm gives back the one before") {
  const support::shared_page<futex_word> outer_word, inner_word;
  robust_list_head* list = nullptr;
  std::size_t size = 0;
  if (::syscall(SYS_get_robust_list, 0, &list, &size) != 0 || list == nullptr) return;
  CHECK(list->list_op_pending == nullptr);
  {
    const alarm_on_death outer(*outer_word);
    const auto* const pending = list->list_op_pending;
    CHECK(pending != nullptr);
    {
      const alarm_on_death inner(*inner_word);
      CHECK(list->list_op_pending != pending);
    }
    CHECK(list->list_op_pending == pending);
  }
  CHECK(list->list_op_pending == nullptr);
}

TEST_CASE("a robust mutex of the C library works beside the alarm, held and being taken") {
  const support::watchdog watchdog;
  struct both {
    pthread_mutex_t held;
    pthread_mutex_t taken;
    std::atomic<bool> holds{false};
  };
  const support::shared_page<both> shared;
  pthread_mutexattr_t robust;
  ::pthread_mutexattr_init(&robust);
  ::pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
  ::pthread_mutex_init(&shared->held, &robust);
  ::pthread_mutex_init(&shared->taken, &robust);
  ::pthread_mutexattr_destroy(&robust);
  const support::name name;
  shm::object<int> object(name);

  child holder([&] {
    const support::watchdog own_watchdog;
    shm::object<int> theirs(name);
    ::pthread_mutex_lock(&shared->held);
    theirs.store(1);  // with the mutex in the list of this thread
    ::pthread_mutex_lock(&shared->taken);
    ::pthread_mutex_unlock(&shared->taken);
    theirs.store(2);
    shared->holds = true;
    theirs.wait(2);  // dies here
    return 1;
  });
  support::await_waiting(holder);
  REQUIRE(shared->holds);
  holder.kill();
  CHECK(::pthread_mutex_lock(&shared->held) == EOWNERDEAD);
  CHECK(::pthread_mutex_consistent(&shared->held) == 0);
  CHECK(::pthread_mutex_unlock(&shared->held) == 0);
  CHECK(::pthread_mutex_trylock(&shared->taken) == 0);
  CHECK(::pthread_mutex_unlock(&shared->taken) == 0);
  CHECK(object.load() == 2);
}

TEST_CASE("a thread that ends after it has published leaves the next one its own alarm") {
  const support::watchdog watchdog;
  const support::name name;
  shm::object<int> object(name);
  for (int i = 1; i <= 20; ++i) std::thread([&] { object.store(i); }).join();
  std::thread waits([&] { CHECK(object.wait(20) == 21); });
  std::thread([&] { object.store(21); }).join();
  waits.join();
}

TEST_CASE("exit() beside a thread that waits harms nobody") {
  const support::watchdog watchdog;
  const support::name name;
  const shm::object<int> object(name);
  child process([&]() -> int {
    static std::optional<shm::object<int>> closed_by_exit;
    static std::optional<shm::object<const int>> viewer_closed_by_exit;
    closed_by_exit.emplace(name);
    viewer_closed_by_exit.emplace(name);
    const pid_t me = ::getpid();
    pid_t ids[2] = {};
    std::atomic<int> started{0};
    const auto waits = [&](const auto& handle, pid_t& id) {
      id = static_cast<pid_t>(::syscall(SYS_gettid));
      ++started;
      handle.wait(0);
    };
    std::thread([&] { waits(*closed_by_exit, ids[0]); }).detach();
    std::thread([&] { waits(*viewer_closed_by_exit, ids[1]); }).detach();
    while (started < 2) std::this_thread::yield();
    for (const pid_t id : ids) {
      while (support::call_of_sleeping(me, id) != support::call_of_waiting()) ::sched_yield();
    }
    std::exit(5);
  });
  CHECK(process.wait() == 5);
  shm::object<int> goes_on(name);
  goes_on.store(1);
  CHECK(object.load() == 1);
}
