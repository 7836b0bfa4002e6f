// Watchable: what every handle offers to programs that wait for a change.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/deadline.hpp"
#include "sync/watch.hpp"

namespace shm {

class watcher;

/// The waiting functions of objects, arrays and maps, read-only and untyped handles included:
///
///     shm::object<const command> wanted("wanted");
///     for (std::uint64_t seen = wanted.version();; seen = wanted.wait(seen)) {
///       obey(wanted.load());
///     }
///
/// A thread that waits sleeps in the kernel. It is woken when a change is published, also if the
/// publisher or another waiting thread is killed meanwhile; a change that was published before it
/// slept is never missed. Several changes may be met by one wake-up. Any number of threads may wait
/// through one handle, and for one object.
///
/// A read-only handle is woken just as fast if its user may write the object too, or if the object
/// was created with options::wake_readers. Otherwise the thread looks again every millisecond.
///
/// A process that should wake others, and is stopped (SIGSTOP, a debugger) just then, delays them
/// by up to a second: then each looks again.
///
/// Through a sandbox that refuses the system call membarrier the thread looks again every
/// millisecond, too; on a kernel older than 5.16, and where the C library registers no list of
/// robust mutexes (musl), every 100 milliseconds.
template <class Handle>
class watchable {
 public:
  /// Blocks until the version is another than `seen`, and returns it. Returns at once if it is
  /// another already. The calling thread must not hold the lock of the object. Throws shm::error:
  /// removed, if the object is removed before or meanwhile.
  std::uint64_t wait(std::uint64_t seen) const { return *changed(seen, detail::deadline::never()); }

  /// Like wait(), but returns false if the version is still `seen` after that time. With a span of
  /// 0 it never blocks.
  template <class Rep, class Period>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> span, std::uint64_t seen) const {
    return changed(seen, detail::deadline::after(span)).has_value();
  }

 protected:
  /// @cond
  watchable() = default;
  watchable(watchable&&) = default;
  watchable(const watchable&) = default;
  watchable& operator=(watchable&&) = default;
  watchable& operator=(const watchable&) = default;
  ~watchable() = default;

  /// Returns nothing if the deadline passed.
  std::optional<std::uint64_t> changed(std::uint64_t seen, const detail::deadline& until) const {
    return static_cast<const Handle&>(*this).watched(
        [&](const auto& place, auto version, auto words) {
          return detail::watch(place).wait(seen, until, version, words);
        });
  }

 private:
  friend class watcher;
  template <class Use>
  void watched_by(Use use) const {
    static_cast<const Handle&>(*this).watched(use);
  }
  /// @endcond
};

}  // namespace shm
