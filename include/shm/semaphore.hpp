// Semaphore: a number of permits that processes share; those of a dead process come back.
// SPDX-License-Identifier: MIT
#pragma once

#include "base/requirements.hpp"

#include <chrono>
#include <cstddef>
#include <gsl/assert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/open_mode.hpp"
#include "base/options.hpp"
#include "os/key.hpp"
#include "session/connection.hpp"
#include "sync/permit_pool.hpp"

namespace shm {

class permit;

/// A counting semaphore with a name: as many holders at once as it has permits. The permits of a
/// process that ends, in whatever way, come back by themselves.
///
///     shm::semaphore uploads("uploads", 3);   // opens it, or creates it with 3 permits
///     shm::permit one = uploads.acquire();    // blocks while 3 are held
///     send(file);                             // at most 3 at once, over all processes
///
/// Movable, not copyable; one handle may be used from several threads. Permits belong to the
/// process: a thread that ends without releasing its permit keeps it until the process ends, and so
/// does a program that calls exec. A forked child inherits none. Waiters are served in no
/// particular order.
///
/// Constructors and destructor block, and constructors throw, like those of shm::object. A crash
/// in the constructor leaves nothing, or a semaphore that the next opener completes. A handle that
/// a forked child inherited takes a seat of its own at its first acquire, which can throw and block
/// as opening does, but never beyond the deadline of a timed call.
class semaphore {
 public:
  /// The largest number of permits that a semaphore can have.
  static constexpr unsigned max_permits = detail::most_permits;

  /// Opens it, or creates it with that many permits, all of them free. Throws shm::error:
  /// std::errc::invalid_argument unless there are 1 to max_permits; type_mismatch if it exists with
  /// another number of permits.
  semaphore(const key& which, unsigned permits, const options& how = {})
      : place_(open(which, permits, how)) {}

  /// Takes a permit. Blocks while none is free, also if this very thread holds all of them. Throws
  /// shm::error: removed, corrupt; limit_reached if the kernel has no memory to note that the
  /// permit has to come back. After a throw no permit is held.
  [[nodiscard]] permit acquire() &;
  void acquire() && = delete;  // keep the handle in a variable

  /// Like acquire(), but returns nothing if no permit is free. Never blocks. In a forked child, at
  /// its first use, also returns nothing while another process creates, opens or removes the
  /// semaphore.
  [[nodiscard]] std::optional<permit> try_acquire() &;
  void try_acquire() && = delete;  // keep the handle in a variable

  /// Like acquire(), but returns nothing if no permit is free for that long.
  template <class Rep, class Period>
  [[nodiscard]] std::optional<permit> try_acquire_for(std::chrono::duration<Rep, Period> span) &;
  template <class Span>
  void try_acquire_for(Span) && = delete;  // keep the handle in a variable

  /// Returns how many permits are free just now: by the time that the caller looks at the number,
  /// there may be more or fewer. Never blocks. Throws shm::error: removed.
  [[nodiscard]] unsigned available() const { return detail::permit_pool(opened()).free(); }

  /// The name that stands in the segment; valid as long as the handle.
  std::string_view name() const noexcept { return opened().name(); }

 private:
  static detail::open_handle<detail::connection> open(const key& which, unsigned permits,
                                                      const options& how) {
    if (permits == 0 || permits > max_permits) {
      throw error(std::make_error_code(std::errc::invalid_argument),
                  detail::describe({which.name(), which.segment_key()}) + ": a semaphore of " +
                      std::to_string(permits) + " permits; it must have from 1 to " +
                      std::to_string(max_permits));
    }
    // Recorded as the size of a type, so that another number is another type.
    const schema counted(std::string(), permits, 1);
    const detail::blueprint plan{detail::segment_kind::semaphore, &counted, 0, 1,
                                 [](std::byte*, const void*) {},  nullptr};
    return detail::open_handle<detail::connection>(
        new detail::connection(which, detail::open_mode::open_or_create, how, &plan));
  }

  detail::connection& opened() const {
    Expects(place_ != nullptr);
    return *place_;
  }

  std::optional<permit> take(const detail::deadline& until);

  detail::open_handle<detail::connection> place_;
};

/// One permit of a semaphore, from acquire() until release() or the end of its scope. Movable, not
/// copyable. May be moved to another thread and released there.
///
/// The handle that it came from must outlive it; moving that handle is no harm. If the process
/// ends, in whatever way, the kernel gives the permit back.
class permit {
 public:
  /// The other one holds no permit afterwards.
  permit(permit&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)), holder_(other.holder_) {}
  /// Gives back the permit that it held before.
  permit& operator=(permit&& other) noexcept {
    permit taken(std::move(other));
    std::swap(from_, taken.from_);
    std::swap(holder_, taken.holder_);
    return *this;
  }
  ~permit() { release(); }

  /// Gives the permit back. Does nothing if that was done before, in a moved-from permit, and in a
  /// forked child's copy: the permit belongs to the parent. Never blocks, never throws.
  void release() noexcept {
    detail::connection* const from = std::exchange(from_, nullptr);
    if (from == nullptr || detail::process::current() != holder_) return;
    detail::permit_pool(*from).give_back();
  }

 private:
  friend class semaphore;
  explicit permit(detail::connection& from) noexcept
      : from_(&from), holder_(detail::process::current()) {}

  detail::connection* from_;
  detail::process_epoch holder_;
};

inline permit semaphore::acquire() & {
  return *take(detail::deadline::never());
}

inline std::optional<permit> semaphore::try_acquire() & {
  return take(detail::deadline::now());
}

/// @cond
template <class Rep, class Period>
std::optional<permit> semaphore::try_acquire_for(std::chrono::duration<Rep, Period> span) & {
  return take(detail::deadline::after(span));
}
/// @endcond

inline std::optional<permit> semaphore::take(const detail::deadline& until) {
  detail::connection& place = opened();  // exit() may destroy this handle meanwhile
  if (!detail::permit_pool(place).take(until)) return std::nullopt;
  return permit(place);
}

}  // namespace shm
