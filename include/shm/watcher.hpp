// Watcher: a file descriptor that is readable while any of several objects has changed.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "os/process.hpp"
#include "sync/watch_group.hpp"

namespace shm {

/// Watches objects, arrays and maps for a program that waits in an event loop:
///
///     shm::object<const command> wanted("wanted");
///     shm::watcher watcher;
///     const std::size_t number = watcher.add(wanted);
///     // in the loop, when watcher.fd() is readable:
///     for (const std::size_t changed : watcher.changed()) {
///       if (changed == number) obey(wanted.load());
///     }
///
/// The descriptor works with poll, epoll, and the loops built on them. Every change makes it
/// readable; several changes may be reported as one. It is edge-safe: a change after changed() has
/// returned makes it readable again, so load after changed(). A removed object is reported once;
/// the next load() through its handle throws errc::removed.
///
/// A watcher has a thread of its own for each 18 handles, begun when the first of them is added.
/// The thread handles no signals and calls no function of the program. Read-only handles are
/// reported as late as a thread that waits through them would be woken.
///
/// All functions may be called from several threads at once. A child that fork() made cannot use
/// its copy: what it calls throws std::errc::operation_not_permitted, except the destructor. The
/// child makes a watcher of its own.
class watcher {
 public:
  /// Throws std::system_error if the kernel has no descriptor left.
  watcher() = default;
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  /// Blocks until its threads have ended. They never wait for other processes.
  ~watcher() = default;

  /// Watches for changes from now on. Returns a number for the handle; no other handle of this
  /// watcher has or gets it. The handle may be moved, but must not be closed before remove().
  /// Throws std::system_error if no thread can be made.
  template <class Handle>
  std::size_t add(const Handle& handle) {
    const std::lock_guard<std::mutex> guard(own().mutex);
    handle.watched_by([this](const auto& place, auto version, auto words) {
      using watched = detail::watched_handle_of<decltype(version), decltype(words)>;
      group_with_room().add(std::make_unique<watched>(last_number_ + 1, place, version, words));
    });
    return ++last_number_;
  }

  /// Watches that handle no longer. After it has returned, the handle may be closed, and changed()
  /// does not name it. Does nothing if there is no such number.
  void remove(std::size_t number) {
    std::unique_lock<std::mutex> guard(own().mutex);
    for (const auto& group : groups_) {
      if (group->remove(number, guard)) return;
    }
  }

  /// Readable while changed() would name any handle. Valid as long as the watcher. Do not read or
  /// close it.
  int fd() const noexcept { return shared_.changes.descriptor(); }

  /// Returns the numbers of the handles whose objects have changed since the last call, in no
  /// order, and makes the descriptor unreadable until the next change. Never blocks.
  std::vector<std::size_t> changed() {
    const std::lock_guard<std::mutex> guard(own().mutex);
    shared_.changes.clear();
    std::vector<std::size_t> numbers;
    for (const auto& group : groups_) group->collect_reported(numbers);
    return numbers;
  }

 private:
  detail::watch_group::shared& own() {
    if (detail::process::current() == process_) return shared_;
    throw error(std::make_error_code(std::errc::operation_not_permitted),
                "shm::watcher: it was made before fork() and belongs to the parent; make another "
                "one in the child");
  }

  detail::watch_group& group_with_room() {
    for (const auto& group : groups_) {
      if (group->has_room()) return *group;
    }
    groups_.push_back(std::make_unique<detail::watch_group>(shared_));
    return *groups_.back();
  }

  detail::watch_group::shared shared_;
  std::vector<std::unique_ptr<detail::watch_group>> groups_;
  std::size_t last_number_ = 0;
  detail::process_epoch process_ = prepared();

  static detail::process_epoch prepared() {
    detail::process::prepare();
    return detail::process::current();
  }
};

}  // namespace shm
